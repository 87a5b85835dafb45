//! Certificates downloaded, with every alternate chain.

use certwright_acme_core::client::{Alternates, Answer as Said, Call, Chain};
use certwright_acme_core::{Client as _, Error, ErrorKind, limits};

use crate::script::{Answer, answer, run, session, url};

/// Not certificates: what they hold is not looked at here.
fn pem(contents: &[&str]) -> String {
    contents.iter().map(|it| format!("-----BEGIN CERTIFICATE-----\n{it}\n-----END CERTIFICATE-----\n")).collect()
}

fn chain(body: &str) -> Answer {
    answer(200).with("content-type", "application/pem-certificate-chain").body(body)
}

fn download(alternates: Alternates, first: Answer, others: Vec<(&str, Answer)>) -> Result<Vec<Chain>, Error> {
    let (script, session) = session();
    script.warm().on("POST /certificate/1", first);
    script.side_by_side();
    for (line, answer) in others {
        script.on(line, answer);
    }
    let reply = run(session.call(&Call::Download { url: url("https://ca.example/certificate/1"), alternates }));
    assert!(script.is_played());
    let first = script.asked().into_iter().find(|it| it.line == "POST /certificate/1").unwrap();
    assert_eq!(first.headers["accept"], "application/pem-certificate-chain");
    let Said::Chains(chains) = reply?.answer else {
        panic!("chains");
    };
    Ok(chains)
}

#[test]
fn pem_is_read_with_any_line_ends_and_text_around() {
    let plain = pem(&["AQID", "BAUG"]);
    for body in [
        plain.clone(),
        plain.replace('\n', "\r\n"),
        format!("subject=example\n\n{plain}\ntrailing words"),
        plain.replace("-----END CERTIFICATE-----\n", "-----END CERTIFICATE-----\n \n"),
        plain.trim_end().to_owned(),
    ] {
        let chains = download(Alternates::Skip, chain(&body), vec![]).unwrap();
        let [only] = &chains[..] else {
            panic!("one chain");
        };
        let contents: Vec<&[u8]> = only.certificates().iter().map(AsRef::as_ref).collect();
        assert_eq!(contents, [[1, 2, 3], [4, 5, 6]], "{body:?}");
    }
}

#[test]
fn what_is_no_chain_is_malformed() {
    let whole = pem(&["AQID"]);
    for body in [
        "",
        "<html>",
        &whole[..whole.len() / 2],
        &pem(&["?"]),
        &pem(&["AQID"]).replace("CERTIFICATE", "X509 CRL"),
        &pem(&["AQID"; 33]),
    ] {
        let error = download(Alternates::Skip, chain(body), vec![]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
    }
}

#[test]
fn alternates_are_fetched_only_when_wanted() {
    let offer = || {
        chain(&pem(&["AQID"]))
            .with("link", r#"</certificate/1/1>;rel="alternate", <https://ca.example/directory>;rel="index""#)
            .with("link", r#"<https://ca.example/certificate/1/2>;rel="alternate""#)
            .with("link", r#"<https://ca.example/certificate/1/2>;rel="alternate""#)
            .with("link", r#"<https://ca.example/certificate/1>;rel="alternate""#)
    };
    let skipped = download(Alternates::Skip, offer(), vec![]).unwrap();
    assert_eq!(skipped.len(), 1);

    let fetched = download(
        Alternates::Fetch,
        offer(),
        vec![("POST /certificate/1/1", chain(&pem(&["BAUG"]))), ("POST /certificate/1/2", chain(&pem(&["BwgJ"])))],
    )
    .unwrap();
    let leaves: Vec<&[u8]> = fetched.iter().map(|it| it.leaf().unwrap().as_ref()).collect();
    assert_eq!(leaves, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
}

#[test]
fn an_alternate_that_is_gone_is_left_out_and_one_out_of_reach_is_asked_for_again() {
    let offer = || chain(&pem(&["AQID"])).with("link", r#"</certificate/1/1>;rel="alternate""#);
    let gone = download(Alternates::Fetch, offer(), vec![("POST /certificate/1/1", answer(404))]);
    assert_eq!(gone.unwrap().len(), 1);
    let busy = download(Alternates::Fetch, offer(), vec![("POST /certificate/1/1", answer(503))]);
    assert_eq!(busy.unwrap_err().kind(), ErrorKind::Busy);
}

#[test]
fn alternates_without_end_are_bounded() {
    let many: String = (0..100).map(|it| format!("</certificate/1/{it}>;rel=alternate,")).collect();
    let (script, session) = session();
    script.warm().on("POST /certificate/1", chain(&pem(&["AQID"])).with("link", &many));
    script.side_by_side();
    for number in 0..limits::ALTERNATES {
        script.on(&format!("POST /certificate/1/{number}"), answer(404));
    }
    let call = Call::Download { url: url("https://ca.example/certificate/1"), alternates: Alternates::Fetch };
    run(session.call(&call)).unwrap();
    assert!(script.is_played());
}
