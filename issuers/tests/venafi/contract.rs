//! The suite of issuers, over all three services.

use certwright_issuers::Issuer;
use testkit::conformance::{IssuerWorld, issuer};
use testkit::{VirtualClock, run};

use crate::world::{ALL, World};

impl IssuerWorld for World {
    fn issuer(&self) -> Box<dyn Issuer> {
        Box::new(self.process())
    }

    fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    fn sent(&self) -> usize {
        self.double.log().len()
    }

    fn spent(&self) -> usize {
        self.double.state().taken
    }
}

#[test]
fn all_three_services_keep_the_contract() {
    for kind in ALL {
        let world = World::new(kind);

        run(&world.clock, issuer(&world)).unwrap_or_else(|breach| panic!("{kind:?}: {breach}"));
    }
}
