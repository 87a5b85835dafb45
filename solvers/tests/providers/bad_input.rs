//! What every provider says of what goes wrong: with kind and advice, on which name or zone, and what to do.

use std::time::Duration;

use certwright_solvers::{Error, ErrorKind, Retry};
use testkit::doubles::{akamai, azure, cloudflare, desec, digitalocean, gandi, google, hetzner, linode, route53};
use testkit::doubles::{vultr, webhook};

use super::places::{Place, places};
use super::*;

#[tokio::test]
async fn rotated_credentials_are_picked_up_after_one_refused_call() {
    for Place { module, provider, dns, calls, .. } in places(Right::AtOnce) {
        provider.add_txt(&record("v")).await.unwrap_or_else(|error| panic!("{module}: {error}"));
        let usual = calls();
        assert_eq!(texts(&dns, OWNER), ["v"], "{module}");

        let Place { provider, dns, calls, .. } = place(Right::AfterARefusal, module);
        provider.add_txt(&record("v")).await.unwrap_or_else(|error| panic!("{module}: {error}"));
        assert_eq!(calls(), usual + 1, "{module}");
        assert_eq!(texts(&dns, OWNER), ["v"], "{module}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_and_nothing_is_written() {
    for Place { module, provider, dns, write, calls, .. } in places(Right::Never) {
        write("theirs");
        let adding = provider.add_txt(&record("v")).await.unwrap_err();
        assert_eq!(calls(), 2, "{module}: once more with other credentials, and no more");
        let removing = provider.remove_txt(&record("theirs")).await.unwrap_err();
        for error in [adding, removing] {
            // Of a signature AWS does not say whose fault it is.
            let retry = if module == "route53" { Retry::Never } else { Retry::Backoff };
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, retry), "{module}: {error}");
            names_what_it_was_about(module, &error, "example.org");
        }
        assert_eq!(texts(&dns, OWNER), ["theirs"], "{module}");
    }
}

#[tokio::test]
async fn what_the_credentials_do_not_allow_is_told_and_not_tried_again() {
    for Place { module, provider, fail_next, calls, .. } in places(Right::AtOnce) {
        provider.add_txt(&record("before")).await.unwrap_or_else(|error| panic!("{module}: {error}"));
        let before = calls();
        fail_next(denial(module));
        let error = provider.add_txt(&record("v")).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{module}: {error}");
        names_what_it_was_about(module, &error, OWNER);
        assert_eq!(calls(), before + 1, "{module}");
    }
}

#[tokio::test]
async fn a_zone_that_is_not_there_or_in_another_account_is_told_by_its_name() {
    for Place { module, provider, .. } in places(Right::AtOnce) {
        let (kind, retry) = match module {
            // It passes on what it is told.
            "httpreq" => continue,
            // Others' zones are denied, whether they are there or not.
            "gandi" => (ErrorKind::Unauthorized, Retry::Never),
            // In its own words, whatever they mean.
            "webhook" => (ErrorKind::Refused, Retry::Backoff),
            _ => (ErrorKind::NotFound, Retry::Backoff),
        };
        for outcome in [provider.add_txt(&elsewhere()).await, provider.remove_txt(&elsewhere()).await] {
            let error = outcome.unwrap_err();
            assert_eq!((error.kind(), error.retry()), (kind, retry), "{module}: {error}");
            names_what_it_was_about(module, &error, "example.com");
        }
    }
}

#[tokio::test]
async fn a_throttled_call_is_busy_until_the_time_that_is_named() {
    for Place { module, provider, fail_next, .. } in places(Right::AtOnce) {
        provider.add_txt(&record("before")).await.unwrap_or_else(|error| panic!("{module}: {error}"));
        for (header, retry) in [(None, Retry::Backoff), (Some("17"), Retry::After(Duration::from_secs(17)))] {
            let mut answer = throttled(module);
            if let Some(seconds) = header {
                answer.headers_mut().insert("retry-after", seconds.parse().unwrap());
            }
            fail_next(answer);
            let error = provider.add_txt(&record("v")).await.unwrap_err();
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, retry), "{module}: {error}");
            assert!(error.what().contains(OWNER), "{module}: {error}");
        }
        provider.add_txt(&record("v")).await.unwrap_or_else(|error| panic!("{module}: {error}"));
    }
}

#[tokio::test]
async fn an_alias_at_the_name_is_told_whatever_words_the_service_has_for_it() {
    for Place { module, provider, dns, .. } in places(Right::AtOnce) {
        if matches!(module, "httpreq" | "webhook") {
            // They write where they are told.
            continue;
        }
        dns.add_cname(OWNER, "elsewhere.example.net");
        let error = provider.add_txt(&record("v")).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{module}: {error}");
        assert!(error.to_string().contains(OWNER), "{module}: {error}");
        let advice = "(the name is an alias; follow the delegation, or remove the CNAME record)";
        assert!(error.to_string().ends_with(advice), "{module}: {error}");
        assert_eq!(dns.cname(OWNER).as_deref(), Some("elsewhere.example.net"), "{module}");
        assert!(dns.names_with_txt().is_empty(), "{module}");
    }
}

fn place(when: Right, module: &str) -> Place {
    places(when).into_iter().find(|it| it.module == module).unwrap()
}

/// It says on what, and ends with what a person may do.
fn names_what_it_was_about(module: &str, error: &Error, subject: &str) {
    let text = error.to_string();
    assert!(text.contains(subject), "{module}: {text}");
    let is_in_others_words = module == "webhook" && error.kind() == ErrorKind::Refused;
    let advises = text.ends_with(')') || text.contains([';', '?']);
    // AWS names the user, the action and the thing itself.
    let names_the_right =
        text.contains("route53:ChangeResourceRecordSets on arn:aws:route53:::hostedzone/Z1: AWS answered AccessDenied");
    assert!(is_in_others_words || advises || names_the_right, "{module}: {text}");
}

/// What a service answers to who may not do it.
fn denial(module: &str) -> http::Response<bytes::Bytes> {
    match module {
        "akamai" => akamai::refused(403, "Forbidden", "no grant"),
        "azure_dns" => azure::refused(403, "AuthorizationFailed", "The client does not have authorization."),
        "cloud_dns" => google::refused(403, "forbidden", "Forbidden"),
        "cloudflare" => cloudflare::refused(403, 1, "no permission"),
        "desec" => desec::refused(403, &serde_json::json!({ "detail": "Insufficient token permissions." })),
        "digitalocean" => digitalocean::refused(403, "forbidden", "You are not authorized"),
        "gandi" => gandi::refused(403, "Access was denied to this resource."),
        "hetzner" => hetzner::refused(403, "token_readonly", "no"),
        "httpreq" => testkit::doubles::json(403, &serde_json::json!("no")),
        "linode" => linode::refused(403, "Unauthorized"),
        "route53" => route53::refused(403, "AccessDenied", "User is not authorized"),
        "vultr" => vultr::refused(403, "Forbidden"),
        "webhook" => webhook::refused(403, "Forbidden", "cannot create"),
        other => panic!("how does {other} deny?"),
    }
}

/// What a service answers to who asks too often.
fn throttled(module: &str) -> http::Response<bytes::Bytes> {
    match module {
        "akamai" => akamai::refused(429, "Too Many Requests", "slow"),
        "azure_dns" => azure::refused(429, "SubscriptionRequestsThrottled", "slow"),
        "cloud_dns" => google::refused(403, "rateLimitExceeded", "slow"),
        "cloudflare" => cloudflare::refused(429, 10_100, "Rate limited."),
        "desec" => desec::refused(429, &serde_json::json!({ "detail": "Request was throttled." })),
        "digitalocean" => digitalocean::refused(429, "too_many_requests", "slow"),
        "gandi" => gandi::refused(429, "slow"),
        "hetzner" => hetzner::refused(429, "rate_limit_exceeded", "slow"),
        "httpreq" => testkit::doubles::empty(429),
        "linode" => linode::refused(429, "Too many requests"),
        "route53" => route53::refused(400, "Throttling", "Rate exceeded"),
        "vultr" => vultr::refused(429, "Rate limit exceeded"),
        "webhook" => webhook::refused(429, "TooManyRequests", "slow"),
        other => panic!("how does {other} throttle?"),
    }
}
