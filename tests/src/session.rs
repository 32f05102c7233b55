//! The desktop that a window runs on: its display, its message bus, and who shows notifications there.

#![expect(clippy::used_underscore_binding, reason = "a D-Bus interface passes every parameter on")]

use std::collections::HashMap;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::process::Command;
use tokio::sync::mpsc;
use zbus::zvariant::OwnedValue;

/// How long something may take to show on the desktop.
const SHOWN_WAIT: Duration = Duration::from_secs(30);
/// How long a program that only hands something over may take.
const HAND_OVER_WAIT: Duration = Duration::from_secs(30);
/// The pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// The notifications' name on the bus, and their place.
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const NOTIFICATIONS_PATH: &str = "/org/freedesktop/Notifications";

/// A running desktop, as its programs see it.
pub struct Session {
    variables: Vec<(String, String)>,
}

impl Session {
    /// The desktop whose programs' environment was written to this file.
    pub fn written_to(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("the window's session wrote its environment");
        let variables = text.lines().filter_map(|line| line.split_once('='));
        Self { variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect() }
    }

    /// Its variables.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// The address of its message bus.
    pub fn bus(&self) -> &str {
        let is_bus = |(name, _): &&(String, String)| name == "DBUS_SESSION_BUS_ADDRESS";
        &self.variables.iter().find(is_bus).expect("a session has a bus").1
    }

    /// Runs a program there to its end.
    pub async fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.variables.iter().cloned()).kill_on_drop(true);
        let ended = tokio::time::timeout(HAND_OVER_WAIT, command.output()).await;
        ended.unwrap_or_else(|_| panic!("{} does not end", program.display())).expect("it starts")
    }

    /// Waits until some window has this title.
    pub async fn wait_for_title(&self, title: &str) {
        let started = Instant::now();
        let wanted = format!("\"{title}\"");
        loop {
            let listed = self.run(Path::new("xwininfo"), &["-root", "-tree"]).await;
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            if listed.contains(&wanted) {
                return;
            }
            assert!(started.elapsed() < SHOWN_WAIT, "no window has the title {title:?}: {listed}");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }
}

/// One notification, as a desktop is told to show it.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The number it was given.
    pub id: u32,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Its icon's name.
    pub icon: String,
}

/// Who shows notifications on a desktop: keeps them, and presses them as a person would.
pub struct Notifications {
    bus: zbus::Connection,
    shown: mpsc::UnboundedReceiver<Notification>,
}

impl Notifications {
    /// Shows them on this desktop from now on.
    pub async fn on(session: &Session) -> Self {
        let (told, shown) = mpsc::unbounded_channel();
        let bus = zbus::connection::Builder::address(session.bus())
            .and_then(|bus| bus.serve_at(NOTIFICATIONS_PATH, Server { told, count: 0 }))
            .and_then(|bus| bus.name(NOTIFICATIONS))
            .expect("the names are well formed");
        Self { bus: bus.build().await.expect("the bus takes another program"), shown }
    }

    /// The next one that is shown.
    pub async fn next(&mut self) -> Notification {
        let shown = tokio::time::timeout(SHOWN_WAIT, self.shown.recv()).await;
        shown.expect("a notification in time").expect("the server runs")
    }

    /// Presses one.
    pub async fn press(&self, id: u32) {
        self.bus
            .emit_signal(None::<&str>, NOTIFICATIONS_PATH, NOTIFICATIONS, "ActionInvoked", &(id, "default"))
            .await
            .expect("the bus takes a signal");
    }
}

struct Server {
    told: mpsc::UnboundedSender<Notification>,
    count: u32,
}

/// The Desktop Notifications Specification 1.2, section 9.
#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[allow(clippy::too_many_arguments, reason = "the specification's own")]
    fn notify(
        &mut self,
        _app_name: String,
        _replaces_id: u32,
        app_icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        self.count += 1;
        let shown = Notification { id: self.count, title: summary, body, icon: app_icon };
        // A test that has seen enough looks no more.
        let _ = self.told.send(shown);
        self.count
    }

    #[allow(clippy::unused_self, reason = "a method of the bus")]
    fn close_notification(&self, _id: u32) {}

    #[allow(clippy::unused_self, reason = "a method of the bus")]
    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned(), "actions".to_owned(), "body-markup".to_owned()]
    }

    #[allow(clippy::unused_self, reason = "a method of the bus")]
    fn get_server_information(&self) -> (String, String, String, String) {
        let text = str::to_owned;
        (text("a test's"), text("Tapseal"), text("1"), text("1.2"))
    }
}

/// What docks are told of how much waits.
pub struct DockCounts(zbus::MessageStream);

impl DockCounts {
    /// Listens on this desktop from now on.
    pub async fn on(session: &Session) -> Self {
        let bus = zbus::connection::Builder::address(session.bus()).expect("an address").build().await;
        let rule = zbus::MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface("com.canonical.Unity.LauncherEntry")
            .expect("an interface's name")
            .build();
        let bus = bus.expect("the bus takes another program");
        Self(zbus::MessageStream::for_match_rule(rule, &bus, None).await.expect("the bus takes a rule"))
    }

    /// Waits until docks are told this count, for our desktop entry.
    pub async fn wait_for(&mut self, count: i64) {
        let told = async {
            while let Some(Ok(message)) = self.0.next().await {
                let (entry, properties): (String, HashMap<String, OwnedValue>) =
                    message.body().deserialize().expect("the signal's own types");
                assert_eq!(entry, "application://org.tapseal.wallet.desktop");
                if properties.get("count").and_then(|value| i64::try_from(value).ok()) == Some(count) {
                    return;
                }
            }
            panic!("the bus ended");
        };
        tokio::time::timeout(SHOWN_WAIT, told).await.unwrap_or_else(|_| panic!("no dock was told {count}"));
    }
}
