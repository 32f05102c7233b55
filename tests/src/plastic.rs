//! As many cards as a load needs: Visa cards, each with a number of its own, and the bank's records of them.

use std::path::Path;

use serde_json::{Value, json};
use virtual_card::Profile;

/// The PIN of every one of them.
pub const PIN: &str = "1234";

/// A Visa card with a number of its own; below a thousand of them the last four digits differ.
pub fn card(index: usize) -> Profile {
    let mut profile = Profile::built_in("visa").expect("a built-in profile");
    let body = format!("476134{index:09}");
    profile.pan = format!("{body}{}", check_digit(&body));
    profile.name = format!("load-{index}");
    profile
}

/// The account at the bank that a card pays from.
pub fn account(card: &Profile) -> String {
    format!("cardholder:visa-{}", &card.pan[card.pan.len() - 4..])
}

/// Writes what `tapseal bank seed --card-profiles` reads.
pub fn write_profiles(cards: &[Profile], file: &Path) {
    let list: Vec<Value> = cards.iter().map(personalisation).collect();
    std::fs::write(file, Value::from(list).to_string()).expect("the cards can be written");
}

/// The check digit of ISO/IEC 7812-1 annex B.
fn check_digit(body: &str) -> u32 {
    let digits = body.chars().rev().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = digits.enumerate().map(|(place, digit)| if place % 2 == 0 { doubled(digit) } else { digit }).sum();
    (10 - sum % 10) % 10
}

const fn doubled(digit: u32) -> u32 {
    if digit > 4 { digit * 2 - 9 } else { digit * 2 }
}

fn personalisation(profile: &Profile) -> Value {
    json!({
        "name": profile.name,
        "scheme": profile.scheme().code(),
        "pan": profile.pan,
        "expiry_yymm": profile.expiry_yymm,
        "psn": profile.psn,
        "pin": profile.pin,
        "issuer_master_key": profile.issuer_master_key,
    })
}
