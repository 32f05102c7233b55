//! Vouchers through the whole system: made by a merchant, sold by its bank, spent against requests, given back, ended, and
//! agreed on by both sides. And no code is left anywhere.

use std::path::Path;

use e2e::card::Card;
use e2e::code::Telephones;
use e2e::payer::{PIN, Payer, code, money_moved};
use e2e::process;
use e2e::system::{Ask, MERCHANT, System, Wishes, texts};
use e2e::voucher::{self, BATCH, Bought};
use serde_json::Value;

const HOLDER: &str = "cardholder:visa-0050";
const MOBILE: &str = "+12025550143";

/// A system whose merchant has made vouchers and handed them to the bank.
struct Desk {
    system: System,
}

impl Desk {
    async fn open() -> Self {
        let desk = Self { system: System::start(Wishes::default()).await };
        voucher::make_of(&desk.system, "3:50.00").await;
        desk
    }

    fn file(&self, name: &str) -> String {
        voucher::file(&self.system, name)
    }

    async fn bank(&self, words: &[&str], input: &str) -> process::Finished {
        voucher::bank(&self.system, words, input).await
    }

    async fn merchant(&self, words: &[&str]) -> Value {
        voucher::merchant(&self.system, words).await
    }

    async fn sell(&self) -> Bought {
        voucher::sell(&self.system).await
    }

    /// Pays with a voucher and the card at a reader; `with` are further arguments.
    async fn pay_large(
        &self,
        payer: &Payer,
        request: &str,
        bought: &Bought,
        with: (&Card, &str, &[&str]),
    ) -> process::Finished {
        let (card, pin, further) = with;
        let mut words = vec!["pay", request, "--voucher", &bought.number, "--reader", &card.reader, "--pin-stdin"];
        words.extend(further);
        payer.wallet(&words, &format!("{}\n{pin}\n", bought.code)).await
    }

    async fn pay(&self, payer: &Payer, request: &str, number: &str, code: &str) -> process::Finished {
        payer.wallet(&["pay", request, "--voucher", number], &format!("{code}\n")).await
    }
}

/// Files below a folder that hold one of these texts.
fn holding(folder: &Path, needles: &[&str], found: &mut Vec<String>) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            files += holding(&path, needles, found);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        files += 1;
        let holds = |needle: &&&str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        found.extend(needles.iter().filter(holds).map(|needle| format!("{}: {needle}", path.display())));
    }
    files
}

#[tokio::test]
async fn a_voucher_is_made_sold_spent_given_back_and_ended_and_both_sides_agree() {
    let desk = Desk::open().await;
    let system = &desk.system;
    let payer = Payer::new(system);
    let bought = desk.sell().await;
    let before = system.balance(HOLDER).await;

    let request = payer.open(&system.ask(&Ask::default()).await).await;
    let paid = desk.pay(&payer, &request, &bought.number, &bought.code).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    let receipt = paid.answer();
    assert_eq!((&receipt["stage"], &receipt["verified"]), (&"receipt".into(), &true.into()), "{paid:?}");
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(1_280).await;
    assert_eq!(system.balance(HOLDER).await, before, "the money was moved when the voucher was bought");
    let left = desk.bank(&["balance", &bought.number], &bought.code).await.success();
    assert_eq!(left["balance_minor"], 5_000 - 1_280);

    // What the merchant gives back is on the voucher again.
    let refund = [
        "merchant",
        "refund",
        "--data",
        &system.data(),
        "--merchant",
        MERCHANT,
        &request,
        "--amount",
        "2.80",
        "--json",
    ];
    process::run("tapseal", &texts(&refund), &[], "").await.success();
    system
        .wait_until("the refund is on the voucher", async || {
            desk.bank(&["balance", &bought.number], &bought.code).await.success()["balance_minor"] == 4_000
        })
        .await;

    // Ended, the rest goes back to the account that bought it when the day is closed, and nothing is spent any more.
    desk.bank(&["end", &bought.number], &bought.code).await.success();
    let request = payer.open(&system.ask(&Ask { order: "A-2".into(), ..Ask::default() }).await).await;
    let refused = desk.pay(&payer, &request, &bought.number, &bought.code).await;
    assert_eq!((code(&refused).as_str(), money_moved(&refused).as_str()), ("declined_voucher_ended", "no"));
    let day = texts(&["bank", "day", "--data", &system.data(), "--json"]);
    let date = process::run("tapseal", &day, &[], "").await.success()["business_date"].clone();
    let date = date.as_str().expect("a day has a date").to_owned();
    let settle = texts(&["bank", "settle", "--data", &system.data(), "--date", &date, "--early", "--json"]);
    process::run("tapseal", &settle, &[], "").await.success();
    assert_eq!(system.balance(HOLDER).await, before + 4_000);

    let told = desk.file("bank.csv");
    desk.bank(&["reconcile", "--batch", BATCH, "--csv", &told], "").await.success();
    let agreed = desk.merchant(&["reconcile", "--batch", BATCH, "--bank", &told]).await;
    assert_eq!(agreed["differences"], serde_json::json!([]), "{agreed}");
    assert_eq!(
        (&agreed["sold_minor"], &agreed["spent_minor"], &agreed["left_minor"]),
        (&5_000.into(), &1_280.into(), &0.into())
    );
    let history = desk.bank(&["history", &bought.number], "").await.success();
    assert!(history.as_array().is_some_and(|lines| lines.len() > 6), "{history}");
    let check = texts(&["bank", "ledger", "--data", &system.data(), "--check", "--json"]);
    assert_eq!(process::run("tapseal", &check, &[], "").await.success()["faults"], serde_json::json!([]));
}

#[tokio::test]
async fn a_large_amount_takes_the_buyers_card_pin_and_device_and_the_voucher_pays() {
    let desk = Desk { system: System::start(Wishes::default()).await };
    let system = &desk.system;
    voucher::make_large_from(system, "3:50.00", "40.00").await;
    let payer = Payer::new(system);
    let (bought, next) = (desk.sell().await, desk.sell().await);
    let before = system.balance(HOLDER).await;
    let refused = |finished: &process::Finished, expected: &str| {
        assert_eq!((code(finished).as_str(), money_moved(finished).as_str()), (expected, "no"), "{finished:?}");
    };
    let large = |order: &str| Ask { amount: "45.00", order: order.into(), ..Ask::default() };
    let request = payer.open(&system.ask(&large("L-1")).await).await;

    // Code alone; the card of somebody else; a wrong PIN; a wrong code beside the right card, shown at once.
    refused(&desk.pay(&payer, &request, &bought.number, &bought.code).await, "declined_voucher_card_required");
    let (card, other) = (Card::present(system, "visa"), Card::present(system, "mastercard"));
    refused(&desk.pay_large(&payer, &request, &bought, (&other, PIN, &[])).await, "declined_voucher_wrong_card");
    let wrong_pin = desk.pay_large(&payer, &request, &bought, (&card, "4321", &[])).await;
    refused(&wrong_pin, "declined_wrong_pin");
    assert_eq!(wrong_pin.lines.last().map(|line| line["pin_tries_left"].clone()), Some(2.into()), "{wrong_pin:?}");
    let of_next = Bought { number: bought.number.clone(), code: next.code.clone(), backup: String::new() };
    let mixed = desk.pay_large(&payer, &request, &of_next, (&card, PIN, &["--with-card"])).await;
    refused(&mixed, "declined_wrong_voucher_code");

    // The bank asks for the card, and gets what was typed again with it.
    let paid = desk.pay_large(&payer, &request, &bought, (&card, PIN, &[])).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    let receipt = paid.answer();
    assert_eq!((&receipt["stage"], &receipt["verified"]), (&"receipt".into(), &true.into()), "{paid:?}");
    let label = format!("voucher ••{}", &bought.number[bought.number.len() - 4..]);
    assert_eq!(receipt["card_label"], label.as_str(), "{paid:?}");
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(4_500).await;
    assert_eq!(system.balance(HOLDER).await, before, "no money leaves the card's account");
    let left = desk.bank(&["balance", &bought.number], &bought.code).await.success();
    assert_eq!(left["balance_minor"], 500);
    let attempt = receipt["attempt_id"].as_str().expect("a receipt names its attempt").to_owned();
    let proof = desk.bank(&["proof", &attempt], "").await.success();
    assert_eq!(proof["number"], bought.number.replace(' ', "").as_str(), "{proof}");

    // Another device with the same card, PIN, number and code is none that signs for the card, until the counter says so.
    let thief = Payer::new(system);
    let request = thief.open(&system.ask(&large("L-2")).await).await;
    let stranger = desk.pay_large(&thief, &request, &next, (&card, PIN, &[])).await;
    refused(&stranger, "declined_voucher_signature");
    let words =
        texts(&["bank", "card", "forget-device", "--data", &system.data(), "0050", "--account", "visa-0050", "--json"]);
    assert_eq!(process::run("tapseal", &words, &[], "").await.success()["device_forgotten"], true);
    let paid = desk.pay_large(&thief, &request, &next, (&card, PIN, &["--with-card"])).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());

    // What the merchant gives back is on the voucher again, and the books are whole.
    let data = system.data();
    let refund =
        ["merchant", "refund", "--data", &data, "--merchant", MERCHANT, &request, "--amount", "45.00", "--json"];
    process::run("tapseal", &texts(&refund), &[], "").await.success();
    system
        .wait_until("the refund is on the voucher", async || {
            desk.bank(&["balance", &next.number], &next.code).await.success()["balance_minor"] == 5_000
        })
        .await;
    let check = texts(&["bank", "ledger", "--data", &data, "--check", "--json"]);
    assert_eq!(process::run("tapseal", &check, &[], "").await.success()["faults"], serde_json::json!([]));
}

#[tokio::test]
async fn three_wrong_codes_lock_a_voucher_everywhere_and_no_code_is_left_anywhere() {
    let desk = Desk::open().await;
    let system = &desk.system;
    let payer = Payer::new(system);
    let (bought, other) = (desk.sell().await, desk.sell().await);
    let request = payer.open(&system.ask(&Ask::default()).await).await;

    // The check digits tell a slip before anything is sent.
    let slip = format!("{}{}", &bought.number[..15], if bought.number.ends_with('0') { '1' } else { '0' });
    let refused = desk.pay(&payer, &request, &slip, &bought.code).await;
    assert_eq!(code(&refused), "declined_wrong_voucher_code");
    // The same digits changed by 97 have right check digits, unless these would be none (ISO 7064 gives 02 to 98), and are wrong.
    let digits: u64 = bought.code.replace(' ', "").parse().expect("digits");
    let further = |times: u64| if digits < 5_000_000_000 { digits + 97 * times } else { digits - 97 * times };
    let wrong = (1..).map(further).filter(|wrong| (2..=98).contains(&(wrong % 100)));
    let expected = ["declined_wrong_voucher_code", "declined_wrong_voucher_code", "declined_voucher_locked"];
    for (wrong, expected) in wrong.zip(expected) {
        let refused = desk.pay(&payer, &request, &bought.number, &format!("{wrong:010}")).await;
        assert_eq!((code(&refused).as_str(), money_moved(&refused).as_str()), (expected, "no"), "{refused:?}");
    }
    let refused = desk.pay(&payer, &request, &bought.number, &bought.code).await;
    assert_eq!(code(&refused), "declined_voucher_locked");
    let asked = desk.bank(&["balance", &bought.number], &bought.code).await;
    assert!(asked.code != 0 && asked.errors.contains("backup code"), "{asked:?}");
    desk.bank(&["unlock", &bought.number], &bought.backup).await.success();
    let paid = desk.pay(&payer, &request, &bought.number, &bought.code).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(1_280).await;

    // One more is bought for a telephone: number and code come in messages of their own, and pay.
    let words = ["sell", "--batch", BATCH, "--amount-minor", "5000", "--account", "visa-0050", "--to", MOBILE];
    let sold = desk.bank(&words, "").await.success();
    assert!(sold["code"].is_null() && sold["backup"].is_null(), "{sold}");
    let texts = Telephones::Folder(system.folder().join("bank/codes"));
    system.wait_until("number and codes have been sent", async || texts.texts_to(MOBILE).len() == 2).await;
    let text = |of: &str| texts.texts_to(MOBILE).into_iter().find(|text| text.contains(of)).expect("it was sent");
    let number = sold["number"].as_str().expect("a number");
    assert!(text("message of their own").replace(' ', "").contains(number));
    let with_codes = text("backup code");
    let texted = with_codes.split("code ").nth(1).and_then(|rest| rest.split(" pays").next()).expect("a code");
    let request = payer.open(&system.ask(&Ask { order: "A-2".into(), ..Ask::default() }).await).await;
    let paid = desk.pay(&payer, &request, number, texted).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());

    let plain = |text: &str| text.replace(' ', "");
    let secrets = [&bought.code, &bought.backup, &other.code, &other.backup].map(|code| (plain(code), code.clone()));
    let needles: Vec<&str> = secrets.iter().flat_map(|(plain, grouped)| [plain.as_str(), grouped.as_str()]).collect();
    let mut found = Vec::new();
    let files = holding(system.folder(), &needles, &mut found) + holding(payer.home(), &needles, &mut found);
    assert!(files > 20, "the databases, logs and keys of every party");
    assert!(found.is_empty(), "{found:?}");
    // The search finds what is there.
    holding(system.folder(), &[bought.number.as_str()], &mut found);
    assert!(!found.is_empty(), "the number is at the bank and in the merchant's list");
}
