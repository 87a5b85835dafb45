//! Keep, renew and serve X.509 certificates.
