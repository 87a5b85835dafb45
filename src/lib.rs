//! Issues, renews, keeps and serves X.509 certificates.
