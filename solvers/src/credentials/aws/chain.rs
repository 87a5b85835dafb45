//! The default chain: the first place that has credentials, in the order of AWS's own libraries.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Retry, Timestamp, Transport, text};
use async_trait::async_trait;

use super::plan::{Base, Plan};
use super::profile::{ProfileFile, Profiles, malformed, read_file};
use super::sts::{self, Role};
use super::{Container, Credentials, Endpoint, Environment, Instance, Region, WebIdentity};
use crate::credentials::{Fetch, Fetched, Fixed, Refreshing};

/// Credentials from the first of these that is set up: environment variables; web identity (`AWS_WEB_IDENTITY_TOKEN_FILE` with `AWS_ROLE_ARN`, as EKS
/// sets them); the profile of the shared files, with the roles it names; the container's agent (EKS Pod Identity, ECS); the instance's role.
///
/// What is set up and fails is an error; only what is not set up is passed over. Files are read anew each time, so a rotation is
/// seen. Wrap it in [`Refreshing`], or take [`into_source`](Self::into_source).
pub struct DefaultChain {
    environment: Environment,
    transport: Arc<dyn Transport>,
    profile: Option<String>,
    region: Option<Region>,
    sts_endpoint: Option<String>,
}

impl DefaultChain {
    /// The chain as `environment` sets it up. Nothing is looked at before the first fetch.
    pub fn new(environment: Environment, transport: Arc<dyn Transport>) -> Self {
        Self { environment, transport, profile: None, region: None, sts_endpoint: None }
    }

    /// Takes this profile, and not the one that `AWS_PROFILE` names; it goes before the environment's credentials then.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Asks the Security Token Service of this region, whatever the environment and the profile say.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Asks the Security Token Service behind this URL.
    #[must_use]
    pub fn with_sts_endpoint(mut self, url: impl Into<String>) -> Self {
        self.sts_endpoint = Some(url.into());
        self
    }

    /// A source that keeps and renews what the chain answers.
    pub fn into_source(self) -> Refreshing<Credentials, Self> {
        Refreshing::new(self)
    }

    /// The region: as given, else the environment's, else the profile's.
    ///
    /// # Errors
    /// `Malformed` for a file, or a region, that cannot be read.
    pub fn region(&self) -> Result<Option<Region>, Error> {
        if let Some(region) = &self.region {
            return Ok(Some(region.clone()));
        }
        match self.environment.region()? {
            Some(region) => Ok(Some(region)),
            None => self.profiles()?.region(self.profile_name()),
        }
    }

    fn profile_name(&self) -> &str {
        self.asked_profile().unwrap_or("default")
    }

    fn asked_profile(&self) -> Option<&str> {
        self.profile.as_deref().or_else(|| self.environment.get("AWS_PROFILE"))
    }

    fn profiles(&self) -> Result<Profiles, Error> {
        let mut profiles = Profiles::new();
        for (kind, variable, default) in [
            (ProfileFile::Config, "AWS_CONFIG_FILE", ".aws/config"),
            (ProfileFile::Credentials, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
        ] {
            let Some(path) = self.environment.file(variable, default) else { continue };
            if let Some(text) = read_file(&path)? {
                profiles.add(kind, text.expose(), &path.display().to_string())?;
            }
        }
        Ok(profiles)
    }

    /// The plan of the profile; `None` when nothing speaks of credentials there.
    fn plan(&self) -> Result<Option<Plan>, Error> {
        let profiles = self.profiles()?;
        let name = self.profile_name();
        if let Some(asked) = self.asked_profile()
            && profiles.get(asked).is_none()
        {
            let known: Vec<&str> = profiles.names().take(10).collect();
            let (asked, known) = (text::printable(asked, 80), text::printable(&known.join(", "), 400));
            return Err(malformed(format!("there is no profile {asked:?} in the shared files; there are: {known}")));
        }
        profiles.plan(name)
    }

    /// The role and the token's file that EKS names.
    fn web_identity(&self) -> Result<Option<(Role, PathBuf)>, Error> {
        let Some(file) = self.environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
        let arn = self.environment.get("AWS_ROLE_ARN").ok_or_else(|| {
            malformed("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not: set both or neither".to_owned())
        })?;
        let mut role = Role::new(arn).map_err(|error| error.while_doing("AWS_ROLE_ARN"))?;
        if let Some(name) = self.environment.get("AWS_ROLE_SESSION_NAME") {
            role = role.session_name(name);
        }
        Ok(Some((role, file.into())))
    }

    /// The endpoint to assume roles at, for a profile that names a region and an endpoint, or neither.
    fn sts(&self, region: Option<&Region>, url: Option<&str>) -> Result<Endpoint, Error> {
        let region = match self.region()?.or_else(|| region.cloned()) {
            Some(region) => region,
            None => {
                let unknown = "no region is known to assume a role in: set AWS_REGION, or `region` in the profile";
                return Err(malformed(unknown.to_owned()));
            }
        };
        let given = self.sts_endpoint.as_deref();
        let named = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"].iter().find_map(|name| self.environment.get(name));
        match given.or(named).or(url) {
            Some(url) => sts::endpoint_at(url, &region),
            None => sts::endpoint(&region),
        }
    }

    async fn follow(&self, plan: Plan, now: Timestamp) -> Result<Fetched<Credentials>, Error> {
        let Plan { base, roles, region, endpoint_url } = plan;
        let sts = || self.sts(region.as_ref(), endpoint_url.as_deref());
        let transport = Arc::clone(&self.transport);
        let mut fetched = match base {
            Base::Keys(keys) => Fetched::new(keys, None),
            Base::WebIdentity(role, file) => WebIdentity::new(role, file, sts()?, transport).fetch(now).await?,
            Base::Environment => self.environment.fetch(now).await?,
            Base::Container => match Container::from(&self.environment, transport)? {
                Some(container) => container.fetch(now).await?,
                None => return Err(malformed("credential_source is EcsContainer, and no agent is named".to_owned())),
            },
            Base::Instance => match Instance::from(&self.environment, transport)? {
                Some(instance) => instance.fetch(now).await?,
                None => {
                    return Err(malformed("credential_source is Ec2InstanceMetadata, and it is disabled".to_owned()));
                }
            },
        };
        for role in &roles {
            let before = Fixed::new(fetched.credential);
            fetched = sts::assume(&sts()?, role, &before, self.transport.as_ref(), now).await?;
        }
        Ok(fetched)
    }
}

#[async_trait]
impl Fetch<Credentials> for DefaultChain {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Credentials>, Error> {
        let in_profile = |error: Error| error.while_doing(format_args!("the profile {:?}", self.profile_name()));
        if self.profile.is_none() {
            if let Some(credentials) = self.environment.credentials()? {
                return Ok(Fetched::new(credentials, None));
            }
            if let Some((role, file)) = self.web_identity()? {
                let transport = Arc::clone(&self.transport);
                return WebIdentity::new(role, file, self.sts(None, None)?, transport).fetch(now).await;
            }
        }
        if let Some(plan) = self.plan()? {
            return self.follow(plan, now).await.map_err(in_profile);
        }
        if let Some(container) = Container::from(&self.environment, Arc::clone(&self.transport))? {
            return container.fetch(now).await;
        }
        let none = || {
            Error::new(
                ErrorKind::Unauthorized,
                "no AWS credentials are set up: neither in the environment, nor by web identity, in a profile, by a container's agent, nor by an instance's role",
            )
            .with_retry(Retry::Backoff)
        };
        match Instance::from(&self.environment, Arc::clone(&self.transport))? {
            Some(instance) => instance.fetch(now).await.map_err(|error| {
                // As a rule this is no instance at all.
                if error.kind() == ErrorKind::Unreachable { none().with_source(error) } else { error }
            }),
            None => Err(none()),
        }
    }
}

impl fmt::Debug for DefaultChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultChain")
            .field("environment", &self.environment)
            .field("profile", &self.profile)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
