//! `tapseal-wallet`: the wallet without a window.

fn main() -> std::process::ExitCode {
    wallet::cli::main()
}
