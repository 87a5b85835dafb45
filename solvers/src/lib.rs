//! Make ACME challenges answerable: HTTP-01, TLS-ALPN-01, DNS-01 and its providers.
