//! A software EMV card for tests and demos.
//!
//! [`VirtualCard`] answers C-APDUs like a personalised card: it counts its transactions and computes real
//! cryptograms with its issuer's test key. [`PresentedCard`] adds what happens to cards in the field: they are slow
//! and they are taken away. [`vpcd`] puts one into the virtual PC/SC reader of the vsmartcard project, and
//! [`pn532`] into the field of an NFC chip that libnfc drives.

mod card;
mod counter;
mod misbehaviour;
mod oda;
#[cfg(unix)]
pub mod pn532;
mod presented;
mod profile;
pub mod vpcd;

pub use card::VirtualCard;
pub use counter::{Counter, CounterError};
pub use misbehaviour::{Fault, FaultKind, Misbehaviour, Pause};
pub use oda::{test_ca_keys, test_ca_text};
pub use presented::{CardRemoved, PresentedCard, Said};
pub use profile::{
    ActionCodes, ApplicationState, Atr, BUILT_IN, CardApplication, Carrier, Confirmation, ContactProtocol,
    CryptogramCommand, InterfaceBehaviour, OfflineAuthentication, OfflinePin, PaymentLog, Profile, ProfileError, Quirk,
    RecordPlan, Refusal, RefusedBy,
};
