//! The payer's card: a software EMV card in a virtual PC/SC reader, or in a simulated one where there is no pcscd.

use serde_json::json;

use crate::card_service::{CardService, READER_NAME, VPCD_PORT};
use crate::demo::narrator::Narrator;
use crate::demo::parties::free_port;
use crate::demo::{PERSON_LIMIT, Stage, text};
use crate::failure::Failure;
use crate::invocation::{command, json_of};
use crate::processes::Running;

/// The card, and the reader it is in.
pub struct Card {
    /// The reader as `tapseal-wallet --reader` takes it.
    pub reader: String,
    /// The PIN of this test card.
    pub pin: String,
    _program: Running,
    _service: Option<CardService>,
}

impl Card {
    /// Puts a card of this profile into the best reader this machine has.
    pub fn insert(stage: &Stage, profile: &str, narrator: &mut Narrator) -> Result<Self, Failure> {
        let (service, reader, address, kind) = match CardService::find_or_start(&stage.log("pcscd")) {
            Ok(service) => (Some(service), format!("pcsc:{READER_NAME}"), format!("127.0.0.1:{VPCD_PORT}"), "PC/SC"),
            Err(why) => {
                Narrator::remark(&format!("No PC/SC reader ({why}): the wallet reads a simulated one."));
                let address = format!("127.0.0.1:{}", free_port()?);
                (None, format!("simulated:{address}"), address, "simulated")
            }
        };
        let facts = json_of(command(stage.program("tapseal-card"), ["show", profile, "--json"]))?;
        let pin = text(&facts, "pin", "tapseal-card show")?.to_owned();
        let mut card = command(stage.program("tapseal-card"), ["serve", "--vpcd", &address, "--profile", profile]);
        // In a simulated reader the card is read only while the wallet pays, and a person may take their time.
        card.args(["--reader-wait-s", &PERSON_LIMIT.as_secs().to_string()]);
        card.current_dir(&stage.folder);
        let program = Running::start("tapseal-card", card, &stage.log("card"))?;
        narrator.stage(
            "reader",
            json!({ "reader": reader, "kind": kind, "card": profile }),
            &format!("a virtual {profile} card is in the {kind} reader {reader}"),
        );
        Ok(Self { reader, pin, _program: program, _service: service })
    }
}
