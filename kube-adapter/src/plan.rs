//! What to do next, for each kind: observed in, actions out. Pure: no clock, no input and output, no chance.

pub(crate) mod certificate;
pub(crate) mod issuer;
pub(crate) mod order;
pub(crate) mod request;
