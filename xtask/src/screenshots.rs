//! The `screenshots` verb: a picture of every screen into `docs/screenshots`, on real servers and a real wallet.

use clap::Args;

use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::repository::{cargo, program, root, target_folder};
use crate::{setup, ui, web};

/// What is pictured, and where the pictures go.
#[derive(Args)]
pub struct Options {
    /// Words for the program that takes them: `--only PART`, `--width 390`, `--out FOLDER`; `--help` lists the parts.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Builds the screens and the programs, and walks through every screen.
pub fn run(options: &Options) -> Result<(), Failure> {
    setup::for_screenshots()?;
    ui::build_for_window()?;
    ui::build_page()?;
    let programs = ["--package=tapseal", "--package=wallet", "--package=virtual-card", "--package=e2e"];
    show(cargo(["build", "--bins"].into_iter().chain(programs)))?;
    let mut camera = command(program(&target_folder()?, "screenshots"), &options.words);
    camera.env("TAPSEAL_TEST_PAGE", web::page_folder(&root()));
    show(camera)
}
