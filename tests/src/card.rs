//! A bank card at a simulated reader: the `tapseal-card` program, connected as vpcd connects one.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::process::program;
use crate::system::{System, free_port, texts};

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
        let atc: PathBuf = system.folder().join(format!("{}.atc", profile.replace(['/', '.'], "_")));
        let atc = atc.to_str().expect("temporary paths are plain");
        let mut arguments = texts(&["serve", "--profile", profile, "--vpcd", reader, "--atc-file", atc]);
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
