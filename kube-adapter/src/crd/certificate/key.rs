//! The private key of a certificate, and what it may be used for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open::open_enum;

/// Kind, form and rotation of the private key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PrivateKey {
    /// `Always` makes a new key for each certificate, `Never` keeps the one in the Secret; `Always` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_policy: Option<RotationPolicy>,
    /// How the key is written: `PKCS1` (for ECDSA the SEC 1 form) or `PKCS8`; `PKCS1` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<PrivateKeyEncoding>,
    /// Kind of the key; `RSA` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<PrivateKeyAlgorithm>,
    /// Bits of an RSA key (2048 to 8192, 2048 unless given) or of the curve of an ECDSA key (256, 384 or 521, 256 unless given).
    #[serde(skip_serializing_if = "crate::crd::open::is_default")]
    #[schemars(extend("x-plain" = true))]
    pub size: i64,
}

open_enum! {
    /// What a key may be used for, as key usage or extended key usage (RFC 5280, section 4.2.1).
    KeyUsage {
        /// Signatures; the same as [`DigitalSignature`](Self::DigitalSignature).
        Signing = "signing",
        /// Signatures other than those on certificates and revocation lists.
        DigitalSignature = "digital signature",
        /// Signatures that shall not be denied later.
        ContentCommitment = "content commitment",
        /// Encryption of keys.
        KeyEncipherment = "key encipherment",
        /// Agreement on keys.
        KeyAgreement = "key agreement",
        /// Encryption of data.
        DataEncipherment = "data encipherment",
        /// Signatures on certificates.
        CertSign = "cert sign",
        /// Signatures on revocation lists.
        CrlSign = "crl sign",
        /// Encryption alone, with key agreement.
        EncipherOnly = "encipher only",
        /// Decryption alone, with key agreement.
        DecipherOnly = "decipher only",
        /// Every extended usage.
        Any = "any",
        /// TLS servers.
        ServerAuth = "server auth",
        /// TLS clients.
        ClientAuth = "client auth",
        /// Signatures on code.
        CodeSigning = "code signing",
        /// Protection of mail.
        EmailProtection = "email protection",
        /// Protection of mail; the same as [`EmailProtection`](Self::EmailProtection).
        SMime = "s/mime",
        /// Hosts that speak IPsec.
        IpsecEndSystem = "ipsec end system",
        /// Tunnels of IPsec.
        IpsecTunnel = "ipsec tunnel",
        /// Users of IPsec.
        IpsecUser = "ipsec user",
        /// Time stamps.
        Timestamping = "timestamping",
        /// Answers of OCSP.
        OcspSigning = "ocsp signing",
        /// Microsoft's server gated cryptography.
        MicrosoftSgc = "microsoft sgc",
        /// Netscape's server gated cryptography.
        NetscapeSgc = "netscape sgc",
    }
}

open_enum! {
    /// Kind of a private key.
    PrivateKeyAlgorithm {
        /// RSA.
        Rsa = "RSA",
        /// ECDSA on one of the NIST curves.
        Ecdsa = "ECDSA",
        /// Ed25519.
        Ed25519 = "Ed25519",
    }
}

open_enum! {
    /// Form in which a private key is written.
    PrivateKeyEncoding {
        /// PKCS#1 for RSA, SEC 1 for ECDSA.
        Pkcs1 = "PKCS1",
        /// PKCS#8.
        Pkcs8 = "PKCS8",
    }
}

open_enum! {
    /// What happens to the private key when a certificate is replaced.
    RotationPolicy {
        /// It stays.
        Never = "Never",
        /// It is replaced as well.
        Always = "Always",
    }
}

open_enum! {
    /// Algorithm of the signature on a signing request.
    SignatureAlgorithm {
        /// RSA with SHA-256.
        Sha256WithRsa = "SHA256WithRSA",
        /// RSA with SHA-384.
        Sha384WithRsa = "SHA384WithRSA",
        /// RSA with SHA-512.
        Sha512WithRsa = "SHA512WithRSA",
        /// ECDSA with SHA-256.
        EcdsaWithSha256 = "ECDSAWithSHA256",
        /// ECDSA with SHA-384.
        EcdsaWithSha384 = "ECDSAWithSHA384",
        /// ECDSA with SHA-512.
        EcdsaWithSha512 = "ECDSAWithSHA512",
        /// Ed25519.
        PureEd25519 = "PureEd25519",
    }
}
