//! Signing requests of foreign programs, certified by authorities of every kind, before every judge.

use std::collections::BTreeSet;

use certwright_issuers::certify::{Application, Terms};
use certwright_issuers::csr::Request;
use certwright_issuers::template::SerialNumber;
use certwright_issuers::{Error, ErrorKind, Issued};
use testkit::servers::foreign_csrs::{self, ForeignCsr};
use testkit::servers::judges::{Finding, Go, OpenSsl, Python, Trial};

use crate::world::{DAY, Kind, NOW, every_kind};

#[test]
fn names_and_keys_of_foreign_requests_are_copied_to_the_byte_and_every_judge_is_content() {
    let judges = Judges { go: Go::start(), python: Python::start(), openssl: OpenSsl::find() };
    let kinds = every_kind();
    let mut complaints = Vec::new();
    let mut unused: BTreeSet<_> = (0..EXCUSED.len()).collect();
    for (number, foreign) in foreign_csrs::kept().iter().enumerate() {
        if is_unverifiable(foreign) {
            assert_eq!(
                Application::read(&foreign.der).unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{}",
                foreign.label
            );
            continue;
        }
        for kind in &kinds {
            let case = format!("{} by {}", foreign.label, kind.name);
            let issued = certify(kind, foreign, number).unwrap_or_else(|error| panic!("{case}: {error}"));
            same_bytes(kind, foreign, &issued, &case);
            for (judge, finding) in judges.judge(kind, &issued) {
                match EXCUSED.iter().position(|excuse| excuse.covers(judge, &finding, &case)) {
                    Some(excuse) => drop(unused.remove(&excuse)),
                    None => complaints.push(format!("{case}: {judge}: {finding:?}")),
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    let stale: Vec<_> =
        unused.iter().map(|it| (EXCUSED[*it].linter, EXCUSED[*it].lint, EXCUSED[*it].because)).collect();
    assert!(stale.is_empty(), "nothing is found any more for these excuses: {stale:?}");
}

#[test]
fn requests_that_foreign_programs_make_today_are_certified() {
    let kind = every_kind().swap_remove(0);
    let openssl = OpenSsl::find();
    for (number, foreign) in foreign_csrs::made_now().iter().enumerate() {
        if is_unverifiable(foreign) {
            continue;
        }
        let issued = certify(&kind, foreign, number).unwrap_or_else(|error| panic!("{}: {error}", foreign.label));
        same_bytes(&kind, foreign, &issued, &foreign.label);
        openssl.verify(&Trial::new(issued.chain.certificates(), &kind.roots, NOW)).unwrap();
    }
}

/// What ring lacks.
fn is_unverifiable(foreign: &ForeignCsr) -> bool {
    let label = foreign.label.as_str();
    let lacks = ["p521", "p256-sha512"];
    cfg!(not(feature = "aws-lc-rs")) && lacks.iter().any(|it| label.contains(it))
}

fn certify(kind: &Kind, foreign: &ForeignCsr, number: usize) -> Result<Issued, Error> {
    let application = Application::read(&foreign.der)?;
    let terms = if foreign.label.ends_with("-authority") { Terms::new().for_authority() } else { Terms::new() };
    let serial = SerialNumber::from_random([u8::try_from(number).unwrap(); 20]);
    kind.authority.sign_now(&application, &terms.lasting(30 * DAY), serial, NOW)
}

fn same_bytes(kind: &Kind, foreign: &ForeignCsr, issued: &Issued, case: &str) {
    let asked = Request::read(&foreign.der).unwrap();
    let written = x509_parser::parse_x509_certificate(&issued.chain.certificates()[0]).unwrap().1;
    let authority = x509_parser::parse_x509_certificate(kind.authority.certificate()).unwrap().1;
    assert_eq!(written.subject().as_raw(), asked.subject(), "{case}");
    assert_eq!(written.public_key().raw, asked.public_key().as_ref(), "{case}");
    assert_eq!(written.issuer().as_raw(), authority.subject().as_raw(), "{case}");
    let names = written.extensions().iter().find(|it| it.oid.as_bytes() == SUBJECT_ALTERNATIVE_NAME);
    assert_eq!(names.map(|it| it.value), asked.extension(SUBJECT_ALTERNATIVE_NAME).map(|it| it.value), "{case}");
}

struct Judges {
    go: Go,
    python: Python,
    openssl: OpenSsl,
}

impl Judges {
    /// What they have against a chain, each with who says so.
    fn judge(&self, kind: &Kind, issued: &Issued) -> Vec<(&'static str, Finding)> {
        let chain = issued.chain.certificates();
        let trial = Trial::new(chain, &kind.roots, NOW);
        let verdicts = [("OpenSSL", self.openssl.verify(&trial)), ("Go", self.go.verify(&trial))];
        let refusals = verdicts.into_iter().filter_map(|(judge, verdict)| {
            let finding = |detail| Finding { lint: "refused".to_owned(), level: "fatal".to_owned(), detail };
            Some((judge, finding(verdict.err()?)))
        });
        let findings = [
            ("zlint", self.go.lint(&chain[0], &SOURCES)),
            ("pkilint", self.python.lint(&chain[0])),
            ("pkilint, pair", self.python.lint_pair(kind.authority.certificate(), &chain[0])),
        ];
        let linted = findings.into_iter().flat_map(|(linter, found)| found.into_iter().map(move |it| (linter, it)));
        refusals.chain(linted).collect()
    }
}

/// A finding that is the request's own doing, and stays because names are copied.
struct Excuse {
    linter: &'static str,
    lint: &'static str,
    /// In which cases: what is in their names.
    case: &'static str,
    /// Why it stays.
    because: &'static str,
}

impl Excuse {
    const fn new(linter: &'static str, lint: &'static str, case: &'static str, because: &'static str) -> Self {
        Self { linter, lint, case, because }
    }

    fn covers(&self, linter: &str, finding: &Finding, case: &str) -> bool {
        self.linter == linter && self.lint == finding.lint && case.contains(self.case)
    }
}

/// What the standards say; those of browsers are for public authorities.
const SOURCES: [&str; 6] = ["RFC3279", "RFC5280", "RFC5480", "RFC5891", "RFC8813", "Community"];
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

static EXCUSED: &[Excuse] = &[
    Excuse::new(
        "Go",
        "refused",
        "universal-string",
        "Go reads no UniversalString, which RFC 5280 section 4.1.2.4 allows",
    ),
    Excuse::new("pkilint", "unreadable", "universal-string", "neither does the parser of pkilint"),
    Excuse::new("pkilint, pair", "unreadable", "universal-string", "neither does the parser of pkilint"),
    Excuse::new(
        "zlint",
        "w_multiple_issuer_rdn",
        "by OpenSSL's",
        "the authority's name has a part of two attributes, on purpose",
    ),
    Excuse::new(
        "zlint",
        "e_subject_dn_not_printable_characters",
        "bmp-string",
        "zlint takes the octets of UTF-16 for letters",
    ),
    Excuse::new(
        "zlint",
        "e_subject_dn_not_printable_characters",
        "universal-string",
        "zlint takes the octets of UTF-32 for letters",
    ),
    Excuse::new(
        "zlint",
        "e_subj_email_not_in_san",
        "every-attribute",
        "the request has an address in its subject alone",
    ),
    Excuse::new(
        "pkilint",
        "pkix.subject_email_address_not_in_san",
        "every-attribute",
        "the request has an address in its subject alone",
    ),
    Excuse::new(
        "pkilint",
        "pkix.rdn_contains_duplicate_attribute_types",
        "go-two-units",
        "Go writes two units into one relative name",
    ),
    Excuse::new(
        "pkilint",
        "pkix.invalid_uri_syntax",
        "every-name",
        "pkilint wants a host of a domain in every URI: RFC 3986 does not",
    ),
    Excuse::new(
        "pkilint",
        "pkix.invalid_domain_name_syntax",
        "openssl-every-name",
        "pkilint knows no wildcards outside the rules of browsers",
    ),
];
