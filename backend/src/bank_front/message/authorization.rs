//! Authorization: a card, or what pays in its place, is asked to pay, now or by a hold, whichever port the question came by.
//!
//! A port reads its own messages and says three things: what is [`Asked`], what pays (a [`Source`] that the HSM opened), and in which [`Profile`] the answer is given. Everything is checked first; then one step of the writer decides,
//! moves the money and stores the answer.

use std::sync::Arc;

use envelope::means::Means;
use envelope::means::code::Code;
use iso8583::Message;
use payment::outcome::BankResult;
use payment::{Amount, Currency, DeclineCode};

use super::attempt::{Kind, NewAttempt, State, StoredAttempt, StoredExchange};
use super::sealed::SealedRequest;
use super::{DONE, Orders, Reference, format_error, refusal_of, response, sealed};
use crate::bank_front::account::{self, AccountId, AccountKind, AcquirerId};
use crate::bank_front::card::{Card, PanReference};
use crate::bank_front::decision::{Circumstances, Decision, Refusal, Verdict, decide};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{ALIAS_LABEL, Examined, Refused, Source};
use crate::bank_front::ledger::{self, Movement, TransferId};
use crate::bank_front::{BankFront, calendar};
use crate::storage::DbConnection;

mod alias;
mod code;
mod large_voucher;
mod voucher;

/// Characters of an approval code (DE 38), without those that look alike.
const APPROVAL_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// How many characters DE 38 has.
const APPROVAL_CHARACTERS: usize = 6;
/// How many characters of a number a label shows.
const LABEL_CHARACTERS: usize = 4;
/// How long money is held for a completion, in milliseconds: a week.
const HOLD_LIFE_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// What is asked of a card, and for whom.
pub(super) struct Asked {
    pub(super) reference: Reference,
    /// By which a repeat is known to be the same message.
    pub(super) message_hash: String,
    pub(super) step: Step,
    pub(super) amount: Amount,
    pub(super) payee: Payee,
    /// Who brought it (DE 32).
    pub(super) acquirer: Option<AcquirerId>,
    /// What the ledger calls it: the attempt's id, or the message's reference.
    pub(super) purpose: String,
    pub(super) orders: Orders,
}

/// Which step of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The money moves now.
    Debit,
    /// It is held until a completion moves it, or its time is over.
    Hold,
}

/// Who is credited.
pub(super) enum Payee {
    /// A merchant of this bank, which is paid in one currency only.
    Merchant {
        /// Its account.
        account: AccountId,
        /// That currency.
        currency: Currency,
    },
    /// An acquirer, for its merchants: an account in the currency of the payment, opened when first needed.
    Acquirer(AccountId),
}

impl Payee {
    const fn account(&self) -> &AccountId {
        match self {
            Self::Merchant { account, .. } | Self::Acquirer(account) => account,
        }
    }

    fn is_paid_in(&self, wanted: Currency) -> bool {
        match self {
            Self::Merchant { currency, .. } => *currency == wanted,
            Self::Acquirer(_) => true,
        }
    }
}

/// In which way a question came, and what of it binds its answer.
pub(super) enum Profile {
    /// By capsule, for an order that its merchant signed; the answer is signed too.
    Sealed(Box<SealedRequest>),
    /// By an ordinary client; DE 39 is the bank's word.
    Plain,
}

impl Profile {
    fn sealed(&self) -> Option<&SealedRequest> {
        match self {
            Self::Sealed(request) => Some(request),
            Self::Plain => None,
        }
    }

    /// The bank's signed word on the attempt, where the profile has one.
    fn word(&self, front: &BankFront, card_label: &str, decision: BankResult, now_ms: i64) -> Option<String> {
        self.sealed().map(|request| request.word(front, card_label, decision, now_ms))
    }
}

/// What the bank says about one attempt.
pub(super) enum Decided {
    /// The money moves, or is held.
    Approved {
        outcome: Option<String>,
        approval_code: String,
        issuer_answer: Vec<u8>,
        transfer_id: TransferId,
        /// The card, if one paid.
        pan_reference: Option<PanReference>,
    },
    /// It does not.
    Declined { outcome: Option<String>, refusal: Refusal, issuer_answer: Vec<u8> },
    /// The attempt was decided before, under another reference: its outcome stands, and this message
    /// is refused as a duplicate. A new word on the same attempt could contradict the first.
    Duplicate { outcome: String },
}

/// An authorization with everything the writer needs, checked and, for an approval, already signed: the
/// writer is one task for all payments, so nothing that costs is left for it.
pub(super) struct Authorization {
    message: Message,
    asked: Asked,
    profile: Profile,
    checked: Result<Checked, Refused>,
    now_ms: i64,
}

/// An authorization that may be approved, if the books agree.
struct Checked {
    source: Source,
    /// What the outcome calls it.
    label: String,
    approval_code: String,
    approved: Option<String>,
}

/// What the outcome calls what pays: the scheme or kind, and the last characters of its number.
fn label(source: &Source) -> String {
    match source {
        Source::Card(examined) => examined.card_label.clone(),
        Source::Means(Means::Voucher(voucher)) => masked("voucher", &voucher.customer_number),
        // What pays, and not the card beside it.
        Source::LargeVoucher(proven) => masked("voucher", &proven.voucher.customer_number),
        Source::Means(Means::Code(code)) => masked("code", code.identity_code()),
        Source::Alias(_) | Source::Means(Means::Alias(_)) => ALIAS_LABEL.to_owned(),
        Source::Means(Means::Carrier(carrier)) => masked("phone bill", &carrier.who().number),
    }
}

/// A kind and the last four characters of a number.
fn masked(kind: &str, number: &str) -> String {
    let shown = number.char_indices().rev().nth(LABEL_CHARACTERS - 1).map_or(number, |(index, _)| &number[index..]);
    format!("{kind} ••{shown}")
}

/// What is debited when the answer is yes.
struct Debited<'a> {
    account: &'a AccountId,
    /// The card, if one pays.
    pan_reference: Option<PanReference>,
    /// What to tell the card.
    issuer_answer: Vec<u8>,
}

/// The answer that a message got before, if it did. Another message under the same reference is a
/// fault of the sender and changes nothing.
pub(super) async fn answered_before(
    connection: &mut DbConnection,
    message: &Message,
    reference: &Reference,
    message_hash: &str,
) -> Result<Option<Message>, BankError> {
    match StoredExchange::find(connection, reference).await? {
        Some(exchange) if exchange.message_hash == message_hash => Ok(Some(exchange.answer)),
        Some(_) => format_error(message).map(Some),
        None => Ok(None),
    }
}

impl Authorization {
    /// Puts together what was read, examined and is to be decided. The message is what the answer echoes.
    pub(super) fn prepare(
        front: &BankFront,
        message: Message,
        asked: Asked,
        profile: Profile,
        source: Result<Source, Refused>,
        now_ms: i64,
    ) -> Self {
        let checked = source.map(|source| {
            let label = label(&source);
            let approval_code = approval_code();
            let decision = BankResult::Approved { approval_code: approval_code.clone() };
            let approved = profile.word(front, &label, decision, now_ms);
            Checked { source, label, approval_code, approved }
        });
        Self { message, asked, profile, checked, now_ms }
    }

    /// Decides in one step of the writer: the answer is there once it is durable.
    pub(super) async fn run(self, front: &Arc<BankFront>) -> Result<Message, BankError> {
        let writing = Arc::clone(front);
        front.db.write(move |db_tx| Box::pin(async move { self.decide_and_store(db_tx, &writing).await })).await
    }

    async fn decide_and_store(self, db_tx: &mut DbConnection, front: &BankFront) -> Result<Message, BankError> {
        let Asked { reference, message_hash, .. } = &self.asked;
        // A repeat may have overtaken this message on its way to the writer.
        if let Some(answer) = answered_before(db_tx, &self.message, reference, message_hash).await? {
            return Ok(answer);
        }
        let decided = if let Some(decided) = self.settled_before(db_tx, front).await? {
            decided
        } else {
            let decided = self.decide(db_tx, front).await?;
            // Only card data that proved right binds its attempt: anybody between could otherwise spoil an
            // honest attempt by sending a changed one first.
            if self.checked.is_ok() {
                self.store_attempt(db_tx, &decided).await?;
            }
            decided
        };
        let answer = self.answer(front, decided)?;
        let exchange = StoredExchange { message_hash: message_hash.clone(), answer };
        exchange.insert(db_tx, reference, self.now_ms).await?;
        Ok(exchange.answer)
    }

    /// What must be said because of something that happened before: the attempt was decided or
    /// reversed already, its capsule was used, or its request is paid. Nothing new is decided then.
    async fn settled_before(&self, db_tx: &mut DbConnection, front: &BankFront) -> Result<Option<Decided>, BankError> {
        let sealed = self.profile.sealed();
        let attempt_id = sealed.map(|request| request.attempt_id);
        let code = match StoredAttempt::find(db_tx, &self.asked.reference, attempt_id).await? {
            Some(stored) => match stored.state {
                State::Tombstoned | State::Reversed => DeclineCode::AlreadyReversed,
                State::Approved | State::Held | State::Declined | State::Expired => match stored.outcome {
                    Some(outcome)
                        if sealed.is_some_and(|request| request.is_attempt(stored.attempt_hash.as_deref())) =>
                    {
                        return Ok(Some(Decided::Duplicate { outcome }));
                    }
                    _ => DeclineCode::Replay,
                },
            },
            None => match sealed {
                Some(request) if request.is_used_or_paid(db_tx).await? => DeclineCode::Replay,
                Some(_) | None => return Ok(None),
            },
        };
        Ok(Some(self.decline(front, code.into())))
    }

    async fn decide(&self, db_tx: &mut DbConnection, front: &BankFront) -> Result<Decided, BankError> {
        let checked = match &self.checked {
            Ok(checked) => checked,
            Err(refused) => return Ok(self.decline(front, refused.code.into())),
        };
        match &checked.source {
            Source::Card(examined) => self.decide_card(db_tx, front, checked, examined).await,
            Source::Means(Means::Voucher(presented)) => self.decide_voucher(db_tx, front, checked, presented).await,
            Source::LargeVoucher(proven) => self.decide_large_voucher(db_tx, front, checked, proven).await,
            Source::Alias(released) => self.decide_alias(db_tx, front, checked, released).await,
            Source::Means(Means::Code(Code::Pay(typed))) => self.decide_code(db_tx, front, checked, typed).await,
            // What orders a code pays nothing, a released card comes examined or not at all, and a bank keeps no phone bills.
            Source::Means(Means::Code(Code::Order(_) | Code::Confirm(_)) | Means::Alias(_) | Means::Carrier(_)) => {
                Ok(self.decline(front, DeclineCode::OrderMismatch.into()))
            }
        }
    }

    async fn decide_card(
        &self,
        db_tx: &mut DbConnection,
        front: &BankFront,
        checked: &Checked,
        examined: &Examined,
    ) -> Result<Decided, BankError> {
        let Some(card) = Card::find(db_tx, &examined.pan_reference).await? else {
            return Ok(self.decline(front, DeclineCode::UnknownCard.into()));
        };
        let now = self.circumstances(db_tx, &card).await?;
        let Decision { verdict, card_use } = decide(&card, &examined.presented, &now);
        if let Some(card_use) = &card_use {
            card.store_use(db_tx, card_use).await?;
        }
        if let Some(code) = self.asked.orders.decline {
            return Ok(self.decline(front, code.into()));
        }
        match verdict {
            Verdict::Approve if !self.asked.payee.is_paid_in(self.asked.amount.currency()) => {
                Ok(self.decline(front, DeclineCode::DoNotHonour.into()))
            }
            Verdict::Approve => {
                let issuer_answer = examined.issuer_answer.approve.clone();
                let from =
                    Debited { account: &card.account_id, pan_reference: Some(card.pan_reference), issuer_answer };
                self.approve(db_tx, checked, from).await
            }
            Verdict::Decline(refusal) => Ok(self.decline(front, refusal)),
        }
    }

    async fn circumstances(&self, db_tx: &mut DbConnection, card: &Card) -> Result<Circumstances, BankError> {
        let available = account::available(db_tx, &card.account_id).await?;
        let spent_minor: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(COALESCE(completed_minor, amount_minor)), 0) AS BIGINT) FROM attempt
             WHERE pan_reference = $1 AND day_utc = $2 AND kind IN ('debit', 'hold')
             AND (state = 'approved' OR (state = 'held' AND expires_ms > $3))",
        )
        .bind(&card.pan_reference)
        .bind(calendar::day_utc(self.now_ms))
        .bind(self.now_ms)
        .fetch_one(&mut *db_tx)
        .await?;
        let payments_in_window: i64 = match card.velocity {
            Some(velocity) => {
                sqlx::query_scalar(
                    "SELECT COUNT(*) FROM attempt WHERE pan_reference = $1 AND decided_ms > $2
                     AND kind IN ('debit', 'hold') AND state IN ('approved', 'held', 'expired', 'reversed')",
                )
                .bind(&card.pan_reference)
                .bind(self.now_ms - velocity.window_ms())
                .fetch_one(&mut *db_tx)
                .await?
            }
            None => 0,
        };
        Ok(Circumstances {
            amount: self.asked.amount,
            available: available.ok_or_else(|| BankError::NoAccount(card.account_id.to_string()))?,
            spent_today: Amount::new(spent_minor, card.currency),
            payments_in_window: u32::try_from(payments_in_window).map_err(|_| BankError::Range)?,
            month_yymm: calendar::month_yymm(self.now_ms).ok_or(BankError::Range)?,
        })
    }

    async fn approve(
        &self,
        db_tx: &mut DbConnection,
        checked: &Checked,
        from: Debited<'_>,
    ) -> Result<Decided, BankError> {
        if let Payee::Acquirer(account) = &self.asked.payee {
            let currency = self.asked.amount.currency();
            account::open(db_tx, account, AccountKind::Acquirer, currency, self.now_ms).await?;
        }
        let movement = Movement {
            debit: from.account.clone(),
            credit: self.asked.payee.account().clone(),
            amount: self.asked.amount,
            purpose: self.asked.purpose.clone(),
            acquirer: self.asked.acquirer.clone(),
        };
        let transfer_id = match self.asked.step {
            Step::Debit => ledger::settle(db_tx, &movement, self.now_ms).await?,
            Step::Hold => ledger::hold(db_tx, &movement, self.hold_ends_ms(), self.now_ms).await?,
        };
        Ok(Decided::Approved {
            outcome: checked.approved.clone(),
            approval_code: checked.approval_code.clone(),
            issuer_answer: from.issuer_answer,
            transfer_id,
            pan_reference: from.pan_reference,
        })
    }

    /// When a hold that is made now ends by itself, in milliseconds since the Unix epoch.
    const fn hold_ends_ms(&self) -> i64 {
        self.now_ms.saturating_add(HOLD_LIFE_MS)
    }

    fn decline(&self, front: &BankFront, refusal: Refusal) -> Decided {
        let Refusal { code, pin_tries_left } = refusal;
        let card_label = match &self.checked {
            Ok(checked) => &checked.label,
            Err(refused) => &refused.card_label,
        };
        let decision = BankResult::Declined { code, pin_tries_left };
        let outcome = self.profile.word(front, card_label, decision, self.now_ms);
        // A card whose cryptogram was right is told of the refusal too, so that it knows its bank was asked.
        let answer = |checked: &Checked| match &checked.source {
            Source::Card(examined) => examined.issuer_answer.decline.clone(),
            Source::LargeVoucher(proven) => proven.card.issuer_answer.decline.clone(),
            Source::Alias(_) | Source::Means(_) => Vec::new(),
        };
        let issuer_answer = self.checked.as_ref().map(answer).unwrap_or_default();
        Decided::Declined { outcome, refusal, issuer_answer }
    }

    async fn store_attempt(&self, db_tx: &mut DbConnection, decided: &Decided) -> Result<(), BankError> {
        let (kind, held) = match self.asked.step {
            Step::Debit => (Kind::Debit, State::Approved),
            Step::Hold => (Kind::Hold, State::Held),
        };
        let (state, outcome, transfer_id, pan_reference, approval_code) = match decided {
            Decided::Approved { outcome, transfer_id, pan_reference, approval_code, .. } => {
                (held, outcome, Some(transfer_id), pan_reference.as_ref(), Some(approval_code.as_str()))
            }
            Decided::Declined { outcome, .. } => (State::Declined, outcome, None, None, None),
            Decided::Duplicate { .. } => return Err(BankError::Conflict("a decision")),
        };
        let new = NewAttempt {
            reference: &self.asked.reference,
            kind,
            state,
            amount: self.asked.amount,
            transfer_id,
            pan_reference,
            approval_code,
            outcome: outcome.as_deref(),
            expires_ms: (state == State::Held).then(|| self.hold_ends_ms()),
            sealed: self.profile.sealed().map(SealedRequest::binding),
            refund_of: None,
            refund_id: None,
        };
        new.insert(db_tx, self.now_ms).await
    }

    fn answer(&self, front: &BankFront, decided: Decided) -> Result<Message, BankError> {
        let answer = match (&self.profile, &decided) {
            (Profile::Sealed(_), decided) => sealed::answer_to(front, &self.message, decided, self.now_ms)?,
            (Profile::Plain, Decided::Approved { .. }) => response(&self.message, DONE)?,
            (Profile::Plain, Decided::Declined { refusal, .. }) => refusal_of(&self.message, refusal.code)?,
            (Profile::Plain, Decided::Duplicate { .. }) => refusal_of(&self.message, DeclineCode::Replay)?,
        };
        Ok(match decided {
            Decided::Approved { approval_code, issuer_answer, .. } => {
                with_issuer_answer(answer.with_text(38, approval_code), issuer_answer)
            }
            Decided::Declined { issuer_answer, .. } => with_issuer_answer(answer, issuer_answer),
            Decided::Duplicate { .. } => answer,
        })
    }
}

/// DE 55 of an answer, where there is a card to tell.
fn with_issuer_answer(answer: Message, issuer_answer: Vec<u8>) -> Message {
    if issuer_answer.is_empty() { answer } else { answer.with_binary(55, issuer_answer) }
}

/// Six characters that a person can read out.
pub(super) fn approval_code() -> String {
    let mut random = [0; APPROVAL_CHARACTERS];
    getrandom::fill(&mut random).expect("the operating system has randomness");
    random.iter().map(|byte| char::from(APPROVAL_ALPHABET[usize::from(byte % 32)])).collect()
}
