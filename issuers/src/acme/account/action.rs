//! One action of an account, carried out.

use std::sync::Arc;

use acme_core::flow::{AccountAction, AccountEvent};
use acme_core::{Client as _, Error, PrivateKey, Session};

use super::Account;
use super::record::Record;
use crate::acme::pace::Sending;

/// Whether the next key turned out to be the one in force.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Promote {
    Yes,
    No,
}

impl Account {
    /// Carries `action` out: what happened, and whether the next key is the one in force.
    pub(super) async fn act(&self, record: &Record, action: &AccountAction) -> Result<(AccountEvent, Promote), Error> {
        let registered = |session: &Session| AccountEvent::Registered {
            url: session.account().clone(),
            contact: self.settings.registration.contact.clone(),
        };
        match action {
            AccountAction::Register => {
                // After a change of keys that ended in doubt, the account may be the next key's.
                if let Some(next) = &record.next
                    && let Some(session) = self.find(next).await?
                {
                    return Ok((registered(&session), Promote::Yes));
                }
                let registering = self.directory.register(record.key.clone(), &self.settings.registration);
                let session = self.pace.guard(Sending::Registration, registering).await?;
                Ok((registered(&session), Promote::No))
            }
            AccountAction::Find => Ok(match self.find(&record.key).await? {
                Some(session) => {
                    if let Some(existing) = &self.settings.existing {
                        existing.check_url(session.account())?;
                    }
                    (registered(&session), Promote::No)
                }
                None => (AccountEvent::Missing, Promote::No),
            }),
            AccountAction::Update(url) => {
                let session = self.directory.session(record.key.clone(), url.clone())?;
                let updating = session.update_contacts(&self.settings.registration.contact);
                self.pace.guard(Sending::Account(url), updating).await?;
                Ok((AccountEvent::Updated, Promote::No))
            }
            AccountAction::ChangeKey(url) => {
                let Some(next) = record.next.clone() else {
                    return Ok((AccountEvent::KeyChanged, Promote::No));
                };
                let session = self.directory.session(record.key.clone(), url.clone())?;
                self.pace.guard(Sending::Account(url), session.change_key(next)).await?;
                Ok((AccountEvent::KeyChanged, Promote::Yes))
            }
            AccountAction::ProbeNewKey => {
                let Some(next) = &record.next else {
                    return Ok((AccountEvent::KeyChanged, Promote::No));
                };
                Ok(match self.find(next).await? {
                    Some(_) => (AccountEvent::KeyChanged, Promote::Yes),
                    None => (AccountEvent::KeyUnchanged, Promote::No),
                })
            }
            AccountAction::Deactivate(url) => {
                let session = self.directory.session(record.key.clone(), url.clone())?;
                self.pace.guard(Sending::Account(url), session.deactivate()).await?;
                Ok((AccountEvent::Deactivated, Promote::No))
            }
        }
    }

    async fn find(&self, key: &Arc<PrivateKey>) -> Result<Option<Session>, Error> {
        self.pace.guard(Sending::Registration, self.directory.find(key.clone())).await
    }
}
