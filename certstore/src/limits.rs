//! Every length that a file or a wish from elsewhere controls, and where its bound comes from.

/// Most certificates of one key store; Java's own file of trusted authorities holds about 150.
pub const KEYSTORE_CERTIFICATES: usize = 1024;

/// Largest key store that is read; with the certificates above it stays under 4 MiB.
pub const KEYSTORE: usize = 4 * 1024 * 1024;

/// Most rounds of key derivation that reading one key store may cost in all; OpenSSL writes 3 × 2048, Java 3 × 10,000, the most cautious a few 100,000.
pub const KEYSTORE_ROUNDS: u32 = 2_000_000;

/// Longest key that authenticates a key store by PBMAC1, in octets: what SHA-512 gives, as OpenSSL and Go bound it.
pub const KEYSTORE_AUTHENTICATION_KEY: usize = 64;

/// Most sealed parts of one key store that are opened; there are two or three in what programs write, one for each key.
pub const KEYSTORE_PARTS: usize = 64;

/// Longest name of an entry, in octets; Java writes its length into two.
pub const KEYSTORE_ALIAS: usize = 65_535;

/// Longest cron expression, in octets: every value of its five fields, written out, takes under 500.
pub const CRON: usize = 1024;

/// Most renewal windows of one certificate; one for each day and hour of the week that people work in takes 40.
pub const RENEWAL_WINDOWS: usize = 64;

/// How many years ahead the next opening of a window is looked for, as cert-manager's cron has it.
pub const RENEWAL_WINDOW_YEARS: i16 = 5;
