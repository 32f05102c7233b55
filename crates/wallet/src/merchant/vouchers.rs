//! The merchant's own vouchers: batches made for a bank, a voucher that somebody shows, and the bank's file about a batch.
//!
//! **Invariants:** a batch is kept before its file can be written anywhere; no code outlives the call that draws it; the key of
//! the verifiers is in the key store, and apart from them.

use std::collections::BTreeMap;

use ::vouchers::{
    BankKey, BatchError, BatchHeader, Difference, Lot, MadeBatch, Reconciliation, VerifierKey, VoucherCode,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::VoucherSealingKey;
use payment::{Amount, FixedPart, VoucherNumber};
use protocol::ipc::history::ExportView;
use protocol::ipc::means::TypedSecret;
use protocol::ipc::vouchers::{
    BankKeyView, ComparedView, DIFFERENCES_MAX, DifferenceKind, DifferenceView, LOTS_MAX, LotView, ReconciliationView,
    VoucherBatchView, VoucherCheckView,
};
use protocol::{ErrorCode, Problem};

use super::Till;
use crate::error::{Result, WalletError};
use crate::history::export::keep_json;
use crate::keystore::SecretName;
use crate::store::{BatchRow, ComparedRow};
use crate::wallet::Wallet;

type Answer<T> = std::result::Result<T, Problem>;

/// The largest file of a bank's key, in bytes.
const KEY_BYTES_MAX: usize = 16 * 1024;
/// The largest file of a bank's about a batch, in bytes: a line of a voucher is about a hundred.
const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The name of a batch's file for the bank.
pub fn voucher_file_name(batch: &FixedPart) -> String {
    format!("tapseal-vouchers-{batch}.json")
}

impl Wallet {
    /// The batches that this till made, the newest first.
    pub async fn voucher_batches(&self) -> Answer<Vec<VoucherBatchView>> {
        let till = self.till()?;
        let rows = self.core.store.batches(&till.facts.merchant_id).await.map_err(Problem::from)?;
        Ok(rows.iter().map(view).collect())
    }

    /// Reads a bank's key for vouchers.
    pub async fn voucher_bank_key(&self, file: String) -> Answer<BankKeyView> {
        self.till()?;
        let (bank_id, key) = self.bank_key(&file)?;
        let bank_name = self.bank_name(&bank_id).await?;
        Ok(BankKeyView { bank_id, bank_name, fingerprint: key.fingerprint() })
    }

    /// Makes a batch.
    pub async fn voucher_batch_make(
        &self,
        batch: FixedPart,
        lots: Vec<LotView>,
        large_from: Amount,
        bank_key: String,
    ) -> Answer<VoucherBatchView> {
        let till = self.till()?;
        let (bank_id, to) = self.bank_key(&bank_key)?;
        let currency = till.facts.currency;
        let is_right = |amount: Amount| amount.currency() == currency && amount.is_payable();
        if lots.len() > LOTS_MAX || !is_right(large_from) || !lots.iter().all(|lot| is_right(lot.amount)) {
            return Err(ErrorCode::InvalidInput.into());
        }
        let lots: Vec<_> = lots.iter().map(lot_of).collect();
        let bank_name = self.bank_name(&bank_id).await?;
        // One at a time: the first makes the key of the verifiers.
        let _turn = till.making.lock().await;
        let merchant_id = till.facts.merchant_id.clone();
        if self.core.store.batch(&merchant_id, &batch).await.map_err(Problem::from)?.is_some() {
            return Err(ErrorCode::VoucherBatchExists.into());
        }
        let key = self.verifier_key().await?;
        let created_ms = self.core.server.now_ms();
        let header = BatchHeader::new(
            merchant_id.clone(),
            bank_id.clone(),
            batch.clone(),
            currency,
            large_from.minor(),
            created_ms,
        );
        let maker = till.clone();
        // Twenty thousand vouchers take a while to draw.
        let making = move || MadeBatch::make(header, &lots, &key, &to, &maker.signing);
        let made = tokio::task::spawn_blocking(making).await.map_err(|_| ErrorCode::Internal)?.map_err(unmade)?;
        let row = BatchRow {
            batch,
            bank_id,
            bank_name,
            currency,
            large_from_minor: large_from.minor(),
            vouchers: u32::try_from(made.own.len()).unwrap_or(u32::MAX),
            total_minor: made.total_minor,
            created_ms,
            has_file: true,
            has_verifiers: true,
            compared: None,
        };
        let file = serde_json::to_string(&made.file).expect("strings are always JSON");
        if !self.core.store.insert_batch(&merchant_id, &row, &made.own, &file).await.map_err(Problem::from)? {
            return Err(ErrorCode::VoucherBatchExists.into());
        }
        Ok(view(&row))
    }

    /// Writes the bank's file of a batch: at this path, or handed over.
    pub async fn voucher_batch_save(&self, batch: FixedPart, path: Option<String>) -> Answer<ExportView> {
        let till = self.till()?;
        let row = self.batch_row(&till, &batch).await?;
        let file = self.core.store.bank_file(&till.facts.merchant_id, &batch).await.map_err(Problem::from)?;
        let file = file.ok_or(ErrorCode::NotFound)?;
        Ok(keep_json(path, voucher_file_name(&batch), file.as_bytes(), row.vouchers)?)
    }

    /// Whether a voucher of this number was made here, with this payment code.
    pub async fn voucher_check(&self, number: String, code: TypedSecret) -> Answer<VoucherCheckView> {
        let till = self.till()?;
        let mistyped = |why: String| Problem::new(ErrorCode::InvalidInput).with_detail(why);
        let number: VoucherNumber =
            number.parse().map_err(|error: payment::VoucherNumberError| mistyped(error.to_string()))?;
        let code = VoucherCode::parse(&number, code.expose().trim().as_bytes());
        let code = code.map_err(|error| mistyped(error.to_string()))?;
        let entry = self.core.store.voucher(&till.facts.merchant_id, &number).await.map_err(Problem::from)?;
        let Some(entry) = entry else { return Ok(VoucherCheckView::NotMade) };
        let Some((own, key)) = entry.own.zip(self.kept_verifier_key().await?) else {
            return Ok(VoucherCheckView::CannotTell);
        };
        let is_it = own.was_made_with(&key, &code);
        let amount = Amount::new(entry.amount_minor, entry.currency);
        Ok(if is_it { VoucherCheckView::Made { batch: entry.batch, amount } } else { VoucherCheckView::NotMade })
    }

    /// Compares a batch with what its bank wrote about it.
    pub async fn voucher_reconcile(&self, batch: FixedPart, file: String) -> Answer<ReconciliationView> {
        let till = self.till()?;
        let merchant_id = &till.facts.merchant_id;
        self.batch_row(&till, &batch).await?;
        let csv = decoded(&file, FILE_BYTES_MAX, ErrorCode::VoucherBankFile)?;
        let store = &self.core.store;
        let made: BTreeMap<_, _> =
            store.batch_amounts(merchant_id, &batch).await.map_err(Problem::from)?.into_iter().collect();
        let comparing = tokio::task::spawn_blocking(move || Reconciliation::of(&made, &csv));
        let told = comparing.await.map_err(|_| ErrorCode::Internal)?;
        let told = told.map_err(|error| Problem::new(ErrorCode::VoucherBankFile).with_detail(error.to_string()))?;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let compared = ComparedRow {
            at_ms: self.core.server.now_ms(),
            differences: count(told.differences.len()),
            sold_minor: told.sold_minor,
            spent_minor: told.spent_minor,
            left_minor: told.left_minor,
        };
        let foreign = told.differences.iter().filter(|it| matches!(it, Difference::NotMade(_))).count();
        let known = count(told.listed.saturating_sub(foreign));
        store.save_comparison(merchant_id, &batch, &compared, known).await.map_err(Problem::from)?;
        Ok(ReconciliationView {
            batch: view(&self.batch_row(&till, &batch).await?),
            listed: count(told.listed),
            differences: told.differences.into_iter().take(DIFFERENCES_MAX).map(difference).collect(),
        })
    }

    /// Forgets the key of the verifiers, and the verifiers first: without it they tell nothing, and with it too much.
    pub(super) async fn forget_voucher_key(&self) -> Result<()> {
        self.core.store.forget_voucher_verifiers().await?;
        self.core.key_store.remove(SecretName::Vouchers(self.core.device.id())).await
    }

    async fn batch_row(&self, till: &Till, batch: &FixedPart) -> Answer<BatchRow> {
        let row = self.core.store.batch(&till.facts.merchant_id, batch).await.map_err(Problem::from)?;
        row.ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// The key in a bank's file, once a pinned root of that bank vouches for it.
    fn bank_key(&self, file: &str) -> Answer<(String, VoucherSealingKey)> {
        let text = decoded(file, KEY_BYTES_MAX, ErrorCode::VoucherBankKey)?;
        let text = String::from_utf8(text).map_err(|_| ErrorCode::VoucherBankKey)?;
        let read = BankKey::verify(&text, &self.core.keys.roots().banks);
        read.map_err(|error| Problem::new(ErrorCode::VoucherBankKey).with_detail(error.to_string()))
    }

    /// A bank's name as far as this device knows it, or its id.
    async fn bank_name(&self, bank_id: &str) -> Answer<String> {
        let keys = self.core.keys.kept(self.core.server.now_ms()).await.map_err(Problem::from)?;
        let name = keys.and_then(|keys| keys.front(bank_id).map(|(bank, _)| bank.bank_name.clone()));
        Ok(name.unwrap_or_else(|| bank_id.to_owned()))
    }

    async fn kept_verifier_key(&self) -> Result<Option<VerifierKey>> {
        let kept = self.load_secret(SecretName::Vouchers(self.core.device.id())).await?;
        let damaged = || WalletError::KeyFile("the key of voucher verifiers is damaged".to_owned());
        let key = kept.map(|kept| kept.as_slice().try_into().map(VerifierKey::from_bytes).map_err(|_| damaged()));
        key.transpose()
    }

    /// The key of the verifiers, which is kept before anything is made with it.
    async fn verifier_key(&self) -> Result<VerifierKey> {
        if let Some(key) = self.kept_verifier_key().await? {
            return Ok(key);
        }
        let key = VerifierKey::generate();
        let secret = zeroize::Zeroizing::new(key.expose_bytes().to_vec());
        self.keep_secret(SecretName::Vouchers(self.core.device.id()), secret).await?;
        Ok(key)
    }
}

/// A file that the window read.
fn decoded(base64: &str, bytes_max: usize, code: ErrorCode) -> Answer<Vec<u8>> {
    // Four letters for every three bytes.
    if base64.len() / 4 * 3 > bytes_max {
        return Err(Problem::new(code).with_detail("the file is too large"));
    }
    STANDARD.decode(base64.trim()).map_err(|_| code.into())
}

fn lot_of(lot: &LotView) -> Lot {
    Lot { count: usize::try_from(lot.count).unwrap_or(usize::MAX), amount_minor: lot.amount.minor() }
}

fn unmade(error: BatchError) -> Problem {
    Problem::new(ErrorCode::InvalidInput).with_detail(error.to_string())
}

fn difference(found: Difference) -> DifferenceView {
    let (kind, number) = match found {
        Difference::NotAtBank(number) => (DifferenceKind::NotAtBank, number),
        Difference::NotMade(number) => (DifferenceKind::NotMade, number),
        Difference::Amount(number) => (DifferenceKind::Amount, number),
        Difference::DoesNotAddUp(number) => (DifferenceKind::DoesNotAddUp, number),
    };
    DifferenceView { number, kind }
}

fn view(row: &BatchRow) -> VoucherBatchView {
    let money = |minor| Amount::new(minor, row.currency);
    VoucherBatchView {
        batch: row.batch.clone(),
        bank_id: row.bank_id.clone(),
        bank_name: row.bank_name.clone(),
        vouchers: row.vouchers,
        total: money(row.total_minor),
        large_from: money(row.large_from_minor),
        created_ms: row.created_ms,
        has_file: row.has_file,
        can_check: row.has_verifiers,
        compared: row.compared.map(|compared| ComparedView {
            at_ms: compared.at_ms,
            differences: compared.differences,
            sold: money(compared.sold_minor),
            spent: money(compared.spent_minor),
            left: money(compared.left_minor),
        }),
    }
}
