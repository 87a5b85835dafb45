//! Renewal information, revocation and predecessors go to whoever issued the certificate.

use acme_core::protocol::RevocationReason;
use acme_core::{Clock as _, ErrorKind};
use certwright_issuers::chain::Leaf;
use certwright_issuers::{Issued, Issuer as _};
use testkit::ca::{Endpoint, Fault, Times};
use testkit::run;

use crate::world::{Asked, World};

/// A certificate of the second, whose own process remembers who issued it.
fn by_the_second(world: &World) -> Issued {
    world.first.inject_everywhere(Fault::DropBefore, Times::Always);
    let issued = world.issue(&world.remembering(), "a.example").unwrap();
    world.first.heal();
    assert_eq!(world.orders(), (0, 1));
    issued
}

#[test]
fn renewal_information_is_asked_of_the_one_that_issued() {
    let world = World::new();
    let issued = by_the_second(&world);
    let id = Leaf::read(issued.chain.leaf().unwrap()).unwrap().id.unwrap();
    let process = world.remembering();

    let answer = run(&world.clock, process.renewal_info().unwrap().renewal_info(&id)).unwrap();

    assert!(answer.info.suggested_window.start > world.clock.now());
    assert_eq!(world.first.requests(Endpoint::RenewalInfo), 0);
}

#[test]
fn where_nobody_remembers_each_is_asked_in_turn() {
    let world = World::new();
    let issued = by_the_second(&world);
    let leaf = issued.chain.leaf().unwrap();
    let id = Leaf::read(leaf).unwrap().id.unwrap();
    let process = world.process();

    run(&world.clock, process.renewal_info().unwrap().renewal_info(&id)).unwrap();
    run(&world.clock, process.revoke().unwrap().revoke(leaf, Some(RevocationReason::Superseded))).unwrap();

    assert_eq!(world.first.requests(Endpoint::RenewalInfo), 1);
    assert_eq!(world.second.revocation(&id), Some(4));
}

#[test]
fn a_certificate_of_nobody_here_is_not_found() {
    let (world, elsewhere) = (World::new(), World::new());
    let foreign = elsewhere.issue(&elsewhere.process(), "a.example").unwrap();
    let id = Leaf::read(foreign.chain.leaf().unwrap()).unwrap().id.unwrap();

    let process = world.process();
    let error = run(&world.clock, process.renewal_info().unwrap().renewal_info(&id)).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_predecessor_is_named_only_to_the_one_that_issued_it() {
    let world = World::new();
    let issued = by_the_second(&world);
    let id = Leaf::read(issued.chain.leaf().unwrap()).unwrap().id;
    world.clock.advance(std::time::Duration::from_secs(3600));
    let process = world.remembering();
    let asked = Asked::new("a.example");
    let mut request = asked.request();
    request.replaces = id;

    let mut progress = certwright_issuers::InMemory::new();
    run(&world.clock, certwright_issuers::drive(&process, &request, &mut progress, &world.clock)).unwrap();

    assert_eq!(world.orders(), (1, 1));
    assert_eq!(world.asked_for_orders().0, 1, "the order at the first was refused for a predecessor it does not know");
}
