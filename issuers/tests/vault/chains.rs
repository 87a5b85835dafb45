//! What comes out, judged by OpenSSL.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use acme_core::client::Chain;
use certwright_issuers::vault::auth::Token;
use certwright_issuers::{CertificateRequest, InMemory, Issued, Issuer as _, Step, chain};
use serde_json::json;
use tempfile::TempDir;

use super::world::{Wanted, World, block_on, fixed};

#[test]
fn every_kind_of_key_is_signed_and_openssl_builds_the_path() {
    let world = World::new();
    let issuer = world.issuer(Token::new(fixed(&world.token(&json!({ "policies": ["signer"] })))));
    for key in [
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-newkey", "rsa:2048"],
        &["-newkey", "rsa:4096"],
        &["-newkey", "ed25519"],
    ] {
        let wanted = Wanted::new(key, "/", "DNS:a.example.test,DNS:*.b.example.test,IP:192.0.2.7,IP:2001:db8::7");

        let issued = block_on(wanted.from(&issuer)).unwrap();

        assert_eq!(issued.chain.certificates().len(), 2, "the leaf and its issuer: a root is not served");
        let root = issued.root.clone().unwrap();
        assert_eq!(Chain::from_pem(world.root_pem.as_bytes()).unwrap().leaf(), Some(&root));
        verify_with_openssl(&issued);
        let names = chain::Leaf::read(issued.chain.leaf().unwrap()).unwrap().names;
        assert_eq!(names.len(), 4, "{names:?}");
    }
}

#[test]
fn a_common_name_a_uri_and_a_duration_arrive() {
    let world = World::new();
    let issuer = world.issuer(Token::new(fixed(&world.token(&json!({ "policies": ["signer"] })))));
    let names = "DNS:a.example.test,URI:spiffe://example.test/web";
    let wanted = Wanted::new(&["-newkey", "ed25519"], "/CN=a.example.test", names);
    let mut request = CertificateRequest::new(&wanted.csr, &wanted.identifiers);
    request.duration = Some(Duration::from_secs(2 * 3600 + 1800));

    let step = block_on(issuer.issue(&request, &mut InMemory::new())).unwrap();

    let Step::Issued(issued) = step else { panic!("Vault signs at once") };
    let leaf = chain::Leaf::read(issued.chain.leaf().unwrap()).unwrap();
    // Vault dates certificates back by 30 seconds.
    assert_eq!(leaf.not_after.since(leaf.not_before), Duration::from_secs(9000 + 30));
    let shown = openssl(&["x509", "-noout", "-subject", "-ext", "subjectAltName"], &issued.chain);
    assert!(shown.contains("CN = a.example.test") && shown.contains("URI:spiffe://example.test/web"), "{shown}");
}

#[test]
fn what_the_role_leaves_out_is_sent_all_the_same() {
    let world = World::new();
    world.vault.write("pki/roles/fields", &json!({ "allow_any_name": true, "use_csr_sans": false, "use_csr_common_name": false,
        "require_cn": false, "allow_ip_sans": true, "allowed_uri_sans": "*", "key_type": "any", "enforce_hostnames": false }));
    world.vault.policy("signer", r#"path "pki/sign/*" { capabilities = ["update"] }"#);
    let token = world.token(&json!({ "policies": ["signer"] }));
    let issuer = world.issuer_at("/pki/sign/fields/", Token::new(fixed(&token)));
    let names = "DNS:a.example.test,DNS:b.example.test,IP:192.0.2.7,URI:spiffe://example.test/web";
    let wanted = Wanted::new(&["-newkey", "ed25519"], "/CN=c.example.test", names);

    let issued = block_on(wanted.from(&issuer)).unwrap();

    let shown = openssl(&["x509", "-noout", "-subject", "-ext", "subjectAltName"], &issued.chain);
    for part in [
        "CN = c.example.test",
        "DNS:a.example.test, DNS:b.example.test, IP Address:192.0.2.7, URI:spiffe://example.test/web",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shown.contains("DNS:c.example.test"), "exclude_cn_from_sans: {shown}");
}

#[test]
fn sign_verbatim_and_an_intermediate_are_paths_like_any_other() {
    let world = World::new();
    let verbatim = world.issuer_at("pki/sign-verbatim/web", Token::new(fixed(world.vault.root_token())));
    let wanted = Wanted::new(&["-newkey", "ed25519"], "/CN=any.test/O=Anybody", "DNS:any.test");
    let issued = block_on(wanted.from(&verbatim)).unwrap();
    verify_with_openssl(&issued);
    assert!(openssl(&["x509", "-noout", "-subject"], &issued.chain).contains("O = Anybody"));

    let authority = world.issuer_at("root/root/sign-intermediate", Token::new(fixed(world.vault.root_token())));
    let wanted = Wanted::new(
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "/CN=below.example.test",
        "DNS:below.example.test",
    );
    let issued = block_on(wanted.from(&authority)).unwrap();
    assert_eq!(issued.chain.certificates().len(), 1);
    assert!(issued.root.is_some());
    assert!(openssl(&["x509", "-noout", "-ext", "basicConstraints"], &issued.chain).contains("CA:TRUE"));
}

#[test]
fn a_chain_whose_root_vault_does_not_know_ends_below_it() {
    let world = World::new();
    // An intermediate whose own issuer is in no bundle.
    world.vault.write("sys/mounts/alone", &json!({ "type": "pki", "config": { "max_lease_ttl": "87600h" } }));
    let asked = json!({ "common_name": "intermediate without a root", "key_type": "ec" });
    let csr = super::world::text(&world.vault.write("alone/intermediate/generate/internal", &asked), "csr");
    let signing = json!({ "csr": csr, "use_csr_values": true, "ttl": "43800h" });
    let signed = super::world::text(&world.vault.write("root/root/sign-intermediate", &signing), "certificate");
    world.vault.write("alone/intermediate/set-signed", &json!({ "certificate": signed }));
    world.vault.write("alone/roles/web", &json!({ "allow_any_name": true, "require_cn": false, "key_type": "any" }));
    let issuer = world.issuer_at("alone/sign/web", Token::new(fixed(world.vault.root_token())));

    let issued = block_on(Wanted::name("a.example.test").from(&issuer)).unwrap();

    assert_eq!(issued.chain.certificates().len(), 2);
    assert_eq!(issued.root, None);
}

#[test]
fn a_certificate_is_revoked_where_the_issuer_was_told_how() {
    let world = World::new();
    world.vault.policy(
        "signer",
        r#"path "pki/sign/web" { capabilities = ["update"] } path "pki/revoke" { capabilities = ["update"] }"#,
    );
    let token = world.token(&json!({ "policies": ["signer"] }));
    let issuer = world.issuer(Token::new(fixed(&token)));
    assert!(issuer.revoke().is_none());
    let issuer = issuer.revoking_at("pki/revoke").unwrap();
    let issued = block_on(Wanted::name("a.example.test").from(&issuer)).unwrap();
    let leaf = issued.chain.leaf().unwrap();

    for _ in 0..2 {
        block_on(issuer.revoke().unwrap().revoke(leaf, None)).unwrap();
    }

    let serial = chain::Leaf::read(leaf).unwrap().serial;
    let dashed: Vec<_> = serial.as_bytes().chunks(2).map(|it| std::str::from_utf8(it).unwrap()).collect();
    let kept = world.vault.read(&format!("pki/cert/{}", dashed.join("-")));
    assert_ne!(kept["data"]["revocation_time"], json!(0));
}

fn verify_with_openssl(issued: &Issued) {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, chain: &Chain| {
        let path = folder.path().join(name);
        fs::write(&path, chain::to_pem(chain)).unwrap();
        path
    };
    let certificates = issued.chain.certificates();
    let root = file("root.pem", &Chain::new(vec![issued.root.clone().unwrap()]));
    let leaf = file("leaf.pem", &Chain::new(certificates[..1].to_vec()));
    let above = file("above.pem", &Chain::new(certificates[1..].to_vec()));
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver", "-no-CApath", "-CAfile"])
        .arg(root)
        .arg("-untrusted")
        .args([&above as &Path, &leaf])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn openssl(arguments: &[&str], chain: &Chain) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("chain.pem");
    fs::write(&path, chain::to_pem(chain)).unwrap();
    let output = Command::new("openssl").args(arguments).arg("-in").arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
