//! Cuts the compiled module into the parts that `ui/src/parts.rs` names: what a part alone needs is a module of its own,
//! and so is what some parts share that the first does not need.

use std::fs;
use std::path::{Path, PathBuf};

use wasm_split_cli_support::{Options, transform};

use super::{WebError, at};

/// What loads the parts, beside the glue in the bundle.
const LOADER: &str = "./parts.js";

/// The module in pieces.
pub struct Parts {
    /// What is loaded first; the glue is made for it.
    pub first: PathBuf,
    /// The others, in the bundle already.
    pub others: Vec<PathBuf>,
}

/// Cuts `module`, whose glue will be `stem`.js, and writes the parts and what loads them into `dist`.
pub fn cut(module: &Path, stem: &str, dist: &Path) -> Result<Parts, WebError> {
    let bytes = fs::read(module).map_err(at(module))?;
    let (first, glue) = (module.with_extension("first.wasm"), format!("./{stem}.js"));
    let mut options = Options::new(&bytes);
    options.output_dir = dist;
    options.main_out_path = &first;
    options.link_name = LOADER;
    options.main_module = &glue;
    options.emit_dwarf = false;
    let split = transform(options).map_err(|error| WebError::Cut(format!("{error:#}")))?;
    Ok(Parts { first, others: split.split_modules })
}
