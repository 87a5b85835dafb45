//! acme-dns, with the two slots of an account.

use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};

use super::{Asked, Service, json};
use crate::SimDns;
use crate::sync::lock;

/// A server for the names below one domain. An update goes to the slot that was written longer ago, also when its value is in the other one.
pub struct AcmeDns {
    domain: String,
    dns: SimDns,
    accounts: Mutex<Vec<Account>>,
}

struct Account {
    username: String,
    password: String,
    subdomain: String,
    allow_from: Vec<String>,
    /// The one that was written longer ago first.
    slots: [String; 2],
}

impl AcmeDns {
    /// A server for `domain`; texts are served in `dns`.
    pub fn new(domain: &str, dns: SimDns) -> Self {
        Self { domain: domain.to_owned(), dns, accounts: Mutex::default() }
    }

    /// Replaces the password of every account.
    pub fn change_passwords(&self) {
        for account in &mut *lock(&self.accounts) {
            account.password = password('n');
        }
    }

    fn register(&self, asked: &Asked) -> Response<Bytes> {
        // goacmedns, the client of acme-dns's own people, writes `null` for nothing.
        let is_nothing = matches!(&asked.body[..], b"" | b"null" | b"null\n");
        let object = if is_nothing { Some(serde_json::Map::new()) } else { asked.object(&["allowfrom"]) };
        let Some(object) = object else { return refused(400, "malformed_json_payload") };
        let allowed = object.get("allowfrom").and_then(Value::as_array).cloned().unwrap_or_default();
        let allowed: Option<Vec<String>> = allowed.iter().map(|it| it.as_str().map(ToOwned::to_owned)).collect();
        let Some(allow_from) = allowed.filter(|it| it.iter().all(|it| it.contains('/'))) else {
            return refused(400, "invalid_allowfrom_cidr");
        };
        let mut accounts = lock(&self.accounts);
        let number = accounts.len() + 1;
        let account = Account {
            username: format!("c36f50e8-4632-44f0-83fe-{number:012}"),
            password: password('s'),
            subdomain: format!("d420c923-bbd7-4056-ab64-{number:012}"),
            allow_from,
            slots: Default::default(),
        };
        let answer = json!({
            "username": account.username,
            "password": account.password,
            "fulldomain": format!("{}.{}", account.subdomain, self.domain),
            "subdomain": account.subdomain,
            "allowfrom": account.allow_from,
        });
        accounts.push(account);
        json(201, &answer)
    }

    fn update(&self, asked: &Asked) -> Response<Bytes> {
        let (user, key) = (asked.header("x-api-user"), asked.header("x-api-key"));
        let Some(object) = asked.object(&["subdomain", "txt"]) else { return refused(400, "malformed_json_payload") };
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut accounts = lock(&self.accounts);
        let known =
            accounts.iter_mut().find(|it| Some(it.username.as_str()) == user && Some(it.password.as_str()) == key);
        let Some(account) = known.filter(|it| it.subdomain == text("subdomain")) else {
            return refused(401, "forbidden");
        };
        let txt = text("txt");
        let is_url_safe = txt.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
        if txt.len() != 43 || !is_url_safe {
            return refused(400, "bad_txt");
        }
        let owner = format!("{}.{}", account.subdomain, self.domain);
        let [oldest, newer] = std::mem::take(&mut account.slots);
        self.dns.remove_txt(&owner, &oldest);
        account.slots = [newer, txt.to_owned()];
        account.slots.iter().filter(|it| !it.is_empty()).for_each(|it| self.dns.add_txt(&owner, it));
        json(200, &json!({ "txt": txt }))
    }
}

impl Service for AcmeDns {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        match (asked.method.clone(), asked.path.as_str()) {
            (Method::POST, "/register") => self.register(asked),
            (Method::POST, "/update") => self.update(asked),
            (Method::GET, "/health") => super::empty(200),
            _ => super::empty(404),
        }
    }
}

/// A refusal as the service writes it.
pub fn refused(status: u16, error: &str) -> Response<Bytes> {
    json(status, &json!({ "error": error }))
}

fn password(letter: char) -> String {
    format!("TOP-SECRET-{}", letter.to_string().repeat(29))
}
