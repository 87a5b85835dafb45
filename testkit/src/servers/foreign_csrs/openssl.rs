//! What people make with `openssl req`.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use crate::servers::judges::{Folder, OpenSsl};

pub(super) fn requests() -> BTreeMap<String, Vec<u8>> {
    let openssl = OpenSsl::find();
    let folder = Folder::new();
    let mut keys = BTreeMap::new();
    KINDS
        .iter()
        .map(|kind| {
            let key = keys.entry(kind.key).or_insert_with(|| {
                let made = openssl.run(&words(kind.key)).unwrap_or_else(|said| panic!("openssl {}: {said}", kind.key));
                folder.file(&kind.key.replace([' ', ':'], "-"), made)
            });
            let config = folder.file("openssl.cnf", kind.config());
            let mut arguments = words("req -new -batch -utf8 -outform DER -config");
            arguments.extend([config.as_os_str(), "-key".as_ref(), key.as_os_str()]);
            arguments.extend(words(kind.options));
            let der = openssl.run(&arguments).unwrap_or_else(|said| panic!("openssl {}: {said}", kind.name));
            (kind.name.to_owned(), der)
        })
        .collect()
}

struct Kind {
    name: &'static str,
    key: &'static str,
    options: &'static str,
    /// How `openssl req` writes texts: `utf8only`, or the mask of one string type.
    strings: &'static str,
    subject: &'static str,
    attributes: &'static str,
    extensions: &'static str,
}

impl Kind {
    const fn new(name: &'static str, key: &'static str, options: &'static str) -> Self {
        Self { name, key, options, strings: "utf8only", subject: SUBJECT, attributes: "", extensions: NAMES }
    }

    const fn called(name: &'static str, subject: &'static str) -> Self {
        Self { subject, ..Self::new(name, P256, "-sha256") }
    }

    const fn extended(name: &'static str, extensions: &'static str) -> Self {
        Self { extensions, ..Self::new(name, P256, "-sha256") }
    }

    fn config(&self) -> String {
        let Self { strings, subject, attributes, extensions, .. } = self;
        let wanted = if extensions.is_empty() { "" } else { "req_extensions = extensions\n" };
        format!(
            "[req]\nprompt = no\nstring_mask = {strings}\ndistinguished_name = subject\nattributes = attributes\n{wanted}\
             [subject]\n{subject}\n[attributes]\n{attributes}\n[extensions]\n{extensions}\n\
             [names]\nDNS.1 = openssl.foreign.example\nDNS.2 = *.openssl.foreign.example\nIP.1 = 192.0.2.8\nIP.2 = 2001:db8::8\n\
             email.1 = someone@foreign.example\nURI.1 = urn:uuid:8f1d2c5e-3ef1-4f2c-9d26-8a3f3c1f5b7e\nRID.1 = 1.3.6.1.4.1.32473.8\n\
             otherName.1 = msUPN;UTF8:someone@foreign.example\ndirName.1 = directory\n[directory]\nO = Foreign\nCN = Somebody\n"
        )
    }
}

fn words(line: &str) -> Vec<&OsStr> {
    line.split_whitespace().map(OsStr::new).collect()
}

const P256: &str = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256";
const P384: &str = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384";
const P521: &str = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521";
const RSA: &str = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048";
const RSA_3072: &str = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072";
const ED25519: &str = "genpkey -algorithm ed25519";
const SUBJECT: &str = "C = AQ\nO = Foreign\nCN = openssl.foreign.example";
const NAMES: &str = "subjectAltName = DNS:openssl.foreign.example";

static KINDS: &[Kind] = &[
    Kind::new("p256-sha256", P256, "-sha256"),
    Kind::new("p256-sha384", P256, "-sha384"),
    Kind::new("p384-sha256", P384, "-sha256"),
    Kind::new("p521-sha256", P521, "-sha256"),
    Kind::new("p521-sha512", P521, "-sha512"),
    Kind::new("ed25519", ED25519, ""),
    Kind::new("rsa-sha256", RSA, "-sha256"),
    Kind::new("rsa-sha384", RSA, "-sha384"),
    Kind::new("rsa3072-sha512", RSA_3072, "-sha512"),
    Kind::new("rsa-pss-sha256", RSA, "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"),
    Kind::new("rsa-pss-longest-salt", RSA, "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max"),
    Kind::new("rsa-pss-sha512", RSA, "-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:64"),
    Kind { strings: "MASK:0x0004", ..Kind::called("t61-string", "O = K\u{e4}se\nCN = openssl.foreign.example") },
    Kind {
        strings: "MASK:0x0800",
        ..Kind::called("bmp-string", "O = Fromagerie \u{3b1}\nCN = openssl.foreign.example")
    },
    Kind { options: "-sha256 -subj /", ..Kind::called("empty-subject", SUBJECT) },
    Kind::called("two-units", "0.OU = second\n1.OU = first\nCN = openssl.foreign.example"),
    Kind::called("domain-components", "0.DC = example\n1.DC = foreign\nCN = openssl.foreign.example"),
    Kind::called("multi-valued-name", "O = Foreign\nCN = openssl.foreign.example\n+UID = 8"),
    Kind::called(
        "every-attribute",
        "C = AQ\nST = Coast\nL = Station\nstreet = 1 Ice Road\npostalCode = 00000\nO = Foreign\nOU = Unit\nCN = openssl.foreign.example\n\
         serialNumber = 8\nemailAddress = someone@foreign.example\nGN = Some\nSN = Body\ntitle = Dr\nUID = 8\n0.1.3.6.1.4.1.32473.9 = private",
    ),
    Kind {
        attributes: "challengePassword = hunter22\nunstructuredName = a name",
        ..Kind::called("attributes", SUBJECT)
    },
    Kind::extended("no-extensions", ""),
    Kind::extended("every-name", "subjectAltName = critical, @names"),
    Kind::extended("must-staple", "subjectAltName = DNS:openssl.foreign.example\ntlsfeature = status_request"),
    Kind::extended(
        "unknown-extensions",
        "subjectAltName = DNS:openssl.foreign.example\n1.3.6.1.4.1.32473.7 = ASN1:UTF8String:hi\n1.3.6.1.4.1.32473.10 = DER:0500",
    ),
    Kind::extended(
        "usages",
        "subjectAltName = DNS:openssl.foreign.example\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth, 1.3.6.1.4.1.32473.11",
    ),
    Kind::extended(
        "authority",
        "basicConstraints = critical, CA:TRUE, pathlen:0\nkeyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash",
    ),
];
