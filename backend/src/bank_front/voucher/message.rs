//! A voucher's codes on their way to a telephone, once.
//!
//! ```text
//! queued ── taken up ──► sending ── gateway took it ──► sent
//!   ▲                      │ ├───── gateway fell silent, or the bank did ──► unsure
//!   └── not sent, later ───┘ └───── refused, or not sent too often ──► failed
//! ```
//!
//! What is sold and where its codes go is one step; what is being sent is written down before it is. The number goes in one
//! message and the codes in another, so that neither is worth anything to whoever sees one of them. Codes that may have
//! arrived count as handed over and are forgotten: nobody is sent the same twice, and a buyer who got none is given others.
//! When they could not be sent at all they stay sealed, for `hand-over`.

use std::sync::Arc;

use payment::{Amount, InvalidTransition, VoucherNumber};
use zeroize::Zeroizing;

use super::{Stored, VoucherCodes, VoucherEvent, VoucherState, hand_over, parse_number};
use crate::bank_front::BankFront;
use crate::bank_front::binding::{Address, TerminalKind};
use crate::bank_front::error::BankError;
use crate::bank_front::gateways::Sending;
use crate::gateway::Verdict;
use crate::storage::DbConnection;

/// How often a message is tried.
const TRIES_MAX: i64 = 5;
/// The pause after the first try, in milliseconds; it doubles with each further one.
const FIRST_PAUSE_MS: i64 = 10_000;
/// The most messages taken up at once.
const AT_ONCE_MAX: i64 = 16;
/// Most characters of a payee's name in a message.
const PAYEE_CHARACTERS_MAX: usize = 40;

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// It is to be sent.
    Queued,
    /// It is being sent. Found at a start, it may have arrived.
    Sending,
    /// The gateway took it. Final.
    Sent,
    /// It may have arrived. Final.
    Unsure,
    /// It did not. Final.
    Failed,
}

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageEvent {
    /// It is being sent from now on.
    TakenUp,
    /// The gateway took it.
    Taken,
    /// Nobody knows whether the gateway took it.
    Doubted,
    /// It was certainly not sent, and is tried again.
    PutBack,
    /// It was certainly not sent, and is not tried again.
    GivenUp,
}

impl MessageState {
    const ALL: [Self; 5] = [Self::Queued, Self::Sending, Self::Sent, Self::Unsure, Self::Failed];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unsure => "unsure",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(BankError::Stored("voucher_message.state"))
    }

    /// What an event makes of it.
    ///
    /// # Errors
    /// When the event cannot happen to a message that stands so.
    pub fn apply(self, event: MessageEvent) -> Result<Self, InvalidTransition> {
        use MessageEvent as E;
        match (self, event) {
            (Self::Queued, E::TakenUp) => Ok(Self::Sending),
            (Self::Sending, E::Taken) => Ok(Self::Sent),
            (Self::Sending, E::Doubted) => Ok(Self::Unsure),
            (Self::Sending, E::PutBack) => Ok(Self::Queued),
            (Self::Queued | Self::Sending, E::GivenUp) => Ok(Self::Failed),
            (
                Self::Queued | Self::Sending | Self::Sent | Self::Unsure | Self::Failed,
                E::TakenUp | E::Taken | E::Doubted | E::PutBack | E::GivenUp,
            ) => Err(InvalidTransition { state: self.as_str(), event: event.as_str() }),
        }
    }
}

impl MessageEvent {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TakenUp => "taken_up",
            Self::Taken => "taken",
            Self::Doubted => "doubted",
            Self::PutBack => "put_back",
            Self::GivenUp => "given_up",
        }
    }
}

/// Writes down that a voucher's codes go to this telephone, in the step that sells it.
///
/// # Errors
/// [`BankError::Malformed`] when the address is no telephone.
pub async fn queue(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    to: &Address,
    language: &str,
    now_ms: i64,
) -> Result<(), BankError> {
    if to.kind() != TerminalKind::Sms {
        return Err(BankError::Malformed("the telephone number that the codes go to"));
    }
    sqlx::query(
        "INSERT INTO voucher_message (number, address, language, state, tries, due_ms) VALUES ($1, $2, $3, $4, 0, $5)",
    )
    .bind(number.as_str())
    .bind(to.as_str())
    .bind(language)
    .bind(MessageState::Queued.as_str())
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// A message that is being sent. It holds the codes, so it has no `Debug`.
struct Letter {
    number: VoucherNumber,
    to: Address,
    about_number: String,
    with_codes: Zeroizing<String>,
    is_last_try: bool,
}

/// What was being sent when the bank stopped may have arrived: it is handed over, and not sent again.
pub(in crate::bank_front) async fn doubt_what_was_cut_off(front: &Arc<BankFront>) -> Result<(), BankError> {
    let cut_off: Vec<String> = sqlx::query_scalar("SELECT number FROM voucher_message WHERE state = $1")
        .bind(MessageState::Sending.as_str())
        .fetch_all(front.db.reader())
        .await?;
    for number in cut_off {
        tracing::warn!("the codes of a voucher may or may not have been sent before the bank stopped");
        end(front, parse_number(&number)?, MessageEvent::Doubted).await?;
    }
    Ok(())
}

/// Sends what is due now.
pub(in crate::bank_front) async fn send_due(front: &Arc<BankFront>) -> Result<(), BankError> {
    let now_ms = front.now_ms();
    // Mostly there is nothing, and then nothing is written.
    let waiting: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM voucher_message WHERE state = 'queued' AND due_ms <= $1 LIMIT 1")
            .bind(now_ms)
            .fetch_optional(front.db.reader())
            .await?;
    if waiting.is_none() {
        return Ok(());
    }
    let taking = Arc::clone(front);
    let letters = front.db.write(move |db_tx| Box::pin(async move { take_up(db_tx, &taking, now_ms).await })).await?;
    for letter in letters {
        let event = match send(front, &letter).await {
            Verdict::Taken { .. } => MessageEvent::Taken,
            Verdict::Unsure(_) => MessageEvent::Doubted,
            Verdict::Later(_) | Verdict::Elsewhere(_) if !letter.is_last_try => MessageEvent::PutBack,
            Verdict::Later(reason) | Verdict::Elsewhere(reason) | Verdict::Refused(reason) | Verdict::Moot(reason) => {
                tracing::warn!(reason, "the codes of a voucher could not be sent; `hand-over` gives them");
                MessageEvent::GivenUp
            }
        };
        end(front, letter.number, event).await?;
    }
    Ok(())
}

/// First the number, which is worth nothing; then the codes, whose fate counts.
async fn send(front: &BankFront, letter: &Letter) -> Verdict {
    let about = Sending::new(letter.to.clone(), letter.about_number.clone());
    match front.gateways.send(&about).await {
        Verdict::Taken { .. } | Verdict::Unsure(_) => {
            front.gateways.send(&Sending::new(letter.to.clone(), letter.with_codes.to_string())).await
        }
        not_sent => not_sent,
    }
}

/// Writes down that what is due is being sent, and opens its codes.
async fn take_up(db_tx: &mut DbConnection, front: &BankFront, now_ms: i64) -> Result<Vec<Letter>, BankError> {
    let due: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT number, address, language, tries FROM voucher_message WHERE state = 'queued' AND due_ms <= $1
         ORDER BY due_ms LIMIT $2",
    )
    .bind(now_ms)
    .bind(AT_ONCE_MAX)
    .fetch_all(&mut *db_tx)
    .await?;
    let mut letters = Vec::with_capacity(due.len());
    for (number, address, language, tries) in due {
        let number = parse_number(&number)?;
        let voucher = Stored::find(db_tx, &number).await?.ok_or(BankError::Stored("voucher_message.number"))?;
        if voucher.standing.state != VoucherState::Sold {
            // Somebody came to the counter for them meanwhile.
            note(db_tx, &number, MessageEvent::GivenUp, now_ms).await?;
            continue;
        }
        note(db_tx, &number, MessageEvent::TakenUp, now_ms.saturating_add(FIRST_PAUSE_MS << tries.clamp(0, TRIES_MAX)))
            .await?;
        let sealed: Option<String> = sqlx::query_scalar("SELECT sealed_codes FROM voucher WHERE number = $1")
            .bind(number.as_str())
            .fetch_one(&mut *db_tx)
            .await?;
        let sealed = sealed.ok_or(BankError::Stored("voucher.sealed_codes"))?;
        let codes = front.hsm.kept_voucher_codes(&number, &sealed)?;
        let payee = front.merchants.get(&voucher.merchant_id).map_or("", |merchant| merchant.display_name.as_str());
        letters.push(Letter {
            about_number: about_number(&number, voucher.balance(db_tx).await?, payee, &language),
            with_codes: with_codes(&number, &codes, &language),
            to: Address::stored(TerminalKind::Sms, address),
            is_last_try: tries + 1 >= TRIES_MAX,
            number,
        });
    }
    Ok(letters)
}

/// Writes down how it ended. What may have arrived is handed over in the same step.
async fn end(front: &Arc<BankFront>, number: VoucherNumber, event: MessageEvent) -> Result<(), BankError> {
    let now_ms = front.now_ms();
    let writing = Arc::clone(front);
    front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let voucher = Stored::find(db_tx, &number).await?.ok_or(BankError::NoVoucher)?;
                let may_have_arrived = matches!(event, MessageEvent::Taken | MessageEvent::Doubted);
                if may_have_arrived && voucher.standing.apply(VoucherEvent::HandedOver).is_ok() {
                    drop(hand_over(db_tx, &writing.hsm, &number, now_ms).await?);
                }
                let due: i64 = sqlx::query_scalar("SELECT due_ms FROM voucher_message WHERE number = $1")
                    .bind(number.as_str())
                    .fetch_one(&mut *db_tx)
                    .await?;
                note(db_tx, &number, event, due).await
            })
        })
        .await
}

/// Stores what an event makes of a message, and when it is due then.
async fn note(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    event: MessageEvent,
    due_ms: i64,
) -> Result<(), BankError> {
    let stored: String = sqlx::query_scalar("SELECT state FROM voucher_message WHERE number = $1")
        .bind(number.as_str())
        .fetch_one(&mut *db_tx)
        .await?;
    let next = MessageState::parse(&stored)?.apply(event)?;
    sqlx::query("UPDATE voucher_message SET state = $2, due_ms = $3, tries = tries + $4 WHERE number = $1")
        .bind(number.as_str())
        .bind(next.as_str())
        .bind(due_ms)
        .bind(i64::from(event == MessageEvent::TakenUp))
        .execute(db_tx)
        .await?;
    Ok(())
}

fn about_number(number: &VoucherNumber, amount: Amount, payee: &str, language: &str) -> String {
    let payee: String = payee.chars().take(PAYEE_CHARACTERS_MAX).collect();
    let number = number.grouped();
    if language.starts_with("zh") {
        format!("预付凭证 {number}：面值 {amount}，可在「{payee}」使用。密码将另行发送。")
    } else {
        format!("Voucher {number}: {amount} at {payee}. Its codes come in a message of their own.")
    }
}

fn with_codes(number: &VoucherNumber, codes: &VoucherCodes, language: &str) -> Zeroizing<String> {
    let (code, backup) = (codes.code.expose_grouped(), codes.backup.expose_grouped());
    let (code, backup, last_four) = (code.as_str(), backup.as_str(), number.last_four());
    Zeroizing::new(if language.starts_with("zh") {
        format!("凭证尾号 {last_four}：支付密码 {code}，备用密码 {backup}。切勿告诉他人。非本人购买请联系银行。")
    } else {
        format!(
            "Voucher ending in {last_four}: code {code} pays, backup code {backup} unlocks. Tell them to nobody. Not you? \
             Tell your bank."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_arrived_is_never_sent_again() {
        use MessageEvent::{Doubted, GivenUp, PutBack, Taken, TakenUp};
        let sending = MessageState::Queued.apply(TakenUp).unwrap();
        assert_eq!(sending.apply(PutBack).unwrap(), MessageState::Queued);
        for (event, end) in
            [(Taken, MessageState::Sent), (Doubted, MessageState::Unsure), (GivenUp, MessageState::Failed)]
        {
            assert_eq!(sending.apply(event).unwrap(), end);
            for further in [TakenUp, Taken, Doubted, PutBack, GivenUp] {
                assert!(end.apply(further).is_err(), "{end:?} {further:?}");
            }
        }
        assert!(MessageState::Queued.apply(Taken).is_err(), "nothing is sent that was not written down as being sent");
    }

    #[test]
    fn number_and_codes_are_in_messages_of_their_own_that_fit() {
        let number = VoucherNumber::from_parts(&"420001".parse().unwrap(), 7).unwrap();
        let codes = VoucherCodes {
            code: vouchers::VoucherCode::generate(&number),
            backup: vouchers::BackupCode::generate(&number),
        };
        let amount = Amount::new(5_000, "USD".parse().unwrap());
        for (language, longest) in [("en", 160), ("zh-Hans", 70)] {
            let about = about_number(&number, amount, "Blue Door", language);
            let with = with_codes(&number, &codes, language);
            assert!(about.contains(&number.grouped()) && !with.contains(&number.grouped()));
            for code in [codes.code.expose_grouped(), codes.backup.expose_grouped()] {
                assert!(with.contains(code.as_str()) && !about.contains(code.as_str()));
            }
            for text in [about.as_str(), with.as_str()] {
                assert!(text.encode_utf16().count() <= longest, "{text}");
            }
        }
    }
}
