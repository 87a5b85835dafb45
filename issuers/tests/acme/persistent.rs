//! `dns-persist-01` (draft-ietf-acme-dns-persist), in the two revisions that certificate authorities speak.

use std::sync::Arc;

use acme_core::protocol::{ChallengeType, PersistentScope, Registration};
use acme_core::{Clock as _, Directory, Error, ErrorKind, KeyType};
use async_trait::async_trait;
use certwright_issuers::acme::{AccountSettings, AcmeIssuer};
use certwright_issuers::{Issuer as _, Step};
use solvers::{Presentation, Readiness, Selector, Solver, Solvers};
use testkit::ca::{Accounts, ByTable, ModelCa, Persistence, Settings};
use testkit::{DurableStore, SimDns, VirtualClock, run};

use crate::world::{Asked, DurableProgress};

const OWNER: &str = "_validation-persist.a.example";

#[test]
fn renewals_change_nothing_in_the_dns() {
    for accounts in [Accounts::ByUrl, Accounts::ByHash] {
        let world = World::new(Persistence { accounts, ..Persistence::default() });
        let issuer = world.issuer();
        for _ in 0..3 {
            world.issue(&issuer, &["a.example", "*.a.example"]).unwrap();
        }
        assert_eq!(world.dns.lookup_txt(OWNER).unwrap().len(), 1, "{accounts:?}");
        assert_eq!(world.dns.changes(), 1, "{accounts:?}");
    }
}

#[test]
fn the_record_calls_the_account_as_the_directory_wants_it() {
    for (accounts, begin) in [
        (Accounts::ByUrl, "ca.test; accounturi=https://ca.test/acct/"),
        (Accounts::ByHash, "ca.test; accounturi=https://ca.test/account-hash/sha-256/"),
    ] {
        let world = World::new(Persistence { accounts, ..Persistence::default() });
        world.issue(&world.issuer(), &["a.example"]).unwrap();
        let texts = world.dns.lookup_txt(OWNER).unwrap();
        assert!(texts[0].starts_with(begin), "{texts:?}");
    }
}

#[test]
fn a_new_key_of_the_account_gets_a_record_of_its_own_where_records_name_keys() {
    for (accounts, records) in [(Accounts::ByUrl, 1), (Accounts::ByHash, 2)] {
        let world = World::new(Persistence { accounts, ..Persistence::default() });
        let issuer = world.issuer();
        world.issue(&issuer, &["a.example"]).unwrap();
        run(&world.clock, issuer.account().unwrap().change_key(KeyType::EcdsaP256)).unwrap();
        world.issue(&issuer, &["a.example"]).unwrap();
        assert_eq!(world.dns.lookup_txt(OWNER).unwrap().len(), records, "{accounts:?}");
    }
}

#[test]
fn no_record_is_written_for_an_account_that_is_not_ours() {
    let claimed_account = Some("https://victim.example/acct/1".to_owned());
    let world = World::new(Persistence { claimed_account, ..Persistence::default() });
    let error = world.issue(&world.issuer(), &["a.example"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error.to_string().contains("the challenge wants a record for the account \"https://victim.example/acct/1\""),
        "{error}"
    );
    assert_eq!(world.dns.changes(), 0);
}

#[test]
fn challenges_without_issuers_or_with_too_many_are_not_there() {
    let eleven = (0..11).map(|at| format!("{at}.test")).collect();
    for issuers in [Vec::new(), eleven, vec!["CA.test".to_owned()], vec!["ca.test.".to_owned()]] {
        let world = World::new(Persistence { issuers, ..Persistence::default() });
        let error = world.issue(&world.issuer(), &["a.example"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("offers nothing for a.example"), "{error}");
        assert_eq!(world.dns.changes(), 0);
    }
}

#[test]
fn issuers_beyond_the_caa_identities_are_refused_in_the_later_revision() {
    let issuers = vec!["ca.test".to_owned(), "stranger.test".to_owned()];
    let world = World::new(Persistence { accounts: Accounts::ByHash, issuers, ..Persistence::default() });
    let error = world.issue(&world.issuer(), &["a.example"]).unwrap_err();
    assert!(error.to_string().contains("stranger.test, which is none of the server's CAA identities"), "{error}");
    assert_eq!(world.dns.changes(), 0);
}

struct World {
    clock: VirtualClock,
    ca: ModelCa,
    dns: SimDns,
}

impl World {
    fn new(persistence: Persistence) -> Self {
        let settings = Settings { challenges: vec![ChallengeType::DnsPersist01], persistence, ..Settings::default() };
        let dns = SimDns::new();
        Self { clock: VirtualClock::new(), ca: ModelCa::with_validator(settings, ByTable::new(&dns)), dns }
    }

    fn issuer(&self) -> AcmeIssuer {
        let clock = Arc::new(self.clock.clone());
        let transport = Arc::new(self.ca.transport(&self.clock));
        let directory = Directory::new(self.ca.directory_url(), transport, clock.clone());
        let solver = Table { dns: self.dns.clone(), clock: self.clock.clone() };
        let solvers = Solvers::new().with("stays", solver, Selector::any());
        let settings = AccountSettings::new(Registration::agreeing_to_terms());
        let builder = AcmeIssuer::builder("acme", directory, solvers, clock);
        builder.account(Arc::new(DurableStore::new()), settings).build().unwrap()
    }

    fn issue(&self, issuer: &AcmeIssuer, names: &[&str]) -> Result<(), Error> {
        let asked = Asked::new(names);
        let mut progress = DurableProgress::default();
        run(&self.clock, async {
            loop {
                match issuer.issue(&asked.request(), &mut progress).await? {
                    Step::Issued(_) => return Ok(()),
                    Step::NotYet { again, .. } => self.clock.sleep_until(again).await,
                }
            }
        })
    }
}

/// Records in a table: what `DnsPersist01` does over the network.
struct Table {
    dns: SimDns,
    clock: VirtualClock,
}

impl Table {
    fn shows(&self, presentation: &Presentation) -> Result<bool, Error> {
        let proof = presentation.persistent()?;
        let texts = self.dns.lookup_txt(&owner(presentation)).unwrap();
        Ok(texts.iter().any(|it| proof.is_met_by(it, PersistentScope::Wildcard, self.clock.now())))
    }
}

fn owner(presentation: &Presentation) -> String {
    format!("_validation-persist.{}", presentation.identifier)
}

#[async_trait]
impl Solver for Table {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::DnsPersist01
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        if !self.shows(presentation)? {
            let value = presentation.persistent()?.value(PersistentScope::Wildcard, None);
            self.dns.add_txt(&owner(presentation), &value);
        }
        Ok(())
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        assert!(self.shows(presentation)?);
        Ok(Readiness::Ready)
    }

    async fn clean_up(&self, _: &Presentation) -> Result<(), Error> {
        Ok(())
    }
}
