//! Azure DNS, and who may change it.

use acme_core::Transport;
use certwright_solvers::credentials::azure::WorkloadIdentity;
use certwright_solvers::credentials::azure::{Chosen, ClientSecret, Cloud, Environment, Identity, ManagedIdentity};
use certwright_solvers::credentials::{AccessToken, Assertion, CredentialSource, Fetch, Refreshing, SecretFile};
use certwright_solvers::dns::azure_dns::AzureDns;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::Double;
use testkit::doubles::azure::{Azure, refused};

use super::*;

pub(crate) const SECRET: &str = "TOP-SECRET~word";
const ASSERTION: &str = "eyJ.TOP-SECRET.assertion";
/// Where Microsoft's own library keeps to.
const LOGINS: [&[(&str, &str)]; 3] =
    [&[("login", "secret"), ("secret", SECRET)], &[("login", "workload")], &[("login", "managed")]];

#[tokio::test(start_paused = true)]
async fn azure_dns_keeps_the_contract_of_providers() {
    for (_, (dns, double), provider) in both() {
        let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
        let one = provider(&double);
        // One process for a name: others wait for their turn, or lose a race and try again.
        conformance::dns_provider(|| one.clone(), lookup, &record("")).await.unwrap();
    }
}

/// Its clean-up deletes the whole set, so one value at a time.
#[test]
fn lego_and_microsofts_own_libraries_find_the_same_service_in_the_double() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, ASSERTION).unwrap();
    for (private, (dns, double), _) in both() {
        for login in LOGINS {
            let served = double.serve();
            let known = [
                ("tenant", Azure::TENANT),
                ("client", Azure::CLIENT),
                ("subscription", Azure::SUBSCRIPTION),
                ("group", Azure::GROUP),
                ("private", private),
                ("file", file.to_str().unwrap()),
            ];
            let settings: Vec<_> = known.iter().chain(login).copied().collect();
            let lego = Lego::open("azuredns", &served.url(), "example.org", &settings);
            lego_comes_and_clears(&lego, &dns);
        }
    }
}

#[tokio::test]
async fn every_kind_of_identity_opens_a_zone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{ASSERTION}\n")).unwrap();
    let (dns, double) = service();
    let transport = || -> Arc<dyn Transport> { Arc::new(double.clone()) };
    let cloud = Cloud::parse("azurePublicCloud").unwrap();
    let workload = WorkloadIdentity::new(cloud, Azure::TENANT, Azure::CLIENT, Assertion::file(&file), transport());
    let asked = Assertion::source(fixed(secret(ASSERTION)));
    let asked = WorkloadIdentity::new(cloud, Azure::TENANT, Azure::CLIENT, asked, transport());
    let chosen = Chosen::Client(Azure::CLIENT.to_owned());
    let variables = [
        ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap()),
        ("AZURE_CLIENT_ID", Azure::CLIENT),
        ("AZURE_TENANT_ID", Azure::TENANT),
    ];
    let ambient = Environment::new(variables).identity(cloud, None, None, transport()).unwrap();
    let nowhere = [("AZURE_CLIENT_ID", "")];
    let machine = Environment::new(nowhere).identity(cloud, Some(chosen.clone()), None, transport()).unwrap();
    assert!(matches!((&ambient, &machine), (Identity::Workload(_), Identity::Managed(_))));
    let sources = [
        principal(transport()),
        refreshing(workload),
        refreshing(asked),
        refreshing(ambient),
        refreshing(machine),
        refreshing(ManagedIdentity::new(cloud, None, transport())),
        refreshing(ManagedIdentity::new(cloud, Some(chosen), transport())),
    ];
    for source in sources {
        let provider = with(source, &double);
        provider.add_txt(&record("v")).await.unwrap();
        assert_eq!(texts(&dns, OWNER), ["v"]);
        provider.remove_txt(&record("v")).await.unwrap();
    }
}

#[tokio::test]
async fn a_rotated_secret_is_picked_up_after_one_refused_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let (dns, double) = service();
    let read = SecretFile::new(&file, |it| Secret::new(it.expose().clone()));
    let login = ClientSecret::new(
        Cloud::Public,
        Azure::TENANT,
        Azure::CLIENT,
        Arc::new(Refreshing::new(read)),
        Arc::new(double.clone()),
    );
    let provider = with(refreshing(login), &double);
    provider.add_txt(&record("first")).await.unwrap();

    double.service().rotate("TOP-SECRET~other");
    std::fs::write(&file, "TOP-SECRET~other").unwrap();
    provider.add_txt(&record("second")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["first", "second"]);
}

#[tokio::test]
async fn what_others_wrote_stays_with_its_labels() {
    let (dns, double) = service();
    double.service().put_beside(OWNER, "theirs");
    let provider = provider(&double);
    provider.add_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["ours", "theirs"]);
    provider.remove_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["theirs"]);
    assert_eq!(double.service().metadata(OWNER), serde_json::json!({ "owner": "them" }));
}

#[tokio::test]
async fn a_lost_race_is_a_conflict_and_loses_nothing() {
    let (dns, double) = service();
    let provider = provider(&double);
    provider.add_txt(&record("first")).await.unwrap();
    // It is there when it is written, gone when it is read, and there again.
    double.fail_next(refused(412, "PreconditionFailed", "there is one"));
    double.fail_next(refused(404, "NotFound", "gone"));
    let error = provider.add_txt(&record("second")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Backoff));
    assert_eq!(texts(&dns, OWNER), ["first"]);
}

#[tokio::test]
async fn a_name_with_one_value_costs_two_calls() {
    let (dns, double) = service();
    let provider = provider(&double);
    provider.add_txt(&record("v")).await.unwrap();
    provider.remove_txt(&record("v")).await.unwrap();
    // The token once, the addition, the removal.
    assert_eq!(double.calls().len(), 3, "{:?}", double.calls());

    // What somebody else added since stays.
    provider.add_txt(&record("v")).await.unwrap();
    double.service().put_beside(OWNER, "theirs");
    provider.remove_txt(&record("v")).await.unwrap();
    assert!(texts(&dns, OWNER).contains(&"theirs".to_owned()));
    assert_eq!(double.service().metadata(OWNER), serde_json::json!({ "owner": "them" }));
}

#[tokio::test]
async fn a_zone_that_is_given_is_not_looked_for() {
    let (dns, double) = service();
    let provider = provider(&double).with_zone(name("example.org"));
    let bare = TxtRecord::new(name("example.org"), "v", name("example.org"));
    provider.add_txt(&bare).await.unwrap();
    assert_eq!(texts(&dns, "example.org"), ["v"]);
    let error = provider.add_txt(&elsewhere()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    let text = "_acme-challenge.example.com does not lie in the zone example.org, to which this provider writes";
    assert_eq!(error.what(), text);
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let refusals = [
        (
            refused(403, "AuthorizationFailed", "The client does not have authorization."),
            ErrorKind::Unauthorized,
            Retry::Never,
            "AuthorizationFailed: The client does not have authorization. (give the identity the role DNS Zone Contributor, or its private counterpart, on the zone)",
        ),
        (refused(400, "BadRequest", "no"), ErrorKind::Refused, Retry::Never, "BadRequest: no"),
        (
            refused(429, "SubscriptionRequestsThrottled", "slow"),
            ErrorKind::Busy,
            Retry::Backoff,
            "SubscriptionRequestsThrottled: slow",
        ),
    ];
    let with_token = |double: &Double<Azure>| with(fixed(AccessToken::new(&secret("TOP-SECRET"))), double);
    refusals_become(
        service,
        with_token,
        &format!("adding a TXT value at {OWNER} in the zone example.org: Azure DNS answered "),
        refusals,
    )
    .await;
    let (_, double) = service();
    let error = provider(&double).add_txt(&elsewhere()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Backoff));
    assert!(error.to_string().ends_with("(is the zone in this subscription and resource group?)"), "{error}");
}

#[tokio::test]
async fn a_login_that_is_refused_says_whose_and_why() {
    let (_, double) = service();
    double.service().rotate("TOP-SECRET~other");
    let error = provider(&double).add_txt(&record("v")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Backoff));
    let text = format!(
        "adding a TXT value at {OWNER} in the zone example.org: a token of Microsoft Entra for the client {}: the answer was 401: invalid_client: AADSTS7000215: Invalid client secret provided.",
        Azure::CLIENT
    );
    assert_eq!(error.what(), text);
    let machine =
        ManagedIdentity::new(Cloud::Public, Some(Chosen::Client("other".to_owned())), Arc::new(double.clone()));
    let error = machine.fetch(Timestamp::EPOCH).await.unwrap_err();
    assert!(
        error.what().starts_with("is the identity assigned to this machine?: a token for the managed identity other"),
        "{error}"
    );
}

#[test]
fn a_cloud_that_is_none_is_refused_by_its_name() {
    assert_eq!(Cloud::parse("AZURECHINACLOUD").unwrap(), Cloud::China);
    assert_eq!(Cloud::parse("").unwrap(), Cloud::Public);
    assert!(Cloud::parse("AzureGermanCloud").unwrap_err().to_string().contains("was closed"));
    assert!(Cloud::parse("Atlantis").unwrap_err().to_string().contains("AzureUSGovernmentCloud"));
}

/// What lego is told of `private`, the zone with its service, and the provider that writes there.
type Service = (&'static str, (SimDns, Double<Azure>), fn(&Double<Azure>) -> AzureDns);

/// Public zones and private ones: two services in two spellings.
fn both() -> [Service; 2] {
    let dns = SimDns::new();
    let private = Azure::new(SECRET, ASSERTION, "example.org", dns.clone()).private();
    [("", service(), provider), ("yes", (dns, Double::new(private)), |double| provider(double).for_private_zones())]
}

fn service() -> (SimDns, Double<Azure>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(Azure::new(SECRET, ASSERTION, "example.org", dns)))
}

fn provider(double: &Double<Azure>) -> AzureDns {
    with(principal(Arc::new(double.clone())), double)
}

fn with(source: Arc<dyn CredentialSource<AccessToken>>, double: &Double<Azure>) -> AzureDns {
    AzureDns::new(Azure::SUBSCRIPTION, Azure::GROUP, source, Arc::new(double.clone()), clock()).unwrap()
}

/// A service principal with its secret.
pub(crate) fn principal(transport: Arc<dyn Transport>) -> Arc<dyn CredentialSource<AccessToken>> {
    refreshing(ClientSecret::new(Cloud::Public, Azure::TENANT, Azure::CLIENT, fixed(secret(SECRET)), transport))
}

fn refreshing(fetch: impl Fetch<AccessToken> + 'static) -> Arc<dyn CredentialSource<AccessToken>> {
    Arc::new(Refreshing::new(fetch))
}
