//! Nothing secret is printed, whatever the other side repeats of what it was sent.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acme_core::{Clock as _, Secret, Transport};
use certwright_solvers::credentials::aws::sts::{self, Role};
use certwright_solvers::credentials::aws::{
    AssumeRole, Client, Container, Credentials, Endpoint, Environment, Instance, WebIdentity,
};
use certwright_solvers::credentials::{CredentialSource as _, Fetch, Fixed, Refreshing};
use http::Request;
use testkit::transport::Answer;
use testkit::{ScriptedTransport, VirtualClock, logged, run};

use crate::{assert_silent, fetch, sts_answer};

#[test]
fn what_a_hostile_server_repeats_is_cut_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "TOP-SECRET-web").unwrap();
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let echo = ScriptedTransport::new();
        echo.whenever(move |request| Some(echoed(status, request)));
        let transport: Arc<dyn Transport> = Arc::new(echo);
        let role = || Role::new("arn:aws:iam::123456789012:role/issuer").unwrap();
        let agent = Environment::new([
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "TOP-SECRET-agent"),
        ]);
        let sources: [Box<dyn Fetch<Credentials>>; 4] = [
            Box::new(AssumeRole::new(role(), Arc::new(Fixed::new(temporary())), endpoint(), Arc::clone(&transport))),
            Box::new(WebIdentity::new(role(), &file, endpoint(), Arc::clone(&transport))),
            Box::new(Container::from(&agent, Arc::clone(&transport)).unwrap().unwrap()),
            Box::new(Instance::new(Arc::clone(&transport)).unwrap()),
        ];
        for source in sources {
            let error = fetch(source.as_ref()).unwrap_err();
            assert_silent(&format!("{error} {error:?}"));
        }
    }
}

#[test]
fn logs_are_silent_about_secrets() {
    let text = logged(|| {
        let (clock, transport) = (VirtualClock::new(), ScriptedTransport::new());
        let asked = AtomicUsize::new(0);
        transport.whenever(move |request| {
            Some(match asked.fetch_add(1, Ordering::Relaxed) {
                0 => sts_answer("AssumeRole", "ASIA", "2026-01-02T04:04:05Z"),
                _ => echoed(400, request),
            })
        });
        let role = Role::new("arn:aws:iam::123456789012:role/issuer").unwrap();
        let source = AssumeRole::new(role, Arc::new(Fixed::new(temporary())), endpoint(), Arc::new(transport.clone()));
        let source = Arc::new(Refreshing::new(source));
        run(&clock, source.credential(clock.now())).unwrap();
        clock.advance(Duration::from_secs(3000));
        run(&clock, source.credential(clock.now())).unwrap();
        let client = Client::new(endpoint(), source, Arc::new(transport), Arc::new(clock.clone()));
        run(&clock, client.json("sts:Anything", "Service.Anything", "{}")).unwrap_err();
    });

    assert!(text.contains("could not be renewed") && text.contains("AWS refused"), "{text}");
    assert_silent(&text);
}

fn temporary() -> Credentials {
    Credentials::new("ASIAEXAMPLE", &Secret::new("VERY-PRIVATE-key".to_owned()))
        .with_session_token(&Secret::new("TOP-SECRET-session".to_owned()))
}

fn endpoint() -> Endpoint {
    sts::endpoint(&"eu-central-1".parse().unwrap()).unwrap()
}

/// All headers and the body, as a message.
fn echoed(status: u16, request: &Request<bytes::Bytes>) -> Answer {
    let headers: Vec<_> = request.headers().values().map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
    let message = format!("{} {}", headers.join(" "), String::from_utf8_lossy(request.body()));
    let body = serde_json::json!({"__type": "SomethingException", "message": message});
    Answer::new(status, "application/json", body.to_string())
}
