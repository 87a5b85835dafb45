//! Hostile input for every parser of certwright.
//!
//! A target is a plain function over bytes ([`targets`]) that must not panic; most also demand something of what was read. Two
//! things feed them: libFuzzer through `cargo fuzz run TARGET fuzz/seeds/TARGET` (nightly), and on stable
//! `cargo run -p certwright-fuzz -- --inputs 100000`, which mutates the same seeds ([`inputs`]) the same way every time.
//!
//! An input that was once too much becomes a seed.

pub mod chance;
mod dns;
mod failover;
pub mod inputs;
pub mod json;
pub mod stable;
pub mod targets;
mod venafi;
pub mod vouched;

/// The program of one target: libFuzzer's under `cargo fuzz`, the stable driver's otherwise.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::targets::$name(bytes));

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::stable::run(std::env::args().skip(1).chain([stringify!($name).to_owned()]))
        }
    };
}
