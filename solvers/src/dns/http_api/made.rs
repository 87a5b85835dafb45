//! Records that a service keeps one by one, each by an id of its own.

use acme_core::DnsName;
use http::Method;

use super::{Credential, HttpApi, Ids, encoded, existing};
use crate::Error;
use crate::dns01::TxtRecord;

/// The ids of records that were made, so that they need not be looked for to be removed. It spares requests and is never needed.
#[derive(Debug, Default)]
pub struct Made(Ids<(DnsName, String)>);

impl Made {
    /// Whether the record is known to be there.
    pub fn holds<C: Credential>(&self, api: &HttpApi<C>, record: &TxtRecord) -> bool {
        self.0.known(&key(record), api.clock().now()).is_some()
    }

    /// The record is there, as `id`; an empty one says that it was found and may be there more than once.
    pub fn remember<C: Credential>(&self, api: &HttpApi<C>, owner: DnsName, value: &str, id: &str) {
        self.0.remember((owner, value.to_owned()), id, api.clock().now());
    }

    /// Removes a record below `path` by the id that is known, else by those that `found` answers, which is awaited only then.
    ///
    /// # Errors
    /// What the service and `found` say; that a record is gone already is none.
    pub async fn remove<C: Credential>(
        &self,
        api: &HttpApi<C>,
        what: &str,
        path: &str,
        record: &TxtRecord,
        found: impl Future<Output = Result<Vec<String>, Error>>,
    ) -> Result<(), Error> {
        let known = self.0.known(&key(record), api.clock().now()).filter(|id| !id.is_empty());
        self.0.forget(&key(record));
        if let Some(id) = known
            && existing(api.send(what, Method::DELETE, &format!("{path}/{}", encoded(&id)), None).await)?.is_some()
        {
            return Ok(());
        }
        for id in found.await? {
            existing(api.send(what, Method::DELETE, &format!("{path}/{}", encoded(&id)), None).await)?;
        }
        Ok(())
    }
}

fn key(record: &TxtRecord) -> (DnsName, String) {
    (record.owner.clone(), record.value.clone())
}
