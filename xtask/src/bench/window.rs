//! The window's measurements: the module's size, cold start and memory beside an empty Tauri program that is built in
//! the same run, and the longest task of the screens' thread while a payment is made.

use super::hello;
use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::repository::{cargo, release_program, root, target_folder};
use crate::test::desktop::Desktop;
use crate::web::size;
use crate::{setup, ui};

/// The drivers, and what they start.
const PROGRAMS: [&str; 12] = [
    "--package=tapseal",
    "--package=wallet",
    "--package=virtual-card",
    "--package=tapseal-app",
    "--package=e2e",
    "--bin=tapseal",
    "--bin=tapseal-wallet",
    "--bin=tapseal-card",
    "--bin=tapseal-app",
    "--bin=wallet_bridge",
    "--bin=window_start",
    "--bin=window_tasks",
];

/// Builds everything for release and prints the measurements as they come.
pub fn measure() -> Result<(), Failure> {
    setup::for_screenshots()?;
    setup::for_everything()?;
    ui::build_for_window()?;
    println!("{}", size::of_bundle(&root())?);
    show(cargo(["build", "--release"].into_iter().chain(PROGRAMS)))?;
    let target = target_folder()?;
    let hello = hello::build(&target)?;
    let desktop = Desktop::start()?;
    let mut start = command(release_program(&target, "window_start"), ["--hello"]);
    start.arg(hello);
    desktop.enter(&mut start);
    show(start)?;
    show(command(release_program(&target, "window_tasks"), [""; 0]))
}
