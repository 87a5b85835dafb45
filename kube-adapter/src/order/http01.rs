//! HTTP-01: the way to the answer is a [`Lead`] of the Order, the answer itself is given by the role `solver`, and here is looked whether it gets through.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acme_core::protocol::ChallengeType;
use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Error, Timestamp};
use async_trait::async_trait;
use solvers::dns01::{NameServer, Resolver};
use solvers::http01::self_check::{Fault, Look, Miss, Rules, SelfCheck, Standing, Verdict, others_can_reach};
use solvers::{Presentation, Readiness, Solver};

use crate::context::Context;
use crate::http01::Answering;
use crate::http01::lead::Lead;
use crate::settings;

/// The solver of one Challenge.
pub(super) struct Http01 {
    lead: Arc<Lead>,
    answering: Answering,
    /// How it is looked whether the answer gets through; `None` where nobody is to look.
    check: Option<SelfCheck>,
    rules: Rules,
    /// How long the answer may be missed until what leads there is looked at, too: somebody may have deleted it, or the solver may have moved.
    doubt_after: Duration,
    /// How long the answer may be passed over until a Pod has to give it.
    pod_after: Duration,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

/// What the looks so far showed.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    standing: Standing,
    /// Since when the answer is missed without a break.
    missed_since: Option<Timestamp>,
    /// Since when it is passed over without a break, as controllers do that know no Service without a selector.
    passed_over_since: Option<Timestamp>,
}

impl Http01 {
    /// A solver for a challenge that `lead` leads to.
    ///
    /// # Errors
    /// When the way to look cannot be made: name servers that are none.
    pub(super) fn new(context: &Context, lead: Arc<Lead>, answering: Answering) -> Result<Self, Error> {
        let settings = &context.settings.acme;
        let check = match settings.http01_self_check {
            settings::SelfCheck::Off => None,
            settings::SelfCheck::Bounded | settings::SelfCheck::Required => Some(self_check(context)?),
        };
        let mut rules = settings.http01_rules;
        if settings.http01_self_check == settings::SelfCheck::Required {
            rules.blind_after = None;
        }
        Ok(Self {
            lead,
            answering,
            check,
            rules,
            doubt_after: settings.http01_doubt_after,
            pod_after: settings.http01_pod_after,
            clock: context.timer.clone(),
            seen: Mutex::default(),
        })
    }

    /// Folds a look in.
    fn judge(&self, look: &Look, now: Timestamp) -> (Verdict, Seen) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = seen.standing.next(look, &self.rules, now);
        seen.missed_since = match look {
            Look::Passed => None,
            Look::Missed(_) => Some(seen.missed_since.unwrap_or(now)),
        };
        seen.passed_over_since = match look {
            Look::Missed(miss) if is_passed_over(miss) => Some(seen.passed_over_since.unwrap_or(now)),
            Look::Missed(_) | Look::Passed => None,
        };
        (verdict, *seen)
    }

    /// Lets a Pod answer when nobody finds the way to the shared solver for long.
    async fn fall_back(&self, seen: Seen, now: Timestamp) -> Result<(), Error> {
        let is_long = seen.passed_over_since.is_some_and(|since| now.since(since) >= self.pod_after);
        if !is_long || !self.lead.may_fall_back() {
            return Ok(());
        }
        tracing::info!(name = %self.answering.answered.name, "the shared solver is not reached: a Pod answers");
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).passed_over_since = None;
        self.lead.fall_back(&self.answering).await
    }
}

#[async_trait]
impl Solver for Http01 {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::Http01
    }

    async fn present(&self, _: &Presentation) -> Result<(), Error> {
        self.lead.show(&self.answering).await
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        let Some(check) = &self.check else { return Ok(Readiness::Ready) };
        let look = check.look(presentation).await?;
        let now = self.clock.now();
        let (verdict, seen) = self.judge(&look, now);
        match verdict {
            Verdict::Ready => {
                self.lead.reached(&self.answering.answered).await;
                Ok(Readiness::Ready)
            }
            Verdict::ReadyUnseen => {
                self.lead.note_unseen(&self.answering);
                tracing::info!(name = %self.answering.answered.name, "nothing can be seen of the answer from here: the certificate authority is asked all the same");
                Ok(Readiness::Ready)
            }
            Verdict::Again(at) => {
                let missing = match &look {
                    Look::Passed => format!("seen {} of {} times in a row", seen.standing.passes, self.rules.passes),
                    Look::Missed(miss) if is_cut_off(miss) => {
                        format!("{miss} ({}; {})", self.lead.in_words(), self.lead.behind())
                    }
                    Look::Missed(miss) => format!("{miss} ({})", self.lead.in_words()),
                };
                if seen.missed_since.is_some_and(|since| now.since(since) >= self.doubt_after) {
                    self.seen.lock().unwrap_or_else(PoisonError::into_inner).missed_since = Some(now);
                    self.lead.doubt().await;
                    self.lead.show(&self.answering).await?;
                }
                self.fall_back(seen, now).await?;
                Ok(Readiness::NotYet { again_after: at.since(now), missing })
            }
        }
    }

    async fn clean_up(&self, _: &Presentation) -> Result<(), Error> {
        self.lead.finish(&self.answering).await
    }
}

/// Does this look like a controller that passes over what the path leads to, or cannot reach it?
fn is_passed_over(miss: &Miss) -> bool {
    if let Fault::Status(status) = &miss.fault {
        return matches!(status.as_u16(), 404 | 502..=504);
    }
    let Fault::Unreachable(error) = &miss.fault else { return false };
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(it) = cause {
        if it.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = it.source();
    }
    false
}

/// Did somebody answer who did not get to the solver?
fn is_cut_off(miss: &Miss) -> bool {
    matches!(&miss.fault, Fault::Status(status) if matches!(status.as_u16(), 502 | 504))
}

/// How it is looked: by the settings' name servers, on a fresh connection, at nobody's own addresses. Made once for a process.
fn self_check(context: &Context) -> Result<SelfCheck, Error> {
    if let Some(made) = context.http01.check.get() {
        return Ok(made.clone());
    }
    let settings = &context.settings.acme;
    let clock: Arc<dyn Clock> = context.timer.clone();
    let mut builder = ReqwestTransport::builder()
        .fresh_connections()
        .dangerously_trust_anyone()
        .only_addresses(others_can_reach)
        .proxy_from_environment()
        .connect_within(LOOK)
        .answer_within(LOOK);
    if !settings.http01_nameservers.is_empty() {
        let servers =
            settings.http01_nameservers.iter().map(|it| it.parse()).collect::<Result<Vec<NameServer>, Error>>()?;
        builder = builder.lookup(Arc::new(Resolver::over(servers, Arc::clone(&clock))?));
    }
    let check = SelfCheck::new(Arc::new(builder.build()?), clock).with_port(settings.http01_port);
    Ok(context.http01.check.get_or_init(|| check).clone())
}

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(10);
