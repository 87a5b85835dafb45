//! A driver that can be killed: before and after every effect, again and again.

use std::time::Duration;

use certwright_acme_core as acme_core;

use acme_core::Timestamp;
use acme_core::flow::{Agenda, Applied, Issuance, IssuanceAction, IssuanceOutcome, IssuancePlan, Next};

use super::world::World;

/// The effect at which a life ends, and on which side of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) effect: usize,
    pub(crate) side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

pub(crate) struct Story {
    pub(crate) outcome: IssuanceOutcome,
    pub(crate) effects: usize,
    pub(crate) took: Duration,
}

/// Runs an issuance to its end in as many lives as `kills` make it, each from the durable bytes alone.
pub(crate) fn run(world: &mut World, plan: &IssuancePlan, begin: Timestamp, kills: &[Kill]) -> Story {
    let mut durable: Option<Vec<u8>> = None;
    let mut now = begin;
    let mut kills = kills.iter().copied();
    let mut effects = 0;
    loop {
        let mut life = Life { kill: kills.next(), effects: 0 };
        if let Some(outcome) = life.live(world, plan, &mut durable, &mut now) {
            return Story { outcome, effects: life.effects.max(effects), took: now.since(begin) };
        }
        effects = effects.max(life.effects);
        now = now + Duration::from_millis(1500);
    }
}

struct Life {
    kill: Option<Kill>,
    effects: usize,
}

struct Killed;

impl Life {
    fn live(
        &mut self,
        world: &mut World,
        plan: &IssuancePlan,
        durable: &mut Option<Vec<u8>>,
        now: &mut Timestamp,
    ) -> Option<IssuanceOutcome> {
        self.try_live(world, plan, durable, now).ok()
    }

    fn try_live(
        &mut self,
        world: &mut World,
        plan: &IssuancePlan,
        durable: &mut Option<Vec<u8>>,
        now: &mut Timestamp,
    ) -> Result<IssuanceOutcome, Killed> {
        let mut flow = match durable {
            Some(bytes) => Issuance::decode(bytes).expect("what was written is read"),
            None => Issuance::new(plan.clone(), *now),
        };
        for _ in 0..100_000 {
            let agenda = match ask(&flow, *now, world.chance.roll(8) == 0 || self.effects < 3) {
                Next::Done(outcome) => return Ok(outcome),
                Next::Go(agenda) => agenda,
            };
            if agenda.ready.is_empty() {
                let wake = agenda.wake.expect("an agenda is never empty");
                assert!(wake.at > *now, "a wake in the past: {wake:?} at {now}");
                *now = wake.at;
                continue;
            }
            let pick = usize::try_from(world.chance.roll(agenda.ready.len() as u64)).expect("small");
            let action = agenda.ready[pick].clone();
            if action.is_irreversible() {
                self.save(durable, &flow.before(&action))?;
            }
            self.effect(Side::Before)?;
            let event = world.perform(&flow, &action, *now);
            self.effect(Side::After)?;
            self.effects += 1;
            let hopeful = !matches!(
                &event,
                acme_core::flow::IssuanceEvent::Order(acme_core::flow::OrderEvent::Failed { .. })
                    | acme_core::flow::IssuanceEvent::Challenge(_, acme_core::flow::ChallengeEvent::Failed { .. })
            );
            let before = flow.clone();
            let applied = flow.apply(event.clone(), *now);
            assert!(
                applied == Applied::Changed || flow == before,
                "{event:?} changed the state and was called ignored"
            );
            if !hopeful {
                moved_on(&flow, &action, *now);
            }
            // A repeated event, such as that of an action that ran twice, changes nothing that matters: the story must still end.
            if world.chance.roll(10) == 0 {
                let _ = flow.apply(event, *now);
            }
            if applied == Applied::Changed {
                self.save(durable, &flow)?;
            }
        }
        panic!("the story does not end: {flow:?}");
    }

    fn save(&mut self, durable: &mut Option<Vec<u8>>, flow: &Issuance) -> Result<(), Killed> {
        self.effect(Side::Before)?;
        *durable = Some(flow.encode().expect("a state can be written"));
        self.effect(Side::After)?;
        self.effects += 1;
        Ok(())
    }

    fn effect(&self, side: Side) -> Result<(), Killed> {
        match self.kill {
            Some(kill) if kill.effect == self.effects && kill.side == side => Err(Killed),
            _ => Ok(()),
        }
    }
}

/// Asks, and holds the answer against laws 1 and 4: same state and time, same answer; now and then also after the state passed through bytes.
fn ask(flow: &Issuance, now: Timestamp, through_bytes: bool) -> Next<IssuanceAction, IssuanceOutcome> {
    let answer = flow.next(now);
    if through_bytes {
        assert_eq!(answer, flow.next(now));
        let decoded =
            Issuance::decode(&flow.encode().expect("a state can be written")).expect("what was written is read");
        assert_eq!(&decoded, flow, "a state decodes to itself");
        assert_eq!(answer, decoded.next(now));
    }
    if let Next::Go(Agenda { ready, wake, .. }) = &answer {
        assert!(!ready.is_empty() || wake.is_some(), "an agenda is never empty");
    }
    answer
}

/// Law 8: the same `now` never offers an action again that has just failed.
fn moved_on(flow: &Issuance, action: &IssuanceAction, now: Timestamp) {
    if let Next::Go(agenda) = flow.next(now) {
        assert!(!agenda.ready.contains(action), "{action} failed and is offered again at the same time");
    }
}
