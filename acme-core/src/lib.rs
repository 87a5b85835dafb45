//! The client side of ACME (RFC 8555) as pure state machines, and the ports around them.
