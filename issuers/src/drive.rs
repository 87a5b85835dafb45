//! The loop around an issuer, for people without a keeper.

use std::time::Duration;

use crate::{CertificateRequest, Error, Issued, Issuer, Progress, Step, Timer, chain};

/// Asks `issuer` until the certificate is there, waits between the steps, and checks the chain before it is handed out.
///
/// Dropping the future stops at any point; driving again with the same request and progress goes on.
///
/// # Errors
/// What the issuer says: [`Error::retry`] tells whether and when another attempt, with a fresh progress, can help. `Malformed` when the
/// chain that was returned is not for the request ([`chain::check_for`]).
pub async fn drive(
    issuer: &dyn Issuer,
    request: &CertificateRequest<'_>,
    progress: &mut dyn Progress,
    timer: &dyn Timer,
) -> Result<Issued, Error> {
    loop {
        match issuer.issue(request, progress).await? {
            Step::Issued(issued) => {
                chain::check_for(&issued.chain, request, timer.now())?;
                return Ok(issued);
            }
            Step::NotYet { again, waiting } => {
                tracing::debug!(issuer = %issuer.id(), %again, %waiting, "waiting");
                let again = again.max(timer.now() + SHORTEST);
                while !again.is_due(timer.now()) {
                    timer.sleep_until(again).await;
                }
            }
        }
    }
}

/// An issuer that says "now" again and again is not asked in a hot loop.
const SHORTEST: Duration = Duration::from_millis(1);
