//! A bank employee's day: a card is issued and paid with, the day is closed and paid out, and the files of payment
//! server, merchant and bank agree, until somebody changes one.

use std::os::unix::fs::PermissionsExt;

use e2e::card::Card;
use e2e::payer::{PIN, Payer};
use e2e::process::{self, Finished};
use e2e::system::{Ask, MERCHANT, System, Wishes, texts};
use serde_json::Value;

/// The bank's tool, for the first bank of the system.
async fn bank(system: &System, words: &[&str]) -> Finished {
    let data = system.data();
    let mut arguments = vec!["bank"];
    arguments.extend(words);
    arguments.extend(["--data", data.as_str()]);
    system.tapseal(&arguments).await
}

async fn bank_json(system: &System, words: &[&str]) -> Value {
    let mut arguments = words.to_vec();
    arguments.push("--json");
    bank(system, &arguments).await.success()
}

/// Pays an order of 12.80 with a card, and waits until the merchant knows.
async fn pay(system: &System, payer: &Payer, card: &Card, pin: &str, order: &str) -> Finished {
    let created = system.ask(&Ask { order: order.into(), ..Ask::default() }).await;
    let request = payer.open(&created).await;
    let paid = payer.pay(&request, card, pin).await;
    if paid.code == 0 {
        system.wait_for_status(&request, "paid").await;
    }
    paid
}

fn path(system: &System, name: &str) -> String {
    system.folder().join(name).to_str().expect("temporary paths are plain").to_owned()
}

/// The bank's business date now.
async fn today(system: &System) -> String {
    bank_json(system, &["day"]).await["business_date"].as_str().expect("a date").to_owned()
}

#[tokio::test]
async fn a_card_the_bank_issued_pays_until_it_is_blocked_and_not_once_it_was_stolen() {
    let system = System::start(Wishes::default()).await;
    let profile = path(&system, "card.toml");
    bank(&system, &["account", "open", "ann"]).await.success();
    bank(&system, &["account", "deposit", "ann", "--amount-minor", "5000"]).await.success();
    let issue = ["card", "issue", "--scheme", "visa", "--account", "ann", "--out", &profile];
    let issued = bank_json(&system, &issue).await;
    let (pin, last_four) = (issued["pin"].as_str().unwrap(), issued["pan_last_four"].as_str().unwrap());
    let text = std::fs::read_to_string(&profile).unwrap();
    let number = text.lines().find_map(|line| line.strip_prefix("pan = \"")).unwrap().trim_end_matches('"');
    assert!(!issued.to_string().contains(number), "the number is in the profile only");
    assert_eq!(std::fs::metadata(&profile).unwrap().permissions().mode() & 0o777, 0o600);
    assert_ne!(bank(&system, &issue).await.code, 0, "a profile is never written over");

    let payer = Payer::new(&system);
    let card = Card::present(&system, &profile);
    let paid = pay(&system, &payer, &card, pin, "B-1").await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    assert_eq!(bank_json(&system, &["account", "show", "ann"]).await["available_minor"], 3_720);

    for (verb, code) in [("block", "declined_card_blocked"), ("stolen", "declined_card_stolen")] {
        bank(&system, &["card", verb, last_four, "--account", "ann"]).await.success();
        let refused = pay(&system, &payer, &card, pin, verb).await;
        assert_eq!(e2e::payer::code(&refused), code, "{refused:?}");
    }
    assert_ne!(bank(&system, &["card", "unblock", last_four, "--account", "ann"]).await.code, 0);
    assert_eq!(bank_json(&system, &["ledger", "--check"]).await["faults"], serde_json::json!([]));
}

#[tokio::test]
async fn a_pin_that_was_forgotten_is_reset_and_the_new_one_pays() {
    let system = System::start(Wishes::default()).await;
    let profile = path(&system, "card.toml");
    bank(&system, &["card", "issue", "--scheme", "mastercard", "--account", "visa-0050", "--out", &profile])
        .await
        .success();
    let reset = bank_json(&system, &["card", "reset-pin", "--profile", &profile]).await;
    let payer = Payer::new(&system);
    let card = Card::present(&system, &profile);
    let paid = pay(&system, &payer, &card, reset["pin"].as_str().unwrap(), "P-1").await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    bank(&system, &["limit", "set", reset["pan_last_four"].as_str().unwrap(), "--payment-minor", "1279"])
        .await
        .success();
    let refused = pay(&system, &payer, &card, reset["pin"].as_str().unwrap(), "P-2").await;
    assert_eq!(e2e::payer::code(&refused), "declined_limit", "{refused:?}");
}

#[tokio::test]
async fn the_files_of_three_parties_agree_until_one_is_changed() {
    let system = System::start(Wishes::default()).await;
    bank(&system, &["merchant", "terms", MERCHANT, "--fee-basis-points", "290", "--fee-fixed-minor", "30"])
        .await
        .success();
    let payer = Payer::new(&system);
    let card = Card::present(&system, "visa");
    for order in ["R-1", "R-2"] {
        let paid = pay(&system, &payer, &card, PIN, order).await;
        assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    }
    let created = system.ask(&Ask { order: "R-3".into(), ..Ask::default() }).await;
    let request = payer.open(&created).await;
    payer.pay(&request, &card, PIN).await.success();
    system.wait_for_status(&request, "paid").await;
    let (data, url) = (system.data(), system.server_url());
    let place = ["--data", &data, "--server", &url, "--merchant", MERCHANT];
    let refund = [&["merchant", "refund"][..], &place[..], &[&request, "--amount", "2.80", "--json"]].concat();
    system.tapseal(&refund).await.success();
    system.wait_until("the money is back", async || system.balance(MERCHANT).await == 3 * 1_280 - 280).await;
    let date = today(&system).await;
    let [server, merchant, bank_file] = ["server.csv", "merchant.csv", "bank.csv"].map(|name| path(&system, name));
    let settle = ["settle", "--date", &date, "--early", "--csv", &bank_file];
    let settled = bank_json(&system, &settle).await;
    let batch = &settled["batches"][0];
    assert_eq!(
        (&batch["gross_minor"], &batch["refunded_minor"], &batch["fee_minor"], &batch["paid_out_minor"]),
        (&3_840.into(), &280.into(), &201.into(), &3_359.into())
    );
    assert_eq!(bank_json(&system, &settle).await, settled, "closing a day twice changes nothing");
    assert_eq!(bank_json(&system, &["ledger", "--check"]).await["faults"], serde_json::json!([]));

    // The clock's day may be another than the bank's near midnight; the files hold both.
    let days = ["--from", date.as_str(), "--to", date.as_str()];
    let export = [&["payments", "--data", &data, "--out", &server], &days[..]].concat();
    system.tapseal(&export).await.success();
    system.tapseal(&[&["merchant", "export", "--out", &merchant][..], &place[..], &days[..]].concat()).await.success();

    let reconcile = async || {
        let files = ["reconcile", "--server", &server, "--merchant", &merchant, "--bank", &bank_file, "--json"];
        process::run("tapseal", &texts(&files), &[], "").await
    };
    let agreed = reconcile().await.success();
    let counts = (&agreed["payments"], &agreed["refunds"], &agreed["exceptions"]);
    assert_eq!(counts, (&3.into(), &1.into(), &serde_json::json!([])));
    assert_eq!((&agreed["paid"]["bank"]["USD"], &agreed["refunded"]["bank"]["USD"]), (&3_840.into(), &280.into()));

    let whole = std::fs::read_to_string(&bank_file).unwrap();
    let last_line = whole.trim_end().rsplit('\n').next().unwrap();
    for (changed, kind) in [
        (whole.replace(last_line, ""), "missing_at_bank"),
        (format!("{whole}{last_line}\r\n"), "duplicate"),
        (whole.replacen(",1280,", ",1281,", 1), "amount_differs"),
        (whole.replacen(",USD,", ",EUR,", 1), "currency_differs"),
        (whole.replacen(",paid,", ",reversed,", 1), "reversed_at_bank_only"),
        (whole.replacen(&format!("{date},"), "2020-02-02,", 1), "other_day"),
    ] {
        std::fs::write(&bank_file, changed.trim_end().to_owned() + "\r\n").unwrap();
        let report = reconcile().await;
        assert_ne!(report.code, 0, "{kind}");
        let exceptions = report.answer()["exceptions"].as_array().unwrap().clone();
        let kinds: Vec<_> = exceptions.iter().map(|exception| exception["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, [kind], "{report:?}");
    }
}

#[tokio::test]
async fn a_debit_that_was_reversed_is_no_ones_money_and_no_exception() {
    let system = System::start(Wishes {
        bank: texts(&["--scenario", "debit_then_deaf"]),
        server: texts(&["--answer-timeout-ms", "500"]),
        ..Wishes::default()
    })
    .await;
    let payer = Payer::new(&system);
    let card = Card::present(&system, "visa");
    let created = system.ask(&Ask::default()).await;
    let request = payer.open(&created).await;
    payer.pay(&request, &card, PIN).await;
    let reversed =
        async || system.balance(MERCHANT).await == 0 && system.ledger().await["transfers"].as_i64() > Some(0);
    system.wait_until("the bank has reversed", reversed).await;
    let date = today(&system).await;
    let bank_file = path(&system, "bank.csv");
    let settled = bank_json(&system, &["settle", "--date", &date, "--early", "--csv", &bank_file]).await;
    let batch = &settled["batches"][0];
    assert_eq!((&batch["sales_reversed_minor"], &batch["net_minor"]), (&1280.into(), &0.into()), "{settled}");
    assert!(std::fs::read_to_string(&bank_file).unwrap().contains(",reversed,1280,"));
}

#[tokio::test]
async fn a_closing_killed_again_and_again_pays_out_once() {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let card = Card::present(&system, "visa");
    let paid = pay(&system, &payer, &card, PIN, "K-1").await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    let date = today(&system).await;
    let words = texts(&["bank", "settle", "--data", &system.data(), "--date", &date, "--early"]);
    for wait_ms in [0, 5, 10, 20, 40, 80, 160] {
        let mut child = process::spawn("tapseal", &words, &[], "").await;
        tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
        child.kill().await.expect("it can be killed");
    }
    let settled = bank_json(&system, &["settle", "--date", &date, "--early"]).await;
    assert_eq!(settled["batches"].as_array().unwrap().len(), 1);
    assert_eq!(settled["batches"][0]["paid_out_minor"], 1_280);
    assert_eq!(system.balance("payouts:USD").await, 1_280);
    assert_eq!(bank_json(&system, &["ledger", "--check"]).await["faults"], serde_json::json!([]));
}
