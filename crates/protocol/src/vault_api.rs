//! What a wallet and a vault say to each other: one call whose content is sealed, and its answer. Cards stand here by their
//! last four digits only; what is secret is in the seal, and its types are not here.

use payment::{Amount, AttemptId};
use serde::{Deserialize, Serialize};

use crate::{Problem, SealedText};

/// The one path of a vault.
pub const CALLS_PATH: &str = "/v1/calls";
/// The most bank certificates that come with a call.
pub const BANK_CERTIFICATES_MAX: usize = 64;

/// Body of `POST /v1/calls`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedCall {
    /// The call, sealed to the vault.
    pub call: SealedText,
    /// The banks' certificates as the wallet has them, each signed by its bank's root; of use for a release only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bank_certificates: Vec<String>,
}

/// Answer of `POST /v1/calls`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SealedAnswer {
    /// A [`VaultAnswer`], sealed under the call's key; base64url.
    pub answer: String,
}

/// What a vault answers, within the seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultAnswer {
    /// What is stored now.
    Alias(AliasView),
    /// A card was released.
    Released(ReleasedView),
    /// Everything was forgotten.
    Forgotten,
    /// It was not done.
    Refused(Problem),
}

/// An alias, for its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasView {
    /// Its name as it was chosen.
    pub name: String,
    /// When it was opened, in ms since the Unix epoch.
    pub created_ms: u64,
    /// Its cards.
    pub cards: Vec<KeptCardView>,
    /// What was done with it, the newest first; not more than the vault shows at a time.
    pub audit: Vec<AliasEventView>,
}

/// A card that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCardView {
    /// Its number, by which it is chosen.
    pub place: u8,
    /// What its owner calls it; may be empty.
    pub label: String,
    /// Its last four digits.
    pub last_four: String,
    /// Its last month, `YYMM`.
    pub expiry_yymm: String,
    /// The most one payment may take, if that is bounded.
    pub limit: Option<Amount>,
    /// When it was enrolled, in ms since the Unix epoch.
    pub added_ms: u64,
}

/// Something that was done with an alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasEventView {
    /// When, in ms since the Unix epoch.
    pub at_ms: u64,
    /// What, such as `released`, `refused` or `card_added`.
    pub what: String,
    /// The attempt a card was released for.
    pub attempt_id: Option<AttemptId>,
}

/// A card that was released: the wallet carries it and cannot look inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedView {
    /// The bank it is sealed to.
    pub front: String,
    /// The inner capsule.
    pub inner: SealedText,
    /// When the bank stops taking it, in ms since the Unix epoch.
    pub expires_ms: u64,
}
