//! One name, another answer inside: the servers that were given count, not the machine's.

use certwright_solvers::dns01::Propagation;
use certwright_solvers::{Readiness, Solver as _};
use testkit::servers::{Bind, Zone};

use super::*;

const OWNER: &str = "_acme-challenge.www.example.org";

#[tokio::test]
async fn the_zone_is_that_of_the_servers_that_were_given() {
    let world = World::start();
    let owner = name(OWNER);
    assert_eq!(world.inside_resolver().zone_of(&owner).await.unwrap(), name("www.example.org"), "the machine's lies");
    assert_eq!(resolver(&world.outside).zone_of(&owner).await.unwrap(), name("example.org"));

    let solver = solver(&world.outside);
    let challenge = challenge("www.example.org", "token");
    let before = world.inside.queries().len();
    solver.present(&challenge).await.unwrap();
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
    assert_eq!(world.outside.txt(OWNER), [challenge.key_authorization().unwrap().dns_value()]);
    assert_eq!(world.inside.queries().len(), before, "the machine's resolver was asked");
    solver.clean_up(&challenge).await.unwrap();
    assert!(world.outside.txt(OWNER).is_empty());
}

#[tokio::test]
async fn a_solver_that_asks_the_machines_resolver_writes_into_a_zone_that_nobody_outside_sees() {
    let world = World::start();
    let solver = Dns01::new(provider(&world.outside, &key()), world.inside_resolver());
    let error = solver.present(&challenge("www.example.org", "token")).await.unwrap_err();
    assert!(error.to_string().contains("www.example.org"), "{error}");
    assert!(world.outside.txt(OWNER).is_empty());
}

#[tokio::test]
async fn what_is_seen_inside_alone_is_not_there() {
    let world = World::start();
    let challenge = challenge("www.example.org", "token");
    let inside = Dns01::new(provider(&world.inside, &key()), world.inside_resolver());
    inside.present(&challenge).await.unwrap();
    assert_eq!(inside.check(&challenge).await.unwrap(), Readiness::Ready);
    let public = vec![world.outside.address()];
    for propagation in [Propagation::Authoritative, Propagation::Recursive(public), Propagation::Resolver] {
        let solver = solver(&world.outside).with_propagation(propagation.clone());
        let Readiness::NotYet { missing, .. } = solver.check(&challenge).await.unwrap() else {
            panic!("{propagation:?}: nothing is outside")
        };
        assert!(missing.contains("does not know _acme-challenge.www.example.org"), "{missing}");
    }
}

#[tokio::test]
async fn public_servers_can_be_asked_for_propagation_alone() {
    let world = World::start();
    let challenge = challenge("www.example.org", "token");
    solver(&world.outside).present(&challenge).await.unwrap();
    // Zones by the servers outside, the look by a resolver in front of them; the inside shows nothing of it.
    let public = Bind::builder().caching(world.outside.address()).start();
    let solver = solver(&world.outside).with_propagation(Propagation::Recursive(vec![public.address()]));
    assert_eq!(solver.check(&challenge).await.unwrap(), Readiness::Ready);
    let inside = solver.with_propagation(Propagation::Recursive(vec![world.inside.address()]));
    assert!(matches!(inside.check(&challenge).await.unwrap(), Readiness::NotYet { .. }));
}

/// Outside www is a name of example.org; the machine's resolver knows a zone of that name, which is its own.
struct World {
    outside: Bind,
    inside: Bind,
}

impl World {
    fn start() -> Self {
        let outside = Bind::builder().zone(example().record("www IN A 192.0.2.1")).recursive().start();
        let own = Zone::new("www.example.org").update_with(&key()).record("@ IN A 10.0.0.1");
        let inside = Bind::builder().zone(own).zone(Zone::new("example.org")).recursive().start();
        Self { outside, inside }
    }

    fn inside_resolver(&self) -> Resolver {
        resolver(&self.inside)
    }
}
