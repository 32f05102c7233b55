//! Test cardholders: the public test cards that the virtual card is personalised as.

use envelope::{Pan, Pin};
use payment::{Amount, Currency};
use serde::Deserialize;

use super::account::{self, AccountId, AccountKind};
use super::card::{Card, CardStatus, PIN_TRIES_MAX};
use super::error::BankError;
use super::hsm::{Hsm, IssuerKey};
use super::ledger::{self, Movement};
use crate::storage::Db;

/// What each test cardholder starts with unless told otherwise, in minor units.
pub const OPENING_MINOR: i64 = 100_000;
/// The most one payment of a test card may take, in minor units.
const PAYMENT_LIMIT_MINOR: i64 = 50_000;
/// The most one day of a test card may take, in minor units.
const DAY_LIMIT_MINOR: i64 = 80_000;
/// The currency of test accounts.
const CURRENCY: &str = "USD";
/// Digits of a card number by which the issuer's key is found.
const IIN_DIGITS: usize = 6;

/// Public test cards, as `crates/virtual-card/profiles` personalises them.
const TEST_CARDS: &str = include_str!("seed/test_cards.json");

/// A test card. Everything in it is public.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestCard {
    scheme: String,
    pan: String,
    expiry_yymm: String,
    pin: String,
    issuer_master_key: String,
}

fn test_cards() -> Result<Vec<TestCard>, BankError> {
    serde_json::from_str(TEST_CARDS).map_err(|_| BankError::Malformed("the test cards"))
}

/// The issuer keys of the test cards, for a bank that is to know them.
pub fn test_issuers() -> Result<Vec<IssuerKey>, BankError> {
    let issuer = |card: TestCard| {
        let malformed = || BankError::Malformed("the test cards");
        let mut key = [0; 16];
        hex::decode_to_slice(&card.issuer_master_key, &mut key).map_err(|_| malformed())?;
        Ok(IssuerKey::new(card.pan.get(..IIN_DIGITS).ok_or_else(malformed)?, &key))
    };
    test_cards()?.into_iter().map(issuer).collect()
}

/// Opens the accounts of the test cardholders, with their opening balances and cards. What is there
/// already is left as it is; how many cards are new.
pub async fn seed(db: &Db, hsm: &Hsm, opening_minor: i64, now_ms: i64) -> Result<usize, BankError> {
    let currency: Currency = CURRENCY.parse().map_err(|_| BankError::Malformed("the test cards"))?;
    let cards: Vec<Card> =
        test_cards()?.iter().map(|card| personalised(hsm, card, currency)).collect::<Result<_, _>>()?;
    db.write(move |db_tx| {
        Box::pin(async move {
            let opening = AccountId::opening(currency);
            account::open(db_tx, &opening, AccountKind::Opening, currency, now_ms).await?;
            let mut new = 0;
            for card in &cards {
                let holder = &card.account_id;
                if account::open(db_tx, holder, AccountKind::Cardholder, currency, now_ms).await? {
                    let movement = Movement {
                        debit: opening.clone(),
                        credit: holder.clone(),
                        amount: Amount::new(opening_minor, currency),
                        purpose: "opening".to_owned(),
                    };
                    ledger::settle(db_tx, &movement, now_ms).await?;
                }
                new += usize::from(card.insert(db_tx).await?);
            }
            Ok(new)
        })
    })
    .await
}

fn personalised(hsm: &Hsm, test: &TestCard, currency: Currency) -> Result<Card, BankError> {
    let malformed = || BankError::Malformed("the test cards");
    let pan = Pan::parse(&test.pan).map_err(|_| malformed())?;
    let pin = Pin::from_ascii(test.pin.as_bytes()).map_err(|_| malformed())?;
    let stored = hsm.personalise(&pan, &pin)?;
    Ok(Card {
        account_id: AccountId::of_cardholder(&format!("{}-{}", test.scheme, stored.last_four)),
        pan_reference: stored.pan_reference,
        last_four: stored.last_four,
        scheme: test.scheme.clone(),
        currency,
        status: CardStatus::Active,
        expiry_yymm: test.expiry_yymm.as_bytes().try_into().map_err(|_| malformed())?,
        pvv: stored.pvv,
        pin_tries_left: PIN_TRIES_MAX,
        atc: None,
        payment_limit: Amount::new(PAYMENT_LIMIT_MINOR, currency),
        day_limit: Amount::new(DAY_LIMIT_MINOR, currency),
    })
}
