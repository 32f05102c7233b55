//! Codes ordered, typed and attacked, through the bank's own messages.

use envelope::SecretBytes;
use envelope::means::code::{Code, CodeOrder, Ticket, TypedCode};
use envelope::means::{self, Means};
use iso8583::Mti;
use iso8583::private::Composite;
use payment::{DeclineCode, Order};
use std::sync::atomic::Ordering;

use super::{CODE_LIFE_MS, CODE_TRIES_MAX, ORDERS_PER_HOUR_MAX};
use crate::bank_front::account::AccountId;
use crate::bank_front::binding::{Address, NewPayer, PAYER_TRIES_MAX, Payer, PayerState};
use crate::bank_front::gateways;
use crate::bank_front::tests::support::{Bench, HOLDER, NOW_MS, Sent, Told, home, usd};
use crate::password::{Password, PasswordVerifier};
use crate::totp::shown;

const PASSWORD: &str = "correct horse";
const PHONE: &str = "+12025550143";
const PAGER: &str = "ann@pager.example";

/// A bank with one payer by code, and a wallet that orders codes.
struct Codes {
    bench: Bench,
    identity: String,
    read: usize,
}

impl Codes {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let pepper = bench.front.hsm.password_pepper();
        let new = NewPayer {
            customer: "ann-0001".to_owned(),
            language: "en".to_owned(),
            accounts: vec![AccountId::named(HOLDER)],
            terminals: vec![Address::parse(PHONE).unwrap(), Address::parse(PAGER).unwrap()],
            password: PasswordVerifier::of(&Password::chosen(PASSWORD).ok().unwrap(), &pepper),
            payment_limit_minor: 5_000,
            day_limit_minor: 8_000,
        };
        let bound = bench.front.db.write(move |db_tx| Box::pin(async move { Payer::bind(db_tx, &new, NOW_MS).await }));
        let identity = bound.await.ok().unwrap().identity_code.as_str().to_owned();
        gateways::send_due(&bench.front).await.unwrap();
        let mut codes = Self { bench, identity, read: 0 };
        assert_eq!(codes.messages().await.len(), 2, "both terminals are told of the binding");
        codes
    }

    /// What came on the payer's terminals since the last look: where, and what.
    async fn messages(&mut self) -> Vec<(String, String)> {
        self.bench.front.gateways.handed_over().await;
        let folder = home(&self.bench.folder).dir().join("codes");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        // Their names begin with the time, and two of one moment are told apart by nothing.
        files.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
        let new = files.split_off(self.read);
        self.read += new.len();
        new.iter()
            .map(|path| {
                let message: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
                (message["to"].as_str().unwrap().to_owned(), message["text"].as_str().unwrap().to_owned())
            })
            .collect()
    }

    fn wish(&self, ticket: &Ticket, password: &str) -> CodeOrder {
        CodeOrder {
            identity_code: self.identity.clone(),
            password: SecretBytes::copy_of(password.as_bytes()),
            ticket: ticket.again(),
            account: 0,
            terminal: 0,
            named: None,
        }
    }

    fn sealed(&mut self, order: &Order, code: Code) -> Sent {
        let means = Means::Code(code);
        self.bench.attempt_sealed(order, |hash, to| means::seal(to, hash.as_bytes(), &means).unwrap())
    }

    /// Brings a step before the payment; the reason if it was refused.
    async fn bring(&mut self, order: &Order, step: Code) -> Result<(), String> {
        let message = self.sealed(order, step).message().with_mti(Mti::AUTHORIZATION_REQUEST);
        let answer = self.bench.send(message).await.expect("an answer");
        match answer.text(39).unwrap() {
            "00" => Ok(()),
            code => {
                let reason = Composite::of(&answer).unwrap().reason.unwrap();
                assert_eq!(DeclineCode::from_response_code(code).as_str(), reason);
                Err(reason)
            }
        }
    }

    async fn order(&mut self, order: &Order, password: &str) -> Result<Ticket, String> {
        let ticket = Ticket::draw();
        let wish = self.wish(&ticket, password);
        self.bring(order, Code::Order(wish)).await.map(|()| ticket)
    }

    /// Orders a code, and reads it on the terminal.
    async fn ordered(&mut self, order: &Order) -> (Ticket, String) {
        let ticket = self.order(order, PASSWORD).await.unwrap();
        let messages = self.messages().await;
        let [(to, text)] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!(to, PHONE);
        (ticket, code_in(text))
    }

    fn typed(&self, ticket: &Ticket, code: &str) -> TypedCode {
        TypedCode {
            identity_code: self.identity.clone(),
            ticket: ticket.again(),
            code: SecretBytes::copy_of(code.as_bytes()),
        }
    }

    async fn pay(&mut self, order: &Order, ticket: &Ticket, code: &str) -> (Sent, Told) {
        let typed = self.typed(ticket, code);
        let attempt = self.sealed(order, Code::Pay(typed));
        let told = self.bench.pay(&attempt).await;
        (attempt, told)
    }

    /// Asserts that a payment is refused so, and that nothing moved.
    async fn refused(&mut self, order: &Order, ticket: &Ticket, code: &str, expected: DeclineCode) -> Told {
        let before = self.bench.posted(HOLDER).await;
        let (attempt, told) = self.pay(order, ticket, code).await;
        told.assert_declined(&attempt, expected);
        assert_eq!(self.bench.posted(HOLDER).await, before);
        told
    }

    async fn payer(&self) -> Payer {
        let mut connection = self.bench.front.db.reader().acquire().await.unwrap();
        Payer::of_customer(&mut connection, "ann-0001").await.ok().unwrap()
    }

    fn later(&self, ms: i64) {
        self.bench.clock.fetch_add(ms, Ordering::Relaxed);
    }
}

/// The six digits of a message.
fn code_in(text: &str) -> String {
    let code = text.split(|letter: char| !letter.is_ascii_digit()).find(|digits| digits.len() == 6);
    code.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

/// Another code than this.
fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_code_pays_what_the_terminal_showed_and_hides_who_paid() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(1_280));
    let before = codes.bench.posted(HOLDER).await;
    let ticket = codes.order(&order, PASSWORD).await.unwrap();
    let messages = codes.messages().await;
    let [(to, text)] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(to == PHONE && text.contains(&order.amount.to_string()) && text.contains("Blue Door Café"), "{text}");
    let (attempt, told) = codes.pay(&order, &ticket, &code_in(text)).await;
    told.assert_approved(&attempt);
    assert_eq!(codes.bench.posted(HOLDER).await, before - 1_280);
    let label = &told.outcome.unwrap().card_label;
    assert_eq!(*label, format!("code ••{}", &codes.identity[8..]));
}

#[tokio::test]
async fn a_code_for_one_amount_pays_no_other() {
    let mut codes = Codes::new().await;
    let (shown, other) = (codes.bench.order(usd(1_280)), codes.bench.order(usd(4_000)));
    let (ticket, code) = codes.ordered(&shown).await;
    codes.refused(&other, &ticket, &code, DeclineCode::OrderMismatch).await;
    let (attempt, told) = codes.pay(&shown, &ticket, &code).await;
    told.assert_approved(&attempt);
}

#[tokio::test]
async fn a_code_serves_once_even_at_once() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(100));
    let (ticket, code) = codes.ordered(&order).await;
    let (one, two) = (codes.typed(&ticket, &code), codes.typed(&ticket, &code));
    let (one, two) = (codes.sealed(&order, Code::Pay(one)), codes.sealed(&order, Code::Pay(two)));
    let (first, second) = tokio::join!(codes.bench.pay(&one), codes.bench.pay(&two));
    let approved = [&first, &second].into_iter().filter(|told| told.code == "00").count();
    assert_eq!(approved, 1, "{first:?} {second:?}");
    let next = codes.bench.order(usd(100));
    codes.refused(&next, &ticket, &code, DeclineCode::OrderMismatch).await;
}

#[tokio::test]
async fn a_code_after_its_time_pays_nothing() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(100));
    let (ticket, code) = codes.ordered(&order).await;
    codes.later(CODE_LIFE_MS);
    codes.refused(&order, &ticket, &code, DeclineCode::CodeOver).await;
}

#[tokio::test]
async fn another_order_of_a_code_gives_the_first_up() {
    let mut codes = Codes::new().await;
    let (first, second) = (codes.bench.order(usd(100)), codes.bench.order(usd(200)));
    let (old_ticket, old_code) = codes.ordered(&first).await;
    let (ticket, code) = codes.ordered(&second).await;
    codes.refused(&first, &old_ticket, &old_code, DeclineCode::CodeOver).await;
    let (attempt, told) = codes.pay(&second, &ticket, &code).await;
    told.assert_approved(&attempt);
}

#[tokio::test]
async fn whoever_guesses_at_a_code_spoils_it_and_in_the_end_locks_the_payer() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(100));
    for round in 1..=PAYER_TRIES_MAX {
        let (ticket, code) = codes.ordered(&order).await;
        for left in (1..CODE_TRIES_MAX).rev() {
            let told = codes.refused(&order, &ticket, &wrong(&code), DeclineCode::WrongCode).await;
            assert_eq!(told.pin_tries_left(), Some(left));
        }
        codes.refused(&order, &ticket, &wrong(&code), DeclineCode::CodeOver).await;
        codes.refused(&order, &ticket, &code, DeclineCode::CodeOver).await;
        assert_eq!(codes.payer().await.tries_left, PAYER_TRIES_MAX - round, "a right password gives no tries back");
    }
    assert_eq!(codes.payer().await.state, PayerState::Locked);
    assert_eq!(codes.order(&order, PASSWORD).await.err().as_deref(), Some("declined_wrong_identity"));
}

#[tokio::test]
async fn stuffed_passwords_lock_the_payer_who_is_told_and_the_bank_unlocks() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(100));
    let wrong_identity = Some("declined_wrong_identity");
    for guess in 0..PAYER_TRIES_MAX {
        assert_eq!(codes.order(&order, &format!("guess number {guess}")).await.err().as_deref(), wrong_identity);
    }
    // The right one is answered like a wrong one: nothing tells a guesser that it has found it.
    assert_eq!(codes.order(&order, PASSWORD).await.err().as_deref(), wrong_identity);
    gateways::send_due(&codes.bench.front).await.unwrap();
    let told = codes.messages().await;
    assert!(told.len() == 2 && told.iter().all(|(_, text)| text.contains("locked")), "{told:?}");
    let now_ms = codes.bench.front.now_ms();
    let unlock = codes.bench.front.db.write(move |db_tx| {
        Box::pin(async move { Payer::of_customer(db_tx, "ann-0001").await?.unlock(db_tx, now_ms).await })
    });
    unlock.await.unwrap();
    assert!(codes.order(&order, PASSWORD).await.is_ok());
    // Nobody and somebody with a wrong password are told alike.
    codes.identity = payment::IdentityCode::from_random(&[7; 11]).as_str().to_owned();
    assert_eq!(codes.order(&order, PASSWORD).await.err().as_deref(), wrong_identity);
}

#[tokio::test]
async fn the_code_alone_pays_nothing_and_neither_does_the_password() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(100));
    let (ticket, code) = codes.ordered(&order).await;
    // Whoever reads the telephone has no ticket; whoever has the page has no code.
    codes.refused(&order, &Ticket::draw(), &code, DeclineCode::CodeOver).await;
    codes.refused(&order, &ticket, &wrong(&code), DeclineCode::WrongCode).await;
    // And what orders a code pays nothing in a debit, nor does what pays order one.
    let wish = codes.wish(&Ticket::draw(), PASSWORD);
    let attempt = codes.sealed(&order, Code::Order(wish));
    codes.bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::OrderMismatch);
    let typed = codes.typed(&ticket, &code);
    assert_eq!(codes.bring(&order, Code::Pay(typed)).await.err().as_deref(), Some("declined_order_mismatch"));
}

#[tokio::test]
async fn a_terminal_named_on_the_spot_is_confirmed_by_a_registered_one_first() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(100));
    let ticket = Ticket::draw();
    let named = "+12025550199";
    let wish = CodeOrder { named: Some(named.to_owned()), terminal: 2, ..codes.wish(&ticket, PASSWORD) };
    codes.bring(&order, Code::Order(wish)).await.unwrap();
    let messages = codes.messages().await;
    let [(to, text)] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(to == PAGER && text.contains("••99"), "only the registered terminal is sent anything: {messages:?}");
    let confirming = code_in(text);
    // The code that confirms pays nothing, and a wrong one sends nothing.
    codes.refused(&order, &ticket, &confirming, DeclineCode::CodeOver).await;
    let step = Code::Confirm(codes.typed(&ticket, &wrong(&confirming)));
    assert_eq!(codes.bring(&order, step).await.err().as_deref(), Some("declined_wrong_code"));
    assert_eq!(codes.messages().await, []);
    let step = Code::Confirm(codes.typed(&ticket, &confirming));
    codes.bring(&order, step).await.unwrap();
    let messages = codes.messages().await;
    let [(to, text)] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(to, named);
    let (attempt, told) = codes.pay(&order, &ticket, &code_in(text)).await;
    told.assert_approved(&attempt);
    let payer = codes.payer().await;
    let mut connection = codes.bench.front.db.reader().acquire().await.unwrap();
    assert_eq!(payer.terminals(&mut connection).await.ok().unwrap().len(), 2, "it served once and is not registered");
}

#[tokio::test]
async fn a_device_makes_its_codes_itself_and_each_serves_once() {
    let mut codes = Codes::new().await;
    let now_ms = codes.bench.front.now_ms();
    let add = codes.bench.front.db.write(move |db_tx| {
        Box::pin(async move { Payer::of_customer(db_tx, "ann-0001").await?.add_terminal(db_tx, None, now_ms).await })
    });
    let place = add.await.ok().unwrap();
    let secret = codes.bench.front.hsm.device_secret(&codes.payer().await.payer_id, place);
    let by_device = |codes: &Codes, ticket: &Ticket| CodeOrder { terminal: 3, ..codes.wish(ticket, PASSWORD) };
    let order = codes.bench.order(usd(100));
    let ticket = Ticket::draw();
    let wish = by_device(&codes, &ticket);
    codes.bring(&order, Code::Order(wish)).await.unwrap();
    assert_eq!(codes.messages().await, [], "nothing is sent");
    let code = shown(&*secret, codes.bench.front.now_ms());
    let (attempt, told) = codes.pay(&order, &ticket, &code).await;
    told.assert_approved(&attempt);
    let next = codes.bench.order(usd(100));
    let ticket = Ticket::draw();
    let wish = by_device(&codes, &ticket);
    codes.bring(&next, Code::Order(wish)).await.unwrap();
    codes.refused(&next, &ticket, &code, DeclineCode::WrongCode).await;
}

#[tokio::test]
async fn the_payers_limits_hold_when_ordering_and_when_paying() {
    let mut codes = Codes::new().await;
    let much = codes.bench.order(usd(5_001));
    assert_eq!(codes.order(&much, PASSWORD).await.err().as_deref(), Some("declined_limit"));
    let order = codes.bench.order(usd(5_000));
    let (ticket, code) = codes.ordered(&order).await;
    let (attempt, told) = codes.pay(&order, &ticket, &code).await;
    told.assert_approved(&attempt);
    let more = codes.bench.order(usd(3_001));
    let (ticket, code) = codes.ordered(&more).await;
    codes.refused(&more, &ticket, &code, DeclineCode::Limit).await;
    // The right code is used up all the same.
    codes.refused(&more, &ticket, &code, DeclineCode::CodeOver).await;
    codes.later(24 * 60 * 60 * 1_000);
    let tomorrow = codes.bench.order(usd(3_001));
    let (ticket, code) = codes.ordered(&tomorrow).await;
    let (attempt, told) = codes.pay(&tomorrow, &ticket, &code).await;
    told.assert_approved(&attempt);
}

#[tokio::test]
async fn codes_within_an_hour_have_a_bound() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(100));
    for _ in 0..ORDERS_PER_HOUR_MAX {
        codes.ordered(&order).await;
    }
    assert_eq!(codes.order(&order, PASSWORD).await.err().as_deref(), Some("declined_too_many_payments"));
}

#[tokio::test]
async fn a_stolen_database_holds_neither_password_nor_code() {
    let mut codes = Codes::new().await;
    let order = codes.bench.order(usd(100));
    let (_, code) = codes.ordered(&order).await;
    let database = home(&codes.bench.folder).database().to_owned();
    let files = ["", "-wal"].map(|end| format!("{}{end}", database.display()));
    let bytes: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(PHONE), "what is kept is found");
    for secret in [PASSWORD, &format!("Code {code}"), &format!("\"{code}\"")] {
        assert!(!holds(secret), "{secret}");
    }
}
