//! What the server's word about an attempt means, and what is kept of it. Used while paying and at every start.

use std::time::Duration;

use emv::OnlineDecision;
use jiff::tz::TimeZone;
use payment::{AttemptState, BankResult, DeclineCode, Receipt};
use protocol::ipc::CheckoutStage;
use protocol::ipc::history::ReceiptFault;
use protocol::wallet_api::AttemptView;
use protocol::{ErrorCode, MoneyMoved};
use serde_json::json;

use super::Trace;
use crate::clock;
use crate::error::{Result, WalletError};
use crate::history::entry::HistoryEntry;
use crate::inbox::VerifiedOrder;
use crate::receipt::{VerifiedOutcome, VerifiedReceipt};
use crate::store::{AttemptRow, KeptState};
use crate::wallet::Wallet;

/// How long an outcome stays unknown at the most, when the server has not said: its own limit, fifteen minutes.
pub(super) const UNKNOWN_FOR_MS: u64 = 15 * 60 * 1_000;
/// How old an attempt must be before "never had it" is believed: what was sent last may still be arriving.
const NOT_SENT_AFTER_MS: u64 = 2_000;

/// How a checkout ended.
pub(crate) enum End {
    /// The bank approved, and the receipt verified.
    Paid(Box<VerifiedReceipt>),
    /// It ended without a payment, or a person must look at it.
    Refused {
        /// Why.
        code: ErrorCode,
        /// Whether money moved.
        money_moved: MoneyMoved,
        /// PIN tries left at the bank.
        pin_tries_left: Option<u8>,
    },
    /// Still unknown when the asking ended.
    Unknown {
        /// When it will be known, at the latest.
        deadline_ms: u64,
    },
    /// The bank refused, and reading a card, or the same once more, helps.
    Again(Again),
}

/// Why reading a card, or the same once more, helps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// The bank no longer has the key it was sealed to.
    BankKeyRetired,
    /// The bank wants the PIN that the card did not ask for.
    PinWanted,
    /// The bank wants a card beside a voucher.
    CardWanted,
}

impl Again {
    /// The refusal it was.
    pub(super) fn code(self) -> DeclineCode {
        match self {
            Self::BankKeyRetired => DeclineCode::RetiredKey,
            Self::PinWanted => DeclineCode::PinRequired,
            Self::CardWanted => DeclineCode::VoucherCardRequired,
        }
    }
}

/// What one word of the server means.
pub(super) enum Step {
    /// It is over.
    Ended(End),
    /// The bank has not answered.
    Unknown {
        /// When it will be known or undone, at the latest.
        deadline_ms: u64,
    },
    /// The bank has it.
    AskingBank,
}

impl End {
    /// Refused, with what the code itself says about money.
    pub(super) fn refused(code: ErrorCode) -> Self {
        Self::Refused { code, money_moved: code.money_moved(), pin_tries_left: None }
    }

    /// The same, where no bank decides but a telephone operator.
    pub(super) fn by_operator(self) -> Self {
        match self {
            Self::Refused { code: ErrorCode::BankUnreachable, money_moved, pin_tries_left } => {
                Self::Refused { code: ErrorCode::OperatorUnreachable, money_moved, pin_tries_left }
            }
            end => end,
        }
    }

    /// What a card that waits in its slot is told: only what its bank has decided.
    pub(super) fn said_to_card(&self) -> Option<OnlineDecision> {
        match self {
            Self::Paid(_) => Some(OnlineDecision::Approved),
            Self::Refused { code: ErrorCode::Declined(_), .. } | Self::Again(_) => Some(OnlineDecision::Declined),
            Self::Refused { .. } | Self::Unknown { .. } => None,
        }
    }

    /// The stage that shows it.
    pub(super) fn stage(&self) -> CheckoutStage {
        match self {
            Self::Paid(receipt) => CheckoutStage::Paid {
                attempt_id: receipt.outcome().attempt_id,
                approval_code: receipt.approval_code().to_owned(),
                decided_ms: receipt.outcome().decided_ms,
            },
            Self::Refused { code, money_moved, pin_tries_left } => CheckoutStage::Refused {
                code: *code,
                money_moved: *money_moved,
                pin_tries_left: *pin_tries_left,
                may_retry: may_retry(*code, *money_moved),
            },
            Self::Unknown { deadline_ms } => CheckoutStage::Unknown { deadline_ms: *deadline_ms },
            Self::Again(again) => Self::refused(ErrorCode::Declined(again.code())).stage(),
        }
    }

    /// Tells the trace; the last line of a payment that succeeded is its verified receipt.
    pub(super) fn tell(&self, trace: &Trace, took: Duration) {
        match self {
            Self::Paid(receipt) => {
                let outcome = receipt.outcome();
                let facts = json!({
                    "verified": true,
                    "request_id": outcome.request_id,
                    "attempt_id": outcome.attempt_id,
                    "amount": outcome.amount,
                    "payee": receipt.summary().payee,
                    "card_label": outcome.card_label,
                    "approval_code": receipt.approval_code(),
                    "rrn": outcome.rrn,
                    "decided_ms": outcome.decided_ms,
                    "receipt_bytes": receipt.to_json().len(),
                });
                trace.tell("receipt", took, facts);
            }
            Self::Refused { code, money_moved, pin_tries_left } => {
                let facts = json!({
                    "code": code,
                    "money_moved": money_moved,
                    "pin_tries_left": pin_tries_left,
                    "may_retry": may_retry(*code, *money_moved),
                });
                trace.tell("refused", took, facts);
            }
            Self::Unknown { deadline_ms } => trace.tell("unknown", took, json!({ "deadline_ms": deadline_ms })),
            Self::Again(again) => Self::refused(ErrorCode::Declined(again.code())).tell(trace, took),
        }
    }
}

/// Whether the same request can be tried again now.
fn may_retry(code: ErrorCode, money_moved: MoneyMoved) -> bool {
    if money_moved != MoneyMoved::No {
        return false;
    }
    match code {
        ErrorCode::Declined(decline) => decline.leaves_request_open(),
        ErrorCode::Stopped
        | ErrorCode::NotSent
        | ErrorCode::Reversed
        | ErrorCode::CardUnusable
        | ErrorCode::CardNotPayment
        | ErrorCode::CardBlocked
        | ErrorCode::CardRefused
        | ErrorCode::CardDeclinedOffline
        | ErrorCode::CardStripeOverAir
        | ErrorCode::NoBankForCard
        | ErrorCode::BankAmbiguous
        | ErrorCode::PinLength
        | ErrorCode::AliasRefused
        | ErrorCode::AliasLimit
        | ErrorCode::NoVault => true,
        other => other.is_retryable(),
    }
}

/// Takes in what the server says about an attempt, keeps it, and says what it means.
pub(super) async fn take_in(
    wallet: &Wallet,
    row: &AttemptRow,
    order: &VerifiedOrder,
    view: &AttemptView,
) -> Result<Step> {
    if view.attempt_id != row.attempt_id || view.request_id != row.request_id {
        return Err(WalletError::Lost);
    }
    match view.state {
        AttemptState::Approved => approved(wallet, row, order, view).await.map(Step::Ended),
        AttemptState::Declined { code } => declined(wallet, row, order, view, code).await.map(Step::Ended),
        AttemptState::Reversed => {
            keep(wallet, row, view).await?;
            Ok(Step::Ended(End::refused(ErrorCode::Reversed)))
        }
        AttemptState::NeedsManualReview => {
            keep(wallet, row, view).await?;
            Ok(Step::Ended(End::refused(ErrorCode::NeedsManualReview)))
        }
        AttemptState::NoAnswer | AttemptState::Inquiring | AttemptState::NotFound | AttemptState::Reversing => {
            keep(wallet, row, view).await?;
            Ok(Step::Unknown { deadline_ms: view.deadline_ms.unwrap_or(row.created_ms + UNKNOWN_FOR_MS) })
        }
        AttemptState::Sealed | AttemptState::Received | AttemptState::Forwarded => Ok(Step::AskingBank),
    }
}

async fn keep(wallet: &Wallet, row: &AttemptRow, view: &AttemptView) -> Result<()> {
    let now_ms = wallet.core.server.now_ms();
    wallet.core.store.set_attempt_state(row.attempt_id, KeptState::Told(view.state), view.deadline_ms, now_ms).await
}

/// An approval counts with its receipt. One that does not verify may still have moved money, so it is shown as
/// such and asked about again.
async fn approved(wallet: &Wallet, row: &AttemptRow, order: &VerifiedOrder, view: &AttemptView) -> Result<End> {
    match receipt_of(wallet, row, order, view).await {
        Ok(receipt) => {
            let entry = HistoryEntry::of(&receipt, &TimeZone::system());
            let now_ms = wallet.core.server.now_ms();
            wallet.core.store.settle_approved(row, receipt.receipt(), &entry, now_ms).await?;
            wallet.core.changes.history_changed();
            Ok(End::Paid(Box::new(receipt)))
        }
        Err(error) => {
            tracing::warn!(attempt = %row.attempt_id, %error, "the server says approved, but the proof does not verify");
            Ok(End::Refused { code: ErrorCode::ReceiptInvalid, money_moved: MoneyMoved::Unknown, pin_tries_left: None })
        }
    }
}

/// The receipt, under the keys of the attempt's day; a bank that renewed its certificate meanwhile under today's.
async fn receipt_of(
    wallet: &Wallet,
    row: &AttemptRow,
    order: &VerifiedOrder,
    view: &AttemptView,
) -> Result<VerifiedReceipt> {
    let outcome =
        view.outcome.clone().ok_or(WalletError::Receipt(ReceiptFault::MalformedOutcome, "the outcome is missing"))?;
    let receipt = Receipt {
        version: payment::receipt::RECEIPT_VERSION,
        order: order.jws().to_owned(),
        wallet_nonce: row.wallet_nonce,
        outcome,
        keyset: row.keyset.clone(),
        bank_certificate: row.bank_certificate.clone(),
    };
    let roots = wallet.core.keys.roots();
    let verified = match VerifiedReceipt::verify(receipt.clone(), roots) {
        Ok(verified) => verified,
        Err(first) => {
            let keys = wallet.core.keys.refresh(&wallet.core.server).await?;
            let bank_id = bank_of(wallet, row).unwrap_or_default();
            let bank_certificate = keys.bank_certificate(&bank_id).ok_or(first)?.to_owned();
            VerifiedReceipt::verify(Receipt { bank_certificate, ..receipt }, roots)?
        }
    };
    // The receipt proves some attempt at this order; it must be this one.
    if verified.outcome().attempt_id == row.attempt_id && verified.outcome().request_id == row.request_id {
        Ok(verified)
    } else {
        Err(WalletError::Receipt(ReceiptFault::AnotherOrder, "the outcome is of another attempt"))
    }
}

/// The bank that the attempt was sealed to.
fn bank_of(wallet: &Wallet, row: &AttemptRow) -> Option<String> {
    let banks = &wallet.core.keys.roots().banks;
    let made_ms = clock::signed(row.created_ms);
    let certificate = envelope::keyset::BankCertificate::verify_at(&row.bank_certificate, banks, made_ms);
    certificate.ok().map(|certificate| certificate.bank_id)
}

/// A refusal with the bank's signature when it has one. One whose signature does not say the same is a
/// contradiction, not a refusal: the bank may have approved.
async fn declined(
    wallet: &Wallet,
    row: &AttemptRow,
    order: &VerifiedOrder,
    view: &AttemptView,
    code: DeclineCode,
) -> Result<End> {
    let mut pin_tries_left = None;
    if let Some(outcome) = &view.outcome {
        let banks = &wallet.core.keys.roots().banks;
        let verified =
            VerifiedOutcome::verify(outcome, &row.bank_certificate, banks, order, row.attempt_id, &row.wallet_nonce);
        match verified.as_ref().map(|verified| &verified.outcome().decision) {
            Ok(BankResult::Declined { code: said, pin_tries_left: left }) if *said == code => pin_tries_left = *left,
            Ok(_) | Err(_) => {
                tracing::warn!(attempt = %row.attempt_id, "the server says declined, the bank's signed outcome does not");
                return Ok(End::refused(ErrorCode::NeedsManualReview));
            }
        }
    }
    keep(wallet, row, view).await?;
    match code {
        DeclineCode::RetiredKey => return Ok(End::Again(Again::BankKeyRetired)),
        // A server alone must not make anybody type a PIN.
        DeclineCode::PinRequired if view.outcome.is_some() => return Ok(End::Again(Again::PinWanted)),
        DeclineCode::VoucherCardRequired if view.outcome.is_some() => return Ok(End::Again(Again::CardWanted)),
        _ => {}
    }
    Ok(End::Refused { code: ErrorCode::Declined(code), money_moved: MoneyMoved::No, pin_tries_left })
}

/// The server refused the attempt before it went to a bank.
pub(super) async fn refuse(wallet: &Wallet, row: &AttemptRow, code: ErrorCode) -> Result<End> {
    // Another attempt of the same request may be under way; this one ended all the same.
    let state = if code == ErrorCode::ServerUnreachable { KeptState::NotSent } else { KeptState::Refused(code) };
    wallet.core.store.set_attempt_state(row.attempt_id, state, None, wallet.core.server.now_ms()).await?;
    Ok(End::refused(code))
}

/// The server never had it: no money moved.
pub(super) async fn not_sent(wallet: &Wallet, row: &AttemptRow) -> Result<End> {
    let now_ms = wallet.core.server.now_ms();
    wallet.core.store.set_attempt_state(row.attempt_id, KeptState::NotSent, None, now_ms).await?;
    Ok(End::refused(ErrorCode::NotSent))
}

/// Asks the server about an attempt of an earlier run and keeps the truth. Nothing is sent again.
pub(crate) async fn ask(wallet: &Wallet, row: &AttemptRow) -> Result<()> {
    let core = &wallet.core;
    match core.server.attempt(row.request_id, row.attempt_id).await? {
        Some(view) => {
            let order = wallet.verified(row.request_id).await?;
            take_in(wallet, row, &order, &view).await?;
        }
        None if row.state == KeptState::Sealed => {
            let age_ms = core.server.now_ms().saturating_sub(row.created_ms);
            tokio::time::sleep(Duration::from_millis(NOT_SENT_AFTER_MS.saturating_sub(age_ms))).await;
            // If it was still arriving, the next question will tell more.
            if core.server.attempt(row.request_id, row.attempt_id).await?.is_none() {
                not_sent(wallet, row).await?;
            }
        }
        None => tracing::warn!(attempt = %row.attempt_id, "the server has forgotten an attempt it once had"),
    }
    wallet.refresh_state(row.request_id).await;
    core.changes.inbox_changed();
    Ok(())
}
