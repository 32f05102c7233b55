//! What a card is personalised with, read from TOML.
//!
//! Every number and key in a profile is public test data, which is why it may be printed; a profile must never
//! hold a real card's.

use emv::issuer::{CryptogramVersion, IccData};
use emv::tag::Tag;
use emv::{Interface, Scheme, dol::Dol, tlv};
use serde::{Deserialize, Serialize};

/// Profiles that come with the program: name and TOML.
pub const BUILT_IN: [(&str, &str); 2] =
    [("visa", include_str!("../profiles/visa.toml")), ("mastercard", include_str!("../profiles/mastercard.toml"))];

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
    /// Issuer master key for cryptograms, hexadecimal.
    pub issuer_master_key: String,
    /// Answers to reset.
    pub atr: Atr,
    /// Applications.
    pub applications: Vec<CardApplication>,
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

/// One application.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CardApplication {
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Label.
    pub label: String,
    /// The issuer's own name for it.
    pub preferred_name: String,
    /// 1 is highest.
    pub priority: u8,
    /// Kernel identifier of the contactless directory, hexadecimal.
    pub kernel: String,
    /// Issuer application data, hexadecimal; its CVN chooses how cryptograms are made.
    pub issuer_application_data: String,
    /// How it behaves when tapped; absent when it cannot be.
    pub contactless: Option<InterfaceBehaviour>,
    /// How it behaves when inserted; absent when it cannot be.
    pub contact: Option<InterfaceBehaviour>,
}

/// Which command gives the cryptogram.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CryptogramCommand {
    /// GET PROCESSING OPTIONS.
    ProcessingOptions,
    /// GENERATE AC.
    GenerateAc,
}

/// An application over one interface.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceBehaviour {
    /// Which command gives the cryptogram.
    pub cryptogram: CryptogramCommand,
    /// Response format of GET PROCESSING OPTIONS and GENERATE AC, 1 or 2; qVSDC is always 2.
    #[serde(default = "format_2")]
    pub answer_format: u8,
    /// Application interchange profile, hexadecimal.
    pub interchange_profile: String,
    /// Processing options data object list, hexadecimal.
    #[serde(default)]
    pub pdol: String,
    /// First card risk management data object list, hexadecimal.
    #[serde(default)]
    pub cdol1: String,
    /// Cardholder verification method list, hexadecimal.
    #[serde(default)]
    pub cvm_list: String,
    /// Card transaction qualifiers, hexadecimal.
    #[serde(default)]
    pub transaction_qualifiers: String,
}

fn format_2() -> u8 {
    2
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
        self.applications.first().map_or(Scheme::Other, |application| Scheme::of_aid(&application.aid()))
    }

    /// Issuer master key.
    pub fn issuer_master_key_bytes(&self) -> [u8; 16] {
        decoded(&self.issuer_master_key).try_into().expect("checked when the profile was read")
    }

    /// Track 2 equivalent data, packed.
    pub(crate) fn track2(&self) -> Vec<u8> {
        let mut text = format!("{}D{}{}{}", self.pan, self.expiry_yymm, self.service_code, "0000000000");
        if text.len() % 2 == 1 {
            text.push('F');
        }
        decoded(&text)
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
            ("issuer_master_key", is_hex(&self.issuer_master_key, 16..=16)),
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

impl CardApplication {
    pub(crate) fn aid(&self) -> Vec<u8> {
        decoded(&self.aid)
    }

    pub(crate) fn issuer_application_data(&self) -> Vec<u8> {
        decoded(&self.issuer_application_data)
    }

    /// How the application behaves over an interface.
    pub fn over(&self, interface: Interface) -> Option<&InterfaceBehaviour> {
        match interface {
            Interface::Contact => self.contact.as_ref(),
            Interface::Contactless => self.contactless.as_ref(),
        }
    }

    /// Rules its cryptograms follow.
    pub fn cryptogram_version(&self) -> Option<CryptogramVersion> {
        CryptogramVersion::of(Scheme::of_aid(&self.aid()), &self.issuer_application_data())
    }

    fn check(&self) -> Result<(), ProfileError> {
        let text = |text: &str| (1..=16).contains(&text.len());
        let checks = [
            ("aid", is_hex(&self.aid, 5..=16)),
            ("label", text(&self.label)),
            ("preferred_name", self.preferred_name.len() <= 32),
            ("priority", (1..=15).contains(&self.priority)),
            ("kernel", is_hex(&self.kernel, 1..=8)),
            ("issuer_application_data", is_hex(&self.issuer_application_data, 1..=32)),
        ];
        if let Some((what, _)) = checks.into_iter().find(|(_, valid)| !valid) {
            return Err(ProfileError::Value(what));
        }
        let version = self.cryptogram_version().ok_or(ProfileError::Value("issuer_application_data"))?;
        for interface in [&self.contactless, &self.contact].into_iter().flatten() {
            interface.check(version, &self.issuer_application_data())?;
        }
        Ok(())
    }
}

impl InterfaceBehaviour {
    pub(crate) fn interchange_profile(&self) -> Vec<u8> {
        decoded(&self.interchange_profile)
    }

    pub(crate) fn pdol(&self) -> Dol {
        Dol::parse(&decoded(&self.pdol)).expect("checked when the profile was read")
    }

    pub(crate) fn cdol1(&self) -> Dol {
        Dol::parse(&decoded(&self.cdol1)).expect("checked when the profile was read")
    }

    /// Hexadecimal field as bytes.
    pub(crate) fn bytes(field: &str) -> Vec<u8> {
        decoded(field)
    }

    /// The list must ask the terminal for all that the cryptogram covers.
    fn check(&self, version: CryptogramVersion, iad: &[u8]) -> Result<(), ProfileError> {
        let checks = [
            ("interchange_profile", is_hex(&self.interchange_profile, 2..=2)),
            ("pdol", is_hex(&self.pdol, 0..=252) && Dol::parse(&decoded(&self.pdol)).is_ok()),
            ("cdol1", is_hex(&self.cdol1, 0..=252) && Dol::parse(&decoded(&self.cdol1)).is_ok()),
            ("cvm_list", is_hex(&self.cvm_list, 0..=252)),
            ("transaction_qualifiers", is_hex(&self.transaction_qualifiers, 0..=2)),
            ("answer_format", matches!(self.answer_format, 1 | 2)),
        ];
        if let Some((what, _)) = checks.into_iter().find(|(_, valid)| !valid) {
            return Err(ProfileError::Value(what));
        }
        let (list, what) = match self.cryptogram {
            CryptogramCommand::ProcessingOptions => (self.pdol(), "pdol"),
            CryptogramCommand::GenerateAc => (self.cdol1(), "cdol1"),
        };
        let sent = list.build(|_| None).sent;
        let fields = covered_fields(&sent, &self.interchange_profile(), 0, iad);
        let parsed = IccData::parse(&fields).map_err(|_| ProfileError::Value(what))?;
        version.input(&parsed).map(drop).map_err(|_| ProfileError::Value(what))
    }
}

/// The values a cryptogram may cover, as the issuer will see them: the terminal's, then the card's own.
pub(crate) fn covered_fields(sent: &[(Tag, Vec<u8>)], aip: &[u8], atc: u16, iad: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    for (tag, value) in sent {
        tlv::write(&mut fields, *tag, value);
    }
    tlv::write(&mut fields, Tag::AIP, aip);
    tlv::write(&mut fields, Tag::ATC, &atc.to_be_bytes());
    tlv::write(&mut fields, Tag::IAD, iad);
    fields
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
