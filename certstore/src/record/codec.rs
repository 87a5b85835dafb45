//! Records as bytes: JSON in a version envelope, `{"format":1,"record":{…}}`, with binary members in base64.

use acme_core::{Error, ErrorKind, Secret, limits};
use serde::{Deserialize, Serialize};

use super::Record;
use crate::{Contents, Keys};

/// The newest format that this release reads and writes. It grows with every change of a record's members.
///
/// A record is written in the oldest format that holds all of it, so that the nodes of a fleet can be updated one after another.
pub const FORMAT: u32 = 2;

/// Names, addresses, the kind of key, and chains without the root above them: all that the first format knows.
const FIRST: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    record: &'a Record,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    record: Record,
}

pub(super) fn encode(record: &Record) -> Result<Secret<Vec<u8>>, Error> {
    // Room for all of it, so that no copy of the key stays behind in a buffer that was outgrown.
    let mut bytes = Vec::with_capacity(estimate(record));
    let written = Written { format: format(record), record };
    serde_json::to_writer(&mut bytes, &written).map_err(|source| {
        Error::new(ErrorKind::Internal, format!("the record of {} cannot be written", record.spec.name))
            .with_source(source)
    })?;
    let bytes = Secret::new(bytes);
    let length = bytes.expose().len();
    if length > limits::STORE_VALUE {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the record of {} would be {length} bytes long; a store takes {}",
                record.spec.name,
                limits::STORE_VALUE
            ),
        ));
    }
    Ok(bytes)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Record, Error> {
    let malformed = |source| {
        Error::new(ErrorKind::Malformed, "the stored record of a certificate cannot be read").with_source(source)
    };
    let Format { format } = serde_json::from_slice(bytes).map_err(malformed)?;
    if format > FORMAT {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the stored record of a certificate has format {format}, written by a newer release; \
                 this one reads up to {FORMAT}: update it, or leave the store to the newer one"
            ),
        ));
    }
    serde_json::from_slice::<Read>(bytes).map(|read| read.record).map_err(malformed)
}

/// The oldest format that holds all of `record`.
fn format(record: &Record) -> u32 {
    let is_first = record.spec.keys != Keys::Pinned
        && record.spec.contents.is_empty()
        && record.served.iter().all(|it| it.contents.is_empty() && it.root.is_none())
        && record.pending.as_ref().is_none_or(|it| it.contents.is_empty());
    if is_first { FIRST } else { FORMAT }
}

fn estimate(record: &Record) -> usize {
    let credential = |key: usize, other: usize| (key + other) * 4 / 3;
    let served: usize = record
        .served
        .iter()
        .map(|it| {
            let chain: usize = it.chain.certificates().iter().map(|it| it.len()).sum();
            let root = it.root.as_ref().map_or(0, |root| root.len());
            credential(it.key.expose().len(), chain + root) + length(&it.contents)
        })
        .sum();
    let pending = record.pending.as_ref().map_or(0, |it| {
        let progress = it.progress.as_ref().map_or(0, |it| it.expose().len());
        credential(it.key.expose().len(), it.csr.len() + progress) + length(&it.contents)
    });
    served + pending + length(&record.spec.contents) + record.spec.identifiers.len() * 320 + 16 * 1024
}

fn length(contents: &Contents) -> usize {
    if contents.is_empty() { 0 } else { serde_json::to_vec(contents).map_or(0, |text| text.len()) }
}

/// Bytes as base64.
mod binary {
    use base64::Engine as _;
    use base64::display::Base64Display;
    use base64::prelude::BASE64_STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use zeroize::Zeroize as _;

    pub(super) fn write<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(bytes, &BASE64_STANDARD))
    }

    pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let mut text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(text.as_bytes()).map_err(|_| de::Error::custom("not base64"));
        if let std::borrow::Cow::Owned(text) = &mut text {
            text.zeroize();
        }
        bytes
    }
}

pub(super) mod secret {
    use acme_core::Secret;
    use serde::{Deserializer, Serializer};

    pub(in crate::record) fn serialize<S: Serializer>(
        value: &Secret<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::binary::write(value.expose(), serializer)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Secret<Vec<u8>>, D::Error> {
        super::binary::read(deserializer).map(Secret::new)
    }
}

pub(super) mod optional_secret {
    use acme_core::Secret;
    use serde::{Deserializer, Serializer};

    pub(in crate::record) fn serialize<S: Serializer>(
        value: &Option<Secret<Vec<u8>>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::binary::write(value.expose(), serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret<Vec<u8>>>, D::Error> {
        super::binary::read(deserializer).map(|it| Some(Secret::new(it)))
    }
}

pub(super) mod optional_certificate {
    use rustls_pki_types::CertificateDer;
    use serde::{Deserializer, Serializer};

    pub(in crate::record) fn serialize<S: Serializer>(
        value: &Option<CertificateDer<'static>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::binary::write(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<CertificateDer<'static>>, D::Error> {
        super::binary::read(deserializer).map(|it| Some(it.into()))
    }
}

pub(super) mod csr {
    use rustls_pki_types::CertificateSigningRequestDer;
    use serde::{Deserializer, Serializer};

    pub(in crate::record) fn serialize<S: Serializer>(
        value: &CertificateSigningRequestDer<'static>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::binary::write(value, serializer)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<CertificateSigningRequestDer<'static>, D::Error> {
        super::binary::read(deserializer).map(Into::into)
    }
}

pub(super) mod chain {
    use acme_core::client::Chain;
    use serde::ser::SerializeSeq as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Read(#[serde(deserialize_with = "super::binary::read")] Vec<u8>);

    struct Written<'a>(&'a [u8]);

    impl Serialize for Written<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::binary::write(self.0, serializer)
        }
    }

    pub(in crate::record) fn serialize<S: Serializer>(value: &Chain, serializer: S) -> Result<S::Ok, S::Error> {
        let certificates = value.certificates();
        let mut list = serializer.serialize_seq(Some(certificates.len()))?;
        for certificate in certificates {
            list.serialize_element(&Written(certificate))?;
        }
        list.end()
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Chain, D::Error> {
        let list = Vec::<Read>::deserialize(deserializer)?;
        Ok(Chain::new(list.into_iter().map(|it| it.0.into()).collect()))
    }
}
