//! The `package` verb: a Debian package of the window and the command-line wallet, and its test in a clean root.
//!
//! Made with dpkg's own tools from a folder that we lay out: see `docs/adr/0034-links-notifications-package.md`.

mod clean_root;
mod layout;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::invocation::{command, run as run_to_end, show};
use crate::progress::Progress;
use crate::repository::{cargo, program, release_program, root, target_folder};
use crate::{setup, ui};

/// The package's name.
const NAME: &str = "tapseal";

/// The programs in it, and the packages of the workspace that they are built from.
const PROGRAMS: [(&str, &str); 2] = [("tapseal-app", "tapseal-app"), ("tapseal-wallet", "wallet")];

/// What lintian says and what is meant: see the layout's overrides.
const LINTIAN: [&str; 4] = ["--fail-on", "error,warning", "--allow-root", "--no-cfg"];

/// How it is built and what is done with it.
#[derive(Args)]
pub struct Options {
    /// Then install it in a clean Debian root, open a link there by its handler, and pay. As root, with the network.
    #[arg(long)]
    test: bool,
    /// Which build of the programs is packed.
    #[arg(long, value_enum, default_value_t = Build::Release)]
    build: Build,
    /// Build nothing: pack and use the programs as they were built last.
    #[arg(long)]
    as_built: bool,
    /// The folder the package is written to; `package` in cargo's target folder unless told otherwise.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// A build of the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Build {
    /// For people.
    Release,
    /// For trying out the packing: quick to build, slow and large.
    Debug,
}

/// Builds the package, checks it, and tests it when asked to.
pub fn run(options: &Options) -> Result<(), Failure> {
    setup::for_package()?;
    let target = target_folder()?;
    if !options.as_built {
        setup::for_window()?;
        ui::build_for_window()?;
        build(options)?;
    }
    let folder = options.out.clone().unwrap_or_else(|| target.join("package"));
    let package = pack(options.build, &target, &folder)?;
    show(command("lintian", LINTIAN.iter().map(AsRef::as_ref).chain([package.as_os_str()])))?;
    println!("{}", package.display());
    if options.test {
        clean_root::test(&package, &target)?;
    }
    Ok(())
}

/// Builds the programs, and those that test them.
fn build(options: &Options) -> Result<(), Failure> {
    let mut programs = cargo(["build", "--bins"]);
    for (_, package) in PROGRAMS {
        programs.args(["--package", package]);
    }
    if options.build == Build::Release {
        programs.arg("--release");
    }
    show(programs)?;
    if options.test {
        let others = ["--package=tapseal", "--package=virtual-card", "--package=e2e"];
        show(cargo(["build", "--bins"].into_iter().chain(others)))?;
    }
    Ok(())
}

fn pack(build: Build, target: &Path, folder: &Path) -> Result<PathBuf, Failure> {
    let started = Instant::now();
    let tree = folder.join("root");
    let facts = layout::Facts::of_this_tree()?;
    layout::lay_out(&tree, &facts)?;
    for (name, _) in PROGRAMS {
        let built = match build {
            Build::Release => release_program(target, name),
            Build::Debug => program(target, name),
        };
        layout::put_program(&tree, &built, name)?;
    }
    let depends = libraries(folder, &tree)?;
    layout::describe(&tree, &facts, &depends)?;
    let package = folder.join(format!("{NAME}_{}_{}.deb", facts.version, facts.architecture));
    let mut dpkg = command("dpkg-deb", ["--root-owner-group", "-Zxz", "--build"]);
    dpkg.args([&tree, &package]).env("SOURCE_DATE_EPOCH", facts.committed_s.to_string());
    let progress = Progress::start("dpkg-deb");
    let packed = run_to_end(dpkg, &progress);
    progress.end(if packed.is_ok() { "ok" } else { "FAILED" });
    packed?;
    println!("packed in {:.0} s", started.elapsed().as_secs_f32());
    Ok(package)
}

/// The packages whose libraries the programs were linked with, in the versions that have what is used of them.
fn libraries(folder: &Path, tree: &Path) -> Result<String, Failure> {
    let source = folder.join("debian");
    std::fs::create_dir_all(&source).map_err(Failure::file(&source))?;
    let control = source.join("control");
    let text = format!("Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n");
    std::fs::write(&control, text).map_err(Failure::file(&control))?;
    let mut shlibdeps = command("dpkg-shlibdeps", ["-O", "--ignore-missing-info"]);
    shlibdeps.current_dir(folder);
    for (name, _) in PROGRAMS {
        shlibdeps.arg(format!("-e{}", tree.join("usr/bin").join(name).display()));
    }
    let progress = Progress::start("which libraries it needs");
    let printed = run_to_end(shlibdeps, &progress);
    progress.end(if printed.is_ok() { "ok" } else { "FAILED" });
    let lines = printed?.lines;
    let depends = lines.iter().find_map(|line| line.strip_prefix("shlibs:Depends="));
    depends.map(str::to_owned).ok_or_else(|| Failure::unexpected("dpkg-shlibdeps", lines.join("\n")))
}

/// What the package's files are written from.
fn sources() -> PathBuf {
    root().join("src-tauri/linux")
}
