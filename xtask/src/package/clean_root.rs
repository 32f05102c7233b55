//! A Debian that has nothing of ours, made to install the package in, open a link by its handler, and pay.
//!
//! The servers and the card stay outside, as they do for a person; the root shares the network of this machine, and the
//! mounts it needs are in a namespace that ends with each program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::NAME;
use crate::failure::Failure;
use crate::invocation::{command, output_of, run, show};
use crate::processes::throw_away_folder;
use crate::progress::Progress;
use crate::repository::program;
use crate::setup;

/// Runs a program in the root, with what every program expects to be mounted there.
const ENTER: &str = "mount --rbind /proc \"$0/proc\" && mount --rbind /sys \"$0/sys\" && \
    mount --rbind /dev \"$0/dev\" && exec chroot \"$0\" \"$@\"";

/// What drives the window and shows it; a person has a screen and fingers.
const HANDS: [&str; 5] = ["xvfb", "xauth", "dbus", "webkit2gtk-driver", "fonts-dejavu-core"];

/// Who installs nothing and pays.
const PAYER: &str = "payer";

/// Makes the root, installs, and pays; prints what was measured.
pub fn test(package: &Path, target: &Path) -> Result<(), Failure> {
    if !setup::may_start_services() {
        return Err(Failure::missing(
            "root",
            "A root of its own needs chroot: run `cargo xtask package --test` as root.",
        ));
    }
    let folder = throw_away_folder("tapseal-root-")?;
    let root = Root { folder: folder.path().join("root") };
    root.bootstrap()?;
    let sized = |root: &Root| Ok::<_, Failure>((root.packages()?, root.bytes()?));
    let (packages, bytes) = sized(&root)?;
    let started = Instant::now();
    root.install(package)?;
    let took = started.elapsed().as_secs_f32();
    let (packages_after, bytes_after) = sized(&root)?;
    println!(
        "installed in {took:.0} s: {} packages, {} MB more than a bare root",
        packages_after - packages,
        (bytes_after - bytes) / 1_000_000
    );
    root.check_handler()?;
    let mut hands = root.apt_get(&["install", "--no-install-recommends"]);
    hands.args(HANDS);
    step("hands for the test", hands)?;
    step("a person", root.enter("useradd", &["--create-home", "--shell", "/bin/sh", PAYER]))?;
    let arguments = [OsStr::new("--root"), root.folder.as_os_str(), "--user".as_ref(), PAYER.as_ref()];
    show(command(program(target, "installed"), arguments))?;
    root.remove()
}

/// A Debian root.
struct Root {
    folder: PathBuf,
}

impl Root {
    /// The same release as this machine's, since the programs were linked here.
    fn bootstrap(&self) -> Result<(), Failure> {
        let release = output_of(command("sh", ["-c", ". /etc/os-release && echo \"$VERSION_CODENAME\""]))?;
        let release = release.trim();
        let sources = format!(
            "deb http://deb.debian.org/debian {release} main\n\
             deb http://deb.debian.org/debian {release}-updates main\n\
             deb http://deb.debian.org/debian-security {release}-security main\n"
        );
        let list = self.folder.with_extension("list");
        std::fs::write(&list, sources).map_err(Failure::file(&list))?;
        let mut bootstrap = command("mmdebstrap", ["--variant=apt", "--quiet", release]);
        bootstrap.arg(&self.folder).arg(&list);
        step(&format!("a bare Debian {release}"), bootstrap)
    }

    fn enter(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = command("unshare", ["--mount", "sh", "-c", ENTER]);
        command.arg(&self.folder).arg(program).args(arguments);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    fn apt_get(&self, words: &[&str]) -> Command {
        let mut apt_get = self.enter("apt-get", &["--yes", "--quiet"]);
        apt_get.args(words);
        apt_get
    }

    /// As a person does who downloaded it: with everything that it needs and recommends, from Debian.
    fn install(&self, package: &Path) -> Result<(), Failure> {
        let place = self.folder.join("tmp/tapseal.deb");
        std::fs::copy(package, &place).map_err(Failure::file(&place))?;
        step("apt update", self.apt_get(&["update"]))?;
        step("apt install ./tapseal.deb", self.apt_get(&["install", "/tmp/tapseal.deb"]))
    }

    /// What the desktop would start for a link, and whether its entry and its description hold what they must.
    fn check_handler(&self) -> Result<(), Failure> {
        let mut query = self.enter("xdg-mime", &["query", "default", "x-scheme-handler/tapseal"]);
        query.env("HOME", "/root");
        let handler = output_of(query)?;
        if handler.trim() != "org.tapseal.wallet.desktop" {
            return Err(Failure::unexpected("xdg-mime, asked who opens tapseal: links", handler));
        }
        output_of(self.enter("desktop-file-validate", &["/usr/share/applications/org.tapseal.wallet.desktop"]))?;
        let metainfo = self.folder.join("usr/share/metainfo/org.tapseal.wallet.metainfo.xml");
        let validate = command("appstreamcli", ["validate".as_ref(), "--no-net".as_ref(), metainfo.as_os_str()]);
        output_of(validate)?;
        let version = output_of(self.enter("tapseal-wallet", &["--version"]))?;
        println!("{} opens tapseal: links; {}", handler.trim(), version.trim());
        Ok(())
    }

    /// Takes the package away again, and sees that nothing of it stays.
    fn remove(&self) -> Result<(), Failure> {
        step("apt purge tapseal", self.apt_get(&["purge", NAME]))?;
        let left =
            ["usr/bin/tapseal-app", "usr/share/applications/org.tapseal.wallet.desktop", "usr/share/doc/tapseal"];
        match left.iter().find(|place| self.folder.join(place).exists()) {
            None => Ok(()),
            Some(place) => Err(Failure::unexpected("apt purge", format!("{place} is still there"))),
        }
    }

    fn packages(&self) -> Result<usize, Failure> {
        Ok(output_of(self.enter("dpkg-query", &["--show", "--showformat", "${Package}\\n"]))?.lines().count())
    }

    fn bytes(&self) -> Result<u64, Failure> {
        let printed = output_of(self.enter("du", &["--summarize", "--bytes", "--one-file-system", "/usr"]))?;
        let bytes = printed.split_whitespace().next().and_then(|bytes| bytes.parse().ok());
        bytes.ok_or_else(|| Failure::unexpected("du", printed))
    }
}

fn step(what: &str, command: Command) -> Result<(), Failure> {
    let progress = Progress::start(what);
    let done = run(command, &progress);
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    done.map(|_| ())
}
