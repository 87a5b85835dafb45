//! What the services of others answer, and the files they share.

use acme_core::{Secret, Timestamp};
use bytes::Bytes;
use http::{HeaderName, Request};
use solvers::credentials::aws::xml::Element;
use solvers::credentials::aws::{Credentials, ProfileFile, Profiles, Region, Scope};

use super::sound;

/// The shared files of AWS: what is named in them, and that no value is in an error.
pub fn aws_profiles(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for kind in [ProfileFile::Config, ProfileFile::Credentials] {
        let mut profiles = Profiles::new();
        match profiles.add(kind, &text, "file") {
            Ok(()) => {
                for name in profiles.names() {
                    profiles.region(name).err().iter().for_each(sound);
                }
            }
            Err(error) => sound(&error),
        }
    }
}

/// An answer of AWS in XML: what is read is no longer than what was written.
pub fn aws_xml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Element::parse(text) {
        Ok(root) => assert!(letters(&root) <= text.len()),
        Err(error) => sound(&error),
    }
}

fn letters(element: &Element<'_>) -> usize {
    element.name().len() + element.text().len() + element.children().iter().map(letters).sum::<usize>()
}

/// Whatever a DNS service answers, to whichever question.
pub fn dns_api(bytes: &[u8]) {
    for error in crate::dns::refusals(bytes) {
        sound(&error);
    }
}

/// Whatever a name server answers about aliases and zones.
pub fn dns_message(bytes: &[u8]) {
    for error in crate::dns::lies(bytes) {
        sound(&error);
    }
}

/// Whatever a name server answers to an update, signed (TSIG) or not: without our key nothing is good news.
pub fn dns_update(bytes: &[u8]) {
    sound(&crate::dns::updates(bytes));
}

/// A request to AWS, its path and query in the first line and a header in each other one: what is signed does not depend on the order of the query, and signing again
/// signs the same.
pub fn sigv4(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    // A fragment is sent to nobody.
    let first = lines.next().unwrap_or_default().split('#').next().unwrap_or_default();
    let (path, query) = first.split_once('?').unwrap_or((first, ""));
    let headers: Vec<&str> = lines.take(16).collect();
    let backwards = query.split('&').rev().collect::<Vec<_>>().join("&");
    let Some(signature) = signed(path, query, &headers) else { return };
    assert_eq!(signature.len(), 64, "{signature}");
    assert_eq!(signed(path, query, &headers).as_deref(), Some(signature.as_str()));
    assert_eq!(signed(path, &backwards, &headers).as_deref(), Some(signature.as_str()), "{first:?} and {backwards:?}");
}

fn signed(path: &str, query: &str, headers: &[&str]) -> Option<String> {
    let mut request = Request::new(Bytes::from(headers.concat()));
    *request.uri_mut() = format!("https://route53.amazonaws.com{path}?{query}").parse().ok()?;
    for header in headers {
        let (name, value) = header.split_once(':')?;
        request.headers_mut().append(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
    }
    let scope = Scope::new("route53", Region::parse("us-east-1").ok()?);
    let key = Credentials::new("AKIDEXAMPLE", &Secret::new("key".to_owned()));
    let now = Timestamp::from_unix_seconds(1_790_000_000);
    for _ in 0..2 {
        // The second one replaces the first.
        if let Err(error) = scope.sign(&mut request, &key, now) {
            sound(&error);
            return None;
        }
    }
    let header = request.headers().get("authorization")?.to_str().ok()?;
    Some(header.rsplit_once("Signature=")?.1.to_owned())
}

/// Whatever a Venafi platform answers, to whichever question.
pub fn venafi(bytes: &[u8]) {
    for error in crate::venafi::refusals(bytes) {
        sound(&error);
    }
}
