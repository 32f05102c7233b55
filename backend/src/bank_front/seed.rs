//! Test cardholders: the public test cards that the virtual card is personalised as, and others by profile.

use payment::{Amount, Currency};

use super::account::{self, AccountId, AccountKind};
use super::card::{Card, CardStatus, PIN_TRIES_MAX, StripeUse};
use super::error::BankError;
use super::hsm::{Hsm, IssuerKey};
use super::ledger::{self, Movement};
use crate::storage::{Db, DbConnection};

mod profile;

pub use profile::CardProfile;

/// What each test cardholder starts with unless told otherwise, in minor units.
pub const OPENING_MINOR: i64 = 100_000;
/// The most one payment of a test card may take unless told otherwise, in minor units.
pub const PAYMENT_LIMIT_MINOR: i64 = 50_000;
/// The most one day of a test card may take unless told otherwise, in minor units.
pub const DAY_LIMIT_MINOR: i64 = 80_000;
/// The most one payment of a test phone may take without a PIN unless told otherwise, in minor units.
pub const DEVICE_LIMIT_MINOR: i64 = 30_000;
/// The most one swipe of a test card may take unless told otherwise, in minor units.
pub const STRIPE_LIMIT_MINOR: i64 = 10_000;
/// The currency of test accounts.
const CURRENCY: &str = "USD";
/// Cards opened in one step of the database, so that a long list keeps no other writer waiting.
const CARDS_PER_STEP: usize = 500;

/// What every card seeded together gets, in minor units.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// What the account starts with.
    pub opening_minor: i64,
    /// The most one payment may take.
    pub payment_limit_minor: i64,
    /// The most one UTC day may take.
    pub day_limit_minor: i64,
    /// The most one payment may take without a PIN, where the card is a phone or a watch.
    pub device_limit_minor: i64,
    /// The most one swipe may take.
    pub stripe_limit_minor: i64,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            opening_minor: OPENING_MINOR,
            payment_limit_minor: PAYMENT_LIMIT_MINOR,
            day_limit_minor: DAY_LIMIT_MINOR,
            device_limit_minor: DEVICE_LIMIT_MINOR,
            stripe_limit_minor: STRIPE_LIMIT_MINOR,
        }
    }
}

/// The issuer keys of the test cards, for a bank that is to know them.
pub fn test_issuers() -> Result<Vec<IssuerKey>, BankError> {
    issuers(&CardProfile::built_in()?)
}

/// The issuer keys of these profiles' cards, one for each card.
pub fn issuers(profiles: &[CardProfile]) -> Result<Vec<IssuerKey>, BankError> {
    profiles.iter().map(CardProfile::issuer_key).collect()
}

/// Opens the accounts of these profiles' cardholders, with their opening balances and cards. What is there
/// already is left as it is; how many cards are new.
pub async fn seed(db: &Db, hsm: &Hsm, terms: Terms, profiles: &[CardProfile], now_ms: i64) -> Result<usize, BankError> {
    let currency: Currency = CURRENCY.parse().map_err(|_| BankError::Malformed("the currency of test cards"))?;
    let mut holders: Vec<Holder> =
        profiles.iter().map(|profile| Holder::of(hsm, profile, terms, currency)).collect::<Result<_, _>>()?;
    let mut new = 0;
    while !holders.is_empty() {
        let step: Vec<Holder> = holders.drain(..holders.len().min(CARDS_PER_STEP)).collect();
        new += db.write(move |db_tx| Box::pin(open_all(db_tx, step, terms, currency, now_ms))).await?;
    }
    Ok(new)
}

async fn open_all(
    db_tx: &mut DbConnection,
    holders: Vec<Holder>,
    terms: Terms,
    currency: Currency,
    now_ms: i64,
) -> Result<usize, BankError> {
    let opening = AccountId::opening(currency);
    account::open(db_tx, &opening, AccountKind::Opening, currency, now_ms).await?;
    let mut new = 0;
    for holder in holders {
        if Card::find(db_tx, &holder.card.pan_reference).await?.is_some() {
            continue;
        }
        let card = holder.open_account(db_tx, now_ms).await?;
        let movement = Movement {
            debit: opening.clone(),
            credit: card.account_id.clone(),
            amount: Amount::new(terms.opening_minor, currency),
            purpose: "opening".to_owned(),
            acquirer: None,
        };
        ledger::settle(db_tx, &movement, now_ms).await?;
        new += usize::from(card.insert(db_tx).await?);
    }
    Ok(new)
}

/// A cardholder to be: the card, and the name its account takes when the usual one is taken.
struct Holder {
    card: Card,
    other_account_id: AccountId,
}

impl Holder {
    fn of(hsm: &Hsm, profile: &CardProfile, terms: Terms, currency: Currency) -> Result<Self, BankError> {
        let stored = hsm.personalise(&profile.pan()?, &profile.pin()?);
        // Only a phone or a watch can verify its owner, so only they may pay without a PIN.
        let device_limit_minor = if profile.is_device() { terms.device_limit_minor } else { 0 };
        let card = Card {
            account_id: AccountId::of_cardholder(&format!("{}-{}", profile.scheme, stored.last_four)),
            pan_reference: stored.pan_reference,
            last_four: stored.last_four,
            scheme: profile.scheme.clone(),
            currency,
            status: CardStatus::Active,
            expiry_yymm: profile.expiry_yymm()?,
            pin_value: stored.pin_value,
            pin_tries_left: PIN_TRIES_MAX,
            atc: None,
            payment_limit: Amount::new(terms.payment_limit_minor, currency),
            day_limit: Amount::new(terms.day_limit_minor, currency),
            velocity: None,
            device_limit: Amount::new(device_limit_minor, currency),
            stripe_limit: Amount::new(terms.stripe_limit_minor, currency),
            stripe_use: StripeUse::WithoutChip,
            psn: profile.psn()?,
            applications: profile.applications()?,
        };
        Ok(Self { card, other_account_id: AccountId::of_cardholder(&profile.name) })
    }

    /// Opens an account of its own for the card, which must be new: by scheme and last four digits, or
    /// by the profile's name when another card has that account.
    async fn open_account(mut self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Card, BankError> {
        let currency = self.card.currency;
        for account_id in [self.card.account_id.clone(), self.other_account_id.clone()] {
            if account::open(db_tx, &account_id, AccountKind::Cardholder, currency, now_ms).await? {
                self.card.account_id = account_id;
                return Ok(self.card);
            }
        }
        Err(BankError::AccountTaken(self.other_account_id.to_string()))
    }
}
