//! What the terminal tells the card: amount, date, place, abilities (Book 4 annex A; Book 3 annex A).

use crate::application::Scheme;
use crate::kernel::Kernel;
use crate::oda::{CaKeys, DataAuthentication};
use crate::tag::Tag;

/// How the card is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interface {
    /// Inserted.
    Contact,
    /// Tapped.
    Contactless,
}

/// Who picks when a card has several applications.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ApplicationChoice {
    /// The card's own first priority.
    Automatic,
    /// The cardholder, as Book 1 section 12.4 prefers.
    AskCardholder,
}

/// The terminal's values for one card session. Nothing here is read from a clock or a random source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TerminalData {
    /// 9F02, in minor units; at most twelve digits reach the card.
    pub amount_minor: u64,
    /// 5F2A, ISO 4217 numeric.
    pub currency_numeric: u16,
    /// 5F36, digits after the decimal point.
    pub currency_exponent: u8,
    /// 9F1A, ISO 3166 numeric.
    pub country_numeric: u16,
    /// 9A as digits: year, month, day of the terminal's place.
    pub date_yymmdd: [u8; 3],
    /// 9F21 as digits: hour, minute, second.
    pub time_hhmmss: [u8; 3],
    /// 9F37; see [`derive_unpredictable_number`].
    pub unpredictable_number: [u8; 4],
    /// How the card is reached.
    pub interface: Interface,
    /// Who picks among several applications.
    pub choice: ApplicationChoice,
    /// 9F35; 34 is cardholder-operated, unattended, online only (Book 4 annex A1).
    pub terminal_type: u8,
    /// 9F33; chip, online PIN and no CVM; the third byte says which [`DataAuthentication`] is done.
    pub capabilities: [u8; 3],
    /// 9F40; goods and services, a keypad and a display.
    pub additional_capabilities: [u8; 5],
    /// 9F66; EMV mode, online PIN, online cryptogram and CVM required, consumer device CVM (Book C-3).
    pub ttq: [u8; 4],
    /// 9C; 00 is goods and services.
    pub transaction_type: u8,
    /// 9F4E; only its first 255 bytes are sent.
    pub merchant_name: String,
    /// 9F1E, letters and digits; left out when there is none.
    pub device_serial: Option<[u8; 8]>,
    /// 9F41, counts the terminal's payments; left out when nobody counts them.
    pub sequence_counter: Option<u32>,
    /// Keys to check a card's certificates with.
    pub ca_keys: CaKeys,
}

/// Largest amount of the twelve digits of 9F02, in minor units.
pub const AMOUNT_MINOR_MAX: u64 = 999_999_999_999;

impl TerminalData {
    /// A purchase with this product's terminal abilities. `date_yymmdd` and `time_hhmmss` are plain numbers,
    /// such as `[26, 11, 22]`.
    pub fn purchase(
        amount_minor: u64,
        currency_numeric: u16,
        country_numeric: u16,
        unpredictable_number: [u8; 4],
        interface: Interface,
    ) -> Self {
        Self {
            amount_minor,
            currency_numeric,
            currency_exponent: 2,
            country_numeric,
            date_yymmdd: [0; 3],
            time_hhmmss: [0; 3],
            unpredictable_number,
            interface,
            choice: match interface {
                Interface::Contact => ApplicationChoice::AskCardholder,
                Interface::Contactless => ApplicationChoice::Automatic,
            },
            terminal_type: 0x34,
            capabilities: [0x20, 0x48, DataAuthentication::WithoutExtraExchange.capabilities()],
            additional_capabilities: [0x60, 0x00, 0xF0, 0x20, 0x01],
            ttq: [0x26, 0xC0, 0x40, 0x00],
            transaction_type: 0x00,
            merchant_name: String::new(),
            device_serial: None,
            sequence_counter: None,
            ca_keys: CaKeys::schemes(),
        }
    }

    /// Sets how much offline data authentication is done, and with which keys.
    #[must_use]
    pub fn authenticating(mut self, how_much: DataAuthentication, ca_keys: CaKeys) -> Self {
        self.capabilities[2] = how_much.capabilities();
        // TTQ byte 1 bit 1: offline data authentication for online authorisations (Book C-3 annex A).
        self.ttq[0] = (self.ttq[0] & !0x01) | u8::from(how_much == DataAuthentication::Full);
        self.ca_keys = ca_keys;
        self
    }

    /// Sets date and time of the terminal's place.
    #[must_use]
    pub fn at(mut self, date_yymmdd: [u8; 3], time_hhmmss: [u8; 3]) -> Self {
        self.date_yymmdd = date_yymmdd;
        self.time_hhmmss = time_hhmmss;
        self
    }

    /// The date as packed digits YYMMDD.
    pub(crate) fn today(&self) -> [u8; 3] {
        self.date_yymmdd.map(packed)
    }

    /// The value the terminal has for a tag; `None` makes a DOL send zeros.
    pub(crate) fn value(&self, tag: Tag, results: &TerminalResults) -> Option<Vec<u8>> {
        let value = match tag {
            Tag::AMOUNT_AUTHORISED => bcd(self.amount_minor.min(AMOUNT_MINOR_MAX), 6),
            Tag::AMOUNT_OTHER => vec![0; 6],
            Tag::TRANSACTION_CURRENCY => bcd(u64::from(self.currency_numeric), 2),
            Tag::CURRENCY_EXPONENT => bcd(u64::from(self.currency_exponent), 1),
            Tag::TERMINAL_COUNTRY => bcd(u64::from(self.country_numeric), 2),
            Tag::TVR => results.tvr.to_vec(),
            Tag::TSI => results.tsi.to_vec(),
            Tag::TC_HASH => results.tc_hash?.to_vec(),
            Tag::TRANSACTION_DATE => self.today().to_vec(),
            Tag::TRANSACTION_TIME => self.time_hhmmss.map(packed).to_vec(),
            Tag::TRANSACTION_TYPE => vec![self.transaction_type],
            Tag::UNPREDICTABLE_NUMBER => self.unpredictable_number.to_vec(),
            Tag::TERMINAL_TYPE => vec![self.terminal_type],
            Tag::TERMINAL_CAPABILITIES => self.capabilities_for(results).to_vec(),
            Tag::ADDITIONAL_CAPABILITIES => self.additional_capabilities.to_vec(),
            Tag::TTQ => self.ttq.to_vec(),
            Tag::CVM_RESULTS => results.cvm_results.to_vec(),
            Tag::TERMINAL_APPLICATION_VERSION => results.version.to_vec(),
            Tag::MERCHANT_NAME => self.merchant_name.bytes().take(255).collect(),
            Tag::FLOOR_LIMIT => vec![0; 4],
            Tag::DEVICE_SERIAL => self.device_serial?.to_vec(),
            Tag::SEQUENCE_COUNTER => bcd(u64::from(self.sequence_counter?), 4),
            other => return results.kernel.value(other).map(<[u8]>::to_vec),
        };
        Some(value)
    }
}

impl TerminalData {
    /// 9F33 for an application: without any key of its scheme there is no offline data authentication.
    pub(crate) fn capabilities_for(&self, results: &TerminalResults) -> [u8; 3] {
        let [input, verification, security] = self.capabilities;
        let security = match results.authentication {
            AuthenticationKeys::Known => security,
            AuthenticationKeys::Unknown => security & !DataAuthentication::Full.capabilities(),
        };
        [input, verification, security]
    }
}

/// Whether the terminal has any certification authority's key for an application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AuthenticationKeys {
    /// It has.
    Known,
    /// It has not.
    Unknown,
}

/// What the terminal found out about the card before it asked for a cryptogram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TerminalResults {
    /// 95 (Book 3 annex C5).
    pub(crate) tvr: [u8; 5],
    /// 9B (Book 3 annex C6).
    pub(crate) tsi: [u8; 2],
    /// 98, once a card asked for it.
    pub(crate) tc_hash: Option<[u8; 20]>,
    /// 9F34 (Book 4 annex A4).
    pub(crate) cvm_results: [u8; 3],
    /// Whose application was selected.
    pub(crate) scheme: Scheme,
    /// Whether its cards can be authenticated here.
    pub(crate) authentication: AuthenticationKeys,
    /// 9F09.
    pub(crate) version: [u8; 2],
    /// Whose values the terminal names.
    pub(crate) kernel: Kernel,
}

impl TerminalResults {
    /// Before any check: a contactless reader that only asks for a cryptogram reports nothing (Book C-3).
    pub(crate) fn new(scheme: Scheme, kernel: Kernel) -> Self {
        Self {
            tvr: [0; 5],
            tsi: [0; 2],
            tc_hash: None,
            cvm_results: [0x1F, 0x00, 0x00],
            scheme,
            authentication: AuthenticationKeys::Known,
            version: scheme.terminal_versions()[0],
            kernel,
        }
    }
}

/// The unpredictable number of an attempt: the first four bytes of its attempt hash. So the card's own
/// cryptogram covers the attempt, and the bank can check that it does.
pub fn derive_unpredictable_number(attempt_hash: &[u8; 32]) -> [u8; 4] {
    [attempt_hash[0], attempt_hash[1], attempt_hash[2], attempt_hash[3]]
}

/// Two decimal digits in a byte.
fn packed(number: u8) -> u8 {
    ((number / 10 % 10) << 4) | (number % 10)
}

/// Decimal digits, two to a byte, right-aligned; digits that do not fit are cut on the left.
fn bcd(mut number: u64, bytes: usize) -> Vec<u8> {
    let mut packed = vec![0; bytes];
    for byte in packed.iter_mut().rev() {
        let pair = u8::try_from(number % 100).unwrap_or_default();
        *byte = ((pair / 10) << 4) | (pair % 10);
        number /= 100;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_codes_are_packed_digits() {
        assert_eq!(bcd(123_456, 6), [0x00, 0x00, 0x00, 0x12, 0x34, 0x56]);
        assert_eq!(bcd(978, 2), [0x09, 0x78]);
        let terminal = TerminalData::purchase(1, 156, 156, [0; 4], Interface::Contact).at([26, 11, 22], [9, 5, 7]);
        let results = TerminalResults::new(Scheme::Visa, Kernel::Contact);
        assert_eq!(terminal.value(Tag::TRANSACTION_DATE, &results).unwrap(), [0x26, 0x11, 0x22]);
        assert_eq!(terminal.value(Tag::TRANSACTION_TIME, &results).unwrap(), [0x09, 0x05, 0x07]);
        assert!(terminal.value(Tag(0x9F7A), &results).is_none());
    }
}
