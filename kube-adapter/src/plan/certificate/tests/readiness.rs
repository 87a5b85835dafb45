//! Reasons and texts, as cert-manager's checks have them.

use super::*;
use crate::crd::reference::IssuerRef;
use crate::plan::certificate::Complaint;

fn complaint(case: &Case) -> (String, String) {
    let ready = case.status_less().report().ready.expect("it is told");
    assert!(!ready.is_true);
    (ready.reason, ready.message)
}

impl Case {
    /// The same as the process ends, when it tells what it sees and begins nothing.
    fn status_less(&self) -> Self {
        let mut case = Self::new();
        case.object = self.object.clone();
        case.wanted = self.wanted.clone();
        case.target = self.target.clone();
        case.requests = self.requests.clone();
        case.is_closing = true;
        case
    }
}

fn with(change: impl FnOnce(&mut Holding)) -> Case {
    let mut changed = holding(KEY, LEAF);
    change(&mut changed);
    Case::issued().target(Target::There(Arc::new(changed)))
}

#[test]
fn every_check_has_its_reason_and_its_text() {
    let text = |reason: &str, message: &str| (reason.to_owned(), message.to_owned());
    assert_eq!(complaint(&Case::new()), text("DoesNotExist", "Issuing certificate as Secret does not exist"));
    let flaw = Complaint::new("MissingData", "Issuing certificate as Secret does not contain any data");
    assert_eq!(
        complaint(&with(|it| it.contents = Contents::Flawed(flaw))),
        text("MissingData", "Issuing certificate as Secret does not contain any data")
    );
    let issuer = IssuerRef { name: "old".to_owned(), kind: "ClusterIssuer".to_owned(), ..IssuerRef::default() };
    assert_eq!(
        complaint(&with(|it| it.issuer = Some(issuer))),
        text(
            "IncorrectIssuer",
            "Issuing certificate as Secret was previously issued by \"ClusterIssuer.cert-manager.io/old\""
        )
    );
    assert_eq!(complaint(&with(|it| it.certificate = Some("other".to_owned()))).0, "IncorrectCertificate");
    assert_eq!(
        complaint(&with(|it| it.key = Some(rsa(Place::Target)))),
        text("SecretMismatch", "Existing private key is not up to date for spec: [spec.privateKey.algorithm]")
    );
    assert_eq!(
        complaint(&with(|it| it.key = Some(key(OTHER_KEY, Place::Target)))),
        text("SecretMismatch", "Secret contains a private key that does not match the current CertificateRequest")
    );
}

#[test]
fn without_a_request_the_names_of_the_certificate_are_compared() {
    let mut case = Case::issued_with(&json!({ "dnsNames": ["b.example"] }));
    case.requests.clear();
    assert_eq!(
        complaint(&case),
        (
            "SecretMismatch".to_owned(),
            "Issuing certificate as Existing issued Secret is not up to date for spec: [spec.dnsNames]".to_owned()
        )
    );
}

#[test]
fn defaults_that_are_spelled_out_are_no_other_issuer() {
    let issuer = IssuerRef {
        name: "ca".to_owned(),
        kind: "Issuer".to_owned(),
        group: "cert-manager.io".to_owned(),
        ..IssuerRef::default()
    };
    with(|it| it.issuer = Some(issuer)).rests_until(hours(30 * 24));
}

#[test]
fn a_time_has_the_form_that_go_gives_it() {
    let case = Case::issued();
    let Next::Go(agenda) = with_end(case).next_at(hours(61 * 24)) else { panic!("it goes on") };
    let told = reports(agenda.ready).pop().and_then(|it| it.ready);
    assert_eq!(told.map(|it| it.message).as_deref(), Some("Certificate expired on Tue, 16 Mar 2027 08:00:00 UTC"));
}

fn with_end(mut case: Case) -> Case {
    case.is_closing = true;
    case
}
