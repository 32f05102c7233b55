//! Pictures of every screen, at the widths of a phone, a tablet and a desktop, light and dark, in English and Chinese.

use std::path::PathBuf;

use clap::{Parser, ValueEnum as _};
use e2e::album::{Part, Tour, Visitor, WIDTHS};
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
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let out = options.out.unwrap_or_else(|| project_root().join("docs/screenshots"));
    std::fs::create_dir_all(&out).expect("the folder for pictures can be made");
    let parts = if options.only.is_empty() { Part::value_variants().to_vec() } else { options.only };
    let widths = if options.width.is_empty() { WIDTHS.to_vec() } else { options.width };
    Tour::new(Visitor::Pictures { out, widths }).walk(&parts).await;
}
