//! The contract of issuers, kept over the double.

use std::time::Duration;

use certwright_issuers::Issuer;
use testkit::conformance::{IssuerWorld, issuer};
use testkit::{VirtualClock, run};

use crate::world::World;

#[test]
fn the_contract_of_issuers_is_kept() {
    for takes in [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(90)] {
        let world = World::new();
        world.double.state().takes = takes;
        run(&world.clock, issuer(&world)).unwrap();
    }
}

impl IssuerWorld for World {
    fn issuer(&self) -> Box<dyn Issuer> {
        Box::new(Self::issuer(self))
    }

    fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    fn sent(&self) -> usize {
        self.double.state().requests.len()
    }

    fn spent(&self) -> usize {
        self.double.state().made.len()
    }
}
