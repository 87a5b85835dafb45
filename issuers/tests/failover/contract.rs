//! The suite of issuers, over a healthy list and over one whose first is down.

use acme_core::ErrorKind;
use certwright_issuers::{Failover, Issuer};
use testkit::ca::{Fault, Times};
use testkit::conformance::{IssuerWorld, issuer};
use testkit::{VirtualClock, run};

use crate::world::World;

impl IssuerWorld for World {
    fn issuer(&self) -> Box<dyn Issuer> {
        Box::new(self.process())
    }

    fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    fn sent(&self) -> usize {
        self.first.total() + self.second.total()
    }

    fn spent(&self) -> usize {
        self.first.orders() + self.second.orders()
    }
}

#[test]
fn two_healthy_authorities_keep_the_contract_of_one() {
    let world = World::new();

    run(&world.clock, issuer(&world)).unwrap();

    assert_eq!(world.second.total(), 0);
}

#[test]
fn the_second_keeps_the_contract_while_the_first_is_down() {
    let world = World::new();
    world.first.inject_everywhere(Fault::DropBefore, Times::Always);

    run(&world.clock, issuer(&world)).unwrap();

    assert_eq!(world.first.orders(), 0);
}

#[test]
fn a_list_without_issuers_and_one_with_a_name_twice_are_refused() {
    let world = World::new();
    let twin = || std::sync::Arc::new(world.process()) as std::sync::Arc<dyn Issuer>;
    let clock = || std::sync::Arc::new(world.clock.clone());

    let nobody = Failover::new("nobody", [], clock()).unwrap_err();
    let twice = Failover::new("twice", [twin(), twin()], clock()).unwrap_err();

    assert_eq!(nobody.kind(), ErrorKind::Malformed);
    assert!(twice.to_string().contains("behind twice are called both"), "{twice}");
}
