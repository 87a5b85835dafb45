//! Hostile input for every parser of certwright.
