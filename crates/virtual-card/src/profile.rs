//! What a card is personalised with, read from TOML.
//!
//! Every number and key in a profile is public test data, which is why it may be printed; a profile must never
//! hold a real card's.

mod application;
mod built_in;
mod quirk;

use emv::issuer::{CHIP_IMAGE_SERVICE_CODE, VerificationKey};
use emv::{Interface, Scheme};
use serde::{Deserialize, Serialize};

use crate::misbehaviour::Misbehaviour;

pub use application::{
    ActionCodes, ApplicationState, CardApplication, Confirmation, CryptogramCommand, InterfaceBehaviour,
    OfflineAuthentication, RecordPlan,
};
pub(crate) use application::{CERTIFICATES_SFI, covered_fields};
pub use built_in::BUILT_IN;
pub use quirk::Quirk;

/// Why a profile cannot make a card.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is no built-in profile of this name.
    #[error("there is no profile named {0}")]
    Unknown(String),
    /// It is not TOML of the right shape.
    #[error("the profile cannot be read")]
    Toml(#[from] toml::de::Error),
    /// A value is out of range.
    #[error("the profile's {0} is not valid")]
    Value(&'static str),
}

/// A personalised card.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Short name.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// Test card number.
    pub pan: String,
    /// Expiry, YYMM.
    pub expiry_yymm: String,
    /// PAN sequence number.
    pub psn: u8,
    /// Service code on the stripe image.
    pub service_code: String,
    /// The PIN the bank keeps for it; the card itself has none.
    pub pin: String,
    /// Name on the card.
    pub cardholder: String,
    /// ISO 3166 numeric, four digits.
    pub issuer_country: String,
    /// Issuer master key for cryptograms, hexadecimal; empty when the card has keys of its own.
    #[serde(default)]
    pub issuer_master_key: String,
    /// Issuer master key for script MACs, hexadecimal; the one for cryptograms when empty.
    #[serde(default)]
    pub issuer_script_key: String,
    /// Key of the values on the issuer's stripes, hexadecimal; the publicly known test key when absent.
    #[serde(default = "test_verification_key")]
    pub card_verification_key: String,
    /// The card's own keys and values, as a bank's personalisation gives them; absent when the issuer's keys are above.
    pub personalised: Option<Personalised>,
    /// What the card is in.
    #[serde(default)]
    pub carrier: Carrier,
    /// Whether the card can verify the PIN itself.
    #[serde(default)]
    pub offline_pin: OfflinePin,
    /// Whether the card keeps a log of its payments.
    #[serde(default)]
    pub log: PaymentLog,
    /// Why the card cannot pay; absent when it can.
    pub refusal: Option<Refusal>,
    /// How it speaks when inserted.
    #[serde(default)]
    pub contact_protocol: ContactProtocol,
    /// Habits that are not the standard's.
    #[serde(default)]
    pub quirks: Vec<Quirk>,
    /// What the card does wrong unless whoever presents it says otherwise.
    #[serde(default)]
    pub misbehaviour: Misbehaviour,
    /// Answers to reset.
    pub atr: Atr,
    /// Applications.
    pub applications: Vec<CardApplication>,
}

/// What a bank's personalisation puts on a card: keys derived for it alone, and values that were made with keys it never
/// sees.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Personalised {
    /// The card's key for cryptograms, hexadecimal.
    pub card_key: String,
    /// The card's key for script MACs, hexadecimal.
    pub script_key: String,
    /// The value on its stripe, three digits (CVV).
    pub stripe_value: String,
    /// The value in the chip's image of the stripe, three digits (iCVV).
    pub chip_value: String,
}

/// Who refuses a card that is made not to pay, and how.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Who refuses it.
    pub by: RefusedBy,
    /// The code it is refused with: of [`emv::CardError::code`] or of a decline.
    pub code: String,
}

/// Who refuses a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedBy {
    /// The reading side, before anything is sent.
    Reader,
    /// The bank.
    Bank,
}

/// What a card is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// Plastic.
    #[default]
    Card,
    /// A phone or watch, under a number of its own; it verifies its owner itself.
    Device,
}

/// Whether a card can verify its PIN itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfflinePin {
    /// It has none; only the bank knows it.
    #[default]
    None,
    /// It has the same as the bank, and counts tries.
    InCard,
}

/// Whether a card keeps a log (Book 3 annex D).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentLog {
    /// It keeps none.
    #[default]
    None,
    /// It keeps the last ten payments in file 11.
    LastTen,
}

/// Transmission protocol of the contacts (ISO/IEC 7816-3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContactProtocol {
    /// Bytes: the card asks for GET RESPONSE (61xx) and for the right length (6Cxx).
    T0,
    /// Blocks.
    #[default]
    T1,
}

/// Answers to reset, hexadecimal.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Atr {
    /// Inserted.
    pub contact: String,
    /// Tapped, as a PC/SC reader makes it up (PC/SC part 3).
    pub contactless: String,
}

impl Profile {
    /// Gives a built-in profile.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn built_in(name: &str) -> Result<Self, ProfileError> {
        let (_, text) =
            BUILT_IN.iter().find(|(known, _)| *known == name).ok_or_else(|| ProfileError::Unknown(name.to_owned()))?;
        Self::from_toml(text)
    }

    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text)?;
        profile.check()?;
        Ok(profile)
    }

    /// Scheme of the first application.
    pub fn scheme(&self) -> Scheme {
        self.applications.first().map_or(Scheme::Other, CardApplication::scheme)
    }

    /// Whether a payment with this card goes through when nothing else is wrong.
    pub fn pays(&self) -> bool {
        self.refusal.is_none()
    }

    /// The interfaces at least one application can be used over.
    pub fn interfaces(&self) -> Vec<Interface> {
        [Interface::Contact, Interface::Contactless]
            .into_iter()
            .filter(|interface| self.applications.iter().any(|application| application.over(*interface).is_some()))
            .collect()
    }

    /// The card's own key for cryptograms and for scripts, when it was personalised with them.
    pub(crate) fn own_keys(&self) -> Option<[[u8; 16]; 2]> {
        let key = |text: &str| decoded(text).try_into().expect("checked when the profile was read");
        self.personalised.as_ref().map(|own| [key(&own.card_key), key(&own.script_key)])
    }

    /// Issuer master key.
    ///
    /// # Panics
    /// When the card was personalised with keys of its own instead.
    pub fn issuer_master_key_bytes(&self) -> [u8; 16] {
        decoded(&self.issuer_master_key).try_into().expect("checked when the profile was read")
    }

    /// Issuer master key for script MACs.
    pub fn issuer_script_key_bytes(&self) -> [u8; 16] {
        match self.issuer_script_key.as_str() {
            "" => self.issuer_master_key_bytes(),
            own => decoded(own).try_into().expect("checked when the profile was read"),
        }
    }

    pub(crate) fn keeps_log(&self) -> bool {
        self.log == PaymentLog::LastTen
    }

    /// Whether the card has a habit.
    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// The card number as tag 5A holds it: `cn`, padded right with F.
    pub(crate) fn pan_compressed(&self) -> Vec<u8> {
        let digits = if self.has(Quirk::PaddedNumber) { 20 } else { self.pan.len().next_multiple_of(2) };
        decoded(&format!("{:F<digits$}", self.pan))
    }

    /// Track 2 equivalent data, packed. Its verification value is not that of the stripe, so it makes no stripe.
    pub(crate) fn track2(&self) -> Vec<u8> {
        let mut text = format!("{}D{}", self.pan, self.stripe_tail(&self.service_code, CHIP_IMAGE_SERVICE_CODE));
        if text.len() % 2 == 1 {
            text.push('F');
        }
        decoded(&text)
    }

    /// Tracks 1 and 2 of the card's stripe as a swipe reader sends them (ISO/IEC 7813), with this service code or the
    /// profile's own.
    ///
    /// # Errors
    /// [`ProfileError::Value`] when the service code is not three digits.
    pub fn stripe(&self, service_code: Option<&str>) -> Result<[String; 2], ProfileError> {
        let service_code = service_code.unwrap_or(&self.service_code);
        if service_code.len() != 3 || !service_code.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(ProfileError::Value("service_code"));
        }
        let tail = self.stripe_tail(service_code, service_code);
        Ok([format!("%B{}^{}^{tail}?", self.pan, self.cardholder), format!(";{}={tail}?", self.pan)])
    }

    /// Expiry, service code and discretionary data: index and value of a PIN that is not on the stripe, the
    /// verification value made with `valued_as`, zeros.
    fn stripe_tail(&self, service_code: &str, valued_as: &str) -> String {
        let value = self.verification_value(valued_as);
        format!("{}{service_code}00000{value}00", self.expiry_yymm)
    }

    /// The verification value made with a service code. A personalised card has those of its own stripe and of its
    /// chip, and cannot make others.
    fn verification_value(&self, valued_as: &str) -> String {
        match &self.personalised {
            Some(own) if valued_as == CHIP_IMAGE_SERVICE_CODE => own.chip_value.clone(),
            Some(own) if valued_as == self.service_code => own.stripe_value.clone(),
            Some(_) => "000".to_owned(),
            None => {
                let key = decoded(&self.card_verification_key).try_into().expect("checked when the profile was read");
                let value = VerificationKey::new(key).value(&self.pan, &self.expiry_yymm, valued_as);
                value.unwrap_or(*b"000").iter().map(|digit| char::from(*digit)).collect()
            }
        }
    }

    fn check(&self) -> Result<(), ProfileError> {
        let digits = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
            lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let month = self.expiry_yymm.get(2..).and_then(|month| month.parse::<u8>().ok());
        let checks = [
            ("pan", digits(&self.pan, 12..=19) && passes_luhn(&self.pan)),
            ("expiry_yymm", digits(&self.expiry_yymm, 4..=4) && month.is_some_and(|month| (1..=12).contains(&month))),
            ("psn", self.psn <= 99),
            ("service_code", digits(&self.service_code, 3..=3)),
            ("pin", digits(&self.pin, 4..=12)),
            ("issuer_country", digits(&self.issuer_country, 4..=4)),
            ("issuer_master_key", self.issuer_master_key.is_empty() || is_hex(&self.issuer_master_key, 16..=16)),
            ("issuer_master_key", self.issuer_master_key.is_empty() == self.personalised.is_some()),
            ("personalised", self.personalised.as_ref().is_none_or(Personalised::is_valid)),
            ("issuer_script_key", self.issuer_script_key.is_empty() || is_hex(&self.issuer_script_key, 16..=16)),
            ("card_verification_key", is_hex(&self.card_verification_key, 16..=16)),
            ("atr", is_hex(&self.atr.contact, 2..=33) && is_hex(&self.atr.contactless, 2..=33)),
            ("cardholder", (2..=26).contains(&self.cardholder.len()) && self.cardholder.is_ascii()),
            ("applications", (1..=8).contains(&self.applications.len())),
        ];
        match checks.into_iter().find(|(_, valid)| !valid) {
            Some((what, _)) => Err(ProfileError::Value(what)),
            None => self.applications.iter().try_for_each(CardApplication::check),
        }
    }
}

impl Personalised {
    fn is_valid(&self) -> bool {
        let value = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        let key = |text: &str| is_hex(text, 16..=16);
        key(&self.card_key) && key(&self.script_key) && value(&self.stripe_value) && value(&self.chip_value)
    }
}

fn test_verification_key() -> String {
    "0123456789ABCDEFFEDCBA9876543210".to_owned()
}

/// Hexadecimal text that was checked.
fn decoded(text: &str) -> Vec<u8> {
    hex::decode(text).expect("checked when the profile was read")
}

fn is_hex(text: &str, bytes: std::ops::RangeInclusive<usize>) -> bool {
    hex::decode(text).is_ok_and(|decoded| bytes.contains(&decoded.len()))
}

/// ISO/IEC 7812-1 annex B.
fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte - b'0') * if index % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_profiles_are_valid() {
        for (name, _) in BUILT_IN {
            assert_eq!(Profile::built_in(name).map_err(|error| error.to_string()).unwrap().name, name);
        }
        assert!(matches!(Profile::built_in("nothing"), Err(ProfileError::Unknown(_))));
    }

    #[test]
    fn wrong_values_are_named() {
        let (_, visa) = BUILT_IN[0];
        for (from, to, what) in [
            ("4761340000000050", "4761340000000051", "pan"),
            ("\"3112\"", "\"3113\"", "expiry_yymm"),
            ("06011203A00000", "06019903A00000", "issuer_application_data"),
            ("9C019F3704\"\n# Online", "9C01\"\n# Online", "pdol"),
            ("pin = \"1234\"", "pin = \"12\"", "pin"),
        ] {
            assert!(visa.contains(from), "{from}");
            match Profile::from_toml(&visa.replace(from, to)) {
                Err(ProfileError::Value(named)) => assert_eq!(named, what),
                _ => panic!("{what} must be refused"),
            }
        }
    }
}
