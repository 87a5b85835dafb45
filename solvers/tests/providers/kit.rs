//! What the tests of all providers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use acme_core::{Clock, DnsName, Secret, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use certwright_solvers::credentials::{CredentialSource, Fixed};
use certwright_solvers::dns01::{DnsProvider, TxtRecord, Zone};
use certwright_solvers::{Error, ErrorKind, Retry};
use http::Response;
use testkit::doubles::{Double, Service, empty};
use testkit::servers::Lego;
use testkit::{SimDns, VirtualClock};

pub(crate) const OWNER: &str = "_acme-challenge.www.example.org";

pub(crate) fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock::new())
}

/// The time on the wall: foreign programs go by it.
pub(crate) struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "foreign programs go by the wall clock")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

/// A credential that never changes.
pub(crate) fn fixed<T>(credential: T) -> Arc<Fixed<T>> {
    Arc::new(Fixed::new(credential))
}

/// When credentials are the right ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    AtOnce,
    AfterARefusal,
    Never,
}

/// Credentials that are rotated: the wrong ones, and the right ones when that is due.
pub(crate) fn rotated<T: Send + Sync + 'static>(
    when: Right,
    right: Arc<dyn CredentialSource<T>>,
    wrong: T,
) -> Arc<dyn CredentialSource<T>> {
    Arc::new(Rotated { when, right, wrong: Arc::new(wrong), is_refused: AtomicBool::new(false) })
}

struct Rotated<T> {
    when: Right,
    right: Arc<dyn CredentialSource<T>>,
    wrong: Arc<T>,
    is_refused: AtomicBool,
}

#[async_trait]
impl<T: Send + Sync> CredentialSource<T> for Rotated<T> {
    async fn credential(&self, now: Timestamp) -> Result<Arc<T>, Error> {
        match self.when {
            Right::AtOnce => self.right.credential(now).await,
            Right::AfterARefusal if self.is_refused.load(Ordering::Relaxed) => self.right.credential(now).await,
            Right::AfterARefusal | Right::Never => Ok(Arc::clone(&self.wrong)),
        }
    }

    fn rejected(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }
}

/// A record at [`OWNER`] in the zone example.org.
pub(crate) fn record(value: &str) -> TxtRecord {
    TxtRecord::new(name(OWNER), value, name("www.example.org")).with_zone(Zone::new(name("example.org")))
}

/// A record in the zone example.com, which nobody here has.
pub(crate) fn elsewhere() -> TxtRecord {
    TxtRecord::new(name("_acme-challenge.example.com"), "v", name("example.com"))
        .with_zone(Zone::new(name("example.com")))
}

/// The texts at `owner`, sorted.
pub(crate) fn texts(dns: &SimDns, owner: &str) -> Vec<String> {
    let mut texts = dns.lookup_txt(owner).unwrap();
    texts.sort();
    texts
}

/// Kind, advice and words of an error.
pub(crate) fn told(error: &Error) -> (ErrorKind, Retry, &str) {
    (error.kind(), error.retry(), error.what())
}

/// What a service answers to whatever it is asked, and the error of an addition that follows.
pub(crate) type Refusal<'a> = (Response<Bytes>, ErrorKind, Retry, &'a str);

/// Each refusal becomes its error, whose words begin with `begins`. It is answered twice: credentials have a second try.
pub(crate) async fn refusals_become<S: Service, P: DnsProvider>(
    service: impl Fn() -> (SimDns, Double<S>),
    provider: impl Fn(&Double<S>) -> P,
    begins: &str,
    refusals: impl IntoIterator<Item = Refusal<'_>>,
) {
    let gateway = (empty(502), ErrorKind::Busy, Retry::Backoff, "502");
    for (answer, kind, retry, text) in refusals.into_iter().chain([gateway]) {
        let (_, double) = service();
        double.fail_next(answer.clone());
        double.fail_next(answer);
        let error = provider(&double).add_txt(&record("v")).await.unwrap_err();
        assert_eq!(told(&error), (kind, retry, format!("{begins}{text}").as_str()));
    }
}

/// A set that could not be read is not taken for an empty one; `before` is answered first.
pub(crate) async fn a_refused_read_loses_nothing<S: Service>(
    dns: &SimDns,
    double: &Double<S>,
    provider: impl DnsProvider,
    before: Option<Response<Bytes>>,
) {
    provider.add_txt(&record("theirs")).await.unwrap();
    for answer in before.into_iter().chain([empty(500)]) {
        double.fail_next(answer);
    }
    provider.add_txt(&record("ours")).await.unwrap_err();
    assert_eq!(texts(dns, OWNER), ["theirs"]);
}

/// A service takes a value twice, and it is there once; `write` writes it as another client, `count` says how many records there are.
pub(crate) async fn a_value_is_there_once<P: DnsProvider>(
    process: impl Fn() -> P,
    write: impl Fn(&str),
    count: impl Fn() -> usize,
) {
    process().add_txt(&record("value")).await.unwrap();
    // Another process, after an answer that was lost.
    process().add_txt(&record("value")).await.unwrap();
    assert_eq!(count(), 1);
    write("value");
    process().remove_txt(&record("value")).await.unwrap();
    assert_eq!(count(), 0);
}

/// What is beyond the first page of a list is found; `write` writes `many` texts at [`OWNER`] as another client.
pub(crate) async fn what_is_beyond_the_first_page_is_found(
    dns: &SimDns,
    provider: impl DnsProvider,
    many: usize,
    write: impl Fn(&str),
) {
    let text = |number: usize| format!("other-{number:03}");
    (0..many).for_each(|number| write(&text(number)));
    provider.remove_txt(&record(&text(many - 1))).await.unwrap();
    assert_eq!(texts(dns, OWNER).len(), many - 1);
}

/// lego presents for an apex and a wildcard at once: what it writes is what is served.
fn lego_comes(lego: &Lego, dns: &SimDns) {
    let mut expected = vec![
        lego.present("www.example.org", "one", "one.thumbprint").unwrap(),
        lego.present("www.example.org", "two", "two.thumbprint").unwrap(),
    ];
    expected.sort();
    assert_eq!(texts(dns, OWNER), expected);
}

/// lego comes, and takes both values away.
pub(crate) fn lego_comes_and_goes(lego: &Lego, dns: &SimDns) {
    lego_comes(lego, dns);
    lego.clean_up("www.example.org", "one", "one.thumbprint").unwrap();
    lego.clean_up("www.example.org", "two", "two.thumbprint").unwrap();
    assert!(texts(dns, OWNER).is_empty());
}

/// lego comes, and one clean-up takes everything away: with some services it deletes all that a name has.
pub(crate) fn lego_comes_and_clears(lego: &Lego, dns: &SimDns) {
    lego_comes(lego, dns);
    lego.clean_up("www.example.org", "one", "one.thumbprint").unwrap();
    assert!(texts(dns, OWNER).is_empty());
}
