//! Writing a backup: the store at one moment, page by page into a sealed file.

use std::collections::HashMap;
use std::path::Path;

use payment::Receipt;
use protocol::ipc::keep::BackupMade;
use sha2::{Digest, Sha256};

use super::container::{Passphrase, Writer};
use super::record::{AttemptLine, FORMAT, ReceiptLine, Record};
use crate::clock::unsigned;
use crate::error::{Result, WalletError};
use crate::store::{Snapshot, Store};
use crate::wallet::Wallet;

/// Settings that are the person's own and belong to no device.
pub(super) const CHOICES: &[&str] = &["settings", "catalogue"];

/// Writes everything.
pub(super) async fn write(wallet: &Wallet, path: &Path, passphrase: Passphrase, made_ms: u64) -> Result<BackupMade> {
    let (opened, path) = (passphrase.clone(), path.to_owned());
    let writer = off_the_loop(move || Writer::create(&path, &opened)).await?;
    let mut gathering = Gathering { writer, texts: HashMap::new(), receipts: 0, requests: 0 };
    gathering.writer.write(&Record::Wallet {
        format: FORMAT,
        made_ms,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        operator: wallet.core.trust.operator_fingerprints(),
    })?;
    gathering.all(&wallet.core.store).await?;
    let Gathering { writer, receipts, requests, .. } = gathering;
    let bytes = off_the_loop(move || writer.finish(&passphrase)).await?;
    Ok(BackupMade { path: String::new(), made_ms, bytes, receipts, requests })
}

/// Work that keeps a processor busy, where nothing else waits for it.
pub(super) async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| WalletError::Code(protocol::ErrorCode::Internal))?
}

struct Gathering {
    writer: Writer,
    /// The number of every shared text, by its hash.
    texts: HashMap<[u8; 32], u32>,
    receipts: u64,
    requests: u64,
}

impl Gathering {
    async fn all(&mut self, store: &Store) -> Result<()> {
        let mut snapshot = store.snapshot().await?;
        for name in CHOICES {
            if let Some(value) = snapshot.setting(name).await? {
                self.writer.write(&Record::Choice { name: (*name).to_owned(), value })?;
            }
        }
        for (merchant_id, decision, since_ms) in snapshot.senders().await? {
            self.writer.write(&Record::Sender { merchant_id, decision, since_ms: unsigned(since_ms) })?;
        }
        for identifier in snapshot.identifiers().await? {
            self.writer.write(&Record::Identifier { identifier })?;
        }
        self.requests(&mut snapshot).await?;
        self.attempts(&mut snapshot).await?;
        self.receipts(&mut snapshot).await
    }

    async fn requests(&mut self, snapshot: &mut Snapshot) -> Result<()> {
        let mut after = String::new();
        loop {
            let page = snapshot.requests(&after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.request_id);
            for line in page {
                self.requests += 1;
                self.writer.write(&Record::Request(line))?;
            }
        }
    }

    async fn attempts(&mut self, snapshot: &mut Snapshot) -> Result<()> {
        let mut after = String::new();
        loop {
            let page = snapshot.attempts(&after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.attempt_id);
            for row in page {
                let (keyset, bank_certificate) = (self.text(row.keyset)?, self.text(row.bank_certificate)?);
                self.writer.write(&Record::Attempt(AttemptLine {
                    attempt_id: row.attempt_id,
                    request_id: row.request_id,
                    wallet_nonce: row.wallet_nonce,
                    keyset,
                    bank_certificate,
                    state: row.state,
                    code: row.code,
                    deadline_ms: row.deadline_ms,
                    created_ms: row.created_ms,
                    changed_ms: row.changed_ms,
                }))?;
            }
        }
    }

    async fn receipts(&mut self, snapshot: &mut Snapshot) -> Result<()> {
        let mut after = String::new();
        loop {
            let page = snapshot.receipts(&after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.attempt_id);
            for row in page {
                let receipt: Receipt = serde_json::from_str(&row.receipt).map_err(|_| WalletError::Row("receipt"))?;
                let (keyset, bank_certificate) = (self.text(receipt.keyset)?, self.text(receipt.bank_certificate)?);
                self.receipts += 1;
                self.writer.write(&Record::Receipt(ReceiptLine {
                    attempt_id: row.attempt_id,
                    request_id: row.request_id,
                    version: receipt.version,
                    order: receipt.order,
                    wallet_nonce: receipt.wallet_nonce.to_string(),
                    outcome: receipt.outcome,
                    keyset,
                    bank_certificate,
                    decided_ms: row.decided_ms,
                }))?;
            }
        }
    }

    /// The number of a shared text; the first time it is written.
    fn text(&mut self, text: String) -> Result<u32> {
        let hash: [u8; 32] = Sha256::digest(&text).into();
        if let Some(number) = self.texts.get(&hash) {
            return Ok(*number);
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.insert(hash, number);
        self.writer.write(&Record::Text { text })?;
        Ok(number)
    }
}
