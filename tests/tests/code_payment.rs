//! Paying by code, through all parties: identity code and password on one side, a telephone on the other.

use e2e::code::{PASSWORD, Telephones, Typing, bind};
use e2e::payer::{Payer, code};
use e2e::system::{Ask, System, Wishes};
use tempfile::TempDir;

const PHONE: &str = "+12025550143";

/// Servers, telephones, a payer's wallet and its identity code, known to the payment server.
async fn everybody(folder: &TempDir) -> (System, Telephones, Payer, String) {
    let (telephones, bank) = Telephones::new(folder.path().join("codes")).await;
    let system = System::start(Wishes { bank, ..Wishes::default() }).await;
    let identity = bind(&system, "ann-0001", PHONE).await;
    // The bank tells by itself: the server runs, and nobody tells it anything.
    system.wait_until("the server knows", async || system.logs().contains("tells of payers by code")).await;
    let payer = Payer::new(&system);
    (system, telephones, payer, identity)
}

#[tokio::test]
async fn a_request_is_paid_by_code_and_the_server_holds_no_secret() {
    let folder = TempDir::new().expect("a folder for codes");
    let (system, telephones, payer, identity) = everybody(&folder).await;
    let request = payer.open(&system.ask(&Ask::default()).await).await;

    let mut typing = Typing::begin(&payer, &request, &[], &identity, PASSWORD).await;
    let (typed, text) = telephones.code(&system, PHONE, 0).await;
    assert!(text.contains("12.80") && text.contains("Blue Door Caf"), "the telephone shows what is paid: {text}");
    typing.line(&typed).await;
    let paid = typing.end().await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    assert_eq!((&paid.answer()["stage"], &paid.answer()["verified"]), (&"receipt".into(), &true.into()), "{paid:?}");
    assert!(paid.lines.iter().any(|line| line["stage"] == "code_sent" && line["to"] == "••43"), "{paid:?}");
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(1280).await;
    // Two texts that are on their way together may come in either order.
    let is_told = async || telephones.texts_to(PHONE).iter().any(|text| text.contains("pay by code"));
    system.wait_until("the binding is confirmed on the telephone", is_told).await;

    // What the payment server keeps and says: neither the two secrets, nor person, account or address.
    let mut kept = std::fs::read(system.log("payment-server")).expect("a log");
    for entry in std::fs::read_dir(system.folder()).expect("the data folder") {
        let path = entry.expect("a readable folder").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("payment-server.db")) {
            kept.extend(std::fs::read(path).expect("a database file"));
        }
    }
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    if system.database.is_none() {
        assert!(holds(&identity), "what it may know is found");
    }
    for secret in [PASSWORD, &text, "ann-0001", "visa-0050", PHONE.trim_start_matches('+')] {
        assert!(!holds(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_wrong_code_moves_no_money_and_the_request_stays_open() {
    let folder = TempDir::new().expect("a folder for codes");
    let (system, telephones, payer, identity) = everybody(&folder).await;
    let request = payer.open(&system.ask(&Ask::default()).await).await;

    let refused = Typing::begin(&payer, &request, &[], &identity, "not the password").await.end().await;
    assert_eq!(code(&refused), "declined_wrong_identity", "{refused:?}");

    let mut typing = Typing::begin(&payer, &request, &[], &identity, PASSWORD).await;
    let (typed, _) = telephones.code(&system, PHONE, 0).await;
    typing.line(if typed == "000000" { "000001" } else { "000000" }).await;
    let refused = typing.end().await;
    assert_eq!((refused.code, code(&refused)), (2, "declined_wrong_code".to_owned()), "{refused:?}");
    system.assert_merchant_received(0).await;

    let mut typing = Typing::begin(&payer, &request, &[], &identity, PASSWORD).await;
    let (typed, _) = telephones.code(&system, PHONE, 1).await;
    typing.line(&typed).await;
    assert_eq!(typing.end().await.code, 0);
    system.assert_merchant_received(1280).await;
}
