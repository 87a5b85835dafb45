//! What is said of `dns01` blocks that name wrong or missing credentials: cert-manager's words, read in its source, and behind them what to do.

use std::sync::Arc;

use acme_core::{Error, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use testkit::VirtualClock;

use super::cluster::Cluster;
use super::model::context;
use crate::crd::acme::dns01::Dns01Solver;
use crate::key::Name;
use crate::order::DnsServices;
use crate::order::dns01::{self, Credentials};
use crate::settings::Settings;

#[tokio::test]
async fn a_secret_that_is_not_there_is_told_in_each_solvers_own_words() {
    let gone = json!({ "name": "gone", "key": "key" });
    let missing = "secrets \"gone\" not found";
    for (block, prefix) in [
        (json!({ "cloudflare": { "apiTokenSecretRef": gone } }), "error getting cloudflare secret: "),
        (
            json!({ "cloudflare": { "email": "a@b.test", "apiKeySecretRef": gone } }),
            "error getting cloudflare secret: ",
        ),
        (cloud_dns(&gone), "error getting clouddns service account: "),
        (json!({ "digitalocean": { "tokenSecretRef": gone } }), "error getting digitalocean token: "),
        (azure(&gone), "error getting azuredns client secret: "),
        (acme_dns(&gone), "error getting acmedns accounts secret: "),
        (akamai(&gone, &gone, &gone), "error getting akamai client token: failed to load secret \"shop/gone\": "),
        (
            akamai(&here("good"), &gone, &gone),
            "error getting akamai client secret: failed to load secret \"shop/gone\": ",
        ),
        (
            akamai(&here("good"), &here("other"), &gone),
            "error getting akamai client token: failed to load secret \"shop/gone\": ",
        ),
        (
            json!({ "route53": { "accessKeyIDSecretRef": gone, "secretAccessKeySecretRef": here("good") } }),
            "error getting route53 secret access key id: ",
        ),
        (
            json!({ "route53": { "accessKeyID": "AKID", "secretAccessKeySecretRef": gone } }),
            "error getting route53 secret access key: ",
        ),
        (rfc2136(&gone, "HMACSHA256"), ""),
    ] {
        told(&block, &format!("{prefix}{missing}"), "; make it in the namespace shop").await;
    }
}

#[tokio::test]
async fn a_key_that_a_secret_lacks_is_told_in_each_solvers_own_words() {
    let lacking = json!({ "name": "dns", "key": "none" });
    let specified = "specified key \"none\" not found in secret shop/dns";
    for (block, said) in [
        (json!({ "cloudflare": { "apiTokenSecretRef": lacking } }), specified),
        (cloud_dns(&lacking), specified),
        (
            json!({ "digitalocean": { "tokenSecretRef": lacking } }),
            "error instantiating digitalocean challenge solver: DigitalOcean token missing",
        ),
        (azure(&lacking), "error getting azure dns client secret: key 'none' not found in secret"),
        (acme_dns(&lacking), "error getting acmedns accounts secret: key 'none' not found in secret"),
        (
            akamai(&here("good"), &here("other"), &lacking),
            "error getting akamai client token: no key \"none\" in secret \"shop/dns\"",
        ),
        (
            json!({ "route53": { "accessKeyIDSecretRef": lacking, "secretAccessKeySecretRef": here("good") } }),
            "no data found in Secret \"dns\" at Key \"none\"",
        ),
        (
            json!({ "route53": { "accessKeyID": "AKID", "secretAccessKeySecretRef": lacking } }),
            "error getting route53 secret access key: key 'none' not found in secret",
        ),
        (rfc2136(&lacking, ""), "data entry with key \"none\" not found in secret"),
    ] {
        told(&block, said, "; add the key \"none\" to the Secret \"dns\" in the namespace shop").await;
    }
    let nameless = json!({ "name": "dns", "key": "" });
    told(
        &rfc2136(&nameless, ""),
        "key of data in Secret resource must be specified",
        "; add the key \"\" to the Secret \"dns\" in the namespace shop",
    )
    .await;
}

#[tokio::test]
async fn nothing_to_authenticate_with_is_told_with_the_flag_that_would_help() {
    let route53 = "error instantiating route53 challenge solver: unable to construct route53 provider: ";
    let google = "error instantiating google clouddns challenge solver: unable to construct clouddns provider: ";
    let empty = "empty credentials; perhaps you meant to enable ambient credentials?";
    for (block, said, more) in [
        (
            json!({ "route53": { "region": "eu-west-1" } }),
            format!("{route53}{empty}"),
            " (--issuer-ambient-credentials), or give accessKeyID and secretAccessKeySecretRef",
        ),
        (
            json!({ "route53": { "accessKeyID": "AKID" } }),
            format!("{route53}only one of access and secret key was provided"),
            "; give both, or neither",
        ),
        (
            json!({ "route53": { "auth": { "kubernetes": { "serviceAccountRef": { "name": "dns" } } } } }),
            format!("{route53}role must be set when web identity token is set"),
            "; name the role that AWS lets the ServiceAccount assume",
        ),
        (
            json!({ "cloudDNS": { "project": "p" } }),
            format!("{google}{empty}"),
            " (--issuer-ambient-credentials), or give serviceAccountSecretRef",
        ),
        (
            json!({ "azureDNS": { "subscriptionID": "s", "resourceGroupName": "g" } }),
            "error instantiating azuredns challenge solver: ClientID was omitted without providing one of \
             `--cluster-issuer-ambient-credentials` or `--issuer-ambient-credentials`. These are necessary to enable Azure \
             Managed Identities"
                .to_owned(),
            "; or give clientID, tenantID and clientSecretSecretRef",
        ),
        (json!({}), "no dns provider config specified for challenge".to_owned(), PROVIDERS),
    ] {
        told(&block, &said, more).await;
    }
    let mut settings = Settings::default();
    settings.ambient_credentials.cluster_issuers = crate::Ambient::Refused;
    let said = refusal(settings, "", &json!({ "route53": {} })).await;
    assert!(
        said.ends_with(&format!(
            "{empty} (--cluster-issuer-ambient-credentials), or give accessKeyID and secretAccessKeySecretRef"
        )),
        "{said}"
    );
}

#[tokio::test]
async fn what_a_secret_holds_and_a_block_says_is_judged_in_each_solvers_own_words() {
    let correct = "; correct the Secret \"dns\" in the namespace shop";
    let cloudflare = "error instantiating cloudflare challenge solver: ";
    for (block, said, more) in [
        (
            json!({ "cloudflare": { "apiTokenSecretRef": here("lines") } }),
            format!("{cloudflare}the Cloudflare API token is invalid (does the API token contain a newline?)"),
            correct,
        ),
        (
            json!({ "cloudflare": { "email": "a@b.test", "apiKeySecretRef": here("lines") } }),
            format!("{cloudflare}the Cloudflare API key is invalid (does the API key contain a newline?)"),
            correct,
        ),
        (
            json!({ "cloudflare": { "apiKeySecretRef": here("good") } }),
            format!("{cloudflare}no Cloudflare credential has been given (can be either an API key or an API token)"),
            "; apiKeySecretRef needs email: whose key it is",
        ),
        (
            json!({ "cloudflare": { "apiKeySecretRef": here("good"), "apiTokenSecretRef": here("good") } }),
            "API key and API token secret references are both present".to_owned(),
            "; leave apiKeySecretRef out",
        ),
        (
            json!({ "route53": {
                "accessKeyID": "AKID", "accessKeyIDSecretRef": here("good"), "secretAccessKeySecretRef": here("good"),
            } }),
            "route53 accessKeyID and accessKeyIDSecretRef cannot both be specified".to_owned(),
            "; leave one of them out",
        ),
        (
            rfc2136(&here("good"), "hmac-sha3"),
            "algorithm 'hmac-sha3' is not supported".to_owned(),
            "; use HMACMD5, HMACSHA1, HMACSHA256 or HMACSHA512",
        ),
    ] {
        told(&block, &said, more).await;
    }
    for (block, prefix) in [
        (
            acme_dns(&here("good")),
            "error instantiating acmedns challenge solver: Error unmarshalling accountJSON: the accounts of acme-dns are",
        ),
        (cloud_dns(&here("good")), "error instantiating google clouddns challenge solver: Unable to acquire config: "),
        (
            json!({ "azureDNS": { "subscriptionID": "s", "resourceGroupName": "g", "environment": "AzureGermanCloud" } }),
            "error instantiating azuredns challenge solver: unknown cloud configuration name: AzureGermanCloud: ",
        ),
        (
            json!({ "route53": { "accessKeyID": "AKID", "secretAccessKeySecretRef": here("good"), "role": "arn:aws:iam::1:role/dns" } }),
            "error instantiating route53 challenge solver: unable to assume role: sts:AssumeRole on arn:aws:iam::1:role/dns: ",
        ),
    ] {
        let said = refusal(Settings::default(), "shop", &block).await;
        assert!(said.starts_with(prefix), "{said}");
        assert!(!said.contains("TOP-SECRET"), "{said}");
    }
}

/// Asserts that exactly this is told of a block of an Issuer in the namespace `shop`.
async fn told(block: &Value, said: &str, more: &str) {
    let refusal = refusal(Settings::default(), "shop", block).await;
    assert_eq!(refusal, format!("{said}{more}"), "{block}");
}

/// Why no solver could be made of a block.
async fn refusal(mut settings: Settings, namespace: &str, block: &Value) -> String {
    settings.acme.dns01_nameservers = vec!["192.0.2.53:53".to_owned()];
    let cluster = Cluster::default();
    // Two of one line, and one of two lines.
    let data = json!({ "good": "VE9QLVNFQ1JFVA==", "other": "VE9QLVNFQ1JFVA==", "lines": "VE9QCi1TRUNSRVQ=" });
    cluster.put("/api/v1/namespaces/shop/secrets/dns", json!({ "metadata": { "name": "dns" }, "data": data }));
    let services = DnsServices::reached_by(Some(Arc::new(Nobody)));
    let clock = VirtualClock::starting_at(Timestamp::from_unix_seconds(1_800_000_000));
    let context = context(&cluster, &clock, &Arc::new(settings), services);
    let spec: Dns01Solver = serde_json::from_value(block.clone()).unwrap();
    let credentials = Credentials::of(&context, &Name::new(namespace, "acme"));
    match dns01::make(&spec, "value", &credentials, None).await {
        Ok(_) => panic!("a solver was made of {block}"),
        Err(error) => error.to_string(),
    }
}

/// A way that leads nowhere.
struct Nobody;

#[async_trait]
impl Transport for Nobody {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let host = request.uri().host().unwrap_or_default();
        Err(Error::new(acme_core::ErrorKind::Unreachable, format!("there is no host {host:?} in this test")))
    }
}

fn here(key: &str) -> Value {
    json!({ "name": "dns", "key": key })
}

fn cloud_dns(secret: &Value) -> Value {
    json!({ "cloudDNS": { "project": "p", "serviceAccountSecretRef": secret } })
}

fn azure(secret: &Value) -> Value {
    json!({ "azureDNS": {
        "subscriptionID": "s", "resourceGroupName": "g", "clientID": "c", "tenantID": "t", "clientSecretSecretRef": secret,
    } })
}

fn acme_dns(secret: &Value) -> Value {
    json!({ "acmeDNS": { "host": "https://auth.example.test", "accountSecretRef": secret } })
}

fn akamai(token: &Value, secret: &Value, access: &Value) -> Value {
    json!({ "akamai": {
        "serviceConsumerDomain": "akab.example.test",
        "clientTokenSecretRef": token, "clientSecretSecretRef": secret, "accessTokenSecretRef": access,
    } })
}

fn rfc2136(secret: &Value, algorithm: &str) -> Value {
    json!({ "rfc2136": {
        "nameserver": "192.0.2.53", "tsigKeyName": "k", "tsigAlgorithm": algorithm, "tsigSecretSecretRef": secret,
    } })
}

const PROVIDERS: &str =
    "; there are acmeDNS, akamai, azureDNS, cloudDNS, cloudflare, digitalocean, rfc2136, route53 and webhook";
