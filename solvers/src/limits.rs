//! Every length that a remote party controls, and where its bound comes from.

use std::time::Duration;

/// Most answers held at once; a certificate authority keeps at most a few hundred orders of an account pending (Let's Encrypt: 300), 100 names each.
pub const ANSWERS: usize = 65_536;

/// Most answers to one question in a shared table; an account has one for a token, and some dozens of orders for one name at once at most.
pub const ANSWERS_SHARED: usize = 256;

/// How often a change of a shared table is tried while others change the same question; each time one of them came through.
pub const ANSWER_RACES: usize = 64;

/// How many requests a listener looks up in a shared table at once; others get what a token gets that nobody knows. A certificate authority opens some five per challenge.
pub const ANSWER_LOOKUPS: usize = 32;

/// Longest head of an HTTP request that is read; validators send some 300 bytes, browsers with cookies up to 8 KiB.
pub const HTTP_HEAD: usize = 8 * 1024;

/// Connections that the HTTP-01 listener holds at once; above it the oldest one gives way. A certificate authority opens some five per challenge.
pub const HTTP_CONNECTIONS: usize = 512;

/// How long a client of the HTTP-01 listener may take from its connection to the end of the answer; Boulder gives a validation 10 s.
pub const HTTP_TIME: Duration = Duration::from_secs(10);

/// Requests for tokens nobody knows yet that the HTTP-01 listener holds at once; a certificate authority opens some five per challenge.
pub const HTTP_HELD: usize = 32;

/// Longest path of a request for a token: the fixed part, and a token of 128 bits or more (RFC 8555 section 8.3), of which public servers send 43 characters.
pub const HTTP_PATH: usize = 256;

/// Redirects that a self-check of HTTP-01 follows; Boulder follows ten.
pub const SELF_CHECK_REDIRECTS: usize = 10;

/// How long one self-check of HTTP-01 may take until no redirect is followed any more; cert-manager's limit.
pub const SELF_CHECK_TIME: Duration = Duration::from_secs(10);

/// How much is shown of the beginning of a wrong answer to HTTP-01, in characters; a title or an error code is in it, no page.
pub const SELF_CHECK_SHOWN: usize = 80;

/// How much is shown of the name that a server gives itself, in characters; the longest known ones (with modules) have some 80.
pub const SERVER_SHOWN: usize = 80;

/// Certificates for TLS-ALPN-01 kept ready; each is rebuilt in less than a millisecond when it is not.
pub const CHALLENGE_CERTIFICATES: usize = 1024;

/// How long one DNS question may take over one transport; cert-manager's and lego's limit.
pub const DNS_TIME: Duration = Duration::from_secs(10);

/// How long one name server may take where there is another way to find out: as impatient as clients that try the next server.
pub const DNS_QUICK_TIME: Duration = Duration::from_secs(3);

/// UDP payload announced by EDNS; 1232 bytes pass every path without fragments (DNS flag day 2020).
pub const DNS_UDP_PAYLOAD: u16 = 1232;

/// Records of one type that are read from one DNS answer.
pub const DNS_RECORDS: usize = 1024;

/// Longest string of a TXT record (RFC 1035 section 3.3), and with it the longest value that is written: how a longer one is to be cut differs from service to service, and none
/// is known to need it. DNS-01's have 43 bytes; those of `dns-persist-01` some 130 where public certificate authorities name accounts by URLs, and 255 leave 180 for such a URL. Longer
/// ones are read, whoever wrote them.
pub const TXT_STRING: usize = 255;

/// A record of `dns-persist-01` that ends within this time is taken to be gone: an order with its checks may last as long.
pub const PERSISTENT_MARGIN: Duration = Duration::from_secs(3600);

/// CNAME records followed from one name; lego stops after 50, BIND after 16.
pub const CNAME_HOPS: usize = 16;

/// Name servers of one zone that are asked; `.com` has 13.
pub const NAME_SERVERS: usize = 32;

/// Addresses of one web server that are tried; large services name some eight of each kind.
pub const HOST_ADDRESSES: usize = 32;

/// How long the addresses of a zone's name servers are believed while records are looked for.
pub const NAME_SERVERS_TTL: Duration = Duration::from_secs(60);

/// How long name servers of a zone are not asked again of whom none answered.
pub const DNS_SILENCE: Duration = Duration::from_secs(60);

/// Addresses of one name server that are tried.
pub const NAME_SERVER_ADDRESSES: usize = 8;

/// Zones kept in the cache of the SOA walk.
pub const ZONE_CACHE: usize = 4096;

/// Longest time that a zone cut is believed, whatever its TTL says; a day covers every cut that matters to one issuance.
pub const ZONE_TTL: Duration = Duration::from_secs(24 * 3600);

/// Longest shared config or credentials file of AWS, and longest token file, that is read; generated ones of a thousand profiles have some 200 KiB.
pub const AWS_PROFILES: usize = 1024 * 1024;

/// Most roles that are assumed one after the other; AWS's own libraries have no bound, people use one or two.
pub const AWS_ROLES: usize = 8;

/// Longest ARN; IAM's own bound.
pub const AWS_ARN: usize = 2048;

/// Longest part of credentials that is taken from an answer; session tokens have 400 to 4096 characters, and no promised bound.
pub const AWS_TOKEN: usize = 64 * 1024;

/// Longest text of AWS that is kept with an error, in characters; a denial names a principal, an action and a resource.
pub const AWS_MESSAGE: usize = 1024;

/// Longest access token that is taken from an answer; Microsoft's have some 2 KiB, Google's at most 2 KiB, and none a promised bound.
pub const ACCESS_TOKEN: usize = 64 * 1024;

/// Longest time that an access token is believed to be good for, whatever its answer says; Microsoft's live up to a day.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How deep an XML answer may be nested; Route 53's and STS's are at most 8 deep.
pub const XML_DEPTH: usize = 32;

/// Most elements of an XML answer; a page of 300 record sets has some 3000.
pub const XML_ELEMENTS: usize = 65_536;

/// Longest text of a DNS service that is kept with an error, in characters.
pub const DNS_API_MESSAGE: usize = 1024;

/// Most pages of one list that are read from a DNS service; a page holds 100 records or more, and one name some dozens.
pub const DNS_API_PAGES: usize = 20;

/// Most values for which a fixed time is waited; a certificate authority keeps at most a few hundred orders of an account pending, 100 names each.
pub const DNS_WAITS: usize = 65_536;

/// Most identifiers of zones, and most of records, that are remembered of one DNS service.
pub const DNS_API_IDS: usize = 4096;

/// How long a service's identifier of a zone or a record is believed; it changes when the thing is deleted and made again.
pub const DNS_API_ID_TTL: Duration = Duration::from_secs(3600);

/// How long one run of a program that writes DNS records may take; lego's limit for one record.
pub const EXEC_TIME: Duration = Duration::from_secs(60);

/// Longest file that holds one secret; private keys in JSON have some 3 KiB.
pub const SECRET_FILE: u64 = 64 * 1024;

/// Most changes in one batch of Route 53: an UPSERT counts twice against its 32,000 characters, which 350 values of 45 fill.
pub const ROUTE53_BATCH: usize = 300;

/// Most values that are remembered as being on their way to Route 53's servers; each is forgotten when it arrived.
pub const ROUTE53_CHANGES: usize = 4096;
