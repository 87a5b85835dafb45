//! step-ca as the ACME issuer's tests need it.

use certwright_testkit::servers::{ChallTestSrv, StepCa};

#[test]
fn a_step_ca_answers_with_its_own_certificate_and_ports_of_its_own() {
    let dns = ChallTestSrv::start();
    let (one, other) = (StepCa::start(dns.dns_address()), StepCa::start(dns.dns_address()));

    assert!(
        one.directory_url().starts_with("https://127.0.0.1:") && one.directory_url().ends_with("/acme/acme/directory")
    );
    assert!(one.root_pem().starts_with("-----BEGIN CERTIFICATE-----") && one.root_pem() != other.root_pem());
    assert!(one.http_port() != other.http_port() && one.tls_port() != other.tls_port());
    assert!(one.log().contains("Serving HTTPS"), "{}", one.log());
}
