//! A transcript that answers like the card it was taken from.

use serde_json::Value;

/// Transcript of one card.
pub struct Transcript {
    pub document: Value,
    exchanges: Vec<Recorded>,
    position: usize,
}

struct Recorded {
    command: Vec<u8>,
    answer: Option<Vec<u8>>,
    matching: Matching,
}

#[derive(PartialEq)]
enum Matching {
    Exact,
    Prefix,
    Any,
}

/// The card was taken away.
pub struct Removed;

impl Transcript {
    pub fn new(document: Value) -> Self {
        let exchanges = document["exchanges"].as_array().unwrap().iter().map(|exchange| Recorded {
            command: crate::bytes(&exchange["c"]),
            answer: exchange["r"].as_str().map(|answer| hex::decode(answer).unwrap()),
            matching: match exchange["match"].as_str() {
                Some("prefix") => Matching::Prefix,
                Some("any") => Matching::Any,
                _ => Matching::Exact,
            },
        });
        let exchanges = exchanges.collect();
        Self { document, exchanges, position: 0 }
    }

    /// Answers a command: looks from after the last hit and wraps. GET PROCESSING OPTIONS and GENERATE AC carry
    /// this session's own terminal data, so when nothing matches they are compared by their header alone. What
    /// the transcript lacks is answered 6A82.
    pub fn answer(&mut self, command: &[u8]) -> Result<Vec<u8>, Removed> {
        let count = self.exchanges.len();
        let order: Vec<usize> = (0..count).map(|step| (self.position + step) % count).collect();
        let as_recorded = |index: &&usize| {
            let recorded = &self.exchanges[**index];
            match recorded.matching {
                Matching::Exact => recorded.command == command,
                Matching::Prefix => command.starts_with(&recorded.command),
                Matching::Any => true,
            }
        };
        let by_header = |index: &&usize| {
            let carries_terminal_data = matches!(command.get(..2), Some([0x80, 0xA8 | 0xAE]));
            carries_terminal_data && self.exchanges[**index].command.get(..4) == command.get(..4)
        };
        // What was recorded right after 61xx is the answer to GET RESPONSE: some recorders wrote its bytes in another
        // order.
        let continuation = |index: &&usize| {
            let after = **index == self.position && self.position > 0;
            let Some([0x00, 0xC0, 0x00, 0x00, length]) = command.get(..5).filter(|_| after) else { return false };
            let before = self.exchanges[self.position - 1].answer.as_deref().unwrap_or_default();
            before.ends_with(&[0x61, *length]) && self.exchanges[**index].command.last() == Some(length)
        };
        let hit = order.iter().find(as_recorded).or_else(|| order.iter().find(by_header));
        match hit.or_else(|| order.iter().find(continuation)) {
            Some(&index) => {
                self.position = index + 1;
                self.exchanges[index].answer.clone().ok_or(Removed)
            }
            None => Ok(vec![0x6A, 0x82]),
        }
    }
}
