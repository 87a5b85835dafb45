//! Refresh tokens work once: the newest one is kept, and so is what it was granted.

use std::sync::Arc;

use acme_core::{Error, ErrorKind, Expect, Key, Secret, Store, Timestamp, hash};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tokens::Granted;

/// The tokens that are good now: in memory, and in a store where there is one.
pub(super) struct Rotation {
    configured: Secret<String>,
    kept: Option<(Arc<dyn Store>, Key)>,
    /// What could not be stored, or is not to be, and what was used for it.
    newest: Option<(Print, Secret<String>)>,
    /// The access token that was answered last.
    handed_out: Option<Print>,
}

/// SHA-256 of a token.
type Print = [u8; 32];

/// What a refresh starts from.
pub(super) struct Before {
    /// A token that another process was granted, and that was not answered yet.
    pub(super) granted: Option<Granted>,
    /// The refresh token to use.
    pub(super) refresh: Secret<String>,
    expect: Expect,
}

#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    /// SHA-256 of the refresh token that was configured: a new one that a human gives goes before.
    from: String,
    #[serde(serialize_with = "written", deserialize_with = "read")]
    refresh_token: Secret<String>,
    #[serde(serialize_with = "written", deserialize_with = "read")]
    access_token: Secret<String>,
    expires: i64,
}

impl Rotation {
    pub(super) fn new(configured: Secret<String>, kept: Option<(Arc<dyn Store>, Key)>) -> Self {
        Self { configured, kept, newest: None, handed_out: None }
    }

    /// What to refresh, or what somebody else has refreshed already.
    pub(super) async fn begin(&mut self, now: Timestamp) -> Result<Before, Error> {
        let (record, expect) = self.stored().await?;
        let refresh = record.as_ref().map_or(&self.configured, |it| &it.refresh_token);
        let refresh = match &self.newest {
            Some((used, next)) if *used == print(refresh) || self.kept.is_none() => copy(next),
            Some(_) | None => copy(refresh),
        };
        let granted = record.filter(|it| it.is_good_at(now) && self.handed_out != Some(print(&it.access_token)));
        if let Some(record) = &granted {
            self.handed_out = Some(print(&record.access_token));
        }
        Ok(Before { granted: granted.map(Record::into_granted), refresh, expect })
    }

    /// Takes in what was granted; it is durable when this returned.
    pub(super) async fn end(&mut self, before: Before, granted: &Granted) -> Result<(), Error> {
        let next = granted.refresh_token.as_ref().unwrap_or(&before.refresh);
        self.newest = Some((print(&before.refresh), copy(next)));
        self.handed_out = Some(print(&granted.access_token));
        let Some((store, key)) = &self.kept else { return Ok(()) };
        let record = Record {
            format: FORMAT,
            from: hex(&print(&self.configured)),
            refresh_token: copy(next),
            access_token: copy(&granted.access_token),
            expires: granted.expires,
        };
        let bytes = serde_json::to_vec(&record).map_err(|source| {
            Error::new(ErrorKind::Internal, "a refresh token cannot be written").with_source(source)
        })?;
        let put = store.put(key, Secret::new(bytes), before.expect).await;
        put.map(drop).map_err(|error| error.while_doing("storing the new refresh token"))
    }

    async fn stored(&self) -> Result<(Option<Record>, Expect), Error> {
        let Some((store, key)) = &self.kept else { return Ok((None, Expect::Anything)) };
        let Some(entry) = store.get(key).await? else { return Ok((None, Expect::Absent)) };
        // The cause is left out: it might repeat what is stored.
        let record: Record = serde_json::from_slice(entry.value.expose())
            .map_err(|_| Error::new(ErrorKind::Malformed, format!("the tokens stored under {key} cannot be read")))?;
        if record.format > FORMAT {
            let format = record.format;
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the tokens stored under {key} have format {format}, written by a newer release"),
            ));
        }
        let is_descendant = record.from == hex(&print(&self.configured));
        Ok((Some(record).filter(|_| is_descendant), Expect::Version(entry.version)))
    }
}

impl Record {
    /// Whether its access token lives long enough to be worth a request.
    fn is_good_at(&self, now: Timestamp) -> bool {
        self.expires > now.unix_seconds() + WORTH_IT
    }

    fn into_granted(self) -> Granted {
        Granted { access_token: self.access_token, expires: self.expires, refresh_token: Some(self.refresh_token) }
    }
}

pub(super) fn written<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

pub(super) fn print(token: &Secret<String>) -> [u8; 32] {
    hash::sha256(token.expose().as_bytes())
}

fn copy(token: &Secret<String>) -> Secret<String> {
    Secret::new(token.expose().clone())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

const FORMAT: u32 = 1;
/// In seconds.
const WORTH_IT: i64 = 60;
