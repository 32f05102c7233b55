//! Subscribers: who has a number, what of it goes on a bill, and the tries at its PIN.

use envelope::means::carrier::{PIN_LEN, SubscriberClaim};
use payment::{Amount, Currency, LineKind, PhoneNumber};

use super::error::CarrierError;
use super::keys::OperatorKeys;
use crate::storage::DbConnection;

mod standing;

pub use standing::{Standing, SubscriberEvent, SubscriberState, TRIES};

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 64;
/// Most subscribers that are listed at once.
const LISTED_MAX: i64 = 1_000;

/// A subscriber as stored.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// Names it in the books.
    pub subscriber_id: String,
    /// Its number.
    pub number: PhoneNumber,
    /// What is behind the number.
    pub line: LineKind,
    /// Its name.
    pub name: String,
    /// What may stand unpaid on its bills, in the currency of its bills.
    pub credit_limit: Amount,
    /// Whether it may pay, and how often a PIN may be wrong.
    pub standing: Standing,
    pin_verifier: String,
}

/// A subscriber to be opened.
pub struct NewSubscriber<'a> {
    /// Its number.
    pub number: &'a PhoneNumber,
    /// What is behind it.
    pub line: LineKind,
    /// Its name.
    pub name: &'a str,
    /// What may stand unpaid.
    pub credit_limit: Amount,
    /// Its PIN: four to eight digits.
    pub pin: &'a [u8],
}

#[derive(sqlx::FromRow)]
struct Row {
    subscriber_id: String,
    number: String,
    line: String,
    name: String,
    currency: String,
    credit_limit_minor: i64,
    pin_verifier: String,
    state: String,
    pin_tries_left: i64,
    enrolment_tries_left: i64,
}

impl TryFrom<Row> for Subscriber {
    type Error = CarrierError;

    fn try_from(row: Row) -> Result<Self, CarrierError> {
        let stored = |_| CarrierError::Stored("subscriber");
        let currency: Currency = row.currency.parse().map_err(|_| CarrierError::Stored("subscriber.currency"))?;
        Ok(Self {
            subscriber_id: row.subscriber_id,
            number: row.number.parse().map_err(|_| CarrierError::Stored("subscriber.number"))?,
            line: row.line.parse().map_err(|_| CarrierError::Stored("subscriber.line"))?,
            name: row.name,
            credit_limit: Amount::new(row.credit_limit_minor, currency),
            standing: Standing {
                state: SubscriberState::parse(&row.state)?,
                pin_tries_left: u8::try_from(row.pin_tries_left).map_err(stored)?,
                enrolment_tries_left: u8::try_from(row.enrolment_tries_left).map_err(stored)?,
            },
            pin_verifier: row.pin_verifier,
        })
    }
}

impl NewSubscriber<'_> {
    /// Opens it.
    ///
    /// # Errors
    /// [`CarrierError::NumberTaken`] when somebody has the number, [`CarrierError::Malformed`] when name, PIN or limit is none.
    pub async fn open(
        &self,
        db_tx: &mut DbConnection,
        keys: &OperatorKeys,
        now_ms: i64,
    ) -> Result<String, CarrierError> {
        check_name(self.name)?;
        check_pin(self.pin)?;
        if self.credit_limit.minor() < 0 {
            return Err(CarrierError::Malformed("a credit limit is not below zero"));
        }
        if find(db_tx, self.number).await?.is_some() {
            return Err(CarrierError::NumberTaken);
        }
        let subscriber_id = hex::encode(crate::keys::random::<16>());
        let standing = Standing::of_new();
        sqlx::query(
            "INSERT INTO subscriber (subscriber_id, number, line, name, currency, credit_limit_minor, pin_verifier, state,
             pin_tries_left, enrolment_tries_left, opened_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&subscriber_id)
        .bind(self.number.as_str())
        .bind(self.line.as_str())
        .bind(self.name)
        .bind(self.credit_limit.currency().code())
        .bind(self.credit_limit.minor())
        .bind(keys.pin_verifier(&subscriber_id, self.pin))
        .bind(standing.state.as_str())
        .bind(i64::from(standing.pin_tries_left))
        .bind(i64::from(standing.enrolment_tries_left))
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(subscriber_id)
    }
}

fn check_name(name: &str) -> Result<(), CarrierError> {
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let has_letters = !folded(name).is_empty();
    if fits && has_letters { Ok(()) } else { Err(CarrierError::Malformed("a name has 1 to 64 characters")) }
}

fn check_pin(pin: &[u8]) -> Result<(), CarrierError> {
    let is_pin = PIN_LEN.contains(&pin.len()) && pin.iter().all(u8::is_ascii_digit);
    if is_pin { Ok(()) } else { Err(CarrierError::Malformed("a PIN is four to eight digits")) }
}

/// What is compared of a name: its letters and digits, whatever the case, spaces and points.
fn folded(name: &str) -> String {
    name.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect()
}

const COLUMNS: &str = "SELECT subscriber_id, number, line, name, currency, credit_limit_minor, pin_verifier, state,
     pin_tries_left, enrolment_tries_left FROM subscriber";

/// The subscriber with this number.
///
/// # Errors
/// When the database fails.
pub async fn find(connection: &mut DbConnection, number: &PhoneNumber) -> Result<Option<Subscriber>, CarrierError> {
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE number = $1")))
        .bind(number.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(Subscriber::try_from).transpose()
}

/// The subscriber that the books call so.
///
/// # Errors
/// When the database fails.
pub async fn find_by_id(
    connection: &mut DbConnection,
    subscriber_id: &str,
) -> Result<Option<Subscriber>, CarrierError> {
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE subscriber_id = $1")))
        .bind(subscriber_id)
        .fetch_optional(connection)
        .await?;
    row.map(Subscriber::try_from).transpose()
}

/// The same by number, or [`CarrierError::NoSubscriber`].
///
/// # Errors
/// When there is none, or the database fails.
pub async fn require(connection: &mut DbConnection, number: &PhoneNumber) -> Result<Subscriber, CarrierError> {
    find(connection, number).await?.ok_or(CarrierError::NoSubscriber)
}

/// Every subscriber, by number, at most a thousand after this one.
///
/// # Errors
/// When the database fails.
pub async fn list(connection: &mut DbConnection, after: &str) -> Result<Vec<Subscriber>, CarrierError> {
    let rows: Vec<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE number > $1 ORDER BY number LIMIT $2")))
            .bind(after)
            .bind(LISTED_MAX)
            .fetch_all(connection)
            .await?;
    rows.into_iter().map(Subscriber::try_from).collect()
}

/// What somebody who claims to be a subscriber is told of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// It is.
    Proved,
    /// It is not, or not allowed to try. Which of both is not told.
    Refused,
    /// It is not, and this try was the last: the subscriber should hear of it.
    JustLocked,
}

impl Subscriber {
    /// Whether name and PIN are this subscriber's. A wrong try at paying is counted; while it is locked nothing is compared.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identify_payer(
        &mut self,
        db_tx: &mut DbConnection,
        keys: &OperatorKeys,
        claim: &SubscriberClaim,
    ) -> Result<Identity, CarrierError> {
        if self.standing.state != SubscriberState::Active {
            return Ok(Identity::Refused);
        }
        let event = if self.is(keys, claim) { SubscriberEvent::PinRight } else { SubscriberEvent::PinWrong };
        self.note(db_tx, event).await?;
        Ok(match (event, self.standing.state) {
            (SubscriberEvent::PinRight, _) => Identity::Proved,
            (_, SubscriberState::Locked) => Identity::JustLocked,
            _ => Identity::Refused,
        })
    }

    /// The same for enrolling a wallet, with tries of its own: a stranger who knows number and name can keep others from
    /// enrolling, and nobody from paying.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identify_enroller(
        &mut self,
        db_tx: &mut DbConnection,
        keys: &OperatorKeys,
        claim: &SubscriberClaim,
    ) -> Result<Identity, CarrierError> {
        if self.standing.state != SubscriberState::Active || self.standing.enrolment_tries_left == 0 {
            return Ok(Identity::Refused);
        }
        if self.is(keys, claim) {
            return Ok(Identity::Proved);
        }
        self.note(db_tx, SubscriberEvent::EnrolmentWrong).await?;
        Ok(if self.standing.enrolment_tries_left == 0 { Identity::JustLocked } else { Identity::Refused })
    }

    /// Name and PIN are both compared, whichever is wrong.
    fn is(&self, keys: &OperatorKeys, claim: &SubscriberClaim) -> bool {
        let is_pin = keys.is_pin(&self.subscriber_id, claim.pin.expose(), &self.pin_verifier);
        (folded(&claim.name) == folded(&self.name)) & is_pin
    }

    /// Applies an event and stores what came of it.
    ///
    /// # Errors
    /// [`CarrierError::State`] when the state does not allow it.
    pub async fn note(&mut self, db_tx: &mut DbConnection, event: SubscriberEvent) -> Result<(), CarrierError> {
        let before = self.standing;
        let after = before.apply(event)?;
        if after == before {
            return Ok(());
        }
        let changed = sqlx::query(
            "UPDATE subscriber SET state = $2, pin_tries_left = $3, enrolment_tries_left = $4
             WHERE subscriber_id = $1 AND state = $5 AND pin_tries_left = $6 AND enrolment_tries_left = $7",
        )
        .bind(&self.subscriber_id)
        .bind(after.state.as_str())
        .bind(i64::from(after.pin_tries_left))
        .bind(i64::from(after.enrolment_tries_left))
        .bind(before.state.as_str())
        .bind(i64::from(before.pin_tries_left))
        .bind(i64::from(before.enrolment_tries_left))
        .execute(db_tx)
        .await?;
        if changed.rows_affected() != 1 {
            return Err(CarrierError::Conflict("a subscriber"));
        }
        self.standing = after;
        Ok(())
    }

    /// Gives it another PIN.
    ///
    /// # Errors
    /// [`CarrierError::Malformed`] when it is none.
    pub async fn change_pin(
        &self,
        db_tx: &mut DbConnection,
        keys: &OperatorKeys,
        pin: &[u8],
    ) -> Result<(), CarrierError> {
        check_pin(pin)?;
        sqlx::query("UPDATE subscriber SET pin_verifier = $2 WHERE subscriber_id = $1")
            .bind(&self.subscriber_id)
            .bind(keys.pin_verifier(&self.subscriber_id, pin))
            .execute(db_tx)
            .await?;
        Ok(())
    }

    /// Gives it another credit limit, in minor units.
    ///
    /// # Errors
    /// [`CarrierError::Malformed`] when it is below zero.
    pub async fn change_limit(&self, db_tx: &mut DbConnection, limit_minor: i64) -> Result<(), CarrierError> {
        if limit_minor < 0 {
            return Err(CarrierError::Malformed("a credit limit is not below zero"));
        }
        sqlx::query("UPDATE subscriber SET credit_limit_minor = $2 WHERE subscriber_id = $1")
            .bind(&self.subscriber_id)
            .bind(limit_minor)
            .execute(db_tx)
            .await?;
        Ok(())
    }
}
