//! HTTP-01: the way to the answer is a [`Lead`] of the Order, the answer itself is given by the role `solver`, and here is looked whether it gets through.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acme_core::protocol::ChallengeType;
use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Error, Timestamp};
use async_trait::async_trait;
use solvers::dns01::{NameServer, Resolver};
use solvers::http01::self_check::{Look, Rules, SelfCheck, Standing, Verdict, others_can_reach};
use solvers::{Presentation, Readiness, Solver};

use crate::context::Context;
use crate::http01::Answered;
use crate::http01::lead::Lead;
use crate::settings;

/// The solver of one Challenge.
pub(super) struct Http01 {
    lead: Arc<Lead>,
    answered: Answered,
    /// How it is looked whether the answer gets through; `None` where nobody is to look.
    check: Option<SelfCheck>,
    rules: Rules,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

/// What the looks so far showed.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    standing: Standing,
    /// Since when the answer is missed without a break.
    missed_since: Option<Timestamp>,
}

impl Http01 {
    /// A solver for a challenge that `lead` leads to.
    ///
    /// # Errors
    /// When the way to look cannot be made: name servers that are none.
    pub(super) fn new(context: &Context, lead: Arc<Lead>, answered: Answered) -> Result<Self, Error> {
        let settings = &context.settings.acme;
        let check = match settings.http01_self_check {
            settings::SelfCheck::Off => None,
            settings::SelfCheck::Bounded | settings::SelfCheck::Required => Some(self_check(context)?),
        };
        let mut rules = settings.http01_rules;
        if settings.http01_self_check == settings::SelfCheck::Required {
            rules.blind_after = None;
        }
        Ok(Self { lead, answered, check, rules, clock: context.timer.clone(), seen: Mutex::default() })
    }

    /// Folds a look in.
    fn judge(&self, look: &Look, now: Timestamp) -> (Verdict, Seen) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = seen.standing.next(look, &self.rules, now);
        seen.missed_since = match look {
            Look::Passed => None,
            Look::Missed(_) => Some(seen.missed_since.unwrap_or(now)),
        };
        (verdict, *seen)
    }
}

#[async_trait]
impl Solver for Http01 {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::Http01
    }

    async fn present(&self, _: &Presentation) -> Result<(), Error> {
        self.lead.show(&self.answered).await
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        let Some(check) = &self.check else { return Ok(Readiness::Ready) };
        let look = check.look(presentation).await?;
        let now = self.clock.now();
        let (verdict, seen) = self.judge(&look, now);
        match verdict {
            Verdict::Ready => Ok(Readiness::Ready),
            Verdict::ReadyUnseen => {
                tracing::info!(name = %self.answered.name, "nothing can be seen of the answer from here: the certificate authority is asked all the same");
                Ok(Readiness::Ready)
            }
            Verdict::Again(at) => {
                let missing = match &look {
                    Look::Passed => format!("seen {} of {} times in a row", seen.standing.passes, self.rules.passes),
                    Look::Missed(miss) => format!("{miss} ({})", self.lead.in_words()),
                };
                if seen.missed_since.is_some_and(|since| now.since(since) >= DOUBTED_AFTER) {
                    self.seen.lock().unwrap_or_else(PoisonError::into_inner).missed_since = Some(now);
                    self.lead.doubt().await;
                    self.lead.show(&self.answered).await?;
                }
                Ok(Readiness::NotYet { again_after: at.since(now), missing })
            }
        }
    }

    async fn clean_up(&self, _: &Presentation) -> Result<(), Error> {
        self.lead.finish(&self.answered).await
    }
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

/// How long an answer may be missed until what leads there is looked at, too: somebody may have deleted it, or the solver may have moved.
const DOUBTED_AFTER: Duration = Duration::from_secs(10);
