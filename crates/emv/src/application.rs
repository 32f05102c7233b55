//! Applications on a card: directory entries, the AIDs we know, the candidate list (Book 1 section 12; Book B
//! section 3.3 for contactless).

use crate::card_number::CardNumber;
use crate::error::CardError;
use crate::tag::Tag;
use crate::tlv::{self, Mode};

/// Name of the contactless directory (Book B section 3.3.1).
pub const PPSE: &[u8] = b"2PAY.SYS.DDF01";

/// Name of the contact directory (Book 1 section 12.2.2).
pub const PSE: &[u8] = b"1PAY.SYS.DDF01";

/// How many applications of one card are looked at.
pub const CANDIDATES_MAX: usize = 16;

/// How many records of the contact directory are read.
pub const DIRECTORY_RECORDS_MAX: u8 = 16;

/// Whose application it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Visa, Electron, V Pay.
    Visa,
    /// Mastercard, Maestro.
    Mastercard,
    /// American Express.
    Amex,
    /// UnionPay.
    UnionPay,
    /// Discover, Diners Club.
    Discover,
    /// JCB.
    Jcb,
    /// Interac.
    Interac,
    /// Cartes Bancaires.
    CartesBancaires,
    /// eftpos Australia.
    Eftpos,
    /// girocard.
    Girocard,
    /// `RuPay`.
    RuPay,
    /// Something else.
    Other,
}

/// Registered identifiers (the first five bytes of an AID) and whose they are.
const REGISTERED: [([u8; 5], Scheme); 14] = [
    ([0xA0, 0x00, 0x00, 0x00, 0x03], Scheme::Visa),
    ([0xA0, 0x00, 0x00, 0x00, 0x98], Scheme::Visa),
    ([0xA0, 0x00, 0x00, 0x00, 0x04], Scheme::Mastercard),
    ([0xA0, 0x00, 0x00, 0x00, 0x25], Scheme::Amex),
    ([0xA0, 0x00, 0x00, 0x03, 0x33], Scheme::UnionPay),
    ([0xA0, 0x00, 0x00, 0x01, 0x52], Scheme::Discover),
    ([0xA0, 0x00, 0x00, 0x03, 0x24], Scheme::Discover),
    ([0xA0, 0x00, 0x00, 0x00, 0x65], Scheme::Jcb),
    ([0xA0, 0x00, 0x00, 0x02, 0x77], Scheme::Interac),
    ([0xA0, 0x00, 0x00, 0x00, 0x42], Scheme::CartesBancaires),
    ([0xA0, 0x00, 0x00, 0x03, 0x84], Scheme::Eftpos),
    ([0xA0, 0x00, 0x00, 0x03, 0x59], Scheme::Girocard),
    ([0xA0, 0x00, 0x00, 0x05, 0x24], Scheme::RuPay),
    ([0xD2, 0x76, 0x00, 0x00, 0x25], Scheme::Girocard),
];

/// AIDs tried one by one when a card has no directory, most common first.
pub(crate) const KNOWN_AIDS: &[&[u8]] = &[
    &[0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10],
    &[0xA0, 0x00, 0x00, 0x00, 0x04, 0x10, 0x10],
    &[0xA0, 0x00, 0x00, 0x00, 0x03, 0x20, 0x10],
    &[0xA0, 0x00, 0x00, 0x00, 0x03, 0x20, 0x20],
    &[0xA0, 0x00, 0x00, 0x00, 0x04, 0x30, 0x60],
    &[0xA0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01, 0x01],
    &[0xA0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01, 0x02],
    &[0xA0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01, 0x03],
    &[0xA0, 0x00, 0x00, 0x00, 0x25, 0x01],
    &[0xA0, 0x00, 0x00, 0x00, 0x65, 0x10, 0x10],
    &[0xA0, 0x00, 0x00, 0x01, 0x52, 0x30, 0x10],
    &[0xA0, 0x00, 0x00, 0x02, 0x77, 0x10, 0x10],
    &[0xA0, 0x00, 0x00, 0x00, 0x42, 0x10, 0x10],
    &[0xA0, 0x00, 0x00, 0x00, 0x98, 0x08, 0x40],
    &[0xA0, 0x00, 0x00, 0x00, 0x04, 0x22, 0x03],
    &[0xA0, 0x00, 0x00, 0x01, 0x52, 0x40, 0x10],
    &[0xA0, 0x00, 0x00, 0x03, 0x24, 0x10, 0x10],
    &[0xA0, 0x00, 0x00, 0x03, 0x84, 0x10],
    &[0xA0, 0x00, 0x00, 0x03, 0x84, 0x20],
];

/// Tried after [`KNOWN_AIDS`] in vain: registered identifiers alone, for cards that answer to a partial name,
/// national schemes, and Amex names for cards that do not answer to a partial one.
pub(crate) const LAST_RESORT_AIDS: &[&[u8]] = &[
    &[0xA0, 0x00, 0x00, 0x00, 0x03],
    &[0xA0, 0x00, 0x00, 0x00, 0x04],
    &[0xA0, 0x00, 0x00, 0x03, 0x33],
    &[0xA0, 0x00, 0x00, 0x00, 0x25],
    &[0xA0, 0x00, 0x00, 0x00, 0x65],
    &[0xA0, 0x00, 0x00, 0x01, 0x52],
    &[0xA0, 0x00, 0x00, 0x02, 0x77],
    &[0xA0, 0x00, 0x00, 0x00, 0x42],
    &[0xA0, 0x00, 0x00, 0x03, 0x59, 0x10, 0x10, 0x02, 0x80, 0x01],
    &[0xA0, 0x00, 0x00, 0x05, 0x24, 0x10, 0x10],
    &[0xA0, 0x00, 0x00, 0x00, 0x25, 0x01, 0x01, 0x04],
    &[0xA0, 0x00, 0x00, 0x00, 0x25, 0x01, 0x04, 0x02],
    &[0xA0, 0x00, 0x00, 0x00, 0x25, 0x01, 0x08, 0x01],
];

impl Scheme {
    /// Recognises an AID by its registered identifier.
    pub fn of_aid(aid: &[u8]) -> Self {
        REGISTERED.iter().find(|(rid, _)| aid.starts_with(rid)).map_or(Self::Other, |(_, scheme)| *scheme)
    }

    /// Whose card it is. French cards carry the numbers of the scheme they are co-badged with, and their holders know
    /// them by its name; every other application says it by itself (ISO/IEC 7812-1 prefixes).
    #[must_use]
    pub fn of_card(self, pan: Option<&CardNumber>) -> Self {
        let prefix = pan.map(CardNumber::issuer_prefix).unwrap_or_default();
        match (self, prefix.get(..4).and_then(|prefix| prefix.parse::<u16>().ok())) {
            (Self::CartesBancaires, Some(4000..=4999)) => Self::Visa,
            (Self::CartesBancaires, Some(5100..=5599 | 2221..=2720 | 5000..=5099 | 5600..=5899)) => Self::Mastercard,
            _ => self,
        }
    }

    /// A stable lower-case name for interfaces and files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::Amex => "amex",
            Self::UnionPay => "unionpay",
            Self::Discover => "discover",
            Self::Jcb => "jcb",
            Self::Interac => "interac",
            Self::CartesBancaires => "cb",
            Self::Eftpos => "eftpos",
            Self::Girocard => "girocard",
            Self::RuPay => "rupay",
            Self::Other => "other",
        }
    }

    /// The name people know.
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Visa => "Visa",
            Self::Mastercard => "Mastercard",
            Self::Amex => "American Express",
            Self::UnionPay => "UnionPay",
            Self::Discover => "Discover",
            Self::Jcb => "JCB",
            Self::Interac => "Interac",
            Self::CartesBancaires => "CB",
            Self::Eftpos => "eftpos",
            Self::Girocard => "girocard",
            Self::RuPay => "RuPay",
            Self::Other => "Card",
        }
    }

    /// Application version numbers 9F09 the terminal knows for the scheme, the one it names by itself first.
    pub(crate) fn terminal_versions(self) -> &'static [[u8; 2]] {
        match self {
            // VIS 1.5 and 1.6, then 1.3 to 1.4.1.
            Self::Visa | Self::CartesBancaires => {
                &[[0x00, 0x96], [0x00, 0xA0], [0x00, 0x84], [0x00, 0x8C], [0x00, 0x8D]]
            }
            Self::UnionPay => &[[0x00, 0x30], [0x00, 0x20]],
            Self::Amex | Self::Discover | Self::Interac | Self::Eftpos => &[[0x00, 0x01]],
            Self::Mastercard | Self::Girocard | Self::RuPay | Self::Other => &[[0x00, 0x02]],
            Self::Jcb => &[[0x02, 0x00], [0x01, 0x20]],
        }
    }
}

/// One application of a card, as it may be shown to its holder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApplicationSummary {
    /// Application identifier.
    pub aid: Vec<u8>,
    /// Whose it is.
    pub scheme: Scheme,
    /// Application label, or the scheme's name when the card gives none.
    pub label: String,
    /// Application preferred name, the issuer's own words, when given.
    pub preferred_name: Option<String>,
    /// 1 is highest; `None` when the card does not rank it.
    pub priority: Option<u8>,
    /// The issuer wants the cardholder to confirm before this application is used (tag 87, bit 8).
    pub needs_confirmation: bool,
    /// Kernel identifier, tag 9F2A of a contactless directory entry.
    pub kernel: Option<Vec<u8>>,
}

impl ApplicationSummary {
    /// Builds a summary from the objects of a directory entry or an FCI.
    fn from_objects(aid: &[u8], objects: &[u8]) -> Self {
        let scheme = Scheme::of_aid(aid);
        let text = |tag| tlv::find(objects, tag).map(readable).filter(|text| !text.is_empty());
        let indicator = tlv::find(objects, Tag::PRIORITY).and_then(|value| value.first().copied()).unwrap_or(0);
        Self {
            aid: aid.to_vec(),
            scheme,
            label: text(Tag::LABEL).unwrap_or_else(|| scheme.display_name().to_owned()),
            preferred_name: preferred_name(objects),
            priority: Some(indicator & 0x0F).filter(|priority| *priority > 0),
            needs_confirmation: indicator & 0x80 != 0,
            kernel: tlv::find(objects, Tag::KERNEL).filter(|kernel| !kernel.is_empty()).map(<[u8]>::to_vec),
        }
    }

    /// What sorts first in the candidate list: ranked before unranked (Book 1 section 12.4).
    fn rank(&self) -> u8 {
        self.priority.unwrap_or(u8::MAX)
    }
}

/// 9F12 in the issuer's own letters, which 9F11 names as a part of ISO/IEC 8859. A name in letters this terminal does not
/// have is as good as none: the label is shown then (Book 1 section 12.4).
fn preferred_name(objects: &[u8]) -> Option<String> {
    let name = tlv::find(objects, Tag::PREFERRED_NAME)?;
    let table = tlv::find(objects, Tag::CODE_TABLE).and_then(|table| table.first().copied());
    let text: String = name.iter().map(|byte| letter(*byte, table)).collect::<Option<_>>()?;
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// One letter of ISO/IEC 8859 parts 1, 5, 9 and 15. ASCII is the same in all of them.
fn letter(byte: u8, table: Option<u8>) -> Option<char> {
    let latin_1 = || char::from(byte);
    if byte.is_ascii() {
        return Some(latin_1());
    }
    match table? {
        // Packed digits or binary: 15 is written both ways.
        0x01 => Some(latin_1()),
        0x05 => Some(match byte {
            0x80..=0xA0 | 0xAD => latin_1(),
            0xF0 => '\u{2116}',
            0xFD => '\u{A7}',
            _ => char::from_u32(0x0400 + u32::from(byte) - 0xA0)?,
        }),
        0x09 => Some(match byte {
            0xD0 => '\u{11E}',
            0xDD => '\u{130}',
            0xDE => '\u{15E}',
            0xF0 => '\u{11F}',
            0xFD => '\u{131}',
            0xFE => '\u{15F}',
            _ => latin_1(),
        }),
        0x15 | 0x0F => Some(match byte {
            0xA4 => '\u{20AC}',
            0xA6 => '\u{160}',
            0xA8 => '\u{161}',
            0xB4 => '\u{17D}',
            0xB8 => '\u{17E}',
            0xBC => '\u{152}',
            0xBD => '\u{153}',
            0xBE => '\u{178}',
            _ => latin_1(),
        }),
        _ => None,
    }
}

/// Label bytes as text: printable characters, trailing spaces taken off (quirk: some cards pad).
fn readable(bytes: &[u8]) -> String {
    let text: String = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().filter(|byte| byte.is_ascii()).map(|byte| char::from(*byte)).collect(),
    };
    text.chars().filter(|letter| !letter.is_control()).collect::<String>().trim().to_owned()
}

/// Entries of a directory: every template 61 with an AID of a legal length, best first.
pub(crate) fn directory_entries(bytes: &[u8]) -> Vec<ApplicationSummary> {
    let mut entries: Vec<ApplicationSummary> = tlv::find_all(bytes, Tag::APPLICATION_TEMPLATE)
        .into_iter()
        .filter_map(|entry| {
            let aid = tlv::find(entry, Tag::AID).filter(|aid| (5..=16).contains(&aid.len()))?;
            Some(ApplicationSummary::from_objects(aid, entry))
        })
        .take(CANDIDATES_MAX)
        .collect();
    sort_candidates(&mut entries);
    entries
}

/// Sorts by priority and keeps the card's order within it.
pub(crate) fn sort_candidates(candidates: &mut [ApplicationSummary]) {
    candidates.sort_by_key(ApplicationSummary::rank);
}

/// What SELECT of an application answered.
#[derive(Clone)]
pub(crate) struct SelectedApplication {
    /// DF name 84, or the name selected when the card gives none.
    pub(crate) df_name: Vec<u8>,
    /// DF name 84 as the card gave it.
    given_name: Option<Vec<u8>>,
    /// The application; label from the FCI, else from the directory.
    pub(crate) summary: ApplicationSummary,
    /// Processing options data object list, empty when absent.
    pub(crate) pdol: Vec<u8>,
}

impl SelectedApplication {
    /// Parses the FCI (Book 1 section 11.3.4). `listed` is the directory entry, when there was one.
    pub(crate) fn parse(fci: &[u8], name: &[u8], listed: Option<&ApplicationSummary>) -> Result<Self, CardError> {
        let objects = tlv::read(fci, Mode::Lenient).map_err(|_| CardError::Malformed { at: "FCI" })?;
        let template = objects
            .iter()
            .find(|object| object.tag == Tag::FCI_TEMPLATE)
            .ok_or(CardError::Malformed { at: "FCI" })?
            .value;
        let given_name = tlv::find(template, Tag::DF_NAME).filter(|name| !name.is_empty()).map(<[u8]>::to_vec);
        let df_name = given_name.clone().unwrap_or_else(|| name.to_vec());
        let mut summary = ApplicationSummary::from_objects(&df_name, template);
        if let Some(listed) = listed {
            if tlv::find(template, Tag::LABEL).is_none() {
                summary.label.clone_from(&listed.label);
            }
            summary.preferred_name = summary.preferred_name.or_else(|| listed.preferred_name.clone());
            summary.priority = summary.priority.or(listed.priority);
            summary.kernel.clone_from(&listed.kernel);
        }
        let pdol = tlv::find(template, Tag::PDOL).unwrap_or_default().to_vec();
        Ok(Self { df_name, given_name, summary, pdol })
    }

    /// Whether the card says it opened exactly the application that was selected.
    pub(crate) fn named_itself(&self, selected: &[u8]) -> bool {
        self.given_name.as_deref() == Some(selected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8], table: Option<u8>) -> Option<String> {
        let mut objects = Vec::new();
        tlv::write(&mut objects, Tag::PREFERRED_NAME, bytes);
        if let Some(table) = table {
            tlv::write(&mut objects, Tag::CODE_TABLE, &[table]);
        }
        preferred_name(&objects)
    }

    #[test]
    fn french_cards_are_known_by_their_number() {
        let card = |scheme: Scheme, digits| scheme.of_card(CardNumber::from_digits(digits).as_ref());
        assert_eq!(card(Scheme::CartesBancaires, "4979670123453600"), Scheme::Visa);
        assert_eq!(card(Scheme::CartesBancaires, "5599999999999999"), Scheme::Mastercard);
        assert_eq!(card(Scheme::CartesBancaires, "2221000000000009"), Scheme::Mastercard);
        assert_eq!(card(Scheme::CartesBancaires, "3530111333300000"), Scheme::CartesBancaires);
        assert_eq!(card(Scheme::Eftpos, "5413339999998720"), Scheme::Eftpos);
        assert_eq!(Scheme::CartesBancaires.of_card(None), Scheme::CartesBancaires);
    }

    #[test]
    fn names_are_in_the_issuers_letters() {
        assert_eq!(name(b"Carte Bancaire ", None).as_deref(), Some("Carte Bancaire"));
        assert_eq!(name(b"Cr\xE9dit", Some(0x01)).as_deref(), Some("Cr\u{e9}dit"));
        assert_eq!(name(&[0xBC, 0xB8, 0xC0], Some(0x05)).as_deref(), Some("\u{41c}\u{418}\u{420}"));
        assert_eq!(name(b"Ba\xFEkent", Some(0x09)).as_deref(), Some("Ba\u{15f}kent"));
        assert_eq!(name(b"5 \xA4", Some(0x15)).as_deref(), Some("5 \u{20ac}"));
    }

    #[test]
    fn names_in_unknown_letters_are_none() {
        assert_eq!(name(b"Cr\xE9dit", None), None);
        assert_eq!(name(b"Cr\xE9dit", Some(0x07)), None);
        assert_eq!(name(b"  ", Some(0x01)), None);
        assert_eq!(name(b"", None), None);
        assert_eq!(name(b"VISA\x00\x07", Some(0x01)).as_deref(), Some("VISA"));
    }
}
