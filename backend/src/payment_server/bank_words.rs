//! What was said to and by a bank about an attempt after its payment message: the record a review goes by.

use crate::storage::DbConnection;
use iso8583::Message;
use iso8583::private::Composite;
use payment::AttemptId;

use super::Error;
use super::bank_evidence::Verdict;
use crate::clock::signed_ms;

/// Messages of one attempt that are written down. A bank that is silent for days is asked thousands of times; the
/// first and the last of these tell the story.
const WORDS_MAX: i64 = 512;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// We to the bank.
    Sent,
    /// The bank to us.
    Received,
}

impl Direction {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) direction: Direction,
    pub(super) mti: String,
    /// DE 11.
    pub(super) stan: String,
    /// DE 39.
    pub(super) response_code: Option<String>,
    /// What it was found to mean.
    pub(super) meaning: &'static str,
    /// The signed outcome in it, verified or not.
    pub(super) outcome: Option<String>,
}

impl Word {
    /// What the bank answered, and what that means.
    pub(super) fn received(answer: &Message, meaning: &'static str) -> Self {
        Self {
            direction: Direction::Received,
            mti: answer.mti().to_string(),
            stan: answer.text(11).unwrap_or_default().to_owned(),
            response_code: answer.text(39).ok().map(str::to_owned),
            meaning,
            outcome: Composite::of(answer).ok().and_then(|composite| composite.outcome),
        }
    }

    /// What is about to be sent.
    pub(super) fn sent(mti: iso8583::Mti, stan: u32, meaning: &'static str) -> Self {
        Self {
            direction: Direction::Sent,
            mti: mti.to_string(),
            stan: format!("{stan:06}"),
            response_code: None,
            meaning,
            outcome: None,
        }
    }
}

/// Acknowledged without an outcome: nothing was there to undo.
pub(super) const ACKNOWLEDGED: &str = "acknowledged";

/// A verdict in a word.
pub(super) const fn meaning(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Approved { .. } => "approved",
        Verdict::Declined { .. } => "declined",
        Verdict::Reversed { .. } => "reversed",
        Verdict::NotFound => "not found",
        Verdict::Contradiction { what } => what,
        Verdict::Undecided => "undecided",
    }
}

/// Writes a message down, as long as there is room in its attempt's record.
pub(super) async fn append(
    db_tx: &mut DbConnection,
    attempt_id: AttemptId,
    word: &Word,
    now_ms: u64,
) -> Result<(), Error> {
    let last: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM bank_word WHERE attempt_id = $1")
        .bind(attempt_id.to_string())
        .fetch_one(&mut *db_tx)
        .await?;
    if last >= WORDS_MAX {
        // The last place is the newest's.
        sqlx::query("DELETE FROM bank_word WHERE attempt_id = $1 AND seq = $2")
            .bind(attempt_id.to_string())
            .bind(last)
            .execute(&mut *db_tx)
            .await?;
    }
    sqlx::query(
        "INSERT INTO bank_word (attempt_id, seq, time_ms, direction, mti, stan, response_code, meaning, outcome) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(attempt_id.to_string())
    .bind(last.min(WORDS_MAX - 1) + 1)
    .bind(signed_ms(now_ms))
    .bind(word.direction.as_str())
    .bind(&word.mti)
    .bind(&word.stan)
    .bind(&word.response_code)
    .bind(word.meaning)
    .bind(&word.outcome)
    .execute(db_tx)
    .await?;
    Ok(())
}
