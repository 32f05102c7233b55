//! Making a bank and its test cards.

use std::path::PathBuf;

use clap::Args;

use super::{Folder, print};
use crate::bank_front::error::BankError;
use crate::bank_front::{hsm, open_database, seed};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{BankEntry, BankHome, DataFolder, issuer_register};

/// Whom to open accounts for, and on which terms. Amounts are minor units of USD.
#[derive(Debug, Args)]
pub struct SeedOptions {
    /// Which bank.
    #[command(flatten)]
    pub folder: Folder,
    /// What each account starts with.
    #[arg(long, default_value_t = seed::OPENING_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    pub balance_minor: i64,
    /// The most one payment may take.
    #[arg(long, default_value_t = seed::PAYMENT_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    pub limit_minor: i64,
    /// The most one card may spend on one UTC day.
    #[arg(long, default_value_t = seed::DAY_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    pub day_limit_minor: i64,
    /// The most one payment may take without a PIN, where the card is a phone or a watch; 0 always asks for it.
    #[arg(long, default_value_t = seed::DEVICE_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(0..))]
    pub device_limit_minor: i64,
    /// The most one swipe may take.
    #[arg(long, default_value_t = seed::STRIPE_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(0..))]
    pub stripe_limit_minor: i64,
    /// Which of the public test cards are this bank's: schemes or names with commas between, all, or none.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub cards: Vec<String>,
    /// More cards: a JSON array of what `tapseal-card show NAME --json` prints. A bank that is
    /// serving takes cards of new issuers when it starts next.
    #[arg(long)]
    pub card_profiles: Option<PathBuf>,
}

/// Makes a bank's keys at its home; whether anything was made. An existing root is kept. Its issuers come with
/// its cards.
pub fn init_keys(home: &BankHome, name: &str) -> Result<bool, BankError> {
    init_keys_in(home.dir().into(), home, name)
}

fn init_keys_in(keys: hsm::KeyFolder, home: &BankHome, name: &str) -> Result<bool, BankError> {
    let bank = BankEntry { id: home.id().clone(), name: name.to_owned() };
    hsm::init(keys, &bank, Vec::new(), signed_ms(now_ms()))
}

pub(super) fn init(folder: &Folder) -> Result<(), BankError> {
    let named: BankEntry = folder.bank.as_str().parse().map_err(|_| BankError::Malformed("the bank's id"))?;
    let made = init_keys_in(folder.keys(), &folder.home(), &named.name)?;
    let text = || if made { "made the bank's keys".to_owned() } else { "the bank has its keys already".to_owned() };
    print(folder, &serde_json::json!({ "made": made }), text);
    Ok(())
}

pub(super) async fn seed_cards(options: &SeedOptions) -> Result<(), BankError> {
    let now_ms = signed_ms(now_ms());
    let folder = &options.folder;
    let home = folder.home();
    let mut profiles = seed::CardProfile::chosen(&options.cards)?;
    if let Some(path) = &options.card_profiles {
        profiles.extend(seed::CardProfile::load(path)?);
    }
    // The issuers first: a card whose cryptogram nobody can check, or that another bank claims, is worth nothing.
    let issuers = seed::issuers(&profiles)?;
    let prefixes: Vec<String> = issuers.iter().map(|issuer| issuer.iin().to_owned()).collect();
    issuer_register::claim(&DataFolder::new(&folder.data), home.id(), &prefixes)?;
    let new_issuers = hsm::add_issuers(folder.keys(), issuers, now_ms)?;
    let db = open_database(&home).await?;
    let hsm = hsm::Hsm::load(folder.keys())?;
    let terms = seed::Terms {
        opening_minor: options.balance_minor,
        payment_limit_minor: options.limit_minor,
        day_limit_minor: options.day_limit_minor,
        device_limit_minor: options.device_limit_minor,
        stripe_limit_minor: options.stripe_limit_minor,
    };
    let new = seed::seed(&db, &hsm, terms, &profiles, now_ms).await?;
    print(folder, &serde_json::json!({ "new_cards": new, "new_issuers": new_issuers }), || {
        format!("{new} new cards, {new_issuers} new issuers")
    });
    Ok(())
}
