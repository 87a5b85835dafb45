//! The shared Service of each namespace, kept leading to where the solver listens.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use acme_core::{Error, ErrorKind, Retry};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{SOLVER, refused, shared};
use crate::api::{Manager, RefusalKind, Resource};
use crate::context::Context;
use crate::key::{Identity, Name, Uid};

/// What is known of the Services of this process's namespaces: where each leads to.
#[derive(Debug, Default)]
pub(crate) struct Services {
    lead: Lock<HashMap<String, Arc<Place>>>,
}

/// Where the Service of one namespace leads to, once that is known. Held while it is worked on.
#[derive(Debug, Default)]
struct Place(Mutex<Option<Vec<IpAddr>>>);

impl Services {
    /// Sees to it that the Service of a namespace leads to the solver.
    ///
    /// # Errors
    /// `Busy` while no address of the solver is known, `Conflict` when the Service is somebody else's, and what the API server says.
    pub(crate) async fn ensure(&self, context: &Context, namespace: &str, service_type: &str) -> Result<(), Error> {
        let addresses = addresses(context).await?;
        let place = self.place(namespace);
        let mut lead = place.0.lock().await;
        if lead.as_ref() == Some(&addresses) {
            return Ok(());
        }
        let name = Name::new(namespace, shared::NAME);
        let uid = service(context, &name, service_type).await?;
        let listens = shared::Listens { addresses: &addresses, port: context.settings.acme.solver_port };
        let wanted = shared::endpoint_slices(&name, &uid, listens, &context.settings.acme.solver_labels);
        for slice in &wanted {
            endpoint_slice(context, slice, namespace).await?;
        }
        for left in
            shared::slice_names().into_iter().filter(|it| !wanted.iter().any(|slice| slice["metadata"]["name"] == **it))
        {
            remove(context, &name.beside(left)).await?;
        }
        *lead = Some(addresses);
        Ok(())
    }

    /// Where a namespace leads to is looked at anew the next time: something does not get through.
    pub(crate) async fn doubt(&self, namespace: &str) {
        *self.place(namespace).0.lock().await = None;
    }

    fn place(&self, namespace: &str) -> Arc<Place> {
        let mut lead = self.lead.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lead.entry(namespace.to_owned()).or_default())
    }
}

/// Where the solver listens, sorted: what the settings say, and the ready endpoints of the edge Service.
async fn addresses(context: &Context) -> Result<Vec<IpAddr>, Error> {
    let settings = &context.settings.acme;
    let mut found = settings.solver_addresses.clone();
    if let Some(edge) = &settings.edge_service {
        let (namespace, service) = edge.split_once('/').unwrap_or((&context.settings.cluster_resource_namespace, edge));
        let selector = format!("kubernetes.io/service-name={service}");
        let slices: Vec<Value> =
            context.api.list(Resource::ENDPOINT_SLICES, namespace, &selector).await.map_err(|refusal| {
                refused(&format!("the addresses of Service {edge}, where the solver runs, cannot be read"), &refusal)
            })?;
        let endpoints = slices.iter().filter_map(|it| it["endpoints"].as_array()).flatten();
        let ready = endpoints.filter(|it| it["conditions"]["ready"] != false);
        let texts = ready.filter_map(|it| it["addresses"].as_array()).flatten().filter_map(Value::as_str);
        found.extend(texts.filter_map(|it| it.parse::<IpAddr>().ok()));
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        let whose = settings.edge_service.as_deref().unwrap_or("(none is named)");
        let what = format!(
            "nobody is known who could answer HTTP-01: no endpoint of Service {whose} is ready; run the role solver behind it"
        );
        return Err(Error::new(ErrorKind::Busy, what).with_retry(Retry::Backoff));
    }
    Ok(found)
}

/// The uid of the Service, which is made where there is none.
async fn service(context: &Context, name: &Name, service_type: &str) -> Result<Uid, Error> {
    let what = format!("Service {name}");
    let found = read(context, Resource::SERVICES, name, &what).await?;
    let found = match found {
        Some(found) => found,
        None => {
            let object = shared::service(
                name.namespace(),
                service_type,
                context.settings.acme.solver_port,
                &context.settings.acme.solver_labels,
            );
            let made =
                context.api.create(Resource::SERVICES, name, &object, Manager::CHALLENGES, "solver: Service").await;
            match made {
                Ok(identity) => return Ok(identity.uid),
                Err(refusal) if matches!(refusal.kind(), RefusalKind::Exists | RefusalKind::Lost) => {
                    read(context, Resource::SERVICES, name, &what).await?.ok_or_else(|| refused(&what, &refusal))?
                }
                Err(refusal) => return Err(refused(&what, &refusal)),
            }
        }
    };
    let has_selector = found["spec"]["selector"].as_object().is_some_and(|it| !it.is_empty());
    if has_selector || found["metadata"]["labels"][SOLVER] != "true" {
        let what = format!(
            "{what} is there and is not the solver's: rename it, or set podTemplate in the solver so that Pods answer"
        );
        return Err(Error::new(ErrorKind::Conflict, what).with_retry(Retry::Backoff));
    }
    found["metadata"]["uid"]
        .as_str()
        .map(Uid::parse)
        .ok_or_else(|| Error::new(ErrorKind::Malformed, format!("{what} has no uid")))
}

/// Makes a slice, or gives it the endpoints that it should have.
async fn endpoint_slice(context: &Context, wanted: &Value, namespace: &str) -> Result<(), Error> {
    let name = Name::new(namespace, wanted["metadata"]["name"].as_str().unwrap_or_default());
    let what = format!("EndpointSlice {name}");
    let Some(found) = read(context, Resource::ENDPOINT_SLICES, &name, &what).await? else {
        return context
            .api
            .create(Resource::ENDPOINT_SLICES, &name, wanted, Manager::CHALLENGES, "solver: EndpointSlice")
            .await
            .map(drop)
            .map_err(|refusal| refused(&what, &refusal));
    };
    if found["endpoints"] == wanted["endpoints"] {
        return Ok(());
    }
    let patch = json!({
        "metadata": { "resourceVersion": found["metadata"]["resourceVersion"], "ownerReferences": wanted["metadata"]["ownerReferences"] },
        "endpoints": wanted["endpoints"],
    });
    context
        .api
        .patch(Resource::ENDPOINT_SLICES, &name, &patch, Manager::CHALLENGES, "solver: EndpointSlice")
        .await
        .map(drop)
        .map_err(|refusal| refused(&what, &refusal))
}

/// Takes away a slice of a family that the solver has no address in any more.
async fn remove(context: &Context, name: &Name) -> Result<(), Error> {
    let what = format!("EndpointSlice {name}");
    let Some(found) = read(context, Resource::ENDPOINT_SLICES, name, &what).await? else { return Ok(()) };
    let Some(identity) = identity(&found) else { return Ok(()) };
    let gone = context.api.delete(Resource::ENDPOINT_SLICES, name, &identity, "solver: EndpointSlice").await;
    gone.map_err(|refusal| refused(&what, &refusal))
}

async fn read(context: &Context, resource: Resource, name: &Name, what: &str) -> Result<Option<Value>, Error> {
    context.api.read(resource, name).await.map_err(|refusal| refused(what, &refusal))
}

/// Which state of an object this is.
pub(super) fn identity(object: &Value) -> Option<Identity> {
    let text = |field: &str| object["metadata"][field].as_str();
    let (uid, version) = (text("uid")?, text("resourceVersion")?);
    Some(Identity { uid: Uid::parse(uid), version: crate::key::Version::parse(version) })
}
