//! Stands between a controller and the API server: counts, and fails as it is told.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use certwright_kube_adapter::client::connect;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use testkit::servers::ControlPlane;
use tokio::sync::watch;

use super::call::Call;
use super::fault::Fault;
use super::ledger::{Ledger, Written};

/// A proxy in front of the API server, plain HTTP on loopback, which acts for one user.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    inner: Mutex<Inner>,
    /// Counts up when every watch is to be cut.
    cuts: watch::Sender<u64>,
    /// Counts up when what is held goes on.
    thaws: watch::Sender<u64>,
}

/// Whoever a proxy kills or freezes.
pub trait Victim: Send {
    /// Ends it, at once and without a word.
    fn kill(&mut self);
    /// Stops it until somebody thaws it.
    fn freeze(&mut self);
}

#[derive(Default)]
struct Inner {
    calls: Vec<Written>,
    writes: usize,
    /// Requests that are at the API server.
    under_way: usize,
    /// How many there were at most.
    most_under_way: usize,
    /// How much went to the controller, in bytes of answers and watches.
    sent: usize,
    /// The watches that are open, by what they are of.
    watches: BTreeMap<String, usize>,
    /// What fails, and when: asked for every request in turn.
    rule: Option<Rule>,
    /// Nobody is let through: the controller is dead, or the API server away.
    closed: bool,
    victim: Option<Box<dyn Victim>>,
    kills: usize,
    /// The last request that something happened to.
    struck: Option<Call>,
}

#[expect(clippy::type_complexity, reason = "this is the name for it")]
struct Rule(Box<dyn FnMut(&Call) -> Option<Fault> + Send>);

impl Proxy {
    /// A proxy that acts as `user`, who may do everything.
    pub fn start(plane: &ControlPlane, user: &str) -> Self {
        Self::with_kubeconfig(&plane.kubeconfig_as(user, &["system:masters"]))
    }

    /// A proxy that acts for whom a kubeconfig names.
    pub fn with_kubeconfig(kubeconfig: &str) -> Self {
        let kubeconfig = kubeconfig.to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let address = listener.local_addr().expect("an address");
        let state =
            Arc::new(State { inner: Mutex::default(), cuts: watch::Sender::new(0), thaws: watch::Sender::new(0) });
        let shared = Arc::clone(&state);
        // It ends with the process: a test that is over asks nothing of it.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(listener, kubeconfig, shared));
        });
        Self { address, state }
    }

    /// Where a controller finds it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Fails requests as `rule` says, which is asked for each.
    pub fn fail(&self, rule: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.lock().rule = Some(Rule(Box::new(rule)));
    }

    /// Fails nothing any more.
    pub fn heal(&self) {
        let mut inner = self.lock();
        inner.rule = None;
        inner.closed = false;
    }

    /// The same, but who died stays dead.
    pub fn heal_unless_dead(&self) {
        self.lock().rule = None;
    }

    /// The API server is away: connections break, watches too.
    pub fn close(&self) {
        self.lock().closed = true;
        self.cut_watches();
    }

    /// Cuts every watch, as a load balancer does.
    pub fn cut_watches(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// What was written so far.
    pub fn ledger(&self) -> Ledger {
        Ledger(self.lock().calls.iter().filter(|it| it.call.writes()).cloned().collect())
    }

    /// What was asked so far, reads and questions included.
    pub fn calls(&self) -> Vec<Written> {
        self.lock().calls.clone()
    }

    /// Forgets what was asked so far, and counts writes from 1 again.
    pub fn forget(&self) {
        let mut inner = self.lock();
        inner.calls.clear();
        inner.writes = 0;
    }

    /// How often it killed.
    pub fn kills_made(&self) -> usize {
        self.lock().kills
    }

    /// The last request that something happened to.
    pub fn struck(&self) -> Option<Call> {
        self.lock().struck.clone()
    }

    /// What was held while its sender was frozen arrives now, or is answered.
    pub fn release(&self) {
        self.state.thaws.send_modify(|thaws| *thaws += 1);
    }

    /// Is nothing under way?
    pub fn is_idle(&self) -> bool {
        self.lock().under_way == 0
    }

    /// How many requests were at the API server at once, at most.
    pub fn most_under_way(&self) -> usize {
        self.lock().most_under_way
    }

    /// How much the controller was sent so far: bytes of answers and of watches.
    pub fn sent(&self) -> usize {
        self.lock().sent
    }

    /// How many watches of a resource are open.
    pub fn watches(&self, resource: &str) -> usize {
        self.lock().watches.get(resource).copied().unwrap_or_default()
    }

    /// The controller that dies or freezes when a rule says so.
    pub(super) fn strikes_at(&self, victim: Box<dyn Victim>) {
        self.lock().victim = Some(victim);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock()
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers a call, and decides what happens to it.
    fn admit(&self, call: &mut Call) -> Result<Option<Fault>, Broken> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Broken);
        }
        if call.counts() {
            inner.writes += 1;
            call.write = Some(inner.writes);
        }
        let fault = inner.rule.as_mut().and_then(|rule| (rule.0)(call));
        if fault.is_some() {
            inner.struck = Some(call.clone());
        }
        match fault {
            Some(Fault::KillBefore) => {
                kill(&mut inner);
                return Err(Broken);
            }
            Some(Fault::LoseRequest) => return Err(Broken),
            Some(Fault::KillAfter) => {
                // From now on nothing else of the victim arrives.
                inner.closed = true;
            }
            Some(Fault::FreezeBefore) => freeze(&mut inner),
            Some(
                Fault::LoseAnswer
                | Fault::TimeOut
                | Fault::Refuse(..)
                | Fault::Expire
                | Fault::Delay(_)
                | Fault::FreezeAfter,
            )
            | None => {}
        }
        inner.under_way += 1;
        inner.most_under_way = inner.most_under_way.max(inner.under_way);
        Ok(fault)
    }

    /// Waits for the next release.
    async fn held(&self) {
        // The sender is a field of the same.
        _ = self.thaws.subscribe().changed().await;
    }

    /// Notes how a call was answered, and kills who is to die after it.
    fn note(&self, call: &Call, code: u16, fault: Option<Fault>) {
        let mut inner = self.lock();
        inner.under_way -= 1;
        inner.calls.push(Written { call: call.clone(), code });
        match fault {
            Some(Fault::KillAfter) => kill(&mut inner),
            Some(Fault::FreezeAfter) => freeze(&mut inner),
            Some(_) | None => {}
        }
    }
}

fn kill(inner: &mut Inner) {
    inner.closed = true;
    inner.kills += 1;
    if let Some(mut victim) = inner.victim.take() {
        victim.kill();
    }
}

fn freeze(inner: &mut Inner) {
    if let Some(victim) = &mut inner.victim {
        victim.freeze();
    }
}

/// A watch, as long as somebody reads it.
struct Open {
    state: Arc<State>,
    resource: String,
}

impl Open {
    fn new(state: &Arc<State>, resource: &str) -> Self {
        *state.lock().watches.entry(resource.to_owned()).or_default() += 1;
        Self { state: Arc::clone(state), resource: resource.to_owned() }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(count) = self.state.lock().watches.get_mut(&self.resource) {
            *count -= 1;
        }
    }
}

/// The connection breaks.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for Broken {}

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

async fn serve(listener: TcpListener, kubeconfig: String, state: Arc<State>) {
    let kubeconfig = Kubeconfig::from_yaml(&kubeconfig).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a usable kubeconfig");
    super::definitions::choose_provider();
    let client = connect(config, "certwright-kit-proxy").expect("a client");
    let listener = tokio::net::TcpListener::from_std(listener).expect("the listener");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (client, state) = (client.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            // A request that arrived is carried out, whether or not somebody still waits for its answer.
            let service = service_fn(|request| {
                let passed = tokio::spawn(pass(client.clone(), Arc::clone(&state), request));
                async move { passed.await.unwrap_or(Err(Broken)) }
            });
            // It ends with an error wherever a connection is broken on purpose.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn pass(client: kube::Client, state: Arc<State>, request: Request<Incoming>) -> Result<Answer, Broken> {
    let mut call = Call::read(request.method(), request.uri());
    // Whole first: what is decided on arrival is a request that arrived.
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let fault = state.admit(&mut call)?;
    match fault {
        Some(Fault::Refuse(code, after)) => {
            state.note(&call, code, fault);
            return Ok(refusal(code, after));
        }
        Some(Fault::Expire) => {
            state.note(&call, 410, fault);
            return Ok(expired());
        }
        Some(Fault::Delay(time)) => late(time).await,
        Some(Fault::FreezeBefore) => state.held().await,
        _ => {}
    }
    head.headers.remove(http::header::HOST);
    let mut cuts = state.cuts.subscribe();
    let answered = client.send(Request::from_parts(head, Body::from(body))).await;
    let Ok(answer) = answered else {
        state.note(&call, 0, fault);
        return Err(Broken);
    };
    let (head, body) = answer.into_parts();
    if call.watches {
        state.note(&call, head.status.as_u16(), fault);
        let cut = async move { cuts.changed().await.unwrap_or(()) }.boxed();
        let open = head.status.is_success().then(|| Open::new(&state, &call.resource));
        let counted = Arc::clone(&state);
        let frames = BodyStream::new(body).map(move |frame| {
            _ = &open;
            counted.lock().sent += frame.as_ref().ok().and_then(Frame::data_ref).map_or(0, Bytes::len);
            frame.map_err(io::Error::other)
        });
        let frames = frames.take_until(cut);
        return Ok(Response::from_parts(head, UnsyncBoxBody::new(StreamBody::new(frames))));
    }
    let collected = body.collect().await.map(|it| it.to_bytes());
    state.lock().sent += collected.as_ref().map_or(0, Bytes::len);
    state.note(&call, head.status.as_u16(), fault);
    match fault {
        Some(Fault::KillAfter | Fault::LoseAnswer) => Err(Broken),
        Some(Fault::TimeOut) => Ok(refusal(504, None)),
        Some(Fault::FreezeAfter) => {
            state.held().await;
            let bytes = collected.map_err(|_| Broken)?;
            Ok(Response::from_parts(head, whole(bytes)))
        }
        _ => {
            let bytes = collected.map_err(|_| Broken)?;
            Ok(Response::from_parts(head, whole(bytes)))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what is late is late in real time")]
async fn late(time: Duration) {
    tokio::time::sleep(time).await;
}

/// What the API server says when it refuses.
fn refusal(code: u16, after: Option<u32>) -> Answer {
    let reason = match code {
        409 => "Conflict",
        429 => "TooManyRequests",
        504 => "Timeout",
        _ => "InternalError",
    };
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": "refused by a test",
    });
    let mut answer = Response::new(whole(body.to_string().into()));
    *answer.status_mut() = StatusCode::from_u16(code).expect("a status");
    answer.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
    if let Some(after) = after {
        answer.headers_mut().insert("retry-after", after.into());
    }
    answer
}

/// What a watch gets whose history is compacted.
fn expired() -> Answer {
    let event = serde_json::json!({
        "type": "ERROR",
        "object": {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410,
            "message": "The resourceVersion for the provided watch is too old.",
        },
    });
    let mut answer = Response::new(whole(format!("{event}\n").into()));
    answer.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
    answer
}

fn whole(bytes: Bytes) -> UnsyncBoxBody<Bytes, io::Error> {
    UnsyncBoxBody::new(Full::new(bytes).map_err(|never: Infallible| match never {}))
}
