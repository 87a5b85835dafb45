//! What one look shows.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acme_core::transport::Lookup;
use acme_core::{Error, ErrorKind};
use async_trait::async_trait;
use certwright_solvers::dns01::Resolver;
use certwright_solvers::http01::listener::Listener;
use certwright_solvers::http01::self_check::{Fault, others_can_reach};
use certwright_solvers::{Answers, Http01, Solver as _};
use testkit::servers::ChallTestSrv;
use tokio::net::TcpListener;

use super::server::{ok, serve, serve_tls, to};
use super::*;

#[tokio::test]
async fn what_our_listener_answers_is_seen_by_name_and_by_address() {
    let answers = Answers::new();
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), answers.clone()).await.unwrap();
    let address = listener.local_address();
    tokio::spawn(listener.serve());
    let solver = Http01::new(answers);
    for identifier in ["example.com", "127.0.0.1"] {
        assert!(!passes(&check(address), identifier).await);
        solver.present(&challenge(identifier)).await.unwrap();
        assert!(passes(&check(address), identifier).await);
        solver.clean_up(&challenge(identifier)).await.unwrap();
        assert!(!passes(&check(address), identifier).await);
    }
}

#[tokio::test]
async fn the_request_is_a_validators() {
    let address =
        serve(|head| ok(if head.to_ascii_lowercase().contains("connection: close") { EXPECTED } else { "" })).await;
    assert!(passes(&check(address), "*.example.com").await);
    let url = check(address).with_port(80).url(&challenge("*.example.com")).unwrap();
    assert_eq!(url.as_str(), "http://example.com/.well-known/acme-challenge/token");
    let url = check(address).with_port(80).url(&challenge("2001:db8::1")).unwrap();
    assert_eq!(url.as_str(), "http://[2001:db8::1]/.well-known/acme-challenge/token");
}

#[tokio::test]
async fn white_space_at_the_end_does_not_count_and_anything_else_does() {
    let address = serve(|_| ok("token.thumbprint \r\n")).await;
    assert!(passes(&check(address), "example.com").await);
    for body in ["", " token.thumbprint", "token.thumbprint2", "token", "<p>secret</p>"] {
        let address = serve(move |_| ok(body)).await;
        let miss = missed(&check(address), "example.com").await;
        assert!(matches!(miss.fault, Fault::Content));
        assert_eq!(miss.to_string(), "did not get expected response when querying endpoint");
        assert!(!format!("{miss:?}").contains("secret"), "bodies are not repeated");
    }
}

#[tokio::test]
async fn a_wrong_status_is_said_in_cert_managers_words_with_who_answered() {
    for (server, said) in [
        ("", "wrong status code '404', expected '200'"),
        ("Server: nginx/1.29\r\n", "wrong status code '404', expected '200' (answered by nginx/1.29)"),
        ("Server: a\u{202e}b\tc\r\n", "wrong status code '404', expected '200' (answered by a b c)"),
    ] {
        let address =
            serve(move |_| format!("HTTP/1.1 404 Not Found\r\n{server}Content-Length: 6\r\n\r\nsecret")).await;
        let miss = missed(&check(address), "example.com").await;
        assert_eq!(miss.to_string(), said);
        assert!(matches!(miss.fault, Fault::Status(status) if status.as_u16() == 404));
    }
}

#[tokio::test]
async fn redirects_are_followed_to_servers_that_nobody_trusts() {
    let secure = serve_tls(|_| ok(EXPECTED)).await;
    for status in [301, 302, 307, 308] {
        let address = serve(move |head| {
            if head.starts_with("GET /.well-known/acme-challenge/token ") {
                to(status, "../elsewhere?a=b")
            } else if head.starts_with("GET /.well-known/elsewhere?a=b ") {
                to(status, &format!("https://other.example:{}/x", secure.port()))
            } else {
                to(404, "")
            }
        })
        .await;
        let check = check(address).with_tls_port(secure.port());
        assert!(passes(&check, "example.com").await, "{status}");
    }
    // To certificate authorities that is none.
    let address = serve(|_| to(303, "/x")).await;
    assert!(matches!(missed(&check(address), "example.com").await.fault, Fault::Status(status) if status == 303));
}

#[tokio::test]
async fn redirects_are_followed_to_the_ports_of_certificate_authorities_alone() {
    let other = serve(|_| ok(EXPECTED)).await;
    let address = serve(move |_| to(302, &format!("http://example.com:{}/x", other.port()))).await;
    let miss = missed(&check(address), "example.com").await;
    assert!(matches!(miss.fault, Fault::Port(_)), "{miss}");
    let told = format!(
        "it redirects to example.com:{}, and certificate authorities go to the ports 80 and 443 alone",
        other.port()
    );
    assert!(miss.to_string().ends_with(&told), "{miss}");
}

#[tokio::test]
async fn what_was_seen_is_told_in_full_to_who_asks_for_that() {
    let page = "<title>It works!</title>\n".to_owned() + &"x".repeat(1000);
    let address = serve(move |_| ok(&page)).await;
    let miss = missed(&check(address), "example.com").await;
    let beginning = format!("<title>It works!</title> {}…", "x".repeat(80 - 25));
    assert_eq!(
        format!("{miss:#}"),
        format!("did not get expected response when querying endpoint ({address} answered {beginning:?})")
    );
    assert_eq!((miss.address, miss.began), (Some(address), Some(beginning)));
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_on_its_second_look_up_is_not_followed() {
    /// One address first, another one then.
    struct Rebinding(AtomicUsize);

    #[async_trait]
    impl Lookup for Rebinding {
        async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, Error> {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(vec![if number == 0 { [127, 0, 0, 1] } else { [127, 0, 0, 2] }.into()])
        }
    }
    let address = serve(|_| to(302, "/again")).await;
    let lookup = builder().lookup(Arc::new(Rebinding(AtomicUsize::new(0))));
    let guarded = lookup.only_addresses(move |it| it == address.ip());
    let miss = missed(&over(guarded, address.port()), "example.com").await;
    assert!(matches!(miss.fault, Fault::Forbidden(_)), "{miss}");
    assert!(miss.url.as_str().ends_with("/again"), "{miss}");
}

#[tokio::test]
async fn redirects_end() {
    let address = serve(|_| to(302, "/again")).await;
    let miss = missed(&check(address), "example.com").await;
    assert!(miss.to_string().ends_with("/again': stopped after 10 redirects"), "{miss}");

    for target in ["ftp://example.com/", "javascript:0", "http://"] {
        let address = serve(move |_| to(302, target)).await;
        let miss = missed(&check(address), "example.com").await;
        assert!(matches!(miss.fault, Fault::Astray), "{target}: {miss}");
    }

    let address = serve(|_| to(302, "/again")).await;
    let miss = missed(&check(address).with_time_limit(Duration::ZERO), "example.com").await;
    assert!(matches!(miss.fault, Fault::Late), "{miss}");
}

#[tokio::test]
async fn nobody_is_led_to_an_address_that_is_not_asked() {
    let inner = serve(|_| ok(EXPECTED)).await;
    let address = serve(move |_| to(302, &format!("http://127.0.0.2:{}/", inner.port()))).await;
    let local = transport(address).only_addresses(move |it| it == address.ip());
    let miss = missed(&over(local, address.port()).with_tls_port(inner.port()), "example.com").await;
    assert!(matches!(miss.fault, Fault::Forbidden(_)), "{miss}");

    let guarded = transport(address).only_addresses(others_can_reach);
    let miss = missed(&over(guarded, address.port()), "example.com").await;
    assert!(matches!(miss.fault, Fault::Forbidden(_)), "{miss}");
}

#[test]
fn addresses_that_lead_back_are_told_from_those_of_others() {
    for address in ["192.0.2.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "2001:db8::1", "fd00::1", "::ffff:192.0.2.1"]
    {
        assert!(others_can_reach(address.parse().unwrap()), "{address}");
    }
    for address in [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "::1",
        "::",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
    ] {
        assert!(!others_can_reach(address.parse().unwrap()), "{address}");
    }
}

#[tokio::test]
async fn no_answer_is_told_from_a_wrong_one() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let miss = missed(&check(closed), "example.com").await;
    assert!(matches!(miss.fault, Fault::Unreachable(_)));
    assert!(miss.to_string().starts_with("failed to perform self check GET request 'http://example.com:"), "{miss}");
    assert!(miss.to_string().ends_with("refuses connections"), "{miss}");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let impatient = transport(address).answer_within(Duration::from_millis(200));
    let miss = missed(&over(impatient, address.port()), "example.com").await;
    assert!(matches!(miss.fault, Fault::Unreachable(_)), "{miss}");
}

#[tokio::test]
async fn names_are_looked_up_at_the_name_servers_that_are_given() {
    let server = ChallTestSrv::start();
    let resolver = Resolver::new([server.dns_address()], Arc::new(Standstill)).unwrap();
    let address = serve(|_| ok(EXPECTED)).await;
    let through = builder().lookup(Arc::new(resolver));
    assert!(passes(&over(through.clone(), address.port()), "split.horizon.example").await);

    server.set_default_ipv4(None);
    let miss = missed(&over(through, address.port()), "gone.example").await;
    assert!(miss.to_string().ends_with("gone.example has no address"), "{miss}");
}

#[tokio::test]
async fn another_challenge_is_not_looked_at() {
    let mut other = challenge("example.com");
    other.challenge = ChallengeType::Dns01;
    let error = check("127.0.0.1:1".parse().unwrap()).look(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

const EXPECTED: &str = "token.thumbprint";
