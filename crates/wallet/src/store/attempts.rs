//! Attempts and receipts: a row is written before anything is sent, and settled only on evidence.

use payment::{AttemptId, AttemptState, Receipt, RequestId, WalletNonce};
use protocol::ErrorCode;
use sqlx::FromRow;

use super::Store;
use crate::clock::{signed, unsigned};
use crate::error::{Result, WalletError};
use crate::history::entry::HistoryEntry;

/// How many unsettled attempts one recovery asks about; there is hardly ever more than one.
const UNSETTLED_MAX: i64 = 50;

/// What the wallet knows of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptState {
    /// Sealed; perhaps sent.
    Sealed,
    /// The server never had it: no money moved.
    NotSent,
    /// The server refused it before it went to a bank: no money moved.
    Refused(ErrorCode),
    /// What the server last said.
    Told(AttemptState),
    /// Another device made it, and a backup brought it: its request says what became of it.
    Elsewhere,
}

impl KeptState {
    /// The stable name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::NotSent => "not_sent",
            Self::Refused(_) => "refused",
            Self::Told(state) => state.name(),
            Self::Elsewhere => "elsewhere",
        }
    }

    fn code(self) -> Option<&'static str> {
        match self {
            Self::Refused(code) => Some(code.as_str()),
            Self::Told(state) => state.decline_code().map(payment::DeclineCode::as_str),
            Self::Sealed | Self::NotSent | Self::Elsewhere => None,
        }
    }

    /// Whether its end is known.
    pub(crate) const fn is_settled(self) -> bool {
        match self {
            Self::NotSent | Self::Refused(_) => true,
            Self::Told(state) => {
                matches!(state, AttemptState::Approved | AttemptState::Declined { .. } | AttemptState::Reversed)
            }
            Self::Sealed | Self::Elsewhere => false,
        }
    }

    /// The state of a stable name and the code that belongs to it.
    pub(crate) fn from_parts(name: &str, code: Option<&str>) -> Option<Self> {
        match (name, code) {
            ("sealed", None) => Some(Self::Sealed),
            ("not_sent", None) => Some(Self::NotSent),
            ("elsewhere", None) => Some(Self::Elsewhere),
            ("refused", Some(code)) => code.parse().ok().map(Self::Refused),
            (name, code) => {
                let code = code.map(str::parse).transpose().ok()?;
                AttemptState::from_parts(name, code).map(Self::Told)
            }
        }
    }
}

/// An attempt as kept.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// The request.
    pub request_id: RequestId,
    /// The wallet's part of the attempt hash.
    pub wallet_nonce: WalletNonce,
    /// The keyset in force when it was made, as signed.
    pub keyset: String,
    /// The bank's certificate in force when it was made, as signed.
    pub bank_certificate: String,
    /// What is known of it.
    pub state: KeptState,
    /// When an unknown outcome will be known or undone, at the latest.
    pub deadline_ms: Option<u64>,
    /// When it was made.
    pub created_ms: u64,
}

#[derive(FromRow)]
struct RawAttempt {
    attempt_id: String,
    request_id: String,
    wallet_nonce: String,
    keyset: String,
    bank_certificate: String,
    state: String,
    code: Option<String>,
    deadline_ms: Option<i64>,
    created_ms: i64,
}

impl TryFrom<RawAttempt> for AttemptRow {
    type Error = WalletError;

    fn try_from(raw: RawAttempt) -> Result<Self> {
        let unreadable = || WalletError::Row("attempt");
        Ok(Self {
            attempt_id: raw.attempt_id.parse().map_err(|_| unreadable())?,
            request_id: raw.request_id.parse().map_err(|_| unreadable())?,
            wallet_nonce: raw.wallet_nonce.parse().map_err(|_| unreadable())?,
            keyset: raw.keyset,
            bank_certificate: raw.bank_certificate,
            state: KeptState::from_parts(&raw.state, raw.code.as_deref()).ok_or_else(unreadable)?,
            deadline_ms: raw.deadline_ms.map(unsigned),
            created_ms: unsigned(raw.created_ms),
        })
    }
}

impl Store {
    /// Writes an attempt that is about to be sent.
    pub async fn insert_attempt(&self, row: &AttemptRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO attempt (attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, code, \
             deadline_ms, created_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        )
        .bind(row.attempt_id.to_string())
        .bind(row.request_id.to_string())
        .bind(row.wallet_nonce.to_string())
        .bind(&row.keyset)
        .bind(&row.bank_certificate)
        .bind(row.state.name())
        .bind(row.state.code())
        .bind(row.deadline_ms.map(signed))
        .bind(signed(row.created_ms))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Remembers what is known of an attempt. An approval is kept only together with its receipt
    /// ([`Store::settle_approved`]).
    pub async fn set_attempt_state(
        &self,
        attempt_id: AttemptId,
        state: KeptState,
        deadline_ms: Option<u64>,
        now_ms: u64,
    ) -> Result<()> {
        debug_assert!(state != KeptState::Told(AttemptState::Approved), "an approval needs its receipt");
        sqlx::query(
            "UPDATE attempt SET state = $2, code = $3, deadline_ms = coalesce($4, deadline_ms), changed_ms = $5 \
             WHERE attempt_id = $1",
        )
        .bind(attempt_id.to_string())
        .bind(state.name())
        .bind(state.code())
        .bind(deadline_ms.map(signed))
        .bind(signed(now_ms))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps a verified receipt, the approval it proves and its entry in the history: all of it or nothing.
    pub async fn settle_approved(
        &self,
        row: &AttemptRow,
        receipt: &Receipt,
        entry: &HistoryEntry,
        now_ms: u64,
    ) -> Result<()> {
        let receipt = serde_json::to_string(receipt).expect("a receipt is always JSON");
        let state = KeptState::Told(AttemptState::Approved);
        let mut db_tx = self.pool.begin().await?;
        sqlx::query("UPDATE attempt SET state = $2, code = NULL, changed_ms = $3 WHERE attempt_id = $1")
            .bind(row.attempt_id.to_string())
            .bind(state.name())
            .bind(signed(now_ms))
            .execute(&mut *db_tx)
            .await?;
        sqlx::query(
            "INSERT INTO receipt (attempt_id, request_id, receipt, decided_ms, indexed) VALUES ($1, $2, $3, $4, 1) \
             ON CONFLICT (attempt_id) DO UPDATE SET indexed = 1",
        )
        .bind(row.attempt_id.to_string())
        .bind(row.request_id.to_string())
        .bind(receipt)
        .bind(signed(entry.decided_ms))
        .execute(&mut *db_tx)
        .await?;
        super::history::enter(&mut db_tx, entry).await?;
        db_tx.commit().await?;
        Ok(())
    }

    /// The latest attempt at a request.
    pub async fn last_attempt(&self, request_id: RequestId) -> Result<Option<AttemptRow>> {
        let row: Option<RawAttempt> = sqlx::query_as(
            "SELECT attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, code, deadline_ms, created_ms \
             FROM attempt WHERE request_id = $1 ORDER BY created_ms DESC, attempt_id DESC LIMIT 1",
        )
        .bind(request_id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(AttemptRow::try_from).transpose()
    }

    /// Attempts whose end is not known: what a start must ask about.
    pub async fn unsettled_attempts(&self) -> Result<Vec<AttemptRow>> {
        let rows: Vec<RawAttempt> = sqlx::query_as(
            "SELECT attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, code, deadline_ms, created_ms \
             FROM attempt WHERE state NOT IN ('not_sent', 'refused', 'approved', 'declined', 'reversed', 'elsewhere') \
             ORDER BY created_ms LIMIT $1",
        )
        .bind(UNSETTLED_MAX)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(AttemptRow::try_from).collect()
    }

    /// One receipt's JSON. It is verified again before anybody sees it.
    pub async fn receipt(&self, attempt_id: AttemptId) -> Result<Option<String>> {
        let row: Option<(String,)> = sqlx::query_as("SELECT receipt FROM receipt WHERE attempt_id = $1")
            .bind(attempt_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|(receipt,)| receipt))
    }

    /// The request that an attempt was made at.
    pub async fn request_of_attempt(&self, attempt_id: AttemptId) -> Result<Option<RequestId>> {
        let row: Option<(String,)> = sqlx::query_as("SELECT request_id FROM attempt WHERE attempt_id = $1")
            .bind(attempt_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|(id,)| id.parse().map_err(|_| WalletError::Row("attempt"))).transpose()
    }

    /// The attempt whose receipt is kept for this request.
    pub async fn receipt_of_request(&self, request_id: RequestId) -> Result<Option<AttemptId>> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT attempt_id FROM receipt WHERE request_id = $1 ORDER BY decided_ms DESC LIMIT 1")
                .bind(request_id.to_string())
                .fetch_optional(&self.pool)
                .await?;
        row.map(|(id,)| id.parse().map_err(|_| WalletError::Row("receipt"))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use payment::DeclineCode;

    use super::*;

    #[test]
    fn kept_states_read_back_as_written() {
        let states = [
            KeptState::Sealed,
            KeptState::NotSent,
            KeptState::Refused(ErrorCode::BankUnreachable),
            KeptState::Told(AttemptState::Reversing),
            KeptState::Elsewhere,
            KeptState::Told(AttemptState::Approved),
            KeptState::Told(AttemptState::Declined { code: DeclineCode::WrongPin }),
        ];
        for state in states {
            assert_eq!(KeptState::from_parts(state.name(), state.code()), Some(state));
        }
        assert_eq!(KeptState::from_parts("declined", None), None);
        assert_eq!(KeptState::from_parts("sealed", Some("reversed")), None);
    }
}
