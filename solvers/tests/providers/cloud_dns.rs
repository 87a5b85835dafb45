//! Google Cloud DNS, and who may change it.

use std::sync::{LazyLock, Mutex};

use acme_core::Transport;
use acme_core::key::{KeyType, PrivateKey, Signer as _};
use async_trait::async_trait;
use certwright_solvers::credentials::google::{Environment, Federation, Metadata, ReplacedKey, Scope, ServiceAccount};
use certwright_solvers::credentials::{AccessToken, Assertion, CredentialSource, Fetch, Fetched, Refreshing};
use certwright_solvers::dns::cloud_dns::CloudDns;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{Error, ErrorKind, Retry};
use http::Method;
use serde_json::json;
use testkit::doubles::Double;
use testkit::doubles::google::{Google, refused};
use testkit::transport::Answer;
use testkit::{ScriptedTransport, conformance};

use super::*;

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(KeyType::Rsa2048).unwrap());

#[tokio::test(start_paused = true)]
async fn cloud_dns_keeps_the_contract_of_providers() {
    let (dns, double) = service(clock());
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    let one = provider(&double);
    // One process for a name: others wait for their turn, or lose a race and try again.
    conformance::dns_provider(|| one.clone(), lookup, &record("")).await.unwrap();
}

/// Its clean-up deletes the whole set, so one value at a time.
#[test]
fn lego_and_googles_own_libraries_find_the_same_service_in_the_double() {
    let (dns, double) = service(Arc::new(Wall));
    let served = double.serve();
    let file = key_file();
    let settings = [("key", file.expose().as_str()), ("project", Google::PROJECT)];
    let lego = Lego::open("gcloud", &served.url(), "example.org", &settings);
    lego_comes_and_clears(&lego, &dns);
}

#[test]
fn googles_own_library_exchanges_a_token_of_another_platform_at_the_double() {
    for stands_in in [StandsIn::ForNobody, StandsIn::ForAnAccount] {
        let folder = tempfile::tempdir().unwrap();
        let (dns, double) = service(Arc::new(Wall));
        let served = double.serve();
        let external = external_account(folder.path(), stands_in);
        let settings = [("external account", external.as_str()), ("project", Google::PROJECT)];
        lego_comes_and_clears(&Lego::open("gcloud", &served.url(), "example.org", &settings), &dns);
    }
}

#[tokio::test]
async fn a_token_of_another_platform_opens_a_zone_where_googles_library_gets_in() {
    for stands_in in [StandsIn::ForNobody, StandsIn::ForAnAccount] {
        let folder = tempfile::tempdir().unwrap();
        let (dns, double) = service(clock());
        let external = external_account(folder.path(), stands_in);
        let federation = Federation::from_json(&external, Scope::CLOUD_DNS, Arc::new(double.clone())).unwrap();
        let provider = with(refreshing(federation), &double);
        provider.add_txt(&record("v")).await.unwrap();
        assert_eq!(texts(&dns, OWNER), ["v"]);
        provider.remove_txt(&record("v")).await.unwrap();
    }
}

#[derive(Clone, Copy, PartialEq)]
enum StandsIn {
    ForNobody,
    ForAnAccount,
}

/// A configuration as `gcloud iam workload-identity-pools create-cred-config` writes it, with its token in a file beside it.
fn external_account(folder: &std::path::Path, stands_in: StandsIn) -> String {
    let file = folder.join("token");
    std::fs::write(&file, Google::SUBJECT_TOKEN).unwrap();
    let mut configuration = json!({
        "type": "external_account", "audience": Google::AUDIENCE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": { "file": file, "format": { "type": "text" } },
    });
    if stands_in == StandsIn::ForAnAccount {
        configuration["service_account_impersonation_url"] = format!(
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken",
            Google::EMAIL
        )
        .into();
    }
    configuration.to_string()
}

#[tokio::test]
async fn a_name_with_one_value_costs_two_calls() {
    let (_, double) = service(clock());
    let provider = provider(&double);
    provider.add_txt(&record("v")).await.unwrap();
    provider.remove_txt(&record("v")).await.unwrap();
    // The token and the zone once, the addition, the removal.
    assert_eq!(double.calls().len(), 4, "{:?}", double.calls());
}

#[tokio::test]
async fn what_others_wrote_stays_as_it_was() {
    let (dns, double) = service(clock());
    double.service().put_beside(OWNER, 86_400, "theirs");
    let provider = provider(&double).with_zone_id("example-org");
    provider.add_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["ours", "theirs"]);
    provider.remove_txt(&record("ours")).await.unwrap();
    provider.remove_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["theirs"]);
}

#[tokio::test]
async fn a_lost_race_is_a_conflict_and_loses_nothing() {
    let (dns, double) = service(clock());
    let provider = provider(&double).with_zone_id("example-org");
    provider.add_txt(&record("first")).await.unwrap();
    double.fail_next(refused(409, "alreadyExists", "there is one"));
    double.fail_next(testkit::doubles::json(
        200,
        &json!({ "rrsets": [{ "name": format!("{OWNER}."), "type": "TXT", "ttl": 60, "rrdatas": ["\"old\""] }] }),
    ));
    let error = provider.add_txt(&record("second")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Backoff));
    assert_eq!(texts(&dns, OWNER), ["first"]);
}

#[tokio::test]
async fn every_kind_of_identity_opens_a_zone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    std::fs::write(&file, key_file().expose()).unwrap();
    let (dns, double) = service(clock());
    let transport = || -> Arc<dyn Transport> { Arc::new(double.clone()) };
    let in_file = Environment::new([("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap())]);
    let on_gke = Environment::new([("GCE_METADATA_HOST", "169.254.169.254"), ("HOME", "/root")]);
    let sources = [
        account(transport()),
        machine(transport()),
        refreshing(in_file.identity(Scope::CLOUD_DNS, transport())),
        refreshing(on_gke.identity(Scope::CLOUD_DNS, transport())),
    ];
    for source in sources {
        let provider = with(source, &double);
        provider.add_txt(&record("v")).await.unwrap();
        assert_eq!(texts(&dns, OWNER), ["v"]);
        provider.remove_txt(&record("v")).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_file_that_was_replaced_is_picked_up_after_one_refused_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    std::fs::write(&file, key_file().expose().replace("3f6d", "gone")).unwrap();
    let (dns, double) = service(clock());
    let environment = Environment::new([("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap())]);
    let provider = with(refreshing(environment.identity(Scope::CLOUD_DNS, Arc::new(double.clone()))), &double);
    let error = provider.add_txt(&record("v")).await.unwrap_err();
    let text = "the answer was 400: invalid_grant: Invalid JWT Signature.";
    assert!(error.to_string().ends_with(text), "{error}");

    std::fs::write(&file, key_file().expose()).unwrap();
    let renewed = with(refreshing(environment.identity(Scope::CLOUD_DNS, Arc::new(double.clone()))), &double);
    renewed.add_txt(&record("first")).await.unwrap();
    double.service().forget_tokens();
    renewed.add_txt(&record("second")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["first", "second"]);
}

#[tokio::test]
async fn a_token_of_another_platform_is_exchanged_and_may_stand_for_a_service_account() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "eyJ.TOP-SECRET.theirs\n").unwrap();
    let audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k8s";
    let account = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken";
    let configuration = json!({
        "type": "external_account", "audience": audience, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token", "service_account_impersonation_url": account,
        "credential_source": { "file": token, "format": { "type": "text" } },
    });
    let script = ScriptedTransport::new();
    let first = json!({ "access_token": "TOP-SECRET-one", "token_type": "Bearer", "expires_in": 3600 });
    let second = json!({ "accessToken": "TOP-SECRET-two", "expireTime": "1970-01-01T01:00:00Z" });
    script.expect(Method::POST, "https://sts.googleapis.com/v1/token", Answer::json(200, &first));
    script.expect(Method::POST, account, Answer::json(200, &second));
    let read = Federation::from_json(&configuration.to_string(), Scope::CLOUD_DNS, Arc::new(script.clone())).unwrap();
    let fetched = read.fetch(Timestamp::EPOCH).await.unwrap();
    assert_eq!(fetched.credential.expose(), "TOP-SECRET-two");
    assert_eq!(fetched.expires, Some(Timestamp::from_unix_seconds(3600)));
    let sent = script.sent();
    assert!(String::from_utf8_lossy(sent[0].body()).contains("subject_token=eyJ.TOP-SECRET.theirs"));
    assert!(
        String::from_utf8_lossy(sent[0].body())
            .contains("scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform")
    );
    assert_eq!(sent[1].headers()["authorization"], "Bearer TOP-SECRET-one");
    assert_eq!(sent[1].body(), r#"{"scope":["https://www.googleapis.com/auth/ndev.clouddns.readwrite"]}"#);

    let asked =
        Federation::new(audience, Assertion::source(fixed(secret("eyJ"))), Scope::CLOUD_DNS, Arc::new(script.clone()));
    let refusal = json!({ "error": "invalid_grant", "error_description": "The audience does not match." });
    script.expect(Method::POST, "https://sts.googleapis.com/v1/token", Answer::json(400, &refusal));
    let error = asked.fetch(Timestamp::EPOCH).await.unwrap_err();
    let text =
        format!("a token of Google for {audience}: the answer was 400: invalid_grant: The audience does not match.");
    assert_eq!((error.kind(), error.what()), (ErrorKind::Unauthorized, text.as_str()));
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let refusals = [
        (
            refused(401, "authError", "Invalid Credentials"),
            ErrorKind::Unauthorized,
            Retry::Backoff,
            "authError: Invalid Credentials (is it an identity of Google Cloud with the scope for Cloud DNS?)",
        ),
        (
            refused(403, "forbidden", "Forbidden"),
            ErrorKind::Unauthorized,
            Retry::Never,
            "forbidden: Forbidden (give the identity the role DNS Administrator on the zone, and switch the Cloud DNS API on)",
        ),
        (refused(403, "rateLimitExceeded", "slow"), ErrorKind::Busy, Retry::Backoff, "rateLimitExceeded: slow"),
        (
            refused(400, "cnameResourceRecordSetConflict", "either one"),
            ErrorKind::Refused,
            Retry::Never,
            "cnameResourceRecordSetConflict: either one (the name is an alias; follow the delegation, or remove the CNAME record)",
        ),
        (
            refused(404, "notFound", "The 'parameters.managedZone' resource named 'z' does not exist."),
            ErrorKind::NotFound,
            Retry::Backoff,
            "notFound: The 'parameters.managedZone' resource named 'z' does not exist. (check the project and the zone)",
        ),
    ];
    let with_token =
        |double: &Double<Google>| with(fixed(AccessToken::new(&secret("TOP-SECRET"))), double).with_zone_id("z");
    refusals_become(
        || service(clock()),
        with_token,
        &format!("adding a TXT value at {OWNER}: Google Cloud DNS answered "),
        refusals,
    )
    .await;
    let (_, double) = service(clock());
    let error = provider(&double).add_txt(&elsewhere()).await.unwrap_err();
    let text = "finding the zone example.com: Google Cloud DNS has no such zone in the project web-1234; is it in another one?";
    assert_eq!((error.kind(), error.what()), (ErrorKind::NotFound, text));
}

#[tokio::test]
async fn a_key_that_was_replaced_is_read_again_after_one_refused_login() {
    let old = || Secret::new(key_file().expose().replace(Google::KEY_ID, "old"));
    for (files, end) in [(vec![key_file(), old()], Ok(())), (vec![old(), old()], Err(ErrorKind::Unauthorized))] {
        let (_, double) = service(clock());
        let files = Refreshing::new(KeyFiles(Mutex::new(files), Arc::new(double.clone())));
        let provider = with(refreshing(ReplacedKey::new(Arc::new(files))), &double);
        let added = provider.add_txt(&record("v")).await;
        assert_eq!(added.map_err(|error| error.kind()), end);
        assert_eq!(double.calls().iter().filter(|it| it.contains("/token")).count(), 2);
    }
}

/// Key files, the last one first.
struct KeyFiles(Mutex<Vec<Secret<String>>>, Arc<dyn Transport>);

#[async_trait]
impl Fetch<ServiceAccount> for KeyFiles {
    async fn fetch(&self, _: Timestamp) -> Result<Fetched<ServiceAccount>, Error> {
        let file = self.0.lock().unwrap().pop().expect("it is read once more, and no more");
        Ok(Fetched::new(ServiceAccount::from_json(&file, Scope::CLOUD_DNS, self.1.clone())?, None))
    }
}

#[test]
fn a_key_file_that_is_none_says_what_it_lacks() {
    let read =
        |text: &str| ServiceAccount::from_json(&secret(text), Scope::CLOUD_DNS, Arc::new(ScriptedTransport::new()));
    let error = read("{\"type\": \"TOP-SECRET\"}").unwrap_err();
    assert_eq!(
        error.what(),
        "the key file of a service account is no JSON with `client_email`, `private_key` and `private_key_id`"
    );
    let other = key_file().expose().replace("service_account", "authorized_user");
    assert!(read(&other).unwrap_err().what().ends_with("is of another type than `service_account`"));
    assert_eq!(read(key_file().expose()).unwrap().project(), Some(Google::PROJECT));
}

fn service(clock: Arc<dyn Clock>) -> (SimDns, Double<Google>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(Google::new(KEY.public_key().as_ref(), "example.org", dns, clock)))
}

fn provider(double: &Double<Google>) -> CloudDns {
    with(account(Arc::new(double.clone())), double)
}

fn with(source: Arc<dyn CredentialSource<AccessToken>>, double: &Double<Google>) -> CloudDns {
    CloudDns::new(Google::PROJECT, source, Arc::new(double.clone()), clock()).unwrap()
}

/// The workload of a machine.
pub(crate) fn machine(transport: Arc<dyn Transport>) -> Arc<dyn CredentialSource<AccessToken>> {
    refreshing(Metadata::new(Scope::CLOUD_DNS, transport))
}

/// A service account with its key file.
pub(crate) fn account(transport: Arc<dyn Transport>) -> Arc<dyn CredentialSource<AccessToken>> {
    refreshing(ServiceAccount::from_json(&key_file(), Scope::CLOUD_DNS, transport).unwrap())
}

fn key_file() -> Secret<String> {
    let file = json!({
        "type": "service_account", "project_id": Google::PROJECT, "private_key_id": Google::KEY_ID,
        "private_key": KEY.to_pem().expose(), "client_email": Google::EMAIL, "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    Secret::new(file.to_string())
}

fn refreshing(fetch: impl Fetch<AccessToken> + 'static) -> Arc<dyn CredentialSource<AccessToken>> {
    Arc::new(Refreshing::new(fetch))
}
