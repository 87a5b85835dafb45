//! The controller in a runtime of its own: it can be stopped as a Pod is, or killed between two instructions.

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use certwright_kube_adapter::client::connect;
use certwright_kube_adapter::{Controller, Settings};
use issuers::{Timer, TokioTimer};
use tokio::runtime;
use tokio::sync::{oneshot, watch};

use super::proxy::{Proxy, Victim};

/// A controller that runs, and talks to the API server through a proxy.
#[derive(Debug)]
pub struct Operator {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Operator {
    /// Starts one. When the proxy is told to kill, it kills this one.
    pub fn start(proxy: &Proxy, settings: Settings) -> Self {
        Self::start_at(proxy, settings, Arc::new(TokioTimer))
    }

    /// The same, by another clock.
    pub fn start_at(proxy: &Proxy, settings: Settings, timer: Arc<dyn Timer>) -> Self {
        Self::start_as(proxy, settings, move |controller| controller.with_timer(timer))
    }

    /// Starts one that is made otherwise.
    pub fn start_as(
        proxy: &Proxy,
        settings: Settings,
        otherwise: impl FnOnce(Controller) -> Controller + Send + 'static,
    ) -> Self {
        super::definitions::choose_provider();
        let (stop, stopped) = watch::channel(false);
        let (kill, killed) = oneshot::channel::<()>();
        let (started, ready) = mpsc::channel();
        let url = proxy.url();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let config = kube::Config::new(url.parse().expect("the proxy's address"));
                let client = connect(config, "certwright-kit").expect("a client");
                started.send(()).expect("who started it waits");
                let controller = otherwise(Controller::new(client, settings));
                tokio::select! {
                    _ = killed => {}
                    ended = controller.run(stopped) => ended.expect("the controller ends well"),
                }
            });
            // Nothing of it survives: keys in memory, flows, what it knew of lost answers.
            runtime.shutdown_background();
        });
        ready.recv().expect("the controller starts");
        proxy.strikes_at(Box::new(Struck(Some(kill))));
        Self { stop, thread: Some(thread) }
    }

    /// Is it still alive?
    pub fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|it| !it.is_finished())
    }

    /// Stops it as a Pod is stopped: what it owes is written.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.end();
    }
}

/// A runtime that something happens to.
struct Struck(Option<oneshot::Sender<()>>);

impl Victim for Struck {
    fn kill(&mut self) {
        if let Some(kill) = self.0.take() {
            // It is gone already where it ended by itself.
            _ = kill.send(());
        }
    }

    fn freeze(&mut self) {
        panic!("only a process freezes: start a Process");
    }
}
