//! Every length that a remote party, or a stored record, controls, and where its bound comes from.

/// Most pauses that are kept for one certificate authority; each takes 200 to 600 bytes, and a store's value is at most 256 KiB. Those that end first give way.
pub const EMBARGOES: usize = 400;

/// Longest text of a certificate authority that is kept with a pause, in characters; enough for what Let's Encrypt says of its limits.
pub const EMBARGO_TEXT: usize = 300;

/// Largest signing request that is read. cert-manager takes 36,500 bytes of PEM; 100 names of the longest kind need 26 KiB, an RSA key of 8192 bits 2 KiB more.
pub const CSR: usize = 128 * 1024;

/// Most extensions of one certificate or signing request; real ones have a dozen at most.
pub const EXTENSIONS: usize = 64;

/// Longest object identifier, in octets of DER; the longest in use have about 20.
pub const OBJECT_IDENTIFIER: usize = 64;

/// Most attributes of a distinguished name; people and machines get by with ten.
pub const NAME_ATTRIBUTES: usize = 128;

/// Longest value of an attribute of a distinguished name, in octets: ub-name of RFC 5280 appendix A.1.
pub const NAME_VALUE: usize = 32_768;

/// Longest common name, in octets: ub-common-name of RFC 5280 appendix A.1, counted as cert-manager does.
pub const COMMON_NAME: usize = 64;

/// Longest text of a distinguished name (RFC 4514), in octets.
pub const NAME_TEXT: usize = 65_536;

/// Most rests that fail-over keeps for its issuers; each takes up to 600 bytes, and a store's value is at most 256 KiB. Those that end first give way.
pub const RESTS: usize = 300;

/// Longest text of an issuer that is kept with a rest, in characters.
pub const REST_TEXT: usize = 300;

/// Most authority key identifiers for which fail-over remembers who issues with them; public certificate authorities use a few at a time.
pub const AUTHORITIES: usize = 200;

/// Longest text of Vault that is repeated in an error, in characters; cert-manager keeps 1024 of it in a condition.
pub const VAULT_TEXT: usize = 500;

/// Longest token that Vault may hand out; service tokens have about 100 characters, batch tokens grow with their metadata.
pub const VAULT_TOKEN: usize = 16 * 1024;

/// Largest secret that is read from a file: a token, a secret id, a JWT.
pub const SECRET_FILE: usize = 64 * 1024;

/// Most certificates of one bundle; the lists of public roots hold 150, cert-manager stops at as many.
pub const BUNDLE: usize = 1000;

/// Most signatures that are tried in one bundle: as many as it has certificates of one name, as a rule one or two.
pub const SIGNATURES: usize = 256;

/// Most comparisons of names with name constraints for one certificate, as rustls-webpki counts them.
pub const NAME_COMPARISONS: usize = 250_000;

/// Longest text of a Venafi platform that is shown, in characters; its policies are explained in a sentence or two.
pub const VENAFI_TEXT: usize = 400;

/// Most errors of one answer of a Venafi platform that are shown.
pub const VENAFI_ERRORS: usize = 8;

/// Longest name of a folder, an object, an application or a template at a Venafi platform, in octets.
pub const VENAFI_NAME: usize = 1024;

/// Longest name that a certificate is picked up by at a Venafi platform, in octets: a folder, and an object in it.
pub const VENAFI_PICKUP: usize = 2 * VENAFI_NAME + 1;

/// Largest OCSP request that is read; one certificate takes about 120 octets with a nonce, RFC 5019 wants requests by GET below 255.
pub const OCSP_REQUEST: usize = 16 * 1024;

/// Most certificates of one OCSP request; nearly everybody asks for one.
pub const OCSP_CERTIFICATES: usize = 64;

/// Longest nonce of an OCSP request, in octets (RFC 9654 section 2.1).
pub const OCSP_NONCE: usize = 128;

/// Most extended key usages that are asked for; cert-manager names twelve.
pub const EXTENDED_KEY_USAGES: usize = 64;

/// Accounts at one certificate authority whose spending is remembered, as long as nobody's is over; one for each issuer of a large cluster.
pub const SPENDING_ACCOUNTS: usize = 1024;
