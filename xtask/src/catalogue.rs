//! The `catalogue` verb: every component of the screens in all its states, in a browser or as pictures.

mod serve;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::failure::Failure;
use crate::invocation::{command, run as run_to_end};
use crate::progress::Progress;
use crate::repository::root;
use crate::setup;
use crate::web::{self, Bundle, Profile};

/// The page of the catalogue in its bundle.
const PAGE: &str = "index.html?catalogue";
/// Phone, tablet and desktop, in CSS pixels, and how tall a picture must be for the whole page to be in it.
const SIZES: [(u32, u32); 3] = [(390, 11_000), (834, 6_500), (1280, 5_200)];
/// The looks that are pictured, as the page's address says them.
const LOOKS: [(&str, &str); 7] = [
    ("light-en", "theme=light&lang=en"),
    ("dark-en", "theme=dark&lang=en"),
    ("light-zh", "theme=light&lang=zh-Hans"),
    ("dark-zh", "theme=dark&lang=zh-Hans"),
    ("light-more-en", "theme=light&contrast=more&lang=en"),
    ("dark-more-en", "theme=dark&contrast=more&lang=en"),
    ("light-rtl-en", "theme=light&dir=rtl&lang=en"),
];
/// The browser's own clock runs on until this much of it has passed: by then everything is drawn.
const DRAWN_WAIT: Duration = Duration::from_secs(8);

/// What to do with the catalogue.
#[derive(Args)]
pub struct Options {
    /// Write pictures of it into this folder, and end.
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Only build it, into ui/dist-workbench.
    #[arg(long, conflicts_with = "pictures")]
    build: bool,
    /// Take the bundle that was built last.
    #[arg(long)]
    as_built: bool,
}

/// Builds the catalogue and shows it.
pub fn run(options: &Options) -> Result<(), Failure> {
    if !options.as_built {
        setup::for_ui()?;
        web::build(&root(), Profile::Wasm, Bundle::Workbench)?;
    }
    let bundle = root().join(Bundle::Workbench.folder());
    if options.build {
        println!("{}", bundle.display());
        return Ok(());
    }
    let address = serve::serve(&bundle)?;
    if let Some(folder) = &options.pictures {
        return take_pictures(&address, folder);
    }
    println!("http://{address}/{PAGE}\nEnter ends it.");
    std::io::stdin().read_line(&mut String::new()).map_err(Failure::io("waiting"))?;
    Ok(())
}

fn take_pictures(address: &str, folder: &Path) -> Result<(), Failure> {
    setup::for_screenshots()?;
    std::fs::create_dir_all(folder).map_err(Failure::io("making the folder"))?;
    let profile = tempfile::tempdir().map_err(Failure::io("making a folder"))?;
    for (width, height) in SIZES {
        for (name, look) in LOOKS {
            let file = folder.join(format!("catalogue-{width}-{name}.png"));
            let progress = Progress::start(file.display().to_string());
            let arguments = [
                "--headless=new".to_owned(),
                "--no-sandbox".to_owned(),
                "--disable-gpu".to_owned(),
                "--hide-scrollbars".to_owned(),
                format!("--user-data-dir={}", profile.path().display()),
                format!("--virtual-time-budget={}", DRAWN_WAIT.as_millis()),
                format!("--window-size={width},{height}"),
                format!("--screenshot={}", file.display()),
                format!("http://{address}/{PAGE}&{look}"),
            ];
            run_to_end(command("chromium", arguments), &progress)?;
        }
    }
    Ok(())
}
