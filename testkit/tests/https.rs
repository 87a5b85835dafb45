//! The model authority over real sockets, with challenges looked at for real.

#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on stops")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::{Alternates, Answer, Call};
use acme_core::protocol::{
    AuthorizationStatus, ChallengeType, KeyAuthorization, NewOrder, OrderStatus, Registration, Url,
};
use acme_core::{Client as _, Directory, Error, ErrorKind, Identifier, KeyType, PrivateKey, Session, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use certwright_testkit::VirtualClock;
use certwright_testkit::ca::{Endpoint, Fault, ModelCa, Settings, Times};
use certwright_testkit::https::{HttpsFront, RealValidator};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

#[tokio::test]
async fn a_certificate_is_issued_over_http_01_on_a_real_port() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::new(Mutex::new(String::new()));
    tokio::spawn(serve_http(listener, Arc::clone(&served)));
    let world = World::start(RealValidator::new(port, 1)).await;
    let order = world.order("app.example").await;
    let (challenge, key_authorization) = world.challenge(&order, &ChallengeType::Http01).await;
    *served.lock().await = key_authorization.as_str().to_owned();
    world.call(&Call::Accept(challenge)).await;
    assert_eq!(world.settled(&order).await, AuthorizationStatus::Valid);
    let chain = world.finish(&order, "app.example").await;
    assert_eq!(chain, 2);
    assert!(world.front.connections() > 0);
    assert_eq!(world.front.requests(), world.front.ca().total());
}

#[tokio::test]
async fn a_wrong_answer_over_http_01_is_seen() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::new(Mutex::new("something else".to_owned()));
    tokio::spawn(serve_http(listener, served));
    let world = World::start(RealValidator::new(port, 1)).await;
    let order = world.order("app.example").await;
    let (challenge, _) = world.challenge(&order, &ChallengeType::Http01).await;
    world.call(&Call::Accept(challenge)).await;
    assert_eq!(world.settled(&order).await, AuthorizationStatus::Invalid);
}

#[tokio::test]
async fn tls_alpn_01_is_met_by_the_right_certificate_and_by_no_other() {
    for (name, critical, met) in [
        ("app.example", true, AuthorizationStatus::Valid),
        ("192.0.2.1", true, AuthorizationStatus::Valid),
        ("app.example", false, AuthorizationStatus::Invalid),
    ] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let world = World::start(RealValidator::new(1, port)).await;
        let order = world.order(name).await;
        let (challenge, answer) = world.challenge(&order, &ChallengeType::TlsAlpn01).await;
        tokio::spawn(serve_tls(listener, validation_server(name, &answer, critical)));
        world.call(&Call::Accept(challenge)).await;
        assert_eq!(world.settled(&order).await, met, "{name} {critical}");
    }
}

#[tokio::test]
async fn dropped_connections_are_dropped() {
    let world = World::start(RealValidator::new(1, 1)).await;
    let ca = world.front.ca();
    let fault = ca.inject(Endpoint::NewOrder, Fault::DropAfter, Times::Once);
    let wish = NewOrder::new([Identifier::parse("app.example").unwrap()]);
    let error = world.session.call(&Call::NewOrder(wish)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!((ca.struck(fault), ca.orders()), (1, 1));
}

struct World {
    front: HttpsFront,
    session: Session,
}

impl World {
    async fn start(validator: RealValidator) -> Self {
        let clock = Arc::new(VirtualClock::new());
        let ca = ModelCa::new(Settings::default());
        let front = HttpsFront::start_validating(ca, clock.clone(), validator).await.unwrap();
        let transport = Arc::new(Tls::trusting(front.root_pem()));
        let directory = Directory::new(front.directory_url(), transport, clock);
        let key = Arc::new(PrivateKey::generate(KeyType::EcdsaP256).unwrap());
        let session = directory.register(key, &Registration::agreeing_to_terms()).await.unwrap();
        Self { front, session }
    }

    async fn call(&self, call: &Call) -> Answer {
        self.session.call(call).await.unwrap().answer
    }

    async fn order(&self, name: &str) -> Url {
        let wish = NewOrder::new([Identifier::parse(name).unwrap()]);
        match self.call(&Call::NewOrder(wish)).await {
            Answer::Order { url, .. } => url,
            other => panic!("{other:?}"),
        }
    }

    async fn look(&self, order: &Url) -> acme_core::protocol::Order {
        match self.call(&Call::ReadOrder(order.clone())).await {
            Answer::Order { order, .. } => order,
            other => panic!("{other:?}"),
        }
    }

    async fn authorization(&self, order: &Url) -> acme_core::protocol::Authorization {
        let url = self.look(order).await.authorizations.remove(0);
        match self.call(&Call::ReadAuthorization(url)).await {
            Answer::Authorization(authorization) => authorization,
            other => panic!("{other:?}"),
        }
    }

    async fn challenge(&self, order: &Url, kind: &ChallengeType) -> (Url, KeyAuthorization) {
        let authorization = self.authorization(order).await;
        let challenge = authorization.challenges.into_iter().find(|it| it.kind == *kind).unwrap();
        let token = challenge.token.unwrap();
        let answer = KeyAuthorization::new(&token, self.session.thumbprint()).unwrap();
        (challenge.url, answer)
    }

    /// Looks until the authorization is final; each look is a real round trip.
    async fn settled(&self, order: &Url) -> AuthorizationStatus {
        for _ in 0..2000 {
            let status = self.authorization(order).await.status;
            if status != AuthorizationStatus::Pending {
                return status;
            }
            tokio::task::yield_now().await;
        }
        panic!("the challenge was never looked at");
    }

    async fn finish(&self, order: &Url, name: &str) -> usize {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let csr = params.serialize_request(&key).unwrap().der().to_vec();
        let url = self.look(order).await.finalize;
        self.call(&Call::Finalize { url, csr }).await;
        let order = self.look(order).await;
        assert_eq!(order.status, OrderStatus::Valid);
        let download = Call::Download { url: order.certificate.unwrap(), alternates: Alternates::Skip };
        match self.call(&download).await {
            Answer::Chains(chains) => chains[0].certificates().len(),
            other => panic!("{other:?}"),
        }
    }
}

/// One connection for each request, which trusts one root.
struct Tls(TlsConnector);

impl Tls {
    fn trusting(root: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(TlsConnector::from(Arc::new(config)))
    }
}

#[async_trait]
impl Transport for Tls {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let failed = |error: String| Error::new(ErrorKind::Unreachable, error);
        let authority = request.uri().authority().unwrap().clone();
        let stream = TcpStream::connect(authority.as_str()).await.map_err(|it| failed(it.to_string()))?;
        let name = ServerName::try_from(authority.host().to_owned()).unwrap();
        let stream = self.0.connect(name, stream).await.map_err(|it| failed(it.to_string()))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|it| failed(it.to_string()))?;
        tokio::spawn(connection);
        let (mut parts, body) = request.into_parts();
        parts.headers.insert("host", authority.as_str().parse().unwrap());
        parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
        let answer = sender
            .send_request(Request::from_parts(parts, Full::new(body)))
            .await
            .map_err(|it| failed(it.to_string()))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|it| failed(it.to_string()))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

async fn serve_http(listener: TcpListener, served: Arc<Mutex<String>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        let request = String::from_utf8(request).unwrap();
        assert!(request.contains("app.example"), "{request}");
        assert!(request.starts_with("GET /.well-known/acme-challenge/"), "{request}");
        let body = served.lock().await.clone();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn serve_tls(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        if let Ok(mut stream) = acceptor.accept(stream).await {
            let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_u8()).await;
        }
    }
}

fn validation_server(name: &str, answer: &KeyAuthorization, critical: bool) -> TlsAcceptor {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    let mut extension = rcgen::CustomExtension::new_acme_identifier(&answer.digest());
    extension.set_criticality(critical);
    params.custom_extensions = vec![extension];
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = any_supported_type(&key).unwrap();
    let certified = CertifiedKey::new(vec![certificate.der().clone()], key);
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
