//! Certificates from Venafi's platforms, now CyberArk's and Palo Alto Networks'.
//!
//! | service | also called | zone | logs in with |
//! |---|---|---|---|
//! | [`Tpp`] | Trust Protection Platform, Certificate Manager Self-Hosted | a policy folder | [`Login`](tpp::Login): tokens, or user and password |
//! | [`Cloud`] | Venafi as a Service, TLS Protect Cloud, Certificate Manager SaaS | `application\template alias` | an API key |
//! | [`Ngts`] | Next-Gen Trust Security of Strata Cloud Manager | an issuing template | OAuth client credentials |
//!
//! A [`VenafiIssuer`] hands the signing request in, saves the name under which it can be picked up, and asks for the certificate until it is
//! there. Defaults and rules of the zone are applied by the service; [`VenafiIssuer::zone`] reads the defaults, for those who draft signing
//! requests, and proves address, credentials and zone while it does.
//!
//! | answer | kind | retry |
//! |---|---|---|
//! | 429, 503, other 5xx | `Busy` | the time given, else back off |
//! | credentials refused, also after they were fetched anew | `Unauthorized` | never |
//! | the zone is not there | `NotFound` | never |
//! | the rules of the zone refuse the request, or somebody rejects it | `Refused` | never |
//! | the service tried and failed, or took longer than [`patience`](VenafiIssuer::with_patience) | `Busy` | back off |
//! | the request names a profile: there are none here | `Unsupported` | never |
//! | twice none to a request for a certificate, where the service cannot be asked for it: both may have been taken | that of the failure | back off |
//! | not the service's own words | `Malformed` | back off |

mod answer;
mod cloud;
mod connection;
mod custom_field;
mod issuer;
mod ngts;
mod order;
mod service;
mod state;
pub mod tpp;
mod zone;

pub use cloud::Cloud;
pub use custom_field::CustomField;
pub use issuer::VenafiIssuer;
pub use ngts::Ngts;
pub use service::Service;
pub use tpp::Tpp;
pub use zone::Zone;
