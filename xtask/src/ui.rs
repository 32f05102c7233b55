//! The `ui` verb: the screens as WebAssembly in `ui/dist`.

use clap::Args;

use crate::failure::Failure;
use crate::web::{self, Bundle, Profile};
use crate::{repository, setup};

/// How to build the screens.
#[derive(Args)]
pub struct Options {
    /// Quick to build and large to load, for work on the screens.
    #[arg(long)]
    dev: bool,
    /// Fail when the module is larger than it may be.
    #[arg(long, conflicts_with = "dev")]
    check_size: bool,
    /// Beside it the bundle with the catalogue and the pseudo-locale, into ui/dist-workbench, and the payment page's
    /// module: the tests walk through both.
    #[arg(long)]
    workbench: bool,
}

/// Installs the wasm target when it is not there, and builds the screens.
pub fn run(options: &Options) -> Result<(), Failure> {
    let profile = if options.dev { Profile::Dev } else { Profile::Wasm };
    build(profile)?;
    if options.workbench {
        web::build(&repository::root(), profile, Bundle::Workbench)?;
        web::build_page(&repository::root())?;
    }
    if options.dev {
        return Ok(());
    }
    let size = web::size::of_bundle(&repository::root())?;
    println!("{size}");
    if options.check_size { Ok(size.check()?) } else { Ok(()) }
}

/// Builds the module of the payment page.
pub fn build_page() -> Result<(), Failure> {
    setup::for_ui()?;
    web::build_page(&repository::root())?;
    println!("{}", web::page_folder(&repository::root()).display());
    Ok(())
}

/// Builds the screens as they are shipped.
pub fn build_for_window() -> Result<(), Failure> {
    build(Profile::Wasm)
}

fn build(profile: Profile) -> Result<(), Failure> {
    setup::for_ui()?;
    Ok(web::build(&repository::root(), profile, Bundle::Screens)?)
}
