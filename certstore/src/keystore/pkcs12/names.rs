//! The names of things in PKCS #12: OBJECT IDENTIFIERs in DER, their tags included.

/// 1.2.840.113549.1.7.1: id-data.
pub(super) const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
/// 1.2.840.113549.1.7.6: id-encryptedData.
pub(super) const ENCRYPTED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";

/// 1.2.840.113549.1.12.10.1.1: keyBag.
pub(super) const KEY_BAG: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01";
/// 1.2.840.113549.1.12.10.1.2: pkcs-8ShroudedKeyBag.
pub(super) const SHROUDED_KEY_BAG: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02";
/// 1.2.840.113549.1.12.10.1.3: certBag.
pub(super) const CERTIFICATE_BAG: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03";
/// 1.2.840.113549.1.9.22.1: x509Certificate.
pub(super) const X509_CERTIFICATE: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01";

/// 1.2.840.113549.1.9.20: friendlyName.
pub(super) const FRIENDLY_NAME: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14";
/// 1.2.840.113549.1.9.21: localKeyID.
pub(super) const LOCAL_KEY_ID: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15";
/// 2.16.840.1.113894.746875.1.1: Oracle's trustedKeyUsage, without which Java trusts nothing in a file of PKCS #12.
pub(super) const TRUSTED_KEY_USAGE: &[u8] = b"\x06\x0c\x60\x86\x48\x01\x86\xf9\x66\xad\xca\x7b\x01\x01";
/// 2.5.29.37.0: anyExtendedKeyUsage.
pub(super) const ANY_EXTENDED_KEY_USAGE: &[u8] = b"\x06\x04\x55\x1d\x25\x00";

/// 1.2.840.113549.1.12.1.3: pbeWithSHAAnd3-KeyTripleDES-CBC.
pub(super) const PBE_TRIPLE_DES: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03";
/// 1.2.840.113549.1.12.1.6: pbeWithSHAAnd40BitRC2-CBC.
pub(super) const PBE_RC2: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x06";
/// 1.2.840.113549.1.5.13: id-PBES2.
pub(super) const PBES2: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
/// 1.2.840.113549.1.5.12: id-PBKDF2.
pub(super) const PBKDF2: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
/// 1.2.840.113549.1.5.14: id-PBMAC1.
pub(super) const PBMAC1: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e";
/// 1.2.840.113549.2.7: id-hmacWithSHA1.
pub(super) const HMAC_SHA1: &[u8] = b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x07";
/// 1.2.840.113549.2.9: id-hmacWithSHA256.
pub(super) const HMAC_SHA256: &[u8] = b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x09";
/// 1.2.840.113549.2.10: id-hmacWithSHA384.
pub(super) const HMAC_SHA384: &[u8] = b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x0a";
/// 1.2.840.113549.2.11: id-hmacWithSHA512.
pub(super) const HMAC_SHA512: &[u8] = b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x0b";
/// 2.16.840.1.101.3.4.1.2: aes128-CBC.
pub(super) const AES128: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02";
/// 2.16.840.1.101.3.4.1.22: aes192-CBC.
pub(super) const AES192: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x16";
/// 2.16.840.1.101.3.4.1.42: aes256-CBC.
pub(super) const AES256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a";

/// 1.3.14.3.2.26: id-sha1.
pub(super) const SHA1: &[u8] = b"\x06\x05\x2b\x0e\x03\x02\x1a";
/// 2.16.840.1.101.3.4.2.1: id-sha256.
pub(super) const SHA256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
/// 2.16.840.1.101.3.4.2.2: id-sha384.
pub(super) const SHA384: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02";
/// 2.16.840.1.101.3.4.2.3: id-sha512.
pub(super) const SHA512: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03";

/// NULL, where a name has no parameters.
pub(super) const NULL: &[u8] = b"\x05\x00";
