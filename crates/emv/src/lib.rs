//! Sans-I/O EMV card reading: one file per layer of the standard.
//!
//! [`CardSession`] is the reader side: it is given R-APDUs and answers with the next C-APDU until it holds a
//! [`CardRead`]. It opens no reader, knows no clock and draws no random numbers: amount, date and unpredictable
//! number come in through [`TerminalData`]. [`issuer`] is the bank side: it recomputes the card's cryptogram.
//!
//! The session never sends a command that could spend a PIN try and never asks for anything but an ARQC. Once the
//! bank answered, [`Completion`] finishes an inserted card as the bank decided.
//!
//! References are to EMV 4.4 (Books 1, 3 and 4) and the EMV Contactless Books A to C.

pub mod apdu;
pub mod application;
pub mod card_number;
pub mod completion;
pub mod cryptogram;
pub mod cvm;
pub mod de55;
pub mod dol;
pub mod error;
pub mod issuer;
pub mod kernel;
mod number_range;
pub mod oda;
pub mod records;
pub mod restrictions;
pub mod risk;
pub mod session;
pub mod stripe;
pub mod tag;
pub mod terminal;
pub mod tlv;
pub mod track2;

pub use application::{ApplicationSummary, Scheme};
pub use card_number::CardNumber;
pub use completion::{
    Completion, CompletionResult, CompletionSession, CompletionStep, IssuerAnswer, IssuerAuthentication, OnlineDecision,
};
pub use cryptogram::{Cryptogram, CryptogramKind};
pub use cvm::{CardholderVerification, NoOnlinePin};
pub use error::CardError;
pub use kernel::Kernel;
pub use oda::{CaKeys, DataAuthentication, DataAuthenticity};
pub use session::{CardRead, CardSession, ChoosingSession, Inspection, Outcome, Phase, ReadPurpose, Step};
pub use stripe::{StripeError, Swipe};
pub use terminal::{ApplicationChoice, Interface, TerminalData, derive_unpredictable_number};
pub use track2::Track2;
