//! What is known: a table for each kind, indices between them, and who wants a step. One task owns it; there are no locks.

mod rows;
mod table;

use std::mem;
use std::sync::Arc;

use acme_core::Timestamp;
use k8s_openapi::api::core::v1::Service;
use kube::core::PartialObjectMeta;

use crate::certificate::CertificateRecord;
use crate::challenge::ChallengeRecord;
use crate::crd;
use crate::http01::sweep::{self, ServiceRecord};
use crate::issuer::{ClusterIssuerRecord, IssuerRecord};
use crate::key::{Key, Name};
use crate::maps::HashSet;
use crate::metrics::Metrics;
use crate::order::OrderRecord;
use crate::request::RequestRecord;
use crate::secret::{SecretMetadata, SecretRecord};
use crate::settings::{Settings, WatchedSecrets};
use crate::watch::Told;

pub(crate) use table::{Changed, News, Record, Table};

/// What is known.
pub(crate) struct World {
    pub(crate) settings: Arc<Settings>,
    /// Where attempts are counted.
    pub(crate) metrics: Metrics,
    pub(crate) certificates: Table<CertificateRecord>,
    pub(crate) requests: Table<RequestRecord>,
    pub(crate) issuers: Table<IssuerRecord>,
    pub(crate) cluster_issuers: Table<ClusterIssuerRecord>,
    /// Secrets of type `kubernetes.io/tls`, metadata only.
    pub(crate) tls_secrets: Table<SecretRecord>,
    /// Secrets of other types, metadata only.
    pub(crate) other_secrets: Table<SecretRecord>,
    pub(crate) orders: Table<OrderRecord>,
    pub(crate) challenges: Table<ChallengeRecord>,
    /// Shared Services of HTTP-01, metadata only. Nothing but their end depends on them.
    pub(crate) services: Table<ServiceRecord>,
    pub(crate) certificate_index: crate::certificate::Index,
    pub(crate) request_index: crate::request::Index,
    pub(crate) secret_index: crate::secret::Index,
    pub(crate) issuer_index: crate::issuer::Index,
    pub(crate) order_index: crate::order::Index,
    /// Since when this process plans: everything was seen, and it leads.
    pub(crate) planning_since: Option<Timestamp>,
    /// The process is about to end: what is owed to people is due now, and nothing new is begun.
    pub(crate) closing: bool,
    woken: Vec<Key>,
    woken_set: HashSet<Key>,
}

/// What a watch brought.
pub(crate) enum Change {
    Certificate(Box<News<crd::certificate::Certificate>>),
    Request(Box<News<crd::certificate_request::CertificateRequest>>),
    Issuer(Box<News<crd::issuer::Issuer>>),
    ClusterIssuer(Box<News<crd::issuer::ClusterIssuer>>),
    TlsSecret(News<SecretMetadata>),
    OtherSecret(News<SecretMetadata>),
    /// Of a Secret that is followed by its name.
    NamedSecret(Name, Told<SecretMetadata>),
    Order(Box<News<crd::order::Order>>),
    Challenge(Box<News<crd::challenge::Challenge>>),
    Service(Box<News<PartialObjectMeta<Service>>>),
}

impl World {
    /// Nothing is known yet.
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        let streams = settings.namespaces.as_ref().map_or(1, Vec::len);
        let cluster_issuers = usize::from(settings.namespaces.is_none());
        // Each that is followed by its name is waited for by who refers to it.
        let secrets = if settings.secrets == WatchedSecrets::All { streams } else { 0 };
        Self {
            metrics: Metrics::default(),
            certificates: Table::fed_by(streams),
            requests: Table::fed_by(streams),
            issuers: Table::fed_by(streams),
            cluster_issuers: Table::fed_by(cluster_issuers),
            tls_secrets: Table::fed_by(secrets),
            other_secrets: Table::fed_by(secrets),
            orders: Table::fed_by(streams),
            challenges: Table::fed_by(streams),
            services: Table::fed_by(streams),
            certificate_index: Default::default(),
            request_index: Default::default(),
            secret_index: crate::secret::Index::new(&settings),
            issuer_index: Default::default(),
            order_index: Default::default(),
            settings,
            planning_since: None,
            closing: false,
            woken: Vec::new(),
            woken_set: HashSet::default(),
        }
    }

    /// Takes in what a watch brought, and wakes whom it concerns.
    pub(crate) fn take(&mut self, change: Change, now: Timestamp) {
        match change {
            Change::Certificate(news) => {
                for changed in self.certificates.take(*news) {
                    crate::certificate::changed(self, changed);
                }
            }
            Change::Request(news) => {
                for changed in self.requests.take(*news) {
                    crate::request::changed(self, changed, now);
                }
            }
            Change::Issuer(news) => {
                for changed in self.issuers.take(*news) {
                    crate::issuer::changed(self, changed, now);
                }
            }
            Change::ClusterIssuer(news) => {
                for changed in self.cluster_issuers.take(*news) {
                    crate::issuer::changed(self, changed, now);
                }
            }
            Change::TlsSecret(mut news) => {
                crate::secret::heard(self, &mut news, true);
                for changed in self.tls_secrets.take(news) {
                    crate::secret::changed(self, changed);
                }
            }
            Change::OtherSecret(mut news) => {
                crate::secret::heard(self, &mut news, false);
                for changed in self.other_secrets.take(news) {
                    crate::secret::changed(self, changed);
                }
            }
            Change::NamedSecret(name, told) => crate::secret::named::take(self, &name, told),
            Change::Order(news) => {
                for changed in self.orders.take(*news) {
                    crate::order::changed(self, changed, now);
                }
            }
            Change::Challenge(news) => {
                for changed in self.challenges.take(*news) {
                    crate::challenge::changed(self, changed, now);
                }
            }
            Change::Service(news) => {
                for changed in self.services.take(*news) {
                    sweep::changed(self, changed, now);
                }
            }
        }
    }

    /// Was every kind seen whole once? Before that, absence means nothing and nothing is planned.
    pub(crate) fn is_complete(&self) -> bool {
        let issuers = self.issuers.is_complete() && self.cluster_issuers.is_complete();
        let secrets = self.tls_secrets.is_complete() && self.other_secrets.is_complete();
        let acme = self.orders.is_complete() && self.challenges.is_complete();
        self.certificates.is_complete() && self.requests.is_complete() && issuers && secrets && acme
    }

    /// This key wants a step.
    pub(crate) fn wake(&mut self, key: Key) {
        if self.woken_set.insert(key.clone()) {
            self.woken.push(key);
        }
    }

    /// Who wants a step since the last time this was asked.
    pub(crate) fn take_woken(&mut self) -> Vec<Key> {
        self.woken_set.clear();
        if self.woken_set.capacity() > MANY {
            self.woken_set = HashSet::default();
        }
        mem::take(&mut self.woken)
    }

    /// The process is about to end: everybody who owes people a word is woken.
    pub(crate) fn flush(&mut self) {
        self.closing = true;
        crate::certificate::wake_unsettled(self);
        crate::order::wake_unsettled(self);
    }
}

/// More keys than this are woken at once only in a storm; the room for them is given back.
const MANY: usize = 1024;
