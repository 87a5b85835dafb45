//! Every way to log in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use acme_core::transport::ReqwestTransport;
use acme_core::{Clock as _, ErrorKind, KeyType, PrivateKey, Secret, Signer as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use certwright_issuers::Retry;
use certwright_issuers::vault::auth::{AppRole, ClientCertificate, Jwt, Kubernetes, SecretFile, Token};
use certwright_issuers::vault::{Mount, VaultIssuer};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};
use testkit::servers::Vault;

use super::world::{Wanted, World, block_on, fixed, refusal, signer_role, text};

#[test]
fn with_a_token() {
    let world = World::new();
    let token = world.token(&json!({ "policies": ["signer"] }));
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("token");
    // As `vault agent` and mounted secrets write it.
    std::fs::write(&file, format!("{token}\n")).unwrap();
    block_on(Wanted::name("a.example.test").from(&world.issuer(Token::new(SecretFile::new(&file))))).unwrap();

    std::fs::write(&file, "\n").unwrap();
    let error = refusal(&world.issuer(Token::new(SecretFile::new(&file))), &Wanted::name("a.example.test"));
    assert!(error.kind() == ErrorKind::NotFound && error.to_string().ends_with("token is empty"), "{error}");
}

#[test]
fn with_an_app_role_where_it_is_mounted() {
    let world = World::new();
    world.vault.write("sys/auth/teams/web", &json!({ "type": "approle" }));
    world.vault.write("auth/teams/web/role/web", &signer_role());
    let role_id = text(&world.vault.read("auth/teams/web/role/web/role-id"), "role_id");
    let secret_id = text(&world.vault.write("auth/teams/web/role/web/secret-id", &json!({})), "secret_id");
    for mount in ["teams/web", "auth/teams/web", "/v1/auth/teams/web/"] {
        let auth = AppRole::new(&role_id, fixed(&secret_id)).mounted_at(Mount::parse(mount).unwrap());
        block_on(Wanted::name("a.example.test").from(&world.issuer(auth))).unwrap();
    }
}

#[test]
fn with_a_client_certificate() {
    let world = World::with(Vault::builder().tls().start());
    let (authority_pem, chain_pem, key_pem) = client_certificate("web.clients.test");
    world.vault.write("sys/auth/cert", &json!({ "type": "cert" }));
    let role =
        json!({ "certificate": authority_pem, "allowed_common_names": "web.clients.test", "token_policies": "signer" });
    world.vault.write("auth/cert/certs/web", &role);
    let wanted = Wanted::name("a.example.test");

    block_on(wanted.from(&over_tls(&world, Some((&chain_pem, &key_pem)), ClientCertificate::new()))).unwrap();
    block_on(wanted.from(&over_tls(&world, Some((&chain_pem, &key_pem)), ClientCertificate::new().named("web"))))
        .unwrap();

    let (_, stranger_pem, stranger_key) = client_certificate("web.clients.test");
    for identity in [None, Some((&stranger_pem, &stranger_key))] {
        let error = refusal(&over_tls(&world, identity, ClientCertificate::new()), &wanted);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
        assert!(error.to_string().contains("check that the transport shows a client certificate"), "{error}");
    }
}

#[test]
fn with_a_service_account_that_the_cluster_reviews() {
    let world = World::new();
    let cluster = Cluster::start("system:serviceaccount:ingress:web", "7d3f");
    world.vault.write("sys/auth/kubernetes", &json!({ "type": "kubernetes" }));
    let config = json!({ "kubernetes_host": format!("http://{}", cluster.0), "disable_local_ca_jwt": true, "kubernetes_ca_cert": world.root_pem });
    world.vault.write("auth/kubernetes/config", &config);
    let role = json!({ "bound_service_account_names": "web", "bound_service_account_namespaces": "ingress",
        "token_policies": "signer", "token_ttl": "1h" });
    world.vault.write("auth/kubernetes/role/web", &role);
    let wanted = Wanted::name("a.example.test");
    let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();

    let token = service_account_token(&world, &key, "web");
    block_on(wanted.from(&world.issuer(Kubernetes::new("web", fixed(&token))))).unwrap();

    let other = service_account_token(&world, &key, "stranger");
    let any = json!({ "bound_service_account_names": "*", "bound_service_account_namespaces": "*" });
    world.vault.write("auth/kubernetes/role/any", &any);
    for (issuer, said) in [
        (world.issuer(Kubernetes::new("none", fixed(&token))), "invalid role name \"none\""),
        (world.issuer(Kubernetes::new("web", fixed(&other))), "service account name not authorized"),
        // The cluster knows nothing of it.
        (world.issuer(Kubernetes::new("any", fixed(&other))), "permission denied"),
    ] {
        let error = refusal(&issuer, &wanted);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
        assert!(
            error.to_string().contains(said) && error.to_string().contains("binds this service account"),
            "{error}"
        );
    }
}

#[test]
fn with_a_jwt_that_vault_checks_itself() {
    let world = World::new();
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
    let public = BASE64_STANDARD.encode(key.public_key());
    world.vault.write("sys/auth/jwt", &json!({ "type": "jwt" }));
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
    world
        .vault
        .write("auth/jwt/config", &json!({ "jwt_validation_pubkeys": [pem], "bound_issuer": "https://ci.test" }));
    let role =
        json!({ "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": "signer" });
    world.vault.write("auth/jwt/role/web", &role);
    let now = world.clock.now().unix_seconds();
    let claims = |audience: &str, end: i64| json!({ "iss": "https://ci.test", "sub": "pipeline", "aud": audience, "iat": now - 10, "nbf": now - 10, "exp": end });
    let wanted = Wanted::name("a.example.test");

    let good = jwt(&key, "EdDSA", &claims("vault", now + 600));
    block_on(wanted.from(&world.issuer(Jwt::new("web", fixed(&good))))).unwrap();

    for (role, claims, said) in [
        ("web", claims("elsewhere", now + 600), "audience"),
        ("web", claims("vault", now - 3600), "expired"),
        ("none", claims("vault", now + 600), "role \"none\" could not be found"),
    ] {
        let error = refusal(&world.issuer(Jwt::new(role, fixed(&jwt(&key, "EdDSA", &claims)))), &wanted);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
        assert!(error.to_string().contains(said) && error.to_string().contains("check the role"), "{error}");
    }
}

fn over_tls(world: &World, identity: Option<(&String, &Secret<String>)>, auth: ClientCertificate) -> VaultIssuer {
    let root = world.vault.root_pem().unwrap().as_bytes();
    let builder = ReqwestTransport::builder().add_root_pem(root).unwrap().only_given_roots();
    let builder = match identity {
        Some((chain, key)) => builder.client_certificate(chain.as_bytes(), key).unwrap(),
        None => builder,
    };
    VaultIssuer::new("vault", world.server_over(Arc::new(builder.build().unwrap())), "pki/sign/web", auth).unwrap()
}

/// A fresh authority, and what it issued to a client.
fn client_certificate(name: &str) -> (String, String, Secret<String>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "authority of clients");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &authority).unwrap();
    (authority.pem(), certificate.pem(), Secret::new(key.serialize_pem()))
}

fn jwt(key: &PrivateKey, algorithm: &str, claims: &Value) -> String {
    let encoded = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encoded(&json!({ "alg": algorithm, "typ": "JWT" })), encoded(claims));
    let signature = key.sign_now(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn service_account_token(world: &World, key: &PrivateKey, name: &str) -> String {
    let now = world.clock.now().unix_seconds();
    let account = json!({ "namespace": "ingress", "serviceaccount": { "name": name, "uid": "7d3f" } });
    let claims = json!({ "iss": "https://cluster.test", "sub": format!("system:serviceaccount:ingress:{name}"),
        "aud": ["vault"], "iat": now - 10, "nbf": now - 10, "exp": now + 600, "kubernetes.io": account });
    jwt(key, "ES256", &claims)
}

/// As much of a cluster as Vault asks: the reviews of tokens, which find one service account alive.
struct Cluster(SocketAddr);

impl Cluster {
    fn start(user: &'static str, uid: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().take(REVIEWS) {
                let Ok(mut stream) = stream else { continue };
                let mut reader = BufReader::new(&stream);
                let mut length = 0;
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    if let Some((name, value)) = line.split_once(':')
                        && name.eq_ignore_ascii_case("content-length")
                    {
                        length = value.trim().parse().unwrap_or(0);
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                if reader.read_exact(&mut body).is_err() {
                    continue;
                }
                let review: Value = serde_json::from_slice(&body).unwrap_or_default();
                let asked = review["spec"]["token"].as_str().unwrap_or_default();
                let claims = asked.split('.').nth(1).and_then(|it| BASE64_URL_SAFE_NO_PAD.decode(it).ok());
                let claims: Value = claims.and_then(|it| serde_json::from_slice(&it).ok()).unwrap_or_default();
                let alive = claims["sub"] == user;
                let user = json!({ "username": user, "uid": uid });
                let audiences = &review["spec"]["audiences"];
                let status = json!({ "authenticated": alive, "user": user, "audiences": audiences });
                let answer =
                    json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status })
                        .to_string();
                let _ = write!(
                    stream,
                    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                    answer.len()
                );
            }
        });
        Self(address)
    }
}

/// The thread ends with the test's process, or after so many.
const REVIEWS: usize = 16;
