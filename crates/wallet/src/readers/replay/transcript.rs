//! A card's transcript: which commands were sent to it, and what it answered.
//!
//! Commands are looked up in order, from the last hit on and around once: cards answer the same READ RECORD
//! differently before and after another SELECT. Commands that carry the terminal's values match by their
//! header, since the recording terminal had other values.
//!
//! This file stands alone, for it reads what anybody may have written: the fuzzing engine builds it without
//! the rest of the wallet.

use emv::Interface;
use serde::Deserialize;

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
    name: String,
    interface: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    /// The C-APDU in hexadecimal.
    c: String,
    /// The R-APDU in hexadecimal; none when the card was lost here.
    r: Option<String>,
    #[serde(rename = "match", default)]
    matching: Matching,
}

impl Transcript {
    /// Reads a transcript; says what is wrong with it otherwise.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let bytes = |text: &str| hex::decode(text).map_err(|error| error.to_string());
        let mut exchanges = Vec::with_capacity(document.exchanges.len());
        for exchange in &document.exchanges {
            let r_apdu = exchange.r.as_deref().map(bytes).transpose()?;
            exchanges.push(Recorded { c_apdu: bytes(&exchange.c)?, r_apdu, matching: exchange.matching });
        }
        let contactless = document.interface.starts_with("contactless");
        let interface = if contactless { Interface::Contactless } else { Interface::Contact };
        Ok(Self { name: document.name, interface, exchanges })
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

impl Recorded {
    fn is(&self, c_apdu: &[u8]) -> bool {
        match self.matching {
            Matching::Exact => without_le(&self.c_apdu) == without_le(c_apdu),
            Matching::Prefix => c_apdu.starts_with(&self.c_apdu),
            Matching::Any => true,
        }
    }

    /// GET PROCESSING OPTIONS and GENERATE AC carry the terminal's values: the four header bytes decide.
    fn is_like(&self, c_apdu: &[u8]) -> bool {
        matches!(c_apdu, [0x80, 0xA8 | 0xAE, ..]) && self.c_apdu.get(..4) == c_apdu.get(..4)
    }
}

/// A case 4 command without its Le: recordings differ in whether they keep it.
fn without_le(c_apdu: &[u8]) -> &[u8] {
    emv::apdu::without_le_for_t0(c_apdu)
}
