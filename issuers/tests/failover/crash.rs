//! Killed before and after every effect, also of those that lead from one issuer to the next.

use acme_core::Retry;
use certwright_issuers::drive;
use testkit::VirtualClock;
use testkit::ca::{Endpoint, Fault, Times};
use testkit::crash::{Replay, Summary, World as Outlives};

use crate::world::{Asked, World};

impl Outlives for World {
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
}

#[test]
fn an_issuance_at_the_first_survives_every_kill() {
    let summary = survive(World::new, (1, 0));

    assert!(summary.effects >= 18, "{summary:?}");
}

#[test]
fn a_first_that_is_down_costs_no_order_wherever_the_process_is_killed() {
    let down = || {
        let world = World::new();
        world.first.inject_everywhere(Fault::DropBefore, Times::Always);
        world
    };

    survive(down, (0, 1));
}

#[test]
fn an_order_that_fails_at_the_first_is_followed_by_one_at_the_second() {
    // Validation works, but the certificate is never made: the flow at the first gives up by itself.
    let failing = || {
        let world = World::new();
        world.first.inject(Endpoint::Finalize, Fault::ServerError(500), Times::Always);
        world
    };

    survive(failing, (1, 1));
}

/// So many orders at each, nothing left behind, whatever was killed.
fn survive(world: impl Fn() -> World, orders: (usize, usize)) -> Summary {
    let asked = Asked::new("a.example");
    let asked = &asked;
    Replay::every_effect().and_pairs_every(53).run(
        world,
        |world, effects| {
            let issuer = world.process_with(&effects);
            let mut progress = world.record.open(&effects);
            let clock = world.clock.clone();
            async move {
                loop {
                    match drive(&issuer, &asked.request(), &mut progress, &clock).await {
                        Ok(_) => return,
                        Err(error) => {
                            let Retry::After(pause) = error.retry() else {
                                panic!("a life ended in an error: {error}")
                            };
                            progress.clear();
                            clock.sleep(pause).await;
                        }
                    }
                }
            }
        },
        |world, _| {
            assert_eq!(world.orders(), orders, "orders");
            assert_eq!(world.presented.left_behind(), 0, "answers left behind");
        },
    )
}
