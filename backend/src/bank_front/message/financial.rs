//! A debit, 0200: everything is checked first, then one step of the writer decides and stores.

use std::sync::Arc;

use iso8583::Message;
use iso8583::private::Composite;
use payment::outcome::{BankResult, OUTCOME_VERSION};
use payment::{DeclineCode, Outcome};
use sqlx::SqliteConnection;

use super::attempt::{State, StoredAttempt, StoredExchange};
use super::{DONE, Orders, format_error, response_with};
use crate::bank_front::account::{self, AccountId, AcquirerId};
use crate::bank_front::card::{Card, PanReference};
use crate::bank_front::decision::{Circumstances, Refusal, Verdict, decide};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{Examined, Presentation, Refused};
use crate::bank_front::ledger::{self, Movement, TransferId};
use crate::bank_front::{BankFront, calendar};

mod request;

use request::FinancialRequest;

/// Characters of an approval code (DE 38), without those that look alike.
const APPROVAL_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// How many characters DE 38 has.
const APPROVAL_CHARACTERS: usize = 6;

/// Answers a 0200 or a 0201.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message, orders: Orders) -> Result<Message, BankError> {
    let Ok(request) = FinancialRequest::read(message) else {
        return format_error(message);
    };
    let known = {
        let mut connection = front.db.reader().acquire().await?;
        StoredExchange::find(&mut connection, &request.reference).await?
    };
    if let Some(exchange) = known {
        return replay(message, exchange, &request.message_hash);
    }
    let debit = Debit::prepare(front, message.clone(), request, orders);
    let writing = Arc::clone(front);
    front.db.write(move |db_tx| Box::pin(async move { debit.decide_and_store(db_tx, &writing).await })).await
}

/// The stored answer of a message that came before. Another message under the same reference is a
/// fault of the sender and changes nothing.
fn replay(message: &Message, exchange: StoredExchange, message_hash: &str) -> Result<Message, BankError> {
    if exchange.message_hash == message_hash { Ok(exchange.answer) } else { format_error(message) }
}

/// A debit with everything the writer needs, checked and, for an approval, already signed: the
/// writer is one task for all payments, so nothing that costs is left for it.
struct Debit {
    message: Message,
    request: FinancialRequest,
    checked: Result<Checked, Refused>,
    orders: Orders,
    now_ms: i64,
}

/// A debit that may be approved, if the books agree.
struct Checked {
    examined: Examined,
    approval_code: String,
    approved: String,
    settles_in_order_currency: bool,
}

/// What the bank says about one attempt.
enum Decided {
    /// The money moves.
    Approved {
        outcome: String,
        approval_code: String,
        issuer_answer: Vec<u8>,
        transfer_id: TransferId,
        pan_reference: PanReference,
    },
    /// It does not.
    Declined { outcome: String, refusal: Refusal, issuer_answer: Vec<u8> },
    /// The attempt was decided before, under another reference: its outcome stands, and this message
    /// is refused as a duplicate. A new word on the same attempt could contradict the first.
    Duplicate { outcome: String },
}

impl Debit {
    fn prepare(front: &BankFront, message: Message, request: FinancialRequest, orders: Orders) -> Self {
        let now_ms = front.now_ms();
        let checked =
            request.check_order(&message, &front.merchants, now_ms).map_err(Refused::from).and_then(|merchant| {
                let examined = front.hsm.examine(&Presentation {
                    capsule: &request.capsule,
                    attempt_hash: request.attempt_hash,
                    amount: request.order.amount,
                    card_order: orders.card_order,
                    now_ms,
                })?;
                let approval_code = approval_code();
                let decision = BankResult::Approved { approval_code: approval_code.clone() };
                let outcome = outcome(front, &request, &examined.card_label, decision, now_ms);
                Ok(Checked {
                    approved: front.hsm.sign_outcome(&outcome),
                    approval_code,
                    settles_in_order_currency: merchant.currency == request.order.amount.currency(),
                    examined,
                })
            });
        Self { message, request, checked, orders, now_ms }
    }

    /// The one step: decides, moves the money, stores outcome and answer.
    async fn decide_and_store(self, db_tx: &mut SqliteConnection, front: &BankFront) -> Result<Message, BankError> {
        // A repeat may have overtaken this message on its way to the writer.
        if let Some(exchange) = StoredExchange::find(db_tx, &self.request.reference).await? {
            return replay(&self.message, exchange, &self.request.message_hash);
        }
        let decided = if let Some(decided) = self.settled_before(db_tx, front).await? {
            decided
        } else {
            let decided = self.decide(db_tx, front).await?;
            // Only a capsule that opened, with a right cryptogram, binds its attempt: anybody between
            // could otherwise spoil an honest attempt by sending a changed one first.
            if self.checked.is_ok() {
                self.store_attempt(db_tx, &decided).await?;
            }
            decided
        };
        let answer = self.answer(front, decided)?;
        let message_hash = self.request.message_hash.clone();
        let exchange = StoredExchange { message_hash, answer };
        exchange.insert(db_tx, &self.request.reference, self.now_ms).await?;
        Ok(exchange.answer)
    }

    /// What must be said because of something that happened before: the attempt was decided or
    /// reversed already, its capsule was used, or its request is paid. Nothing new is decided then.
    async fn settled_before(
        &self,
        db_tx: &mut SqliteConnection,
        front: &BankFront,
    ) -> Result<Option<Decided>, BankError> {
        let request = &self.request;
        let stored = StoredAttempt::find(db_tx, &request.reference, Some(request.attempt_id)).await?;
        let code = match stored {
            Some(stored) => match stored.state {
                State::Tombstoned | State::Reversed => DeclineCode::AlreadyReversed,
                State::Approved | State::Declined if self.is_same_attempt(&stored) => {
                    return Ok(Some(Decided::Duplicate {
                        outcome: stored.outcome.ok_or(BankError::Stored("attempt.outcome"))?,
                    }));
                }
                State::Approved | State::Declined => DeclineCode::Replay,
            },
            None if self.is_used_or_paid(db_tx).await? => DeclineCode::Replay,
            None => return Ok(None),
        };
        Ok(Some(self.decline(front, code.into())))
    }

    /// The same attempt at the same order, in whatever capsule.
    fn is_same_attempt(&self, stored: &StoredAttempt) -> bool {
        stored.attempt_hash.as_deref() == Some(self.request.attempt_hash.to_string().as_str())
    }

    async fn is_used_or_paid(&self, db_tx: &mut SqliteConnection) -> Result<bool, BankError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM attempt WHERE capsule_hash = $1 OR (request_id = $2 AND state = 'approved') LIMIT 1",
        )
        .bind(&self.request.capsule_hash)
        .bind(self.request.order.request_id.to_string())
        .fetch_optional(db_tx)
        .await?;
        Ok(found.is_some())
    }

    async fn decide(&self, db_tx: &mut SqliteConnection, front: &BankFront) -> Result<Decided, BankError> {
        let checked = match &self.checked {
            Ok(checked) => checked,
            Err(refused) => return Ok(self.decline(front, refused.code.into())),
        };
        let examined = &checked.examined;
        let Some(card) = Card::find(db_tx, &examined.pan_reference).await? else {
            return Ok(self.decline(front, DeclineCode::UnknownCard.into()));
        };
        let now = self.circumstances(db_tx, &card).await?;
        let decision = decide(&card, &examined.presented, &now);
        if let Some(card_use) = &decision.card_use {
            card.store_use(db_tx, card_use).await?;
        }
        if let Some(code) = self.orders.decline {
            return Ok(self.decline(front, code.into()));
        }
        match decision.verdict {
            Verdict::Approve if checked.settles_in_order_currency => self.approve(db_tx, checked, &card).await,
            Verdict::Approve => Ok(self.decline(front, DeclineCode::DoNotHonour.into())),
            Verdict::Decline(refusal) => Ok(self.decline(front, refusal)),
        }
    }

    async fn circumstances(&self, db_tx: &mut SqliteConnection, card: &Card) -> Result<Circumstances, BankError> {
        let available = account::available(db_tx, &card.account_id).await?;
        let spent_minor: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM attempt
             WHERE pan_reference = $1 AND day_utc = $2 AND state = 'approved'",
        )
        .bind(&card.pan_reference)
        .bind(calendar::day_utc(self.now_ms))
        .fetch_one(db_tx)
        .await?;
        Ok(Circumstances {
            amount: self.request.order.amount,
            available: available.ok_or_else(|| BankError::NoAccount(card.account_id.to_string()))?,
            spent_today: payment::Amount::new(spent_minor, card.currency),
            month_yymm: calendar::month_yymm(self.now_ms).ok_or(BankError::Range)?,
        })
    }

    async fn approve(
        &self,
        db_tx: &mut SqliteConnection,
        checked: &Checked,
        card: &Card,
    ) -> Result<Decided, BankError> {
        let movement = Movement {
            debit: card.account_id.clone(),
            credit: AccountId::of_merchant(&self.request.order.merchant_id),
            amount: self.request.order.amount,
            purpose: self.request.attempt_id.to_string(),
            acquirer: self.message.text(32).ok().and_then(AcquirerId::parse),
        };
        let transfer_id = ledger::settle(db_tx, &movement, self.now_ms).await?;
        Ok(Decided::Approved {
            outcome: checked.approved.clone(),
            approval_code: checked.approval_code.clone(),
            issuer_answer: checked.examined.issuer_answer.approve.clone(),
            transfer_id,
            pan_reference: card.pan_reference.clone(),
        })
    }

    fn decline(&self, front: &BankFront, refusal: Refusal) -> Decided {
        let Refusal { code, pin_tries_left } = refusal;
        let card_label = match &self.checked {
            Ok(checked) => &checked.examined.card_label,
            Err(refused) => &refused.card_label,
        };
        let decision = BankResult::Declined { code, pin_tries_left };
        let outcome = outcome(front, &self.request, card_label, decision, self.now_ms);
        // A card whose cryptogram was right is told of the refusal too, so that it knows its bank was asked.
        let answer = |checked: &Checked| checked.examined.issuer_answer.decline.clone();
        let issuer_answer = self.checked.as_ref().map(answer).unwrap_or_default();
        Decided::Declined { outcome: front.hsm.sign_outcome(&outcome), refusal, issuer_answer }
    }

    async fn store_attempt(&self, db_tx: &mut SqliteConnection, decided: &Decided) -> Result<(), BankError> {
        let request = &self.request;
        let (state, outcome, transfer_id, pan_reference) = match decided {
            Decided::Approved { outcome, transfer_id, pan_reference, .. } => {
                (State::Approved, outcome, Some(transfer_id), Some(pan_reference))
            }
            Decided::Declined { outcome, .. } => (State::Declined, outcome, None, None),
            Decided::Duplicate { .. } => return Err(BankError::Conflict("a decision")),
        };
        sqlx::query(
            "INSERT INTO attempt (reference, attempt_id, request_id, state, attempt_hash, capsule_hash,
             pan_reference, amount_minor, currency, day_utc, transfer_id, outcome, decided_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(&request.reference)
        .bind(request.attempt_id.to_string())
        .bind(request.order.request_id.to_string())
        .bind(state.as_str())
        .bind(request.attempt_hash.to_string())
        .bind(&request.capsule_hash)
        .bind(pan_reference)
        .bind(request.order.amount.minor())
        .bind(request.order.amount.currency().code())
        .bind(calendar::day_utc(self.now_ms))
        .bind(transfer_id)
        .bind(outcome)
        .bind(self.now_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    fn answer(&self, front: &BankFront, decided: Decided) -> Result<Message, BankError> {
        match decided {
            Decided::Approved { outcome, approval_code, issuer_answer, .. } => {
                let composite = Composite { outcome: Some(outcome), ..Composite::default() };
                let answer = response_with(&self.message, DONE, &composite)?;
                Ok(with_issuer_answer(answer.with_text(38, approval_code), issuer_answer))
            }
            Decided::Declined { outcome, refusal, issuer_answer } => {
                let code = refusal.code;
                // A wallet that sealed to an old key needs the new one to try again.
                let certificate = (code == DeclineCode::RetiredKey).then(|| front.hsm.certificate(self.now_ms));
                let composite = Composite {
                    outcome: Some(outcome),
                    bank_certificate: certificate.transpose()?.map(|certificate| certificate.to_string()),
                    pin_tries_left: refusal.pin_tries_left,
                    reason: Some(code.as_str().to_owned()),
                    ..Composite::default()
                };
                let answer = response_with(&self.message, code.response_code(), &composite)?;
                Ok(with_issuer_answer(answer, issuer_answer))
            }
            Decided::Duplicate { outcome } => {
                let code = DeclineCode::Replay;
                let reason = Some(code.as_str().to_owned());
                let composite = Composite { outcome: Some(outcome), reason, ..Composite::default() };
                response_with(&self.message, code.response_code(), &composite)
            }
        }
    }
}

/// DE 55 of an answer, where there is a card to tell.
fn with_issuer_answer(answer: Message, issuer_answer: Vec<u8>) -> Message {
    if issuer_answer.is_empty() { answer } else { answer.with_binary(55, issuer_answer) }
}

/// The bank's word on this attempt, with everything taken from what the bank itself derived.
fn outcome(
    front: &BankFront,
    request: &FinancialRequest,
    card_label: &str,
    decision: BankResult,
    now_ms: i64,
) -> Outcome {
    Outcome {
        version: OUTCOME_VERSION,
        bank_id: front.hsm.bank_id(),
        request_id: request.order.request_id,
        attempt_id: request.attempt_id,
        order_hash: request.order_hash,
        attempt_hash: request.attempt_hash,
        merchant_id: request.order.merchant_id.clone(),
        amount: request.order.amount,
        decision,
        rrn: request.rrn.clone(),
        card_label: card_label.to_owned(),
        decided_ms: u64::try_from(now_ms).unwrap_or_default(),
    }
}

/// Six characters that a person can read out.
fn approval_code() -> String {
    let mut random = [0; APPROVAL_CHARACTERS];
    getrandom::fill(&mut random).expect("the operating system has randomness");
    random.iter().map(|byte| char::from(APPROVAL_ALPHABET[usize::from(byte % 32)])).collect()
}
