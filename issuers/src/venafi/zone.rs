//! What a zone gives a request that leaves it open.

/// The defaults of a zone. The service applies them by itself; they are for those who draft signing requests or show what will happen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Zone {
    /// The organization.
    pub organization: Option<String>,
    /// The organizational units.
    pub organizational_units: Vec<String>,
    /// The city.
    pub locality: Option<String>,
    /// The state or province.
    pub province: Option<String>,
    /// The country, as two letters.
    pub country: Option<String>,
    /// The kind of key, in the service's words: `RSA`, `ECC`, `EC`.
    pub key_type: Option<String>,
    /// The size of an RSA key, in bits.
    pub key_bits: Option<u32>,
    /// The curve, in the service's words.
    pub key_curve: Option<String>,
}
