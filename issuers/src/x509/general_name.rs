//! Names of every kind (GeneralName of RFC 5280 section 4.2.1.6).

use std::net::IpAddr;

use acme_core::der::{self, Reader};
use acme_core::{DnsName, Error, ErrorKind, Identifier};

/// A name, as it stands in a certificate or a signing request.
///
/// Text is kept as octets: what stands there should be ASCII, and is not always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the choices of RFC 5280")]
pub enum RawGeneralName<'a> {
    /// A name of a form of its own.
    Other {
        /// The content of the OBJECT IDENTIFIER of that form.
        form: &'a [u8],
        /// The value with its tag and length.
        value: &'a [u8],
    },
    /// An e-mail address (`rfc822Name`).
    Email(&'a [u8]),
    /// A DNS name.
    Dns(&'a [u8]),
    /// An X.400 address: the content.
    X400(&'a [u8]),
    /// A directory name: the whole Name.
    Directory(&'a [u8]),
    /// An EDI party name: the content.
    EdiParty(&'a [u8]),
    /// A URI.
    Uri(&'a [u8]),
    /// An address of four or sixteen octets; in name constraints twice that.
    Ip(&'a [u8]),
    /// A registered object identifier: the content.
    Registered(&'a [u8]),
}

impl<'a> RawGeneralName<'a> {
    /// The name as an identifier; `None` for kinds that are not for servers (e-mail addresses, directory names, …).
    ///
    /// # Errors
    /// `Malformed` when it says that it is a DNS name or an address, and is none.
    pub fn identifier(&self) -> Result<Option<Identifier>, Error> {
        match self {
            Self::Dns(name) => match std::str::from_utf8(name) {
                Ok(name) => DnsName::parse(name).map(|name| Some(name.into())),
                Err(_) => Err(Error::new(ErrorKind::Malformed, "a DNS name that is not even text")),
            },
            Self::Ip(octets) => match address(octets) {
                Some(address) => Ok(Some(address.into())),
                None => Err(Error::new(ErrorKind::Malformed, format!("an address of {} octets", octets.len()))),
            },
            Self::Other { .. }
            | Self::Email(_)
            | Self::X400(_)
            | Self::Directory(_)
            | Self::EdiParty(_)
            | Self::Uri(_)
            | Self::Registered(_) => Ok(None),
        }
    }

    /// The next name that `reader` stands before.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let name = reader.any()?;
        Some(match name.tag {
            0xa0 => {
                let mut fields = Reader::new(name.content);
                let form = fields.value(der::OBJECT_IDENTIFIER)?;
                let value = fields.enter(der::context_constructed(0))?.any()?.whole;
                fields.end()?;
                Self::Other { form, value }
            }
            0x81 => Self::Email(name.content),
            0x82 => Self::Dns(name.content),
            0xa3 => Self::X400(name.content),
            0xa4 => {
                let mut inside = Reader::new(name.content);
                let directory = inside.whole(der::SEQUENCE)?;
                inside.end()?;
                Self::Directory(directory)
            }
            0xa5 => Self::EdiParty(name.content),
            0x86 => Self::Uri(name.content),
            0x87 => Self::Ip(name.content),
            0x88 => Self::Registered(name.content),
            _ => return None,
        })
    }

    /// The names of a SEQUENCE OF GeneralName, in order.
    pub(crate) fn list(value: &'a [u8]) -> Option<Vec<Self>> {
        let mut list = Reader::only(der::SEQUENCE, value)?;
        let mut names = Vec::new();
        while !list.is_empty() {
            names.push(Self::read(&mut list)?);
        }
        Some(names)
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}
