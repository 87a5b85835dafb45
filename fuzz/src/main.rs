//! Runs generated inputs through the targets; `--help` says how.

fn main() -> std::process::ExitCode {
    certwright_fuzz::stable::run(std::env::args().skip(1))
}
