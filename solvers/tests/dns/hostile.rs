//! Answers that do not belong to the question, and servers from before EDNS.

use std::net::SocketAddr;
use std::time::Duration;

use certwright_solvers::{ErrorKind, Readiness, Solver as _};
use tokio::net::UdpSocket;

use super::*;

#[tokio::test]
async fn only_the_answer_to_the_question_is_taken() {
    let server = scripted(|question| {
        let mut wrong_id = answer(question, "evil.test");
        wrong_id[0] ^= 1;
        let mut no_response = answer(question, "evil.test");
        no_response[2] = 1;
        let mut other_question = answer(question, "evil.test");
        other_question[13] ^= 1;
        let short = question[..8].to_vec();
        vec![wrong_id, no_response, other_question, short, vec![], answer(question, "good.test")]
    })
    .await;
    let chain = asking(server).follow(&name("www.example.org")).await;
    // The honest answer says that good.test is an alias of itself in turn.
    let error = chain.unwrap_err().to_string();
    assert!(error.contains("www.example.org -> good.test -> good.test"), "{error}");
    assert!(!error.contains("evil"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_know_edns_is_asked_without() {
    let server = scripted(|question| {
        let edns = question[11] == 1;
        let mut reply = answer(question, "good.test");
        if edns {
            // FORMERR, and nothing but the header.
            reply.truncate(12);
            reply[3] |= 1;
            reply[4..].fill(0);
        }
        vec![reply]
    })
    .await;
    let error = asking(server).follow(&name("www.example.org")).await.unwrap_err().to_string();
    assert!(error.contains("www.example.org -> good.test"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_no_panic() {
    let server = scripted(|question| {
        let mut reply = answer(question, "good.test");
        // More answers are announced than follow.
        reply[7] = 200;
        vec![reply]
    })
    .await;
    let error = asking(server).zone_of(&name("www.example.org")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn a_refusal_names_the_server_and_the_code() {
    let server = scripted(|question| {
        let mut reply = question.to_vec();
        reply[2] = 0x80;
        reply[3] = 5;
        vec![reply]
    })
    .await;
    let error = asking(server).zone_of(&name("www.example.org")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let text = error.to_string();
    assert!(text.contains(&format!("the name server {server} answered REFUSED")), "{text}");
}

#[tokio::test]
async fn a_server_that_is_no_authority_is_told_from_one_that_lacks_the_record() {
    // It knows nothing, and says so without being an authority.
    let lame = scripted(|question| {
        let mut reply = question.to_vec();
        reply[2..4].copy_from_slice(&[0x80, 0]);
        vec![reply]
    })
    .await;
    let server = Bind::builder().zone(example().record("@ IN NS lame.other.test.")).start();
    let resolver = resolver(&server).with_address_of(name("lame.other.test"), lame);
    let solver = Dns01::new(provider(&server, &key()), resolver);
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();
    let Readiness::NotYet { missing, .. } = solver.check(&challenge).await.unwrap() else { panic!("one is lame") };
    let told = "lame.other.test shows no TXT record at _acme-challenge.example.org; it does not hold the zone";
    assert!(missing.starts_with(told), "{missing}");
}

#[tokio::test]
async fn an_apex_beside_the_name_is_not_believed() {
    let server = scripted(|question| {
        let mut reply = answer(question, "evil.test");
        // An SOA record whose owner is no name above.
        let name = question[12..].iter().position(|byte| *byte == 0).unwrap();
        reply.truncate(12 + name + 5);
        reply.extend_from_slice(b"\x04evil\x04test\0\0\x06\0\x01\0\0\0\x3c\0\x16\0\0");
        reply.extend_from_slice(&[0; 20]);
        vec![reply]
    })
    .await;
    let error = asking(server).zone_of(&name("www.example.org")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().starts_with("no zone holds www.example.org"), "{error}");
}

#[tokio::test]
async fn an_alias_of_another_name_is_not_followed() {
    let server = scripted(|question| {
        let name = question[12..].iter().position(|byte| *byte == 0).unwrap();
        let mut reply = answer(question, "evil.test");
        // The record's owner is `b.test` instead of the name that was asked for.
        let data = reply.split_off(12 + name + 5 + 2);
        reply.truncate(12 + name + 5);
        reply.extend_from_slice(b"\x01b\x04test\0");
        reply.extend_from_slice(&data);
        vec![reply]
    })
    .await;
    let chain = asking(server).follow(&name("www.example.org")).await.unwrap();
    assert!(!chain.is_alias(), "{chain:?}");
}

/// A server that answers each question with the datagrams of the script, in order.
async fn scripted(script: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            for reply in script(&buffer[..length]) {
                let _ = socket.send_to(&reply, from).await;
            }
        }
    });
    address
}

/// The question's name is an alias of `target`.
fn answer(question: &[u8], target: &str) -> Vec<u8> {
    let name = question[12..].iter().position(|byte| *byte == 0).unwrap();
    let mut reply = question[..12 + name + 5].to_vec();
    reply[2..4].copy_from_slice(&[0x81, 0x80]);
    reply[4..12].copy_from_slice(&[0, 1, 0, 1, 0, 0, 0, 0]);
    let mut data = Vec::new();
    for label in target.split('.') {
        data.push(u8::try_from(label.len()).unwrap());
        data.extend_from_slice(label.as_bytes());
    }
    data.push(0);
    reply.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, u8::try_from(data.len()).unwrap()]);
    reply.extend_from_slice(&data);
    reply
}

fn asking(server: SocketAddr) -> Resolver {
    Resolver::new([server], wall()).unwrap().with_time_limit(Duration::from_secs(2))
}
