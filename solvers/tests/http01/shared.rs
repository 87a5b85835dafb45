//! A table that lies in a store: any node answers the validator.

use std::sync::Arc;

use acme_core::{Entry, Error, Expect, Key, Page, Prefix, Secret, Store, Version};
use async_trait::async_trait;
use testkit::{DurableStore, conformance};

use super::*;

#[tokio::test]
async fn a_node_answers_what_another_one_presented() {
    let store = DurableStore::new();
    let (presenting, asked) = (node(&store), node(&store));
    let one = challenge("Example.com", "tok-EN_1");
    Http01::new(presenting).present(&one).await.unwrap();
    let body =
        async |host: &str, token: &str| asked.find_http(host, token).await.unwrap().map(|it| it.as_str().to_owned());
    assert_eq!(body("example.com:80", "tok-EN_1").await.as_deref(), Some("tok-EN_1.thumbprint"));
    for (host, token) in
        [("example.com", "tok-en_1"), ("example.org", "tok-EN_1"), ("example.com", "../tok-EN_1"), ("", "x")]
    {
        assert_eq!(body(host, token).await, None, "{host} {token}");
    }
    // A third one takes it away.
    Http01::new(node(&store)).clean_up(&one).await.unwrap();
    assert_eq!(body("example.com", "tok-EN_1").await, None);
    assert!(store.keys().is_empty());
}

#[tokio::test]
async fn the_newest_digest_is_shown_by_all() {
    let store = DurableStore::new();
    let (first, second) = (node(&store), node(&store));
    let digest = |number| Answer::TlsAlpn { identifier: Identifier::parse("192.0.2.1").unwrap(), digest: [number; 32] };
    let shown = async || second.find_tls_alpn("1.2.0.192.in-addr.arpa").await.unwrap().map(|it| it.digest[0]);
    for number in [1, 2] {
        first.publish(digest(number)).await.unwrap();
        assert_eq!(shown().await, Some(number));
    }
    second.withdraw(&digest(2)).await.unwrap();
    assert_eq!(shown().await, Some(1));
    assert!(first.has(&digest(1)).await.unwrap() && !first.has(&digest(2)).await.unwrap());
    first.withdraw(&digest(1)).await.unwrap();
    assert_eq!(shown().await, None);
    assert!(store.keys().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_contract_of_solvers_is_kept_by_nodes_that_share_nothing_else() {
    let store = DurableStore::new();
    let identifier = Identifier::parse("example.com").unwrap();
    conformance::solver(|| Http01::new(node(&store)), &identifier).await.unwrap();
    assert!(store.keys().is_empty());
}

#[tokio::test]
async fn a_question_has_bounded_answers() {
    let answers = node(&DurableStore::new());
    let identifier = Identifier::parse("example.com").unwrap();
    let mut failure = None;
    for number in 0..=certwright_solvers::limits::ANSWERS_SHARED {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        failure = answers.publish(Answer::TlsAlpn { identifier: identifier.clone(), digest }).await.err();
    }
    assert_eq!(failure.unwrap().kind(), ErrorKind::Busy);
}

#[tokio::test]
async fn a_store_that_fails_says_so_to_the_solver() {
    let answers = Answers::shared(Arc::new(Broken), "answers").unwrap();
    let solver = Http01::new(answers.clone());
    let one = challenge("example.com", "token");
    for outcome in [
        solver.present(&one).await,
        solver.check(&one).await.map(drop),
        solver.clean_up(&one).await,
        answers.find_http("example.com", "token").await.map(drop),
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unreachable);
    }
    assert_eq!(Answers::shared(Arc::new(Broken), "No Key").unwrap_err().kind(), ErrorKind::Malformed);
}

#[cfg(feature = "http-01-listener")]
#[tokio::test]
async fn the_listener_of_another_node_answers_and_bears_a_broken_store() {
    use certwright_solvers::http01::listener::Listener;

    let store = DurableStore::new();
    let open = async |answers| {
        let listener = Listener::bind(([127, 0, 0, 1], 0).into(), answers).await.unwrap();
        let address = listener.local_address();
        tokio::spawn(listener.serve());
        address
    };
    let address = open(node(&store)).await;
    Http01::new(node(&store)).present(&challenge("example.com", "token")).await.unwrap();
    let path = "/.well-known/acme-challenge/token";
    let reply = listener::get(address, "example.com", path).await;
    assert!(reply.ends_with("\r\n\r\ntoken.thumbprint"), "{reply}");
    assert!(listener::get(address, "example.org", path).await.starts_with("HTTP/1.1 404 "));
    let broken = open(Answers::shared(Arc::new(Broken), "answers").unwrap()).await;
    assert!(listener::get(broken, "example.com", path).await.starts_with("HTTP/1.1 404 "));
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn the_layer_of_another_node_answers_and_passes_on_what_is_not_there() {
    use certwright_solvers::http01::tower::AnswerLayer;
    use http::Request;
    use tower_layer::Layer as _;
    use tower_service::Service as _;

    let store = DurableStore::new();
    Http01::new(node(&store)).present(&challenge("example.com", "token")).await.unwrap();
    let behind = layer::Behind::default();
    let mut service = AnswerLayer::new(node(&store)).layer(behind.clone());
    for (path, body, calls) in [("token", "token.thumbprint", 0), ("other", "behind", 1)] {
        let uri = format!("/.well-known/acme-challenge/{path}");
        let request = Request::builder().uri(uri).header("host", "example.com").body(()).unwrap();
        let answer = service.call(request);
        assert_eq!(behind.calls(), 0, "{path}: the table was not asked yet");
        assert_eq!(answer.await.unwrap().body(), body.as_bytes());
        assert_eq!(behind.calls(), calls, "{path}");
    }
}

fn node(store: &DurableStore) -> Answers {
    Answers::shared(Arc::new(store.clone()), "answers").unwrap()
}

struct Broken;

impl Broken {
    fn error() -> Error {
        Error::new(ErrorKind::Unreachable, "the store is gone")
    }
}

#[async_trait]
impl Store for Broken {
    async fn get(&self, _: &Key) -> Result<Option<Entry>, Error> {
        Err(Self::error())
    }

    async fn put(&self, _: &Key, _: Secret<Vec<u8>>, _: Expect) -> Result<Version, Error> {
        Err(Self::error())
    }

    async fn delete(&self, _: &Key, _: Expect) -> Result<(), Error> {
        Err(Self::error())
    }

    async fn list(&self, _: &Prefix, _: Option<&Key>) -> Result<Page, Error> {
        Err(Self::error())
    }
}
