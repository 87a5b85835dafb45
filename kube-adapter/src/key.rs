//! What objects are called: names, keys, uids and versions.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU64;

use arcstr::ArcStr;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Namespace and name of an object. The namespace of what has none is empty.
///
/// It is one pointer to one piece of memory, since tables, indices and queues hold it many times, and there are thousands of them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(ArcStr);

impl Name {
    /// The name of an object in a namespace.
    pub fn new(namespace: impl AsRef<str>, object: impl AsRef<str>) -> Self {
        let (namespace, object) = (namespace.as_ref(), object.as_ref());
        let mut text = String::with_capacity(namespace.len() + 1 + object.len());
        text.push_str(namespace);
        text.push(BETWEEN);
        text.push_str(object);
        Self(text.into())
    }

    /// The name of an object of the whole cluster.
    pub fn of_cluster(object: impl AsRef<str>) -> Self {
        Self::new("", object)
    }

    /// What the metadata of an object calls it.
    pub(crate) fn of(metadata: &ObjectMeta) -> Self {
        Self::new(metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
    }

    /// Another object of the same namespace.
    pub fn beside(&self, object: impl AsRef<str>) -> Self {
        let object = object.as_ref();
        if object == self.object() { self.clone() } else { Self::new(self.namespace(), object) }
    }

    /// The namespace; empty for objects of the whole cluster.
    pub fn namespace(&self) -> &str {
        self.halves().0
    }

    /// The name within the namespace.
    pub fn object(&self) -> &str {
        self.halves().1
    }

    /// Of names that the API server takes, none of a namespace has what stands between.
    fn halves(&self) -> (&str, &str) {
        self.0.split_once(BETWEEN).unwrap_or_default()
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.halves().cmp(&other.halves())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace() {
            "" => f.write_str(self.object()),
            namespace => write!(f, "{namespace}/{}", self.object()),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What stands between the two halves of a name.
const BETWEEN: char = '/';

/// The kinds that are stepped by the loop. What belongs to one of them (the request of a Certificate, the Challenges of an Order) is stepped with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A Certificate with its requests and Secrets.
    Certificate,
    /// A CertificateRequest that no Certificate owns.
    CertificateRequest,
    /// An Issuer.
    Issuer,
    /// A ClusterIssuer.
    ClusterIssuer,
    /// An Order with its Challenges.
    Order,
    /// The Service of a namespace that leads to the solver of HTTP-01.
    SolverService,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What the loop steps: one object with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
}

impl Key {
    /// The key of an object.
    pub fn new(kind: Kind, name: Name) -> Self {
        Self { kind, name }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// The uid of an object: sixteen bytes where it is a UUID, as it always was so far.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Uid {
    /// The halves of a UUID. The first is never zero, which tells it from a text without a byte more.
    Uuid(NonZeroU64, u64),
    /// Something else.
    Text(Box<Box<str>>),
}

impl Uid {
    pub(crate) fn parse(text: &str) -> Self {
        let number = Self::read(text.as_bytes()).map(u128::from_be_bytes);
        let halves = number.and_then(|it| Some((NonZeroU64::new((it >> 64) as u64)?, it as u64)));
        halves.map_or_else(|| Self::Text(Box::new(text.into())), |(high, low)| Self::Uuid(high, low))
    }

    /// The bytes of a UUID in the only form that is written back the same.
    fn read(text: &[u8]) -> Option<[u8; 16]> {
        let text: &[u8; 36] = text.try_into().ok()?;
        if DASHES.iter().any(|at| text[*at] != b'-') {
            return None;
        }
        let (mut bytes, mut seen) = ([0; 16], 0);
        for (byte, at) in bytes.iter_mut().zip(PAIRS) {
            let (high, low) = (DIGITS[usize::from(text[at])], DIGITS[usize::from(text[at + 1])]);
            seen |= high | low;
            *byte = high << 4 | low;
        }
        (seen < NO_DIGIT).then_some(bytes)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(high, low) => {
                let (a, b, c) = (high.get() >> 32, high.get() >> 16 & 0xffff, high.get() & 0xffff);
                write!(f, "{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Where the dashes of a UUID are.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// Where its pairs of digits begin.
const PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// What each byte is as a digit of a UUID.
const DIGITS: [u8; 256] = {
    let (mut digits, mut digit) = ([NO_DIGIT; 256], 0);
    while digit < 16 {
        digits[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

const NO_DIGIT: u8 = 0x10;

/// The resourceVersion of an object. Numbers can be compared (by contract from Kubernetes 1.35 on); other texts are only equal or not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Version {
    Number(u64),
    Text(Box<str>),
}

impl Version {
    /// No object has it: whatever is heard is newer.
    pub(crate) const OLDEST: Self = Self::Number(0);

    pub(crate) fn parse(text: &str) -> Self {
        let is_plain = text.bytes().all(|it| it.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        match text.parse::<u64>() {
            Ok(number) if is_plain => Self::Number(number),
            Ok(_) | Err(_) => Self::Text(text.into()),
        }
    }

    /// Is this an older state than `other`? Unknown counts as no.
    pub(crate) fn is_older_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(mine), Self::Number(theirs)) => mine.cmp(theirs) == Ordering::Less,
            (Self::Number(_) | Self::Text(_), Self::Number(_) | Self::Text(_)) => false,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Which object, and which state of it: what every answer to a write is reduced to, and what deletions and patches insist on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) uid: Uid,
    pub(crate) version: Version,
}

impl Identity {
    /// Uid and version in the metadata of an object that came from the API server.
    pub(crate) fn of(metadata: &ObjectMeta) -> Option<Self> {
        let uid = Uid::parse(metadata.uid.as_deref()?);
        let version = Version::parse(metadata.resource_version.as_deref()?);
        Some(Self { uid, version })
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, Name, Uid, Version};

    #[test]
    fn a_uid_prints_as_it_was_read() {
        for text in [
            "3f1f9f0e-55a3-4b43-9d0f-0a43b1a0f5b1",
            "00000000-0000-0000-0000-000000000001",
            "not-a-uuid",
            "3F1F9F0E-55A3-4B43-9D0F-0A43B1A0F5B1",
        ] {
            assert_eq!(Uid::parse(text).to_string(), text);
        }
    }

    #[test]
    fn an_identity_takes_no_more_than_its_numbers() {
        assert_eq!((size_of::<Uid>(), size_of::<Version>(), size_of::<Identity>()), (16, 16, 32));
    }

    #[test]
    fn names_are_sorted_by_namespace_first() {
        let mut names = [Name::new("b", "a"), Name::new("a-b", "a"), Name::new("a", "c"), Name::new("", "ab")];
        names.sort();
        assert_eq!(names.map(|it| it.to_string()), ["ab", "a/c", "a-b/a", "b/a"]);
        assert_ne!(Name::new("ab", "c"), Name::new("a", "bc"));
    }

    #[test]
    fn versions_that_are_numbers_have_an_order() {
        assert!(Version::parse("99").is_older_than(&Version::parse("100")));
        assert!(!Version::parse("100").is_older_than(&Version::parse("100")));
        assert!(!Version::parse("a").is_older_than(&Version::parse("b")));
        assert_eq!(Version::parse("007").to_string(), "007");
    }
}
