//! Vouchers at a bank, from a merchant's batch to the end of the day.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use envelope::SecretBytes;
use envelope::keyset::BankTrust;
use envelope::means::voucher::Voucher;
use envelope::means::{self, Means};
use payment::DeclineCode;

use super::*;
use crate::bank_front::hsm::CodeVerifier;
use crate::bank_front::settlement::{self, Early};
use crate::bank_front::tests::support::{Bench, HOLDER, MERCHANT, NOW_MS, Sent, home, usd};
use vouchers::{BankKey, BatchFile, CodeDigits};

mod large;
mod messages;

const FIXED: &str = "420001";
const AMOUNT: i64 = 5_000;
const LARGE_FROM: i64 = 4_000;

/// A bank with a batch of a merchant.
struct Desk {
    bench: Bench,
}

/// A voucher somebody bought.
struct Bought {
    number: VoucherNumber,
    codes: VoucherCodes,
}

impl Desk {
    async fn new(vouchers: usize) -> Self {
        let desk = Self { bench: Bench::new().await };
        assert!(desk.import(&desk.batch(FIXED, vouchers)).await.unwrap());
        desk
    }

    /// A batch as the merchant makes it, sealed to the key that the bank's root signed.
    fn batch(&self, fixed: &str, vouchers: usize) -> BatchFile {
        let hsm = &self.bench.front.hsm;
        let trust = BankTrust { bank_id: "first".to_owned(), key: self.bench.root().public().clone() };
        let (bank_id, key) = BankKey::verify(&hsm.voucher_sealing_key().unwrap(), &[trust]).unwrap();
        let fixed: FixedPart = fixed.parse().unwrap();
        let mut taken = BTreeSet::new();
        let made: Vec<_> = (0..vouchers).map(|_| NewVoucher::generate(&fixed, AMOUNT, &mut taken).unwrap()).collect();
        let currency = "USD".parse().unwrap();
        let header = BatchHeader::new(MERCHANT.parse().unwrap(), bank_id, fixed, currency, LARGE_FROM, 1);
        BatchFile::seal(header, &made, &key, &self.bench.merchant).unwrap()
    }

    async fn import(&self, batch: &BatchFile) -> Result<bool, BankError> {
        let front = &self.bench.front;
        let (header, vouchers) = front.hsm.open_vouchers(batch, self.bench.merchant.public()).unwrap();
        let taken: Vec<_> = vouchers.iter().map(|voucher| TakenVoucher::of(&front.hsm, voucher).unwrap()).collect();
        front.db.write(move |db_tx| Box::pin(async move { import(db_tx, &header, &taken, NOW_MS).await })).await
    }

    async fn sell(&self) -> Result<VoucherNumber, BankError> {
        self.bench.front.db.write(|db_tx| Box::pin(sell_one(db_tx))).await
    }

    async fn hand_over(&self, number: &VoucherNumber) -> Result<VoucherCodes, BankError> {
        let (front, number) = (Arc::clone(&self.bench.front), number.clone());
        let db = front.db.clone();
        db.write(move |db_tx| Box::pin(async move { hand_over(db_tx, &front.hsm, &number, NOW_MS).await })).await
    }

    async fn bought(&self) -> Bought {
        let number = self.sell().await.unwrap();
        let codes = self.hand_over(&number).await.unwrap();
        Bought { number, codes }
    }

    fn verifier<const N: usize>(&self, number: &VoucherNumber, code: &CodeDigits<N>) -> CodeVerifier {
        self.bench.front.hsm.voucher_verifier(number, code).unwrap()
    }

    /// A code that has the right check digits and is not the voucher's.
    fn wrong_code(&self, bought: &Bought) -> CodeVerifier {
        self.verifier(&bought.number, &VoucherCode::generate(&bought.number))
    }

    fn wrong_backup(&self, bought: &Bought) -> CodeVerifier {
        self.verifier(&bought.number, &BackupCode::generate(&bought.number))
    }

    async fn pay_with(
        &self,
        number: &VoucherNumber,
        code: &[u8],
        payee: &str,
        minor: i64,
    ) -> Result<TransferId, DeclineCode> {
        let typed = TypedCode::read(&self.bench.front.hsm, number.as_str(), code)?;
        let payee = AccountId::of_merchant(&payee.parse().unwrap());
        self.bench
            .front
            .db
            .write(move |db_tx| {
                Box::pin(async move {
                    Ok(match spend(db_tx, &typed, Shown::CodeAlone, &payee, usd(minor), NOW_MS).await? {
                        Spending::From(debit) => Ok(ledger::settle(db_tx, &payment_of(debit, minor), NOW_MS).await?),
                        Spending::Refused(code) => Err(code),
                    })
                })
            })
            .await
            .unwrap_or_else(|error: BankError| panic!("{error}"))
    }

    async fn pay(&self, bought: &Bought, minor: i64) -> Result<TransferId, DeclineCode> {
        self.pay_with(&bought.number, bought.codes.code.expose_ascii(), MERCHANT, minor).await
    }

    /// An attempt at a new request of this amount, as a wallet seals it and the payment server sends it.
    fn attempt(&mut self, bought: &Bought, minor: i64, code: &[u8]) -> Sent {
        let order = self.bench.order(usd(minor));
        let customer_number = bought.number.as_str().to_owned();
        let voucher = Means::Voucher(Voucher { customer_number, code: SecretBytes::copy_of(code) });
        self.bench
            .attempt_sealed(&order, |attempt_hash, to| means::seal(to, attempt_hash.as_bytes(), &voucher).unwrap())
    }

    async fn pay_wrong(&self, bought: &Bought) -> DeclineCode {
        let wrong = VoucherCode::generate(&bought.number);
        self.pay_with(&bought.number, wrong.expose_ascii(), MERCHANT, 100).await.unwrap_err()
    }

    async fn view(&self, number: &VoucherNumber) -> VoucherView {
        let mut connection = self.bench.front.db.reader().acquire().await.unwrap();
        let all = of_batch(&mut connection, &number.fixed_part()).await.unwrap();
        for voucher in &all {
            assert!(voucher.record().adds_up(), "{voucher:?}");
        }
        all.into_iter().find(|voucher| voucher.number == *number).unwrap()
    }

    async fn state(&self, bought: &Bought) -> String {
        self.view(&bought.number).await.state
    }

    /// Runs a verb of a voucher's holder with the code or backup code as the bank compares it.
    async fn with<T: Send + 'static>(
        &self,
        verb: impl for<'c> FnOnce(
            &'c mut DbConnection,
            Arc<crate::bank_front::BankFront>,
        ) -> futures::future::BoxFuture<'c, Result<T, BankError>>
        + Send
        + 'static,
    ) -> Result<T, BankError> {
        let front = Arc::clone(&self.bench.front);
        let db = front.db.clone();
        db.write(move |db_tx| verb(db_tx, front)).await
    }

    async fn unlock(&self, number: &VoucherNumber, backup: CodeVerifier) -> Answered<()> {
        let number = number.clone();
        self.with(move |db_tx, _| Box::pin(async move { unlock(db_tx, &number, &backup, NOW_MS).await })).await.unwrap()
    }

    async fn end(&self, bought: &Bought) -> Answered<Amount> {
        let (number, code) = (bought.number.clone(), self.verifier(&bought.number, &bought.codes.code));
        self.with(move |db_tx, _| Box::pin(async move { end(db_tx, &number, &code, NOW_MS).await })).await.unwrap()
    }

    async fn close_day(&mut self) {
        let now_ms = self.bench.clock.fetch_add(86_400_000, Ordering::Relaxed);
        let date = {
            let mut connection = self.bench.front.db.reader().acquire().await.unwrap();
            settlement::business_day::current(&mut connection, now_ms).await.unwrap()
        };
        settlement::close(&self.bench.front.db, date, Early::Allowed, now_ms).await.unwrap();
    }
}

async fn sell_one(db_tx: &mut DbConnection) -> Result<VoucherNumber, BankError> {
    sell(db_tx, &FIXED.parse().unwrap(), AMOUNT, &AccountId::named(HOLDER), NOW_MS).await
}

fn payment_of(debit: AccountId, minor: i64) -> Movement {
    Movement {
        debit,
        credit: AccountId::of_merchant(&MERCHANT.parse().unwrap()),
        amount: usd(minor),
        purpose: "attempt".to_owned(),
        acquirer: None,
    }
}

fn done<T>(answered: Answered<T>) -> T {
    match answered {
        Answered::Done(done) => done,
        Answered::Wrong => panic!("wrong"),
        Answered::Locked(state) => panic!("{state:?}"),
        Answered::Ended => panic!("ended"),
    }
}

#[tokio::test]
async fn a_batch_is_taken_once_and_no_other_under_its_numbers() {
    let desk = Desk { bench: Bench::new().await };
    let batch = desk.batch(FIXED, 3);
    assert!(desk.import(&batch).await.unwrap());
    assert!(!desk.import(&batch).await.unwrap());
    assert!(matches!(desk.import(&desk.batch(FIXED, 3)).await, Err(BankError::Conflict(_))));
    assert!(desk.import(&desk.batch("420002", 1)).await.unwrap());
}

#[tokio::test]
async fn a_purchase_is_a_transfer_and_its_codes_are_handed_over_once() {
    let desk = Desk::new(2).await;
    let before = desk.bench.posted(HOLDER).await;
    let number = desk.sell().await.unwrap();
    assert_eq!(desk.bench.posted(HOLDER).await, before - AMOUNT);
    assert_eq!(desk.bench.posted(AccountId::of_voucher(&number).as_str()).await, AMOUNT);
    assert_eq!(desk.view(&number).await.bought_from, Some(AccountId::named(HOLDER)));
    // Nobody has the codes yet, so nobody can spend it.
    let guess = VoucherCode::generate(&number);
    let told = desk.pay_with(&number, guess.expose_ascii(), MERCHANT, 100).await;
    assert_eq!(told, Err(DeclineCode::WrongVoucherCode));
    desk.hand_over(&number).await.unwrap();
    assert!(matches!(desk.hand_over(&number).await, Err(BankError::VoucherState(_))));
    desk.sell().await.unwrap();
    assert!(matches!(desk.sell().await, Err(BankError::NoVoucher)), "a voucher is sold once");
}

#[tokio::test]
async fn a_voucher_is_spent_in_parts_until_nothing_is_left() {
    let desk = Desk::new(1).await;
    let bought = desk.bought().await;
    desk.pay(&bought, 3_000).await.unwrap();
    assert_eq!(desk.pay(&bought, 2_001).await, Err(DeclineCode::InsufficientFunds));
    let last = desk.pay(&bought, 2_000).await.unwrap();
    assert_eq!(desk.state(&bought).await, "spent");
    assert_eq!(desk.pay(&bought, 1).await, Err(DeclineCode::VoucherEnded));
    assert_eq!(desk.bench.posted("merchant:blue-door").await, AMOUNT);
    // What is given back is on it again, and so is what is undone.
    desk.with(move |db_tx, _| Box::pin(async move { ledger::refund(db_tx, &last, usd(500), "refund", NOW_MS).await }))
        .await
        .unwrap();
    assert_eq!(
        (desk.state(&bought).await.as_str(), desk.view(&bought.number).await.counts.balance_minor),
        ("active", 500)
    );
    let paid = desk.pay(&bought, 500).await.unwrap();
    desk.with(move |db_tx, _| Box::pin(async move { ledger::undo(db_tx, &paid, NOW_MS).await })).await.unwrap();
    let counts = desk.view(&bought.number).await.counts;
    assert_eq!((counts.spent_minor, counts.refunded_minor, counts.balance_minor), (AMOUNT, 500, 500));
}

#[tokio::test]
async fn of_a_thousand_tries_at_the_last_money_one_wins() {
    let desk = Arc::new(Desk::new(1).await);
    let bought = Arc::new(desk.bought().await);
    desk.pay(&bought, 2_000).await.unwrap();
    desk.pay(&bought, 2_000).await.unwrap();
    let tries: Vec<_> = (0..1_000)
        .map(|_| {
            let (desk, bought) = (Arc::clone(&desk), Arc::clone(&bought));
            tokio::spawn(async move { desk.pay(&bought, 1_000).await })
        })
        .collect();
    let mut won = 0;
    for tried in tries {
        match tried.await.unwrap() {
            Ok(_) => won += 1,
            Err(code) => assert_eq!(code, DeclineCode::VoucherEnded),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(desk.bench.posted("merchant:blue-door").await, AMOUNT);
    assert_eq!(desk.view(&bought.number).await.counts.balance_minor, 0);
}

#[tokio::test]
async fn three_wrong_codes_lock_and_guessing_ends_there() {
    let desk = Desk::new(1).await;
    let bought = desk.bought().await;
    assert_eq!(desk.pay_wrong(&bought).await, DeclineCode::WrongVoucherCode);
    // Slips that the check digits tell are no tries.
    for _ in 0..5 {
        let mut slip = *bought.codes.code.expose_ascii();
        slip[0] = b'0' + (slip[0] - b'0' + 1) % 10;
        let told = desk.pay_with(&bought.number, &slip, MERCHANT, 100).await;
        assert_eq!(told, Err(DeclineCode::WrongVoucherCode));
    }
    desk.pay(&bought, 100).await.unwrap();
    assert_eq!(desk.pay_wrong(&bought).await, DeclineCode::WrongVoucherCode);
    assert_eq!(desk.pay_wrong(&bought).await, DeclineCode::WrongVoucherCode);
    assert_eq!(desk.pay_wrong(&bought).await, DeclineCode::VoucherLocked);
    assert_eq!(desk.state(&bought).await, "locked");
    assert_eq!(desk.pay(&bought, 100).await, Err(DeclineCode::VoucherLocked), "not even the right code");
    let backup = desk.verifier(&bought.number, &bought.codes.backup);
    done(desk.unlock(&bought.number, backup).await);
    desk.pay(&bought, 100).await.unwrap();
}

#[tokio::test]
async fn three_wrong_backup_codes_leave_only_the_counter() {
    let desk = Desk::new(1).await;
    let bought = desk.bought().await;
    for _ in 0..2 {
        assert!(matches!(desk.unlock(&bought.number, desk.wrong_backup(&bought)).await, Answered::Wrong));
    }
    let third = desk.unlock(&bought.number, desk.wrong_backup(&bought)).await;
    assert!(matches!(third, Answered::Locked(VoucherState::BankLocked)));
    let right = desk.verifier(&bought.number, &bought.codes.backup);
    assert!(matches!(desk.unlock(&bought.number, right).await, Answered::Locked(VoucherState::BankLocked)));
    assert_eq!(desk.pay(&bought, 100).await, Err(DeclineCode::VoucherLocked));
    let counter = |account: &'static str| {
        let number = bought.number.clone();
        desk.with(move |db_tx, front| {
            Box::pin(
                async move { prove_identity(db_tx, &front.hsm, &number, &AccountId::named(account), NOW_MS).await },
            )
        })
    };
    assert!(matches!(counter("somebody-else").await, Err(BankError::NoVoucher)));
    let codes = counter(HOLDER).await.unwrap();
    assert_eq!(desk.pay(&bought, 100).await, Err(DeclineCode::WrongVoucherCode), "the old code is gone");
    desk.pay_with(&bought.number, codes.code.expose_ascii(), MERCHANT, 100).await.unwrap();
}

#[tokio::test]
async fn a_forgotten_code_is_replaced_by_its_buyer_and_nobody_else() {
    let desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let backup_for = |account: &'static str| {
        let number = bought.number.clone();
        desk.with(move |db_tx, front| {
            Box::pin(
                async move { replace_backup(db_tx, &front.hsm, &number, &AccountId::named(account), NOW_MS).await },
            )
        })
    };
    assert!(matches!(backup_for("mastercard-5454").await, Err(BankError::NoVoucher)));
    let backup = backup_for(HOLDER).await.unwrap();
    let old = desk.verifier(&bought.number, &bought.codes.backup);
    assert!(matches!(desk.unlock(&bought.number, old).await, Answered::Wrong));
    let (number, backup) = (bought.number.clone(), desk.verifier(&bought.number, &backup));
    let code = desk.with(move |db_tx, front| {
        Box::pin(async move { forgot_code(db_tx, &front.hsm, &number, &backup, NOW_MS).await })
    });
    let code = done(code.await.unwrap());
    assert_eq!(desk.pay(&bought, 100).await, Err(DeclineCode::WrongVoucherCode));
    desk.pay_with(&bought.number, code.expose_ascii(), MERCHANT, 100).await.unwrap();
}

#[tokio::test]
async fn balance_and_change_of_code_are_for_whoever_has_the_code() {
    let desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let ask = |code: CodeVerifier| {
        let number = bought.number.clone();
        desk.with(move |db_tx, _| Box::pin(async move { check_code(db_tx, &number, &code, NOW_MS).await }))
    };
    let code = desk.verifier(&bought.number, &bought.codes.code);
    assert_eq!(done(ask(code.clone()).await.unwrap()), usd(AMOUNT));
    assert!(matches!(ask(desk.wrong_code(&bought)).await.unwrap(), Answered::Wrong));
    let (number, old) = (bought.number.clone(), code.clone());
    let changed = desk
        .with(move |db_tx, front| Box::pin(async move { change_code(db_tx, &front.hsm, &number, &old, NOW_MS).await }));
    let changed = done(changed.await.unwrap());
    assert!(matches!(ask(code).await.unwrap(), Answered::Wrong), "the old one is gone");
    assert_eq!(done(ask(desk.verifier(&bought.number, &changed)).await.unwrap()), usd(AMOUNT));
    // Guessing by asking for the balance locks as guessing by paying does.
    for _ in 0..3 {
        ask(desk.wrong_code(&bought)).await.unwrap();
    }
    assert_eq!(desk.state(&bought).await, "locked");
}

#[tokio::test]
async fn what_is_left_on_an_ended_voucher_goes_back_at_the_end_of_the_day() {
    let mut desk = Desk::new(1).await;
    let before = desk.bench.posted(HOLDER).await;
    let bought = desk.bought().await;
    let paid = desk.pay(&bought, 1_200).await.unwrap();
    assert_eq!(done(desk.end(&bought).await), usd(3_800));
    assert_eq!(desk.pay(&bought, 100).await, Err(DeclineCode::VoucherEnded));
    assert!(matches!(desk.end(&bought).await, Answered::Ended));
    assert_eq!(desk.bench.posted(HOLDER).await, before - AMOUNT, "not before the day is over");
    desk.close_day().await;
    assert_eq!(desk.bench.posted(HOLDER).await, before - 1_200);
    assert_eq!(desk.state(&bought).await, "ended");
    // A refund that comes later has no voucher to go to: it follows the rest.
    desk.with(move |db_tx, _| {
        Box::pin(async move { ledger::refund(db_tx, &paid, usd(1_200), "refund", NOW_MS).await })
    })
    .await
    .unwrap();
    desk.close_day().await;
    desk.close_day().await;
    assert_eq!(desk.bench.posted(HOLDER).await, before);
    let counts = desk.view(&bought.number).await.counts;
    assert_eq!((counts.returned_minor, counts.balance_minor), (AMOUNT, 0));
    let mut connection = desk.bench.front.db.reader().acquire().await.unwrap();
    let history = history(&mut connection, &bought.number).await.unwrap();
    let what: Vec<_> = history.iter().map(|line| line.what.as_str()).collect();
    for expected in ["sold", "handed_over", "code_right", "end_asked", "returned", "voucher sold", "voucher returned"] {
        assert!(what.contains(&expected), "{expected}: {what:?}");
    }
    assert_eq!(history.iter().filter_map(|line| line.minor).sum::<i64>(), 0);
    assert!(ledger::audit(&mut connection).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_voucher_pays_its_merchant_and_no_large_amount_alone() {
    let desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let code = *bought.codes.code.expose_ascii();
    assert_eq!(desk.pay_with(&bought.number, &code, "red-door", 100).await, Err(DeclineCode::NotPermitted));
    assert_eq!(desk.pay(&bought, LARGE_FROM).await, Err(DeclineCode::VoucherCardRequired));
    // Where it is not good anyway, nobody is asked for a card.
    assert_eq!(desk.pay_with(&bought.number, &code, "red-door", LARGE_FROM).await, Err(DeclineCode::NotPermitted));
    desk.pay(&bought, LARGE_FROM - 1).await.unwrap();
    // A number nobody sold is answered as a wrong code is.
    let unknown = (0..).find_map(|from| VoucherNumber::from_parts(&"999999".parse().unwrap(), from)).unwrap();
    let code = VoucherCode::generate(&unknown);
    let told = desk.pay_with(&unknown, code.expose_ascii(), MERCHANT, 100).await;
    assert_eq!(told, Err(DeclineCode::WrongVoucherCode));
}

#[tokio::test]
async fn a_request_is_paid_by_voucher_signed_reversed_and_refused_as_by_card() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let sent = desk.attempt(&bought, 1_280, bought.codes.code.expose_ascii());
    let told = desk.bench.pay(&sent).await;
    told.assert_approved(&sent);
    assert_eq!(told.outcome.as_ref().unwrap().card_label, bought.number.label());
    assert_eq!(desk.view(&bought.number).await.counts.spent_minor, 1_280);
    // Sent again it is answered again, and taken once.
    desk.bench.pay(&sent).await.assert_approved(&sent);
    assert_eq!(desk.view(&bought.number).await.counts.balance_minor, AMOUNT - 1_280);
    let reversed = desk.bench.send(sent.about(iso8583::Mti::REVERSAL_ADVICE)).await.unwrap();
    assert_eq!(reversed.text(39).unwrap(), "00");
    assert_eq!(desk.view(&bought.number).await.counts.balance_minor, AMOUNT);
    // The wrong code is refused under the bank's signature, and counted although the payment is not.
    for expected in [DeclineCode::WrongVoucherCode, DeclineCode::WrongVoucherCode, DeclineCode::VoucherLocked] {
        let wrong = VoucherCode::generate(&bought.number);
        let sent = desk.attempt(&bought, 100, wrong.expose_ascii());
        desk.bench.pay(&sent).await.assert_declined(&sent, expected);
        // The same capsule again is no further try.
        desk.bench.pay(&sent).await.assert_declined(&sent, expected);
    }
    assert_eq!(desk.state(&bought).await, "locked");
    assert_eq!(desk.bench.posted("merchant:blue-door").await, 0);
}

#[tokio::test]
async fn a_capsule_made_for_one_request_pays_no_other() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let sent = desk.attempt(&bought, 1_280, bought.codes.code.expose_ascii());
    let other = desk.attempt(&bought, 2_560, bought.codes.code.expose_ascii());
    let swapped = Sent { capsule: sent.capsule.clone(), ..other };
    desk.bench.pay(&swapped).await.assert_declined(&swapped, DeclineCode::OrderMismatch);
    assert_eq!(desk.view(&bought.number).await.counts.balance_minor, AMOUNT);
}

#[tokio::test]
async fn a_stolen_database_has_no_code_in_it() {
    let desk = Desk::new(2).await;
    let offered = desk.bought().await;
    desk.pay(&offered, 100).await.unwrap();
    let home = home(&desk.bench.folder);
    let mut stolen = Vec::new();
    for entry in std::fs::read_dir(home.database().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("bank-front.db") {
            stolen.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |needle: &[u8]| stolen.windows(needle.len()).any(|window| window == needle);
    assert!(holds(offered.number.as_str().as_bytes()), "the vouchers are in these files");
    for secret in [&offered.codes.code.expose_ascii()[..], &offered.codes.backup.expose_ascii()[..]] {
        assert!(!holds(secret));
        assert!(!holds(hex::encode(secret).as_bytes()));
    }
}
