//! A bank card at a simulated reader or in the field of a virtual PN532: the `tapseal-card` program, connected as
//! vpcd connects one.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::process::program;
use crate::system::{System, free_port, texts};

/// How long a virtual PN532 may take until it is there.
const READY_WAIT: Duration = Duration::from_secs(20);

/// A virtual card that is presented until it is dropped.
pub struct Card {
    /// How the wallet names the reader the card lies on.
    pub reader: String,
    child: Child,
}

impl Card {
    /// A card of a built-in profile.
    pub fn present(system: &System, profile: &str) -> Self {
        Self::present_with(system, profile, &[])
    }

    /// The same, with further arguments such as `--remove-after 3`.
    pub fn present_with(system: &System, profile: &str, further: &[&str]) -> Self {
        Self::present_at(system, profile, &format!("127.0.0.1:{}", free_port()), further)
    }

    /// The same, at the reader that listens on this address.
    pub fn present_at(system: &System, profile: &str, reader: &str, further: &[&str]) -> Self {
        let atc = counter_file(system, profile);
        let mut arguments = texts(&["serve", "--profile", profile, "--vpcd", reader, "--atc-file", &atc]);
        arguments.extend(texts(further));
        let child = Command::new(program("tapseal-card"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the card program starts");
        Self { reader: format!("simulated:{reader}"), child }
    }

    /// A card of a built-in profile in the field of a virtual PN532, for libnfc.
    pub async fn present_in_field(system: &System, profile: &str) -> Self {
        let atc = counter_file(system, profile);
        let mut child = Command::new(program("tapseal-card"))
            .args(["serve", "--pn532", "--json", "--profile", profile, "--atc-file", &atc])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the card program starts");
        let output = child.stdout.take().expect("its output is piped");
        let first = timeout(READY_WAIT, BufReader::new(output).lines().next_line()).await;
        let ready = first.expect("the chip is ready in time").expect("its output can be read").expect("a first line");
        let ready: Value = serde_json::from_str(&ready).expect("the ready line is JSON");
        let connection = ready["connection_string"].as_str().expect("the ready line says how to connect");
        Self { reader: format!("nfc:{connection}"), child }
    }

    /// The card's process id.
    ///
    /// # Panics
    /// When the card program has ended.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the card program is running")
    }

    /// Takes the card away.
    pub async fn remove(mut self) {
        self.child.kill().await.expect("a running card can be taken away");
    }
}

/// Where a card of this profile keeps its counter, so that a second one goes on from the first.
fn counter_file(system: &System, profile: &str) -> String {
    let path = system.folder().join(format!("{}.atc", profile.replace(['/', '.'], "_")));
    path.to_str().expect("temporary paths are plain").to_owned()
}
