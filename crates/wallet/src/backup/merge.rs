//! Restoring: a file is checked to its end first, and then merged, some hundred lines a step.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use envelope::jws;
use envelope::keyset::TrustRoots;
use payment::{AttemptId, MerchantId, Order, Receipt, RequestId, RequestState, WalletNonce};
use protocol::ErrorCode;
use protocol::ipc::Settings;
use protocol::ipc::keep::Restored;
use tokio::sync::mpsc;

use super::container::{Passphrase, Reader, damaged};
use super::gather::{CHOICES, off_the_loop};
use super::record::{AttemptLine, FORMAT, ReceiptLine, Record, RequestLine, TEXTS_MAX};
use crate::error::{Result, WalletError};
use crate::receipt::VerifiedReceipt;
use crate::store::{KeptState, Merging, PAGE, Store};
use crate::wallet::{SETTING_CHOICES, Wallet, payer_identifier};

/// How many bytes of shared texts are held.
const TEXT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How many steps are read ahead of the one that is written.
const AHEAD: usize = 4;

/// Checks the file and merges it.
pub(super) async fn restore(wallet: &Wallet, path: PathBuf, passphrase: Passphrase) -> Result<Restored> {
    let core = &wallet.core;
    let (roots, operator) = (core.trust.roots(), core.trust.operator_fingerprints());
    let (checked, key) = (path.clone(), passphrase.clone());
    let facts = off_the_loop(move || {
        let mut check = Check::new(roots, operator);
        Reader::open(&checked, &key)?.each(|record| check.take(&record))?;
        Ok(check.facts)
    })
    .await?;
    let left_out = facts.left_out;
    let made_ms = facts.made_ms;
    let (steps, mut read) = mpsc::channel(AHEAD);
    let reading = tokio::task::spawn_blocking(move || read_steps(&path, &passphrase, &facts, &steps));
    let mut restored = Restored { made_ms, left_out, ..Restored::default() };
    while let Some(step) = read.recv().await {
        merge(&core.store, step, &mut restored).await?;
    }
    reading.await.map_err(|_| WalletError::Code(ErrorCode::Internal))??;
    Ok(restored)
}

/// What the first reading found.
#[derive(Default)]
struct Facts {
    made_ms: u64,
    /// Attempts whose receipt verified.
    proved: HashSet<AttemptId>,
    /// How many receipts did not verify.
    left_out: u64,
}

/// The first reading: every line must be what its kind says, and name only what came before it.
struct Check {
    facts: Facts,
    roots: TrustRoots,
    operator: Vec<String>,
    texts: Texts,
    requests: HashSet<RequestId>,
    attempts: HashSet<AttemptId>,
    is_begun: bool,
}

impl Check {
    fn new(roots: TrustRoots, operator: Vec<String>) -> Self {
        let (requests, attempts) = (HashSet::new(), HashSet::new());
        let texts = Texts::default();
        Self { facts: Facts::default(), roots, operator, texts, requests, attempts, is_begun: false }
    }

    fn take(&mut self, record: &Record) -> Result<()> {
        if let Record::Wallet { format, made_ms, operator, .. } = record {
            return self.begin(*format, *made_ms, operator);
        }
        let holds = self.is_begun
            && match record {
                Record::Wallet { .. } => false,
                Record::Text { text } => self.texts.add(text),
                Record::Choice { name, value } => is_choice(name, value),
                Record::Sender { merchant_id, decision, .. } => {
                    merchant_id.parse::<MerchantId>().is_ok() && matches!(decision.as_str(), "accepted" | "blocked")
                }
                Record::Identifier { identifier } => payer_identifier(identifier).is_ok(),
                Record::Request(line) => self.request(line).is_some(),
                Record::Attempt(line) => self.attempt(line).is_some(),
                Record::Receipt(line) => self.receipt(line).is_some(),
                Record::End { .. } => true,
            };
        if holds { Ok(()) } else { Err(damaged()) }
    }

    fn begin(&mut self, format: u32, made_ms: u64, operator: &[String]) -> Result<()> {
        if self.is_begun {
            return Err(damaged());
        }
        if format != FORMAT {
            let detail = "this backup is of another version".to_owned();
            return Err(WalletError::Detailed(ErrorCode::BackupUnreadable, detail));
        }
        if !operator.iter().any(|root| self.operator.contains(root)) {
            return Err(WalletError::Code(ErrorCode::BackupForeign));
        }
        self.is_begun = true;
        self.facts.made_ms = made_ms;
        Ok(())
    }

    /// The order must be the one that the row speaks of. Its signature is checked whenever it is shown.
    fn request(&mut self, line: &RequestLine) -> Option<()> {
        let request_id: RequestId = line.request_id.parse().ok()?;
        let attempt_id = match &line.attempt_id {
            Some(id) => Some(id.parse().ok()?),
            None => None,
        };
        RequestState::from_parts(&line.status, attempt_id)?;
        let order = Order::from_canonical(&jws::peek_payload_unverified(&line.order_jws).ok()?).ok()?;
        let same = order.request_id == request_id && order.merchant_id.as_str() == line.merchant_id;
        (same && line.refunded_minor >= 0 && self.requests.insert(request_id)).then_some(())
    }

    fn attempt(&mut self, line: &AttemptLine) -> Option<()> {
        let attempt_id: AttemptId = line.attempt_id.parse().ok()?;
        let request_id: RequestId = line.request_id.parse().ok()?;
        line.wallet_nonce.parse::<WalletNonce>().ok()?;
        KeptState::from_parts(&line.state, line.code.as_deref())?;
        self.texts.get(line.keyset)?;
        self.texts.get(line.bank_certificate)?;
        (self.requests.contains(&request_id) && self.attempts.insert(attempt_id)).then_some(())
    }

    /// A receipt that does not verify is left out and counted: its bank's root may be trusted no more.
    fn receipt(&mut self, line: &ReceiptLine) -> Option<()> {
        let attempt_id: AttemptId = line.attempt_id.parse().ok()?;
        if !self.attempts.contains(&attempt_id) || self.facts.proved.contains(&attempt_id) {
            return None;
        }
        let receipt = receipt_of(line, &self.texts)?;
        match VerifiedReceipt::verify(receipt, &self.roots) {
            Ok(verified) => {
                let outcome = verified.outcome();
                let same = outcome.attempt_id == attempt_id && outcome.request_id.to_string() == line.request_id;
                (same && self.facts.proved.insert(attempt_id)).then_some(())
            }
            Err(error) => {
                tracing::warn!(attempt = %attempt_id, %error, "a backup's receipt does not verify");
                self.facts.left_out += 1;
                Some(())
            }
        }
    }
}

/// Shared texts by number.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    bytes: usize,
}

impl Texts {
    fn add(&mut self, text: &str) -> bool {
        self.bytes += text.len();
        self.all.push(text.to_owned());
        self.all.len() <= TEXTS_MAX && self.bytes <= TEXT_BYTES_MAX
    }

    fn get(&self, number: u32) -> Option<&str> {
        self.all.get(usize::try_from(number).ok()?).map(String::as_str)
    }
}

fn is_choice(name: &str, value: &str) -> bool {
    CHOICES.contains(&name) && (name != SETTING_CHOICES || serde_json::from_str::<Settings>(value).is_ok())
}

fn receipt_of(line: &ReceiptLine, texts: &Texts) -> Option<Receipt> {
    Some(Receipt {
        version: line.version,
        order: line.order.clone(),
        wallet_nonce: line.wallet_nonce.parse().ok()?,
        outcome: line.outcome.clone(),
        keyset: texts.get(line.keyset)?.to_owned(),
        bank_certificate: texts.get(line.bank_certificate)?.to_owned(),
    })
}

/// One thing to merge.
enum Row {
    Choice(String, String),
    Sender(String, bool, i64),
    Identifier(String),
    Request(RequestLine),
    Attempt(AttemptLine, String, String),
    Receipt(Box<ReceiptLine>, String),
}

/// The second reading. The file opened and checked whole before; if it was changed since, its chunks do not open.
fn read_steps(path: &Path, passphrase: &Passphrase, facts: &Facts, steps: &mpsc::Sender<Vec<Row>>) -> Result<()> {
    let stopped = |_| WalletError::Code(ErrorCode::StoreFailed);
    let mut texts = Texts::default();
    let mut step = Vec::new();
    Reader::open(path, passphrase)?.each(|record| {
        step.extend(row_of(record, &mut texts, facts)?);
        if i64::try_from(step.len()).is_ok_and(|length| length >= PAGE) {
            steps.blocking_send(std::mem::take(&mut step)).map_err(stopped)?;
        }
        Ok(())
    })?;
    steps.blocking_send(step).map_err(stopped)
}

fn row_of(record: Record, texts: &mut Texts, facts: &Facts) -> Result<Option<Row>> {
    Ok(match record {
        Record::Wallet { .. } | Record::End { .. } => None,
        Record::Text { text } => {
            texts.add(&text);
            None
        }
        Record::Choice { name, value } => Some(Row::Choice(name, value)),
        Record::Sender { merchant_id, decision, since_ms } => {
            Some(Row::Sender(merchant_id, decision == "blocked", crate::clock::signed(since_ms)))
        }
        Record::Identifier { identifier } => Some(Row::Identifier(identifier)),
        Record::Request(line) => Some(Row::Request(line)),
        Record::Attempt(line) => {
            let text = |number| texts.get(number).map(str::to_owned).ok_or_else(damaged);
            let (keyset, bank_certificate) = (text(line.keyset)?, text(line.bank_certificate)?);
            Some(Row::Attempt(as_seen_from_here(line, facts), keyset, bank_certificate))
        }
        Record::Receipt(line) => {
            let is_proved = line.attempt_id.parse().is_ok_and(|attempt_id| facts.proved.contains(&attempt_id));
            let receipt = receipt_of(&line, texts).ok_or_else(damaged)?;
            let text = serde_json::to_string(&receipt).expect("a receipt is always JSON");
            is_proved.then(|| Row::Receipt(Box::new(line), text))
        }
    })
}

/// What another device had under way is its own to ask about, and an approval counts with its receipt only.
fn as_seen_from_here(mut line: AttemptLine, facts: &Facts) -> AttemptLine {
    let state = KeptState::from_parts(&line.state, line.code.as_deref());
    let is_proved = line.attempt_id.parse().is_ok_and(|attempt_id| facts.proved.contains(&attempt_id));
    if !state.is_some_and(KeptState::is_settled) || (line.state == "approved" && !is_proved) {
        KeptState::Elsewhere.name().clone_into(&mut line.state);
        line.code = None;
    }
    line
}

async fn merge(store: &Store, step: Vec<Row>, restored: &mut Restored) -> Result<()> {
    let mut merging = store.merging().await?;
    for row in step {
        merge_one(&mut merging, row, restored).await?;
    }
    merging.commit().await
}

async fn merge_one(merging: &mut Merging, row: Row, restored: &mut Restored) -> Result<()> {
    match row {
        Row::Choice(name, value) => merging.setting(&name, &value).await?,
        Row::Sender(merchant_id, is_blocked, since_ms) => merging.sender(&merchant_id, is_blocked, since_ms).await?,
        Row::Identifier(identifier) => merging.identifier(&identifier).await?,
        Row::Request(line) => restored.new_requests += u64::from(merging.request(&line).await?),
        Row::Attempt(line, keyset, bank_certificate) => merging.attempt(&line, &keyset, &bank_certificate).await?,
        Row::Receipt(line, text) => {
            restored.receipts += 1;
            let is_new = merging.receipt(&line.attempt_id, &line.request_id, &text, line.decided_ms).await?;
            restored.new_receipts += u64::from(is_new);
        }
    }
    Ok(())
}
