//! The `screenshots` verb: a picture of every screen into `docs/screenshots`, on real servers and a real wallet.

use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::repository::{cargo, program, target_folder};
use crate::{setup, ui};

/// Builds the screens and the programs, and walks through every screen.
pub fn run() -> Result<(), Failure> {
    setup::for_screenshots()?;
    ui::build_for_window()?;
    let programs = ["--package=tapseal", "--package=wallet", "--package=virtual-card", "--package=e2e"];
    show(cargo(["build", "--bins"].into_iter().chain(programs)))?;
    show(command(program(&target_folder()?, "screenshots"), [""; 0]))
}
