//! Card profiles: what a card is personalised with, as `tapseal-card show NAME --json` prints it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use envelope::{Pan, Pin};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::bank_front::error::BankError;
use crate::bank_front::hsm::IssuerKey;

/// Most profiles of one file.
pub const PROFILES_MAX: usize = 10_000;
/// Longest file, in bytes: the most profiles at a length no profile has.
const FILE_LEN_MAX: u64 = 32 * 1_024 * 1_024;
/// Longest name, in characters.
const NAME_LEN_MAX: usize = 64;
/// Most applications of one card.
const APPLICATIONS_MAX: usize = 16;
/// Longest scheme code, in characters.
const SCHEME_LEN_MAX: usize = 16;

/// Public test cards, as `crates/virtual-card/profiles` personalises them.
const TEST_CARDS: &str = include_str!("test_cards.json");

/// A test card's profile. Wiped when dropped, because it may be a real card's one day.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct CardProfile {
    /// Short name, unique among the cards of one scheme with the same last four digits.
    pub(super) name: String,
    /// The scheme's code, such as `visa`.
    pub(super) scheme: String,
    pan: String,
    expiry_yymm: String,
    pin: String,
    issuer_master_key: String,
    /// The issuer's key for scripts; absent or empty when it is the one above.
    #[serde(default)]
    issuer_script_key: String,
    /// The key of the values on the issuer's stripes, when it has any.
    #[serde(default)]
    card_verification_key: Option<String>,
    /// The card's sequence number, when it matters which card with this number is used.
    #[serde(default)]
    psn: Option<u8>,
    /// Whether the card is a phone or a watch, which verifies its owner itself.
    #[serde(default)]
    device: bool,
    /// The applications on the card.
    #[serde(default)]
    applications: Vec<CardApplication>,
}

/// An application on the card.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct CardApplication {
    aid: String,
}

impl CardProfile {
    /// The profiles of the public test cards.
    pub fn built_in() -> Result<Vec<Self>, BankError> {
        serde_json::from_str(TEST_CARDS).map_err(|_| BankError::Malformed("the list of test cards"))
    }

    /// Those of the public test cards whose scheme or name is among `words`; the words `all` and `none` say so.
    ///
    /// # Errors
    /// When a word is neither.
    pub fn chosen(words: &[String]) -> Result<Vec<Self>, BankError> {
        let cards = Self::built_in()?;
        let is = |card: &Self, word: &str| word == "all" || card.scheme == word || card.name == word;
        let unknown = |word: &&String| word.as_str() != "none" && !cards.iter().any(|card| is(card, word));
        if let Some(word) = words.iter().find(unknown) {
            return Err(BankError::NoTestCard(word.clone()));
        }
        Ok(cards.into_iter().filter(|card| words.iter().any(|word| is(card, word))).collect())
    }

    /// The profiles of a file: an array of objects, whose other members are left alone.
    ///
    /// # Errors
    /// When the file cannot be read, is not such an array, or names too many cards.
    pub fn load(path: &Path) -> Result<Vec<Self>, BankError> {
        let fail = |error| BankError::file(path, error);
        let mut json = Zeroizing::new(Vec::new());
        File::open(path).map_err(fail)?.take(FILE_LEN_MAX + 1).read_to_end(&mut json).map_err(fail)?;
        if u64::try_from(json.len()).is_ok_and(|len| len > FILE_LEN_MAX) {
            return Err(BankError::TooMany("card profiles"));
        }
        // What serde says of a wrong file could quote a card number, so it is not passed on.
        let profiles: Vec<Self> =
            serde_json::from_slice(&json).map_err(|_| BankError::Malformed("the list of card profiles"))?;
        if profiles.len() > PROFILES_MAX {
            return Err(BankError::TooMany("card profiles"));
        }
        profiles.iter().try_for_each(Self::validate)?;
        Ok(profiles)
    }

    fn validate(&self) -> Result<(), BankError> {
        let is_name = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '));
        if self.name.is_empty() || self.name.chars().count() > NAME_LEN_MAX || !is_name(&self.name) {
            return Err(BankError::Malformed("the name of a card profile"));
        }
        let scheme = self.scheme.as_bytes();
        if scheme.is_empty() || scheme.len() > SCHEME_LEN_MAX || !scheme.iter().all(u8::is_ascii_lowercase) {
            return Err(self.fault("the scheme is not a code such as visa"));
        }
        self.pan()?;
        self.pin()?;
        self.expiry_yymm()?;
        self.psn()?;
        self.applications()?;
        self.issuer_key()?;
        Ok(())
    }

    /// Whether the card is a phone or a watch.
    pub(super) fn is_device(&self) -> bool {
        self.device
    }

    /// Identifiers of the applications on the card.
    pub(super) fn applications(&self) -> Result<Vec<Vec<u8>>, BankError> {
        let aid = |application: &CardApplication| {
            let aid = hex::decode(&application.aid).ok().filter(|aid| (5..=16).contains(&aid.len()));
            aid.ok_or_else(|| self.fault("an application identifier is not 5 to 16 bytes in hexadecimal"))
        };
        if self.applications.len() > APPLICATIONS_MAX {
            return Err(self.fault("there are too many applications"));
        }
        self.applications.iter().map(aid).collect()
    }

    /// The card's sequence number, 0 to 99.
    pub(super) fn psn(&self) -> Result<Option<u8>, BankError> {
        match self.psn {
            Some(100..) => Err(self.fault("the sequence number is not 0 to 99")),
            psn => Ok(psn),
        }
    }

    /// The card number.
    pub(super) fn pan(&self) -> Result<Pan, BankError> {
        Pan::parse(&self.pan).map_err(|_| self.fault("the card number is not 8 to 19 digits"))
    }

    /// The PIN.
    pub(super) fn pin(&self) -> Result<Pin, BankError> {
        Pin::from_ascii(self.pin.as_bytes()).map_err(|_| self.fault("the PIN is not 4 to 12 digits"))
    }

    /// Last month of validity.
    pub(super) fn expiry_yymm(&self) -> Result<[u8; 4], BankError> {
        let expiry = <[u8; 4]>::try_from(self.expiry_yymm.as_bytes()).ok();
        let is_month = |expiry: &[u8; 4]| {
            expiry.iter().all(u8::is_ascii_digit) && (1..=12).contains(&((expiry[2] - b'0') * 10 + expiry[3] - b'0'))
        };
        expiry.filter(is_month).ok_or_else(|| self.fault("the expiry is not YYMM"))
    }

    /// The keys of the card's issuer.
    pub(super) fn issuer_key(&self) -> Result<IssuerKey, BankError> {
        let key = |text: &str, fault| {
            let mut key = Zeroizing::new([0; 16]);
            hex::decode_to_slice(text, &mut *key).map_err(|_| self.fault(fault))?;
            Ok::<_, BankError>(key)
        };
        let master = key(&self.issuer_master_key, "the issuer master key is not 32 hexadecimal digits")?;
        let mut issuer = IssuerKey::of_card(&self.pan()?, &master)?;
        if !self.issuer_script_key.is_empty() {
            let script = key(&self.issuer_script_key, "the issuer script key is not 32 hexadecimal digits")?;
            issuer = issuer.with_script_key(&script);
        }
        let Some(verification) = &self.card_verification_key else { return Ok(issuer) };
        let verification = key(verification, "the card verification key is not 32 hexadecimal digits")?;
        Ok(issuer.with_verification_key(&verification))
    }

    fn fault(&self, fault: &'static str) -> BankError {
        BankError::Profile { name: self.name.clone(), fault }
    }
}
