//! What an ACME issuer is made of.

use std::sync::Arc;

use acme_core::client::Needs;
use acme_core::flow::Pace as Patience;
use acme_core::{Client, Clock, Directory, Error, ErrorKind, Key, Store};
use solvers::Solvers;

use super::account::{Account, AccountSettings};
use super::issuer::{AcmeIssuer, Ordering, Shared};
use super::pace::{Pace, Paced};
use super::preflight::{self, Dates, Profiles};
use super::renewal_info::RenewalQuestions;
use crate::IssuerId;

/// Collects what an [`AcmeIssuer`] is made of. Finish it with [`build`](Self::build).
#[must_use]
pub struct Builder {
    id: IssuerId,
    directory: Directory,
    solvers: Solvers,
    clock: Arc<dyn Clock>,
    account: Option<(Arc<dyn Store>, AccountSettings)>,
    client: Option<Arc<dyn Client>>,
    pace: Option<Arc<Pace>>,
    prefix: String,
    account_name: String,
    preferred_chain: Option<String>,
    profiles: Profiles,
    dates: Dates,
    patience: Patience,
}

impl Builder {
    pub(super) fn new(id: IssuerId, directory: Directory, solvers: Solvers, clock: Arc<dyn Clock>) -> Self {
        Self {
            id,
            directory,
            solvers,
            clock,
            account: None,
            client: None,
            pace: None,
            prefix: "acme".to_owned(),
            account_name: "default".to_owned(),
            preferred_chain: None,
            profiles: Profiles::default(),
            dates: Dates::Left,
            patience: Patience::default(),
        }
    }

    /// Looks after an account made with `settings` and kept in `store`, together with the pauses that the server asks for.
    pub fn account(mut self, store: Arc<dyn Store>, settings: AccountSettings) -> Self {
        self.account = Some((store, settings));
        self
    }

    /// Orders through `client` instead of an account of its own.
    pub fn client(mut self, client: Arc<dyn Client>) -> Self {
        self.client = Some(client);
        self
    }

    /// Shares the pauses with other issuers at the same certificate authority; otherwise they are kept in the account's store.
    pub fn pace(mut self, pace: Arc<Pace>) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Keeps account and pauses below this store key; `acme` otherwise.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Tells several accounts at one certificate authority apart; `default` otherwise.
    pub fn account_name(mut self, name: impl Into<String>) -> Self {
        self.account_name = name.into();
        self
    }

    /// Prefers the chain whose topmost certificate was issued by a certificate authority of this common name; costs a request for each alternate chain.
    pub fn preferred_chain(mut self, common_name: impl Into<String>) -> Self {
        self.preferred_chain = Some(common_name.into());
        self
    }

    /// Asks for the first of these profiles that is on offer, and for none when none of them is.
    pub fn profiles(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.profiles = Profiles { wanted: names.into_iter().map(Into::into).collect(), required: false };
        self
    }

    /// As [`profiles`](Self::profiles), but refuses to order when none of them is on offer.
    pub fn required_profiles(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.profiles = Profiles { wanted: names.into_iter().map(Into::into).collect(), required: true };
        self
    }

    /// Asks the server for the duration that a request names (`notAfter`). Most public certificate authorities refuse that; left out, they choose.
    pub fn ask_for_durations(mut self) -> Self {
        self.dates = Dates::Asked;
        self
    }

    /// How patient an issuance is, and how often it looks.
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The issuer. Nothing is sent before it is asked to issue.
    ///
    /// # Errors
    /// `Malformed` without an account or with a prefix that is no store key; `Conflict` when the account to be taken over is another certificate
    /// authority's; `Unsupported` when the client cannot say what the settings ask for.
    pub fn build(self) -> Result<AcmeIssuer, Error> {
        let needs = self.needs();
        let pace = match (&self.pace, &self.account) {
            (Some(pace), _) => Arc::clone(pace),
            (None, Some((store, _))) => Arc::new(Pace::kept_in(
                Arc::clone(store),
                &format!("{}/pauses", self.prefix),
                self.directory.url(),
                Arc::clone(&self.clock),
            )?),
            (None, None) => Arc::new(Pace::in_memory(Arc::clone(&self.clock)).knowing(self.directory.url())),
        };
        let ordering = match (self.client, self.account) {
            (Some(client), _) => {
                preflight::check_client(client.as_ref(), needs)?;
                Ordering::Given(Paced::new(Shared(client), Arc::clone(&pace)))
            }
            (None, Some((store, settings))) => {
                if let Some(existing) = &settings.existing {
                    existing.check_directory(&self.directory)?;
                }
                let key = Key::new(format!(
                    "{}/accounts/{}/{}",
                    self.prefix,
                    Key::segment(self.directory.url().as_str()),
                    Key::segment(&self.account_name)
                ))?;
                let clock = Arc::clone(&self.clock);
                Ordering::Own(Box::new(Account::new(
                    self.directory.clone(),
                    store,
                    key,
                    settings,
                    Arc::clone(&pace),
                    clock,
                )))
            }
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::Malformed,
                    format!("the issuer {} has no account: give the builder one", self.id),
                ));
            }
        };
        let renewals = RenewalQuestions::new(self.directory.clone(), Arc::clone(&pace), Arc::clone(&self.clock));
        Ok(AcmeIssuer {
            id: self.id,
            directory: self.directory,
            ordering,
            solvers: self.solvers,
            clock: self.clock,
            pace,
            renewals,
            preferred_chain: self.preferred_chain,
            profiles: self.profiles,
            dates: self.dates,
            patience: self.patience,
        })
    }

    fn needs(&self) -> Needs {
        let wants = [
            (true, Needs::READ_BY_URL.and(Needs::RETRY_AFTER)),
            (self.preferred_chain.is_some(), Needs::ALTERNATES),
            (!self.profiles.wanted.is_empty(), Needs::PROFILE),
            (self.dates == Dates::Asked, Needs::NOT_AFTER),
        ];
        wants.iter().filter(|(wanted, _)| *wanted).fold(Needs::NONE, |all, (_, needs)| all.and(*needs))
    }
}
