//! An order taken through its steps by hand: the lower layer alone, without flows.

use std::time::Duration;

use acme_core::client::{Alternates, Answer, Call, Chain, Reply};
use acme_core::protocol::{
    Authorization, AuthorizationStatus, Challenge, ChallengeType, KeyAuthorization, NewOrder, Order, OrderStatus, Url,
};
use acme_core::{Client as _, Clock as _, Error, KeyType, PrivateKey, Session};
use issuers::{Timer as _, TokioTimer, csr};
use solvers::{Presentation, Solver};

/// A finished order.
pub(crate) struct Finished {
    /// The chains, Pebble's default first.
    pub(crate) chains: Vec<Chain>,
    /// The order as it was shown when it was made.
    pub(crate) made: Order,
    /// The certificate's key.
    pub(crate) key: PrivateKey,
}

impl Finished {
    /// The default chain as PEM.
    pub(crate) fn pem(&self) -> String {
        issuers::chain::to_pem(&self.chains[0])
    }
}

/// Orders, proves and downloads. Without a solver the challenges are accepted as they are, for a Pebble that validates nothing.
pub(crate) async fn finish(session: &Session, order: NewOrder, solver: Option<&dyn Solver>) -> Result<Finished, Error> {
    let key = PrivateKey::generate(KeyType::EcdsaP256)?;
    let csr = csr::create(&key, &order.identifiers).await?;

    let (url, made) = an_order(session.call(&Call::NewOrder(order)).await?);
    for authorization in &made.authorizations {
        prove(session, authorization, solver).await?;
    }
    let ready = until(session, &url, OrderStatus::Ready).await?;
    session.call(&Call::Finalize { url: ready.finalize, csr: csr.as_ref().to_vec() }).await?;
    let valid = until(session, &url, OrderStatus::Valid).await?;

    let certificate = valid.certificate.expect("a valid order has a certificate");
    let download = Call::Download { url: certificate, alternates: Alternates::Fetch };
    let Answer::Chains(chains) = session.call(&download).await?.answer else { panic!("a download answers chains") };
    Ok(Finished { chains, made, key })
}

/// The order that a reply holds.
pub(crate) fn an_order(reply: Reply) -> (Url, Order) {
    let answer = reply.answer;
    let Answer::Order { url, order } = answer else { panic!("not an order: {answer:?}") };
    (url, order)
}

/// The authorization at `url`.
pub(crate) async fn authorization(session: &Session, url: &Url) -> Result<Authorization, Error> {
    let answer = session.call(&Call::ReadAuthorization(url.clone())).await?.answer;
    let Answer::Authorization(authorization) = answer else { panic!("not an authorization: {answer:?}") };
    Ok(authorization)
}

async fn prove(session: &Session, url: &Url, solver: Option<&dyn Solver>) -> Result<(), Error> {
    let seen = authorization(session, url).await?;
    if seen.status == AuthorizationStatus::Valid {
        return Ok(());
    }
    let kind = solver.map_or(ChallengeType::Http01, Solver::challenge);
    let challenge = seen.challenges.iter().find(|it| it.kind == kind);
    let challenge = challenge.or(seen.challenges.first()).expect("a challenge");
    let presentation = present(session, &seen, challenge, solver).await?;
    session.call(&Call::Accept(challenge.url.clone())).await?;
    loop {
        let seen = authorization(session, url).await?;
        if seen.status == AuthorizationStatus::Valid {
            break;
        }
        assert_eq!(seen.status, AuthorizationStatus::Pending, "{:?}", seen.challenges);
        breathe().await;
    }
    if let (Some(solver), Some(presentation)) = (solver, presentation) {
        solver.clean_up(&presentation).await?;
    }
    Ok(())
}

async fn present(
    session: &Session,
    authorization: &Authorization,
    challenge: &Challenge,
    solver: Option<&dyn Solver>,
) -> Result<Option<Presentation>, Error> {
    let Some(solver) = solver else { return Ok(None) };
    let token = challenge.token.as_deref().expect("a token");
    let key_authorization = KeyAuthorization::new(token, session.thumbprint())?;
    let account = session.account().clone();
    let presentation =
        Presentation::new(authorization.identifier.clone(), challenge.kind.clone(), key_authorization, account)
            .with_wildcard(authorization.wildcard);
    solver.present(&presentation).await?;
    Ok(Some(presentation))
}

/// The order once it has the status.
async fn until(session: &Session, url: &Url, status: OrderStatus) -> Result<Order, Error> {
    loop {
        let (_, order) = an_order(session.call(&Call::ReadOrder(url.clone())).await?);
        if order.status == status {
            return Ok(order);
        }
        assert_ne!(order.status, OrderStatus::Invalid, "{:?}", order.error);
        breathe().await;
    }
}

/// A real server needs real time; what is waited for is its answer, looked at again and again.
async fn breathe() {
    TokioTimer.sleep_until(TokioTimer.now() + Duration::from_millis(20)).await;
}
