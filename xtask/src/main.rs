//! `cargo xtask`: set-up, demo, tests and measurements. One module per verb; a verb installs what it needs itself.

mod bench;
mod card_service;
mod catalogue;
mod demo;
mod failure;
mod fuzz;
mod icons;
mod invocation;
mod licences;
mod package;
mod platforms;
mod postgres;
mod processes;
mod progress;
mod repository;
mod screenshots;
mod setup;
mod test;
mod torture;
mod ui;
mod web;
mod wine;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use failure::Failure;

/// Set-up, demo, tests and measurements of Tapseal.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install everything the other verbs may need: system packages, the wasm target, checking tools.
    Setup(setup::Options),
    /// Pay one request end to end on this machine: merchant, servers, bank, card, wallet, receipt.
    Demo(demo::Options),
    /// Everything the continuous check runs: format, lints, policy, advisories, every test.
    Test(test::Options),
    /// Measure the seal against its raw cost, card reads against the standard's least, and payments per second.
    Bench(bench::Options),
    /// Kill payment server and bank front again and again while payers pay, and audit that no payment is lost or doubled.
    Torture(torture::Options),
    /// Throw made-up input at every parser of what others wrote, guided by coverage.
    Fuzz(fuzz::Options),
    /// Type-check the window for Android, iOS, macOS and Windows, and check its Kotlin and Swift parts.
    Platforms(platforms::Options),
    /// Make a Debian package of the wallet, and test it in a clean root.
    Package(package::Options),
    /// Write the licences of everything the wallet ships with into the asset its about page reads.
    Licences(licences::Options),
    /// Take a picture of every screen into docs/screenshots.
    Screenshots(screenshots::Options),
    /// Build the screens into ui/dist.
    Ui(ui::Options),
    /// Build the payment page's module, for the payment server's --payment-page.
    Page,
    /// Draw the icons of every platform from icons/*.svg.
    Icons,
    /// Show every component of the screens in all its states, and take pictures of them.
    Catalogue(catalogue::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    processes::stop_all_on_interrupt();
    let done = match cli.verb {
        Verb::Setup(options) => setup::run(&options),
        Verb::Demo(options) => demo::run(&options),
        Verb::Test(options) => {
            let code = test::run(&options);
            processes::leave_the_end_to_an_interrupt();
            return code;
        }
        Verb::Bench(options) => bench::run(&options),
        Verb::Torture(options) => torture::run(&options),
        Verb::Fuzz(options) => fuzz::run(&options),
        Verb::Platforms(options) => platforms::run(&options),
        Verb::Package(options) => package::run(&options),
        Verb::Licences(options) => licences::run(&options),
        Verb::Screenshots(options) => screenshots::run(&options),
        Verb::Ui(options) => ui::run(&options),
        Verb::Page => ui::build_page(),
        Verb::Icons => icons::run(),
        Verb::Catalogue(options) => catalogue::run(&options),
    };
    report(done)
}

/// Says what went wrong, on stderr, and turns it into the exit code.
fn report(done: Result<(), Failure>) -> ExitCode {
    processes::leave_the_end_to_an_interrupt();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
