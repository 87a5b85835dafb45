//! Vault, and how its issuers log in.

use serde_json::{Value, json};
use testkit::servers::Vault;

use crate::kit::{Operator, Space, eventually};
use crate::{base64, condition, ready, request, signing_request, text};

#[test]
fn a_request_is_approved_signed_by_vault_and_written_once_each() {
    let (space, vault) = (Space::new("vault"), pki());
    let proxy = space.proxy();
    space.apply(&issuer(&vault, json!({ "tokenSecretRef": { "name": "token" } })));
    let _operator = Operator::start(&proxy, space.settings());
    told(&space, "VaultError: Failed to initialize Vault client: secrets \"token\" not found");
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "token" }, "stringData": { "token": vault.root_token() } }));
    let object = space.await_condition("issuers", "vault", "Ready", "True");
    assert_eq!(ready(&object), "VaultVerified: Vault verified");
    space.apply(&request("r", "vault", &signing_request(&["a.example.test"]).0));
    let signed = space.await_condition("certificaterequests", "r", "Ready", "True");
    assert!(text(&signed["status"]["certificate"]).contains("BEGIN CERTIFICATE"));
    assert!(text(&signed["status"]["ca"]).contains("BEGIN CERTIFICATE"));
    space.await_quiet(&proxy);
    let writes = proxy.ledger().objects().filter(|it| it.call.name == "r").count();
    assert_eq!(writes, 2, "approval, and the certificate:\n{}", proxy.ledger());

    space.apply(&request("refused", "vault", &signing_request(&["a.elsewhere.test"]).0));
    let refused = eventually("an end", || {
        let object = space.get("certificaterequests", "refused").ok_or("gone")?;
        if object["status"]["failureTime"].is_string() { Ok(object) } else { Err(object["status"].to_string()) }
    });
    assert!(ready(&refused).starts_with("Failed: Vault failed to sign certificate: "), "{}", ready(&refused));

    vault.seal();
    space.apply(&request("sealed", "vault", &signing_request(&["b.example.test"]).0));
    eventually("a word of the sealed Vault", || {
        let object = space.get("certificaterequests", "sealed").ok_or("gone")?;
        let told = condition(&object, "Ready")["message"].as_str().unwrap_or_default().to_owned();
        if told.starts_with("Vault failed to sign certificate: ") { Ok(()) } else { Err(told) }
    });
    assert_eq!(
        space.get("certificaterequests", "sealed").expect("it")["status"]["failureTime"],
        Value::Null,
        "it is tried again"
    );
    vault.unseal();
    space.await_condition("certificaterequests", "sealed", "Ready", "True");
}

#[test]
fn app_roles_and_service_accounts_log_in() {
    let (space, vault) = (Space::new("vault"), pki());
    let proxy = space.proxy();
    vault.policy("signer", r#"path "pki/sign/*" { capabilities = ["update"] }"#);
    vault.write("sys/auth/approle", &json!({ "type": "approle" }));
    vault.write("auth/approle/role/web", &json!({ "token_policies": "signer" }));
    let role_id = vault.read("auth/approle/role/web/role-id")["data"]["role_id"].clone();
    let secret_id = vault.write("auth/approle/role/web/secret-id", &json!({}))["data"]["secret_id"].clone();
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "approle" }, "stringData": { "id": secret_id } }));

    // Vault asks the cluster whose token it was shown, for itself and for the name of the issuer.
    for name in ["reviewer", "signer"] {
        space.apply(&json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } }));
    }
    space.plane.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": space.namespace },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reviewer", "namespace": space.namespace }],
    }));
    vault.write("sys/auth/kubernetes", &json!({ "type": "kubernetes" }));
    vault.write(
        "auth/kubernetes/config",
        &json!({
            "kubernetes_host": space.plane.url(), "kubernetes_ca_cert": space.plane.root_pem(),
            "token_reviewer_jwt": space.plane.token_of(&space.namespace, "reviewer"),
        }),
    );
    vault.write(
        "auth/kubernetes/role/web",
        &json!({
            "bound_service_account_names": "signer", "bound_service_account_namespaces": space.namespace,
            "audience": format!("vault://{}/vault", space.namespace), "token_policies": "signer",
        }),
    );

    let _operator = Operator::start(&proxy, space.settings());
    let ways = [
        json!({ "appRole": { "path": "approle", "roleId": role_id, "secretRef": { "name": "approle", "key": "id" } } }),
        json!({ "kubernetes": { "role": "web", "serviceAccountRef": { "name": "signer" } } }),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        space.apply(&issuer(&vault, way.clone()));
        await_current(&space, &way);
        let name = format!("r{number}");
        space.apply(&request(&name, "vault", &signing_request(&["a.example.test"]).0));
        space.await_condition("certificaterequests", &name, "Ready", "True");
    }
}

#[test]
fn client_certificates_log_in_and_authorities_are_trusted_from_secrets() {
    let (space, vault) = (Space::new("vault"), set_up(Vault::builder().tls().start()));
    let proxy = space.proxy();
    vault.policy("signer", r#"path "pki/sign/*" { capabilities = ["update"] }"#);
    vault.write("sys/auth/cert", &json!({ "type": "cert" }));
    let (authority, client, key) = client();
    vault.write("auth/cert/certs/web", &json!({ "certificate": authority, "token_policies": "signer" }));
    let secret = |name: &str, values: Value| {
        space
            .apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values }))
    };
    secret("client", json!({ "tls.crt": client, "tls.key": key, "chain": client, "key": key }));
    secret("roots", json!({ "ca.crt": vault.root_pem().expect("it speaks TLS") }));
    secret("token", json!({ "token": vault.root_token() }));
    let _operator = Operator::start(&proxy, space.settings());

    let own = json!({ "clientCertificate": { "secretName": "client", "name": "web", "mountPath": "/v1/auth/cert" } });
    let of_connection = json!({ "clientCertificate": { "name": "web" } });
    let shown = json!({ "clientCertSecretRef": { "name": "client", "key": "chain" }, "clientKeySecretRef": { "name": "client", "key": "key" } });
    let named = json!({ "serverName": "localhost" });
    let ways = [(own, json!({})), (of_connection, shown), (json!({ "tokenSecretRef": { "name": "token" } }), named)];
    for (number, (auth, fields)) in ways.into_iter().enumerate() {
        let mut issuer = issuer(&vault, auth);
        let spec = issuer["spec"]["vault"].as_object_mut().expect("a specification");
        spec.insert("caBundleSecretRef".to_owned(), json!({ "name": "roots" }));
        spec.extend(fields.as_object().expect("fields").clone());
        space.apply(&issuer);
        await_current(&space, &issuer);
        let name = format!("r{number}");
        space.apply(&request(&name, "vault", &signing_request(&["a.example.test"]).0));
        space.await_condition("certificaterequests", &name, "Ready", "True");
    }
    space.patch("issuers", "vault", "", &json!({ "spec": { "vault": { "serverName": "elsewhere.example.test" } } }));
    told(&space, "VaultError: Failed to verify Vault is initialized and unsealed: ");
    // Without the authority's word nobody is believed.
    secret("roots", json!({ "ca.crt": authority }));
    space.patch("issuers", "vault", "", &json!({ "spec": { "vault": { "serverName": null } } }));
    told(&space, "VaultError: Failed to verify Vault is initialized and unsealed: ");
    secret("roots", json!({ "ca.crt": vault.root_pem().expect("it speaks TLS") }));
    space.await_condition("issuers", "vault", "Ready", "True");
}

#[test]
fn what_a_vault_issuer_lacks_is_said_in_words_that_are_known() {
    let (space, vault) = (Space::new("vault"), Vault::builder().tls().start());
    let proxy = space.proxy();
    space.apply(&issuer(&vault, json!({})));
    let _operator = Operator::start(&proxy, space.settings());
    told(&space, "VaultError: Vault tokenSecretRef, appRole, clientCertificate, kubernetes, or aws is required");
    let change = |fields: Value| space.patch("issuers", "vault", "", &json!({ "spec": { "vault": fields } }));
    change(
        json!({ "auth": { "tokenSecretRef": { "name": "t" }, "kubernetes": { "role": "r", "secretRef": { "name": "t" } } } }),
    );
    told(&space, "VaultError: Multiple auth methods cannot be set on the same Vault issuer");
    change(
        json!({ "auth": { "tokenSecretRef": null, "kubernetes": { "role": "r", "secretRef": { "name": "t" }, "serviceAccountRef": { "name": "a" } } } }),
    );
    told(
        &space,
        "VaultError: Vault Kubernetes auth cannot be used with both secretRef.name and serviceAccountRef.name",
    );
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "t" }, "stringData": { "token": vault.root_token() } }));
    change(json!({ "auth": { "kubernetes": null, "tokenSecretRef": { "name": "t" } } }));
    told(&space, "VaultError: Failed to verify Vault is initialized and unsealed: ");
    let roots = base64(vault.root_pem().expect("it speaks TLS").as_bytes());
    change(json!({ "caBundle": roots }));
    space.await_condition("issuers", "vault", "Ready", "True");

    change(
        json!({ "auth": { "tokenSecretRef": null, "aws": { "role": "web", "serviceAccountRef": { "name": "a" } } } }),
    );
    told(
        &space,
        "InvalidConfig: spec.vault.auth.aws.iamRoleArn: Required value: iamRoleArn is required when using serviceAccountRef for IRSA",
    );
    change(json!({ "auth": { "aws": { "serviceAccountRef": null } } }));
    told(
        &space,
        "VaultError: spec.vault.auth.aws needs the identity of the controller, which this issuer may not use ",
    );
}

#[test]
fn an_aws_identity_begins_with_a_token_of_the_service_account() {
    let (space, vault) = (Space::new("vault"), pki());
    let proxy = space.proxy();
    let aws = json!({ "role": "web", "region": "eu-central-1", "iamRoleArn": "arn:aws:iam::123456789012:role/issuer", "serviceAccountRef": { "name": "signer" } });
    space.apply(&issuer(&vault, json!({ "aws": aws })));
    let _operator = Operator::start(&proxy, space.settings());
    told(&space, "VaultError: ");
    let told = ready(&space.get("issuers", "vault").expect("it"));
    assert!(told.contains("while requesting a token for the service account") && told.contains("not found"), "{told}");
}

/// A Vault whose role `web` signs for `example.test`.
fn pki() -> Vault {
    set_up(Vault::start())
}

fn set_up(vault: Vault) -> Vault {
    vault.write("sys/mounts/pki", &json!({ "type": "pki", "config": { "max_lease_ttl": "87600h" } }));
    vault.write("pki/root/generate/internal", &json!({ "common_name": "root of a test", "ttl": "87600h" }));
    vault.write("pki/roles/web", &json!({ "allowed_domains": "example.test", "allow_subdomains": true, "key_type": "any", "max_ttl": "2160h", "require_cn": false }));
    vault
}

fn issuer(vault: &Vault, auth: Value) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "vault" },
        "spec": { "vault": { "server": vault.url(), "path": "pki/sign/web", "auth": auth } },
    })
}

#[track_caller]
fn told(space: &Space, wanted: &str) {
    eventually(wanted, || {
        let found = ready(&space.get("issuers", "vault").ok_or("there is none")?);
        if found.starts_with(wanted) { Ok(()) } else { Err(found) }
    });
}

/// Waits until the issuer is ready as its newest specification has it.
#[track_caller]
fn await_current(space: &Space, what: &Value) {
    eventually(&format!("the issuer of {what}"), || {
        let object = space.get("issuers", "vault").ok_or("there is none")?;
        let ready = condition(&object, "Ready");
        let current = ready["observedGeneration"] == object["metadata"]["generation"] && ready["status"] == "True";
        if current { Ok(()) } else { Err(ready.to_string()) }
    });
}

/// An authority, and a client's certificate and key under it, in PEM.
fn client() -> (String, String, String) {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "root of a client");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let root = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().expect("a key")).expect("a root");
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(vec!["client.example.test".to_owned()]).expect("a name");
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let client = params.signed_by(&key, &root).expect("a certificate");
    (root.pem(), client.pem(), key.serialize_pem())
}
