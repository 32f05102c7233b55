//! The processes behind the wallet: keys, databases, bank fronts and payment server.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::demo::alias::Keeper;
use crate::demo::card::CardFacts;
use crate::demo::narrator::Narrator;
use crate::demo::{Method, Stage, carrier, code, merchant, text};
use crate::failure::Failure;
use crate::invocation::{command, output_of};
use crate::processes::Running;

/// How long a server may take until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// The running servers. The payment server stops first, then the banks.
pub struct Parties {
    mail_folder: PathBuf,
    keeper: Option<Keeper>,
    _payment_server: Running,
    _bank_fronts: Vec<Running>,
    _carrier_front: Running,
}

impl Parties {
    /// Makes keys and databases, and starts the bank fronts and the payment server.
    ///
    /// The last bank issued this card. A bank alone knows its own test cards too; of two, the other has some.
    pub fn start(
        stage: &Stage,
        card: &CardFacts,
        banks: &[&str],
        methods: &[Method],
        narrator: &mut Narrator,
    ) -> Result<Self, Failure> {
        let port = free_port()?;
        tapseal(stage, &["keys", "init", "--dir"], |call| {
            call.arg(&stage.folder).args(["--public-url", &format!("https://127.0.0.1:{port}")]);
            call.args(["--merchant", merchant::ENTRY]);
            call.args(banks.iter().flat_map(|bank| ["--bank", bank]));
            call.args(["--operator", carrier::OPERATOR_ENTRY]);
        })?;
        narrator.stage("deployment", &[("banks", json!(banks))], "made keys and certificates for every party");
        tapseal(stage, &["migrate", "--data"], |call| {
            call.arg(&stage.folder);
        })?;
        seed(stage, card, banks)?;
        narrator.stage("databases", &[], "made every database; each bank has its cardholders");
        let mail_folder = stage.folder.join("mail");
        let keeper = methods.contains(&Method::Alias).then(|| Keeper::start(stage, narrator)).transpose()?;
        let mut bank_fronts = Vec::new();
        let mut lines = Vec::new();
        for bank in banks {
            let log = if banks.len() > 1 { format!("bank-front-{bank}") } else { "bank-front".to_owned() };
            let (running, address) = start_server(stage, "bank-front", &log, |call| {
                call.args(["--bank", bank, "--listen", "127.0.0.1:0"]);
                call.arg("--codes-dir").arg(code::texts_folder(stage));
            })?;
            bank_fronts.push(running);
            lines.push(format!("{bank}={address}"));
        }
        let (carrier_front, address) = start_server(stage, "carrier-front", "carrier-front", |call| {
            call.args(["--listen", "127.0.0.1:0"]).arg("--texts-dir").arg(carrier::texts_folder(stage));
        })?;
        lines.push(format!("{}={address}", carrier::OPERATOR));
        let (payment_server, address) = start_server(stage, "payment-server", "payment-server", |call| {
            call.args(["--listen", &format!("127.0.0.1:{port}")]);
            call.args(lines.iter().flat_map(|line| ["--bank", line]));
            call.arg("--mail-dir").arg(&mail_folder);
        })?;
        narrator.stage(
            "servers",
            &[("payment_server", json!(address)), ("bank_fronts", json!(lines)), ("tls", json!("1.3"))],
            &format!("payment server on {address}, bank fronts {}, TLS between all", lines.join(" and ")),
        );
        Ok(Self {
            mail_folder,
            keeper,
            _payment_server: payment_server,
            _bank_fronts: bank_fronts,
            _carrier_front: carrier_front,
        })
    }

    /// The vault, where something is paid by alias.
    pub fn keeper(&self) -> Result<&Keeper, Failure> {
        self.keeper.as_ref().ok_or_else(|| Failure::unexpected("the demo", "there is no vault"))
    }

    /// Where the payment server puts the mail it would send.
    pub fn mail_folder(&self) -> PathBuf {
        self.mail_folder.clone()
    }
}

/// Gives each bank its cards.
fn seed(stage: &Stage, card: &CardFacts, banks: &[&str]) -> Result<(), Failure> {
    let cards = stage.folder.join("cards.json");
    std::fs::write(&cards, card.as_list()).map_err(Failure::file(&cards))?;
    let Some((issuer, others)) = banks.split_last() else { return Ok(()) };
    for bank in others {
        tapseal(stage, &["bank", "seed", "--bank", bank, "--cards", card.cards_of_another_bank(), "--data"], |call| {
            call.arg(&stage.folder);
        })?;
    }
    let own = if others.is_empty() { "all" } else { "none" };
    tapseal(stage, &["bank", "seed", "--bank", issuer, "--cards", own, "--data"], |call| {
        call.arg(&stage.folder).arg("--card-profiles").arg(&cards);
    })?;
    Ok(())
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
    log: &str,
    add: impl FnOnce(&mut std::process::Command),
) -> Result<(Running, String), Failure> {
    let mut server = command(stage.program("tapseal"), [name]);
    server.arg("--data").arg(&stage.folder);
    add(&mut server);
    let (running, first) = Running::start_until_line(name, server, &stage.log(log), READY_LIMIT)?;
    let ready = serde_json::from_str::<Value>(&first).map_err(|_| Failure::unexpected(name, first))?;
    let address = text(&ready, "addr", name)?.to_owned();
    Ok((running, address))
}

/// A port that was free a moment ago: the server's address stands in the keys before the server starts.
pub fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("looking for a free port"))?;
    Ok(listener.local_addr().map_err(Failure::io("looking for a free port"))?.port())
}
