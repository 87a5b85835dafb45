"""Answers questions about certificates with pkilint and with Python's cryptography.

One question in JSON a line on standard input, one answer in JSON a line on standard output, until the input ends: loading
the linters takes most of a second, so a test starts this once and asks hundreds.
"""

import base64
import datetime
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.name import _ASN1Type as StringType
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from pkilint import loader, pkix
from pkilint.bin import lint_pkix_signer_signee_cert_chain as pair
from pkilint.pkix import certificate, crl, extension, name, ocsp
from pkilint.validation import ValidationFindingSeverity

DECODERS = [
    pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
    pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
]
CERTIFICATE = certificate.create_pkix_certificate_validator_container(
    certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
    [
        certificate.create_issuer_validator_container([]),
        certificate.create_validity_validator_container(),
        certificate.create_subject_validator_container([]),
        certificate.create_extensions_validator_container([]),
        certificate.create_spki_validator_container([]),
    ],
)
CRL = crl.create_pkix_crl_validator_container(
    DECODERS,
    [
        crl.create_issuer_validator_container([]),
        crl.create_validity_validator_container([]),
        crl.create_extensions_validator_container([]),
    ],
)
OCSP = ocsp.create_pkix_ocsp_response_validator_container([ocsp.create_response_decoder()] + DECODERS, [])
DECODE, ISSUER, SUBJECT = (
    pair.create_decoder_validation_container(),
    pair.create_issuer_validation_container(),
    pair.create_subject_validation_container(),
)


def lint(asked):
    """What pkilint warns of or worse in one certificate."""
    document = loader.RFC5280CertificateDocumentLoader().load_der_document(octets(asked["certificate"]))
    return findings(CERTIFICATE.validate(document.root))


def lint_pair(asked):
    """Whether a certificate is its issuer's: names and key identifiers octet by octet, and the signature."""
    load = loader.RFC5280CertificateDocumentLoader().load_der_document
    both = {}
    for role in ["issuer", "subject"]:
        both[role] = load(octets(asked[role]), role, role, both)
    results = DECODE.validate(both["issuer"].root) + DECODE.validate(both["subject"].root)
    return findings(results + ISSUER.validate(both["issuer"].root) + SUBJECT.validate(both["subject"].root))


def lint_crl(asked):
    """What pkilint warns of or worse in one certificate revocation list."""
    document = loader.RFC5280CertificateListDocumentLoader().load_der_document(octets(asked["crl"]))
    return findings(CRL.validate(document.root))


def lint_ocsp(asked):
    """What pkilint warns of or worse in one OCSP response."""
    document = loader.RFC6960OCSPResponseDocumentLoader().load_der_document(octets(asked["ocsp"]))
    return findings(OCSP.validate(document.root))


def verify(asked):
    """Whether cryptography finds a path for a server (with `name`) or a client."""
    chain = [x509.load_der_x509_certificate(octets(it)) for it in asked["chain"]]
    store = Store([x509.load_der_x509_certificate(octets(it)) for it in asked["roots"]])
    at = datetime.datetime.fromtimestamp(asked["at"], datetime.timezone.utc)
    builder = PolicyBuilder().store(store).time(at)
    if asked["name"]:
        verifier = builder.build_server_verifier(x509.DNSName(asked["name"]))
    else:
        verifier = builder.build_client_verifier()
    try:
        verifier.verify(chain[0], chain[1:])
        return {"refused": None}
    except VerificationError as error:
        return {"refused": str(error)}


def check(asked):
    """Whether cryptography takes a signing request and its signature."""
    request = x509.load_der_x509_csr(octets(asked["request"]))
    return {"refused": None if request.is_signature_valid else "the signature is not the key's"}


def requests(_):
    """One signing request of every kind that Python programs send."""
    p256 = ec.generate_private_key(ec.SECP256R1())
    keys = {
        "p256-sha256": (p256, hashes.SHA256()),
        "p256-sha384": (p256, hashes.SHA384()),
        "p384-sha256": (ec.generate_private_key(ec.SECP384R1()), hashes.SHA256()),
        "p521-sha512": (ec.generate_private_key(ec.SECP521R1()), hashes.SHA512()),
        "ed25519": (ed25519.Ed25519PrivateKey.generate(), None),
        "rsa-sha256": (rsa.generate_private_key(65537, 2048), hashes.SHA256()),
    }
    host = x509.SubjectAlternativeName([x509.DNSName("python.foreign.example")])
    common = x509.NameAttribute(NameOID.COMMON_NAME, "python.foreign.example")
    plain = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "AQ"), common])
    made = {kind: request(plain, [host], *key) for kind, key in keys.items()}
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    made["rsa-pss-sha256"] = request(plain, [host], *keys["rsa-sha256"], rsa_padding=pss)
    subjects = {
        "t61-string": [attribute(NameOID.ORGANIZATION_NAME, "Foreign", StringType.T61String), common],
        "bmp-string": [attribute(NameOID.ORGANIZATION_NAME, "Fremd-Gerät", StringType.BMPString), common],
        "universal-string": [attribute(NameOID.ORGANIZATION_NAME, "Fremd", StringType.UniversalString), common],
        "domain-components": [
            attribute(NameOID.DOMAIN_COMPONENT, "example", StringType.IA5String),
            attribute(NameOID.DOMAIN_COMPONENT, "foreign", StringType.IA5String),
            common,
        ],
        "two-units": [
            attribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "second", StringType.UTF8String),
            attribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "first", StringType.UTF8String),
            common,
        ],
        "empty-subject": [],
    }
    for kind, subject in subjects.items():
        made[kind] = request(x509.Name(subject), [host], *keys["p256-sha256"])
    several = x509.Name([x509.RelativeDistinguishedName([common, attribute(NameOID.USER_ID, "7", StringType.UTF8String)])])
    made["multi-valued-name"] = request(several, [host], *keys["p256-sha256"])
    extensions = {
        "must-staple": [host, x509.TLSFeature([x509.TLSFeatureType.status_request])],
        "unknown-extension": [host, x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.7"), b"\x0c\x02hi")],
        "usages": [
            host,
            x509.KeyUsage(True, False, False, False, True, False, False, False, False),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
        ],
        "no-extensions": [],
    }
    for kind, asked in extensions.items():
        made[kind] = request(plain, asked, *keys["p256-sha256"])
    return {"requests": made}


def request(subject, extensions, key, digest, **how):
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for it in extensions:
        builder = builder.add_extension(it, critical=False)
    der = builder.sign(key, digest, **how).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(der).decode()


def attribute(kind, value, string):
    return x509.NameAttribute(kind, value, string)


def findings(results):
    found = [
        {"lint": it.finding.code, "level": str(it.finding.severity).lower(), "detail": it.message or ""}
        for result in results
        for it in result.finding_descriptions
        if it.finding.severity <= ValidationFindingSeverity.WARNING
    ]
    return {"findings": sorted(found, key=lambda it: it["lint"])}


def octets(text):
    return base64.b64decode(text)


ANSWERS = {
    "lint": lint,
    "lint pair": lint_pair,
    "lint crl": lint_crl,
    "lint ocsp": lint_ocsp,
    "verify": verify,
    "check": check,
    "requests": requests,
}

for line in sys.stdin:
    try:
        asked = json.loads(line)
        said = ANSWERS[asked["ask"]](asked)
    except Exception as error:  # Whatever it was, the one who asked must hear of it.
        said = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
