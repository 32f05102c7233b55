//! Personalising a card: a number, a PIN and keys of its own, a record at the bank, and the profile that makes a virtual
//! card of it.
//!
//! The profile is the card: it has the number and the PIN in clear, so it is written once, for its owner's eyes
//! only, and nothing of it stays at the bank but what its record holds.

use emv::Scheme;
use envelope::{Pan, Pin};
use payment::Amount;
use zeroize::Zeroizing;

use super::account::{self, AccountId};
use super::card::{Card, CardStatus, PIN_TRIES_MAX, StripeUse};
use super::error::BankError;
use super::hsm::Hsm;
use super::seed::Terms;
use crate::storage::DbConnection;

/// What every card of a scheme has: the rest of a virtual card's profile.
const PRODUCTS: [(Scheme, &str); 6] = [
    (Scheme::Visa, include_str!("personalisation/visa.toml")),
    (Scheme::Mastercard, include_str!("personalisation/mastercard.toml")),
    (Scheme::UnionPay, include_str!("personalisation/unionpay.toml")),
    (Scheme::Amex, include_str!("personalisation/amex.toml")),
    (Scheme::Jcb, include_str!("personalisation/jcb.toml")),
    (Scheme::Discover, include_str!("personalisation/discover.toml")),
];
/// An international card with a chip, for goods and services, with a PIN (ISO/IEC 7813).
const SERVICE_CODE: &str = "201";
/// The sequence number of an account's first card.
const FIRST_PSN: u8 = 1;
/// Numbers drawn before giving up on finding a free one.
const DRAWS_MAX: usize = 16;

/// What a new card is to be.
pub struct NewCard {
    /// Of which scheme.
    pub scheme: Scheme,
    /// With numbers of this issuer; of the first of the scheme when none is named.
    pub iin: Option<String>,
    /// Which account it spends from.
    pub account_id: AccountId,
    /// Last month of validity, `YYMM`.
    pub expiry_yymm: String,
    /// Its PIN; one nobody chose when none is given.
    pub pin: Option<Zeroizing<String>>,
    /// What it may spend.
    pub terms: Terms,
}

/// A card that was made, before the bank knows it.
pub struct Made {
    card: Card,
    /// The profile that makes a virtual card of it, in TOML.
    pub profile: Zeroizing<String>,
    /// Its PIN, to be told once.
    pub pin: Zeroizing<String>,
}

impl Made {
    /// The bank's record of it.
    pub fn card(&self) -> &Card {
        &self.card
    }
}

/// The scheme with this code, if the bank has a product of it.
pub fn scheme(code: &str) -> Option<Scheme> {
    PRODUCTS.into_iter().map(|(scheme, _)| scheme).find(|scheme| scheme.code() == code)
}

/// Makes a card: its number is not another's, and the bank's record is not stored yet.
///
/// # Errors
/// When there is no such account, product or issuer, or the expiry or the PIN is none.
pub async fn make(connection: &mut DbConnection, hsm: &Hsm, new: &NewCard) -> Result<Made, BankError> {
    let unknown = || BankError::NoAccount(new.account_id.to_string());
    let currency = account::currency_of(connection, &new.account_id).await?.ok_or_else(unknown)?;
    let pin_text = new.pin.clone().unwrap_or_else(|| hsm.new_pin());
    let pin = Pin::from_ascii(pin_text.as_bytes()).map_err(|_| BankError::Malformed("the PIN"))?;
    for _ in 0..DRAWS_MAX {
        let pan = hsm.new_number(new.scheme, new.iin.as_deref())?;
        let stored = hsm.personalise(&pan, &pin);
        if Card::find(connection, &stored.pan_reference).await?.is_some() {
            continue;
        }
        let amount = |minor| Amount::new(minor, currency);
        let card = Card {
            pan_reference: stored.pan_reference,
            last_four: stored.last_four,
            scheme: new.scheme.code().to_owned(),
            account_id: new.account_id.clone(),
            currency,
            status: CardStatus::Active,
            expiry_yymm: expiry(&new.expiry_yymm)?,
            pin_value: stored.pin_value,
            pin_tries_left: PIN_TRIES_MAX,
            atc: None,
            payment_limit: amount(new.terms.payment_limit_minor),
            day_limit: amount(new.terms.day_limit_minor),
            velocity: None,
            device_limit: amount(0),
            stripe_limit: amount(new.terms.stripe_limit_minor),
            stripe_use: StripeUse::WithoutChip,
            psn: Some(FIRST_PSN),
            applications: applications(new.scheme)?,
        };
        let profile = profile(hsm, new, &pan, &pin_text)?;
        return Ok(Made { card, profile, pin: pin_text });
    }
    Err(BankError::Conflict("every card number drawn"))
}

/// Digits `YYMM` that are a month.
fn expiry(text: &str) -> Result<[u8; 4], BankError> {
    let digits = <[u8; 4]>::try_from(text.as_bytes()).ok().filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let is_month = |digits: &[u8; 4]| (1..=12).contains(&((digits[2] - b'0') * 10 + digits[3] - b'0'));
    digits.filter(is_month).ok_or(BankError::Malformed("the expiry"))
}

fn product(scheme: Scheme) -> Result<&'static str, BankError> {
    let found = PRODUCTS.into_iter().find(|(known, _)| *known == scheme);
    found.map(|(_, text)| text).ok_or(BankError::NoIssuer)
}

/// Identifiers of the applications on a product's cards.
fn applications(scheme: Scheme) -> Result<Vec<Vec<u8>>, BankError> {
    let aids = product(scheme)?.lines().filter_map(|line| line.strip_prefix("aid = \"")?.strip_suffix('"'));
    aids.map(|aid| hex::decode(aid).map_err(|_| BankError::Malformed("a card product"))).collect()
}

/// The card's own lines, then those of its product. Nothing in the former needs quoting: digits, hexadecimal, codes.
fn profile(hsm: &Hsm, new: &NewCard, pan: &Pan, pin: &str) -> Result<Zeroizing<String>, BankError> {
    let NewCard { scheme, expiry_yymm, .. } = new;
    let secrets = hsm.card_secrets(pan, FIRST_PSN, expiry_yymm, SERVICE_CODE)?;
    let digits = std::str::from_utf8(pan.expose_ascii()).map_err(|_| BankError::Malformed("a card number"))?;
    let code = scheme.code();
    Ok(Zeroizing::new(format!(
        "# A card of its own: whoever has this file and knows the PIN can pay with it.
name = \"{code}-{last_four}\"
title = \"{code} card of this bank\"
pan = \"{digits}\"
expiry_yymm = \"{expiry_yymm}\"
psn = {FIRST_PSN}
service_code = \"{SERVICE_CODE}\"
pin = \"{pin}\"
cardholder = \"TAPSEAL/TEST\"
issuer_country = \"0840\"

[personalised]
card_key = \"{card_key}\"
script_key = \"{script_key}\"
stripe_value = \"{stripe_value}\"
chip_value = \"{chip_value}\"

{product}",
        last_four = pan.last_four(),
        card_key = secrets.card_key.as_str(),
        script_key = secrets.script_key.as_str(),
        stripe_value = secrets.stripe_value.as_str(),
        chip_value = secrets.chip_value.as_str(),
        product = product(*scheme)?,
    )))
}

#[cfg(test)]
mod tests;
