//! Services behind an API of their own: wrong credentials are told, corrected ones are taken, and the certificate comes.

use std::sync::Arc;

use acme_core::PrivateKey;
use acme_core::key::{KeyType, Signer as _};
use serde_json::{Value, json};
use solvers::dns::acme_dns::{Account, register};
use testkit::doubles::{Double, acme_dns, akamai, azure, cloudflare, digitalocean, google};

use crate::scene::{Scene, Services, Wall};

#[test]
fn cloudflare_by_a_token_which_is_rotated_later() {
    let scene = Scene::new("cloudflare");
    let service = cloudflare::Cloudflare::new("TOP-SECRET-token", scene.dns.clone()).with_zone("example.test", "z1");
    let double = Double::new(service);
    scene.secret("dns", json!({ "token": "TOP-SECRET-wrong" }));
    scene.issuer(json!({ "cloudflare": { "apiTokenSecretRef": { "name": "dns", "key": "token" } } }));
    let _operator = scene.start(Services::at("api.cloudflare.com", double.clone()));

    scene.ask("web");
    let told = scene.refused();
    assert!(told.contains("Cloudflare answered 9109: Invalid access token"), "{told}");
    assert!(told.contains("Zone:Read and DNS:Edit"), "what to do: {told}");
    scene.secret("dns", json!({ "token": "TOP-SECRET-token\n" }));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());

    double.service().rotate("TOP-SECRET-next");
    scene.secret("dns", json!({ "token": "TOP-SECRET-next" }));
    scene.ask("other");
    scene.settled("other");
    assert_eq!(scene.left(), Vec::<String>::new());
}

#[test]
fn cloudflare_by_the_global_key_of_an_account() {
    let scene = Scene::new("cloudflare");
    let service = cloudflare::Cloudflare::new("unknown", scene.dns.clone())
        .with_zone("example.test", "z1")
        .with_global_key("owner@example.test", "TOP-SECRET-key");
    scene.secret("dns", json!({ "key": "TOP-SECRET-wrong" }));
    scene.issuer(json!({ "cloudflare": {
        "email": "owner@example.test", "apiKeySecretRef": { "name": "dns", "key": "key" },
    } }));
    let _operator = scene.start(Services::at("api.cloudflare.com", Double::new(service)));

    scene.ask("web");
    let told = scene.refused();
    assert!(told.contains("Unknown X-Auth-Key or X-Auth-Email"), "{told}");
    scene.secret("dns", json!({ "key": "TOP-SECRET-key" }));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
}

#[test]
fn digitalocean_by_a_token() {
    let scene = Scene::new("digitalocean");
    let service = digitalocean::DigitalOcean::new("TOP-SECRET-token", &["example.test"], scene.dns.clone());
    scene.secret("dns", json!({ "token": "TOP-SECRET-wrong" }));
    scene.issuer(json!({ "digitalocean": { "tokenSecretRef": { "name": "dns", "key": "token" } } }));
    let _operator = scene.start(Services::at("api.digitalocean.com", Double::new(service)));

    scene.ask("web");
    let told = scene.refused();
    assert!(told.contains("DigitalOcean answered unauthorized: Unable to authenticate you"), "{told}");
    scene.secret("dns", json!({ "token": "TOP-SECRET-token" }));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
}

#[test]
fn akamai_by_an_api_client_in_three_values() {
    let scene = Scene::new("akamai");
    let tokens = ["TOP-SECRET-client", "TOP-SECRET-access", "TOP-SECRET-secret"];
    let service = akamai::Akamai::new(tokens, "example.test", scene.dns.clone(), Arc::new(Wall));
    scene.secret("client", json!({ "token": tokens[0], "secret": "TOP-SECRET-wrong" }));
    scene.secret("access", json!({ "token": tokens[1] }));
    scene.issuer(json!({ "akamai": {
        "serviceConsumerDomain": "akab-test.luna.akamaiapis.net",
        "clientTokenSecretRef": { "name": "client", "key": "token" },
        "clientSecretSecretRef": { "name": "client", "key": "secret" },
        "accessTokenSecretRef": { "name": "access", "key": "token" },
    } }));
    let _operator = scene.start(Services::at("akab-test.luna.akamaiapis.net", Double::new(service)));

    scene.ask("web");
    let told = scene.refused();
    assert!(told.contains("Akamai answered 401: Not authorized"), "{told}");
    scene.secret("client", json!({ "secret": tokens[2] }));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
}

#[test]
fn acme_dns_by_accounts_in_one_secret() {
    let scene = Scene::new("acme-dns");
    let double = Double::new(acme_dns::AcmeDns::new("auth.example.test", scene.dns.clone()));
    let account = account(&double);
    scene.dns.add_cname("_acme-challenge.web.example.test", account.full_domain().as_str());
    let right: Value = serde_json::from_str(account.to_json().expose()).expect("JSON");
    let mut wrong = right.clone();
    wrong["password"] = json!("TOP-SECRET-wrong");
    let accounts = |account: Value| json!({ "accounts": json!({ "web.example.test": account }).to_string() });
    scene.secret("dns", json!({ "accounts": "no JSON, with TOP-SECRET in it" }));
    scene.issuer(json!({ "acmeDNS": {
        "host": "https://auth.example.test", "accountSecretRef": { "name": "dns", "key": "accounts" },
    } }));
    let _operator = scene.start(Services::at("auth.example.test", double));

    scene.ask("web");
    let told = scene.refused();
    let wanted = "error instantiating acmedns challenge solver: Error unmarshalling accountJSON: the accounts of acme-dns are no JSON";
    assert!(told.starts_with(wanted), "{told}");
    assert!(told.contains("; correct the Secret \"dns\" in the namespace"), "{told}");
    scene.secret("dns", accounts(wrong));
    crate::kit::eventually("a word about the password", || match scene.refused() {
        told if told.contains("acme-dns answered forbidden") => Ok(()),
        told => Err(told),
    });
    scene.secret("dns", accounts(right));
    scene.settled("web");
    assert_eq!(scene.left(), [account.full_domain().as_str()], "the server keeps its last two values");
}

#[test]
fn azure_dns_by_an_app_registration() {
    let scene = Scene::new("azure-dns");
    let service = azure::Azure::new("TOP-SECRET-word", "no assertion", "example.test", scene.dns.clone());
    let double = Double::new(service);
    scene.secret("dns", json!({ "password": "TOP-SECRET-wrong" }));
    scene.issuer(json!({ "azureDNS": {
        "subscriptionID": azure::Azure::SUBSCRIPTION, "resourceGroupName": azure::Azure::GROUP, "environment": "AzurePublicCloud",
        "tenantID": azure::Azure::TENANT, "clientID": azure::Azure::CLIENT,
        "clientSecretSecretRef": { "name": "dns", "key": "password" },
    } }));
    let services =
        Services::at("management.azure.com", double.clone()).and("login.microsoftonline.com", double.clone());
    let _operator = scene.start(services);

    scene.ask("web");
    let told = scene.refused();
    assert!(told.contains("Microsoft Entra"), "{told}");
    scene.secret("dns", json!({ "password": "TOP-SECRET-word" }));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());

    double.service().rotate("TOP-SECRET-next");
    scene.secret("dns", json!({ "password": "TOP-SECRET-next" }));
    scene.ask("other");
    scene.settled("other");
    assert_eq!(scene.left(), Vec::<String>::new());
}

#[test]
fn cloud_dns_by_the_key_of_a_service_account() {
    let scene = Scene::new("cloud-dns");
    let key = PrivateKey::generate(KeyType::Rsa2048).expect("a key");
    let service = google::Google::new(key.public_key().as_ref(), "example.test", scene.dns.clone(), Arc::new(Wall));
    let double = Double::new(service);
    let file = |key: &PrivateKey| {
        let file = json!({
            "type": "service_account", "project_id": google::Google::PROJECT, "private_key_id": google::Google::KEY_ID,
            "private_key": key.to_pem().expose(), "client_email": google::Google::EMAIL, "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
        });
        json!({ "key.json": file.to_string() })
    };
    scene.secret("dns", file(&PrivateKey::generate(KeyType::Rsa2048).expect("a key")));
    scene.issuer(json!({ "cloudDNS": {
        "project": google::Google::PROJECT, "serviceAccountSecretRef": { "name": "dns", "key": "key.json" },
    } }));
    let services = Services::at("dns.googleapis.com", double.clone()).and("oauth2.googleapis.com", double);
    let _operator = scene.start(services);

    scene.ask("web");
    let told = scene.refused();
    assert!(told.contains("invalid_grant"), "{told}");
    assert!(!told.contains("PRIVATE KEY"), "{told}");
    scene.secret("dns", file(&key));
    scene.settled("web");
    assert_eq!(scene.left(), Vec::<String>::new());
}

/// An account that the server makes.
fn account(double: &Double<acme_dns::AcmeDns>) -> Account {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let way = Arc::new(double.clone());
    runtime.block_on(register("https://auth.example.test", &[], way, Arc::new(Wall))).expect("an account")
}
