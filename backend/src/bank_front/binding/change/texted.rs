//! How many messages with codes an address may get: whoever types somebody else's number in must not flood it.

use crate::bank_front::binding::Address;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// The most messages with codes that one address gets within an hour, whoever asked for them.
const TEXTS_PER_HOUR_MAX: i64 = 10;
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// Notes that codes go to these addresses, unless one of them has got enough; whether they may go.
pub(in crate::bank_front) async fn note_texts<'a>(
    db_tx: &mut DbConnection,
    addresses: impl Iterator<Item = &'a Address> + Clone,
    now_ms: i64,
) -> Result<bool, BankError> {
    sqlx::query("DELETE FROM code_text WHERE sent_ms <= $1").bind(now_ms - HOUR_MS).execute(&mut *db_tx).await?;
    for address in addresses.clone() {
        let sent: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM code_text WHERE address = $1")
            .bind(address.as_str())
            .fetch_one(&mut *db_tx)
            .await?;
        if sent >= TEXTS_PER_HOUR_MAX {
            return Ok(false);
        }
    }
    for address in addresses {
        sqlx::query("INSERT INTO code_text (address, sent_ms) VALUES ($1, $2)")
            .bind(address.as_str())
            .bind(now_ms)
            .execute(&mut *db_tx)
            .await?;
    }
    Ok(true)
}
