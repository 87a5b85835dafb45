//! An account as a store keeps it: its key, the key that shall replace it, and how far it is.

use std::sync::Arc;

use acme_core::flow::AccountFlow;
use acme_core::{Error, ErrorKind, PrivateKey, Secret};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// One account.
pub(super) struct Record {
    /// The key in force.
    pub(super) key: Arc<PrivateKey>,
    /// The key that shall replace it, durable before the change is asked for.
    pub(super) next: Option<Arc<PrivateKey>>,
    /// How far the account is.
    pub(super) flow: AccountFlow,
    /// Counts the writes, so that no two versions are the same bytes.
    pub(super) writes: u64,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    writes: u64,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_key: Option<&'a str>,
    flow: &'a RawValue,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    writes: u64,
    #[serde(deserialize_with = "secret")]
    key: Secret<String>,
    #[serde(default, deserialize_with = "some_secret")]
    next_key: Option<Secret<String>>,
    flow: Box<RawValue>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

fn some_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    secret(deserializer).map(Some)
}

impl Record {
    /// A new account by `key`.
    pub(super) fn new(key: PrivateKey, flow: AccountFlow) -> Self {
        Self { key: Arc::new(key), next: None, flow, writes: 0 }
    }

    /// Puts the next key in force.
    pub(super) fn promote(&mut self) {
        if let Some(next) = self.next.take() {
            self.key = next;
        }
    }

    pub(super) fn encode(&self) -> Result<Secret<Vec<u8>>, Error> {
        let failed = |source: serde_json::Error| {
            Error::new(ErrorKind::Internal, "the account cannot be written").with_source(source)
        };
        let flow = String::from_utf8(self.flow.encode()?)
            .map_err(|source| Error::new(ErrorKind::Internal, "the account cannot be written").with_source(source))?;
        let flow = RawValue::from_string(flow).map_err(failed)?;
        let key = self.key.to_pem();
        let next = self.next.as_ref().map(|key| key.to_pem());
        let written = Written {
            format: FORMAT,
            writes: self.writes,
            key: key.expose(),
            next_key: next.as_ref().map(|key| key.expose().as_str()),
            flow: &flow,
        };
        // Sized ahead: a buffer that grows leaves copies of the key behind.
        let mut bytes = Vec::with_capacity(2 * (key.expose().len() * 2) + flow.get().len() + 8 * 1024);
        serde_json::to_writer(&mut bytes, &written).map_err(failed)?;
        Ok(Secret::new(bytes))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        // The source's text may quote the input, which holds keys: it stays out.
        let malformed = |_| Error::new(ErrorKind::Malformed, "the stored account cannot be read");
        let Format { format } = serde_json::from_slice(bytes).map_err(malformed)?;
        if format > FORMAT {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the stored account has format {format}, written by a newer release; this one reads up to {FORMAT}: update, or leave it to the newer one"
                ),
            ));
        }
        let read: Read = serde_json::from_slice(bytes).map_err(malformed)?;
        let parse = |pem: &Secret<String>| PrivateKey::from_pem(pem.expose()).map(Arc::new);
        Ok(Self {
            key: parse(&read.key)?,
            next: read.next_key.as_ref().map(parse).transpose()?,
            flow: AccountFlow::decode(read.flow.get().as_bytes())?,
            writes: read.writes,
        })
    }
}

const FORMAT: u32 = 1;
