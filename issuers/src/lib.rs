//! A signing request in, a certificate chain out: ACME and other certificate authorities.
