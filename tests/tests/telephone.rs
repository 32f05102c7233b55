//! Vouchers by telephone: bought with keys, told by a voice, and spent as any other.

use e2e::code::{Telephones, bind};
use e2e::payer::Payer;
use e2e::process;
use e2e::system::{Ask, System, Wishes, texts};
use e2e::voice::{Conversation, VoiceGateway};
use e2e::voucher::{self, BATCH};

const CUSTOMER: &str = "ann-0001";
const MOBILE: &str = "+12025550143";
const PIN: &str = "739182";
const HOLDER: &str = "cardholder:visa-0050";

/// A bank that a voice gateway reaches, with vouchers to sell and a payer who may buy them by telephone.
async fn open(gateway: &VoiceGateway) -> (System, String) {
    let system = System::start(Wishes { bank: gateway.wishes(), ..Wishes::default() }).await;
    voucher::make(&system).await;
    let identity = bind(&system, CUSTOMER, MOBILE).await;
    set_pin(&system).await;
    (system, identity)
}

async fn set_pin(system: &System) {
    let words = texts(&["bank", "bind", "telephone-pin", CUSTOMER, "--data", &system.data(), "--json"]);
    process::run("tapseal", &words, &[], &format!("{PIN}\n")).await.success();
}

/// The digits that are spoken after these words, up to the next full stop.
fn spelled(spoken: &str, after: &str) -> String {
    let rest = spoken.split(after).nth(1).unwrap_or_else(|| panic!("nothing about {after:?} in {spoken:?}"));
    let end = rest.find(['.', '。']).expect("a sentence ends");
    rest[..end].chars().filter(char::is_ascii_digit).collect()
}

/// Up to the question whether to buy for fifty.
async fn at_the_till(gateway: &VoiceGateway, system: &System, identity: &str, language: &str) -> Conversation {
    let mut call = gateway.dial(system, language).await;
    call.key("1").await;
    assert_eq!(call.digits(), Some(12));
    call.key(identity).await;
    call.key(PIN).await;
    assert_eq!(call.digits(), Some(6), "{}", call.spoken());
    call.key(BATCH).await;
    call.key("1").await;
    call
}

#[tokio::test]
async fn a_voucher_bought_by_keys_and_voice_is_spent_and_its_code_changed() {
    let gateway = VoiceGateway::new();
    let (system, identity) = open(&gateway).await;
    assert!(!gateway.is_let_in(&system, None).await, "nobody without a certificate");
    assert!(!gateway.is_let_in(&system, Some("payment-server-client")).await, "nor with that of another port");
    let before = system.balance(HOLDER).await;
    let mut call = at_the_till(&gateway, &system, &identity, "en").await;
    assert!(call.spoken().contains("50.00 US dollars") && call.spoken().contains("Blue Door"), "{}", call.spoken());
    let told = call.key("1").await;
    assert_eq!(call.key_again("1").await, told, "an answer that was lost is given again, and nothing bought again");
    assert_eq!(system.balance(HOLDER).await, before - 5_000);
    assert_eq!(call.key("1").await, told, "it is heard again in this call");
    let (number, code) = (spelled(&told, "Its number is "), spelled(&told, "Its code is "));
    assert!(!call.rendered(system.folder()).await.iter().all(|sample| *sample == 0), "a voice speaks it");
    call.hang_up().await;
    let telephones = Telephones::Folder(system.folder().join("bank/codes"));
    let is_told = async || telephones.texts_to(MOBILE).iter().any(|text| text.contains("bought by telephone"));
    system.wait_until("the buyer is told of the purchase", is_told).await;

    // Spent as any other, by whoever heard it.
    let payer = Payer::new(&system);
    let request = payer.open(&system.ask(&Ask::default()).await).await;
    let paid = payer.wallet(&["pay", &request, "--voucher", &number], &format!("{code}\n")).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());

    // What is left is heard, and the code changed, in the other language.
    let mut call = gateway.dial(&system, "zh-Hans").await;
    assert!(call.spoken().contains("购买预付凭证"), "{}", call.spoken());
    call.key("2").await;
    call.key(&number).await;
    let told = call.key(&code).await;
    assert!(told.contains("37.20 美元"), "{told}");
    assert!(!call.rendered(system.folder()).await.iter().all(|sample| *sample == 0), "a voice speaks it");
    call.key("3").await;
    call.key(&number).await;
    let told = call.key(&code).await;
    let changed = spelled(&told, "新密码：");
    call.hang_up().await;
    let refused = voucher::bank(&system, &["balance", &number], &code).await;
    assert_ne!(refused.code, 0, "the old code is good for nothing");
    let left = voucher::bank(&system, &["balance", &number], &changed).await.success();
    assert_eq!(left["balance_minor"], 3_720);
    system.assert_merchant_received(1_280).await;
}

#[tokio::test]
async fn guessing_a_telephone_pin_locks_the_telephone_and_nothing_else_and_the_counter_unlocks() {
    let gateway = VoiceGateway::new();
    let (system, identity) = open(&gateway).await;
    let before = system.balance(HOLDER).await;
    let mut call = gateway.dial(&system, "en").await;
    let mut refusals = Vec::new();
    // Nobody's identity code, and then wrong PINs: all of it sounds alike.
    for (who, pin) in [("111111111111", PIN), (&identity, "135790"), (&identity, "135791"), (&identity, "135792")] {
        call.key("1").await;
        call.key(who).await;
        refusals.push(call.key(pin).await);
    }
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
    call.key("1").await;
    call.key(&identity).await;
    let last = call.key(PIN).await;
    assert!(last.contains("Goodbye") && call.digits().is_none(), "a call has so many tries: {last}");
    let mut call = gateway.dial(&system, "en").await;
    call.key("1").await;
    call.key(&identity).await;
    assert_eq!(call.key(PIN).await, refusals[0], "the right PIN is not looked at any more");
    call.hang_up().await;
    let telephones = Telephones::Folder(system.folder().join("bank/codes"));
    let is_told = async || telephones.texts_to(MOBILE).iter().any(|text| text.contains("telephone is locked"));
    system.wait_until("the payer is told", is_told).await;
    let shown = ["bank", "bind", "show", CUSTOMER, "--data", &system.data(), "--json"];
    assert_eq!(system.tapseal(&shown).await.success()["state"], "active", "paying by code is not locked by it");

    set_pin(&system).await;
    let mut call = at_the_till(&gateway, &system, &identity, "en").await;
    call.key("2").await;
    assert_eq!(system.balance(HOLDER).await, before, "who says no buys nothing");
    call.hang_up().await;
}
