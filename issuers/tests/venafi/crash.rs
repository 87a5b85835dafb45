//! Killed before and after every effect, and once more in the second life.

use certwright_issuers::drive;
use testkit::VirtualClock;
use testkit::crash::{Kill, Replay, World as Outlives};

use crate::world::{ALL, Asked, Kind, World};

impl Outlives for World {
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
}

#[test]
fn no_kill_loses_a_request_and_none_at_the_platform_makes_two() {
    for kind in ALL {
        let asked = Asked::new(&["a.example"]);
        let asked = &asked;

        let summary = Replay::every_effect().and_every_pair().run(
            || World::new(kind),
            |world, effects| {
                let issuer = world.process_with(&effects);
                let mut progress = world.record.open(&effects);
                let clock = world.clock.clone();
                async move {
                    let issued = drive(&issuer, &asked.request(), &mut progress, &clock).await;
                    issued.unwrap_or_else(|error| panic!("a life ended in an error: {error}"));
                }
            },
            |world, story| {
                // Where the service makes up the name for picking up, a kill before that is saved costs one.
                let unknown = |it: &&Kill| it.effect.ends_with("/certificaterequests") || it.effect == "save progress";
                let again = if kind == Kind::Tpp { 0 } else { story.kills.iter().filter(unknown).count() };
                let taken = world.double.state().taken;
                assert!(taken >= 1 && taken <= 1 + again, "{kind:?}: {taken} requests");
            },
        );

        assert!(summary.effects >= 6 && summary.stories > 100, "{kind:?}: {summary:?}");
    }
}
