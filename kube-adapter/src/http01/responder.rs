//! The role `solver`: answers validators from the Challenges of the cluster. It reads those and nothing else, and every replica answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::KeyAuthorization;
use acme_core::{Error, ErrorKind, Identifier};
use issuers::{Timer, TokioTimer};
use solvers::http01::listener::Listener;
use solvers::{Answer, Answers};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::crd::challenge::{Challenge, ChallengeType};
use crate::key::{Identity, Name};
use crate::watch::{Follower, Selection};
use crate::world::{News, Record, Table};

/// Answers HTTP-01 for every Challenge that is watched.
///
/// Make it with [`bind`](Self::bind), and await [`run`](Self::run).
pub struct Responder {
    listener: Listener,
    answers: Answers,
}

impl Responder {
    /// Listens on `address`; port 8089 is where the Services of solvers lead.
    ///
    /// # Errors
    /// Those of [`Listener::bind`].
    pub async fn bind(address: SocketAddr) -> Result<Self, Error> {
        let answers = Answers::new();
        let listener = Listener::bind(address, answers.clone()).await?.patient(PATIENCE).with_health();
        Ok(Self { listener, answers })
    }

    /// Where it listens.
    pub fn local_address(&self) -> SocketAddr {
        self.listener.local_address()
    }

    /// Answers one challenge for as long as it runs: what a solver Pod is told by its arguments.
    ///
    /// # Errors
    /// `Malformed` when name, token and key are not what they are called.
    pub async fn answering(self, name: &str, token: &str, key: &str) -> Result<Self, Error> {
        let answer = answer(name, key).filter(|answer| match answer {
            Answer::Http { key_authorization, .. } => key_authorization.token() == token,
            Answer::TlsAlpn { .. } => false,
        });
        let answer =
            answer.ok_or_else(|| Error::new(ErrorKind::Malformed, "domain, token and key do not belong together"))?;
        self.answers.publish(answer).await?;
        Ok(self)
    }

    /// Answers from the Challenges of `namespaces` (`None`: of all) until `stop` turns true.
    pub async fn run(self, client: kube::Client, namespaces: Option<Vec<String>>, stop: watch::Receiver<bool>) {
        let (changes, mut taken) = mpsc::channel(CHANGES);
        let timer: Arc<dyn Timer> = Arc::new(TokioTimer);
        let mut tasks = JoinSet::new();
        let streams = namespaces.as_ref().map_or(1, Vec::len);
        let scopes: Vec<Option<Arc<str>>> = match namespaces {
            None => vec![None],
            Some(namespaces) => namespaces.iter().map(|it| Some(it.as_str().into())).collect(),
        };
        for scope in scopes {
            let (client, timer) = (client.clone(), Arc::clone(&timer));
            let follower = Follower::new(client, scope, Selection::Everything, "Challenges", changes.clone(), timer);
            tasks.spawn(follower.run(|news| news));
        }
        drop(changes);
        tasks.spawn(self.listener.serve());
        let answers = self.answers;
        let keep = async {
            let mut table = Table::fed_by(streams);
            while let Some(together) = taken.recv().await {
                for news in together {
                    keep_up(&mut table, news, &answers).await;
                }
            }
        };
        stopped(stop, keep).await;
        tasks.shutdown().await;
    }

    /// Answers what it was told to by [`answering`](Self::answering) until `stop` turns true.
    pub async fn run_alone(self, stop: watch::Receiver<bool>) {
        stopped(stop, self.listener.serve()).await;
    }
}

/// What is kept of a Challenge: what is answered for it.
struct Answered(Answer);

impl Record for Answered {
    type Object = Challenge;

    fn name(object: &Challenge) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Challenge) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Challenge, _before: Option<Self>) -> Option<Self> {
        if object.spec.kind != ChallengeType::Http01 {
            return None;
        }
        answer(&object.spec.dns_name, &object.spec.key).map(Self)
    }
}

/// The specification of a Challenge does not change: what comes is published, what goes is withdrawn.
async fn keep_up(table: &mut Table<Answered>, news: News<Challenge>, answers: &Answers) {
    for changed in table.take(news) {
        if let Some(Answered(gone)) = changed.removed {
            let _ = answers.withdraw(&gone).await;
        }
        if let Some(Answered(answer)) = table.get(&changed.name)
            && let Err(error) = answers.publish(answer.clone()).await
        {
            tracing::error!(challenge = %changed.name, error = %error, "a challenge is not answered");
        }
    }
}

/// The answer for a name and a key authorization; `None` when they are none.
fn answer(name: &str, key: &str) -> Option<Answer> {
    let (token, thumbprint) = key.split_once('.')?;
    let key_authorization = KeyAuthorization::new(token, thumbprint).ok()?;
    let identifier = Identifier::parse(name).ok()?;
    Some(Answer::Http { identifier, key_authorization })
}

/// Runs `work` until `stop` turns true, or nobody can say so any more.
async fn stopped(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// How long a token that nobody knows yet is waited for: the news of a Challenge takes milliseconds, unless the API server is busy.
const PATIENCE: Duration = Duration::from_secs(2);

const CHANGES: usize = 64;
