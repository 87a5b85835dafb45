//! What a server refuses, and what a person is told to do about it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use certwright_solvers::credentials::CredentialSource;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{Error, ErrorKind, Retry};
use testkit::servers::{Bind, TsigAlgorithm, TsigKey, Zone, free_port};

use super::*;

const OWNER: &str = "_acme-challenge.example.org";

#[tokio::test]
async fn a_wrong_secret_is_told() {
    let server = Bind::builder().zone(example()).start();
    let wrong = TsigKey::new("acme-key", TsigAlgorithm::HmacSha256, "wrong");
    let error = refused(&provider(&server, &wrong), &server).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("BADSIG: the secret of the TSIG key `acme-key`"), "{error}");
}

#[tokio::test]
async fn a_wrong_key_name_or_algorithm_is_told() {
    let server = Bind::builder().zone(example()).start();
    for wrong in [
        TsigKey::new("other-key", TsigAlgorithm::HmacSha256, SECRET),
        TsigKey::new("acme-key", TsigAlgorithm::HmacSha512, SECRET),
    ] {
        let error = refused(&provider(&server, &wrong), &server).await;
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(error.to_string().contains("BADKEY"), "{error}");
        assert!(error.to_string().contains("check the key's name and algorithm"), "{error}");
    }
}

#[tokio::test]
async fn a_key_without_the_right_is_told() {
    let zone = Zone::new("example.org").update_policy("grant \"acme-key\" name other.example.org TXT;");
    let server = Bind::builder().key(key()).zone(zone).start();
    let error = refused(&provider(&server, &key()), &server).await;
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    assert!(error.to_string().contains("REFUSED"), "{error}");
    assert!(error.to_string().contains("update-policy"), "{error}");
}

#[tokio::test]
async fn the_right_that_the_documentation_names_suffices() {
    let zone = Zone::new("example.org").update_policy("grant \"acme-key\" zonesub TXT;");
    let server = Bind::builder().key(key()).zone(zone).start();
    comes_and_goes(provider(&server, &key()), "value", |owner| server.txt(owner)).await;
}

#[tokio::test]
async fn an_unsigned_update_is_told_to_sign() {
    let server = Bind::builder().zone(example()).start();
    let unsigned = Rfc2136::new(&server.address().to_string(), wall()).unwrap();
    let error = refused(&unsigned, &server).await;
    assert!(error.to_string().contains("configure a TSIG key"), "{error}");
}

#[tokio::test]
async fn a_zone_of_another_server_is_told() {
    let server = Bind::builder().zone(example()).start();
    let elsewhere = TxtRecord::new(name("_acme-challenge.example.com"), "v", name("example.com"))
        .with_zone(Apex::new(name("example.com")));
    let error = provider(&server, &key()).add_txt(&elsewhere).await.unwrap_err();
    assert!(error.to_string().contains("does not hold the zone example.com"), "{error}");
}

#[tokio::test]
async fn an_alias_at_the_owner_is_told_instead_of_ignored() {
    let server = Bind::builder().zone(example().record("_acme-challenge IN CNAME elsewhere.example.com.")).start();
    let error = refused(&provider(&server, &key()), &server).await;
    assert!(error.to_string().contains("alias of elsewhere.example.com"), "{error}");
    assert!(error.to_string().contains("follow the delegation"), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told() {
    struct Late;
    impl Clock for Late {
        fn now(&self) -> Timestamp {
            Wall.now() + Duration::from_secs(3600)
        }
    }
    let server = Bind::builder().zone(example()).start();
    let late = Rfc2136::new(&server.address().to_string(), Arc::new(Late)).unwrap().with_key(ours(&key()));
    let error = refused(&late, &server).await;
    assert!(error.to_string().contains("BADTIME"), "{error}");
    assert_eq!(error.retry(), Retry::Backoff);
}

#[tokio::test]
async fn a_rotated_key_is_picked_up_after_one_refused_update() {
    let server = Bind::builder().zone(example()).start();
    let keys = |when| Arc::new(Rotated { when, refused: AtomicUsize::new(0) });
    let address = server.address().to_string();
    let provider = |keys: &Arc<Rotated>| Rfc2136::new(&address, wall()).unwrap().with_keys(keys.clone());

    let never = keys(usize::MAX);
    let error = refused(&provider(&never), &server).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(never.refused.load(Ordering::Relaxed), 2, "once more with another key, and no more");

    let after_one = keys(1);
    let provider = provider(&after_one);
    provider.add_txt(&record(OWNER, "value")).await.unwrap();
    assert_eq!(server.txt(OWNER), ["value"]);
    provider.remove_txt(&record(OWNER, "value")).await.unwrap();
    assert_eq!(after_one.refused.load(Ordering::Relaxed), 1);
    assert!(!format!("{provider:?}").contains("0123456789"), "{provider:?}");
}

/// The right key after so many refusals.
struct Rotated {
    when: usize,
    refused: AtomicUsize,
}

#[async_trait]
impl CredentialSource<certwright_solvers::dns::rfc2136::TsigKey> for Rotated {
    async fn credential(&self, _: Timestamp) -> Result<Arc<certwright_solvers::dns::rfc2136::TsigKey>, Error> {
        let is_right = self.refused.load(Ordering::Relaxed) >= self.when;
        let secret = if is_right { SECRET } else { "wrong" };
        Ok(Arc::new(ours(&TsigKey::new("acme-key", TsigAlgorithm::HmacSha256, secret))))
    }

    fn rejected(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable() {
    let address = format!("127.0.0.1:{}", free_port());
    let away = Rfc2136::new(&address, wall()).unwrap().with_time_limit(Duration::from_millis(400));
    let error = away.add_txt(&record(OWNER, "value")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains(&address), "{error}");
}

async fn refused(provider: &Rfc2136, server: &Bind) -> Error {
    let error = provider.add_txt(&record(OWNER, "value")).await.unwrap_err();
    assert!(server.txt(OWNER).is_empty());
    assert!(!error.to_string().contains(SECRET));
    error
}
