//! Every length that a remote party, or a stored record, controls, and where its bound comes from.

use std::time::Duration;

/// Largest answer body that a transport hands up. Boulder's largest answers are chains of a few KiB and orders of 100 names (~20 KiB); 1 MiB leaves room for private CAs.
pub const BODY: usize = 1024 * 1024;

/// Longest text of a problem document that is kept, in characters.
pub const PROBLEM_TEXT: usize = 2048;

/// Most subproblems that are kept; Let's Encrypt's orders hold at most 100 identifiers.
pub const SUBPROBLEMS: usize = 128;

/// Longest challenge token; RFC 8555 section 8.1 wants 128 bits of entropy (22 characters), no CA sends more than 64.
pub const TOKEN: usize = 512;

/// Most issuer domain names of a `dns-persist-01` challenge (draft-ietf-acme-dns-persist section 3.1).
pub const ISSUER_DOMAIN_NAMES: usize = 10;

/// Most parameters of a `dns-persist-01` record that are read; three are known.
pub const PERSISTENT_PARAMETERS: usize = 32;

/// Most authorizations of one order; Let's Encrypt allows 100 names, Google and ZeroSSL 100, private CAs more.
pub const AUTHORIZATIONS: usize = 1000;

/// Most challenges of one authorization that are looked at.
pub const CHALLENGES: usize = 64;

/// Most alternate chains that are offered to a choice; Let's Encrypt has offered two.
pub const ALTERNATES: usize = 16;

/// Most certificates of one chain; public chains hold two to four, cross-signed private ones a few more.
pub const CHAIN: usize = 32;

/// Most orders of an account that are read in search of an unfinished one; each is one request.
pub const ORDERS_READ: usize = 64;

/// Longest nonce that is kept; Boulder's and Pebble's have fewer than 64 characters.
pub const NONCE: usize = 512;

/// Most `Link` values read from one answer.
pub const LINKS: usize = 64;

/// Most pages of an account's order list that are walked (RFC 8555 section 7.1.2.1).
pub const ORDER_PAGES: usize = 64;

/// Longest URL that is taken from an answer.
pub const URL: usize = 2048;

/// `Retry-After` beyond this is cut to it: nothing a CA asks for today is longer than a week.
pub const RETRY_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// Immediate retries of a request refused with `badNonce` (RFC 8555 section 6.5); survives a server that rejects nine nonces in ten.
pub const BAD_NONCE_RETRIES: u32 = 64;

/// Nonces kept for later; each request gives one back, so this bounds requests in flight that need no new nonce.
pub const NONCES: usize = 64;

/// Largest value a [`Store`](crate::Store) must take: etcd's, Consul's and DynamoDB's limits lie above it.
pub const STORE_VALUE: usize = 256 * 1024;

/// Longest store key; S3 allows 1024 bytes, some file systems 255 per name.
pub const STORE_KEY: usize = 512;

/// Longest segment of a store key; leaves room for a suffix within the 255 bytes of common file systems.
pub const STORE_KEY_SEGMENT: usize = 200;
