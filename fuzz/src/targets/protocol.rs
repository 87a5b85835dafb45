//! What certificate authorities answer, and what people copy from their pages.

use acme_core::directory::headers;
use acme_core::limits;
use acme_core::protocol::{
    AccountObject, Authorization, CertificateId, DirectoryObject, ExternalAccount, KeyAuthorization, Order, Problem,
    RenewalInfo, Url,
};

use super::{instants, read_twice, sound};

/// An account as a server shows it.
pub fn account(bytes: &[u8]) {
    read_twice::<AccountObject>(bytes);
}

/// An authorization, and the key authorizations of its challenges.
pub fn authorization(bytes: &[u8]) {
    let Some(authorization) = read_twice::<Authorization>(bytes) else {
        return;
    };
    let _ = authorization.ordered().to_string();
    for token in authorization.challenges.iter().filter_map(|it| it.token.as_deref()) {
        let Ok(answer) = KeyAuthorization::new(token, "thumbprint") else {
            continue;
        };
        assert_eq!(answer.token(), token);
        assert_eq!(answer.dns_value().len(), 43);
        assert!(!token.contains(['/', '.', '\\', '\0']), "a token becomes a file name: {token:?}");
    }
}

/// The name of a certificate in renewal information.
pub fn certificate_id(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match CertificateId::try_from(text.to_owned()) {
        Ok(id) => assert_eq!(id.to_string(), text),
        Err(error) => sound(&error),
    }
}

/// A directory.
pub fn directory(bytes: &[u8]) {
    read_twice::<DirectoryObject>(bytes);
}

/// A MAC key as it was copied from a web page.
pub fn external_account(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match ExternalAccount::new(text, text) {
        Ok(account) => {
            let _ = format!("{account} {account:?}");
        }
        Err(error) => sound(&error),
    }
}

/// The `Link` header of an answer.
pub fn links(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(base) = Url::parse("https://ca.test/acme/cert/1?x#y") else { return };
    let links = headers::links(text.lines(), &base);
    assert!(links.len() <= limits::LINKS);
    for link in links {
        assert_eq!(Url::parse(link.target.as_str()).ok(), Some(link.target));
    }
}

/// An order.
pub fn order(bytes: &[u8]) {
    let Some(order) = read_twice::<Order>(bytes) else {
        return;
    };
    for identifier in &order.identifiers {
        let _ = identifier.to_string();
    }
    for url in &order.authorizations {
        assert!(url.as_str().len() <= limits::URL);
    }
}

/// A problem document.
pub fn problem(bytes: &[u8]) {
    let Some(problem) = read_twice::<Problem>(bytes) else {
        return;
    };
    assert!(problem.subproblems.len() <= limits::SUBPROBLEMS);
    let shown = problem.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    // One text for the problem and one for each subproblem, with its identifier and its type; four bytes to a character at most.
    let most = (1 + problem.subproblems.len()) * 4 * (limits::PROBLEM_TEXT + 400);
    assert!(shown.len() <= most, "{} bytes", shown.len());
}

/// Renewal information.
pub fn renewal_info(bytes: &[u8]) {
    if let Some(info) = read_twice::<RenewalInfo>(bytes) {
        assert!(info.suggested_window.start < info.suggested_window.end);
    }
}

/// The `Retry-After` header of an answer.
pub fn retry_after(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for now in instants() {
        if let Some(wait) = headers::retry_after(text, now) {
            assert!(wait <= limits::RETRY_AFTER);
        }
    }
}
