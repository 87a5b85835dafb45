//! What a scrape looks at: rows that are lent by whoever keeps the records.

use acme_core::Timestamp;

/// What is there, row by row. Each function lends every row once.
///
/// # Contract
/// 1. Rows come from memory: nothing is asked of anybody.
/// 2. Nothing of a Secret is in them.
pub trait Census {
    /// Every Certificate.
    fn certificates(&self, row: &mut dyn FnMut(CertificateRow<'_>));

    /// Every Issuer and ClusterIssuer.
    fn issuers(&self, row: &mut dyn FnMut(IssuerRow<'_>));

    /// Every CertificateRequest.
    fn requests(&self, row: &mut dyn FnMut(RequestRow<'_>));

    /// Every Order.
    fn orders(&self, row: &mut dyn FnMut(OrderRow<'_>));

    /// Every Challenge.
    fn challenges(&self, row: &mut dyn FnMut(ChallengeRow<'_>));

    /// How many keys wait for their turn, by the name of their class.
    fn queue(&self, row: &mut dyn FnMut(&str, usize));

    /// Whether this process may act.
    fn leads(&self) -> bool;
}

/// The issuer that is referred to, as it is written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "implementers of `Census` make it")]
pub struct IssuerOf<'a> {
    /// Its group.
    pub group: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// The status of a condition `Ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Ready {
    /// It is.
    True,
    /// It is not.
    False,
    /// There is no such condition, or it says so.
    Unknown,
}

impl Ready {
    /// All three.
    pub const ALL: [Self; 3] = [Self::True, Self::False, Self::Unknown];

    /// As conditions write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// A Certificate.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "implementers of `Census` make it")]
pub struct CertificateRow<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its issuer.
    pub issuer: IssuerOf<'a>,
    /// Whether it is ready.
    pub ready: Ready,
    /// `status.notBefore`.
    pub not_before: Option<Timestamp>,
    /// `status.notAfter`.
    pub not_after: Option<Timestamp>,
    /// `status.renewalTime`.
    pub renewal: Option<Timestamp>,
    /// When the next attempt is made, after one that failed.
    pub next_attempt: Option<Timestamp>,
}

/// An Issuer or ClusterIssuer.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "implementers of `Census` make it")]
pub struct IssuerRow<'a> {
    /// Its namespace; a ClusterIssuer has none.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Whether it is ready.
    pub ready: Ready,
}

/// A CertificateRequest.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "implementers of `Census` make it")]
pub struct RequestRow<'a> {
    /// Its issuer.
    pub issuer: IssuerOf<'a>,
    /// The reason of its condition `Ready`; empty without one.
    pub reason: &'a str,
}

/// An Order.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "implementers of `Census` make it")]
pub struct OrderRow<'a> {
    /// Its issuer.
    pub issuer: IssuerOf<'a>,
    /// `status.state`; empty before there is one.
    pub state: &'a str,
}

/// A Challenge.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "implementers of `Census` make it")]
pub struct ChallengeRow<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `spec.dnsName`.
    pub domain: &'a str,
    /// `spec.type`.
    pub kind: &'a str,
    /// `status.state`; empty before there is one.
    pub state: &'a str,
    /// `status.reason`.
    pub reason: &'a str,
    /// `status.processing`.
    pub processing: bool,
}
