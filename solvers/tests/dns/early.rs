//! No recursive server is asked for a record before it is there: it would remember that it was not (RFC 2308).

use async_trait::async_trait;
use certwright_solvers::dns01::Propagation;
use certwright_solvers::{DnsPersist01, Error, Readiness, Solver};
use testkit::servers::{Bind, Zone};

use super::*;

const OWNER: &str = "_acme-challenge.example.org";

#[tokio::test]
async fn a_resolver_that_remembers_shows_the_record_at_once() {
    for propagation in [Propagation::Authoritative, Propagation::Resolver] {
        let world = World::start();
        let solver = world.solver().with_propagation(propagation);
        world.comes_at_once(&solver).await.unwrap();
    }
}

#[tokio::test]
async fn a_solver_that_asks_too_early_is_caught() {
    for propagation in [Propagation::Authoritative, Propagation::Resolver] {
        let world = World::start();
        let solver = Hasty(world.solver().with_propagation(propagation), world.resolver());
        let caught = world.comes_at_once(&solver).await.unwrap_err();
        assert_eq!(caught, "the resolver was asked for _acme-challenge.example.org before it was there");
    }
}

/// A validated name that is not there, one that is, and one beside a name server's.
#[tokio::test]
async fn a_resolver_that_proves_denials_shows_the_record_at_once() {
    let zone = || example().absent_for(300).record("www IN A 192.0.2.1");
    let plain = World::with(Bind::builder().zone(zone()).start());
    let signed = World::proving(Bind::builder().zone(zone().signed()).start());
    for world in [plain, signed] {
        let solver = world.solver().with_propagation(Propagation::Resolver);
        for domain in ["new.example.org", "www.example.org", "nsa.example.org", "a.b.new.example.org", "example.org"] {
            let challenge = challenge(domain, "token");
            assert!(matches!(solver.check(&challenge).await.unwrap(), Readiness::NotYet { .. }));
            solver.present(&challenge).await.unwrap();
            assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready, "{domain}");
        }
    }
}

#[tokio::test]
async fn a_solver_that_wants_denials_proven_is_caught() {
    let world = World::proving(Bind::builder().zone(example().absent_for(300).signed()).start());
    // As clients ask that walk up to the zone.
    let _ = world.cache.txt("new.example.org");
    let solver = world.solver().with_propagation(Propagation::Resolver);
    let challenge = challenge("new.example.org", "token");
    solver.present(&challenge).await.unwrap();
    let Readiness::NotYet { missing, .. } = solver.check(&challenge).await.unwrap() else { panic!("it is denied") };
    assert!(missing.ends_with("does not know _acme-challenge.new.example.org"), "{missing}");
}

#[tokio::test]
async fn what_is_behind_a_delegation_is_not_asked_for_either() {
    let from = Zone::new("example.com").absent_for(300).record("_acme-challenge IN CNAME proof.example.org.");
    let world = World::with(Bind::builder().zone(from).zone(example().absent_for(300)).start());
    let solver = world.solver().with_propagation(Propagation::Resolver);
    let challenge = challenge("example.com", "token");
    solver.present(&challenge).await.unwrap();
    assert!(world.asked("proof.example.org").is_empty(), "{:?}", world.cache.queries());
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
    assert_eq!(world.cache.txt("proof.example.org"), [challenge.key_authorization().unwrap().dns_value()]);
    solver.clean_up(&challenge).await.unwrap();
}

#[tokio::test]
async fn a_name_that_is_a_zone_of_its_own_is_found_without_asking_for_it() {
    let from = Zone::new("example.com").record("_acme-challenge IN CNAME proof.example.org.");
    let above = Zone::new("example.org").absent_for(300);
    let own = Zone::new("proof.example.org").update_with(&key()).absent_for(300);
    let world = World::with(Bind::builder().zone(from).zone(above).zone(own).start());
    // The zone above takes no updates.
    world.solver().present(&challenge("example.com", "token")).await.unwrap();
    assert!(world.asked("proof.example.org").is_empty(), "{:?}", world.cache.queries());
    assert_eq!(world.authority.txt("proof.example.org").len(), 1);
}

#[tokio::test]
async fn the_resolver_is_not_asked_while_any_server_of_the_zone_lacks_the_record() {
    let zone = || example().absent_for(300).record("@ IN NS second.other.test.");
    let stale = Bind::builder().zone(zone()).start();
    let world = World::with(Bind::builder().zone(zone()).start());
    let resolver = world.resolver().with_address_of(name("second.other.test"), stale.address());
    let solver = Dns01::new(provider(&world.authority, &key()), resolver).with_propagation(Propagation::Resolver);
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();
    let seen = solver.check(&challenge).await.unwrap();
    let Readiness::NotYet { missing, .. } = seen else { panic!("the second server lacks it") };
    assert_eq!(missing, "second.other.test does not know _acme-challenge.example.org");
    assert!(world.asked(OWNER).is_empty(), "{:?}", world.cache.queries());

    Dns01::new(provider(&stale, &key()), super::resolver(&stale)).present(&challenge).await.unwrap();
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
}

#[tokio::test]
async fn where_no_server_of_the_zone_can_be_reached_the_resolver_has_to_do() {
    let world = World::start();
    // Nobody listens there.
    let resolver = world.resolver().with_authoritative_port(9);
    let solver = Dns01::new(provider(&world.authority, &key()), resolver).with_propagation(Propagation::Resolver);
    let challenge = challenge("example.org", "token");
    solver.present(&challenge).await.unwrap();
    assert_eq!(world.authority.txt(OWNER).len(), 1);
    assert!(!world.asked(OWNER).is_empty(), "there is nobody else to ask");
}

#[tokio::test]
async fn records_that_stay_are_looked_for_where_nobody_remembers() {
    let world = World::start();
    let solver = DnsPersist01::new(provider(&world.authority, &key()), world.resolver()).asking_recursive_servers();
    let challenge = persistent::asked("example.org");
    solver.present(&challenge).await.unwrap();
    assert!(world.asked("_validation-persist.example.org").is_empty(), "{:?}", world.cache.queries());
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
}

/// A zone's only server, and a resolver in front of it that remembers for five minutes.
struct World {
    authority: Bind,
    cache: Bind,
}

impl World {
    fn start() -> Self {
        Self::with(Bind::builder().zone(example().absent_for(300)).start())
    }

    fn with(authority: Bind) -> Self {
        let cache = Bind::builder().caching(authority.address()).start();
        Self { authority, cache }
    }

    /// The same with DNSSEC.
    fn proving(authority: Bind) -> Self {
        let trust = authority.trust("example.org");
        let cache = Bind::builder().caching(authority.address()).proving(trust).start();
        Self { authority, cache }
    }

    fn resolver(&self) -> Resolver {
        let port = self.authority.address().port();
        Resolver::new([self.cache.address()], wall()).unwrap().with_authoritative_port(port)
    }

    fn solver(&self) -> Dns01 {
        Dns01::new(provider(&self.authority, &key()), self.resolver())
    }

    /// What the resolver was asked of `owner`.
    fn asked(&self, owner: &str) -> Vec<String> {
        let queries = self.cache.queries().into_iter().filter(|it| it.name.eq_ignore_ascii_case(owner));
        queries.map(|it| it.kind).collect()
    }

    /// Whether the record can be seen through the resolver as soon as it is there, whatever the solver did before.
    async fn comes_at_once(&self, solver: &dyn Solver) -> Result<(), String> {
        let challenge = challenge("example.org", "token");
        let early = solver.check(&challenge).await.unwrap();
        assert!(matches!(early, Readiness::NotYet { .. }), "nothing is there");
        solver.present(&challenge).await.unwrap();
        let value = challenge.key_authorization().unwrap().dns_value();
        assert_eq!(self.authority.txt(OWNER), std::slice::from_ref(&value));
        let asked = self.asked(OWNER);
        let shown = self.cache.txt(OWNER);
        match (asked.is_empty(), shown == [value]) {
            (true, true) => {}
            (false, false) => return Err(format!("the resolver was asked for {OWNER} before it was there")),
            (was_asked, is_shown) => panic!("asked: {}, shown: {is_shown}: {asked:?}, {shown:?}", !was_asked),
        }
        assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
        solver.clean_up(&challenge).await.unwrap();
        Ok(())
    }
}

/// Follows aliases through the resolver, as clients do that know of nothing else.
struct Hasty(Dns01, Resolver);

#[async_trait]
impl Solver for Hasty {
    fn challenge(&self) -> ChallengeType {
        self.0.challenge()
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        self.1.follow(&name(OWNER)).await?;
        self.0.present(presentation).await
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        self.0.check(presentation).await
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        self.0.clean_up(presentation).await
    }
}
