//! Enumerates the kills.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Effects, KillPoint, Moment};
use crate::{Runtime, VirtualClock};

/// What outlives the program: its clock, and whatever else the implementer holds (a certificate authority, a [`DurableStore`](crate::DurableStore)).
pub trait World {
    /// The clock on which lives are lived.
    fn clock(&self) -> &VirtualClock;
}

/// Kills a program at every effect.
#[derive(Debug, Clone, Copy)]
pub struct Replay {
    pairs_every: Option<usize>,
}

/// Which kills happened to a program, in the order of its lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Story {
    /// Each kill and the name of the effect at which it happened.
    pub kills: Vec<Kill>,
}

/// One kill of a [`Story`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kill {
    /// Where it was.
    pub point: KillPoint,
    /// What the program was about to do, or had just done.
    pub effect: String,
}

/// What a replay went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Effects of a life without a kill.
    pub effects: usize,
    /// Stories with at least one kill.
    pub stories: usize,
}

impl Replay {
    /// One kill in each story: before and after every effect.
    pub fn every_effect() -> Self {
        Self { pairs_every: None }
    }

    /// After that, two kills in each story: before and after every effect, and then before and after every effect of the second life.
    #[must_use]
    pub fn and_every_pair(self) -> Self {
        self.and_pairs_every(1)
    }

    /// After that, every `stride`th of the stories with two kills.
    #[must_use]
    pub fn and_pairs_every(self, stride: usize) -> Self {
        Self { pairs_every: Some(stride.max(1)) }
    }

    /// Runs every story: `world` makes a fresh world, `life` is one life of the program from durable bytes to its end, `check` looks at the world after the last life.
    ///
    /// # Panics
    /// When a life panics, deadlocks or loops, or `check` panics; the message begins with the story.
    pub fn run<W, F>(
        &self,
        world: impl Fn() -> W,
        life: impl Fn(&W, Effects) -> F,
        check: impl Fn(&W, &Story),
    ) -> Summary
    where
        W: World,
        F: Future<Output = ()>,
    {
        let tell = |points: &[KillPoint]| tell(&world, &life, &check, points);
        let mut summary = Summary { effects: tell(&[]), stories: 0 };
        let mut pairs = 0;
        for first in points(summary.effects) {
            let effects = tell(&[first]);
            summary.stories += 1;
            let Some(stride) = self.pairs_every else {
                continue;
            };
            for second in points(effects) {
                pairs += 1;
                if pairs % stride == 0 {
                    tell(&[first, second]);
                    summary.stories += 1;
                }
            }
        }
        summary
    }
}

/// Lives one story and answers how many effects its last life had.
fn tell<W, F>(
    world: &impl Fn() -> W,
    life: &impl Fn(&W, Effects) -> F,
    check: &impl Fn(&W, &Story),
    points: &[KillPoint],
) -> usize
where
    W: World,
    F: Future<Output = ()>,
{
    let mut story = Story::default();
    let told = catch_unwind(AssertUnwindSafe(|| {
        let world = world();
        for point in points {
            let effects = Effects::dying_at(*point);
            live(&world, life, &effects);
            let names = effects.names();
            story.kills.push(Kill { point: *point, effect: names.get(point.effect).cloned().unwrap_or_default() });
        }
        let effects = Effects::unharmed();
        live(&world, life, &effects);
        check(&world, &story);
        effects.count()
    }));
    match told {
        Ok(effects) => effects,
        Err(panic) => panic!("{story}: {}", words(panic.as_ref())),
    }
}

fn live<W: World, F: Future<Output = ()>>(world: &W, life: &impl Fn(&W, Effects) -> F, effects: &Effects) {
    let runtime = Runtime::new(world.clock());
    runtime.run_while(life(world, effects.clone()), || !effects.is_dead());
}

fn points(effects: usize) -> impl Iterator<Item = KillPoint> {
    (0..effects).flat_map(|effect| [Moment::Before, Moment::After].map(|moment| KillPoint::new(effect, moment)))
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words")
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kills.is_empty() {
            return f.write_str("never killed");
        }
        for (at, kill) in self.kills.iter().enumerate() {
            let then = if at == 0 { "killed" } else { ", then" };
            write!(f, "{then} {} effect {} ({})", kill.point.moment, kill.point.effect, kill.effect)?;
        }
        Ok(())
    }
}
