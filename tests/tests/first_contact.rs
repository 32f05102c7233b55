//! First contact: what comes by itself from a stranger waits until the payer accepts the sender.

use e2e::card::Card;
use e2e::payer::{PIN, Payer, code};
use e2e::system::{Ask, MERCHANT, System, Wishes};

const ADDRESS: &str = "payer@example.org";

async fn claimed(system: &System) -> Payer {
    let payer = Payer::new(system);
    let codes = || system.mail().iter().filter(|mail| mail.contains(ADDRESS) && !mail.contains("/r/")).count();
    let before = codes();
    payer.wallet(&["claim", ADDRESS], "").await.success();
    system.wait_until("a new code has been sent", async || codes() > before).await;
    let digits = system.claim_code(ADDRESS).await;
    payer.wallet(&["confirm", ADDRESS, &digits], "").await.success();
    payer
}

async fn asked(system: &System, order: &str) -> String {
    let ask = Ask { email: Some(ADDRESS.into()), order: order.into(), ..Ask::default() };
    system.ask(&ask).await["id"].as_str().expect("a created request has an id").to_owned()
}

async fn reaches(system: &System, payer: &Payer, request: &str) {
    let listed = async || payer.wallet(&["inbox"], "").await.output.contains(request);
    system.wait_until("the request is in the inbox", listed).await;
}

#[tokio::test]
async fn a_strangers_request_is_paid_only_after_its_sender_was_accepted() {
    let system = System::start(Wishes::default()).await;
    let payer = claimed(&system).await;
    let first = asked(&system, "A-1").await;
    reaches(&system, &payer, &first).await;
    assert_eq!(payer.show(&first).await["new_sender"], true);
    let card = Card::present(&system, "visa");
    let refused = payer.pay(&first, &card, PIN).await;
    assert_eq!(code(&refused), "sender_not_accepted", "{refused:?}");
    system.assert_merchant_received(0).await;

    let accepted = payer.wallet(&["accept-sender", &first], "").await.success();
    assert_eq!(accepted["new_sender"], false, "{accepted}");
    assert_eq!(payer.pay(&first, &card, PIN).await.code, 0);
    system.wait_for_status(&first, "paid").await;
    let second = asked(&system, "A-2").await;
    reaches(&system, &payer, &second).await;
    assert_eq!(payer.show(&second).await["new_sender"], false, "the next one comes straight");

    // Another device of the same person need not be asked again.
    let other = claimed(&system).await;
    let third = asked(&system, "A-3").await;
    reaches(&system, &other, &third).await;
    assert_eq!(other.show(&third).await["new_sender"], false);
}

#[tokio::test]
async fn a_blocked_merchant_is_not_heard_of_and_sees_nothing_unusual() {
    let system = System::start(Wishes::default()).await;
    let payer = claimed(&system).await;
    let first = asked(&system, "A-1").await;
    reaches(&system, &payer, &first).await;
    payer.wallet(&["block", &first], "").await.success();
    let mails = system.mail().len();
    let second = asked(&system, "A-2").await;
    let seen = system.wait_for_status(&second, "delivered").await;
    assert_eq!(seen["deliveries"][0]["status"], "sent", "{seen}");
    assert_eq!(system.mail().len(), mails, "and no mail was sent");
    assert!(!payer.wallet(&["inbox"], "").await.output.contains(&second));

    let blocked = payer.wallet(&["blocked"], "").await.success();
    assert_eq!(blocked[0]["name"], "Blue Door Café", "{blocked}");
    payer.wallet(&["unblock", MERCHANT], "").await.success();
    let third = asked(&system, "A-3").await;
    reaches(&system, &payer, &third).await;
}

#[tokio::test]
async fn a_reported_request_is_the_operators_to_judge() {
    let system = System::start(Wishes::default()).await;
    let payer = claimed(&system).await;
    let request = asked(&system, "A-1").await;
    reaches(&system, &payer, &request).await;
    let report = ["report", &request, "--reason", "impersonation", "--note", "this is not my café"];
    payer.wallet(&report, "").await.success();
    assert!(!payer.wallet(&["inbox"], "").await.output.contains(&request), "its sender is blocked, too");
    let data = system.data();
    let listed = system.tapseal(&["reports", "list", "--data", &data, "--json"]).await.success();
    assert_eq!(listed["request_id"], request.as_str(), "{listed}");
    assert_eq!((&listed["counts"], &listed["suspended"]), (&true.into(), &false.into()), "{listed}");
    let merchant = ["--merchant", MERCHANT, "--by", "Ada", "--note", "the café confirmed the fraud"];
    let mut uphold = vec!["reports", "uphold", "--data", &data, "--json"];
    uphold.extend(merchant);
    system.tapseal(&uphold).await.success();
    let listed = system.tapseal(&["reports", "list", "--data", &data, "--json"]).await.success();
    assert_eq!(listed["suspended"], true, "{listed}");
}
