//! What all that asks DNS services shares in this process: the way there, and what an account may ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use acme_core::{Error, Transport};
use solvers::dns::route53::Budget;

use crate::context::Context;
use crate::engine;

/// The way to DNS services, and what their accounts may ask.
#[derive(Default)]
pub(crate) struct DnsServices {
    way: OnceLock<Arc<dyn Transport>>,
    budgets: Mutex<HashMap<String, Weak<Budget>>>,
}

impl DnsServices {
    /// Reached by this way, where the program has one of its own.
    pub(crate) fn reached_by(way: Option<Arc<dyn Transport>>) -> Self {
        Self { way: way.map(OnceLock::from).unwrap_or_default(), budgets: Mutex::default() }
    }

    /// What an account at Route 53 may ask, for all that ask for it.
    pub(super) fn budget(&self, account: String) -> Arc<Budget> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.retain(|_, it| it.strong_count() > 0);
        if let Some(budget) = budgets.get(&account).and_then(Weak::upgrade) {
            return budget;
        }
        let budget = Arc::new(Budget::default());
        budgets.insert(account, Arc::downgrade(&budget));
        budget
    }
}

/// The way to DNS services, and to whoever gives the credentials for them: that of the program, or one that is made once.
///
/// # Errors
/// As [`ReqwestTransportBuilder::build`](acme_core::transport::ReqwestTransportBuilder::build).
pub(super) fn transport(context: &Context) -> Result<Arc<dyn Transport>, Error> {
    let way = &context.dns_services.way;
    if let Some(way) = way.get() {
        return Ok(Arc::clone(way));
    }
    let made: Arc<dyn Transport> = Arc::new(engine::connection(context, None)?.build()?);
    Ok(Arc::clone(way.get_or_init(|| made)))
}
