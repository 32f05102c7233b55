//! The processes behind the wallet: keys, databases, bank front and payment server.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::demo::card::CardFacts;
use crate::demo::narrator::Narrator;
use crate::demo::{Stage, merchant, text};
use crate::failure::Failure;
use crate::invocation::{command, output_of};
use crate::processes::Running;

/// How long a server may take until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// The running servers. The payment server stops first, then the bank.
pub struct Parties {
    mail_folder: PathBuf,
    _payment_server: Running,
    _bank_front: Running,
}

impl Parties {
    /// Makes keys and databases, and starts bank front and payment server.
    ///
    /// The bank knows its own test cards and this one.
    pub fn start(stage: &Stage, card: &CardFacts, narrator: &mut Narrator) -> Result<Self, Failure> {
        let port = free_port()?;
        tapseal(stage, &["keys", "init", "--dir"], |call| {
            call.arg(&stage.folder).args(["--public-url", &format!("https://127.0.0.1:{port}")]);
            call.args(["--merchant", merchant::ENTRY]);
        })?;
        narrator.stage("deployment", &[], "made keys and certificates for every party");
        tapseal(stage, &["migrate", "--data"], |call| {
            call.arg(&stage.folder);
        })?;
        let cards = stage.folder.join("cards.json");
        std::fs::write(&cards, card.as_list()).map_err(Failure::file(&cards))?;
        tapseal(stage, &["bank", "seed", "--data"], |call| {
            call.arg(&stage.folder).arg("--card-profiles").arg(&cards);
        })?;
        narrator.stage("databases", &[], "made both databases; the bank has its cardholders");
        let mail_folder = stage.folder.join("mail");
        let (bank_front, bank_address) = start_server(stage, "bank-front", |call| {
            call.args(["--listen", "127.0.0.1:0"]);
        })?;
        let (payment_server, address) = start_server(stage, "payment-server", |call| {
            call.args(["--listen", &format!("127.0.0.1:{port}"), "--bank", &bank_address]);
            call.arg("--mail-dir").arg(&mail_folder);
        })?;
        narrator.stage(
            "servers",
            &[("payment_server", json!(address)), ("bank_front", json!(bank_address)), ("tls", json!("1.3"))],
            &format!("payment server on {address}, bank front on {bank_address}, TLS between all"),
        );
        Ok(Self { mail_folder, _payment_server: payment_server, _bank_front: bank_front })
    }

    /// Where the payment server puts the mail it would send.
    pub fn mail_folder(&self) -> PathBuf {
        self.mail_folder.clone()
    }
}

/// Runs `tapseal` with the arguments to its end.
pub fn tapseal(
    stage: &Stage,
    arguments: &[&str],
    add: impl FnOnce(&mut std::process::Command),
) -> Result<String, Failure> {
    let mut call = command(stage.program("tapseal"), arguments);
    add(&mut call);
    output_of(call)
}

fn start_server(
    stage: &Stage,
    name: &str,
    add: impl FnOnce(&mut std::process::Command),
) -> Result<(Running, String), Failure> {
    let mut server = command(stage.program("tapseal"), [name]);
    server.arg("--data").arg(&stage.folder);
    add(&mut server);
    let (running, first) = Running::start_until_line(name, server, &stage.log(name), READY_LIMIT)?;
    let ready = serde_json::from_str::<Value>(&first).map_err(|_| Failure::unexpected(name, first))?;
    let address = text(&ready, "addr", name)?.to_owned();
    Ok((running, address))
}

/// A port that was free a moment ago: the server's address stands in the keys before the server starts.
pub fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("looking for a free port"))?;
    Ok(listener.local_addr().map_err(Failure::io("looking for a free port"))?.port())
}
