//! From the journal to messages: each endpoint has a cursor, which moves in the step that stores its messages.
//!
//! Two servers that do the same at once do it once: the cursor is moved from where it was read, or nothing is stored.

use payment::MerchantId;

use super::message::NewMessage;
use super::{Endpoint, filter};
use crate::clock::{now_ms, signed_ms};
use crate::payment_server::{App, Error};

/// Endpoints that are served in one round, and journal entries of each.
const ENDPOINTS_AT_ONCE_MAX: i64 = 64;
const ENTRIES_AT_ONCE_MAX: usize = 100;

/// Makes messages of what happened since the last look. Whether there may be more.
pub(super) async fn round(app: &App) -> Result<bool, Error> {
    let behind: Vec<Endpoint> = sqlx::query_as(
        "SELECT * FROM webhook WHERE EXISTS (SELECT 1 FROM event \
         WHERE event.merchant_id = webhook.merchant_id AND event.seq > webhook.cursor_seq) \
         ORDER BY cursor_seq, id LIMIT $1",
    )
    .bind(ENDPOINTS_AT_ONCE_MAX)
    .fetch_all(app.db.reader())
    .await?;
    for endpoint in &behind {
        catch_up(app, endpoint).await?;
    }
    Ok(!behind.is_empty())
}

async fn catch_up(app: &App, endpoint: &Endpoint) -> Result<(), Error> {
    let merchant: MerchantId = endpoint.merchant_id.parse().map_err(|_| Error::Row("webhook"))?;
    let entries = app.entries(&merchant, endpoint.cursor_seq, ENTRIES_AT_ONCE_MAX).await?;
    let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok(()) };
    let mut messages = Vec::new();
    // What happens while an endpoint is disabled is read in the feed, not pushed.
    let wanted = |kind: &str| endpoint.disabled_ms.is_none() && filter::wants(&endpoint.events, kind);
    for entry in entries.iter().filter(|entry| wanted(&entry.kind)) {
        messages.push(NewMessage::of(app, entry).await?);
    }
    let (id, cursor) = (endpoint.id.clone(), endpoint.cursor_seq);
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                let moved = sqlx::query("UPDATE webhook SET cursor_seq = $1 WHERE id = $2 AND cursor_seq = $3")
                    .bind(last)
                    .bind(&id)
                    .bind(cursor)
                    .execute(&mut *db_tx)
                    .await?;
                if moved.rows_affected() == 0 {
                    return Ok(());
                }
                for message in messages {
                    message.insert(db_tx, &id, signed_ms(now_ms())).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await
}
