//! What people write: names, addresses, times, windows.

use std::time::Duration;

use acme_core::protocol::Url;
use acme_core::{DnsName, Identifier, Key, Timestamp};
use certstore::policy::renew::{Preferences, RenewalWindow, Validity};

use super::{again, instants, sound};

/// A name or an address as a human types it.
pub fn identifier(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let identifier = match Identifier::parse(text) {
        Ok(identifier) => identifier,
        Err(error) => return sound(&error),
    };
    let written = identifier.to_string();
    assert_eq!(Identifier::parse(&written).ok().as_ref(), Some(&identifier), "{written:?} is read differently");
    assert_eq!(again(&identifier), identifier);
    let Some(name) = identifier.dns() else { return };
    assert!(name.as_str().len() <= 253 && name.as_str().is_ascii());
    assert!(name.covers(name));
    assert!(name.base().wildcard().is_wildcard());
    assert_eq!(DnsName::parse(name.base().as_str()).ok(), Some(name.base()));
}

/// A cron expression and the name of a time zone, on a line each: windows open where they are looked for, and renewal waits for them.
pub fn renewal_window(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (cron, zone) = text.split_once('\n').unwrap_or((text, "Europe/Berlin"));
    let window = match RenewalWindow::new(cron, Some(zone.trim()), Duration::from_secs(3600)) {
        Ok(window) => window,
        Err(error) => return sound(&error),
    };
    let preferences = Preferences::new().with_window(window.clone());
    for now in instants() {
        let validity = Validity::new(now, now + Duration::from_secs(90 * 86_400));
        let opens = window.opens(now, validity.not_after);
        assert!(opens.is_none_or(|it| (now..validity.not_after).contains(&it) && window.is_open(it)));
        let due = preferences.due(validity, Some(now)).map(|it| it.at);
        assert!(due.is_some_and(|it| (now..=validity.not_after).contains(&it)));
    }
}

/// Any text as a part of a store key, and any text as a whole one.
pub fn store_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let segment = Key::segment(text);
    assert!(Key::new(segment.as_str()).is_ok(), "{segment:?}");
    match Key::new(text) {
        Ok(key) => assert!(!key.as_str().split('/').any(|it| it.starts_with('.'))),
        Err(error) => sound(&error),
    }
}

/// A time of RFC 3339 or of HTTP.
pub fn time(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for read in [Timestamp::parse_rfc3339(text), Timestamp::parse_http_date(text)] {
        match read {
            Ok(at) => assert_eq!(Timestamp::parse_rfc3339(&at.to_string()).ok(), Some(at)),
            Err(error) => sound(&error),
        }
    }
}

/// A URL from a server.
pub fn url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Url::parse(text) {
        Ok(url) => {
            assert_eq!(url.as_str(), text);
            assert!(!url.authority().is_empty() && !url.authority().contains('/'));
        }
        Err(error) => sound(&error),
    }
}
