//! Processing restrictions: whether this application may be used here, for this, today (Book 3 section 10.4).
//!
//! A restriction that bites refuses nothing: it sets a bit of TVR byte 2, and the issuer's action codes or the bank
//! decide.

use crate::tag::Tag;

/// TVR byte 2 (Book 3 annex C5).
const VERSIONS_DIFFER: u8 = 0x80;
const EXPIRED: u8 = 0x40;
const NOT_YET_EFFECTIVE: u8 = 0x20;
const SERVICE_NOT_ALLOWED: u8 = 0x10;

/// Transaction types 9C this looks at (ISO 8583 processing code).
const CASH: u8 = 0x01;
const CASHBACK: u8 = 0x09;

/// The terminal's side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terminal {
    /// 9F09.
    pub version: [u8; 2],
    /// 9F35.
    pub terminal_type: u8,
    /// 9F40, first byte.
    pub transactions: u8,
    /// 9F1A, packed digits.
    pub country: [u8; 2],
    /// 9C.
    pub transaction_type: u8,
    /// 9A, packed digits YYMMDD.
    pub today: [u8; 3],
}

impl Terminal {
    /// Terminal types 14 to 16 with cash disbursement are ATMs (Book 4 annex A1).
    fn is_atm(self) -> bool {
        matches!(self.terminal_type, 0x14..=0x16) && self.transactions & 0x80 != 0
    }
}

/// Gives TVR byte 2 for what the card says about itself: 9F08, 9F07, 5F28, 5F25 and 5F24.
pub fn check<'a>(card: impl Fn(Tag) -> Option<&'a [u8]>, terminal: Terminal) -> u8 {
    let mut findings = 0;
    // Without a version number they count as the same (section 10.4.1).
    if card(Tag::APPLICATION_VERSION).is_some_and(|version| version != terminal.version) {
        findings |= VERSIONS_DIFFER;
    }
    let usage = card(Tag::USAGE_CONTROL).and_then(|usage| <[u8; 2]>::try_from(usage).ok());
    if usage.is_some_and(|usage| !is_usable(usage, card(Tag::ISSUER_COUNTRY), terminal)) {
        findings |= SERVICE_NOT_ALLOWED;
    }
    let date = |tag| card(tag).and_then(|date| <[u8; 3]>::try_from(date).ok());
    if date(Tag::EFFECTIVE_DATE).is_some_and(|effective| by_century(effective) > by_century(terminal.today)) {
        findings |= NOT_YET_EFFECTIVE;
    }
    if date(Tag::EXPIRY_DATE).is_some_and(|expiry| by_century(expiry) < by_century(terminal.today)) {
        findings |= EXPIRED;
    }
    findings
}

/// Application usage control (section 10.4.2; Book 3 table 36). Country bits are looked at only when the card names
/// its issuer's country.
fn is_usable(usage: [u8; 2], issuer_country: Option<&[u8]>, terminal: Terminal) -> bool {
    let [first, second] = usage;
    let place = if terminal.is_atm() { 0x02 } else { 0x01 };
    if first & place == 0 {
        return false;
    }
    let Some(issuer_country) = issuer_country else { return true };
    let is_domestic = issuer_country == terminal.country;
    let allows =
        |byte: u8, domestic: u8, international: u8| byte & if is_domestic { domestic } else { international } != 0;
    // Goods and services are one transaction type, so either bit will do.
    let goods = || allows(first, 0x20, 0x10) || allows(first, 0x08, 0x04);
    match terminal.transaction_type {
        CASH => allows(first, 0x80, 0x40),
        CASHBACK => goods() && allows(second, 0x80, 0x40),
        _ => goods(),
    }
}

/// Years below 50 are this century's (Book 4 section 6.7.3).
fn by_century(date: [u8; 3]) -> (bool, [u8; 3]) {
    (date[0] < 0x50, date)
}
