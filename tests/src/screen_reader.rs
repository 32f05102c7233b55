//! A person who does not see: the wallet's window is read and pressed over AT-SPI, as Orca does it.
//!
//! The desktop is of its own: a display, a session bus and the accessibility bus that is started on it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use zbus::Connection;
use zbus::connection::Builder;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Type};

use crate::process::program;

/// How long a part of the desktop may take to start, and a thing to be heard.
const HEAR_WAIT: Duration = Duration::from_secs(40);
/// The pause between two readings.
const READ_PAUSE: Duration = Duration::from_millis(200);
/// The most things that are read of one window.
const THINGS_MAX: usize = 2_000;

/// Where every application is found.
const REGISTRY: (&str, &str) = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root");

/// What a thing is, as AT-SPI numbers it (`atspi-constants.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `ATSPI_ROLE_PUSH_BUTTON`, and `ATSPI_ROLE_TOGGLE_BUTTON`, which is on or off.
    Button,
    /// `ATSPI_ROLE_HEADING`.
    Heading,
    /// Anything else.
    Other(u32),
}

impl Role {
    const fn of(number: u32) -> Self {
        match number {
            43 | 62 => Self::Button,
            83 => Self::Heading,
            other => Self::Other(other),
        }
    }
}

/// One thing in the window.
#[derive(Clone, Debug)]
pub struct Thing {
    bus: String,
    path: OwnedObjectPath,
    /// What it is.
    pub role: Role,
    /// What it is called.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// A window that is listened to.
pub struct ScreenReader {
    bus: Connection,
    // The last started ends first.
    _window: Child,
    _session: Child,
    _display: Child,
    _folder: TempDir,
}

impl ScreenReader {
    /// The wallet's window, started with these arguments.
    pub async fn listen(arguments: &[&str], environment: &[(&str, String)], log: &Path) -> Self {
        let folder = TempDir::new().expect("a folder for the desktop");
        let mut display = quiet("Xvfb", log);
        display.args(["-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]);
        let (display, number) = first_line(display).await;
        let display_name = format!(":{number}");
        // What the bus starts by itself, the accessibility bus first of all, has the display and the folder from it.
        let mut session = quiet("dbus-daemon", log);
        session.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        session.env("DISPLAY", &display_name).env("XDG_RUNTIME_DIR", folder.path()).env_remove("NO_AT_BRIDGE");
        let (session, address) = first_line(session).await;
        let bus = accessibility_bus(&address).await;
        let mut window = quiet(program("tapseal-app").to_str().expect("paths here are plain"), log);
        window.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
        window.env("DISPLAY", &display_name).env("XDG_RUNTIME_DIR", folder.path());
        window.env("DBUS_SESSION_BUS_ADDRESS", &address).env("GDK_BACKEND", "x11");
        window.env_remove("NO_AT_BRIDGE").env_remove("WAYLAND_DISPLAY");
        let window = window.spawn().expect("the window starts");
        Self { bus, _window: window, _session: session, _display: display, _folder: folder }
    }

    /// Waits until all of these words are said, and answers everything that is said then.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn hears(&self, words: &[&str]) -> String {
        let started = Instant::now();
        loop {
            let things = self.things().await;
            let said: Vec<&str> = things.iter().flat_map(|thing| [thing.name.as_str(), &thing.text]).collect();
            let said = said.join("\n");
            if words.iter().all(|word| said.contains(word)) {
                return said;
            }
            assert!(started.elapsed() < HEAR_WAIT, "{words:?} are not said, but: {said}");
            tokio::time::sleep(READ_PAUSE).await;
        }
    }

    /// Presses the button of this name, by the action it offers.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn press(&self, name: &str) {
        let started = Instant::now();
        loop {
            let things = self.things().await;
            let button = things.iter().find(|thing| thing.role == Role::Button && thing.name.trim() == name);
            if let Some(Thing { bus, path, .. }) = button {
                // A button that was drawn anew between the look and the press is looked for again.
                let pressed: Option<bool> = self.ask((bus, path), "org.a11y.atspi.Action", "DoAction", &0_i32).await;
                if pressed == Some(true) {
                    return;
                }
            }
            let names: Vec<&str> = things.iter().map(|thing| thing.name.as_str()).collect();
            assert!(started.elapsed() < HEAR_WAIT, "no button is called {name:?}: {names:?}");
            tokio::time::sleep(READ_PAUSE).await;
        }
    }

    /// Everything in the window, in reading order.
    pub async fn things(&self) -> Vec<Thing> {
        let mut read = Vec::new();
        let mut waiting = vec![(REGISTRY.0.to_owned(), OwnedObjectPath::try_from(REGISTRY.1).expect("a path"))];
        while let Some((bus, path)) = waiting.pop() {
            assert!(read.len() < THINGS_MAX, "the window has no end");
            let mut children = self.children(&bus, &path).await;
            children.reverse();
            let thing = self.thing(bus, path).await;
            waiting.extend(children);
            read.push(thing);
        }
        read
    }

    async fn children(&self, bus: &str, path: &OwnedObjectPath) -> Vec<(String, OwnedObjectPath)> {
        let count = self.property(bus, path, "ChildCount").await;
        let count = count.and_then(|count| i32::try_from(count).ok()).unwrap_or(0);
        let mut children = Vec::new();
        // Not `GetChildren`: where the page's tree hangs in the window's, that answers nothing.
        for index in 0..count {
            let child = self.ask((bus, path), "org.a11y.atspi.Accessible", "GetChildAtIndex", &index).await;
            children.extend::<Option<(String, OwnedObjectPath)>>(child);
        }
        children
    }

    async fn thing(&self, bus: String, path: OwnedObjectPath) -> Thing {
        let role: Option<u32> = self.ask((&bus, &path), "org.a11y.atspi.Accessible", "GetRole", &()).await;
        let name = self.property(&bus, &path, "Name").await.and_then(|name| String::try_from(name).ok());
        let text = self.ask((&bus, &path), "org.a11y.atspi.Text", "GetText", &(0_i32, -1_i32)).await;
        let role = Role::of(role.unwrap_or_default());
        Thing { bus, path, role, name: name.unwrap_or_default(), text: text.unwrap_or_default() }
    }

    async fn property(&self, bus: &str, path: &OwnedObjectPath, name: &str) -> Option<OwnedValue> {
        let question = ("org.a11y.atspi.Accessible", name);
        self.ask((bus, path), "org.freedesktop.DBus.Properties", "Get", &question).await
    }

    /// Asks one thing; none when it has gone meanwhile, or does not know the question.
    async fn ask<Q, A>(&self, (bus, path): (&str, &OwnedObjectPath), of: &str, what: &str, question: &Q) -> Option<A>
    where
        Q: Serialize + DynamicType + Sync,
        A: DeserializeOwned + Type,
    {
        let answer = self.bus.call_method(Some(bus), path, Some(of), what, question).await.ok()?;
        answer.body().deserialize().ok()
    }
}

/// The accessibility bus of a session, switched on as a screen reader does.
async fn accessibility_bus(session: &str) -> Connection {
    let session = Builder::address(session).expect("an address").build().await.expect("the session bus answers");
    let place = ("org.a11y.Bus", "/org/a11y/bus");
    let on = ("org.a11y.Status", "IsEnabled", zbus::zvariant::Value::from(true));
    let properties = Some("org.freedesktop.DBus.Properties");
    session.call_method(Some(place.0), place.1, properties, "Set", &on).await.expect("accessibility is installed");
    let answer = session.call_method(Some(place.0), place.1, Some(place.0), "GetAddress", &()).await;
    let address: String = answer.expect("there is a bus").body().deserialize().expect("an address is a text");
    Builder::address(address.as_str()).expect("an address").build().await.expect("the accessibility bus answers")
}

fn quiet(program: &str, log: &Path) -> Command {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("the log can be written");
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a handle can be copied"))
        .stderr(log)
        .kill_on_drop(true);
    command
}

/// Starts a program that says in one line that it is ready.
async fn first_line(mut command: Command) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a part of the desktop starts: `cargo xtask setup`");
    let output = child.stdout.take().expect("its output is piped");
    let line = tokio::time::timeout(HEAR_WAIT, BufReader::new(output).lines().next_line()).await;
    let line = line.expect("it is ready in time").expect("its output can be read").expect("it says so");
    (child, line.trim().to_owned())
}
