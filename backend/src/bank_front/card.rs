//! Cards as the bank keeps them: by reference, with status, PIN tries, counter and limits.

use payment::{Amount, Currency};

use super::account::AccountId;
use super::decision::Application;
use super::error::BankError;
use crate::storage::DbConnection;

mod pin_value;
mod upkeep;

pub use pin_value::PinValue;
pub use upkeep::Limits;

/// Wrong PINs in a row after which a card is locked.
pub const PIN_TRIES_MAX: u8 = 3;

/// The stored name of a card: an HMAC of its number under a key of the HSM.
#[derive(Debug, Clone, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct PanReference(String);

impl PanReference {
    /// The reference that an HMAC's bytes are.
    pub fn from_hmac(bytes: &[u8]) -> Self {
        Self(hex::encode(bytes))
    }
}

/// Whether a card may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// It may.
    Active,
    /// The bank has blocked it.
    Blocked,
    /// Too many wrong PINs.
    PinLocked,
    /// Its holder has reported it lost.
    Lost,
    /// Its holder has reported it stolen.
    Stolen,
}

impl CardStatus {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::PinLocked => "pin_locked",
            Self::Lost => "lost",
            Self::Stolen => "stolen",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Active, Self::Blocked, Self::PinLocked, Self::Lost, Self::Stolen]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(BankError::Stored("card.status"))
    }
}

/// What a swipe of the card is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StripeUse {
    /// Nothing.
    Never,
    /// A payment, when the stripe says that there is no chip.
    WithoutChip,
    /// A payment, also when the card has a chip: for chips that wear out.
    Fallback,
}

impl StripeUse {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::WithoutChip => "without_chip",
            Self::Fallback => "fallback",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Never, Self::WithoutChip, Self::Fallback]
            .into_iter()
            .find(|usage| usage.as_str() == text)
            .ok_or(BankError::Stored("card.stripe_use"))
    }
}

/// How often a card may pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Velocity {
    /// The most payments approved within the window.
    pub payments: u32,
    /// How long the window is, in seconds.
    pub window_s: u32,
}

impl Velocity {
    fn parse(payments: Option<i64>, window_s: Option<i64>) -> Result<Option<Self>, BankError> {
        let positive = |value: i64| {
            u32::try_from(value).ok().filter(|value| *value > 0).ok_or(BankError::Stored("card.velocity_payments"))
        };
        match (payments, window_s) {
            (None, None) => Ok(None),
            (Some(payments), Some(window_s)) => {
                Ok(Some(Self { payments: positive(payments)?, window_s: positive(window_s)? }))
            }
            _ => Err(BankError::Stored("card.velocity_payments")),
        }
    }

    /// The length of the window, in milliseconds.
    pub fn window_ms(self) -> i64 {
        i64::from(self.window_s) * 1_000
    }
}

/// A card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its reference.
    pub pan_reference: PanReference,
    /// The last four digits, for people.
    pub last_four: String,
    /// The scheme's code, such as `visa`.
    pub scheme: String,
    /// The account it spends from.
    pub account_id: AccountId,
    /// That account's currency.
    pub currency: Currency,
    /// Whether it may be used.
    pub status: CardStatus,
    /// Last month of validity, `YYMM`.
    pub expiry_yymm: [u8; 4],
    /// What verifies its PIN.
    pub pin_value: PinValue,
    /// Wrong PINs left before it is locked.
    pub pin_tries_left: u8,
    /// The highest application transaction counter accepted, or none yet.
    pub atc: Option<u16>,
    /// The most one payment may take.
    pub payment_limit: Amount,
    /// The most one UTC day may take.
    pub day_limit: Amount,
    /// How often it may pay, if that is bounded.
    pub velocity: Option<Velocity>,
    /// The most one payment may take without a PIN, when the phone or watch that is the card has verified its owner;
    /// nothing for a card of plastic.
    pub device_limit: Amount,
    /// The most one swipe may take.
    pub stripe_limit: Amount,
    /// What a swipe is worth.
    pub stripe_use: StripeUse,
    /// The sequence number of the one card in use among those with this number (EMV tag 5F34), when it matters.
    pub psn: Option<u8>,
    /// The applications on it, by their identifiers; when none is named, any of the number's own scheme.
    pub applications: Vec<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct CardRow {
    pan_reference: PanReference,
    last_four: String,
    scheme: String,
    account_id: AccountId,
    currency: String,
    status: String,
    expiry_yymm: String,
    psn: Option<i64>,
    pin_method: String,
    pin_value: String,
    pin_tries_left: i64,
    atc: i64,
    payment_limit_minor: i64,
    day_limit_minor: i64,
    velocity_payments: Option<i64>,
    velocity_window_s: Option<i64>,
    device_limit_minor: i64,
    stripe_limit_minor: i64,
    stripe_use: String,
    applications: String,
}

impl TryFrom<CardRow> for Card {
    type Error = BankError;

    fn try_from(row: CardRow) -> Result<Self, BankError> {
        let currency: Currency = row.currency.parse().map_err(|_| BankError::Stored("account.currency"))?;
        let four = |text: &str, what| <[u8; 4]>::try_from(text.as_bytes()).map_err(|_| BankError::Stored(what));
        Ok(Self {
            pan_reference: row.pan_reference,
            last_four: row.last_four,
            scheme: row.scheme,
            account_id: row.account_id,
            currency,
            status: CardStatus::parse(&row.status)?,
            expiry_yymm: four(&row.expiry_yymm, "card.expiry_yymm")?,
            psn: row.psn.map(u8::try_from).transpose().map_err(|_| BankError::Stored("card.psn"))?,
            pin_value: PinValue::parse(&row.pin_method, &row.pin_value)?,
            pin_tries_left: u8::try_from(row.pin_tries_left).map_err(|_| BankError::Stored("card.pin_tries_left"))?,
            atc: match row.atc {
                -1 => None,
                atc => Some(u16::try_from(atc).map_err(|_| BankError::Stored("card.atc"))?),
            },
            payment_limit: Amount::new(row.payment_limit_minor, currency),
            day_limit: Amount::new(row.day_limit_minor, currency),
            velocity: Velocity::parse(row.velocity_payments, row.velocity_window_s)?,
            device_limit: Amount::new(row.device_limit_minor, currency),
            stripe_limit: Amount::new(row.stripe_limit_minor, currency),
            stripe_use: StripeUse::parse(&row.stripe_use)?,
            applications: (row.applications.split_ascii_whitespace())
                .map(|aid| hex::decode(aid).map_err(|_| BankError::Stored("card.applications")))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Card {
    /// The card a reference names, if this bank issued it.
    pub async fn find(db_tx: &mut DbConnection, pan_reference: &PanReference) -> Result<Option<Self>, BankError> {
        let row: Option<CardRow> = sqlx::query_as(
            "SELECT card.*, account.currency AS currency FROM card
             JOIN account ON account.account_id = card.account_id WHERE card.pan_reference = $1",
        )
        .bind(pan_reference)
        .fetch_optional(db_tx)
        .await?;
        row.map(Self::try_from).transpose()
    }

    /// The one card with these last four digits, for the bank's own staff.
    pub async fn find_by_last_four(db_tx: &mut DbConnection, last_four: &str) -> Result<Self, BankError> {
        let mut rows: Vec<CardRow> = sqlx::query_as(
            "SELECT card.*, account.currency AS currency FROM card
             JOIN account ON account.account_id = card.account_id WHERE card.last_four = $1 LIMIT 2",
        )
        .bind(last_four)
        .fetch_all(db_tx)
        .await?;
        match (rows.pop(), rows.pop()) {
            (Some(row), None) => row.try_into(),
            _ => Err(BankError::NoCard),
        }
    }

    /// Stores a new card; whether it is new.
    pub async fn insert(&self, db_tx: &mut DbConnection) -> Result<bool, BankError> {
        let expiry: String = self.expiry_yymm.iter().map(|digit| char::from(*digit)).collect();
        let inserted = sqlx::query(
            "INSERT INTO card (pan_reference, last_four, scheme, account_id, status, expiry_yymm, pin_method,
             pin_value, pin_tries_left, atc, payment_limit_minor, day_limit_minor, device_limit_minor,
             stripe_limit_minor, stripe_use, applications, velocity_payments, velocity_window_s, psn)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
             ON CONFLICT (pan_reference) DO NOTHING",
        )
        .bind(&self.pan_reference)
        .bind(&self.last_four)
        .bind(&self.scheme)
        .bind(&self.account_id)
        .bind(self.status.as_str())
        .bind(expiry)
        .bind(self.pin_value.method())
        .bind(self.pin_value.as_text())
        .bind(i64::from(self.pin_tries_left))
        .bind(self.atc.map_or(-1, i64::from))
        .bind(self.payment_limit.minor())
        .bind(self.day_limit.minor())
        .bind(self.device_limit.minor())
        .bind(self.stripe_limit.minor())
        .bind(self.stripe_use.as_str())
        .bind(self.applications.iter().map(hex::encode).collect::<Vec<_>>().join(" "))
        .bind(self.velocity.map(|velocity| i64::from(velocity.payments)))
        .bind(self.velocity.map(|velocity| i64::from(velocity.window_s)))
        .bind(self.psn.map(i64::from))
        .execute(db_tx)
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Whether this is the card in use, by the sequence number it told; one that tells none is number zero, as in
    /// the derivation of its keys (EMV Book 2 annex A1.4).
    pub fn is_in_use(&self, told: Option<u8>) -> bool {
        self.psn.is_none_or(|own| own == told.unwrap_or(0))
    }

    /// Whether the application is on the card. An identifier of the record may be the beginning of the one used.
    pub fn carries(&self, application: &Application) -> bool {
        let named = |aid: &[u8]| self.applications.iter().any(|own| aid.starts_with(own));
        match application {
            Application::OfTheScheme(aid) => self.applications.is_empty() || named(aid),
            Application::CoBadged(aid) => named(aid),
        }
    }

    /// Stores what a decision did to the card: the counter it consumed and the PIN tries it left.
    ///
    /// The row must still be as it was read, or nothing is stored and the decision must not stand.
    pub async fn store_use(&self, db_tx: &mut DbConnection, used: &CardUse) -> Result<(), BankError> {
        if used.atc.is_some_and(|atc| self.atc.is_some_and(|last| atc <= last)) {
            return Err(BankError::Conflict("a counter"));
        }
        // A stripe has no counter, and leaves the chip's where it is.
        let atc = used.atc.or(self.atc).map_or(-1, i64::from);
        let stored = sqlx::query(
            "UPDATE card SET atc = $2, pin_tries_left = $3, status = $4
             WHERE pan_reference = $1 AND atc = $5 AND pin_tries_left = $6 AND status = $7 AND atc <= $2",
        )
        .bind(&self.pan_reference)
        .bind(atc)
        .bind(i64::from(used.pin_tries_left))
        .bind(used.status.as_str())
        .bind(self.atc.map_or(-1, i64::from))
        .bind(i64::from(self.pin_tries_left))
        .bind(self.status.as_str())
        .execute(db_tx)
        .await?;
        if stored.rows_affected() == 1 { Ok(()) } else { Err(BankError::Conflict("a card")) }
    }

    /// Blocks the card, or makes it usable again with all PIN tries.
    pub async fn set_status(&self, db_tx: &mut DbConnection, status: CardStatus) -> Result<(), BankError> {
        let tries = if status == CardStatus::Active { PIN_TRIES_MAX } else { self.pin_tries_left };
        let stored = sqlx::query("UPDATE card SET status = $2, pin_tries_left = $3 WHERE pan_reference = $1")
            .bind(&self.pan_reference)
            .bind(status.as_str())
            .bind(i64::from(tries))
            .execute(db_tx)
            .await?;
        if stored.rows_affected() == 1 { Ok(()) } else { Err(BankError::NoCard) }
    }
}

/// What a use of a card leaves behind. Every use with a right cryptogram consumes its counter, so
/// the same cryptogram can never be used, or count a PIN try, twice. A swipe has none: there it is the capsule that
/// serves once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardUse {
    /// The counter consumed; a stripe has none.
    pub atc: Option<u16>,
    /// PIN tries left afterwards.
    pub pin_tries_left: u8,
    /// The status afterwards.
    pub status: CardStatus,
}
