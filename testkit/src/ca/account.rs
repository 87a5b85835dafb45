//! Accounts: made, found, changed, given a new key, given up (RFC 8555 section 7.3).

use acme_core::Timestamp;
use acme_core::protocol::ProblemType;
use http::header;
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::jws::{Flattened, Signed, SignedBy, read_key};
use super::keys::PublicKey;
use super::settings::ExternalAccounts;
use super::state::{AccountEntry, Stage, State};

impl State {
    pub(crate) fn new_account(&mut self, request: &Signed) -> Result<Reply, Refusal> {
        let SignedBy::Key { key, jwk } = &request.by else {
            return Err(Refusal::malformed("a new account's request carries its jwk"));
        };
        let wish = request.json()?;
        let thumbprint = key.thumbprint();
        if let Some(id) = self.memory.accounts_by_key.get(&thumbprint) {
            return self.found_account(&id.clone());
        }
        if wish.get("onlyReturnExisting") == Some(&Value::Bool(true)) {
            return Err(Refusal::new(400, ProblemType::AccountDoesNotExist, "no account has this key"));
        }
        let terms_agreed = wish.get("termsOfServiceAgreed") == Some(&Value::Bool(true));
        if let Some(terms) = &self.settings.terms_of_service
            && !terms_agreed
        {
            return Err(Refusal::new(403, ProblemType::UserActionRequired, "the terms of service must be agreed to")
                .with(header::LINK, format!("<{terms}>;rel=\"terms-of-service\"")));
        }
        let contact = read_contact(&wish)?.unwrap_or_default();
        let external = wish.get("externalAccountBinding").cloned();
        match &external {
            Some(binding) => self.check_binding(binding, jwk, &request.url)?,
            None if self.settings.external_accounts == ExternalAccounts::Required => {
                return Err(Refusal::new(
                    403,
                    ProblemType::ExternalAccountRequired,
                    "an account needs an external account binding here",
                ));
            }
            None => {}
        }
        let id = self.new_id();
        self.memory.accounts_by_key.insert(thumbprint, id.clone());
        self.memory.accounts.insert(
            id.clone(),
            AccountEntry {
                key: key.clone(),
                former_keys: Vec::new(),
                deactivated: false,
                contact,
                terms_agreed,
                external,
                orders: Vec::new(),
            },
        );
        Ok(Reply::json(201, &self.show_account(&id)).at(self.account_url(&id)))
    }

    fn found_account(&self, id: &str) -> Result<Reply, Refusal> {
        if self.memory.accounts.get(id).is_some_and(|it| it.deactivated) {
            return Err(Refusal::unauthorized("the account with this key is deactivated"));
        }
        Ok(Reply::json(200, &self.show_account(id)).at(self.account_url(id)))
    }

    /// The inner JWS of RFC 8555 section 7.3.4.
    fn check_binding(&self, binding: &Value, jwk: &Value, url: &str) -> Result<(), Refusal> {
        let inner = Flattened::read(binding)?;
        if inner.word("url") != Some(url) {
            return Err(Refusal::malformed("the url of the external account binding differs"));
        }
        if inner.header.get("nonce").is_some() {
            return Err(Refusal::malformed("an external account binding has no nonce"));
        }
        let key_id = inner.word("kid").ok_or_else(|| Refusal::malformed("the external account binding has no kid"))?;
        let key = self
            .settings
            .external_keys
            .get(key_id)
            .ok_or_else(|| Refusal::unauthorized("no external account has this key id"))?;
        inner.verify_mac(key)?;
        let bound: Value = serde_json::from_slice(&inner.payload)
            .map_err(|_| Refusal::malformed("the external account binding holds no JWK"))?;
        if bound == *jwk { Ok(()) } else { Err(Refusal::malformed("the external account binding is for another key")) }
    }

    pub(crate) fn account(&mut self, request: &Signed, id: &str) -> Result<Reply, Refusal> {
        if request.account()? != id {
            return Err(Refusal::unauthorized("this is another account"));
        }
        if !request.is_look() {
            let wish = request.json()?;
            let contact = read_contact(&wish)?;
            let deactivate = match wish.get("status").and_then(Value::as_str) {
                None => false,
                Some("deactivated") => true,
                Some(_) => {
                    return Err(Refusal::malformed("an account can only be set to deactivated"));
                }
            };
            if let Some(account) = self.memory.accounts.get_mut(id) {
                if let Some(contact) = contact {
                    account.contact = contact;
                }
                account.deactivated |= deactivate;
                account.terms_agreed |= wish.get("termsOfServiceAgreed") == Some(&Value::Bool(true));
            }
        }
        Ok(Reply::json(200, &self.show_account(id)))
    }

    /// The orders that are not invalid, page by page (RFC 8555 section 7.1.2.1).
    pub(crate) fn orders(&mut self, request: &Signed, id: &str, page: usize, now: Timestamp) -> Result<Reply, Refusal> {
        request.must_be_look()?;
        if request.account()? != id {
            return Err(Refusal::unauthorized("this is another account"));
        }
        if !self.settings.order_lists {
            return Err(Refusal::missing("list"));
        }
        let ids = match self.memory.accounts.get(id) {
            Some(account) => account.orders.clone(),
            None => Vec::new(),
        };
        let mut urls = Vec::new();
        for order in ids {
            self.refresh_order(&order, now);
            let live = self.memory.orders.get(&order).is_some_and(|it| !matches!(it.stage, Stage::Invalid(_)));
            if live {
                urls.push(self.url(&format!("order/{order}")));
            }
        }
        let size = self.settings.orders_per_page.max(1);
        let shown: Vec<&String> = urls.iter().skip(page * size).take(size).collect();
        let reply = Reply::json(200, &json!({ "orders": shown }));
        if urls.len() > (page + 1) * size {
            let next = self.url(&format!("orders/{id}?page={}", page + 1));
            Ok(reply.link(&next, "next"))
        } else {
            Ok(reply)
        }
    }

    /// RFC 8555 section 7.3.5.
    pub(crate) fn key_change(&mut self, request: &Signed) -> Result<Reply, Refusal> {
        let id = request.account()?.to_owned();
        let inner = Flattened::read(&request.json()?)?;
        if inner.word("url") != Some(request.url.as_str()) {
            return Err(Refusal::malformed("the url of the inner JWS differs"));
        }
        if inner.header.get("nonce").is_some() {
            return Err(Refusal::malformed("the inner JWS has no nonce"));
        }
        let jwk = inner.header.get("jwk").ok_or_else(|| Refusal::malformed("the inner JWS has no jwk"))?;
        let new = read_key(jwk)?;
        inner.verify(&new)?;
        let wish: Value =
            serde_json::from_slice(&inner.payload).map_err(|_| Refusal::malformed("the inner payload is not JSON"))?;
        if wish.get("account").and_then(Value::as_str) != Some(self.account_url(&id).as_str()) {
            return Err(Refusal::malformed("the inner payload names another account"));
        }
        let old = wish.get("oldKey").and_then(|it| PublicKey::from_jwk(it).ok());
        let account = self.memory.accounts.get_mut(&id);
        let Some(account) = account.filter(|it| Some(&it.key) == old.as_ref()) else {
            return Err(Refusal::malformed("oldKey is not the account's key"));
        };
        if let Some(holder) = self.memory.accounts_by_key.get(&new.thumbprint()) {
            let holder = holder.clone();
            return Err(Refusal::new(409, ProblemType::Malformed, "an account has the new key already")
                .with(header::LOCATION, self.account_url(&holder)));
        }
        self.memory.accounts_by_key.remove(&account.key.thumbprint());
        self.memory.accounts_by_key.insert(new.thumbprint(), id.clone());
        account.former_keys.insert(0, account.key.thumbprint());
        account.key = new;
        Ok(Reply::json(200, &self.show_account(&id)).at(self.account_url(&id)))
    }

    pub(crate) fn account_url(&self, id: &str) -> String {
        self.url(&format!("acct/{id}"))
    }

    fn show_account(&self, id: &str) -> Value {
        let Some(account) = self.memory.accounts.get(id) else {
            return Value::Null;
        };
        let mut shown = json!({
            "status": if account.deactivated { "deactivated" } else { "valid" },
            "contact": account.contact,
            "termsOfServiceAgreed": account.terms_agreed,
        });
        if let Some(external) = &account.external {
            shown["externalAccountBinding"] = external.clone();
        }
        if self.settings.order_lists {
            shown["orders"] = self.url(&format!("orders/{id}")).into();
        }
        shown
    }
}

fn read_contact(wish: &Value) -> Result<Option<Vec<String>>, Refusal> {
    let Some(contact) = wish.get("contact") else {
        return Ok(None);
    };
    let list = contact.as_array().ok_or_else(|| Refusal::malformed("contact is not a list"))?;
    let mut urls = Vec::new();
    for url in list {
        let url = url.as_str().unwrap_or_default();
        let Some(address) = url.strip_prefix("mailto:") else {
            return Err(Refusal::new(400, ProblemType::UnsupportedContact, "only mailto: contacts are taken"));
        };
        let sound = address.split('@').count() == 2 && !address.contains(['?', ',', ' ']);
        if !sound {
            return Err(Refusal::new(400, ProblemType::InvalidContact, "a contact is one e-mail address"));
        }
        urls.push(url.to_owned());
    }
    Ok(Some(urls))
}
