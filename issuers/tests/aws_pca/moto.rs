//! Against moto, from the default chain to a chain that OpenSSL verifies.

use std::sync::Arc;

use acme_core::Clock as _;
use acme_core::protocol::RevocationReason;
use acme_core::transport::ReqwestTransport;
use certwright_issuers::aws_pca::{AuthorityArn, AwsPcaIssuer};
use certwright_issuers::{ErrorKind, InMemory, Issuer as _, TokioTimer, drive};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use solvers::credentials::aws::{Client, DefaultChain, Environment};
use testkit::servers::Moto;
use testkit::servers::judges::{OpenSsl, Trial};

use crate::world::Asking;

#[tokio::test]
async fn moto_issues_and_openssl_verifies() {
    let moto = Moto::start();
    let (authority, root) = authority(&moto);
    let issuer = issuer(&moto, authority).with_template("EndEntityCertificate/V1");
    let asking = Asking::new();

    let issued = drive(&issuer, &asking.request(), &mut InMemory::new(), &TokioTimer).await.unwrap();

    // It answers its root as the chain above the leaf.
    assert_eq!(issued.chain.certificates().len(), 1);
    assert_eq!(issued.root.as_ref(), Some(&root));
    let roots = [root];
    let now = TokioTimer.now();
    let trial = Trial::new(issued.chain.certificates(), &roots, now).for_server("www.example.com");
    OpenSsl::find().verify(&trial).unwrap();

    let revocation = issuer.revoke().unwrap();
    revocation.revoke(issued.chain.leaf().unwrap(), Some(RevocationReason::CessationOfOperation)).await.unwrap();
}

#[tokio::test]
async fn an_authority_that_is_not_there_is_not_found() {
    let moto = Moto::start();
    let missing = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/missing";
    let issuer = issuer(&moto, AuthorityArn::parse(missing).unwrap());

    let asking = Asking::new();
    let error = issuer.issue(&asking.request(), &mut InMemory::new()).await.map(drop).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().starts_with(&format!("acm-pca:DescribeCertificateAuthority on {missing}: ")), "{error}");
}

#[tokio::test]
async fn an_authority_without_a_certificate_is_named_so() {
    let moto = Moto::start();
    let arn = Moto::python(&format!("{SETUP}\nprint(create())"), &moto.url());
    let issuer = issuer(&moto, AuthorityArn::parse(&arn).unwrap());

    let asking = Asking::new();
    let error = issuer.issue(&asking.request(), &mut InMemory::new()).await.map(drop).unwrap_err();

    assert!(error.to_string().ends_with("has no certificate yet: install one"), "{error}");
}

fn issuer(moto: &Moto, authority: AuthorityArn) -> AwsPcaIssuer {
    let transport = Arc::new(ReqwestTransport::new().unwrap());
    let environment = Environment::new([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
    let credentials = DefaultChain::new(environment, transport.clone()).into_source();
    let endpoint = authority.endpoint_at(&moto.url()).unwrap();
    let client = Client::new(endpoint, Arc::new(credentials), transport, Arc::new(TokioTimer));
    AwsPcaIssuer::new("moto", authority, client).unwrap()
}

/// A root that moto holds, active.
fn authority(moto: &Moto) -> (AuthorityArn, CertificateDer<'static>) {
    let program = format!("{SETUP}\nprint(json.dumps(activate(create())))");
    let made: serde_json::Value = serde_json::from_str(&Moto::python(&program, &moto.url())).unwrap();
    let root = CertificateDer::from_pem_slice(made["root"].as_str().unwrap().as_bytes()).unwrap();
    (AuthorityArn::parse(made["arn"].as_str().unwrap()).unwrap(), root)
}

const SETUP: &str = r#"
import json, sys, boto3
url = sys.stdin.read()
pca = boto3.client("acm-pca", endpoint_url=url, region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test")

def create():
    configuration = {"KeyAlgorithm": "RSA_2048", "SigningAlgorithm": "SHA512WITHRSA", "Subject": {"CommonName": "Moto Root"}}
    return pca.create_certificate_authority(CertificateAuthorityConfiguration=configuration, CertificateAuthorityType="ROOT")["CertificateAuthorityArn"]

def activate(arn):
    csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
    template = "arn:aws:acm-pca:::template/RootCACertificate/V1"
    made = pca.issue_certificate(CertificateAuthorityArn=arn, Csr=csr.encode(), SigningAlgorithm="SHA512WITHRSA", TemplateArn=template, Validity={"Type": "DAYS", "Value": 365})
    root = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=made["CertificateArn"])["Certificate"]
    pca.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=root.encode())
    return {"arn": arn, "root": root}
"#;
