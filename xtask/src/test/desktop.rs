//! A desktop of our own for the tests: a display, a message bus, an unlocked keyring and the smart-card service.
//!
//! The bus and the keyring are private, so the tests never touch the person's own secrets.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::card_service::CardService;
use crate::failure::Failure;
use crate::invocation::{command, find, output_of, search_path};
use crate::processes::{Running, throw_away_folder};
use crate::setup::{self, jpos, npm, python};
use crate::{repository, web};

/// How long each part may take to come up.
const START_LIMIT: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(50);

/// Room for the widest screen that is tested.
const SCREEN: &str = "1600x1200x24";

/// The bus name of every Secret Service.
const SECRET_SERVICE: &str = "org.freedesktop.secrets";

/// The running desktop; everything stops with it, the last started first.
pub struct Desktop {
    variables: Vec<(&'static str, OsString)>,
    _keyring: Running,
    _display: Running,
    _bus: Running,
    _cards: Option<CardService>,
    _folder: tempfile::TempDir,
}

impl Desktop {
    /// Starts every part and waits until each answers.
    pub fn start() -> Result<Self, Failure> {
        let folder = throw_away_folder("tapseal-desktop-")?;
        let (bus, address) = start_bus(folder.path())?;
        let (display, number) = start_display(folder.path())?;
        let mut variables = vec![
            ("DBUS_SESSION_BUS_ADDRESS", OsString::from(address)),
            ("DISPLAY", OsString::from(format!(":{number}"))),
            ("XDG_RUNTIME_DIR", folder.path().into()),
            ("GDK_BACKEND", "x11".into()),
            // WebKitGTK under a bare display: no accessibility bus to wait for. Compositing stays on: without it a
            // WebDriver screenshot of a window at rest does not come back.
            ("NO_AT_BRIDGE", "1".into()),
            ("TAPSEAL_TEST_KEYRING", "1".into()),
            ("TAPSEAL_TEST_LIBNFC", "1".into()),
            ("TAPSEAL_TEST_PYTHON", python::interpreter()?.into()),
            ("TAPSEAL_TEST_JPOS", jpos::folder()?.into()),
            ("TAPSEAL_TEST_SMPP", npm::SMPP.folder()?.into()),
            ("TAPSEAL_TEST_AXE", npm::AXE.folder()?.into()),
            ("TAPSEAL_TEST_PAGE", web::page_folder(&repository::root()).into()),
            ("PATH", std::env::join_paths(search_path()).unwrap_or_default()),
        ];
        if setup::has_mail_server()? {
            variables.push(("TAPSEAL_TEST_POSTFIX", "1".into()));
        }
        let keyring = start_keyring(folder.path(), &variables)?;
        let cards = match CardService::find_or_start(&folder.path().join("pcscd.log")) {
            Ok(cards) => {
                variables.push(("TAPSEAL_TEST_PCSC", "1".into()));
                Some(cards)
            }
            Err(why) => {
                eprintln!("No virtual card reader for the tests: {why}");
                None
            }
        };
        Ok(Self { variables, _keyring: keyring, _display: display, _bus: bus, _cards: cards, _folder: folder })
    }

    /// Makes a program run on this desktop.
    pub fn enter(&self, command: &mut Command) {
        command.env_remove("WAYLAND_DISPLAY");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

fn start_bus(folder: &Path) -> Result<(Running, String), Failure> {
    let bus = command("dbus-daemon", ["--session", "--nofork", "--nopidfile", "--print-address=1"]);
    let log = folder.join("dbus.log");
    let (running, address) = Running::start_until_line("dbus-daemon", bus, &log, START_LIMIT)?;
    Ok((running, address.trim().to_owned()))
}

/// The server picks a free display number itself and prints it when it is ready.
fn start_display(folder: &Path) -> Result<(Running, String), Failure> {
    let display = command("Xvfb", ["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"]);
    let log = folder.join("xvfb.log");
    let (running, number) = Running::start_until_line("Xvfb", display, &log, START_LIMIT)?;
    Ok((running, number.trim().to_owned()))
}

/// An empty keyring, unlocked with a throw-away password that it reads from its standard input.
fn start_keyring(folder: &Path, variables: &[(&'static str, OsString)]) -> Result<Running, Failure> {
    let home = folder.join("home");
    std::fs::create_dir(&home).map_err(Failure::file(&home))?;
    let mut daemon = command("gnome-keyring-daemon", ["--foreground", "--unlock", "--components=secrets"]);
    daemon.envs(variables.iter().map(|(name, value)| (name, value))).env("HOME", &home);
    let password = folder.join("password");
    std::fs::write(&password, "throw-away").map_err(Failure::file(&password))?;
    let input = std::fs::File::open(&password).map_err(Failure::file(&password))?;
    let running = Running::start_with_input("gnome-keyring-daemon", daemon, input, &folder.join("keyring.log"))?;
    let deadline = Instant::now() + START_LIMIT;
    while !has_owner(variables)? {
        if !running.is_alive() || Instant::now() > deadline {
            return Err(running.late("the Secret Service", START_LIMIT));
        }
        std::thread::sleep(POLL);
    }
    Ok(running)
}

/// Whether somebody offers the Secret Service on our bus.
fn has_owner(variables: &[(&'static str, OsString)]) -> Result<bool, Failure> {
    let sender = find("dbus-send").ok_or_else(|| Failure::missing("dbus-send", "Install the package dbus."))?;
    let mut question = command(
        sender,
        ["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner"],
    );
    question.arg(format!("string:{SECRET_SERVICE}"));
    question.envs(variables.iter().map(|(name, value)| (name, value)));
    Ok(output_of(question)?.contains("boolean true"))
}
