//! A certificate authority and solvers as plain data: every call acts at once, fails as told, or acts and loses its answer.

use std::collections::BTreeMap;
use std::time::Duration;

use certwright_acme_core as acme_core;

use acme_core::client::Chain;
use acme_core::flow::{
    ChallengeAction, ChallengeEvent, Choice, Fault, Issuance, IssuanceAction, IssuanceEvent, OrderAction, OrderEvent,
    SolverId, Standing,
};
use acme_core::protocol::{
    Authorization, AuthorizationStatus, Basis, Challenge, ChallengeType, NewOrder, Order, OrderStatus, Problem,
    ProblemType, Url,
};
use acme_core::{ErrorKind, Retry, Timestamp};

/// Chance as a value: the same seed, the same story.
#[derive(Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// How the world misbehaves, in percent of all calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mischief {
    pub(crate) busy: u64,
    pub(crate) lost_before: u64,
    pub(crate) lost_after: u64,
    pub(crate) refused: u64,
    pub(crate) validation_fails: u64,
    pub(crate) slow_validation: Duration,
}

pub(crate) struct World {
    pub(crate) lists_orders: bool,
    pub(crate) mischief: Mischief,
    pub(crate) chance: Chance,
    pub(crate) orders: Vec<SimOrder>,
    /// What is presented, and by whom.
    pub(crate) presented: BTreeMap<String, SolverId>,
    pub(crate) looks_after_valid: usize,
}

pub(crate) struct SimOrder {
    pub(crate) request: NewOrder,
    pub(crate) authorizations: Vec<SimAuthorization>,
    pub(crate) finalized: usize,
    pub(crate) polls_while_processing: usize,
    pub(crate) invalid: bool,
}

pub(crate) struct SimAuthorization {
    pub(crate) token: String,
    pub(crate) status: AuthorizationStatus,
    pub(crate) valid_at: Option<Timestamp>,
    pub(crate) fails: bool,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            lists_orders: false,
            mischief: Mischief::default(),
            chance: Chance::new(seed),
            orders: Vec::new(),
            presented: BTreeMap::new(),
            looks_after_valid: 0,
        }
    }

    pub(crate) fn finalized(&self) -> usize {
        self.orders.iter().filter(|it| it.finalized > 0).count()
    }

    /// Carries an action out and says what happened.
    pub(crate) fn perform(&mut self, flow: &Issuance, action: &IssuanceAction, now: Timestamp) -> IssuanceEvent {
        let unsafe_to_lose = match action {
            IssuanceAction::Order(_) => false,
            IssuanceAction::Challenge(_, action) => matches!(action, ChallengeAction::Check),
        };
        let roll = self.chance.roll(100);
        let Mischief { busy, lost_before, lost_after, refused, .. } = self.mischief;
        let lost = Fault::new(ErrorKind::Unreachable, "the connection was closed");
        if roll < busy {
            return failed(
                action,
                Fault::new(ErrorKind::Busy, "slow down").with_retry(Retry::After(Duration::from_secs(90))),
            );
        }
        if roll < busy + lost_before {
            return failed(action, lost);
        }
        let event = self.act(flow, action, now);
        if roll < busy + lost_before + lost_after && !unsafe_to_lose {
            return failed(action, lost);
        }
        if roll < busy + lost_before + lost_after + refused {
            let problem = Problem::new(ProblemType::Unauthorized, "no");
            return failed(action, Fault::new(ErrorKind::Refused, "refused").with_problem(problem));
        }
        event
    }

    fn act(&mut self, flow: &Issuance, action: &IssuanceAction, now: Timestamp) -> IssuanceEvent {
        self.validate(now);
        match action {
            IssuanceAction::Order(action) => match action {
                OrderAction::Find(request) => {
                    let found =
                        self.orders.iter().position(|it| it.request == *request && it.finalized == 0 && !it.invalid);
                    IssuanceEvent::Order(match found.filter(|_| self.lists_orders) {
                        Some(at) => self.created(at),
                        None => OrderEvent::NotFound,
                    })
                }
                OrderAction::Create(request) => {
                    self.create(request);
                    IssuanceEvent::Order(self.created(self.orders.len() - 1))
                }
                OrderAction::Read(url) => {
                    let at = order_of(url);
                    if self.orders[at].finalized > 0 {
                        self.orders[at].polls_while_processing += 1;
                    }
                    IssuanceEvent::Order(OrderEvent::Seen { order: self.show(at), retry_after: None })
                }
                OrderAction::ReadAuthorization(url) => IssuanceEvent::Authorization {
                    url: url.clone(),
                    authorization: Box::new(self.show_authorization(url)),
                    choice: Ok(Choice::new(SolverId::new("sim"), ChallengeType::Dns01)),
                },
                OrderAction::Finalize(url) => {
                    let at = order_of(url);
                    let status = self.status(at);
                    if status == OrderStatus::Ready {
                        self.orders[at].finalized += 1;
                        IssuanceEvent::Order(OrderEvent::Finalized { order: self.show(at), retry_after: None })
                    } else {
                        let problem = Problem::new(ProblemType::OrderNotReady, "not ready");
                        let fault = Fault::new(ErrorKind::Refused, "finalize was refused").with_problem(problem);
                        IssuanceEvent::Order(OrderEvent::Failed { action: action.clone(), fault })
                    }
                }
                OrderAction::Download(..) => IssuanceEvent::Order(OrderEvent::Downloaded(vec![Chain::new(Vec::new())])),
            },
            IssuanceAction::Challenge(url, action) => {
                let challenge = flow.challenge(url).expect("an action of a known challenge");
                let Basis::Token(token) = challenge.assignment().basis.clone() else {
                    panic!("a challenge without a token")
                };
                let event = match action {
                    ChallengeAction::Present => {
                        self.presented.insert(token, challenge.assignment().solver.clone());
                        ChallengeEvent::Presented
                    }
                    ChallengeAction::Check if self.presented.contains_key(&token) => ChallengeEvent::Visible,
                    ChallengeAction::Check => {
                        ChallengeEvent::NotVisible { again_after: Duration::from_secs(5), missing: "it".into() }
                    }
                    ChallengeAction::Accept => {
                        let slow = self.mischief.slow_validation;
                        let fails = self.chance.roll(100) < self.mischief.validation_fails;
                        let answered = self.presented.contains_key(&token);
                        let authorization = self.authorization(url);
                        if authorization.status == AuthorizationStatus::Pending && authorization.valid_at.is_none() {
                            authorization.valid_at = Some(now + slow);
                            authorization.fails = fails || !answered;
                        }
                        let challenge = self.show_authorization(url).challenges.remove(0);
                        ChallengeEvent::Accepted { challenge, retry_after: None }
                    }
                    ChallengeAction::Look => {
                        let authorization = self.show_authorization(url);
                        if authorization.status == AuthorizationStatus::Valid {
                            self.looks_after_valid += 1;
                        }
                        ChallengeEvent::Seen { authorization, retry_after: None }
                    }
                    ChallengeAction::CleanUp => {
                        self.presented.remove(&token);
                        ChallengeEvent::CleanedUp
                    }
                    ChallengeAction::Withdraw => {
                        self.authorization(url).status = AuthorizationStatus::Deactivated;
                        ChallengeEvent::Withdrawn
                    }
                };
                IssuanceEvent::Challenge(url.clone(), event)
            }
        }
    }

    fn create(&mut self, request: &NewOrder) {
        let number = self.orders.len();
        let authorizations = (0..request.identifiers.len())
            .map(|index| SimAuthorization {
                token: format!("token-{number}-{index}"),
                status: AuthorizationStatus::Pending,
                valid_at: None,
                fails: false,
            })
            .collect();
        self.orders.push(SimOrder {
            request: request.clone(),
            authorizations,
            finalized: 0,
            polls_while_processing: 0,
            invalid: false,
        });
    }

    fn validate(&mut self, now: Timestamp) {
        for order in &mut self.orders {
            for authorization in &mut order.authorizations {
                if authorization.status == AuthorizationStatus::Pending
                    && authorization.valid_at.is_some_and(|at| at <= now)
                {
                    authorization.status =
                        if authorization.fails { AuthorizationStatus::Invalid } else { AuthorizationStatus::Valid };
                }
                if !matches!(authorization.status, AuthorizationStatus::Pending | AuthorizationStatus::Valid) {
                    order.invalid = true;
                }
            }
        }
    }

    fn status(&self, at: usize) -> OrderStatus {
        let order = &self.orders[at];
        if order.invalid {
            OrderStatus::Invalid
        } else if order.finalized > 0 {
            if order.polls_while_processing > 1 { OrderStatus::Valid } else { OrderStatus::Processing }
        } else if order.authorizations.iter().all(|it| it.status == AuthorizationStatus::Valid) {
            OrderStatus::Ready
        } else {
            OrderStatus::Pending
        }
    }

    fn show(&self, at: usize) -> Order {
        let order = &self.orders[at];
        let status = self.status(at);
        let authorizations: Vec<String> =
            (0..order.authorizations.len()).map(|it| authorization_url(at, it).to_string()).collect();
        let mut json = serde_json::json!({
            "status": status.as_str(),
            "identifiers": order.request.identifiers,
            "authorizations": authorizations,
            "finalize": format!("https://ca.test/finalize/{at}"),
        });
        if status == OrderStatus::Valid {
            json["certificate"] = serde_json::json!(format!("https://ca.test/certificate/{at}"));
        }
        serde_json::from_value(json).expect("an order")
    }

    fn created(&self, at: usize) -> OrderEvent {
        OrderEvent::Created { url: order_url(at), order: self.show(at), retry_after: None }
    }

    fn authorization(&mut self, url: &Url) -> &mut SimAuthorization {
        let (order, index) = authorization_of(url);
        &mut self.orders[order].authorizations[index]
    }

    fn show_authorization(&self, url: &Url) -> Authorization {
        let (order, index) = authorization_of(url);
        let authorization = &self.orders[order].authorizations[index];
        let challenge = match (&authorization.status, authorization.valid_at) {
            (AuthorizationStatus::Pending, None) => "pending",
            (AuthorizationStatus::Pending, Some(_)) => "processing",
            (AuthorizationStatus::Valid, _) => "valid",
            _ => "invalid",
        };
        serde_json::from_value(serde_json::json!({
            "status": authorization.status.as_str(),
            "identifier": self.orders[order].request.identifiers[index],
            "challenges": [{
                "type": "dns-01",
                "status": challenge,
                "token": authorization.token,
                "url": format!("https://ca.test/challenge/{order}/{index}"),
            }],
        }))
        .expect("an authorization")
    }
}

/// The first challenge as it stands, for tests that make their own.
pub(crate) fn first_challenge(authorization: &Authorization) -> &Challenge {
    &authorization.challenges[0]
}

pub(crate) fn failed(action: &IssuanceAction, fault: Fault) -> IssuanceEvent {
    match action {
        IssuanceAction::Order(action) => IssuanceEvent::Order(OrderEvent::Failed { action: action.clone(), fault }),
        IssuanceAction::Challenge(url, action) => {
            IssuanceEvent::Challenge(url.clone(), ChallengeEvent::Failed { action: *action, fault })
        }
    }
}

/// Not used by the world itself: what an order flow alone is told of an authorization.
pub(crate) fn standing(status: &AuthorizationStatus) -> Standing {
    match status {
        AuthorizationStatus::Valid => Standing::Valid,
        AuthorizationStatus::Pending => Standing::Pending,
        AuthorizationStatus::Invalid
        | AuthorizationStatus::Deactivated
        | AuthorizationStatus::Expired
        | AuthorizationStatus::Revoked
        | AuthorizationStatus::Other(_)
        | _ => Standing::Invalid(Fault::new(ErrorKind::Refused, status.to_string())),
    }
}

fn order_url(at: usize) -> Url {
    Url::parse(&format!("https://ca.test/order/{at}")).expect("a URL")
}

fn authorization_url(order: usize, index: usize) -> Url {
    Url::parse(&format!("https://ca.test/authorization/{order}/{index}")).expect("a URL")
}

fn numbers(url: &Url) -> Vec<usize> {
    url.as_str().split('/').filter_map(|it| it.parse().ok()).collect()
}

fn order_of(url: &Url) -> usize {
    numbers(url)[0]
}

fn authorization_of(url: &Url) -> (usize, usize) {
    let numbers = numbers(url);
    (numbers[0], numbers[1])
}
