//! One service with its two clients, and what they cost.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::Identifier;
use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use futures_util::future::join_all;
use solvers::dns01::{Dns01, DnsProvider, Resolver};
use solvers::{Presentation, Solver as _};
use testkit::SimDns;
use testkit::doubles::{Double, NameServer, Served, Service};
use testkit::servers::Lego;

use crate::subjects::{Subject, clock};

/// A double behind a port, ours and lego's provider in front of it, each with name servers to ask.
pub(crate) struct Stage {
    calls: Box<dyn Fn() -> usize>,
    ours: Dns01,
    lego: Lego,
    // Last, so that nobody asks what is gone.
    _served: Served,
    _names: NameServer,
}

impl Stage {
    /// Serves `service` and the `dns` that it writes to, lets `ours` make a provider for its address, and opens lego's.
    pub(crate) fn new<S: Service>(
        dns: &SimDns,
        service: S,
        ours: impl FnOnce(&str) -> Arc<dyn DnsProvider>,
        lego: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let double = Double::new(service);
        let served = double.serve();
        dns.add_zone(ZONE, &[&format!("ns.{ZONE}")]);
        let names = NameServer::start(dns.clone());
        let resolver = Resolver::new([names.address()], clock()).expect("a server");
        let resolver = resolver.with_authoritative_port(names.address().port());
        let ours = Dns01::shared(ours(&served.url()), resolver);
        let lego = Lego::open(lego, &served.url(), ZONE, settings);
        Self { calls: Box::new(move || double.calls().len()), ours, lego, _served: served, _names: names }
    }

    /// Adds and removes `names`, all at once.
    async fn by_ours(&self, names: &[String]) -> Cost {
        let challenges: Vec<Presentation> = names.iter().map(|name| challenge(name)).collect();
        let before = (self.calls)();
        let watch = now();
        for outcome in join_all(challenges.iter().map(|it| self.ours.present(it))).await {
            outcome.unwrap_or_else(|error| panic!("ours: {error}"));
        }
        for outcome in join_all(challenges.iter().map(|it| self.ours.clean_up(it))).await {
            outcome.unwrap_or_else(|error| panic!("ours: {error}"));
        }
        Cost { calls: (self.calls)() - before, time: watch.elapsed() }
    }

    /// Adds and removes `names`, one after the other.
    fn by_lego(&self, names: &[String]) -> Cost {
        let before = (self.calls)();
        let watch = now();
        for name in names {
            self.lego
                .present(name, name, &format!("{name}.thumbprint"))
                .unwrap_or_else(|error| panic!("lego: {error}"));
        }
        for name in names {
            self.lego
                .clean_up(name, name, &format!("{name}.thumbprint"))
                .unwrap_or_else(|error| panic!("lego: {error}"));
        }
        Cost { calls: (self.calls)() - before, time: watch.elapsed() }
    }
}

#[derive(Clone, Copy)]
struct Cost {
    calls: usize,
    time: Duration,
}

/// What a service costs with both clients.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    first: [usize; 2],
    pairs: Vec<[Cost; 2]>,
}

impl Measured {
    /// Does ours call more often?
    pub(crate) fn has_more(&self) -> bool {
        self.first[0] > self.first[1] || self.pairs.iter().any(|[ours, lego]| ours.calls > lego.calls)
    }

    /// Does ours call less often, however many names there are?
    pub(crate) fn has_fewer(&self) -> bool {
        self.pairs.iter().all(|[ours, lego]| ours.calls < lego.calls)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = |side: usize| self.pairs.iter().map(|it| it[side].calls.to_string()).collect::<Vec<_>>().join("/");
        let times = |side: usize| {
            self.pairs
                .iter()
                .map(|it| format!("{:.1}", it[side].time.as_secs_f64() * 1e3))
                .collect::<Vec<_>>()
                .join("/")
        };
        let (name, [first, theirs]) = (self.name, self.first);
        let verdict = if self.has_more() { "short" } else { "ok" };
        write!(
            f,
            "{name:<13} {} calls, lego {}; {} ms, lego {} ms; the first name {first} calls, lego {theirs}: {verdict}",
            calls(0),
            calls(1),
            times(0),
            times(1)
        )
    }
}

/// Takes turns, `rounds` times for each number of names; the median of the times, and the most calls.
pub(crate) async fn measure(subject: &Subject, numbers: &[usize], rounds: usize) -> Measured {
    let stage = (subject.stage)();
    let warm = vec![format!("warm.{ZONE}")];
    let first = [stage.by_ours(&warm).await.calls, stage.by_lego(&warm).calls];
    let mut pairs = Vec::new();
    for number in numbers {
        let names: Vec<String> = (0..*number).map(|it| format!("h{it}.{ZONE}")).collect();
        let mut costs: [Vec<Cost>; 2] = Default::default();
        for _ in 0..rounds {
            costs[0].push(stage.by_ours(&names).await);
            costs[1].push(stage.by_lego(&names));
        }
        pairs.push(costs.map(|mut costs| {
            costs.sort_by_key(|it| it.time);
            let calls = costs.iter().map(|it| it.calls).max().unwrap_or_default();
            Cost { calls, time: costs[costs.len() / 2].time }
        }));
    }
    Measured { name: subject.name, first, pairs }
}

fn challenge(name: &str) -> Presentation {
    let proof = KeyAuthorization::new(&name.replace('.', "-"), "thumbprint").expect("a token");
    let account = Url::parse("https://ca.test/acct/1").expect("a URL");
    Presentation::new(Identifier::parse(name).expect("a name"), ChallengeType::Dns01, proof, account).with_first(true)
}

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

pub(crate) const ZONE: &str = "example.org";
