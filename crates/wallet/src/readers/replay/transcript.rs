//! A card's transcript: which commands were sent to it, and what it answered.
//!
//! Commands are looked up in order, from the last hit on and around once: cards answer the same READ RECORD
//! differently before and after another SELECT. Commands that carry the terminal's values match by their
//! header, since the recording terminal had other values. Hexadecimal is read in either case and with blanks in it,
//! members this file does not know are passed over, and an exchange without an answer is a card that was lost there.
//!
//! This file stands alone, for it reads what anybody may have written: the fuzzing engine builds it without
//! the rest of the wallet.

use emv::Interface;
use emv::application::PPSE;
use serde::Deserialize;

/// Some editors begin a file with it.
const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// What every answer ends with.
const STATUS_WORD_BYTES: usize = 2;

/// A card as it was recorded.
pub struct Transcript {
    /// Its name.
    pub name: String,
    /// How it was read.
    pub interface: Interface,
    exchanges: Vec<Recorded>,
}

struct Recorded {
    c_apdu: Vec<u8>,
    /// None when the card was lost here.
    r_apdu: Option<Vec<u8>>,
    matching: Matching,
}

/// What a transcript has for a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer<'t> {
    /// The R-APDU that was recorded.
    Recorded(&'t [u8]),
    /// The card was lost at this command.
    Removed,
    /// The command was never recorded.
    Unknown,
}

/// How a command is compared with the recorded one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Matching {
    /// Byte by byte.
    #[default]
    Exact,
    /// The recorded bytes are the beginning.
    Prefix,
    /// Whatever is sent.
    Any,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    interface: Option<String>,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    /// The C-APDU in hexadecimal.
    c: String,
    /// The R-APDU in hexadecimal; none when the card was lost here.
    #[serde(default)]
    r: Option<String>,
    #[serde(rename = "match", default)]
    matching: Option<Matching>,
}

impl Transcript {
    /// Reads a transcript; says what is wrong with it otherwise.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
        let document: Document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut exchanges = Vec::with_capacity(document.exchanges.len());
        for (index, exchange) in document.exchanges.iter().enumerate() {
            exchanges.push(exchange.read().map_err(|what| format!("exchange {}: {what}", index + 1))?);
        }
        let name = document.name.unwrap_or_default();
        let interface = match document.interface {
            Some(named) => interface_named(&named)?,
            None => interface_by_directory(&exchanges),
        };
        Ok(Self { name, interface, exchanges })
    }

    /// Answers a command. `position` is where the search begins, 0 at first; it moves behind every hit.
    pub fn answer(&self, c_apdu: &[u8], position: &mut usize) -> Answer<'_> {
        let hit = self
            .find(*position, |recorded| recorded.is(c_apdu))
            .or_else(|| self.find(*position, |recorded| recorded.is_like(c_apdu)))
            .or_else(|| self.continuation(c_apdu, *position));
        let Some(hit) = hit else { return Answer::Unknown };
        *position = hit + 1;
        self.exchanges[hit].r_apdu.as_deref().map_or(Answer::Removed, Answer::Recorded)
    }

    /// What was recorded right after 61xx is the answer to GET RESPONSE: some recorders wrote its bytes in another order.
    fn continuation(&self, c_apdu: &[u8], position: usize) -> Option<usize> {
        let ([0x00, 0xC0, 0x00, 0x00, length], Some(before)) = (c_apdu, position.checked_sub(1)) else { return None };
        let waited = self.exchanges.get(before)?.r_apdu.as_deref()?.ends_with(&[0x61, *length]);
        let next = self.exchanges.get(position)?;
        (waited && next.c_apdu.len() == 5 && next.c_apdu.last() == Some(length)).then_some(position)
    }

    fn find(&self, position: usize, matches: impl Fn(&Recorded) -> bool) -> Option<usize> {
        let count = self.exchanges.len();
        (0..count).map(|step| (position + step) % count).find(|index| matches(&self.exchanges[*index]))
    }
}

impl Exchange {
    fn read(&self) -> Result<Recorded, &'static str> {
        let c_apdu = bytes(&self.c).ok_or("`c` is not hexadecimal")?;
        let r_apdu = self.r.as_deref().map(|r| bytes(r).ok_or("`r` is not hexadecimal")).transpose()?;
        let r_apdu = r_apdu.filter(|r_apdu| !r_apdu.is_empty());
        if r_apdu.as_ref().is_some_and(|r_apdu| r_apdu.len() < STATUS_WORD_BYTES) {
            return Err("`r` is shorter than a status word");
        }
        Ok(Recorded { c_apdu, r_apdu, matching: self.matching.unwrap_or_default() })
    }
}

/// Hexadecimal with or without blanks.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    hex::decode(digits).ok()
}

fn interface_named(name: &str) -> Result<Interface, String> {
    let name = name.trim().to_ascii_lowercase();
    if name.starts_with("contactless") || name == "nfc" {
        Ok(Interface::Contactless)
    } else if name.starts_with("contact") {
        Ok(Interface::Contact)
    } else {
        Err("`interface` is neither contact nor contactless".to_owned())
    }
}

/// A recording that does not say: the contactless directory is asked for over the air only (Book B section 3.3.1).
fn interface_by_directory(exchanges: &[Recorded]) -> Interface {
    let is_ppse = |recorded: &Recorded| recorded.c_apdu.windows(PPSE.len()).any(|bytes| bytes == PPSE);
    if exchanges.iter().any(is_ppse) { Interface::Contactless } else { Interface::Contact }
}

impl Recorded {
    fn is(&self, c_apdu: &[u8]) -> bool {
        match self.matching {
            Matching::Exact => without_le(&self.c_apdu) == without_le(c_apdu),
            Matching::Prefix => c_apdu.starts_with(&self.c_apdu),
            Matching::Any => true,
        }
    }

    /// GET PROCESSING OPTIONS and GENERATE AC carry the terminal's values: the four header bytes decide. Of GET
    /// RESPONSE a published recording has class and instruction exchanged, and nothing else begins like that.
    fn is_like(&self, c_apdu: &[u8]) -> bool {
        match c_apdu {
            [0x80, 0xA8 | 0xAE, ..] => self.c_apdu.get(..4) == c_apdu.get(..4),
            [0x00, 0xC0, rest @ ..] => self.c_apdu.strip_prefix(&[0x00, 0x0C]) == Some(rest),
            _ => false,
        }
    }
}

/// A case 4 command without its Le: recordings differ in whether they keep it.
fn without_le(c_apdu: &[u8]) -> &[u8] {
    emv::apdu::without_le_for_t0(c_apdu)
}
