//! Builds the window's web bundle into `ui/dist`: the screens as WebAssembly, their glue, and the files beside them.
//!
//! The compiler is the rustup toolchain when it has the `wasm32-unknown-unknown` target, and otherwise Debian's
//! `rustc-web`, which brings the standard library's sources and so can build them for that target.
//!
//! What is done for the module's size, and what each step brought, stands in `docs/adr/0035-a-small-window.md`.

mod order;
mod parts;
mod sheets;
mod shrink;
pub mod size;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::{env, fs, io};

use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
/// The bundle's package, and so the stem of its files.
const PACKAGE: &str = "ui";
/// The payment page's package.
const PAGE_PACKAGE: &str = "payment-page";
/// Debian's compiler, cargo and standard library sources (packages `rustc-web`, `cargo-web`, `rust-web-src`).
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
/// Views become values of one type where they meet, in place of a type for each shape of a page: what a page is made
/// of is then drawn by code that all pages share.
const ERASED_VIEWS: &str = "--cfg erase_components";
/// The screens' texts, as the package's build script writes them.
const TEXTS: &str = "texts";
/// What is copied into the bundle as it is: the source below the project's root, and its name in the bundle.
const STATIC_FILES: &[(&str, &str)] =
    &[("ui/index.html", "index.html"), ("ui/boot.js", "boot.js"), ("ui/icons", "icons")];

/// How the bundle is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build, large to load: for work on the screens.
    Dev,
    /// Small: what is shipped.
    Wasm,
}

impl Profile {
    /// cargo's name of the profile.
    const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Wasm => "wasm",
        }
    }

    /// The folder cargo builds the profile in.
    const fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Wasm => "wasm",
        }
    }
}

/// Which bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bundle {
    /// The screens, as they are shipped.
    Screens,
    /// The screens with the catalogue of their components.
    Workbench,
}

impl Bundle {
    /// Its folder below the project's root.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Screens => "ui/dist",
            Self::Workbench => "ui/dist-workbench",
        }
    }

    /// Style sheets beside those that its page links to, below the package's folder.
    const fn further_sheets(self) -> &'static [&'static str] {
        match self {
            Self::Screens => &[],
            Self::Workbench => &["workbench/workbench.css"],
        }
    }

    /// The features of the package it is built with.
    const fn features(self) -> &'static [&'static str] {
        match self {
            Self::Screens => &[],
            Self::Workbench => &["--features", "workbench"],
        }
    }
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// A program could not be started.
    #[error("{program} could not be started: {source}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program ran and failed; it said why itself.
    #[error("{program} failed: {status}")]
    Failed {
        /// Which.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// Neither compiler can build for the web.
    #[error(
        "no compiler for {TARGET}: run `rustup target add {TARGET}`, or install rustc-web, cargo-web, rust-web-src"
    )]
    NoCompiler,
    /// The glue between JavaScript and the module could not be made.
    #[error("wasm-bindgen: {0}")]
    Bindgen(String),
    /// The module could not be cut into parts.
    #[error("wasm-split: {0}")]
    Cut(String),
    /// What was compiled is not laid out as a module is.
    #[error("{0} is no WebAssembly module")]
    Module(PathBuf),
    /// A module would take too long to start, or all together are too much to carry.
    #[error(
        "the screens' module, or all of them together, has {bytes} bytes by gzip, at most {bytes_max} are allowed; see docs/performance.md"
    )]
    TooLarge {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        bytes_max: usize,
    },
    /// The build script said nothing of the texts it wrote.
    #[error("cargo did not say where the screens' texts are")]
    NoTexts,
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Compiles the screens and assembles a bundle below `root`, the project's folder.
///
/// # Errors
/// When no compiler for the web is installed, the compiler or wasm-bindgen fails, or a file cannot be written. The
/// bundle of an earlier run stays in place until the compiler has succeeded.
pub fn build(root: &Path, profile: Profile, bundle: Bundle) -> Result<(), WebError> {
    let Compiled { module, texts } = compile(root, profile, bundle)?;
    let dist = root.join(bundle.folder());
    if dist.exists() {
        fs::remove_dir_all(&dist).map_err(at(&dist))?;
    }
    fs::create_dir_all(&dist).map_err(at(&dist))?;
    let parts = parts::cut(&module, PACKAGE, &dist)?;
    bind(&parts.first, &dist, PACKAGE, profile)?;
    if profile == Profile::Wasm {
        let first = dist.join(format!("{PACKAGE}_bg.wasm"));
        parts.others.iter().chain([&first]).try_for_each(|part| shrink::shrink(&target_folder(root), part))?;
    }
    copy(&texts, &dist.join(TEXTS))?;
    for (source, name) in STATIC_FILES {
        copy(&root.join(source), &dist.join(name))?;
    }
    sheets::join(&root.join("ui"), bundle.further_sheets(), &dist)
}

/// Builds the payment page's module into [`page_folder`]: what the payment server is given with `--payment-page`.
///
/// # Errors
/// As [`build`].
pub fn build_page(root: &Path) -> Result<(), WebError> {
    let profile = Profile::Wasm;
    run_cargo(&mut cargo_for_web(root, PAGE_PACKAGE, profile)?)?;
    let dist = page_folder(root);
    fs::create_dir_all(&dist).map_err(at(&dist))?;
    let stem = PAGE_PACKAGE.replace('-', "_");
    bind(&built(root, profile).join(format!("{stem}.wasm")), &dist, &stem, profile)?;
    shrink::shrink(&target_folder(root), &dist.join(format!("{stem}_bg.wasm")))
}

/// Where the payment page's module is.
pub fn page_folder(root: &Path) -> PathBuf {
    target_folder(root).join("payment-page")
}

/// What the compiler made.
struct Compiled {
    module: PathBuf,
    /// The folder of the texts that belong to it.
    texts: PathBuf,
}

/// Compiles the screens.
fn compile(root: &Path, profile: Profile, bundle: Bundle) -> Result<Compiled, WebError> {
    let mut cargo = cargo_for_web(root, PACKAGE, profile)?;
    cargo.args(bundle.features());
    let texts = run_cargo(&mut cargo)?.ok_or(WebError::NoTexts)?.join(TEXTS);
    Ok(Compiled { module: built(root, profile).join(format!("{PACKAGE}.wasm")), texts })
}

/// Where modules are compiled to.
fn built(root: &Path, profile: Profile) -> PathBuf {
    web_target(root).join(TARGET).join(profile.folder())
}

/// A target folder of its own: two compilers in one would rebuild each other's work for ever.
fn web_target(root: &Path) -> PathBuf {
    target_folder(root).join("web")
}

/// cargo, told to compile a package for the web.
fn cargo_for_web(root: &Path, package: &str, profile: Profile) -> Result<Command, WebError> {
    let sysroot = rustc_says(&["--print", "sysroot"])?;
    let has_library = has_target(&sysroot);
    let mut cargo = if has_library { Command::new("cargo") } else { debian_cargo(&sysroot)? };
    cargo.current_dir(root).env("CARGO_TARGET_DIR", web_target(root)).arg("build").args(["--package", package]);
    cargo.args(["--target", TARGET, "--profile", profile.name()]);
    cargo.arg("--message-format=json-render-diagnostics");
    if !has_library {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", ERASED_VIEWS);
    Ok(cargo)
}

/// The folder cargo builds everything else in.
fn target_folder(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Runs cargo and answers where the package's build script wrote to.
fn run_cargo(cargo: &mut Command) -> Result<Option<PathBuf>, WebError> {
    let start = |source| WebError::Start { program: "cargo".into(), source };
    let mut child = cargo.stdout(Stdio::piped()).spawn().map_err(start)?;
    let mut folder = None;
    let messages = child.stdout.take().expect("standard output is a pipe");
    for line in BufReader::new(messages).lines().map_while(Result::ok) {
        folder = written_by_build_script(&line).or(folder);
    }
    let status = child.wait().map_err(start)?;
    if status.success() { Ok(folder) } else { Err(WebError::Failed { program: "cargo".into(), status }) }
}

/// The output folder that one of cargo's messages names, if it is about our package's build script.
fn written_by_build_script(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_ours = message["package_id"].as_str()?.contains(&format!("/{PACKAGE}#"));
    let is_script = message["reason"] == "build-script-executed";
    (is_ours && is_script).then(|| message["out_dir"].as_str().map(PathBuf::from))?
}

/// Whether the toolchain at `sysroot` has the standard library for the web.
fn has_target(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
}

/// Debian's cargo, set up to build the standard library too. Its linker is the one rustup ships for the host.
fn debian_cargo(sysroot: &Path) -> Result<Command, WebError> {
    let host = rustc_says(&["--print", "host-tuple"])?;
    let linker = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
    if !Path::new(DEBIAN_SOURCES).is_file() || !Path::new(DEBIAN_CARGO).is_file() || !linker.is_file() {
        return Err(WebError::NoCompiler);
    }
    let mut cargo = Command::new(DEBIAN_CARGO);
    // Building the standard library is an unstable option of a stable compiler.
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIAN_RUSTC);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    Ok(cargo)
}

/// What the toolchain's compiler prints.
fn rustc_says(arguments: &[&str]) -> Result<PathBuf, WebError> {
    let output = Command::new("rustc").args(arguments).stderr(Stdio::inherit()).output();
    let output = output.map_err(|source| WebError::Start { program: "rustc".into(), source })?;
    if !output.status.success() {
        return Err(WebError::Failed { program: "rustc".into(), status: output.status });
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Makes the JavaScript glue beside the module (`wasm-bindgen --target web`).
fn bind(module: &Path, dist: &Path, stem: &str, profile: Profile) -> Result<(), WebError> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(stem).typescript(false);
    // The parts import the first one's table and stack pointer.
    bindgen.keep_lld_exports(true);
    bindgen.keep_debug(profile == Profile::Dev).remove_producers_section(true);
    bindgen.remove_name_section(profile == Profile::Wasm);
    let made = bindgen.web(true).and_then(|bindgen| bindgen.generate(dist));
    made.map_err(|error| WebError::Bindgen(format!("{error:#}")))
}

fn run(command: &mut Command) -> Result<(), WebError> {
    let program = || Path::new(command.get_program()).file_name().unwrap_or_else(|| OsStr::new("")).to_string_lossy();
    let name = program().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(WebError::Failed { program: name, status }),
        Err(source) => Err(WebError::Start { program: name, source }),
    }
}

/// Copies a file, or a folder with everything in it.
fn copy(from: &Path, to: &Path) -> Result<(), WebError> {
    if !from.is_dir() {
        fs::copy(from, to).map_err(at(from))?;
        return Ok(());
    }
    fs::create_dir_all(to).map_err(at(to))?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WebError {
    let path = path.to_owned();
    move |source| WebError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_build_scripts_folder_is_taken() {
        let ours = r#"{"reason":"build-script-executed","package_id":"path+file:///tree/ui#0.1.0","out_dir":"/out"}"#;
        assert_eq!(written_by_build_script(ours), Some(PathBuf::from("/out")));
        for other in [
            r#"{"reason":"build-script-executed","package_id":"registry+https://host/index#serde@1.0.0","out_dir":"/o"}"#,
            r#"{"reason":"compiler-artifact","package_id":"path+file:///tree/ui#0.1.0"}"#,
            "warning: not JSON",
        ] {
            assert_eq!(written_by_build_script(other), None, "{other}");
        }
    }
}
