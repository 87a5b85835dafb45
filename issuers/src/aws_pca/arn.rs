//! The name of a private certificate authority.

use std::fmt;
use std::str::FromStr;

use acme_core::{Error, ErrorKind, Retry, text};
use solvers::credentials::aws::{Endpoint, Region};

/// The ARN of a certificate authority of AWS Private CA: `arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/` and its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AuthorityArn {
    arn: String,
    partition: String,
    region: Region,
}

impl AuthorityArn {
    /// Reads an ARN.
    ///
    /// # Errors
    /// `Malformed` when it is not that of a private certificate authority.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let arn = text.trim();
        Self::read(arn).ok_or_else(|| {
            let shown = text::printable(arn, 120);
            Error::new(
                ErrorKind::Malformed,
                format!("{shown:?} names no private CA: write its ARN, such as arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/…"),
            )
            .with_retry(Retry::Never)
        })
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// The partition in which it lies, as ARNs of templates there begin: `aws`.
    pub(super) fn partition(&self) -> &str {
        &self.partition
    }

    /// The region in which it lies.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The public endpoint of AWS Private CA in its region.
    ///
    /// # Errors
    /// None, for a region that parsed.
    pub fn endpoint(&self) -> Result<Endpoint, Error> {
        Endpoint::of(SERVICE, &self.region)
    }

    /// AWS Private CA behind `url`: a VPC endpoint, a FIPS endpoint, or a test server.
    ///
    /// # Errors
    /// `Malformed` when `url` holds more than scheme, host, port and a path.
    pub fn endpoint_at(&self, url: &str) -> Result<Endpoint, Error> {
        Endpoint::at(url, SERVICE, &self.region)
    }

    fn read(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let id = resource.strip_prefix("certificate-authority/")?;
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        let fits = arn.len() <= LONGEST
            && scheme == "arn"
            && service == SERVICE
            && is_name(partition)
            && is_name(id)
            && !account.is_empty()
            && account.bytes().all(|it| it.is_ascii_digit());
        let region = Region::parse(region).ok().filter(|_| fits)?;
        Some(Self { arn: arn.to_owned(), partition: partition.to_owned(), region })
    }
}

impl fmt::Display for AuthorityArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

impl FromStr for AuthorityArn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

pub(super) const SERVICE: &str = "acm-pca";
/// The service's own bound.
const LONGEST: usize = 200;
