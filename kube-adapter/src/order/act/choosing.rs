//! Who answers for an authorization: whom a Challenge names already, or whom the issuer's solvers and the Order's annotations say.

use std::collections::BTreeMap;
use std::sync::Arc;

use acme_core::flow::{Begin, Choice, SolverId};
use acme_core::protocol::{Authorization, Url};

use crate::codec;
use crate::codec::words;
use crate::context::Context;
use crate::crd::acme;
use crate::crd::challenge::ChallengeType;
use crate::crd::order::Order;
use crate::engine::Account;
use crate::http01::{ingress, route};
use crate::key::Name;
use crate::order::announce::{self, About};
use crate::order::observe;
use crate::order::selection::{self, Chosen};
use crate::world::World;

/// An authorization, and who answers for it.
pub(crate) struct Described {
    pub(crate) authorization: Authorization,
    /// Who answers; in words why nobody can.
    pub(crate) chosen: Result<Picked, String>,
    /// Whose word that was.
    pub(crate) by: Arc<acme::AcmeIssuer>,
}

/// Who answers for an authorization.
pub(crate) enum Picked {
    /// Nobody needs to.
    Nobody,
    /// A Challenge says so already.
    Known(Choice),
    /// The issuer's solvers say so; a Challenge is to be made.
    New(Chosen),
}

/// Chooses who answers for an authorization.
pub(super) struct Chooser {
    /// Challenges that are there: token, how far they are, and kind.
    known: Vec<(String, Begin, ChallengeType)>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    spec: Arc<acme::AcmeIssuer>,
    about: About,
}

impl Chooser {
    pub(super) fn new(world: &World, name: &Name, order: &Order, account: &Account, url: &Url) -> Self {
        let challenges = observe::challenges(world, name);
        let mine = challenges.iter().filter(|it| it.record.object.spec.authorization_url == url.as_str());
        let known = mine.filter_map(|it| match codec::challenge::decode(&it.record.object) {
            codec::challenge::Decoded::Live(begin) => {
                Some((it.record.object.spec.token.clone(), begin, it.record.object.spec.kind.clone()))
            }
            codec::challenge::Decoded::Over(_) => None,
        });
        Self {
            known: known.collect(),
            labels: order.metadata.labels.clone().unwrap_or_default(),
            annotations: order.metadata.annotations.clone().unwrap_or_default(),
            spec: Arc::clone(&account.spec),
            about: About { kind: "Order", name: name.clone(), identity: world.orders.identity(name).cloned() },
        }
    }

    pub(super) fn choose(self, context: &Context, authorization: Authorization) -> Described {
        let chosen = self.pick(&authorization);
        if let Err(why) = &chosen {
            announce::warn(context, &self.about, "Solver", words::no_solver(why));
        }
        Described { authorization, chosen, by: self.spec }
    }

    fn pick(&self, authorization: &Authorization) -> Result<Picked, String> {
        if codec::order::verdict(authorization).is_some() {
            return Ok(Picked::Nobody);
        }
        for offered in &authorization.challenges {
            let same = self.known.iter().find(|(token, _, _)| Some(token) == offered.token.as_ref());
            if let Some((_, begin, kind)) = same {
                let choice = Choice::new(SolverId::new(kind.as_str()), offered.kind.clone());
                return Ok(Picked::Known(choice.beginning_with(*begin)));
            }
        }
        let mut chosen = selection::choose(&self.spec.solvers, authorization, &self.labels)?;
        self.override_solver(&mut chosen.solver);
        Ok(Picked::New(chosen))
    }

    /// What the Order's annotations say of HTTP-01 takes the place of what the issuer says.
    fn override_solver(&self, solver: &mut acme::Solver) {
        let Some(http01) = &mut solver.http01 else { return };
        if let (Some(solver), Some(it)) = (&mut http01.ingress, ingress::Override::read(&self.annotations)) {
            it.apply(solver);
        }
        if let (Some(solver), Some(parent)) =
            (&mut http01.gateway_http_route, route::parent_of(&self.annotations, self.about.name.namespace()))
        {
            solver.parent_refs.push(parent);
        }
    }
}
