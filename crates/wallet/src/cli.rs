//! The commands of `tapseal-wallet`.

use std::process::ExitCode;

/// Runs the command line.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
