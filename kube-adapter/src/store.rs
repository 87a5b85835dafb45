//! A ConfigMap as a [`Store`]: small values that outlive the process, such as the pauses that certificate authorities asked for.

use std::collections::BTreeMap;

use acme_core::hash::sha256;
use acme_core::{Entry, Error, ErrorKind, Expect, Key, Page, Prefix, Secret, Store, Version, limits};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};

use crate::api::{Api, Manager, Refusal, RefusalKind, Resource};
use crate::key::Name;

/// Keeps values in one ConfigMap, which is made by the first of them. Nothing secret belongs here.
///
/// A swap is one patch that insists on the version of the whole ConfigMap: who loses against a write of another key tries again.
pub(crate) struct ConfigMapStore {
    api: Api,
    name: Name,
}

/// The ConfigMap as it is.
#[derive(Default)]
struct Contents {
    /// `None` while it is not there.
    version: Option<String>,
    values: BTreeMap<Key, Vec<u8>>,
}

impl ConfigMapStore {
    /// Keeps values in the ConfigMap of this name.
    pub(crate) fn new(api: Api, name: Name) -> Self {
        Self { api, name }
    }

    async fn read(&self) -> Result<Contents, Error> {
        let found = self.api.read::<ConfigMap>(Resource::CONFIG_MAPS, &self.name).await;
        let Some(object) = found.map_err(|refusal| self.error("read", &refusal))? else {
            return Ok(Contents::default());
        };
        let texts = object.data.into_iter().flatten().map(|(name, value)| (name, value.into_bytes()));
        let bytes = object.binary_data.into_iter().flatten().map(|(name, value)| (name, value.0));
        // What is no key of ours was put there by hand, and stays.
        let values = texts.chain(bytes).filter_map(|(name, value)| Some((key(&name)?, value))).collect();
        Ok(Contents { version: object.metadata.resource_version, values })
    }

    /// Puts or removes one value, if what is there meets `expect`.
    async fn swap(&self, key: &Key, value: Option<&[u8]>, expect: Expect) -> Result<(), Error> {
        let field = field(key)?;
        for _ in 0..ATTEMPTS {
            let contents = self.read().await?;
            let held = contents.values.get(key);
            let met = match &expect {
                Expect::Anything => true,
                Expect::Absent => held.is_none(),
                Expect::Version(wanted) => held.is_some_and(|held| version(held) == *wanted),
            };
            match (met, held, value) {
                (false, None, None) if expect == Expect::Absent => return Ok(()),
                (false, _, _) => return Err(self.lost(key)),
                (true, None, None) => return Ok(()),
                (true, _, _) => {}
            }
            match self.write(&contents, &field, value).await {
                Ok(()) => return Ok(()),
                Err(refusal) if matches!(refusal.kind(), RefusalKind::Conflict | RefusalKind::Exists) => {}
                Err(refusal) => return Err(self.error("written", &refusal)),
            }
        }
        Err(self.lost(key))
    }

    async fn write(&self, contents: &Contents, field: &str, value: Option<&[u8]>) -> Result<(), Refusal> {
        let value = value.map_or(Value::Null, |value| BASE64_STANDARD.encode(value).into());
        let data = json!({ field: value });
        match &contents.version {
            Some(version) => {
                let patch =
                    json!({ "metadata": { "resourceVersion": version }, "binaryData": data, "data": { field: null } });
                self.api.patch(Resource::CONFIG_MAPS, &self.name, &patch, Manager::ORDERS, "embargo").await?;
            }
            None => {
                let object = json!({
                    "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": self.name.object() }, "binaryData": data,
                });
                self.api.create(Resource::CONFIG_MAPS, &self.name, &object, Manager::ORDERS, "embargo").await?;
            }
        }
        Ok(())
    }

    fn error(&self, done: &str, refusal: &Refusal) -> Error {
        refusal.to_error(&format!("the ConfigMap {} could not be {done}", self.name))
    }

    fn lost(&self, key: &Key) -> Error {
        Error::new(ErrorKind::Conflict, format!("{key} in the ConfigMap {} is not what it was", self.name))
    }
}

#[async_trait]
impl Store for ConfigMapStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        let mut contents = self.read().await?;
        Ok(contents.values.remove(key).map(|value| {
            let version = version(&value);
            Entry::new(Secret::new(value), version)
        }))
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        let value = value.expose();
        if value.len() > limits::STORE_VALUE {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{key} is longer than the {} bytes that a store takes", limits::STORE_VALUE),
            ));
        }
        self.swap(key, Some(value), expect).await?;
        Ok(version(value))
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        self.swap(key, None, expect).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        let contents = self.read().await?;
        let mut keys: Vec<Key> = contents.values.into_keys().collect();
        keys.retain(|key| prefix.holds(key) && after.is_none_or(|after| key > after));
        Ok(Page::new(keys, false))
    }
}

/// The field of a key: fields take no `/`, and keys no capital letter.
fn field(key: &Key) -> Result<String, Error> {
    let field = key.as_str().replace('/', SLASH);
    if field.len() > LONGEST_FIELD {
        return Err(Error::new(ErrorKind::Unsupported, format!("the key {key} is too long for a ConfigMap")));
    }
    Ok(field)
}

fn key(field: &str) -> Option<Key> {
    Key::new(field.replace(SLASH, "/")).ok()
}

fn version(value: &[u8]) -> Version {
    Version::new(sha256(value)[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Stands for `/`.
const SLASH: &str = "S";
/// The API's limit for names of fields.
const LONGEST_FIELD: usize = 253;
/// Lost races against writes of other keys before this gives up.
const ATTEMPTS: u32 = 64;
