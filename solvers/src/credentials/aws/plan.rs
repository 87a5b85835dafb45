//! How to come by the credentials of a profile: where they begin, and the roles assumed from there.

use std::path::PathBuf;

use acme_core::{Error, ErrorKind, text};

use super::profile::{Profile, Profiles, malformed};
use super::sts::Role;
use super::{Credentials, Region};
use crate::limits;

/// The way to the credentials of a profile.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) base: Base,
    /// Assumed one after the other, each with the credentials of the one before.
    pub(super) roles: Vec<Role>,
    /// The region of the profile that was asked for, where it names one.
    pub(super) region: Option<Region>,
    /// The endpoint that this profile names for everything.
    pub(super) endpoint_url: Option<String>,
}

/// Where the way begins.
#[derive(Debug)]
pub(super) enum Base {
    Keys(Credentials),
    WebIdentity(Role, PathBuf),
    Environment,
    Container,
    Instance,
}

impl Plan {
    pub(super) fn of(profiles: &Profiles, profile: &str) -> Result<Option<Self>, Error> {
        let Some(first) = profiles.get(profile) else { return Ok(None) };
        let region = first.parsed("region", profile)?;
        let endpoint_url = first.get("endpoint_url").map(ToOwned::to_owned);
        let mut roles = Vec::new();
        let mut walked = vec![profile];
        let (mut at, mut name) = (first, profile);
        let base = loop {
            match Link::of(at, name)? {
                Link::Base(base) => break base,
                Link::Nothing if roles.is_empty() => return Ok(None),
                Link::Nothing => {
                    let name = text::printable(name, 80);
                    return Err(malformed(format!("profile {name:?} is a source_profile and holds no credentials")));
                }
                Link::Role(role, source) => {
                    roles.push(role);
                    if source == name
                        && let Some(keys) = at.keys(name)?
                    {
                        break Base::Keys(keys);
                    }
                    if walked.contains(&source) || walked.len() == limits::AWS_ROLES {
                        return Err(at.fault("source_profile", name, "leads in a circle, or too far"));
                    }
                    walked.push(source);
                    let next = profiles.get(source);
                    at = next.ok_or_else(|| at.fault("source_profile", name, "names a profile that is nowhere"))?;
                    name = source;
                }
                Link::RoleOf(role, base) => {
                    roles.push(role);
                    break base;
                }
            }
        };
        roles.reverse();
        Ok(Some(Self { base, roles, region, endpoint_url }))
    }
}

/// What one profile says.
enum Link<'a> {
    Nothing,
    Base(Base),
    Role(Role, &'a str),
    RoleOf(Role, Base),
}

impl<'a> Link<'a> {
    fn of(profile: &'a Profile, name: &str) -> Result<Self, Error> {
        let Some(role) = role(profile, name)? else {
            if let Some(keys) = profile.keys(name)? {
                return Ok(Self::Base(Base::Keys(keys)));
            }
            let unsupported = ["credential_process", "sso_session", "sso_start_url", "login_session"];
            return match unsupported.into_iter().find(|property| profile.get(property).is_some()) {
                Some(property) => Err(unsupported_here(profile, name, property)),
                None => Ok(Self::Nothing),
            };
        };
        if profile.get("mfa_serial").is_some() {
            return Err(unsupported_here(profile, name, "mfa_serial"));
        }
        let sources =
            (profile.get("source_profile"), profile.get("credential_source"), profile.get("web_identity_token_file"));
        match sources {
            (Some(source), None, None) => Ok(Self::Role(role, source)),
            (None, Some(source), None) => {
                let base = match source {
                    "Environment" => Base::Environment,
                    "EcsContainer" => Base::Container,
                    "Ec2InstanceMetadata" => Base::Instance,
                    _ => {
                        let known = "is none of Environment, EcsContainer and Ec2InstanceMetadata";
                        return Err(profile.fault("credential_source", name, known));
                    }
                };
                Ok(Self::RoleOf(role, base))
            }
            (None, None, Some(file)) => Ok(Self::Base(Base::WebIdentity(role, file.into()))),
            _ => {
                let wants = "wants one of source_profile, credential_source and web_identity_token_file beside it";
                Err(profile.fault("role_arn", name, wants))
            }
        }
    }
}

fn role(profile: &Profile, name: &str) -> Result<Option<Role>, Error> {
    let Some(arn) = profile.get("role_arn") else { return Ok(None) };
    let mut role = Role::new(arn).map_err(|_| profile.fault("role_arn", name, "is no ARN of a role"))?;
    if let Some(session) = profile.get("role_session_name") {
        role = role.session_name(session);
    }
    if let Some(id) = profile.get("external_id") {
        role = role.external_id(id);
    }
    if let Some(duration) = profile.seconds("duration_seconds", name)? {
        role = role.duration(duration);
    }
    Ok(Some(role))
}

fn unsupported_here(profile: &Profile, name: &str, property: &'static str) -> Error {
    let what = "is not supported: use keys, a role, web identity, a container's or an instance's role";
    Error::new(ErrorKind::Unsupported, profile.fault(property, name, what).what().to_owned())
}
