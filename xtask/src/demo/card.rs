//! The payer's card: a software EMV card in a virtual PC/SC reader, or in a simulated one where there is no pcscd.

use std::time::{Duration, Instant};

use clap::ValueEnum;
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

/// How the card is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReaderKind {
    /// Through pcscd with a virtual reader in it; simulated where there is none.
    Pcsc,
    /// In the field of a virtual PN532 that libnfc drives.
    Libnfc,
    /// In the wallet's own simulated reader.
    Simulated,
}

/// How the card meets the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    Tap,
    Insert,
}

impl Gesture {
    /// As `tapseal-card serve --interface` takes it.
    const fn interface(self) -> &'static str {
        match self {
            Self::Tap => "contactless",
            Self::Insert => "contact",
        }
    }
}

/// What `tapseal-card show` says about a card: what a bank has to know, and how it can be read.
pub struct CardFacts {
    profile: String,
    facts: Value,
}

impl CardFacts {
    /// Asks about the card of this profile.
    pub fn of(stage: &Stage, profile: &str) -> Result<Self, Failure> {
        let facts = json_of(command(stage.program("tapseal-card"), ["show", profile, "--json"]))?;
        Ok(Self { profile: profile.to_owned(), facts })
    }

    /// The card as the bank takes a list of cards.
    pub fn as_list(&self) -> String {
        json!([self.facts]).to_string()
    }

    /// Public test cards that another bank can have beside this one: those of another scheme.
    pub fn cards_of_another_bank(&self) -> &'static str {
        if self.facts["scheme"] == "visa" { "mastercard" } else { "visa" }
    }

    /// The last four digits of its number.
    pub fn last_four(&self) -> Result<String, Failure> {
        let number = text(&self.facts, "pan", "tapseal-card show")?;
        Ok(number.get(number.len().saturating_sub(4)..).unwrap_or_default().to_owned())
    }

    /// How this card is presented: inserted when that is wished for or all it can, else tapped.
    pub fn gesture(&self, contact: bool) -> Result<Gesture, Failure> {
        let can = |interface: &str| self.facts[interface] == true;
        match (contact, can("contact"), can("contactless")) {
            (true, true, _) | (false, true, false) => Ok(Gesture::Insert),
            (false, _, true) => Ok(Gesture::Tap),
            (true, false, _) => Err(Failure::unexpected(&self.profile, "it has no contacts")),
            (false, false, false) => Err(Failure::unexpected(&self.profile, "it can neither be inserted nor tapped")),
        }
    }
}

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
    /// Puts the card into a reader of this kind.
    pub fn present(
        stage: &Stage,
        facts: &CardFacts,
        kind: ReaderKind,
        gesture: Gesture,
        narrator: &mut Narrator,
    ) -> Result<Self, Failure> {
        let pin = text(&facts.facts, "pin", "tapseal-card show")?.to_owned();
        let profile = &facts.profile;
        let (service, reader, program) = match kind {
            ReaderKind::Pcsc => match CardService::find_or_start(&stage.log("pcscd")) {
                Ok(service) => {
                    let program = serve(stage, profile, gesture, &format!("127.0.0.1:{VPCD_PORT}"))?;
                    (Some(service), wait_for_reader(stage, &program)?, program)
                }
                Err(why) => {
                    Narrator::remark(&format!("No PC/SC reader ({why}): the wallet reads a simulated one."));
                    in_simulated_reader(stage, profile, gesture)?
                }
            },
            ReaderKind::Libnfc => in_field(stage, profile, gesture)?,
            ReaderKind::Simulated => in_simulated_reader(stage, profile, gesture)?,
        };
        narrator.stage(
            "reader",
            &[("reader", json!(reader)), ("card", json!(profile)), ("interface", json!(gesture.interface()))],
            &format!("a virtual {profile} card is in the reader {reader}, {}", gesture.interface()),
        );
        Ok(Self { reader, pin, _program: program, _service: service })
    }
}

/// What [`Card::present`] keeps: the service behind the reader, the reader's name, the card's program.
type Presented = (Option<CardService>, String, Running);

fn in_simulated_reader(stage: &Stage, profile: &str, gesture: Gesture) -> Result<Presented, Failure> {
    let address = format!("127.0.0.1:{}", free_port()?);
    Ok((None, format!("simulated:{address}"), serve(stage, profile, gesture, &address)?))
}

/// Puts the card into the field of a virtual PN532 on a pseudo terminal.
fn in_field(stage: &Stage, profile: &str, gesture: Gesture) -> Result<Presented, Failure> {
    if gesture == Gesture::Insert {
        return Err(Failure::unexpected("--reader libnfc", "cards are tapped there, not inserted"));
    }
    let card = command(stage.program("tapseal-card"), ["serve", "--pn532", "--json", "--profile", profile]);
    let (program, first) = Running::start_until_line("tapseal-card", card, &stage.log("card"), INSERT_LIMIT)?;
    let ready = serde_json::from_str::<Value>(&first).map_err(|_| Failure::unexpected("tapseal-card", first))?;
    let connection = text(&ready, "connection_string", "tapseal-card serve --pn532")?;
    Ok((None, format!("nfc:{connection}"), program))
}

/// Starts the card, which connects to the reader at this address.
fn serve(stage: &Stage, profile: &str, gesture: Gesture, address: &str) -> Result<Running, Failure> {
    let mut card = command(stage.program("tapseal-card"), ["serve", "--vpcd", address, "--profile", profile]);
    card.args(["--interface", gesture.interface()]);
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
    fn a_card_is_tapped_unless_it_is_to_be_or_can_only_be_inserted() {
        let gesture =
            |contact_wished, facts| CardFacts { profile: "a card".to_owned(), facts }.gesture(contact_wished).ok();
        let dual = json!({ "contact": true, "contactless": true });
        assert_eq!(gesture(false, dual.clone()), Some(Gesture::Tap));
        assert_eq!(gesture(true, dual), Some(Gesture::Insert));
        let chip = json!({ "contact": true, "contactless": false });
        assert_eq!(gesture(false, chip), Some(Gesture::Insert));
        let phone = json!({ "contact": false, "contactless": true });
        assert_eq!(gesture(true, phone), None);
    }

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
