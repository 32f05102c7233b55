//! The folder that becomes the package: programs, desktop entry, icons, manual pages, and what dpkg is told.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::{NAME, sources};
use crate::failure::Failure;
use crate::invocation::{command, output_of};
use crate::repository::root;

/// What of this tree stands in the package.
pub struct Facts {
    /// The workspace's version.
    pub version: String,
    /// dpkg's name of this machine.
    pub architecture: String,
    /// When the last commit was made, in seconds since the Unix epoch: every file's time, so that a build is repeatable.
    pub committed_s: u64,
    /// The same as a date, and as a mail's.
    date: String,
    mail_date: String,
}

impl Facts {
    /// Asks cargo's manifest, git and dpkg.
    pub fn of_this_tree() -> Result<Self, Failure> {
        let committed = git(&["log", "-1", "--format=%ct"])?;
        let committed_s = committed.parse().map_err(|_| Failure::unexpected("git log", &committed))?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            architecture: output_of(command("dpkg", ["--print-architecture"]))?.trim().to_owned(),
            committed_s,
            date: git(&["log", "-1", "--format=%cs"])?,
            mail_date: git(&["log", "-1", "--format=%cD"])?,
        })
    }

    fn fill(&self, text: &str) -> String {
        text.replace("@VERSION@", &self.version).replace("@DATE@", &self.date)
    }
}

fn git(arguments: &[&str]) -> Result<String, Failure> {
    let mut git = command("git", arguments);
    git.current_dir(root());
    Ok(output_of(git)?.trim().to_owned())
}

/// Where each file goes that stands in the source tree.
const FILES: [(&str, &str); 3] = [
    ("org.tapseal.wallet.desktop", "usr/share/applications/org.tapseal.wallet.desktop"),
    ("org.tapseal.wallet.metainfo.xml", "usr/share/metainfo/org.tapseal.wallet.metainfo.xml"),
    ("copyright", "usr/share/doc/tapseal/copyright"),
];

/// Manual pages, which are packed.
const MANUALS: [&str; 2] = ["tapseal-app.1", "tapseal-wallet.1"];

/// Icons of the tree, and their places in the theme.
const ICONS: [(&str, &str); 6] = [
    ("32x32.png", "32x32/apps/org.tapseal.wallet.png"),
    ("128x128.png", "128x128/apps/org.tapseal.wallet.png"),
    ("128x128@2x.png", "256x256/apps/org.tapseal.wallet.png"),
    ("icon.png", "512x512/apps/org.tapseal.wallet.png"),
    ("app.svg", "scalable/apps/org.tapseal.wallet.svg"),
    ("symbolic.svg", "symbolic/apps/org.tapseal.wallet-symbolic.svg"),
];

/// Lays out everything but the programs, in a folder that is made anew.
pub fn lay_out(tree: &Path, facts: &Facts) -> Result<(), Failure> {
    if tree.exists() {
        fs::remove_dir_all(tree).map_err(Failure::file(tree))?;
    }
    for (name, place) in FILES {
        write(&tree.join(place), facts.fill(&read(&sources().join(name))?).as_bytes())?;
    }
    for (name, place) in ICONS {
        let picture = root().join("icons").join(name);
        let bytes = fs::read(&picture).map_err(Failure::file(&picture))?;
        write(&tree.join("usr/share/icons/hicolor").join(place), &bytes)?;
    }
    for name in MANUALS {
        let page = tree.join("usr/share/man/man1").join(name);
        write(&page, facts.fill(&read(&sources().join(name))?).as_bytes())?;
        pack(&page)?;
    }
    let changes = tree.join("usr/share/doc").join(NAME).join("changelog");
    write(&changes, changelog(facts).as_bytes())?;
    pack(&changes)
}

/// Puts a program in, without what only a debugger reads.
pub fn put_program(tree: &Path, built: &Path, name: &str) -> Result<(), Failure> {
    let place = tree.join("usr/bin").join(name);
    make_folder_of(&place)?;
    let mut strip = command("strip", ["--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", "-o"]);
    strip.args([&place, built]);
    output_of(strip)?;
    output_of(command("chmod", ["0755".as_ref(), place.as_os_str()])).map(|_| ())
}

/// Writes what dpkg reads: the description, and the sums of every file.
pub fn describe(tree: &Path, facts: &Facts, depends: &str) -> Result<(), Failure> {
    let mut sums = String::new();
    let mut bytes = 0;
    for file in files_below(&tree.join("usr"))? {
        let name = file.strip_prefix(tree).unwrap_or(&file).display();
        let sum = output_of(command("md5sum", [&file]))?;
        let sum = sum.split_whitespace().next().unwrap_or_default();
        writeln!(sums, "{sum}  {name}").expect("a string takes everything");
        bytes += fs::metadata(&file).map_err(Failure::file(&file))?.len();
    }
    write(&tree.join("DEBIAN/md5sums"), sums.as_bytes())?;
    write(&tree.join("DEBIAN/control"), control(facts, depends, bytes.div_ceil(1024)).as_bytes())?;
    // One owner, everybody reads, whatever the person's own mask is.
    let readable = command("chmod", ["-R".as_ref(), "u+rwX,go+rX,go-w".as_ref(), tree.as_os_str()]);
    output_of(readable).map(|_| ())
}

/// The keyring is where keys live, and pcscd is how most readers are reached; both can be somebody else's or absent. The
/// desktop's database makes the handler of links known.
fn control(facts: &Facts, depends: &str, installed_kib: u64) -> String {
    let Facts { version, architecture, .. } = facts;
    format!(
        "Package: {NAME}\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The Tapseal authors <packages@tapseal.org>\n\
         Installed-Size: {installed_kib}\n\
         Depends: {depends}\n\
         Recommends: desktop-file-utils, gnome-keyring | kwalletmanager | keepassxc, pcscd, xdg-utils\n\
         Suggests: fonts-noto-cjk\n\
         Section: misc\n\
         Priority: optional\n\
         Homepage: https://tapseal.org/\n\
         Description: payment wallet: a request is paid with your own card and reader\n \
         A merchant asks, and the payer holds a bank card to a reader of their own.\n \
         Card data and PIN are sealed twice on the payer's device and opened only by\n \
         the payer's bank; the receipt can be verified by anybody.\n \
         .\n \
         This package has the wallet's window, tapseal-app, which opens tapseal:\n \
         links, and the wallet on the command line, tapseal-wallet.\n"
    )
}

fn changelog(facts: &Facts) -> String {
    let Facts { version, mail_date, .. } = facts;
    format!(
        "{NAME} ({version}) unstable; urgency=medium\n\n  * As CHANGELOG.md of the source tree says.\n\n \
         -- The Tapseal authors <packages@tapseal.org>  {mail_date}\n"
    )
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(Failure::file(path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    make_folder_of(path)?;
    fs::write(path, bytes).map_err(Failure::file(path))
}

fn make_folder_of(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(Failure::file(folder))
}

/// As small as can be, and without a time or name inside.
fn pack(path: &Path) -> Result<(), Failure> {
    output_of(command("gzip", ["-9n".as_ref(), path.as_os_str()])).map(|_| ())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Failure::file(folder))? {
        let path = entry.map_err(Failure::file(folder))?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            version: "0.1.0".to_owned(),
            architecture: "amd64".to_owned(),
            committed_s: 0,
            date: "2026-11-26".to_owned(),
            mail_date: "Thu, 26 Nov 2026 06:00:00 +0000".to_owned(),
        }
    }

    #[test]
    fn a_link_reaches_the_program_by_the_desktop_entry() {
        let entry = read(&sources().join("org.tapseal.wallet.desktop")).unwrap();
        for line in ["Exec=tapseal-app %u", "MimeType=x-scheme-handler/tapseal;", "Icon=org.tapseal.wallet"] {
            assert!(entry.lines().any(|it| it == line), "{line}");
        }
    }

    /// What the folder holds is what dpkg is told; a file that is forgotten is found missing here, not by a user.
    #[test]
    fn everything_that_is_laid_out_has_its_sum_and_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("root");
        lay_out(&tree, &facts()).unwrap();
        describe(&tree, &facts(), "libc6").unwrap();
        let sums = read(&tree.join("DEBIAN/md5sums")).unwrap();
        for place in ["usr/share/man/man1/tapseal-app.1.gz", "usr/share/doc/tapseal/changelog.gz", ICONS[4].1] {
            assert!(sums.contains(place), "{place} in {sums}");
        }
        assert_eq!(sums.lines().count(), FILES.len() + ICONS.len() + MANUALS.len() + 1);
        let metainfo = read(&tree.join(FILES[1].1)).unwrap();
        assert!(metainfo.contains("<release version=\"0.1.0\" date=\"2026-11-26\"/>"), "{metainfo}");
        let control = read(&tree.join("DEBIAN/control")).unwrap();
        assert!(control.lines().all(|line| line.starts_with(' ') || line.contains(": ")), "{control}");
        assert!(control.contains("Depends: libc6\n"), "{control}");
    }
}
