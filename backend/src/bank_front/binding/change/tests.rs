//! Changes, proposed and confirmed, in a database.

use super::check::{DAY_MS, HOUR_MS, LIMIT_MINOR_MAX, SPOILT_PER_DAY_MAX};
use super::*;
use crate::bank_front::account::AccountId;
use crate::bank_front::binding::{COUNTER, PayerState, TerminalKind};
use crate::bank_front::tests::support::{Bench, HOLDER, NOW_MS};
use crate::bank_front::tests::texts::{assert_kept_nowhere, code_to, texts_to};
use crate::password::{Password, PasswordVerifier};

const PHONE: &str = "+12025550143";
const PAGER: &str = "ann@pager.example";
const OTHER_PHONE: &str = "+12025550199";
const SECOND_ACCOUNT: &str = "cardholder:mastercard-0011";

/// A bank with a customer on file, and what was read on its telephones.
struct Desk {
    bench: Bench,
    now_ms: i64,
    seen: Vec<String>,
    proposed: u32,
}

impl Desk {
    async fn new() -> Self {
        let desk = Self { bench: Bench::new().await, now_ms: NOW_MS, seen: Vec::new(), proposed: 0 };
        desk.open("ann-0001", PHONE, &[HOLDER, SECOND_ACCOUNT]).await;
        desk
    }

    async fn open(&self, name: &str, phone: &str, accounts: &[&str]) {
        let new =
            Customer { name: name.to_owned(), telephone: Address::parse(phone).unwrap(), language: "en".to_owned() };
        let accounts: Vec<_> = accounts.iter().map(|account| AccountId::named(account)).collect();
        let opened = self
            .bench
            .front
            .db
            .write(move |db_tx| Box::pin(async move { Customer::open(db_tx, &new, &accounts, NOW_MS).await }));
        opened.await.unwrap();
    }

    async fn propose_at(&mut self, name: &str, deed: Deed, confirm_at: Option<i64>) -> Result<Change, ChangeRefused> {
        self.proposed += 1;
        let proposal = Proposal {
            change_id: format!("change-{}", self.proposed),
            channel: "online-banking".to_owned(),
            digest: format!("digest-{}", self.proposed),
            deed,
            confirm_at,
        };
        let (front, name, now_ms) = (std::sync::Arc::clone(&self.bench.front), name.to_owned(), self.now_ms);
        let writing = std::sync::Arc::clone(&front);
        let proposed = front.db.write(move |db_tx| {
            Box::pin(async move {
                let customer = Customer::named(db_tx, &name).await?;
                Change::propose(db_tx, &writing.hsm, &customer, proposal, now_ms).await
            })
        });
        let (change, sendings) = proposed.await.unwrap()?;
        for sending in sendings {
            front.gateways.send_soon(sending);
        }
        Ok(change)
    }

    async fn propose(&mut self, deed: Deed) -> Result<Change, ChangeRefused> {
        self.propose_at("ann-0001", deed, None).await
    }

    async fn type_code(&self, change: &Change, number: i64, code: &str) -> Result<Change, ChangeRefused> {
        let (front, now_ms) = (std::sync::Arc::clone(&self.bench.front), self.now_ms);
        let (id, code, writing) = (change.change_id.clone(), code.to_owned(), std::sync::Arc::clone(&front));
        let typed = front.db.write(move |db_tx| {
            Box::pin(async move {
                let customer = Customer::named(db_tx, "ann-0001").await?;
                Change::type_code(db_tx, &writing.hsm, &customer, (&id, number, &code), now_ms).await
            })
        });
        typed.await.unwrap()
    }

    async fn code(&mut self, to: &str, says: &str) -> String {
        code_to(&self.bench, to, says, &mut self.seen).await
    }

    /// Ann pays by code, from two terminals.
    async fn bind(&mut self) {
        let change = self.propose(opened(&[HOLDER], &[PHONE, PAGER])).await.unwrap();
        let first = self.code(PHONE, "registers").await;
        let second = self.code(PAGER, "registers").await;
        self.type_code(&change, 1, &first).await.unwrap();
        assert_eq!(self.type_code(&change, 2, &second).await.unwrap().state, ChangeState::Done);
    }

    async fn payer(&self) -> Option<Payer> {
        let mut connection = self.bench.front.db.reader().acquire().await.unwrap();
        Payer::bound_to(&mut connection, "ann-0001").await.unwrap()
    }

    async fn addresses(&self) -> Vec<String> {
        let mut connection = self.bench.front.db.reader().acquire().await.unwrap();
        let terminals = self.payer().await.unwrap().terminals(&mut connection).await.unwrap();
        terminals.iter().map(|it| it.address.as_ref().map_or("device", Address::as_str).to_owned()).collect()
    }

    async fn journal(&self) -> Vec<String> {
        let mut connection = self.bench.front.db.reader().acquire().await.unwrap();
        let entries = JournalEntry::newest(&mut connection, Some("ann-0001"), 100).await.unwrap();
        entries.iter().map(|entry| format!("{} {} {}", entry.channel, entry.what, entry.detail)).collect()
    }
}

fn opened(accounts: &[&str], terminals: &[&str]) -> Deed {
    Deed::Open {
        accounts: accounts.iter().map(|account| AccountId::named(account)).collect(),
        terminals: terminals.iter().map(|text| Address::parse(text).unwrap()).collect(),
        password: PasswordVerifier::of_nobody(),
        payment_limit_minor: 5_000,
        day_limit_minor: 8_000,
    }
}

fn added(address: &str) -> Deed {
    Deed::AddTerminal(Address::parse(address).unwrap())
}

fn other(code: &str) -> String {
    if code == "000000" { "000001" } else { "000000" }.to_owned()
}

#[tokio::test]
async fn a_customer_is_bound_when_every_terminal_has_sent_its_code_back() {
    let mut desk = Desk::new().await;
    let change = desk.propose(opened(&[HOLDER], &[PHONE, PAGER])).await.unwrap();
    let purposes: Vec<_> = change.proofs.iter().map(|proof| (proof.purpose, proof.masked.as_str())).collect();
    assert_eq!(purposes, [(Purpose::Register, "••43"), (Purpose::Register, "a••@pager.example")]);
    let first = desk.code(PHONE, "registers").await;
    assert_eq!(desk.type_code(&change, 1, &first).await.unwrap().state, ChangeState::Waiting);
    assert!(desk.payer().await.is_none(), "half a proof binds nobody");
    let second = desk.code(PAGER, "registers").await;
    // One terminal's code is not another's.
    assert!(matches!(desk.type_code(&change, 2, &first).await, Err(ChangeRefused::WrongCode(2))));
    assert_eq!(desk.type_code(&change, 2, &second).await.unwrap().state, ChangeState::Done);
    assert_eq!(desk.payer().await.unwrap().state, PayerState::Active);
    assert_eq!(desk.journal().await, ["online-banking open cardholder:visa-0050; ••43, a••@pager.example"]);
    // Whoever did not hear the answer brings the code again.
    assert_eq!(desk.type_code(&change, 2, &second).await.unwrap().state, ChangeState::Done);
    assert_eq!(desk.journal().await.len(), 1);
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM payer_change WHERE deed IS NOT NULL")
        .fetch_one(desk.bench.front.db.reader())
        .await
        .unwrap();
    assert_eq!(left, 0, "what is over keeps no address and no verifier");
}

#[tokio::test]
async fn whoever_binds_another_telephone_needs_the_one_on_file() {
    let mut desk = Desk::new().await;
    let change = desk.propose(opened(&[HOLDER], &[OTHER_PHONE])).await.unwrap();
    let own = desk.code(OTHER_PHONE, "registers").await;
    assert_eq!(desk.type_code(&change, 2, &own).await.unwrap().state, ChangeState::Waiting);
    assert!(desk.payer().await.is_none());
    let confirms = desk.code(PHONE, "allows this: paying by code").await;
    assert_eq!(desk.type_code(&change, 1, &confirms).await.unwrap().state, ChangeState::Done);
    crate::bank_front::gateways::send_due(&desk.bench.front).await.unwrap();
    let told = texts_to(&desk.bench, PHONE).await;
    assert!(told.iter().any(|text| text.contains("terminals you registered")), "{told:?}");
}

#[tokio::test]
async fn no_terminal_is_added_without_a_registered_one() {
    let mut desk = Desk::new().await;
    desk.bind().await;
    let change = desk.propose_at("ann-0001", added(OTHER_PHONE), Some(2)).await.unwrap();
    let own = desk.code(OTHER_PHONE, "registers").await;
    assert_eq!(desk.type_code(&change, 2, &own).await.unwrap().state, ChangeState::Waiting);
    assert_eq!(desk.addresses().await, [PHONE, PAGER]);
    let confirms = desk.code(PAGER, "payment codes go to ••99").await;
    desk.type_code(&change, 1, &confirms).await.unwrap();
    assert_eq!(desk.addresses().await, [PHONE, PAGER, OTHER_PHONE]);
    assert!(matches!(desk.propose(added(OTHER_PHONE)).await, Err(ChangeRefused::TerminalKnown)));
    assert!(matches!(desk.propose(Deed::RemoveTerminal(9)).await, Err(ChangeRefused::TerminalUnknown)));
    let unknown = desk.propose_at("ann-0001", Deed::Unlock, Some(9)).await;
    assert!(matches!(unknown, Err(ChangeRefused::TerminalUnknown)));
}

#[tokio::test]
async fn guessing_spoils_a_change_and_three_spoilt_ones_close_the_day() {
    let mut desk = Desk::new().await;
    desk.bind().await;
    for spoilt in 0..SPOILT_PER_DAY_MAX {
        let change = desk.propose(Deed::Limits { payment_minor: 7_000, day_minor: 7_000 }).await.unwrap();
        let right = desk.code(PHONE, "up to USD 70.00").await;
        // The same wrong code is one try, however often it comes.
        let wrong = other(&right);
        for _ in 0..3 {
            assert!(matches!(desk.type_code(&change, 1, &wrong).await, Err(ChangeRefused::WrongCode(2))));
        }
        assert!(matches!(desk.type_code(&change, 1, "x1").await, Err(ChangeRefused::WrongCode(1))));
        assert!(matches!(desk.type_code(&change, 1, "x2").await, Err(ChangeRefused::Over)), "{spoilt}");
        assert!(matches!(desk.type_code(&change, 1, &right).await, Err(ChangeRefused::Over)), "the right one is late");
    }
    assert_eq!(desk.payer().await.unwrap().payment_limit.minor(), 5_000);
    assert!(matches!(desk.propose(Deed::Unlock).await, Err(ChangeRefused::TooManyTries)));
    crate::bank_front::gateways::send_due(&desk.bench.front).await.unwrap();
    let told = texts_to(&desk.bench, PAGER).await;
    assert_eq!(told.iter().filter(|text| text.contains("Wrong codes were typed")).count(), 3, "{told:?}");
    // Whoever wants to stop is not kept from it, and a day later there are codes again.
    desk.now_ms += DAY_MS;
    assert!(desk.propose(Deed::Unlock).await.is_ok());
}

#[tokio::test]
async fn another_customers_account_is_as_unknown_as_none() {
    let mut desk = Desk::new().await;
    desk.open("bob-0001", OTHER_PHONE, &["cardholder:unionpay-1117"]).await;
    for account in ["cardholder:unionpay-1117", "cardholder:nobody", "merchant:blue-door", "fees:USD"] {
        let refused = desk.propose(opened(&[account], &[PHONE])).await;
        assert!(matches!(refused, Err(ChangeRefused::AccountUnknown)), "{account}");
    }
    desk.bind().await;
    let refused = desk.propose(Deed::AddAccount(AccountId::named("unionpay-1117"))).await;
    assert!(matches!(refused, Err(ChangeRefused::AccountUnknown)));
    // And at the counter an account is one customer's.
    let taken = desk.bench.front.db.write(|db_tx| {
        Box::pin(async move {
            let bob = Customer::named(db_tx, "bob-0001").await?;
            Customer::open(db_tx, &bob, &[AccountId::named(HOLDER)], NOW_MS).await
        })
    });
    assert!(matches!(taken.await, Err(BankError::AccountHeld(_))));
}

#[tokio::test]
async fn another_customers_change_is_as_unknown_as_none() {
    let mut desk = Desk::new().await;
    desk.open("bob-0001", OTHER_PHONE, &["cardholder:unionpay-1117"]).await;
    let bobs = desk.propose_at("bob-0001", opened(&["cardholder:unionpay-1117"], &[OTHER_PHONE]), None).await.unwrap();
    let code = desk.code(OTHER_PHONE, "registers").await;
    assert!(matches!(desk.type_code(&bobs, 1, &code).await, Err(ChangeRefused::Unknown)));
}

#[tokio::test]
async fn an_address_gets_few_codes_whoever_asks() {
    let mut desk = Desk::new().await;
    desk.open("bob-0001", PAGER_OWNER, &["cardholder:unionpay-1117"]).await;
    let mut gone = 0;
    for round in 0..12 {
        let (name, account) = if round % 2 == 0 { ("ann-0001", HOLDER) } else { ("bob-0001", "unionpay-1117") };
        match desk.propose_at(name, opened(&[account], &["+12025550177"]), None).await {
            Ok(_) => gone += 1,
            Err(refused) => assert_eq!(refused, ChangeRefused::TooManyTexts),
        }
    }
    assert_eq!(gone, 10);
    assert_eq!(texts_to(&desk.bench, "+12025550177").await.len(), 10);
    desk.now_ms += HOUR_MS + 1;
    assert!(desk.propose(opened(&[HOLDER], &["+12025550177"])).await.is_ok());
}

/// Bob's telephone on file.
const PAGER_OWNER: &str = "+12025550188";

#[tokio::test]
async fn whoever_ended_begins_anew_under_another_identity_code() {
    let mut desk = Desk::new().await;
    desk.bind().await;
    let former = desk.payer().await.unwrap();
    assert_eq!(desk.propose(Deed::End).await.unwrap().state, ChangeState::Done, "ending waits for no code");
    assert!(desk.payer().await.is_none());
    assert!(matches!(desk.propose(Deed::Unlock).await, Err(ChangeRefused::NotBound)));
    desk.bind().await;
    assert_ne!(desk.payer().await.unwrap().identity_code.as_str(), former.identity_code.as_str());
    let mut connection = desk.bench.front.db.reader().acquire().await.unwrap();
    let record = Payer::of_id(&mut connection, &former.payer_id).await.unwrap();
    assert_eq!((record.state, record.customer), (PayerState::Ended, format!("ann-0001/{}", former.identity_code)));
}

#[tokio::test]
async fn a_device_confirms_and_none_of_its_codes_twice() {
    let mut desk = Desk::new().await;
    desk.bind().await;
    let payer = desk.payer().await.unwrap();
    let (id, now_ms) = (payer.payer_id.clone(), desk.now_ms);
    let place = (desk.bench.front.db)
        .write(move |db_tx| Box::pin(async move { payer.add_terminal(db_tx, None, now_ms).await }))
        .await
        .unwrap();
    let shown = crate::totp::shown(&*desk.bench.front.hsm.device_secret(&id, place), desk.now_ms);
    let limits = || Deed::Limits { payment_minor: 100, day_minor: 200 };
    let change = desk.propose_at("ann-0001", limits(), Some(place)).await.unwrap();
    assert_eq!(change.proofs[0].kind, TerminalKind::Device);
    assert_eq!(desk.type_code(&change, 1, &shown).await.unwrap().state, ChangeState::Done);
    let again = desk.propose_at("ann-0001", limits(), Some(place)).await.unwrap();
    assert!(matches!(desk.type_code(&again, 1, &shown).await, Err(ChangeRefused::WrongCode(2))));
}

#[tokio::test]
async fn a_change_does_nothing_after_its_time_and_another_one_replaces_it() {
    let mut desk = Desk::new().await;
    desk.bind().await;
    let first = desk.propose(Deed::Limits { payment_minor: 100, day_minor: 200 }).await.unwrap();
    let code = desk.code(PHONE, "USD 1.00").await;
    let second = desk.propose(Deed::RemoveTerminal(2)).await.unwrap();
    assert!(matches!(desk.type_code(&first, 1, &code).await, Err(ChangeRefused::Over)));
    let code = desk.code(PHONE, "no more codes to terminal 2").await;
    desk.now_ms += CHANGE_LIFE_MS;
    assert!(matches!(desk.type_code(&second, 1, &code).await, Err(ChangeRefused::Over)));
    assert_eq!(desk.addresses().await.len(), 2);
    for wrong in [(0, 5), (6, 5), (1, LIMIT_MINOR_MAX + 1)] {
        let refused = desk.propose(Deed::Limits { payment_minor: wrong.0, day_minor: wrong.1 }).await;
        assert!(matches!(refused, Err(ChangeRefused::LimitsUnfit)), "{wrong:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_any_more_when_the_last_code_comes_is_not_half_done() {
    let mut desk = Desk::new().await;
    desk.bind().await;
    let change = desk.propose(Deed::RemoveTerminal(2)).await.unwrap();
    let code = desk.code(PHONE, "no more codes to terminal 2").await;
    let removed = desk.bench.front.db.write(|db_tx| {
        Box::pin(async move { Payer::of_customer(db_tx, "ann-0001").await?.remove_terminal(db_tx, 2, NOW_MS).await })
    });
    removed.await.unwrap();
    let (front, id) = (&desk.bench.front, change.change_id.clone());
    let writing = std::sync::Arc::clone(front);
    let typed = front.db.write(move |db_tx| {
        Box::pin(async move {
            let customer = Customer::named(db_tx, "ann-0001").await?;
            Change::type_code(db_tx, &writing.hsm, &customer, (&id, 1, &code), NOW_MS).await
        })
    });
    assert!(matches!(typed.await, Err(BankError::NoTerminal)));
    let mut connection = front.db.reader().acquire().await.unwrap();
    let stands = Change::find(&mut connection, "ann-0001", &change.change_id, NOW_MS).await.unwrap().unwrap();
    assert_eq!((stands.state, stands.proofs[0].is_proved), (ChangeState::Waiting, false));
}

#[tokio::test]
async fn a_changed_or_missing_entry_breaks_the_journal() {
    let mut desk = Desk::new().await;
    desk.bind().await;
    desk.propose(Deed::End).await.unwrap();
    let db = &desk.bench.front.db;
    let note = |what: &'static str| {
        db.write(move |db_tx| {
            Box::pin(async move { JournalEntry::append(db_tx, (COUNTER, "bob"), (what, ""), NOW_MS).await })
        })
    };
    note("unlock").await.unwrap();
    assert_eq!(JournalEntry::verify_chain(db).await.unwrap(), 3);
    for (change, at) in [
        ("UPDATE payer_journal SET channel = 'counter' WHERE sequence = 1", 1),
        ("DELETE FROM payer_journal WHERE sequence = 2", 1),
    ] {
        db.write(move |db_tx| Box::pin(async move { sqlx::query(change).execute(db_tx).await.map(drop) }))
            .await
            .unwrap();
        assert!(matches!(JournalEntry::verify_chain(db).await, Err(BankError::Journal(found)) if found == at));
    }
}

#[tokio::test]
async fn a_stolen_database_holds_neither_password_nor_code() {
    let mut desk = Desk::new().await;
    let password = Password::chosen("correct horse 77").ok().unwrap();
    let deed = Deed::Open {
        accounts: vec![AccountId::named(HOLDER)],
        terminals: vec![Address::parse(PHONE).unwrap()],
        password: PasswordVerifier::of(&password, &desk.bench.front.hsm.password_pepper()),
        payment_limit_minor: 5_000,
        day_limit_minor: 8_000,
    };
    desk.propose(deed).await.unwrap();
    let code = desk.code(PHONE, "registers").await;
    // A code of six digits is found by chance; with what stands before it, it is not.
    assert_kept_nowhere(&desk.bench, &["correct horse 77".to_owned(), format!("Code {code}")]);
}
