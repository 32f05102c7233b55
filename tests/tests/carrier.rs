//! Phone bills through the whole system: a wallet is enrolled, pays on the bill, is proved to have done so, and the merchant
//! gets its money by the operator and the bank.

use e2e::operator::{NAME, Operator, PIN};
use e2e::payer::{Payer, code, money_moved};
use e2e::process;
use e2e::system::{Ask, MERCHANT, System, Wishes, texts};
use serde_json::{Value, json};

const MOBILE: &str = "+12025550143";
const HOUSE: &str = "+12025550199";

async fn opened(system: &System, payer: &Payer, order: &str) -> String {
    payer.open(&system.ask(&Ask { order: order.to_owned(), ..Ask::default() }).await).await
}

/// The operator's accounts whose names begin so, summed; no rule of its books is broken.
async fn posted(system: &System, operator: &Operator, account: &str) -> i64 {
    let ledger = operator.tool(system, &["ledger"], "").await.success();
    assert_eq!(ledger["faults"], json!([]), "{ledger}");
    let accounts = ledger["accounts"].as_array().expect("accounts are listed");
    let of = accounts.iter().filter(|view| view["account"].as_str().is_some_and(|name| name.starts_with(account)));
    of.filter_map(|view| view["posted_minor"].as_i64()).sum()
}

/// What the wallet's key store has of phone bills.
fn bill_keys(payer: &Payer) -> Vec<u8> {
    let entries = std::fs::read_dir(payer.home()).expect("the wallet's folder").filter_map(Result::ok);
    let is_it = |path: &std::path::PathBuf| path.to_string_lossy().ends_with(".bills.key");
    let file = entries.map(|entry| entry.path()).find(is_it).expect("keys of phone bills are in a file of their own");
    std::fs::read(file).expect("the file can be read")
}

#[tokio::test]
async fn a_request_is_paid_on_the_phone_bill_proved_refunded_and_settled_by_the_bank() {
    let mut system = System::start(Wishes::default()).await;
    let operator = Operator::join(&mut system).await;
    operator.subscriber(&system, MOBILE, "mobile", 3_000).await;
    let payer = Payer::new(&system);
    let listed = payer.wallet(&["carrier", "operators"], "").await.success();
    assert_eq!(listed, json!([{ "id": Operator::ID, "name": "North Telecom" }]));
    let request = opened(&system, &payer, "A-1").await;
    let refused = operator.pay(&payer, &request, PIN).await;
    assert_eq!(code(&refused), "invalid_input", "a wallet that is not enrolled says so: {refused:?}");
    let enrolled = operator.enrol(&system, &payer, MOBILE).await;
    assert_eq!(enrolled.success()["phone_bills"][0]["number"], MOBILE, "{}", system.logs());
    // Enrolled once more, the wallet has another key, and its former one no more.
    let first = bill_keys(&payer);
    operator.enrol(&system, &payer, MOBILE).await.success();
    let second = bill_keys(&payer);
    assert!(first.len() == second.len() && first != second, "{} and {} bytes", first.len(), second.len());

    // A wrong PIN moves nothing, and the payer stays where it is and tries again.
    let refused = operator.pay(&payer, &request, "0000").await;
    assert_eq!(
        (code(&refused), money_moved(&refused)),
        ("declined_wrong_subscriber".into(), "no".into()),
        "{refused:?}"
    );
    let paid = operator.pay(&payer, &request, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    assert_eq!((&paid.answer()["stage"], &paid.answer()["verified"]), (&"receipt".into(), &true.into()), "{paid:?}");
    let shown = system.wait_for_status(&request, "paid").await;
    assert_eq!((operator.owed(&system, MOBILE).await, posted(&system, &operator, "merchant:").await), (1_280, -1_280));
    // Beyond the credit limit nothing goes on the bill.
    let second = opened(&system, &payer, "A-2").await;
    assert_eq!(operator.pay(&payer, &second, PIN).await.code, 0);
    let third = opened(&system, &payer, "A-3").await;
    let refused = operator.pay(&payer, &third, PIN).await;
    assert_eq!((code(&refused), money_moved(&refused)), ("declined_credit_limit".into(), "no".into()));

    // Payer and merchant have one confirmation number; the operator looks the purchase up by it, and the mobile was told.
    let receipts = payer.wallet(&["receipts"], "").await.success();
    let attempt = receipts.as_array().and_then(|all| all.last()).expect("two receipts")["attempt_id"].clone();
    let receipt = payer.wallet(&["receipt", attempt.as_str().expect("a text")], "").await.success();
    let number = receipt["approval_code"].as_str().expect("a confirmation number").to_owned();
    let outcome =
        envelope::jws::peek_payload_unverified(shown["outcome"].as_str().expect("an outcome")).expect("a JWS");
    let outcome = payment::Outcome::from_canonical(&outcome).expect("an outcome");
    assert_eq!(outcome.decision, payment::BankResult::Approved { approval_code: number.clone() });
    assert_eq!((outcome.bank_id.as_str(), outcome.card_label.as_str()), (Operator::ID, "phone bill ••0143"));
    let found = operator.tool(&system, &["purchase", &number], "").await.success();
    assert_eq!((&found["order_number"], &found["state"]), (&"A-1".into(), &"approved".into()), "{found}");
    let told = async || operator.texts_to(&system, MOBILE).iter().any(|text| text.contains(&number));
    system.wait_until("the mobile is told of the purchase", told).await;
    let bill = operator.tool(&system, &["statement", MOBILE], "").await.success();
    assert_eq!((bill["lines"].as_array().map(Vec::len), &bill["closing_minor"]), (Some(2), &2_560.into()), "{bill}");

    // Proved to somebody who only has the pinned roots; and every changed character is noticed.
    let proof = system.folder().join("proof.json").to_str().expect("temporary paths are plain").to_owned();
    operator.tool(&system, &["prove", &number, "--out", &proof], "").await.success();
    let stranger = Payer::new(&system);
    let verified = stranger.wallet(&["verify-proof", &proof], "").await;
    assert_eq!(verified.code, 0, "{verified:?}");
    assert_eq!(verified.lines[0]["verified"], true, "{verified:?}");
    let key = verified.lines[1]["signed_by"].as_str().expect("a fingerprint").to_owned();
    assert_eq!(stranger.wallet(&["verify-proof", &proof, "--key", &key], "").await.code, 0);
    assert_ne!(
        stranger.wallet(&["verify-proof", &proof, "--key", &key.replace(['0', '1', '2'], "3")], "").await.code,
        0
    );
    let text = std::fs::read(&proof).expect("a proof");
    let places: Vec<usize> = (0..text.len()).filter(|at| text[*at].is_ascii_alphanumeric()).collect();
    for at in places.iter().step_by(places.len() / 40) {
        let mut changed = text.clone();
        changed[*at] = if changed[*at] == b'7' { b'3' } else { b'7' };
        std::fs::write(&proof, &changed).expect("it can be written");
        let verified = stranger.wallet(&["verify-proof", &proof], "").await;
        assert_ne!(verified.code, 0, "character {at}: {verified:?}");
    }

    // What the merchant gives back lowers the bill.
    let data = system.data();
    let refund =
        ["merchant", "refund", "--data", &data, "--merchant", MERCHANT, &request, "--amount", "2.80", "--json"];
    system.tapseal(&refund).await.success();
    system.wait_until("the refund is on the bill", async || operator.owed(&system, MOBILE).await == 2_280).await;

    // Settled with the agreed share, by a file that the bank books once. Both sides agree on the sum.
    operator.tool(&system, &["terms", MERCHANT, "--share-basis-points", "250"], "").await.success();
    let file = system.folder().join("transfers.csv").to_str().expect("temporary paths are plain").to_owned();
    let settled = operator.tool(&system, &["settle", "--out", &file], "").await.success();
    let net = settled["settlements"][0]["net_minor"].as_i64().expect("a settlement");
    assert_eq!((net, posted(&system, &operator, "payouts").await), (2_280 - 57, -net));
    assert_eq!((posted(&system, &operator, "merchant:").await, posted(&system, &operator, "shares").await), (0, -57));
    for words in [vec!["open", "north-telecom"], vec!["deposit", "north-telecom", "--amount-minor", "100000"]] {
        system.tapseal(&[&["bank", "account"][..], &words, &["--data", &data]].concat()).await.success();
    }
    let book = ["bank", "account", "transfers", &file, "--from", "north-telecom", "--data", &data, "--json"];
    for expected in
        [json!({ "booked": 1, "known": 0, "total_minor": net }), json!({ "booked": 0, "known": 1, "total_minor": net })]
    {
        assert_eq!(system.tapseal(&book).await.success(), expected);
    }
    system.assert_merchant_received(net).await;

    // The payment server has neither number nor name nor PIN, in no file of its own.
    let mut kept = std::fs::read(system.log("payment-server")).expect("a log");
    for entry in std::fs::read_dir(system.folder()).expect("the data folder") {
        let path = entry.expect("a readable folder").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("payment-server.db")) {
            kept.extend(std::fs::read(path).expect("a database file"));
        }
    }
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    for secret in [MOBILE.trim_start_matches('+'), NAME] {
        assert!(!holds(secret), "{secret}");
    }
    assert!(system.database.is_some() || holds(Operator::ID), "what it may know is found");
}

#[tokio::test]
async fn an_operator_killed_in_mid_payment_charges_once_or_not_at_all() {
    let mut system = System::start(Wishes::default()).await;
    let mut operator = Operator::join(&mut system).await;
    // A line in a house: its code is printed at the counter.
    operator.subscriber(&system, HOUSE, "fixed", 100_000).await;
    let payer = Payer::new(&system);
    let printed = operator.tool(&system, &["subscriber", "code", HOUSE], "").await.success();
    let lines = format!("{PIN}\n{}\n", printed["code"].as_str().expect("a code"));
    payer.wallet(&["carrier", "enrol", Operator::ID, HOUSE, "--name", NAME], &lines).await.success();
    let mut paid = 0;
    for round in 0..3 {
        let request = opened(&system, &payer, &format!("A-{round}")).await;
        let mut arguments = payer.base_arguments();
        arguments.extend(texts(&["pay", &request, "--carrier"]));
        let child = process::spawn("tapseal-wallet", &arguments, &[], &format!("{PIN}\n")).await;
        let status = async || system.shown_to_merchant(&request).await["status"].clone();
        system.wait_until("the payment is under way", async || status().await != "seen").await;
        operator.kill().await;
        operator.start(&system).await;
        operator.line_is(&system, "up").await;
        process::finish("tapseal-wallet", child).await;
        // The server asks until it knows: on the bill, or never.
        let is_known = |status: &Value| status == "paid" || status == "seen";
        system.wait_until("what became of the payment is known", async || is_known(&status().await)).await;
        paid += i64::from(status().await == "paid");
        assert_eq!(operator.owed(&system, HOUSE).await, paid * 1_280, "{}", system.logs());
        assert_eq!(posted(&system, &operator, "merchant:").await, -paid * 1_280);
    }
    let bill = operator.tool(&system, &["statement", HOUSE], "").await.success();
    assert_eq!(bill["closing_minor"], paid * 1_280, "{bill}");
    assert!(operator.texts_to(&system, HOUSE).is_empty(), "a line in a house takes no text");
}
