//! cert-manager's resources on the Certwright library: the controller of `cert-manager.io/v1` and `acme.cert-manager.io/v1`.
//!
//! [`Controller::new`] takes a client and [`Settings`]; [`Controller::run`] watches, plans and writes until it is told to stop. Everything that is decided
//! about certificates is decided by the crates below: orders and challenges by `acme_core::flow`, policy by `certstore::policy`, signing by `issuers`, answers
//! to challenges by `solvers`. This crate reads resources, asks those, and writes what they say in cert-manager's fields and words.
//!
//! # The way of a change
//!
//! ```text
//!  watch ──► world (tables of records, one task, no locks) ──► queue ──► subject: next → start → fold ──► …
//!              ▲        answers of our own writes  ◄───────────────────────┘         until it waits or rests
//!              └── one timer: an ordered index of (time, key)
//! ```
//!
//! | Module | What it is | May it do input and output? |
//! |---|---|---|
//! | [`crd`] | the types of the resources, and their definitions | no |
//! | [`names`] | names of generated objects | no |
//! | [`admission`] | what the webhook refuses, in its words | no |
//! | `codec` | resource ⇄ flow | no |
//! | `plan` | observed → what to do next, for each kind; pure | no |
//! | `status` | conditions, reasons and texts | no |
//! | `world` | what is known: tables of records and indices | no |
//! | `subject` | the trait of a kind of resource that is stepped: observe and plan, start an action, fold its answer | starts it |
//! | `queue` | who is next | no |
//! | `reconcile` | the one loop, and the only place that waits | yes |
//! | [`client`] | the connection to the API server | yes |
//! | `watch` | streams of changes | yes |
//! | `api` | every write, and the few reads | yes |
//! | `store` | a ConfigMap that keeps what must outlive the process: pauses that certificate authorities asked for | yes |
//! | `engine` | issuers as the library's: specification → configuration, in one place | yes |
//! | `http01` | Ingresses, routes, Services that lead to the solver: as values, and made in the cluster (`lead`, `service`); the role `solver` (`responder`) | yes |
//! | `events` | Events, best effort | yes |
//! | [`leader`] | the Lease | yes |
//! | [`rights`] | what Roles must say where Secrets are followed by name | no |
//! | [`serving`] | an authority in a Secret, for what the process serves itself | yes |
//! | [`metrics`] | what is counted | no |
//! | `limits` | how much of what comes from outside is kept | no |

pub mod admission;
pub mod client;
mod codec;
pub mod crd;
pub mod leader;
pub mod metrics;
pub mod names;
pub mod rights;
pub mod serving;

mod api;
mod certificate;
mod challenge;
mod context;
mod controller;
mod engine;
mod events;
mod few;
mod http01;
mod issuer;
mod key;
mod limits;
mod maps;
mod moment;
mod order;
mod plan;
mod queue;
mod reconcile;
mod request;
mod secret;
mod settings;
mod status;
mod store;
mod subject;
mod watch;
mod workshop;
mod world;

pub use controller::Controller;
pub use http01::responder::Responder;
pub use key::{Key, Kind, Name};
pub use settings::{
    AcmeSettings, Ambient, AmbientCredentials, DurableKeys, EventSet, Http01Solver, PathType, SelfCheck, Settings,
    SolverPods, WatchedSecrets, WriteLimits,
};
