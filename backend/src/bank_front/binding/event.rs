//! What the payment server must know of payers: by which bank an identity code pays, and which terminals there are.
//!
//! No account, no password, no person and no whole address is in it. Events are numbered; the server asks for what
//! came after the last it has, so none is lost and a repeat changes nothing.

use serde_json::{Value, json};

use super::payer::{Payer, PayerState};
use super::terminal::Terminal;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// The most events in one answer.
const EVENTS_MAX: i64 = 4;

/// Events after a number.
pub struct PayerEvents;

impl PayerEvents {
    /// The events after this one, as the text the server reads; none when there are none.
    pub async fn after(connection: &mut DbConnection, sequence: i64) -> Result<Option<String>, BankError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT sequence, content FROM payer_event WHERE sequence > $1 ORDER BY sequence LIMIT $2")
                .bind(sequence)
                .bind(EVENTS_MAX)
                .fetch_all(connection)
                .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let read = |(sequence, content): (i64, String)| {
            let event: Value = serde_json::from_str(&content).map_err(|_| BankError::Stored("payer_event.content"))?;
            Ok(json!({ "sequence": sequence, "payer": event }))
        };
        let events = rows.into_iter().map(read).collect::<Result<Vec<_>, BankError>>()?;
        Ok(Some(in_ascii(&Value::from(events).to_string())))
    }
}

/// JSON with what is not ASCII escaped (RFC 8259, section 7).
fn in_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            let escape = |unit: &mut u16| format!("\\u{unit:04x}");
            ascii.extend(letter.encode_utf16(&mut [0; 2]).iter_mut().map(escape));
        }
    }
    ascii
}

/// Adds an event about how a payer stands now.
pub(super) async fn append(db_tx: &mut DbConnection, payer: &Payer, terminals: &[Terminal]) -> Result<(), BankError> {
    let shown =
        |terminal: &Terminal| json!({ "place": terminal.place, "kind": terminal.kind, "masked": terminal.masked() });
    // A locked payer is told as any other: the server has no use for it, and a thief would.
    let content = json!({
        "identity_code": payer.identity_code.as_str(),
        "pays": payer.state != PayerState::Ended,
        "terminals": terminals.iter().map(shown).collect::<Vec<_>>(),
    });
    sqlx::query(
        "INSERT INTO payer_event (sequence, content) SELECT COALESCE(MAX(sequence), 0) + 1, $1 FROM payer_event",
    )
    .bind(content.to_string())
    .execute(db_tx)
    .await?;
    Ok(())
}
