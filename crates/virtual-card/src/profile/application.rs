//! One application of a card: its names, its rules, and how it behaves over each interface.

use emv::issuer::{CryptogramVersion, IccData};
use emv::tag::Tag;
use emv::{Interface, Scheme, dol::Dol, tlv};
use serde::{Deserialize, Serialize};

use crate::profile::{ProfileError, decoded, is_hex};

/// File of the certificates.
pub(crate) const CERTIFICATES_SFI: u8 = 4;

/// One application.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CardApplication {
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Label.
    pub label: String,
    /// The issuer's own name for it, in the code table below; empty when there is none.
    #[serde(default)]
    pub preferred_name: String,
    /// Issuer code table index 9F11: which part of ISO/IEC 8859 the preferred name is in. Only part 1 is known here.
    #[serde(default)]
    pub code_table: Option<u8>,
    /// 1 is highest.
    pub priority: u8,
    /// Whether the cardholder has to confirm its use (tag 87, bit 8).
    #[serde(default)]
    pub confirmation: Confirmation,
    /// Whether it may be used.
    #[serde(default)]
    pub state: ApplicationState,
    /// Kernel identifier of the contactless directory, hexadecimal; empty when the directory names none.
    #[serde(default)]
    pub kernel: String,
    /// Language preference 5F2D, such as `enfr`.
    #[serde(default)]
    pub languages: String,
    /// More data objects of the directory entry, hexadecimal TLV: issuer identification 42, issuer country 5F55.
    #[serde(default)]
    pub directory_extra: String,
    /// Issuer application data, hexadecimal; its CVN chooses how cryptograms are made.
    pub issuer_application_data: String,
    /// Application usage control 9F07, hexadecimal (Book 3 annex C2).
    #[serde(default = "any_use")]
    pub usage_control: String,
    /// Application version number 9F08, hexadecimal.
    #[serde(default = "version_2")]
    pub version: String,
    /// Issuer action codes.
    #[serde(default)]
    pub action_codes: ActionCodes,
    /// Form factor indicator 9F6E, hexadecimal; phones give it.
    #[serde(default)]
    pub form_factor: String,
    /// How it behaves when tapped; absent when it cannot be.
    pub contactless: Option<InterfaceBehaviour>,
    /// How it behaves when inserted; absent when it cannot be.
    pub contact: Option<InterfaceBehaviour>,
}

/// Whether the cardholder has to confirm the use of an application.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// It may be used without.
    #[default]
    NotNeeded,
    /// It must not be used without (Book 1 table 48).
    Needed,
}

/// Whether an application may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationState {
    /// It may.
    #[default]
    Active,
    /// The issuer blocked it: SELECT answers 6283 with the FCI (Book 3 section 6.5.2).
    Blocked,
}

/// Issuer action codes 9F0D, 9F0E and 9F0F, hexadecimal (Book 3 section 10.7).
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ActionCodes {
    /// When the terminal cannot go online.
    pub default: String,
    /// When to decline without asking.
    pub denial: String,
    /// When to go online.
    pub online: String,
}

impl Default for ActionCodes {
    /// Everything goes online, nothing is denied offline.
    fn default() -> Self {
        Self { default: "FFFFFFFFFF".to_owned(), denial: "0000000000".to_owned(), online: "FFFFFFFFFF".to_owned() }
    }
}

/// Which command gives the cryptogram.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CryptogramCommand {
    /// GET PROCESSING OPTIONS.
    ProcessingOptions,
    /// GENERATE AC.
    GenerateAc,
    /// None: the card only emulates its stripe, with COMPUTE CRYPTOGRAPHIC CHECKSUM (Book C-2).
    MagneticStripe,
}

/// How a card can be authenticated offline (Book 2 sections 5 and 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfflineAuthentication {
    /// It cannot.
    #[default]
    None,
    /// By a signature over its data.
    Sda,
    /// By signing what the terminal sends to INTERNAL AUTHENTICATE.
    Dda,
    /// By signing its cryptogram, and by INTERNAL AUTHENTICATE.
    Cda,
    /// By a signature beside the cryptogram in the answer to GET PROCESSING OPTIONS (Book C-3).
    FastDda,
}

impl OfflineAuthentication {
    /// The bit of AIP byte 1 that announces it (Book 3 annex C1).
    fn announced_by(self) -> u8 {
        match self {
            Self::None => 0x00,
            Self::Sda => 0x40,
            Self::Dda | Self::FastDda => 0x20,
            Self::Cda => 0x01,
        }
    }
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
    /// Second card risk management data object list, hexadecimal; 8A and CDOL1 when empty.
    #[serde(default)]
    pub cdol2: String,
    /// Cardholder verification method list, hexadecimal.
    #[serde(default)]
    pub cvm_list: String,
    /// Card transaction qualifiers, hexadecimal.
    #[serde(default)]
    pub transaction_qualifiers: String,
    /// Issuer application data of this interface, hexadecimal; the application's own when empty.
    #[serde(default)]
    pub issuer_application_data: String,
    /// How a terminal may authenticate the card offline; the interchange profile has to say so too.
    #[serde(default)]
    pub offline_authentication: OfflineAuthentication,
    /// Where each data object is; one record for the account and one for the rules when empty.
    #[serde(default)]
    pub records: Vec<RecordPlan>,
}

/// What one record holds.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RecordPlan {
    /// Short file identifier, 1 to 10 but 4, where certificates are.
    pub sfi: u8,
    /// Record number, from 1.
    pub record: u8,
    /// Tags of its objects, hexadecimal, in order.
    pub tags: Vec<String>,
}

fn any_use() -> String {
    "FF00".to_owned()
}

fn version_2() -> String {
    "0002".to_owned()
}

fn format_2() -> u8 {
    2
}

impl CardApplication {
    pub(crate) fn aid(&self) -> Vec<u8> {
        decoded(&self.aid)
    }

    /// Whose application it is.
    pub fn scheme(&self) -> Scheme {
        Scheme::of_aid(&self.aid())
    }

    /// Issuer application data over an interface, as the card starts with.
    pub(crate) fn issuer_application_data(&self, behaviour: &InterfaceBehaviour) -> Vec<u8> {
        let own = &behaviour.issuer_application_data;
        decoded(if own.is_empty() { &self.issuer_application_data } else { own })
    }

    /// How the application behaves over an interface.
    pub fn over(&self, interface: Interface) -> Option<&InterfaceBehaviour> {
        match interface {
            Interface::Contact => self.contact.as_ref(),
            Interface::Contactless => self.contactless.as_ref(),
        }
    }

    /// Rules its cryptograms follow over an interface.
    pub fn cryptogram_version(&self, interface: Interface) -> Option<CryptogramVersion> {
        let behaviour = self.over(interface)?;
        CryptogramVersion::of(self.scheme(), &self.issuer_application_data(behaviour))
    }

    /// Tag 87.
    pub(crate) fn priority_indicator(&self) -> u8 {
        match self.confirmation {
            Confirmation::NotNeeded => self.priority,
            Confirmation::Needed => self.priority | 0x80,
        }
    }

    /// The preferred name in its code table: the first 256 characters of Unicode are ISO/IEC 8859-1.
    pub(crate) fn preferred_name_bytes(&self) -> Vec<u8> {
        self.preferred_name.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
    }

    pub(super) fn check(&self) -> Result<(), ProfileError> {
        let latin = self.preferred_name.chars().all(|letter| u8::try_from(u32::from(letter)).is_ok());
        let name_fits = self.preferred_name.chars().count() <= 16 * 2 && latin;
        let checks = [
            ("aid", is_hex(&self.aid, 5..=16)),
            ("label", (1..=16).contains(&self.label.len()) && self.label.is_ascii()),
            ("preferred_name", name_fits && (self.preferred_name.is_ascii() || self.code_table == Some(1))),
            ("code_table", self.code_table.is_none_or(|table| (1..=10).contains(&table))),
            ("priority", (1..=15).contains(&self.priority)),
            ("kernel", is_hex(&self.kernel, 0..=8)),
            ("languages", self.languages.len().is_multiple_of(2) && self.languages.len() <= 8),
            ("directory_extra", is_tlv(&self.directory_extra)),
            ("issuer_application_data", is_hex(&self.issuer_application_data, 1..=32)),
            ("usage_control", is_hex(&self.usage_control, 2..=2)),
            ("version", is_hex(&self.version, 2..=2)),
            ("form_factor", is_hex(&self.form_factor, 0..=32)),
            ("action_codes", self.action_codes.all().into_iter().all(|code| is_hex(code, 5..=5))),
        ];
        if let Some((what, _)) = checks.into_iter().find(|(_, valid)| !valid) {
            return Err(ProfileError::Value(what));
        }
        for behaviour in [&self.contactless, &self.contact].into_iter().flatten() {
            behaviour.check()?;
            let iad = self.issuer_application_data(behaviour);
            let version = CryptogramVersion::of(self.scheme(), &iad);
            behaviour.check_covered(version.ok_or(ProfileError::Value("issuer_application_data"))?, &iad)?;
        }
        Ok(())
    }
}

impl ActionCodes {
    fn all(&self) -> [&str; 3] {
        [&self.default, &self.denial, &self.online]
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

    pub(crate) fn cdol2(&self) -> Dol {
        Dol::parse(&self.cdol2_bytes()).expect("checked when the profile was read")
    }

    /// CDOL2 as bytes: 8A in front of what CDOL1 asks for (Book 3 table 36), unless the profile has its own.
    pub(crate) fn cdol2_bytes(&self) -> Vec<u8> {
        match self.cdol2.as_str() {
            "" => [vec![0x8A, 0x02], decoded(&self.cdol1)].concat(),
            own => decoded(own),
        }
    }

    /// Hexadecimal field as bytes.
    pub(crate) fn bytes(field: &str) -> Vec<u8> {
        decoded(field)
    }

    fn check(&self) -> Result<(), ProfileError> {
        let is_dol = |text: &str| is_hex(text, 0..=252) && Dol::parse(&decoded(text)).is_ok();
        let checks = [
            ("interchange_profile", is_hex(&self.interchange_profile, 2..=2)),
            ("pdol", is_dol(&self.pdol)),
            ("cdol1", is_dol(&self.cdol1)),
            ("cdol2", is_dol(&self.cdol2) && self.cdol2_bytes().len() <= 252),
            ("cvm_list", is_hex(&self.cvm_list, 0..=252)),
            ("transaction_qualifiers", is_hex(&self.transaction_qualifiers, 0..=2)),
            ("issuer_application_data", is_hex(&self.issuer_application_data, 0..=32)),
            ("answer_format", matches!(self.answer_format, 1 | 2)),
            ("offline_authentication", self.announces_authentication()),
            ("records", self.records.iter().all(RecordPlan::is_valid)),
        ];
        checks.into_iter().find(|(_, valid)| !valid).map_or(Ok(()), |(what, _)| Err(ProfileError::Value(what)))
    }

    fn announces_authentication(&self) -> bool {
        let bit = self.offline_authentication.announced_by();
        hex::decode(&self.interchange_profile).is_ok_and(|aip| aip.first().is_some_and(|byte| byte & bit == bit))
    }

    /// The list must ask the terminal for all that the cryptogram covers.
    fn check_covered(&self, version: CryptogramVersion, iad: &[u8]) -> Result<(), ProfileError> {
        let (list, what) = match self.cryptogram {
            CryptogramCommand::ProcessingOptions => (self.pdol(), "pdol"),
            CryptogramCommand::GenerateAc => (self.cdol1(), "cdol1"),
            CryptogramCommand::MagneticStripe => return Ok(()),
        };
        let sent = list.build(|_| None).sent;
        let fields = covered_fields(&sent, &self.interchange_profile(), 0, iad);
        let parsed = IccData::parse(&fields).map_err(|_| ProfileError::Value(what))?;
        version.input(&parsed).map(drop).map_err(|_| ProfileError::Value(what))
    }
}

impl RecordPlan {
    pub(crate) fn tags(&self) -> impl Iterator<Item = Tag> {
        self.tags.iter().map(|tag| Tag(decoded(tag).iter().fold(0, |tag, byte| (tag << 8) | u32::from(*byte))))
    }

    fn is_valid(&self) -> bool {
        (1..=10).contains(&self.sfi)
            && self.sfi != CERTIFICATES_SFI
            && self.record > 0
            && self.tags.iter().all(|tag| is_hex(tag, 1..=3))
    }
}

fn is_tlv(text: &str) -> bool {
    is_hex(text, 0..=64) && tlv::read(&decoded(text), tlv::Mode::Strict).is_ok()
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
