//! Amazon Route 53, as strict and as slow as it is: what moto hides.

mod records;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::{Clock, Timestamp};
use bytes::Bytes;
use http::{Method, Request, Response};
use solvers::credentials::aws::{Credentials, Region, Scope};

use self::records::Zone;
use super::{Asked, Service, xml};
use crate::SimDns;
use crate::sync::lock;

/// The hosted zones of one account.
///
/// Every signature is checked, GET's too. By default five requests a second are answered and the rest throttled, a change is PENDING for thirty seconds, and
/// while one is applied (a tenth of a second) another one to its zone is refused.
pub struct Route53 {
    clock: Arc<dyn Clock>,
    credentials: Credentials,
    dns: SimDns,
    per_second: usize,
    pending: Duration,
    applying: Duration,
    denied: Mutex<Vec<String>>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    zones: BTreeMap<String, Zone>,
    changes: BTreeMap<String, Timestamp>,
    batches: Vec<usize>,
    asked: Vec<Timestamp>,
}

impl Route53 {
    /// An account that `credentials` open; texts are served in `dns` at once.
    pub fn new(credentials: Credentials, dns: SimDns, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            credentials,
            dns,
            per_second: 5,
            pending: Duration::from_secs(30),
            applying: Duration::from_millis(100),
            denied: Mutex::default(),
            held: Mutex::default(),
        }
    }

    /// Adds a public hosted zone.
    #[must_use]
    pub fn with_zone(self, name: &str, id: &str) -> Self {
        lock(&self.held).zones.insert(id.to_owned(), Zone::new(name, false));
        self
    }

    /// Adds a private hosted zone.
    #[must_use]
    pub fn with_private_zone(self, name: &str, id: &str) -> Self {
        lock(&self.held).zones.insert(id.to_owned(), Zone::new(name, true));
        self
    }

    /// Answers at once and without a limit, for clients that go by the clock on the wall.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.per_second = usize::MAX;
        self.pending = Duration::ZERO;
        self.applying = Duration::ZERO;
        self
    }

    /// Denies `action` (`route53:GetChange`) from now on.
    pub fn deny(&self, action: &str) {
        lock(&self.denied).push(action.to_owned());
    }

    /// How many changes each batch held that was taken.
    pub fn batches(&self) -> Vec<usize> {
        lock(&self.held).batches.clone()
    }

    /// Writes a simple record set of type TXT, as another tool would.
    pub fn write_simple(&self, zone: &str, name: &str, values: &[&str]) {
        let mut held = lock(&self.held);
        held.zones.get_mut(zone).expect("a zone of the double").write_simple(name, values, &self.dns);
    }
}

impl Service for Route53 {
    fn answer(&self, asked: &Asked) -> Response<Bytes> {
        let now = self.clock.now();
        if !self.is_signed(asked, now) {
            return refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.");
        }
        let mut held = lock(&self.held);
        held.asked.retain(|at| now.since(*at) < Duration::from_secs(1));
        if held.asked.len() >= self.per_second {
            return refused(400, "Throttling", "Rate exceeded");
        }
        held.asked.push(now);
        let Some(segments) = asked.segments("/2013-04-01") else { return refused(404, "NotFound", "no such path") };
        let segments: Vec<&str> = segments.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
        match (asked.method.clone(), segments.as_slice()) {
            (Method::GET, ["hostedzonesbyname"]) => {
                self.allowed("ListHostedZonesByName", "*").unwrap_or_else(|| held.zones_by_name(asked))
            }
            (Method::GET, ["change", id]) => self
                .allowed("GetChange", &format!("arn:aws:route53:::change/{id}"))
                .unwrap_or_else(|| held.change(id, now)),
            (method, ["hostedzone", id, "rrset"]) => {
                let arn = format!("arn:aws:route53:::hostedzone/{id}");
                let Some(zone) = held.zones.get_mut(*id) else {
                    return refused(404, "NoSuchHostedZone", &format!("No hosted zone found with ID: {id}"));
                };
                if method == Method::GET {
                    return self.allowed("ListResourceRecordSets", &arn).unwrap_or_else(|| zone.list(asked));
                }
                if method != Method::POST {
                    return refused(405, "MethodNotAllowed", "no such method");
                }
                if let Some(denial) = self.allowed("ChangeResourceRecordSets", &arn) {
                    return denial;
                }
                if !zone.is_idle(now) {
                    let message = "The request was rejected because Route 53 was still processing a prior request.";
                    return refused(400, "PriorRequestNotComplete", message);
                }
                match zone.change(&asked.body, &self.dns) {
                    Ok(count) => {
                        zone.applies_until(now + self.applying);
                        held.batches.push(count);
                        let id = format!("C{:020}", held.changes.len() + 1);
                        held.changes.insert(id.clone(), now + self.pending);
                        held.show_change("ChangeResourceRecordSetsResponse", &id, now)
                    }
                    Err(refusal) => *refusal,
                }
            }
            _ => refused(404, "NotFound", "no such path"),
        }
    }
}

impl Route53 {
    /// Signs what is said to be signed once more, by who signs for us; that signatures of the AWS SDK pass, too, shows that this is no private agreement.
    fn is_signed(&self, asked: &Asked, now: Timestamp) -> bool {
        let verdict = || {
            let given = asked.header("authorization")?;
            let signed = given.split("SignedHeaders=").nth(1)?.split(',').next()?;
            let date = asked.header("x-amz-date")?;
            let time = Timestamp::parse_rfc3339(&format!(
                "{}-{}-{}T{}:{}:{}Z",
                date.get(..4)?,
                date.get(4..6)?,
                date.get(6..8)?,
                date.get(9..11)?,
                date.get(11..13)?,
                date.get(13..15)?
            ));
            let time = time.ok()?;
            let skew = now.since(time).max(time.since(now));
            let query = if asked.query.is_empty() { String::new() } else { format!("?{}", asked.query) };
            let uri = format!("https://{}{}{query}", asked.host, asked.path);
            let mut again = Request::builder().method(asked.method.clone()).uri(uri).header("host", &asked.host);
            for name in signed.split(';').filter(|name| !matches!(*name, "host" | "x-amz-date")) {
                again = again.header(name, asked.header(name)?);
            }
            let mut again = again.body(asked.body.clone()).ok()?;
            let scope = Scope::new("route53", Region::parse("us-east-1").ok()?);
            scope.sign(&mut again, &self.credentials, time).ok()?;
            let ours = again.headers().get("authorization")?.to_str().ok()?;
            Some(signed.split(';').any(|name| name == "host") && skew <= Duration::from_secs(300) && ours == given)
        };
        verdict().unwrap_or(false)
    }

    fn allowed(&self, action: &str, resource: &str) -> Option<Response<Bytes>> {
        let action = format!("route53:{action}");
        lock(&self.denied).contains(&action).then(|| {
            let who = "User: arn:aws:iam::123456789012:user/issuer";
            let why = "because no identity-based policy allows the action";
            refused(
                403,
                "AccessDenied",
                &format!("{who} is not authorized to perform: {action} on resource: {resource} {why}"),
            )
        })
    }
}

impl Held {
    /// A page that starts at the name, in the order of reversed labels, and goes on behind it.
    fn zones_by_name(&self, asked: &Asked) -> Response<Bytes> {
        let Some(query) = asked.parameters(&["dnsname", "hostedzoneid", "maxitems"]) else { return invalid() };
        let Some(most) =
            query.get("maxitems").map_or(Some(100), |it| it.parse().ok()).filter(|it| (1..=100).contains(it))
        else {
            return invalid();
        };
        let reversed = |name: &str| name.trim_end_matches('.').rsplit('.').map(ToOwned::to_owned).collect::<Vec<_>>();
        let from = query.get("dnsname").map(|name| reversed(name)).unwrap_or_default();
        let mut zones: Vec<_> = self.zones.iter().filter(|(_, zone)| reversed(&zone.name) >= from).collect();
        zones.sort_by_key(|(_, zone)| reversed(&zone.name));
        let is_truncated = zones.len() > most;
        let shown = zones.iter().take(most).map(|(id, zone)| {
            format!(
                "<HostedZone><Id>/hostedzone/{id}</Id><Name>{}.</Name><CallerReference>r</CallerReference><Config><PrivateZone>{}</PrivateZone></Config></HostedZone>",
                zone.name, zone.is_private
            )
        });
        let shown: String = shown.collect();
        answer(
            "ListHostedZonesByNameResponse",
            &format!(
                "<HostedZones>{shown}</HostedZones><IsTruncated>{is_truncated}</IsTruncated><MaxItems>{most}</MaxItems>"
            ),
        )
    }

    fn change(&self, id: &str, now: Timestamp) -> Response<Bytes> {
        if self.changes.contains_key(id) {
            return self.show_change("GetChangeResponse", id, now);
        }
        refused(404, "NoSuchChange", &format!("Could not find resource with ID: {id}"))
    }

    fn show_change(&self, root: &str, id: &str, now: Timestamp) -> Response<Bytes> {
        let status = if self.changes[id].is_due(now) { "INSYNC" } else { "PENDING" };
        let at = "2026-01-02T03:04:05.000Z";
        let info = format!("<Id>/change/{id}</Id><Status>{status}</Status><SubmittedAt>{at}</SubmittedAt>");
        answer(root, &format!("<ChangeInfo>{info}</ChangeInfo>"))
    }
}

fn answer(root: &str, content: &str) -> Response<Bytes> {
    xml(200, format!("<?xml version=\"1.0\"?>\n<{root} xmlns=\"{NAMESPACE}\">{content}</{root}>"))
}

/// A refusal as the service writes it.
pub fn refused(status: u16, code: &str, message: &str) -> Response<Bytes> {
    xml(
        status,
        format!(
            "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        ),
    )
}

fn invalid() -> Response<Bytes> {
    refused(400, "InvalidInput", "The input is not valid.")
}

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";
