//! Days of two merchants and an acquirer, closed in all the ways that can go wrong.

use payment::Amount;
use proptest::prelude::*;

use super::batch::Batch;
use super::*;
use crate::bank_front::account::{self, AccountKind, AcquirerId};
use crate::bank_front::ledger::{self, LedgerView, Movement, TransferId};
use crate::bank_front::open_database;
use crate::keys::{BankId, DataFolder};
use crate::storage::{Db, DbConnection};

/// 2026-11-25 00:00 UTC.
const MORNING_MS: i64 = 1_795_564_800_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn usd(minor: i64) -> Amount {
    Amount::new(minor, "USD".parse().unwrap())
}

fn date(text: &str) -> BusinessDate {
    text.parse().unwrap()
}

fn door() -> AccountId {
    AccountId::of_merchant(&"blue-door".parse().unwrap())
}

fn client() -> AcquirerId {
    AcquirerId::parse("00042").unwrap()
}

/// A bank with one cardholder, a merchant that pays 2.9 % and 30 for a sale, and an acquirer that pays nothing.
struct Bank {
    db: Db,
    _folder: tempfile::TempDir,
}

impl Bank {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = open_database(&DataFolder::new(folder.path()).bank_home(&BankId::first())).await.unwrap();
        db.write(|db_tx| Box::pin(open_accounts(db_tx))).await.unwrap();
        Self { db, _folder: folder }
    }

    async fn write<T: Send + 'static>(
        &self,
        step: impl for<'c> FnOnce(&'c mut DbConnection) -> futures::future::BoxFuture<'c, Result<T, BankError>>
        + Send
        + 'static,
    ) -> T {
        self.db.write(step).await.unwrap()
    }

    async fn sell(&self, to: AccountId, minor: i64, at_ms: i64) -> TransferId {
        let movement = Movement {
            debit: AccountId::of_cardholder("ann"),
            credit: to,
            amount: usd(minor),
            purpose: "a sale".to_owned(),
            acquirer: Some(client()),
        };
        self.write(move |db_tx| Box::pin(async move { ledger::settle(db_tx, &movement, at_ms).await })).await
    }

    async fn refund(&self, sale: &TransferId, minor: i64, at_ms: i64) -> TransferId {
        let sale = sale.clone();
        self.write(move |db_tx| {
            Box::pin(async move { ledger::refund(db_tx, &sale, usd(minor), "a refund", at_ms).await })
        })
        .await
    }

    async fn undo(&self, step: &TransferId, at_ms: i64) {
        let step = step.clone();
        self.write(move |db_tx| Box::pin(async move { ledger::undo(db_tx, &step, at_ms).await })).await;
    }

    async fn set_terms(&self, terms: Terms, at_ms: i64) {
        self.write(move |db_tx| Box::pin(async move { terms::set(db_tx, &door(), terms, at_ms).await })).await;
    }

    /// Closes a day at its end.
    async fn close(&self, day: &str) -> Vec<Batch> {
        let now_ms = MORNING_MS + 90 * DAY_MS;
        let batches = close(&self.db, date(day), Early::Refused, now_ms).await.unwrap();
        self.assert_sound().await;
        batches
    }

    async fn assert_sound(&self) {
        let mut connection = self.db.reader().acquire().await.unwrap();
        assert_eq!(ledger::audit(&mut connection).await.unwrap(), []);
        assert_eq!(audit(&mut connection).await.unwrap(), []);
    }

    async fn ledger(&self) -> LedgerView {
        LedgerView::read(&mut self.db.reader().acquire().await.unwrap()).await.unwrap()
    }

    async fn posted(&self, account: &AccountId) -> i64 {
        let view = self.ledger().await;
        view.accounts.iter().find(|view| view.account == account.as_str()).map_or(0, |view| view.posted_minor)
    }
}

async fn open_accounts(db_tx: &mut DbConnection) -> Result<(), BankError> {
    let currency = usd(0).currency();
    let (opening, ann) = (AccountId::opening(currency), AccountId::of_cardholder("ann"));
    let acquirer = AccountId::of_acquirer(&client(), currency);
    for (account_id, kind) in [
        (&opening, AccountKind::Opening),
        (&ann, AccountKind::Cardholder),
        (&door(), AccountKind::Merchant),
        (&acquirer, AccountKind::Acquirer),
    ] {
        account::open(db_tx, account_id, kind, currency, MORNING_MS).await?;
    }
    let movement =
        Movement { debit: opening, credit: ann, amount: usd(10_000_000), purpose: "opening".into(), acquirer: None };
    ledger::settle(db_tx, &movement, MORNING_MS).await?;
    terms::set(db_tx, &door(), usual_terms(), MORNING_MS).await
}

fn usual_terms() -> Terms {
    Terms { fee: FeePlan { basis_points: 290, fixed_minor: 30 }, payout: PayoutSchedule::Daily, payout_least_minor: 0 }
}

#[tokio::test]
async fn a_day_is_settled_with_fees_and_paid_out_and_a_second_closing_changes_nothing() {
    let bank = Bank::new().await;
    bank.sell(door(), 1_280, MORNING_MS + HOUR_MS).await;
    let other = bank.sell(door(), 2_000, MORNING_MS + 2 * HOUR_MS).await;
    bank.refund(&other, 500, MORNING_MS + 3 * HOUR_MS).await;
    let undone = bank.sell(door(), 700, MORNING_MS + 4 * HOUR_MS).await;
    bank.undo(&undone, MORNING_MS + 5 * HOUR_MS).await;
    let acquirer = AccountId::of_acquirer(&client(), usd(0).currency());
    bank.sell(acquirer.clone(), 900, MORNING_MS + 6 * HOUR_MS).await;

    let batches = bank.close("2026-11-25").await;
    let [theirs, ours] = &batches[..] else { panic!("{batches:?}") };
    assert_eq!((&theirs.account, theirs.totals.gross_minor, theirs.paid_out_minor), (&acquirer, 900, 900));
    let totals = &ours.totals;
    assert_eq!((totals.sales, totals.gross_minor, totals.refunds, totals.refunded_minor), (3, 3_980, 1, 500));
    assert_eq!((totals.sale_reversals, totals.sales_reversed_minor), (1, 700));
    // 37 + 30 for the first, 58 + 30 for the second; what the third cost was given back.
    assert_eq!((totals.fee_minor, totals.net_minor), (155, 2_625));
    assert_eq!((ours.paid_out_minor, ours.carried_minor), (2_625, 0));
    assert_eq!(bank.posted(&door()).await, 0);
    assert_eq!(bank.posted(&AccountId::fees(usd(0).currency())).await, 155);
    assert_eq!(bank.posted(&AccountId::payouts(usd(0).currency())).await, 3_525);

    let before = bank.ledger().await;
    assert_eq!(bank.close("2026-11-25").await, batches);
    assert_eq!(bank.ledger().await, before);
}

#[tokio::test]
async fn a_reversal_after_the_payout_is_carried_below_zero_and_never_paid_out_so() {
    let bank = Bank::new().await;
    let sale = bank.sell(door(), 1_280, MORNING_MS).await;
    let paid = bank.close("2026-11-25").await[0].paid_out_minor;
    assert_eq!(paid, 1_280 - 67);
    bank.undo(&sale, MORNING_MS + DAY_MS).await;
    let [second] = &bank.close("2026-11-26").await[..] else { panic!("one batch") };
    assert_eq!((second.totals.sales_reversed_minor, second.totals.fee_minor), (1_280, -67), "its fee is given back");
    assert_eq!((second.paid_out_minor, second.carried_minor), (0, -1_213));
    bank.sell(door(), 1_000, MORNING_MS + 2 * DAY_MS).await;
    let [third] = &bank.close("2026-11-27").await[..] else { panic!("one batch") };
    assert_eq!((third.brought_minor, third.paid_out_minor, third.carried_minor), (-1_213, 0, -272));
    bank.sell(door(), 1_000, MORNING_MS + 3 * DAY_MS).await;
    let [fourth] = &bank.close("2026-11-28").await[..] else { panic!("one batch") };
    assert_eq!((fourth.paid_out_minor, fourth.carried_minor), (669, 0));
}

#[tokio::test]
async fn a_payout_waits_for_its_day_and_its_least_amount() {
    let bank = Bank::new().await;
    // 2026-11-27 is a Friday.
    bank.set_terms(Terms { payout: PayoutSchedule::Weekly(5), ..Terms::default() }, MORNING_MS + 1).await;
    bank.sell(door(), 400, MORNING_MS + HOUR_MS).await;
    let [first] = &bank.close("2026-11-25").await[..] else { panic!("one batch") };
    assert_eq!((first.paid_out_minor, first.carried_minor), (0, 400));
    assert_eq!(bank.close("2026-11-26").await, [], "nothing was sold, and nothing is due");
    let [friday] = &bank.close("2026-11-27").await[..] else { panic!("a payout without a sale") };
    assert_eq!((friday.totals.sales, friday.brought_minor, friday.paid_out_minor), (0, 400, 400));
    let least = Terms { payout_least_minor: 1_000, ..Terms::default() };
    bank.set_terms(least, MORNING_MS + 3 * DAY_MS).await;
    for (day, minor, paid_out) in [("2026-11-28", 999, 0), ("2026-11-29", 1, 1_000)] {
        let at_ms = MORNING_MS + date(day).days_since(date("2026-11-25")) * DAY_MS;
        bank.sell(door(), minor, at_ms).await;
        assert_eq!(bank.close(day).await[0].paid_out_minor, paid_out, "{day}");
    }
}

#[tokio::test]
async fn a_sale_is_charged_by_the_terms_of_its_time() {
    let bank = Bank::new().await;
    bank.sell(door(), 1_000, MORNING_MS + HOUR_MS).await;
    let dearer = Terms { fee: FeePlan { basis_points: 0, fixed_minor: 500 }, ..Terms::default() };
    bank.set_terms(dearer, MORNING_MS + 2 * HOUR_MS).await;
    bank.sell(door(), 1_000, MORNING_MS + 3 * HOUR_MS).await;
    let [batch] = &bank.close("2026-11-25").await[..] else { panic!("one batch") };
    let lines = batch.lines(&mut bank.db.reader().acquire().await.unwrap()).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.fee_minor).collect::<Vec<_>>(), [59, 500]);
}

#[tokio::test]
async fn what_happens_at_the_cut_off_is_of_the_next_day() {
    let bank = Bank::new().await;
    bank.write(|db_tx| Box::pin(business_day::set_cut_off(db_tx, 22 * 60, MORNING_MS))).await;
    let cut_off_ms = MORNING_MS + 22 * HOUR_MS;
    bank.sell(door(), 100, cut_off_ms - 1).await;
    bank.sell(door(), 200, cut_off_ms).await;
    assert_eq!(bank.close("2026-11-25").await[0].totals.gross_minor, 100);
    assert_eq!(bank.close("2026-11-26").await[0].totals.gross_minor, 200);
    let not_over = close(&bank.db, date("2026-11-27"), Early::Refused, cut_off_ms + 2 * DAY_MS - 1).await;
    assert!(matches!(not_over, Err(BankError::DayNotOver(day)) if day == "2026-11-27"));
}

#[tokio::test]
async fn a_day_ended_early_stays_ended_and_what_comes_later_is_of_the_next() {
    let bank = Bank::new().await;
    bank.sell(door(), 100, MORNING_MS + HOUR_MS).await;
    let noon_ms = MORNING_MS + 12 * HOUR_MS;
    let batches = close(&bank.db, date("2026-11-25"), Early::Allowed, noon_ms).await.unwrap();
    assert_eq!(batches[0].totals.gross_minor, 100);
    bank.sell(door(), 200, noon_ms + 1).await;
    assert_eq!(close(&bank.db, date("2026-11-25"), Early::Allowed, noon_ms + HOUR_MS).await.unwrap(), batches);
    let mut connection = bank.db.reader().acquire().await.unwrap();
    assert_eq!(business_day::current(&mut connection, noon_ms + 1).await.unwrap(), date("2026-11-26"));
    let today = of_acquirer(&mut connection, &client(), usd(0).currency(), date("2026-11-25")).await.unwrap();
    assert_eq!(today.debits, Sum { count: 1, minor: 100 });
    assert_eq!(bank.close("2026-11-26").await[0].totals.gross_minor, 200);
}

#[tokio::test]
async fn a_closing_that_was_killed_after_any_step_goes_on_where_it_stood() {
    for steps in 0..4 {
        let bank = Bank::new().await;
        let acquirer = AccountId::of_acquirer(&client(), usd(0).currency());
        bank.sell(door(), 1_280, MORNING_MS).await;
        bank.sell(acquirer.clone(), 900, MORNING_MS).await;
        let day = date("2026-11-25");
        let now_ms = MORNING_MS + DAY_MS;
        // What close() does, up to the step after which the process is killed.
        if steps > 0 {
            let ended = bank.write(move |db_tx| Box::pin(business_day::end(db_tx, day, Early::Refused, now_ms))).await;
            for account_id in [acquirer, door()].into_iter().take(steps - 1) {
                bank.write(move |db_tx| Box::pin(async move { Batch::make(db_tx, &account_id, ended, now_ms).await }))
                    .await;
            }
        }
        // A reversal in between is of the next day, whenever the rest of this one is made.
        let late = bank.sell(door(), 50, now_ms).await;
        bank.undo(&late, now_ms + 1).await;
        let batches = bank.close("2026-11-25").await;
        let paid: Vec<_> = batches.iter().map(|batch| (batch.number, batch.paid_out_minor)).collect();
        assert_eq!(paid, [(1, 900), (2, 1_213)], "killed after {steps} steps");
        assert_eq!(bank.close("2026-11-26").await[0].totals.net_minor, 0);
    }
}

#[tokio::test]
async fn days_nobody_closed_are_closed_with_the_next_each_for_itself() {
    let bank = Bank::new().await;
    for day in 0..3 {
        bank.sell(door(), 1_000 * (day + 1), MORNING_MS + day * DAY_MS).await;
    }
    assert_eq!(bank.close("2026-11-27").await[0].totals.gross_minor, 3_000);
    assert_eq!(bank.close("2026-11-25").await[0].totals.gross_minor, 1_000);
    assert_eq!(bank.close("2026-11-24").await, [], "the bank was not there yet");
}

#[tokio::test]
async fn an_acquirers_day_is_told_by_what_its_messages_did() {
    let bank = Bank::new().await;
    let acquirer = AccountId::of_acquirer(&client(), usd(0).currency());
    let first = bank.sell(acquirer.clone(), 900, MORNING_MS).await;
    let second = bank.sell(acquirer, 600, MORNING_MS + 1).await;
    let back = bank.refund(&first, 400, MORNING_MS + 2).await;
    bank.refund(&first, 100, MORNING_MS + 3).await;
    bank.undo(&back, MORNING_MS + 4).await;
    bank.undo(&second, MORNING_MS + DAY_MS).await;
    let mut connection = bank.db.reader().acquire().await.unwrap();
    let mut of = async |day: &str| of_acquirer(&mut connection, &client(), usd(0).currency(), date(day)).await.unwrap();
    let today = of("2026-11-25").await;
    assert_eq!((today.debits, today.debit_reversals), (Sum { count: 2, minor: 1_500 }, Sum::default()));
    assert_eq!((today.credits, today.credit_reversals), (Sum { count: 2, minor: 500 }, Sum { count: 1, minor: 400 }));
    assert_eq!(today.net_minor(), 1_400);
    assert_eq!(of("2026-11-26").await.net_minor(), -600);
    assert_eq!(of("2026-11-24").await, AcquirerTotals::default());
}

/// Something that happens at the merchant.
#[derive(Debug, Clone)]
enum Event {
    Sale(i64),
    Refund(prop::sample::Index, i64),
    Undo(prop::sample::Index),
    Hours(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1_i64..5_000).prop_map(Event::Sale),
        2 => (any::<prop::sample::Index>(), 1_i64..2_000).prop_map(|(at, minor)| Event::Refund(at, minor)),
        2 => any::<prop::sample::Index>().prop_map(Event::Undo),
        2 => (1_i64..30).prop_map(Event::Hours),
    ]
}

/// What a step did, and what its fee was.
#[derive(Clone)]
struct Done {
    id: TransferId,
    minor: i64,
    fee_minor: i64,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_happens_a_merchant_gets_what_was_sold_less_what_went_back_and_the_fees(
        events in prop::collection::vec(event(), 1..60),
        closings in prop::collection::vec(0..4_i64, 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let bank = Bank::new().await;
            let (mut now_ms, mut owed, mut undoable) = (MORNING_MS, 0, Vec::<Done>::new());
            for event in events {
                now_ms += 1;
                match event {
                    Event::Hours(hours) => now_ms += hours * HOUR_MS,
                    Event::Sale(minor) => {
                        let id = bank.sell(door(), minor, now_ms).await;
                        let fee_minor = usual_terms().fee.fee_minor(minor).unwrap();
                        owed += minor - fee_minor;
                        undoable.push(Done { id, minor, fee_minor });
                    }
                    Event::Refund(at, minor) if !undoable.is_empty() => {
                        let sale = undoable[at.index(undoable.len())].clone();
                        let id = sale.id;
                        let refunded = bank.db.write(move |db_tx| Box::pin(async move {
                            ledger::refund(db_tx, &id, usd(minor), "a refund", now_ms).await
                        })).await;
                        if let Ok(id) = refunded {
                            owed -= minor;
                            undoable.push(Done { id, minor: -minor, fee_minor: 0 });
                        }
                    }
                    Event::Undo(at) if !undoable.is_empty() => {
                        let done = undoable[at.index(undoable.len())].clone();
                        let undone = bank.db.write(move |db_tx| Box::pin(async move {
                            ledger::undo(db_tx, &done.id, now_ms).await
                        })).await;
                        owed -= if undone.is_ok() { done.minor - done.fee_minor } else { 0 };
                    }
                    Event::Refund(..) | Event::Undo(_) => {}
                }
            }
            // Closed in strides of some days, the last beyond everything.
            let mut day = date("2026-11-25");
            for stride in closings {
                for _ in 0..stride {
                    day = day.next().unwrap();
                }
                bank.close(&day.to_string()).await;
            }
            bank.close("2027-02-01").await;
            let paid_out = bank.posted(&AccountId::payouts(usd(0).currency())).await;
            assert_eq!(paid_out + bank.posted(&door()).await, owed);
            assert!(bank.posted(&door()).await <= 0, "what is owed to the merchant was paid out");
        });
    }
}
