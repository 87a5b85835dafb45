//! Solvers of Challenges as the library's: the one function that makes one, and the one that says whether it could.

use std::sync::Arc;

use acme_core::{Error, ErrorKind, Retry};
use solvers::Solver;

use crate::context::Context;
use crate::crd::acme;
use crate::crd::challenge::Challenge;
use crate::http01::Answering;
use crate::http01::lead::Lead;
use crate::key::Name;
use crate::order::dns01::{self, DnsSolvers};
use crate::order::http01::Http01;

/// Makes the solver that a Challenge names, with the credentials of its issuer; over what its account has `made` already.
///
/// For HTTP-01 `lead` leads validators to the answer: it is one for all challenges of an Order and solver.
///
/// # Errors
/// `Unsupported` for what this build lacks, `NotFound` for a Secret that is not there, and what the provider says of its configuration.
pub(crate) async fn make(
    context: &Context,
    challenge: &Challenge,
    issuer: &Name,
    lead: Option<Arc<Lead>>,
    made: Option<&DnsSolvers>,
) -> Result<Arc<dyn Solver>, Error> {
    let spec = &challenge.spec;
    is_known(&spec.solver)?;
    match (&spec.solver.dns01, lead) {
        (_, Some(lead)) => Ok(Arc::new(Http01::new(context, lead, Answering::of(challenge))?)),
        (Some(dns01), None) => dns01::make(dns01, &spec.key, &dns01::Credentials::of(context, issuer), made).await,
        (None, None) => Err(unknown("HTTP-01 without a way to its answer")),
    }
}

/// Could such a solver be made? Asked before anything is ordered of it, so that nothing goes round in vain.
///
/// # Errors
/// `Unsupported`, with what is missing and what to use instead.
pub(crate) fn is_known(spec: &acme::Solver) -> Result<(), Error> {
    match (&spec.http01, &spec.dns01) {
        (None, Some(spec)) => dns01::is_known(spec),
        (Some(spec), _) if spec.ingress.is_some() || spec.gateway_http_route.is_some() => Ok(()),
        (Some(_), _) => Err(unknown("HTTP-01 with neither ingress nor gatewayHTTPRoute")),
        (None, None) => Err(unknown("neither HTTP-01 nor DNS-01")),
    }
}

fn unknown(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this build has no solver for {what}")).with_retry(Retry::Never)
}
