//! One object that leads to the answer, in the cluster: made, brought to what is wanted, edited, deleted. What belongs to others is left alone.

use acme_core::{Error, ErrorKind, Retry};
use serde_json::{Value, json};

use super::service::identity;
use super::{SOLVER, refused};
use crate::api::{Manager, RefusalKind, Resource};
use crate::context::Context;
use crate::key::{Name, Uid};
use crate::settings::Http01Solver as Mode;

/// The objects of one owner.
pub(super) struct Objects<'a> {
    pub(super) context: &'a Context,
    pub(super) owner: &'a Uid,
}

/// Was an object there when it was looked for last?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// It was: it is read first.
    There,
    /// Nobody knows: it is made first.
    Unknown,
}

impl Objects<'_> {
    /// Makes an object. One of this name that is ours already is brought to what is wanted.
    pub(super) async fn put(&self, resource: Resource, wanted: &Value, before: Before) -> Result<(), Error> {
        let (name, what) = (name_of(wanted), kind_and_name(wanted));
        let found = match before {
            Before::There => self.read(resource, &name, &what).await?,
            Before::Unknown => None,
        };
        let found = match found {
            Some(found) => found,
            None => {
                let api = &self.context.api;
                let made = api.create(resource, &name, wanted, Manager::CHALLENGES, "solver: made").await;
                match made {
                    Ok(_) => return Ok(()),
                    Err(refusal) if matches!(refusal.kind(), RefusalKind::Exists | RefusalKind::Lost) => {}
                    Err(refusal) => return Err(refused(&what, &refusal)),
                }
                self.read(resource, &name, &what).await?.ok_or_else(|| {
                    let what = format!("{what} went while it was made");
                    Error::new(ErrorKind::Busy, what).with_retry(Retry::Backoff)
                })?
            }
        };
        if !is_owned_by(&found, self.owner) {
            let what = format!("{what} is there and belongs to somebody else");
            return Err(Error::new(ErrorKind::Conflict, what).with_retry(Retry::Backoff));
        }
        if resource == Resource::PODS && has_ended(&found) {
            delete(self.context, resource, &found, &what).await?;
            let what = format!("{what} came to its end, and another takes its place");
            return Err(Error::new(ErrorKind::Busy, what).with_retry(Retry::Backoff));
        }
        // Pods and Services are what they were made as; rules may have become more.
        if !matches!(resource, Resource::INGRESSES | Resource::HTTP_ROUTES)
            || found["spec"]["rules"] == wanted["spec"]["rules"]
        {
            return Ok(());
        }
        let patch =
            json!({ "metadata": { "resourceVersion": found["metadata"]["resourceVersion"] }, "spec": wanted["spec"] });
        let patched = self.context.api.patch(resource, &name, &patch, Manager::CHALLENGES, "solver: changed").await;
        patched.map(drop).map_err(|refusal| refused(&what, &refusal))
    }

    /// Deletes an object of ours; one that is gone, or not ours, needs nothing.
    pub(super) async fn remove(&self, resource: Resource, name: &Name) -> Result<(), Error> {
        let what = format!("solver object {name}");
        match self.read(resource, name, &what).await? {
            Some(found) if is_owned_by(&found, self.owner) => delete(self.context, resource, &found, &what).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Changes the rules of a user's Ingress in one write; somebody else's write in between is taken into account.
    pub(super) async fn edit(
        &self,
        name: &Name,
        why: &'static str,
        change: impl Fn(&[Value]) -> Option<Vec<Value>>,
    ) -> Result<(), Error> {
        let what = format!("Ingress {name}");
        for _ in 0..TRIES {
            let Some(found) = self.read(Resource::INGRESSES, name, &what).await? else {
                let what = format!("{what} is not there, and is to be edited in place");
                return Err(Error::new(ErrorKind::NotFound, what).with_retry(Retry::Backoff));
            };
            let rules = found["spec"]["rules"].as_array().map_or(&[] as &[Value], Vec::as_slice);
            let Some(changed) = change(rules) else { return Ok(()) };
            // An empty list is not the same as none.
            let changed = if changed.is_empty() { Value::Null } else { changed.into() };
            let patch = json!({ "metadata": { "resourceVersion": found["metadata"]["resourceVersion"] }, "spec": { "rules": changed } });
            match self.context.api.patch(Resource::INGRESSES, name, &patch, Manager::CHALLENGES, why).await {
                Ok(_) => return Ok(()),
                Err(refusal) if matches!(refusal.kind(), RefusalKind::Conflict | RefusalKind::Lost) => {}
                Err(refusal) => return Err(refused(&what, &refusal)),
            }
        }
        Err(Error::new(ErrorKind::Busy, format!("{what} is changed by others all the time")).with_retry(Retry::Backoff))
    }

    async fn read(&self, resource: Resource, name: &Name, what: &str) -> Result<Option<Value>, Error> {
        self.context.api.read(resource, name).await.map_err(|refusal| refused(what, &refusal))
    }
}

/// Deletes every solver object of these owners in a namespace, whoever made it.
pub(super) async fn remove_all(context: &Context, namespace: &str, owners: &[&Uid]) -> Result<(), Error> {
    let settings = &context.settings.acme;
    let kinds = [
        (Resource::INGRESSES, true),
        (Resource::HTTP_ROUTES, settings.gateway_api),
        (Resource::SERVICES, true),
        // Whoever never lets Pods be made may lack the right to look for them; the garbage collector has it.
        (Resource::PODS, settings.http01_solver != Mode::Shared),
    ];
    let what = format!("solver objects of {namespace}");
    for (resource, _) in kinds.into_iter().filter(|(_, is_used)| *is_used) {
        let found: Vec<Value> = match context.api.list(resource, namespace, &format!("{SOLVER}=true")).await {
            Ok(found) => found,
            Err(refusal) if refusal.kind() == RefusalKind::Gone => Vec::new(),
            Err(refusal) => return Err(refused(&what, &refusal)),
        };
        for object in found.iter().filter(|it| owners.iter().any(|owner| is_owned_by(it, owner))) {
            delete(context, resource, object, &what).await?;
        }
    }
    Ok(())
}

async fn delete(context: &Context, resource: Resource, found: &Value, what: &str) -> Result<(), Error> {
    let Some(identity) = identity(found) else { return Ok(()) };
    let gone = context.api.delete(resource, &name_of(found), &identity, "solver: deleted").await;
    gone.map_err(|refusal| refused(what, &refusal))
}

/// What an object is called.
pub(super) fn name_of(object: &Value) -> Name {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    Name::new(text("namespace"), text("name"))
}

fn kind_and_name(object: &Value) -> String {
    format!("{} {}", object["kind"].as_str().unwrap_or_default(), name_of(object))
}

fn is_owned_by(object: &Value, owner: &Uid) -> bool {
    let uid = owner.to_string();
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|owners| owners.iter().any(|it| it["uid"] == uid.as_str()))
}

/// Does a Pod answer no more?
fn has_ended(pod: &Value) -> bool {
    let phase = &pod["status"]["phase"];
    phase == "Succeeded" || phase == "Failed" || !pod["metadata"]["deletionTimestamp"].is_null()
}

/// Writes that may meet somebody else's before it is taken for a quarrel.
const TRIES: usize = 3;
