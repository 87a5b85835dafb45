//! Transaction signatures (RFC 8945): signing a request, and trusting a reply.

use acme_core::Timestamp;

use super::key::TsigKey;
use super::update::put_name;
use crate::{Error, ErrorKind};

/// A message with its signature, and the signature alone: the reply's covers it.
pub(super) struct Signed {
    pub(super) message: Vec<u8>,
    pub(super) mac: Vec<u8>,
}

/// Signs `message`, which has its id already.
pub(super) fn sign(message: &[u8], key: &TsigKey, now: Timestamp) -> Signed {
    let variables =
        Variables { time: u64::try_from(now.unix_seconds()).unwrap_or(0), fudge: FUDGE, error: 0, other: &[] };
    let mut covered = message.to_vec();
    variables.put(&mut covered, key);
    let mac = key.mac(&covered);

    let mut data = Vec::with_capacity(128);
    put_name(&mut data, key.algorithm().as_str());
    variables.put_time(&mut data);
    put_sized(&mut data, &mac);
    data.extend_from_slice(&message[..2]);
    data.extend_from_slice(&[0, 0, 0, 0]);
    let mut signed = message.to_vec();
    put_name(&mut signed, key.name());
    signed.extend_from_slice(&[0, 250, 0, 255, 0, 0, 0, 0]);
    put_sized(&mut signed, &data);
    let additional = u16::from_be_bytes([signed[10], signed[11]]) + 1;
    signed[10..12].copy_from_slice(&additional.to_be_bytes());
    Signed { message: signed, mac }
}

/// What a reply says, when it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply {
    /// The response code of the header.
    pub(super) code: u8,
    /// What was wrong with our signature.
    pub(super) fault: Option<TsigFault>,
}

impl Reply {
    /// Whether another key may do better.
    pub(super) fn refuses_key(&self) -> bool {
        matches!(self.fault, Some(TsigFault::BadKey | TsigFault::BadSignature))
    }
}

/// What a server finds wrong with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TsigFault {
    BadSignature,
    BadKey,
    BadTime,
    Other(u16),
}

/// Reads the reply to a request that was not signed.
pub(super) fn read_unsigned(reply: &[u8]) -> Result<Reply, Error> {
    let code = reply.get(3).ok_or_else(unreadable)? & 0x0f;
    Ok(Reply { code, fault: None })
}

/// Reads the reply to a request that was signed with `request_mac`. Good news must be signed; of bad news only what the protocol
/// leaves unsigned is taken (RFC 8945 section 5.3.2).
pub(super) fn verify(reply: &[u8], request_mac: &[u8], key: &TsigKey, now: Timestamp) -> Result<Reply, Error> {
    let Reply { code, .. } = read_unsigned(reply)?;
    let Some(tsig) = Tsig::last_of(reply)? else {
        return if code == 0 { Err(untrusted("is not signed")) } else { Ok(Reply { code, fault: None }) };
    };
    let fault = match tsig.error {
        0 => None,
        16 => Some(TsigFault::BadSignature),
        17 => Some(TsigFault::BadKey),
        18 => Some(TsigFault::BadTime),
        number => Some(TsigFault::Other(number)),
    };
    if tsig.mac.is_empty() {
        return match fault {
            Some(_) if code != 0 => Ok(Reply { code, fault }),
            _ => Err(untrusted("has an empty signature")),
        };
    }
    if !tsig.key.eq_ignore_ascii_case(key.name()) || !tsig.algorithm.eq_ignore_ascii_case(key.algorithm().as_str()) {
        return Err(untrusted("is signed with another key"));
    }
    let mut covered = Vec::with_capacity(reply.len() + 256);
    put_sized(&mut covered, request_mac);
    covered.extend_from_slice(&tsig.id);
    covered.extend_from_slice(&reply[2..10]);
    covered.extend_from_slice(&(u16::from_be_bytes([reply[10], reply[11]]) - 1).to_be_bytes());
    covered.extend_from_slice(&reply[12..tsig.start]);
    let variables = Variables { time: tsig.time, fudge: tsig.fudge, error: tsig.error, other: tsig.other };
    variables.put(&mut covered, key);
    if !is_equal(&key.mac(&covered), tsig.mac) {
        return Err(untrusted("has a signature that does not match"));
    }
    // A reply to a request out of time repeats the request's own (RFC 8945 section 5.2.3).
    let apart = tsig.time.abs_diff(u64::try_from(now.unix_seconds()).unwrap_or(0));
    if fault != Some(TsigFault::BadTime) && apart > u64::from(tsig.fudge) {
        return Err(untrusted("is out of time: this machine's clock and the server's differ"));
    }
    Ok(Reply { code, fault })
}

/// What is signed beside the message.
struct Variables<'a> {
    time: u64,
    fudge: u16,
    error: u16,
    other: &'a [u8],
}

impl Variables<'_> {
    fn put(&self, out: &mut Vec<u8>, key: &TsigKey) {
        put_name(out, key.name());
        out.extend_from_slice(&[0, 255, 0, 0, 0, 0]);
        put_name(out, key.algorithm().as_str());
        self.put_time(out);
        out.extend_from_slice(&self.error.to_be_bytes());
        put_sized(out, self.other);
    }

    fn put_time(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.time.to_be_bytes()[2..]);
        out.extend_from_slice(&self.fudge.to_be_bytes());
    }
}

/// The TSIG record of a reply.
struct Tsig<'a> {
    /// Where the record begins.
    start: usize,
    key: String,
    algorithm: String,
    time: u64,
    fudge: u16,
    mac: &'a [u8],
    id: [u8; 2],
    error: u16,
    other: &'a [u8],
}

impl<'a> Tsig<'a> {
    /// The last record of `reply`, if it is one.
    fn last_of(reply: &'a [u8]) -> Result<Option<Self>, Error> {
        let mut reader = Reader { all: reply, at: 4 };
        let counts = [reader.number()?, reader.number()?, reader.number()?, reader.number()?];
        for _ in 0..counts[0] {
            reader.name()?;
            reader.take(4)?;
        }
        let records: u32 = counts[1..].iter().map(|count| u32::from(*count)).sum();
        for _ in 1..records {
            reader.name()?;
            reader.take(8)?;
            reader.sized()?;
        }
        if counts[3] == 0 {
            return Ok(None);
        }
        let start = reader.at;
        let key = reader.name()?;
        if reader.number()? != 250 {
            return Ok(None);
        }
        reader.take(6)?;
        let end = reader.at + 2 + usize::from(reader.peek_number()?);
        reader.number()?;
        let algorithm = reader.name()?;
        let time = reader.take(6)?.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        let fudge = reader.number()?;
        let mac = reader.sized()?;
        let id = reader.number()?.to_be_bytes();
        let error = reader.number()?;
        let other = reader.sized()?;
        if reader.at != end || end != reply.len() {
            return Err(unreadable());
        }
        Ok(Some(Self { start, key, algorithm, time, fudge, mac, id, error, other }))
    }
}

/// Reads a message from front to back.
struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let end = self.at + length;
        let taken = self.all.get(self.at..end).ok_or_else(unreadable)?;
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u16, Error> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn peek_number(&self) -> Result<u16, Error> {
        let mut ahead = Reader { all: self.all, at: self.at };
        ahead.number()
    }

    fn sized(&mut self) -> Result<&'a [u8], Error> {
        let length = self.number()?;
        self.take(length.into())
    }

    /// A name, following pointers, which lead backwards only.
    fn name(&mut self) -> Result<String, Error> {
        let mut name = String::new();
        let mut at = self.at;
        let mut after = None;
        loop {
            let length = *self.all.get(at).ok_or_else(unreadable)?;
            match length {
                0 => break,
                1..=63 => {
                    let label = self.all.get(at + 1..at + 1 + usize::from(length));
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.extend(label.ok_or_else(unreadable)?.iter().map(|it| char::from(*it)));
                    if name.len() > 512 {
                        return Err(unreadable());
                    }
                    at += 1 + usize::from(length);
                }
                192..=255 => {
                    let low = *self.all.get(at + 1).ok_or_else(unreadable)?;
                    after.get_or_insert(at + 2);
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    if target >= at {
                        return Err(unreadable());
                    }
                    at = target;
                }
                64..=191 => return Err(unreadable()),
            }
        }
        self.at = after.unwrap_or(at + 1);
        Ok(name)
    }
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    // Everything that is written here is shorter than a DNS message.
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Compares without telling by its time where the difference lies.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && !one.is_empty() && differences == 0
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Malformed, "the reply to a DNS update could not be read")
}

fn untrusted(why: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the reply to a DNS update {why}; it may not come from the server"))
}

/// Seconds that two clocks may be apart; the value that RFC 8945 section 10 recommends.
const FUDGE: u16 = 300;

#[cfg(test)]
mod tests {
    use acme_core::{DnsName, Secret};

    use super::super::key::TsigAlgorithm;
    use super::super::update::{Change, message};
    use super::*;
    use crate::dns01::TxtRecord;

    const ADDED: &str = "123428000001000000010001076578616d706c65036f726700000600010f5f61636d652d6368616c6c656e6765c00c001000010000003c000201760861636d652d6b65790000fa00ff00000000003d0b686d61632d736861323536000000695735a5012c0020de69dad556639d4c2ec4e33b54c7400536a6e426608815d7c25ea7c03b93ff0b123400000000";
    const REMOVED: &str = "123428000001000000010001076578616d706c65036f726700000600010f5f61636d652d6368616c6c656e6765c00c001000fe00000000000201760861636d652d6b65790000fa00ff00000000003d0b686d61632d736861323536000000695735a5012c0020f45188952e9cd5eda00c612b2b3cd8c572ad6a19c7ab3c0a0c7d7560948ede2c123400000000";

    #[test]
    fn signed_updates_are_those_of_an_independent_library() {
        for (change, golden) in [(Change::Add, ADDED), (Change::Remove, REMOVED)] {
            assert_eq!(hex(&update(change).message), golden);
        }
    }

    #[test]
    fn a_reply_is_trusted_only_with_the_right_signature() {
        let request = update(Change::Add);
        let reply = reply_to(&request, &key(), now());
        let read = verify(&reply, &request.mac, &key(), now()).unwrap();
        assert_eq!((read.code, read.fault), (0, None));

        let mut other = reply.clone();
        other[3] |= 5;
        assert!(verify(&other, &request.mac, &key(), now()).is_err(), "changed code");
        assert!(verify(&reply, &[0; 32], &key(), now()).is_err(), "another request");
        let late = now() + std::time::Duration::from_secs(301);
        assert!(verify(&reply, &request.mac, &key(), late).is_err(), "too late");
        let unsigned = &reply[..12];
        let mut unsigned = unsigned.to_vec();
        unsigned[11] = 0;
        assert!(verify(&unsigned, &request.mac, &key(), now()).is_err(), "good news, unsigned");
        unsigned[3] |= 9;
        assert_eq!(verify(&unsigned, &request.mac, &key(), now()).unwrap().code, 9);
    }

    #[test]
    fn no_reply_makes_the_reader_panic() {
        let request = update(Change::Add);
        let reply = reply_to(&request, &key(), now());
        for length in 0..reply.len() {
            assert!(verify(&reply[..length], &request.mac, &key(), now()).is_err());
        }
        for at in 0..reply.len() {
            for value in [0, 1, 63, 64, 192, 255] {
                let mut broken = reply.clone();
                broken[at] = value;
                let _ = verify(&broken, &request.mac, &key(), now());
            }
        }
    }

    fn update(change: Change) -> Signed {
        let name = |text| DnsName::parse(text).unwrap();
        let record = TxtRecord::new(name("_acme-challenge.example.org"), "v", name("example.org"));
        let mut message = message(&record, &name("example.org"), change).unwrap();
        message[..2].copy_from_slice(&[0x12, 0x34]);
        sign(&message, &key(), now())
    }

    /// A reply without any section, signed as a server does.
    fn reply_to(request: &Signed, key: &TsigKey, now: Timestamp) -> Vec<u8> {
        let bare = [0x12, 0x34, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let unsigned = sign(&bare, key, now).message;
        let mut covered = Vec::new();
        put_sized(&mut covered, &request.mac);
        covered.extend_from_slice(&bare);
        let variables =
            Variables { time: u64::try_from(now.unix_seconds()).unwrap(), fudge: FUDGE, error: 0, other: &[] };
        variables.put(&mut covered, key);
        let mac = key.mac(&covered);
        let mut reply = unsigned;
        let end = reply.len() - 6;
        reply[end - 32..end].copy_from_slice(&mac);
        reply
    }

    fn key() -> TsigKey {
        let secret = Secret::new("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned());
        TsigKey::from_base64("acme-key.", TsigAlgorithm::HmacSha256, &secret).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
