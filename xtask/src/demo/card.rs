//! The payer's card: a software EMV card in a virtual PC/SC reader, or in a simulated one where there is no pcscd.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::card_service::{CardService, READER_NAME, VPCD_PORT};
use crate::demo::narrator::Narrator;
use crate::demo::parties::free_port;
use crate::demo::{PERSON_LIMIT, Stage, text};
use crate::failure::Failure;
use crate::invocation::{command, json_of};
use crate::processes::Running;

/// How long the card may take to appear in the reader.
const INSERT_LIMIT: Duration = Duration::from_secs(15);

const POLL: Duration = Duration::from_millis(100);

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
    /// Puts a card of this profile into the virtual PC/SC reader, or, without one for this reason, into a simulated one.
    pub fn insert(
        stage: &Stage,
        profile: &str,
        service: Result<CardService, String>,
        narrator: &mut Narrator,
    ) -> Result<Self, Failure> {
        let facts = json_of(command(stage.program("tapseal-card"), ["show", profile, "--json"]))?;
        let pin = text(&facts, "pin", "tapseal-card show")?.to_owned();
        let (service, reader, program) = match service {
            Ok(service) => {
                let program = serve(stage, profile, &format!("127.0.0.1:{VPCD_PORT}"))?;
                (Some(service), wait_for_reader(stage, &program)?, program)
            }
            Err(why) => {
                Narrator::remark(&format!("No PC/SC reader ({why}): the wallet reads a simulated one."));
                let address = format!("127.0.0.1:{}", free_port()?);
                (None, format!("simulated:{address}"), serve(stage, profile, &address)?)
            }
        };
        narrator.stage(
            "reader",
            &[("reader", json!(reader)), ("card", json!(profile))],
            &format!("a virtual {profile} card is in the reader {reader}"),
        );
        Ok(Self { reader, pin, _program: program, _service: service })
    }
}

/// Starts the card, which connects to the reader at this address.
fn serve(stage: &Stage, profile: &str, address: &str) -> Result<Running, Failure> {
    let mut card = command(stage.program("tapseal-card"), ["serve", "--vpcd", address, "--profile", profile]);
    // In a simulated reader the card is read only while the wallet pays, and a person may take their time.
    card.args(["--reader-wait-s", &PERSON_LIMIT.as_secs().to_string()]);
    Running::start("tapseal-card", card, &stage.log("card"))
}

/// Waits until the wallet sees a card in the virtual reader, and says what that reader is called.
fn wait_for_reader(stage: &Stage, program: &Running) -> Result<String, Failure> {
    let deadline = Instant::now() + INSERT_LIMIT;
    loop {
        let readers = json_of(command(stage.program("tapseal-wallet"), ["readers", "--json"]))?;
        if let Some(id) = reader_with_card(&readers) {
            return Ok(id);
        }
        if !program.is_alive() || Instant::now() > deadline {
            return Err(program.late(&format!("the card in a reader; the wallet sees {readers}"), INSERT_LIMIT));
        }
        std::thread::sleep(POLL);
    }
}

fn reader_with_card(readers: &Value) -> Option<String> {
    let ours = |reader: &&Value| {
        reader["card_present"] == true && reader["name"].as_str().is_some_and(|name| name.starts_with(READER_NAME))
    };
    Some(readers.as_array()?.iter().find(ours)?["id"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_virtual_reader_with_a_card_is_taken() {
        let readers = json!([
            { "id": "pcsc:ACME", "name": "ACME", "card_present": true },
            { "id": "pcsc:Virtual PCD 00 01", "name": "Virtual PCD 00 01", "card_present": false },
            { "id": "pcsc:Virtual PCD 00 00", "name": "Virtual PCD 00 00", "card_present": true },
        ]);
        assert_eq!(reader_with_card(&readers).as_deref(), Some("pcsc:Virtual PCD 00 00"));
        assert_eq!(reader_with_card(&json!([])), None);
    }
}
