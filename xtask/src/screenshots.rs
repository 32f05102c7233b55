//! The `screenshots` verb: a picture of every screen into `docs/screenshots`, taken from the real window.

use crate::failure::Failure;
use crate::invocation::show;
use crate::repository::cargo;
use crate::test::desktop::Desktop;
use crate::{setup, ui};

/// Builds the window and walks it through every screen on a display of its own.
pub fn run() -> Result<(), Failure> {
    setup::for_everything()?;
    ui::build_for_window()?;
    show(cargo(["build", "--workspace", "--bins"]))?;
    let desktop = Desktop::start()?;
    let mut walk = cargo(["run", "--package", "e2e", "--bin", "screenshots"]);
    desktop.enter(&mut walk);
    show(walk)
}
