//! A customer at a terminal: its card and PIN were right on the port for cards, and that opens a visit, once.
//!
//! A terminal has a network for cards already: cryptogram and PIN block go over it to where the keys are, and no PIN travels
//! anywhere else. So the check is an ISO 8583 message (0100, processing code 33, no amount), and the channel names it here.

use serde::Deserialize;

use super::admission::{Channel, ChannelKind};
use super::refusal::Refusal;
use crate::bank_front::BankFront;
use crate::bank_front::account::{AccountId, AcquirerId};
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::front::Reference;
use crate::storage::DbConnection;

/// How long after the check of a card it may open a visit, in milliseconds.
const CHECK_LIFE_MS: i64 = 2 * 60 * 1_000;
/// How long a visit lasts, in milliseconds.
const VISIT_LIFE_MS: i64 = 10 * 60 * 1_000;
/// The longest id of a visit, in characters.
const ID_CHARACTERS_MAX: usize = 64;

/// A card and a PIN that were right.
pub(in crate::bank_front) struct CardCheck<'a> {
    /// What names the message: acquirer, DE 7, 11, 37 and 41.
    pub(in crate::bank_front) reference: &'a Reference,
    /// The card's account.
    pub(in crate::bank_front) account_id: &'a AccountId,
}

impl CardCheck<'_> {
    /// Notes it, in the step that counted the card's counter and PIN tries.
    pub(in crate::bank_front) async fn insert(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<(), BankError> {
        sqlx::query("INSERT INTO card_check (reference, account_id, checked_ms) VALUES ($1, $2, $3)")
            .bind(self.reference)
            .bind(self.account_id)
            .bind(now_ms)
            .execute(db_tx)
            .await?;
        Ok(())
    }
}

/// Which message checked card and PIN.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VisitBody {
    /// DE 32.
    acquirer: String,
    /// DE 7.
    transmitted: String,
    /// DE 11.
    stan: String,
    /// DE 37.
    rrn: String,
    /// DE 41.
    terminal: String,
}

impl VisitBody {
    fn reference(&self, acquirer: &AcquirerId) -> Reference {
        let parts = Reference::from_parts(&self.transmitted, &self.stan, &self.rrn, &self.terminal);
        Reference(format!("{acquirer}/{}", parts.as_str()))
    }
}

/// Opens a visit; the customer. The same call once more is the same visit.
pub(super) async fn open(
    front: &BankFront,
    channel: &Channel,
    visit_id: &str,
    body: &VisitBody,
) -> Result<String, Refusal> {
    let ChannelKind::Terminal(acquirer) = &channel.kind else { return Err(Refusal::NotForThisChannel) };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_id = (1..=ID_CHARACTERS_MAX).contains(&visit_id.len()) && visit_id.bytes().all(is_letter);
    if !is_id || AcquirerId::parse(&body.acquirer).as_ref() != Some(acquirer) {
        return Err(Refusal::VisitUnknown);
    }
    let (reference, channel) = (body.reference(acquirer), channel.name.clone());
    let (visit_id, now_ms) = (visit_id.to_owned(), front.now_ms());
    front
        .db
        .write(move |db_tx| Box::pin(async move { open_once(db_tx, (&visit_id, &channel), &reference, now_ms).await }))
        .await?
}

async fn open_once(
    db_tx: &mut DbConnection,
    (visit_id, channel): (&str, &str),
    reference: &Reference,
    now_ms: i64,
) -> Result<Result<String, Refusal>, BankError> {
    let before: Option<(String, String, Reference, String)> = sqlx::query_as(
        "SELECT visit_id, channel, reference, customer FROM terminal_visit WHERE visit_id = $1 OR reference = $2",
    )
    .bind(visit_id)
    .bind(reference)
    .fetch_optional(&mut *db_tx)
    .await?;
    if let Some((id, by, of, customer)) = before {
        let is_same = id == visit_id && by == channel && of == *reference;
        return Ok(if is_same { Ok(customer) } else { Err(Refusal::VisitUnknown) });
    }
    let check: Option<(AccountId, i64)> =
        sqlx::query_as("SELECT account_id, checked_ms FROM card_check WHERE reference = $1")
            .bind(reference)
            .fetch_optional(&mut *db_tx)
            .await?;
    let Some((account_id, _)) = check.filter(|(_, checked_ms)| now_ms - checked_ms < CHECK_LIFE_MS) else {
        return Ok(Err(Refusal::VisitUnknown));
    };
    let Some(customer) = Customer::holder_of(db_tx, &account_id).await? else {
        return Ok(Err(Refusal::CustomerUnknown));
    };
    sqlx::query(
        "INSERT INTO terminal_visit (visit_id, channel, reference, customer, opened_ms) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(visit_id)
    .bind(channel)
    .bind(reference)
    .bind(&customer.name)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(Ok(customer.name))
}

/// Whose visit it is, while it lasts.
pub(super) async fn customer_of(
    connection: &mut DbConnection,
    channel: &Channel,
    visit_id: &str,
    now_ms: i64,
) -> Result<String, Refusal> {
    let customer: Option<String> = sqlx::query_scalar(
        "SELECT customer FROM terminal_visit WHERE visit_id = $1 AND channel = $2 AND opened_ms > $3",
    )
    .bind(visit_id)
    .bind(&channel.name)
    .bind(now_ms - VISIT_LIFE_MS)
    .fetch_optional(connection)
    .await?;
    customer.ok_or(Refusal::VisitUnknown)
}
