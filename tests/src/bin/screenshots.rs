//! Pictures of every screen, at the widths of a phone, a tablet and a desktop, light and dark, in English and Chinese.

use std::path::PathBuf;

use clap::{Parser, ValueEnum as _};
use e2e::album::{Extent, Part, Tour, Visitor, WIDTHS, write_page};
use e2e::browser::project_root;

#[derive(Parser)]
struct Options {
    /// Where the pictures go; `docs/screenshots` unless said otherwise.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only these parts; everything unless said otherwise.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Only these widths, in CSS pixels.
    #[arg(long)]
    width: Vec<u32>,
    /// Every theme and language at every width, and not only those kept in `docs/screenshots`.
    #[arg(long)]
    every_look: bool,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let out = options.out.unwrap_or_else(|| project_root().join("docs/screenshots"));
    std::fs::create_dir_all(&out).expect("the folder for pictures can be made");
    let parts = if options.only.is_empty() { Part::value_variants().to_vec() } else { options.only };
    let widths = if options.width.is_empty() { WIDTHS.to_vec() } else { options.width };
    let extent = if options.every_look { Extent::Whole } else { Extent::Kept };
    Tour::new(Visitor::Pictures { out: out.clone(), widths, extent }).walk(&parts).await;
    write_page(&out).expect("the page beside the pictures can be written");
}
