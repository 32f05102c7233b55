//! A test of a card reader, as the window is shown it: one card is looked at; nothing is paid, sent or kept.

use serde::{Deserialize, Serialize};

use super::{CardGesture, ReadPhase};
use crate::error::ErrorCode;

/// How far a test of a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum ReaderTestStage {
    /// Waiting for a card.
    WaitingForCard {
        /// Why none can come just now, such as `no_reader`.
        notice: Option<ErrorCode>,
    },
    /// Reading the card: step `step` of `steps`.
    Reading {
        /// From 1.
        step: u8,
        /// How many there will be.
        steps: u8,
        /// What the step is.
        phase: ReadPhase,
    },
    /// The reader read the card.
    Read {
        /// How long the card had to be held, in ms.
        read_ms: u32,
        /// Commands sent to the card; none to a stripe.
        exchanges: u32,
        /// Why this card could not pay all the same, such as `card_declined_offline`.
        trouble: Option<ErrorCode>,
    },
    /// The card was not read.
    Failed {
        /// Why.
        code: ErrorCode,
    },
}

/// What a card is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookFor {
    /// To see whether a reader works: nothing is kept.
    Test,
    /// For a vault to keep: nothing is sent before its owner says so.
    Vault,
}

/// What may be shown of the card that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedCardView {
    /// Its scheme, such as `visa`; none of a stripe.
    pub scheme: Option<String>,
    /// Its application's label, such as `VISA CREDIT`; empty of a stripe.
    pub label: String,
    /// The last four digits of its number, when it gave one.
    pub last_four: Option<String>,
}

/// A test of a reader, or a card being read for a vault, running or finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderTestView {
    /// What it is for.
    pub purpose: LookFor,
    /// The reader that is tested; none while any may take the card.
    pub reader: Option<String>,
    /// How the card reached it, once it did.
    pub gesture: Option<CardGesture>,
    /// How far the test is.
    pub progress: ReaderTestStage,
    /// The card, once it was read.
    pub card: Option<TestedCardView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_reads_well_on_the_wire() {
        let view = ReaderTestView {
            purpose: LookFor::Test,
            reader: Some("pcsc:ACR1252".to_owned()),
            gesture: Some(CardGesture::Tap),
            progress: ReaderTestStage::Failed { code: ErrorCode::CardRemoved },
            card: None,
        };
        let json = serde_json::to_string(&view).unwrap();
        assert!(json.contains(r#""progress":{"stage":"failed","code":"card_removed"}"#), "{json}");
        assert_eq!(serde_json::from_str::<ReaderTestView>(&json).unwrap(), view);
    }
}
