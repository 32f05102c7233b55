//! What a merchant does about its own vouchers, and what came of it.

use payment::{Amount, FixedPart};
use protocol::ipc::means::TypedSecret;
use protocol::ipc::vouchers::{
    LotView, ReconciliationView, VoucherBatchMake, VoucherBatchSave, VoucherBatchView, VoucherBatches, VoucherCheck,
    VoucherCheckView, VoucherReconcile,
};

use super::place::SellScreen;
use super::till::{Fetched, read};
use crate::signal::RwSignal;
use crate::state::App;

/// A handle on what the vouchers' screens share.
#[derive(Clone, Copy)]
pub struct Vouchers {
    /// The batches, the newest first.
    pub batches: RwSignal<Fetched<Vec<VoucherBatchView>>>,
    /// The batch that is looked at.
    pub batch: RwSignal<Option<FixedPart>>,
    /// What came of comparing it with the bank, while it is looked at.
    pub compared: RwSignal<Option<ReconciliationView>>,
    /// What is known of the voucher that was shown last.
    pub checked: RwSignal<Option<VoucherCheckView>>,
}

/// A batch as it was typed.
pub struct Typed {
    /// The six digits.
    pub batch: FixedPart,
    /// How many of how much.
    pub lots: Vec<LotView>,
    /// From which amount on it is large.
    pub large_from: Amount,
    /// The bank's file.
    pub bank_key: String,
}

impl Vouchers {
    /// Nothing was read yet.
    pub fn new() -> Self {
        Self {
            batches: RwSignal::new(Fetched::Awaited),
            batch: RwSignal::new(None),
            compared: RwSignal::new(None),
            checked: RwSignal::new(None),
        }
    }

    /// The batch that is looked at, as last read.
    pub fn shown(self) -> Option<VoucherBatchView> {
        let batch = self.batch.get()?;
        self.batches.with(|all| all.here()?.iter().find(|it| it.batch == batch).cloned())
    }

    /// Puts a newer view of a batch into the list.
    fn renew(self, view: VoucherBatchView) {
        self.batches.update(|all| match all {
            Fetched::Here(all) => match all.iter_mut().find(|known| known.batch == view.batch) {
                Some(known) => *known = view,
                None => all.insert(0, view),
            },
            Fetched::Awaited | Fetched::Failed(_) => *all = Fetched::Here(vec![view]),
        });
    }
}

impl App {
    /// Reads the batches.
    pub async fn read_batches(self) {
        read(self.till.vouchers.batches, VoucherBatches {}).await;
    }

    /// Makes a batch, and shows it.
    pub fn make_batch(self, typed: Typed) {
        let Typed { batch, lots, large_from, bank_key } = typed;
        self.while_busy(async move {
            let Some(made) = self.ask(VoucherBatchMake { batch, lots, large_from, bank_key }).await else { return };
            // The others are read beside it, so that the list is whole.
            self.read_batches().await;
            let batch = made.batch.clone();
            self.till.vouchers.renew(made);
            self.open_batch(batch);
        });
    }

    /// Looks at a batch.
    pub fn open_batch(self, batch: FixedPart) {
        self.till.vouchers.compared.set(None);
        self.till.vouchers.batch.set(Some(batch));
        self.sell(SellScreen::VoucherBatch);
    }

    /// Writes the bank's file of a batch where the person says.
    pub fn save_batch(self, batch: FixedPart) {
        self.export(VoucherBatchSave { batch, path: None });
    }

    /// Compares the batch that is looked at with its bank's file.
    pub fn compare_batch(self, file: String) {
        let Some(batch) = self.till.vouchers.batch.get_untracked() else { return };
        self.till.vouchers.compared.set(None);
        self.while_busy(async move {
            if let Some(told) = self.ask(VoucherReconcile { batch, file }).await {
                self.till.vouchers.renew(told.batch.clone());
                self.till.vouchers.compared.set(Some(told));
            }
        });
    }

    /// Asks whether a voucher is one of ours.
    pub fn check_voucher(self, number: String, code: TypedSecret) {
        self.till.vouchers.checked.set(None);
        self.while_busy(async move {
            self.till.vouchers.checked.set(self.ask(VoucherCheck { number, code }).await);
        });
    }
}
