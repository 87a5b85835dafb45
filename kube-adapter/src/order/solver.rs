//! Solvers of Challenges as the library's: the one function that makes one, and the one that says whether it could.

use std::sync::Arc;

use acme_core::{Error, ErrorKind, Retry};
use solvers::Solver;

use crate::context::Context;
use crate::crd::acme;
use crate::crd::challenge::Challenge;
use crate::order::dns01;

/// Makes the solver that a Challenge names, with its credentials from the Secrets of `secrets`.
///
/// HTTP-01 has its place here: its solver looks whether the answer can be seen (`check`), while the objects that lead there, one Ingress or route for each Order
/// and solver, are made and deleted by actions of the subject (G and H of the plan) before `Present` and after the last `CleanUp` of them.
///
/// # Errors
/// `Unsupported` for what this build lacks, `NotFound` for a Secret that is not there, and what the provider says of its configuration.
pub(crate) async fn make(context: &Context, challenge: &Challenge, secrets: &str) -> Result<Arc<dyn Solver>, Error> {
    let spec = &challenge.spec;
    is_known(&spec.solver)?;
    match &spec.solver.dns01 {
        Some(dns01) => dns01::make(context, dns01, &spec.key, secrets).await,
        None => Err(unknown("HTTP-01")),
    }
}

/// Could such a solver be made? Asked before anything is ordered of it, so that nothing goes round in vain.
///
/// # Errors
/// `Unsupported`, with what is missing and what to use instead.
pub(crate) fn is_known(spec: &acme::Solver) -> Result<(), Error> {
    match (&spec.http01, &spec.dns01) {
        (None, Some(spec)) => dns01::is_known(spec),
        (Some(_), _) => Err(unknown("HTTP-01")),
        (None, None) => Err(unknown("neither HTTP-01 nor DNS-01")),
    }
}

fn unknown(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this build has no solver for {what}")).with_retry(Retry::Never)
}
