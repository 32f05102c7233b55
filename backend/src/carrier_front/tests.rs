//! Phone bills as an operator's front keeps them: what they are for, and what must not work.

use std::sync::atomic::Ordering;

use envelope::means::carrier::Carrier;
use envelope::subscriber::{BillPayment, SubscriberCertificate, SubscriberSignature};
use envelope::{BankRoot, SigningKey, Subscriber};
use futures::future::join_all;
use iso8583::{Message, Mti, network};
use payment::outcome::BankResult;
use payment::{DeclineCode, LineKind, PurchaseProof};

use super::subscriber::{self, SubscriberEvent, TRIES};
use super::{CarrierError, bill, enrolment, month, proof, purchase, settlement};
use support::{Bench, LIMIT, MERCHANT, NAME, NUMBER, OPERATOR, Says, Wallet, usd};

mod support;

const FIXED: &str = "+12025550199";

#[tokio::test]
async fn a_purchase_goes_on_the_bill_and_is_told_looked_up_and_undone() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let order = bench.order(1_280);
    let sent = bench.attempt(&order, &wallet);
    let number = bench.pay(&sent).await.unwrap();
    assert_eq!((bench.owed().await, bench.posted("merchant:").await), (1_280, -1_280));
    // A repeat gets the same answer, and changes nothing.
    assert_eq!(bench.pay(&sent).await, Ok(number.clone()));
    assert_eq!(bench.owed().await, 1_280);
    let told = bench.told_to(NUMBER, number.as_str()).await;
    assert!(told.len() == 1 && told[0].contains("12.80") && told[0].contains("Blue Door"), "{told:?}");

    // Looked up by payer and merchant, with the number that both have.
    let mut connection = bench.front.db.reader().acquire().await.unwrap();
    let found = purchase::Purchase::find_confirmed(&mut connection, &number).await.unwrap();
    assert_eq!(found.asked.unwrap().order_number, order.order_number);
    // The payment server asks what became of it.
    let answer = bench.send(&sent.about(Mti::INQUIRY)).await;
    assert_eq!(bench.told(&answer, &sent), Ok(number));

    // A reversal takes it off again, however often it comes.
    for mti in [Mti::REVERSAL_ADVICE, Mti::REVERSAL_ADVICE_REPEAT] {
        let answer = bench.send(&sent.about(mti)).await;
        assert_eq!((answer.text(39).unwrap(), bench.outcome(&answer).decision), ("00", BankResult::Reversed));
    }
    assert_eq!((bench.owed().await, bench.posted("merchant:").await), (0, 0));
    assert_eq!(bench.told_to(NUMBER, "off your phone bill").await.len(), 1);
}

#[tokio::test]
async fn a_reversal_before_its_purchase_keeps_the_bill_clean() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let order = bench.order(1_280);
    let sent = bench.attempt(&order, &wallet);
    assert_eq!(bench.send(&sent.about(Mti::INQUIRY)).await.text(39).unwrap(), "25");
    assert_eq!(bench.send(&sent.about(Mti::REVERSAL_ADVICE)).await.text(39).unwrap(), "00");
    assert_eq!(bench.pay(&sent).await, Err(DeclineCode::AlreadyReversed));
    assert_eq!(bench.owed().await, 0);
}

#[tokio::test]
async fn a_front_killed_after_it_decided_says_the_same_when_it_is_back() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let order = bench.order(1_280);
    let sent = bench.attempt(&order, &wallet);
    // The answer is lost with the process.
    let lost = bench.send(&sent.message()).await;
    let known = bench.front.keys.certificate(bench.now_ms()).unwrap();
    bench.restart().await;
    assert_eq!(bench.front.keys.certificate(bench.now_ms()).unwrap(), known, "it opens what was sealed before");
    assert_eq!(bench.send(&sent.message()).await, lost);
    let answer = bench.send(&sent.about(Mti::INQUIRY)).await;
    assert!(bench.told(&answer, &sent).is_ok());
    assert_eq!(bench.owed().await, 1_280);
    assert_eq!(bench.told_to(NUMBER, "goes on your phone bill").await.len(), 1, "and the mobile is told after all");
}

#[tokio::test]
async fn a_refund_lowers_the_bill_and_never_below_what_was_paid() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let order = bench.order(1_280);
    let sent = bench.attempt(&order, &wallet);
    bench.pay(&sent).await.unwrap();
    for (minor, response, owed) in [(280, "00", 1_000), (1_001, "64", 1_000), (1_000, "00", 0), (1, "64", 0)] {
        let refund = bench.refund(&sent, minor);
        let answer = bench.send(&refund).await;
        assert_eq!((answer.text(39).unwrap(), bench.owed().await), (response, owed), "{minor}");
        assert_eq!(
            bench.send(&refund.clone().with_mti(Mti::FINANCIAL_REPEAT)).await,
            answer,
            "a repeat is told the same"
        );
    }
    let answer = bench.send(&sent.about(Mti::REVERSAL_ADVICE)).await;
    assert_eq!((answer.text(39).unwrap(), bench.owed().await), ("00", 0), "what came back is not undone again");
}

#[tokio::test]
async fn of_many_purchases_at_once_none_passes_the_credit_limit() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let amount = 300;
    let mut attempts = Vec::new();
    for _ in 0..100 {
        let order = bench.order(amount);
        attempts.push(bench.attempt(&order, &wallet));
    }
    let told = join_all(attempts.iter().map(|sent| bench.pay(sent))).await;
    let made = told.iter().filter(|told| told.is_ok()).count();
    assert_eq!(i64::try_from(made).unwrap(), LIMIT / amount);
    assert!(told.iter().all(|told| !matches!(told, Err(code) if *code != DeclineCode::CreditLimit)), "{told:?}");
    assert_eq!(bench.owed().await, LIMIT / amount * amount);
}

#[tokio::test]
async fn a_request_is_paid_once_however_many_try() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let order = bench.order(100);
    let attempts: Vec<_> = (0..20).map(|_| bench.attempt(&order, &wallet)).collect();
    let told = join_all(attempts.iter().map(|sent| bench.pay(sent))).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|told| **told == Err(DeclineCode::Replay)).count(), 19, "{told:?}");
    assert_eq!(bench.owed().await, 100);
}

#[tokio::test]
async fn wrong_pins_lock_the_subscriber_who_is_told_and_the_counter_unlocks() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    for left in (0..TRIES).rev() {
        let order = bench.order(100);
        let says = Says { pin: "0000", ..Says::default() };
        let sent = bench.attempt_with(&order, &says, &wallet, |_| {});
        let answer = bench.send(&sent.message()).await;
        let BankResult::Declined { code, pin_tries_left } = bench.outcome(&answer).decision else { panic!() };
        assert_eq!((code, pin_tries_left), (DeclineCode::WrongSubscriber, Some(left)));
    }
    // Locked and wrong are one answer, and the right PIN is not looked at.
    let order = bench.order(100);
    let sent = bench.attempt(&order, &wallet);
    assert_eq!(bench.pay(&sent).await, Err(DeclineCode::WrongSubscriber));
    assert_eq!(bench.told_to(NUMBER, "locked after too many wrong PINs. No money moved").await.len(), 1);
    bench.note(SubscriberEvent::Unlocked).await;
    let order = bench.order(100);
    let sent = bench.attempt(&order, &wallet);
    assert!(bench.pay(&sent).await.is_ok());
}

#[tokio::test]
async fn whoever_has_not_the_wallet_pays_nothing_and_uses_up_no_try() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    bench.subscriber(FIXED, LineKind::Mobile).await;
    let other = bench.enrol(FIXED).await;
    // A stranger's key under the serial of the subscriber, and another subscriber's wallet.
    let forged = Wallet { key: SigningKey::<Subscriber>::generate(), certificate: wallet.certificate.clone() };
    for _ in 0..2 * TRIES {
        for thief in [&forged, &other] {
            let order = bench.order(100);
            let says = Says { pin: "0000", ..Says::default() };
            let sent = bench.attempt_with(&order, &says, thief, |_| {});
            assert_eq!(bench.pay(&sent).await, Err(DeclineCode::SubscriberKey));
        }
    }
    // A number that nobody has is answered the same.
    let order = bench.order(100);
    let nobody = Says { number: "+12025550100", ..Says::default() };
    let sent = bench.attempt_with(&order, &nobody, &wallet, |_| {});
    assert_eq!(bench.send(&sent.message()).await.text(39).unwrap(), DeclineCode::SubscriberKey.response_code());
    let order = bench.order(100);
    let sent = bench.attempt(&order, &wallet);
    assert!(bench.pay(&sent).await.is_ok(), "no try of the subscriber's was used up");
}

#[tokio::test]
async fn another_operators_certificate_pays_nothing_here() {
    let mut bench = Bench::new().await;
    let mut south = Bench::new().await;
    let (wallet, foreign) = (bench.enrol(NUMBER).await, south.enrol(NUMBER).await);
    let order = bench.order(100);
    let sent = bench.attempt(&order, &foreign);
    assert_eq!(bench.pay(&sent).await, Err(DeclineCode::SubscriberKey));
    assert!(bench.front.keys.subscriber_certificate(&foreign.certificate, bench.now_ms()).is_none());
    assert!(bench.front.keys.subscriber_certificate(&wallet.certificate, bench.now_ms()).is_some());
}

#[tokio::test]
async fn a_signature_for_something_else_puts_nothing_on_the_bill() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let changes: [fn(&mut BillPayment<'_>); 5] = [
        |paid| paid.amount_minor += 1,
        |paid| paid.merchant_id = "red-door",
        |paid| paid.operator_id = "south",
        |paid| paid.currency = "EUR",
        |paid| paid.attempt_hash = &[7; 32],
    ];
    for change in changes {
        let order = bench.order(100);
        let sent = bench.attempt_with(&order, &Says::default(), &wallet, change);
        assert_eq!(bench.pay(&sent).await, Err(DeclineCode::SubscriberKey));
    }
    assert_eq!(bench.owed().await, 0);
}

#[tokio::test]
async fn a_capsule_moved_to_another_order_or_amount_opens_for_nobody() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let (small, large) = (bench.order(100), bench.order(5_000));
    let sent = bench.attempt(&small, &wallet);
    let mut moved = bench.attempt(&large, &wallet);
    moved.capsule = sent.capsule.clone();
    assert_eq!(bench.pay(&moved).await, Err(DeclineCode::OrderMismatch));
    // The amount beside the order.
    let message = sent.message().with_number(4, 5_000).unwrap();
    let answer = bench.send(&message).await;
    assert_eq!(answer.text(39).unwrap(), DeclineCode::OrderMismatch.response_code());
    // Nothing of it spoilt the honest attempt; and the capsule serves once.
    let mut honest = sent.clone();
    honest.stan += 500;
    assert!(bench.pay(&honest).await.is_ok());
    let mut again = bench.attempt(&small, &wallet);
    again.capsule = sent.capsule;
    assert!(bench.pay(&again).await.is_err());
    assert_eq!(bench.owed().await, 100);
}

#[tokio::test]
async fn a_code_enrols_one_wallet_once_and_guessing_ends() {
    let mut bench = Bench::new().await;
    let says = Says::default();
    assert_eq!(bench.ask(&says).await, "00");
    let code = bench.new_code(NUMBER).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let refused = [DeclineCode::WrongCode, DeclineCode::WrongCode, DeclineCode::CodeOver, DeclineCode::CodeOver];
    for expected in refused {
        let told = bench.enrol_with(&says, wrong).await.err().unwrap();
        assert_eq!(told, expected.response_code());
    }
    assert!(bench.enrol_with(&says, &code).await.is_err(), "a spoilt code is worth nothing");

    assert_eq!(bench.ask(&says).await, "00");
    let code = bench.new_code(NUMBER).await;
    let first = bench.enrol_with(&says, &code).await.unwrap();
    assert!(bench.enrol_with(&says, &code).await.is_err(), "a code serves once");
    // Another wallet ends the one before.
    let second = bench.enrol(NUMBER).await;
    for (wallet, expected) in [(&first, false), (&second, true)] {
        let order = bench.order(100);
        let sent = bench.attempt(&order, wallet);
        assert_eq!(bench.pay(&sent).await.is_ok(), expected);
    }
    assert_eq!(bench.ask(&says).await, "00");
    bench.clock.fetch_add(16 * 60 * 1_000, Ordering::Relaxed);
    let late = bench.new_code(NUMBER).await;
    assert_eq!(bench.enrol_with(&says, &late).await.err().unwrap(), DeclineCode::CodeOver.response_code());
}

#[tokio::test]
async fn guessing_at_enrolment_locks_enrolment_and_nobody_who_pays() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    for (name, pin) in [(NAME, "0000"), ("Somebody Else", "2580"), (NAME, "1111"), (NAME, "2222"), (NAME, "3333")] {
        assert_eq!(bench.ask(&Says { name, pin, ..Says::default() }).await, "P1");
    }
    assert_eq!(bench.ask(&Says::default()).await, "P1", "the right PIN is not looked at any more");
    assert_eq!(bench.told_to(NUMBER, "too many wrong tries").await.len(), 1);
    let order = bench.order(100);
    let sent = bench.attempt(&order, &wallet);
    assert!(bench.pay(&sent).await.is_ok());
    // However a name is written.
    bench.note(SubscriberEvent::Unlocked).await;
    assert_eq!(bench.ask(&Says { name: "ann  EXAMPLE", ..Says::default() }).await, "00");
}

#[tokio::test]
async fn a_key_that_somebody_else_holds_is_not_certified() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.ask(&Says::default()).await, "00");
    let code = bench.new_code(NUMBER).await;
    let (held, other) = (SigningKey::<Subscriber>::generate(), SigningKey::<Subscriber>::generate());
    let claim = Says::default().claim();
    let (response, certificate) = bench
        .enrolment(|hash| {
            Carrier::Enrol(envelope::means::carrier::CarrierEnrolment {
                who: claim,
                code: envelope::SecretBytes::copy_of(code.as_bytes()),
                key: other.public().to_bytes(),
                signature: SubscriberSignature::of_enrolment(&held, hash),
            })
        })
        .await;
    assert_eq!((response.as_str(), certificate), (DeclineCode::OrderMismatch.response_code(), None));
}

async fn close(bench: &Bench, month: month::Month, now_ms: i64) -> Result<usize, CarrierError> {
    bench.front.db.write(move |db_tx| Box::pin(async move { bill::close(db_tx, month, now_ms).await })).await
}

async fn settle(bench: &Bench) -> Result<Vec<settlement::Settled>, CarrierError> {
    let now_ms = bench.now_ms();
    bench.front.db.write(move |db_tx| Box::pin(async move { settlement::run(db_tx, OPERATOR, now_ms).await })).await
}

#[tokio::test]
async fn a_line_in_a_house_enrols_at_the_counter_and_is_told_by_its_statement() {
    let mut bench = Bench::new().await;
    bench.subscriber(FIXED, LineKind::Fixed).await;
    let says = Says { number: FIXED, ..Says::default() };
    assert_eq!(bench.ask(&says).await, "00");
    let front = std::sync::Arc::clone(&bench.front);
    let now_ms = bench.now_ms();
    let drawn = bench
        .front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let found = subscriber::require(db_tx, &FIXED.parse().unwrap()).await?;
                enrolment::draw_at_counter(db_tx, &front.keys, &found, now_ms).await
            })
        })
        .await
        .unwrap();
    let wallet = bench.enrol_with(&says, &drawn.code).await.unwrap();
    let order = bench.order(1_280);
    let sent = bench.attempt_with(&order, &says, &wallet, |_| {});
    let answer = bench.send(&sent.message()).await;
    assert_eq!(answer.text(39).unwrap(), "00");
    assert!(bench.told_to(FIXED, "").await.is_empty(), "a line in a house takes no text");

    // The month's bill has the line, with the number to look it up by; the next begins where it ends.
    let november: month::Month = "2026-11".parse().unwrap();
    let ends_ms = november.ends_ms().unwrap();
    assert!(matches!(close(&bench, november, ends_ms - 1).await, Err(CarrierError::MonthNotOver(_))));
    assert_eq!(close(&bench, november, ends_ms).await.unwrap(), 2);
    assert_eq!(close(&bench, november, ends_ms).await.unwrap(), 0, "a month is closed once");
    let mut connection = bench.front.db.reader().acquire().await.unwrap();
    let found = subscriber::require(&mut connection, &FIXED.parse().unwrap()).await.unwrap();
    let statement = bill::statement(&mut connection, &found, Some(november)).await.unwrap();
    assert_eq!((statement.opening_minor, statement.closing_minor, statement.lines.len()), (0, 1_280, 1));
    let line = &statement.lines[0];
    assert_eq!(line.confirmation_number.as_deref(), answer.text(38).ok());
    assert!(line.narrative.contains("Blue Door") && line.narrative.contains(&order.order_number));
    drop(connection);
    let paid = bench
        .front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let found = subscriber::require(db_tx, &FIXED.parse().unwrap()).await?;
                assert!(matches!(bill::pay(db_tx, &found, 1_281, ends_ms).await, Err(CarrierError::AboveOwed)));
                bill::pay(db_tx, &found, 1_280, ends_ms).await
            })
        })
        .await
        .unwrap();
    let mut connection = bench.front.db.reader().acquire().await.unwrap();
    let open = bill::statement(&mut connection, &found, None).await.unwrap();
    assert_eq!((paid, open.opening_minor, open.closing_minor), (usd(0), 1_280, 0));
    assert_eq!((bench.posted("collections").await, bench.owed().await), (1_280, 0));
}

#[tokio::test]
async fn a_merchant_is_paid_what_was_bought_less_the_share_and_everything_sums_to_zero() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let first = {
        let order = bench.order(1_280);
        bench.attempt(&order, &wallet)
    };
    bench.pay(&first).await.unwrap();
    assert!(settle(&bench).await.unwrap().is_empty(), "nothing was agreed on");
    let merchant: payment::MerchantId = MERCHANT.parse().unwrap();
    bench
        .front
        .db
        .write(move |db_tx| {
            Box::pin(async move { settlement::agree(db_tx, &merchant, 250, settlement::Route::Bank).await })
        })
        .await
        .unwrap();
    let settled = settle(&bench).await.unwrap();
    let [one] = settled.as_slice() else { panic!("{settled:?}") };
    assert_eq!((one.gross_minor, one.share_minor, one.net_minor), (1_280, 32, 1_248));
    assert!(settle(&bench).await.unwrap().is_empty(), "nobody is paid twice");
    let held = [bench.posted("merchant:").await, bench.posted("shares").await, bench.posted("payouts").await];
    assert_eq!(held, [0, -32, -1_248]);
    let csv = String::from_utf8(settlement::transfers_csv(&settled).unwrap()).unwrap();
    assert_eq!(
        csv,
        format!("reference,merchant_id,currency,amount_minor\n{},{MERCHANT},USD,1248\n", one.settlement_id)
    );

    // What is given back afterwards is owed by the merchant, and waits.
    let refund = bench.refund(&first, 1_280);
    assert_eq!(bench.send(&refund).await.text(39).unwrap(), "00");
    assert!(settle(&bench).await.unwrap().is_empty());
    assert_eq!((bench.posted("merchant:").await, bench.owed().await), (1_280, 0));
}

#[tokio::test]
async fn barred_and_ended_subscribers_and_ended_wallets_pay_nothing() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    for (event, expected) in [
        (SubscriberEvent::Barred, Err(DeclineCode::SubscriberBarred)),
        (SubscriberEvent::Lifted, Ok(())),
        (SubscriberEvent::Ended, Err(DeclineCode::SubscriberBarred)),
    ] {
        bench.note(event).await;
        let order = bench.order(100);
        let sent = bench.attempt(&order, &wallet);
        assert_eq!(bench.pay(&sent).await.map(drop), expected, "{event:?}");
    }
    let mut other = Bench::new().await;
    let wallet = other.enrol(NUMBER).await;
    other.clock.fetch_add(366 * month::DAY_MS, Ordering::Relaxed);
    let order = other.order(100);
    let sent = other.attempt(&order, &wallet);
    let response = other.send(&sent.message()).await.text(39).unwrap().to_owned();
    assert_eq!(response, DeclineCode::SubscriberKey.response_code(), "a certificate ends after a year");
}

#[tokio::test]
async fn the_operator_alone_cannot_make_a_proof_that_stands_under_the_subscribers_certificate() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let order = bench.order(1_280);
    let sent = bench.attempt(&order, &wallet);
    let number = bench.pay(&sent).await.unwrap();
    let mut connection = bench.front.db.reader().acquire().await.unwrap();
    let PurchaseProof { receipt, certificate, signature } = proof::of(&mut connection, &number, "a.b.c").await.unwrap();
    drop(connection);
    let outcome = bench.outcome(&bench.send(&sent.about(Mti::INQUIRY)).await);
    let roots = [bench.trust()];
    let certified = SubscriberCertificate::verify_at(&certificate, &roots, bench.now_ms()).unwrap();
    assert_eq!((certified.key.clone(), receipt.order.clone()), (wallet.key.public().clone(), sent.order_jws.clone()));
    let paid = BillPayment {
        operator_id: OPERATOR,
        attempt_hash: outcome.attempt_hash.as_bytes(),
        amount_minor: 1_280,
        currency: "USD",
        merchant_id: MERCHANT,
    };
    let signature = SubscriberSignature::from_base64url(&signature).unwrap();
    assert!(signature.verify_payment(&certified.key, &paid).is_ok());
    // Everything the operator has: its root, its books, the signature of another purchase. Not the wallet's key.
    let more = BillPayment { amount_minor: 12_800, ..paid };
    assert!(signature.verify_payment(&certified.key, &more).is_err());
    let invented = SigningKey::<Subscriber>::generate();
    let forged = SubscriberSignature::of_payment(&invented, &more);
    assert!(forged.verify_payment(&certified.key, &more).is_err());
    // A certificate that it makes for a key of its own is another one: other serial, other key.
    let made = bench.front.keys.certify_subscriber(invented.public().clone(), bench.now_ms());
    let made = SubscriberCertificate::verify_at(&made.certificate, &roots, bench.now_ms()).unwrap();
    assert!(made.serial != certified.serial && made.key.fingerprint() != certified.key.fingerprint());
    // And nobody else can certify for this operator at all.
    let stranger = SigningKey::<BankRoot>::generate();
    assert!(SubscriberCertificate::verify_at(&certified.sign(&stranger), &roots, bench.now_ms()).is_err());

    // What was undone proves nothing.
    bench.send(&sent.about(Mti::REVERSAL_ADVICE)).await;
    let mut connection = bench.front.db.reader().acquire().await.unwrap();
    assert!(matches!(proof::of(&mut connection, &number, "a.b.c").await, Err(CarrierError::Undone)));
}

#[tokio::test]
async fn a_stolen_database_holds_neither_pin_nor_code_nor_key() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    assert_eq!(bench.ask(&Says::default()).await, "00");
    let code = bench.new_code(NUMBER).await;
    let mut rows = Vec::new();
    for table in ["subscriber", "enrolment_code", "subscriber_certificate", "notice", "exchange"] {
        let columns: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')")))
                .fetch_all(bench.front.db.reader())
                .await
                .unwrap();
        for column in columns {
            let query = format!("SELECT CAST({column} AS TEXT) FROM {table} WHERE {column} IS NOT NULL");
            let values: Vec<String> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(bench.front.db.reader()).await.unwrap();
            rows.extend(values);
        }
    }
    assert!(rows.iter().any(|row| row == NUMBER), "what is there is found");
    let seed = wallet.key.expose_bytes();
    for secret in [support::PIN.to_owned(), code, hex::encode(seed)] {
        assert!(rows.iter().all(|row| *row != secret), "{secret}");
    }
    // With the keys, which are elsewhere, one subscriber's verifier is not another's.
    let keys = &bench.front.keys;
    assert_ne!(keys.pin_verifier("one", b"2580"), keys.pin_verifier("other", b"2580"));
    assert_ne!(keys.pin_verifier("one", b"258000"), keys.code_mac("one", b"258000"));
}

#[tokio::test]
async fn the_front_signs_on_and_tells_its_totals() {
    let mut bench = Bench::new().await;
    let wallet = bench.enrol(NUMBER).await;
    let begun = |mti| {
        Message::new(mti)
            .with_text(7, "1118110640")
            .with_text(11, "000777")
            .with_text(32, "000001")
            .with_text(37, "632211000777")
            .with_text(41, "TAPSEAL1")
    };
    let answer = bench.send(&begun(Mti::NETWORK_REQUEST).with_text(70, network::SIGN_ON)).await;
    assert!(iso8583::private::Composite::of(&answer).unwrap().bank_certificate.is_some());
    let answer = bench.send(&begun(Mti::NETWORK_REQUEST).with_text(70, network::PAYERS)).await;
    assert_eq!(answer.text(39).unwrap(), "12");
    let mut sent = Vec::new();
    for minor in [1_280, 500, 220] {
        let order = bench.order(minor);
        sent.push(bench.attempt(&order, &wallet));
        bench.pay(sent.last().unwrap()).await.unwrap();
    }
    bench.send(&sent[1].about(Mti::REVERSAL_ADVICE)).await;
    let refund = bench.refund(&sent[0], 280);
    bench.send(&refund).await;
    let asked = begun(Mti::RECONCILIATION_REQUEST).with_text(15, "1118").with_number(50, 840).unwrap();
    let balanced = asked.clone().with_text(76, "0000000003").with_text(97, "C0000000000001220");
    for (asked, says) in [(balanced, "1"), (asked.with_text(88, "0000000000000001"), "2")] {
        let answer = bench.send(&asked).await;
        let told = [66, 74, 76, 77, 86, 88, 89, 97].map(|number| answer.text(number).unwrap().to_owned());
        let expected = [
            says,
            "0000000001",
            "0000000003",
            "0000000001",
            "0000000000000280",
            "0000000000002000",
            "0000000000000500",
            "C0000000000001220",
        ];
        assert_eq!(told, expected);
    }
}
