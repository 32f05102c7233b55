//! System packages, from Debian or Ubuntu, as root or through sudo.

use std::collections::HashSet;
use std::process::Command;

use crate::failure::Failure;
use crate::invocation::{command, find, run, show};
use crate::progress::Progress;

/// Packages and what they are for.
#[derive(Clone, Copy)]
pub struct Group {
    purpose: &'static str,
    names: &'static [&'static str],
}

/// A linker and C compiler (SQLite, ring), the PC/SC library, libnfc and what reads its headers.
pub const BUILD: Group = Group {
    purpose: "building",
    names: &["build-essential", "pkg-config", "libpcsclite-dev", "libnfc-dev", "libclang-dev", "ca-certificates"],
};

/// What the wallet window stands on.
pub const WINDOW: Group = Group { purpose: "the wallet window", names: &["libwebkit2gtk-4.1-dev"] };

/// Fonts for both languages of the screens.
pub const FONTS: Group = Group { purpose: "its text", names: &["fonts-dejavu-core", "fonts-noto-cjk"] };

/// The smart-card service, with a virtual reader in it.
pub const CARD: Group = Group { purpose: "a virtual card reader", names: &["pcscd", "vsmartcard-vpcd"] };

/// Programs of others that must see the virtual card as they would see a real one, and a Python for the library
/// that recomputes its cryptograms.
pub const WITNESSES: Group = Group {
    purpose: "checking the virtual card",
    names: &["opensc", "pcsc-tools", "libnfc-bin", "python3", "python3-venv"],
};

/// A display, a message bus, an accessibility bus, a keyring and a driver to press buttons with; gdb takes the core dumps
/// that are searched, zbar scans the codes on the screens, poppler reads the documents, espeak-ng speaks the telephone menu.
pub const TESTS: Group = Group {
    purpose: "the tests",
    names: &[
        "xvfb",
        "xauth",
        "dbus",
        "at-spi2-core",
        "gnome-keyring",
        "webkit2gtk-driver",
        "gdb",
        "zbar-tools",
        "x11-utils",
        "poppler-utils",
        "poppler-data",
        "espeak-ng",
    ],
};

/// The payment server's other database; its server is started by us, and Debian's own stays as it is.
pub const DATABASE: Group = Group { purpose: "the payment server on PostgreSQL", names: &["postgresql"] };
/// A mail server that is not ours, for the mails' way out and back.
pub const MAIL: Group = Group { purpose: "the mail tests", names: &["postfix"] };

/// Runs a short message centre that is not ours, and fetches what examines the screens.
pub const NODE: Group = Group { purpose: "the text message and accessibility tests", names: &["nodejs", "npm"] };

/// The browser that pictures of the screens are taken in, at exact sizes.
pub const PICTURES: Group = Group { purpose: "the screenshots", names: &["chromium", "chromium-driver"] };

/// Compiles and tests the Android part; it brings a Java to run on.
pub const KOTLIN: Group = Group { purpose: "the Android part", names: &["maven"] };

/// Makes the Debian package, reads it critically, and makes a bare Debian to install it in.
pub const PACKAGE: Group =
    Group { purpose: "the package", names: &["dpkg-dev", "lintian", "appstream", "desktop-file-utils", "mmdebstrap"] };

/// Compiles and links for Windows, and runs what comes out.
pub const WINDOWS: Group =
    Group { purpose: "the Windows programs", names: &["gcc-mingw-w64-x86-64", "wine", "wine64"] };

/// Debian's own Rust, for its sources of the standard library and its WebAssembly linker.
pub const DEBIAN_RUST: Group =
    Group { purpose: "other targets", names: &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"] };

/// Installs what is missing of these groups.
pub fn install(groups: &[Group]) -> Result<(), Failure> {
    let wanted = groups.iter().flat_map(|group| group.names).copied().collect::<Vec<_>>();
    if find("dpkg-query").is_none() {
        let list = wanted.join(" ");
        eprintln!("This is no Debian or Ubuntu: make sure you have what these packages hold: {list}");
        return Ok(());
    }
    let present = installed(&wanted)?;
    let missing = wanted.into_iter().filter(|name| !present.contains(*name)).collect::<Vec<_>>();
    if missing.is_empty() {
        return Ok(());
    }
    let purposes = groups.iter().map(|group| group.purpose).collect::<Vec<_>>().join(", ");
    eprintln!("Installing for {purposes}: {}", missing.join(" "));
    allow_sudo_to_ask()?;
    step("apt-get update", apt_get(["update"]))?;
    let arguments = ["install", "--yes", "--no-install-recommends"].into_iter().chain(missing);
    step("apt-get install", apt_get(arguments))
}

/// Whether every package of a group is installed.
pub fn has(group: Group) -> Result<bool, Failure> {
    if find("dpkg-query").is_none() {
        return Ok(false);
    }
    let present = installed(group.names)?;
    Ok(group.names.iter().all(|name| present.contains(*name)))
}

fn installed(names: &[&str]) -> Result<HashSet<String>, Failure> {
    let mut query = command("dpkg-query", ["--show", "--showformat", "${Package} ${db:Status-Status}\n"]);
    // Ends with 1 when a package was never heard of, and still lists the others.
    let output = query.args(names).output().map_err(Failure::io("asking dpkg-query"))?;
    Ok(parse_installed(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_installed(listing: &str) -> HashSet<String> {
    let installed = listing.lines().filter_map(|line| line.strip_suffix(" installed"));
    installed.map(str::to_owned).collect()
}

fn step(what: &str, command: Command) -> Result<(), Failure> {
    let progress = Progress::start(what);
    let done = run(command, &progress);
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    done.map(|_| ())
}

/// Lets sudo ask for the password on the terminal before a progress line covers it.
fn allow_sudo_to_ask() -> Result<(), Failure> {
    if is_root() {
        return Ok(());
    }
    if find("sudo").is_none() {
        return Err(Failure::missing("sudo", "Run this once as root: cargo xtask setup"));
    }
    show(command("sudo", ["--validate"]))
}

fn apt_get<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let environment = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    let prefix: &[&str] = if is_root() { &[] } else { &["sudo", "--non-interactive"] };
    let mut words = prefix.iter().copied().chain(environment);
    let program = words.next().unwrap_or("env");
    let mut apt_get = command(program, words);
    apt_get.args(arguments);
    apt_get
}

/// Whether we may do everything on this machine.
#[cfg(unix)]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether we may do everything on this machine.
#[cfg(not(unix))]
pub fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_package_with_its_settings_kept_is_not_installed() {
        let present = parse_installed("pcscd installed\nxvfb config-files\ngdb installed\n");
        assert_eq!(present, HashSet::from(["pcscd".to_owned(), "gdb".to_owned()]));
    }
}
