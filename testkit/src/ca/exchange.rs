//! One request, one answer: routes, faults, and what every answer carries.

use std::time::{Duration, SystemTime};

use acme_core::Timestamp;
use acme_core::protocol::{Problem, ProblemType};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::fault::{Endpoint, Fault, Wait};
use super::jws::claimed_account;
use super::ledger::RequestRecord;
use super::state::{Memory, Route, State};

/// What became of a request, as its sender sees it.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Exchange {
    /// An answer came.
    Answered {
        /// The answer.
        response: Response<Bytes>,
        /// How much longer it takes than others.
        delay: Duration,
    },
    /// The connection dropped; whether the server acted, the sender cannot know.
    Dropped,
}

impl State {
    pub(crate) fn exchange(&mut self, request: &Request<Bytes>, now: Timestamp) -> Exchange {
        let url = request.uri().to_string();
        let route = self.route(&url);
        let endpoint = route.endpoint();
        if let Some(order) = route.order() {
            *self.ledger.orders.entry(order.to_owned()).or_default() += 1;
        }
        let (reply, delay) = self.answer(request, &url, &route, now);
        self.ledger.requests.push(RequestRecord { endpoint, url, at: now, status: reply.as_ref().map(|it| it.status) });
        match reply {
            Some(reply) => Exchange::Answered { response: reply.into_response(), delay },
            None => Exchange::Dropped,
        }
    }

    /// The answer, or `None` when the connection drops; and how much longer it takes.
    fn answer(
        &mut self,
        request: &Request<Bytes>,
        url: &str,
        route: &Route,
        now: Timestamp,
    ) -> (Option<Reply>, Duration) {
        let endpoint = route.endpoint();
        let account = claimed_account(request.body());
        let window = self.ledger.window(endpoint, account.as_deref(), now);
        let fault = match window {
            Some(until) => Some(Fault::RateLimited(Wait::Seconds(until.since(now) + Duration::from_millis(999)))),
            None => self.faults.strike(endpoint, &mut self.random),
        };
        if let Some(Fault::DropBefore) = fault {
            return (None, Duration::ZERO);
        }
        if let Some(reply) = fault.as_ref().and_then(|it| instead(it, now)) {
            if let Some(Fault::RateLimited(wait) | Fault::Unavailable(wait)) = fault
                && let Some(span) = wait.span()
                && window.is_none()
            {
                self.ledger.close_until(endpoint, account, now + span);
            }
            return (Some(self.finish(reply, endpoint, now)), Duration::ZERO);
        }
        match &fault {
            Some(Fault::Amnesia) => self.memory = Memory::default(),
            Some(Fault::Forget) => self.forget(route),
            _ => {}
        }
        self.settle(now);
        let reply = match self.act(request, url, route, fault.as_ref(), now) {
            Ok(reply) => reply,
            Err(refusal) => refusal.into_reply(),
        };
        let mut reply = self.finish(reply, endpoint, now);
        let mut delay = Duration::ZERO;
        match fault {
            Some(Fault::DropAfter) => return (None, delay),
            Some(Fault::Slow(span)) => delay = span,
            Some(fault) => tamper(&mut reply, &fault),
            None => {}
        }
        (Some(reply), delay)
    }

    fn act(
        &mut self,
        request: &Request<Bytes>,
        url: &str,
        route: &Route,
        fault: Option<&Fault>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let endpoint = route.endpoint();
        if !request.headers().contains_key(header::USER_AGENT) {
            return Err(Refusal::malformed("requests must name their user agent"));
        }
        check_method(request.method(), endpoint)?;
        if !endpoint.is_signed() {
            return self.act_unsigned(request, route);
        }
        let signed = self.open(request, url, endpoint)?;
        match route {
            Route::NewAccount => self.new_account(&signed),
            Route::Account(id) => self.account(&signed, id),
            Route::Orders(id, page) => self.orders(&signed, id, *page, now),
            Route::NewOrder => self.new_order(&signed, now),
            Route::Order(id) => self.order(&signed, id, fault, now),
            Route::Authorization(id) => self.authorization(&signed, id, now),
            Route::Challenge(authorization, id) => self.challenge(&signed, authorization, id, fault, now),
            Route::Finalize(id) => self.finalize(&signed, id, fault, now),
            Route::Certificate(id, number) => self.certificate(&signed, id, *number, fault),
            Route::RevokeCert => self.revoke(&signed, now),
            Route::KeyChange => self.key_change(&signed),
            Route::Directory | Route::NewNonce | Route::RenewalInfo(_) | Route::Nowhere => {
                Err(Refusal::missing("resource"))
            }
        }
    }

    fn act_unsigned(&self, request: &Request<Bytes>, route: &Route) -> Result<Reply, Refusal> {
        if let Route::RenewalInfo(id) = route {
            return self.renewal_info(id);
        }
        if *route == Route::Directory {
            Ok(self.directory())
        } else if *route == Route::NewNonce {
            let is_head = *request.method() == Method::HEAD;
            Ok(Reply::empty(if is_head { 200 } else { 204 }))
        } else {
            Err(Refusal::missing("resource"))
        }
    }

    fn directory(&self) -> Reply {
        let mut meta = json!({
            "website": self.url("about"),
            "caaIdentities": ["ca.test"],
            "externalAccountRequired":
                self.settings.external_accounts == super::settings::ExternalAccounts::Required,
        });
        if let Some(terms) = &self.settings.terms_of_service {
            meta["termsOfService"] = terms.as_str().into();
        }
        self.settings.persistence.show_in_directory(&mut meta, &self.url(super::challenge::HASHES));
        if !self.settings.profiles.is_empty() {
            meta["profiles"] = self
                .settings
                .profiles
                .iter()
                .map(|(name, profile)| (name.clone(), Value::from(profile.description.as_str())))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        let mut body = json!({
            "newNonce": self.endpoint_url("new-nonce"),
            "newAccount": self.endpoint_url("new-account"),
            "newOrder": self.endpoint_url("new-order"),
            "revokeCert": self.endpoint_url("revoke-cert"),
            "keyChange": self.endpoint_url("key-change"),
            "meta": meta,
        });
        if self.settings.renewal_info {
            body["renewalInfo"] = self.url("renewal-info").into();
        }
        Reply::json(200, &body)
    }

    /// Adds what every answer carries: nonce, index, date.
    fn finish(&mut self, reply: Reply, endpoint: Endpoint, now: Timestamp) -> Reply {
        let page = reply.headers.iter().any(|(name, value)| *name == header::CONTENT_TYPE && value == "text/html");
        let offset = Timestamp::from_unix_millis(now.unix_millis() + self.date_offset);
        let date = http_date(offset);
        let mut reply = reply.with(header::DATE, date);
        if page {
            return reply;
        }
        if endpoint != Endpoint::Directory {
            let index = self.url("directory");
            reply = reply.link(&index, "index");
        }
        if endpoint == Endpoint::NewNonce {
            reply = reply.with(header::CACHE_CONTROL, "no-store");
        }
        if endpoint.is_signed() || endpoint == Endpoint::NewNonce {
            let nonce = self.random.word(16);
            self.memory.nonces.insert(nonce.clone());
            reply = reply.with(http::HeaderName::from_static("replay-nonce"), nonce);
        }
        reply
    }

    fn forget(&mut self, route: &Route) {
        let memory = &mut self.memory;
        match route {
            Route::Account(id) | Route::Orders(id, _) => {
                if let Some(account) = memory.accounts.remove(id) {
                    memory.accounts_by_key.remove(&account.key.thumbprint());
                }
            }
            Route::Order(id) | Route::Finalize(id) => {
                memory.orders.remove(id);
            }
            Route::Authorization(id) | Route::Challenge(id, _) => {
                memory.authorizations.remove(id);
            }
            Route::Certificate(id, _) => {
                memory.certificates.remove(id);
            }
            Route::Directory
            | Route::NewNonce
            | Route::NewAccount
            | Route::NewOrder
            | Route::RenewalInfo(_)
            | Route::RevokeCert
            | Route::KeyChange
            | Route::Nowhere => {}
        }
    }
}

fn check_method(method: &Method, endpoint: Endpoint) -> Result<(), Refusal> {
    let fits = if endpoint.is_signed() {
        *method == Method::POST
    } else {
        let is_head = *method == Method::HEAD && endpoint == Endpoint::NewNonce;
        *method == Method::GET || is_head || endpoint == Endpoint::Nowhere
    };
    if fits {
        Ok(())
    } else {
        Err(Refusal::new(405, ProblemType::Malformed, format!("{method} is not for this resource")))
    }
}

/// The answer that a fault gives while the server does nothing.
fn instead(fault: &Fault, now: Timestamp) -> Option<Reply> {
    let refuse = |status: u16, kind: ProblemType, detail: &str| Refusal::new(status, kind, detail).into_reply();
    let reply = match fault {
        Fault::BadNonce => refuse(400, ProblemType::BadNonce, "the nonce is refused by chance"),
        Fault::RateLimited(wait) => {
            let reply = refuse(429, ProblemType::RateLimited, "too many of these; come later");
            named(reply, *wait, now)
        }
        Fault::Unavailable(wait) => {
            let reply = refuse(503, ProblemType::ServerInternal, "too busy; come later");
            named(reply, *wait, now)
        }
        Fault::ServerError(status) => refuse(*status, ProblemType::ServerInternal, "a fault"),
        Fault::Html(status) => Reply::new(
            *status,
            "text/html",
            "<html><head><title>Error</title></head><body><h1>Please try again</h1></body></html>",
        ),
        Fault::Refuse(problem) => {
            let problem: &Problem = problem;
            Refusal::from_problem(problem).into_reply()
        }
        Fault::DropBefore
        | Fault::DropAfter
        | Fault::CutOff
        | Fault::Garbage
        | Fault::Without(_)
        | Fault::StatusWord(_)
        | Fault::Slow(_)
        | Fault::Forget
        | Fault::Amnesia
        | Fault::Invalidate(_)
        | Fault::Processing(_)
        | Fault::Leaf(_)
        | Fault::DecoratedPem => return None,
    };
    Some(reply)
}

fn named(reply: Reply, wait: Wait, now: Timestamp) -> Reply {
    match wait {
        Wait::Unsaid => reply,
        Wait::Seconds(_) => reply.retry_after(wait.span()),
        Wait::Date(span) => reply.with(header::RETRY_AFTER, http_date(now + span)),
    }
}

/// What a fault does to an answer after the server acted.
fn tamper(reply: &mut Reply, fault: &Fault) {
    match fault {
        Fault::CutOff => reply.body.truncate(reply.body.len() / 2),
        Fault::Garbage => reply.body = Bytes::from_static(b"\x7b\"status\": \xff\xfe tru"),
        Fault::Without(name) => reply.headers.retain(|(it, _)| it != name),
        Fault::StatusWord(word) => {
            if let Ok(mut value) = serde_json::from_slice::<Value>(&reply.body)
                && value.get("status").is_some_and(Value::is_string)
            {
                value["status"] = word.as_str().into();
                reply.body = value.to_string().into();
            }
        }
        Fault::BadNonce
        | Fault::RateLimited(_)
        | Fault::Unavailable(_)
        | Fault::ServerError(_)
        | Fault::Html(_)
        | Fault::Refuse(_)
        | Fault::DropBefore
        | Fault::DropAfter
        | Fault::Slow(_)
        | Fault::Forget
        | Fault::Amnesia
        | Fault::Invalidate(_)
        | Fault::Processing(_)
        | Fault::Leaf(_)
        | Fault::DecoratedPem => {}
    }
}

fn http_date(at: Timestamp) -> String {
    httpdate::fmt_http_date(SystemTime::from(at))
}
