//! Cards that stay in their slot, phones that need no PIN, stripes, and what a cheat makes of them.

use std::io::Write;
use std::os::fd::AsFd;

use e2e::card::Card;
use e2e::hand::{Hand, Letter, SealTo, card_data};
use e2e::payer::{PIN, Payer, code, money_moved};
use e2e::process::Finished;
use e2e::system::{Ask, System, Wishes};
use emv::tag::Tag;
use envelope::inner::{self, CardData};
use serde_json::Value;
use virtual_card::{Profile, VirtualCard};

const INSERTED: [&str; 2] = ["--interface", "contact"];

async fn opened(ask: &Ask) -> (System, Payer, String) {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let request = payer.open(&system.ask(ask).await).await;
    (system, payer, request)
}

/// Another request to the same payer.
async fn another(system: &System, payer: &Payer, order: &str) -> String {
    payer.open(&system.ask(&Ask { order: order.to_owned(), ..Ask::default() }).await).await
}

/// What the trace says of a stage; the last word when there were several.
fn told(finished: &Finished, stage: &str) -> Value {
    let found = finished.lines.iter().rfind(|line| line["stage"] == stage);
    found.cloned().unwrap_or_else(|| panic!("nothing about {stage} in {finished:?}"))
}

#[tokio::test]
async fn phone_pays_without_pin_and_is_asked_for_it_above_its_limit() {
    let (system, payer, request) = opened(&Ask::default()).await;
    let phone = Card::present(&system, "phone-visa");
    // Nothing is on standard input: whoever asked for a PIN would get none.
    let paid = payer.wallet(&["pay", &request, "--reader", &phone.reader, "--pin-stdin"], "").await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    assert_eq!(told(&paid, "pin")["asked"], false, "{paid:?}");
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(1_280).await;

    // 310.00 is above what the bank allows without a PIN: it says so, and the phone is read once more.
    let dear = payer.open(&system.ask(&Ask { amount: "310.00", order: "A-2".into(), ..Ask::default() }).await).await;
    let paid = payer.pay(&dear, &phone, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    let pins = paid.lines.iter().filter(|line| line["stage"] == "pin").count();
    assert_eq!(pins, 2, "once without and once with the PIN: {paid:?}");
    system.assert_merchant_received(1_280 + 31_000).await;
}

/// A cheat's device, a letter, and what to seal to.
async fn cheat(system: &System) -> (Hand, Letter, SealTo) {
    let hand = Hand::register(system).await;
    let letter = hand.open(&system.ask(&Ask::default()).await).await;
    let to = hand.seal_to(system).await;
    (hand, letter, to)
}

fn plastic(profile: &str) -> VirtualCard {
    VirtualCard::new(Profile::built_in(profile).expect("a built-in profile")).over(emv::Interface::Contactless)
}

#[tokio::test]
async fn pin_stripped_from_plastic_card_is_refused() {
    let system = System::start(Wishes::default()).await;
    let (hand, letter, to) = cheat(&system).await;
    let mut visa = plastic("visa");
    for _ in 0..4 {
        // A stolen card and no PIN, in a capsule that says that a phone has verified its owner.
        let attempt = hand.attempt_sealed(&letter, &mut visa, |hash, read| {
            inner::seal_without_pin(&to.bank, hash.as_bytes(), &card_data(read)).expect("the inner seal")
        });
        let answer = hand.submit(letter.order.request_id, &hand.submission(&attempt, &to)).await;
        assert_eq!(answer.code(), "declined_pin_required", "{answer:?}");
    }
    system.assert_merchant_received(0).await;
    // No try was counted, so the card's owner still pays with the PIN.
    let attempt = hand.attempt(&letter, &to, &mut visa, PIN);
    let answer = hand.submit(letter.order.request_id, &hand.submission(&attempt, &to)).await;
    assert_eq!(answer.body["state"], "approved", "{answer:?}");
    system.assert_merchant_received(1_280).await;
}

#[tokio::test]
async fn wrong_brand_under_aid_is_refused() {
    let system = System::start(Wishes::default()).await;
    let (hand, letter, to) = cheat(&system).await;
    let visa = hex::decode("A0000000031010").expect("hexadecimal");
    let attempt = hand.attempt_sealed(&letter, &mut plastic("mastercard"), |hash, read| {
        let mut card: CardData = card_data(read);
        card.aid.clone_from(&visa);
        let mut renamed = Vec::new();
        for object in emv::tlv::read(&card.icc_data, emv::tlv::Mode::Strict).expect("chip data is TLV") {
            let value = if object.tag == Tag::DF_NAME { visa.as_slice() } else { object.value };
            emv::tlv::write(&mut renamed, object.tag, value);
        }
        card.icc_data = renamed.into();
        let pin = envelope::Pin::from_ascii(PIN.as_bytes()).expect("a PIN");
        inner::seal(&to.bank, hash.as_bytes(), &card, &pin, inner::PinKind::CardPin).expect("the inner seal")
    });
    let answer = hand.submit(letter.order.request_id, &hand.submission(&attempt, &to)).await;
    assert_eq!(answer.code(), "declined_cryptogram", "{answer:?}");
    system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn the_inserted_card_is_told_its_banks_answer_and_scripts_reach_it() {
    let (system, payer, request) = opened(&Ask::default()).await;
    let card = Card::present_with(&system, "visa", &INSERTED);
    let refused = payer.pay(&request, &card, "9999").await;
    assert_eq!(code(&refused), "declined_wrong_pin", "{refused:?}");
    let word = told(&refused, "card_told");
    assert_eq!((&word["cryptogram"], &word["issuer_authentication"]), (&"aac".into(), &"passed".into()), "{word}");

    system.scenario("script:unblock_pin").await;
    let paid = payer.pay(&request, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    let word = told(&paid, "card_told");
    assert_eq!((&word["cryptogram"], &word["issuer_authentication"]), (&"tc".into(), &"passed".into()), "{word}");
    assert_eq!((&word["scripts"], &word["scripts_performed"]), (&1.into(), &1.into()), "{word}");

    // A card that its bank ends pays once more, and then never again.
    system.scenario("script:block_application").await;
    let last = another(&system, &payer, "A-2").await;
    assert_eq!(payer.pay(&last, &card, PIN).await.code, 0);
    system.scenario("none").await;
    let never = another(&system, &payer, "A-3").await;
    let refused = payer.pay(&never, &card, PIN).await;
    assert_eq!(code(&refused), "card_blocked", "{refused:?}");
    assert_eq!(money_moved(&refused), "no");
    system.assert_merchant_received(2 * 1_280).await;
}

#[tokio::test]
async fn card_pulled_before_the_banks_answer_still_pays_once() {
    let (system, payer, request) = opened(&Ask::default()).await;
    let card = Card::present_with(&system, "visa", &INSERTED);
    let paid = payer.pay(&request, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    let exchanges = told(&paid, "reading")["exchanges"].as_u64().expect("exchanges are counted");
    card.remove().await;

    // The same card, torn out with its cryptogram given and nothing else.
    let request = another(&system, &payer, "A-2").await;
    let exchanges = exchanges.to_string();
    let torn = Card::present_with(&system, "visa", &[&INSERTED[..], &["--remove-after", &exchanges]].concat());
    let paid = payer.pay(&request, &torn, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    assert_eq!(told(&paid, "receipt")["verified"], true);
    assert_eq!(told(&paid, "card_told")["trouble"], "card_removed", "{paid:?}");
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(2 * 1_280).await;
}

/// A serial stripe reader: what is written to it is a swipe.
struct Swiper {
    line: std::fs::File,
    place: String,
}

impl Swiper {
    fn new() -> Self {
        use rustix::pty::OpenptFlags;
        let line = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo terminal");
        rustix::pty::grantpt(&line).and_then(|()| rustix::pty::unlockpt(&line)).expect("a pseudo terminal");
        let name = rustix::pty::ptsname(line.as_fd(), Vec::new()).expect("a pseudo terminal has a name");
        let mut raw = rustix::termios::tcgetattr(&line).expect("a terminal");
        raw.make_raw();
        rustix::termios::tcsetattr(&line, rustix::termios::OptionalActions::Now, &raw).expect("a terminal");
        Self { line: line.into(), place: name.into_string().expect("names are ASCII") }
    }

    /// Pays while the card is swiped again and again: what is swiped before anybody waits counts for nothing.
    async fn pay(&mut self, payer: &Payer, request: &str, track2: &str) -> Finished {
        let reader = format!("stripe:{}", self.place);
        let paying = payer.pay_at(request, &reader, PIN);
        tokio::pin!(paying);
        loop {
            tokio::select! {
                finished = &mut paying => return finished,
                () = tokio::time::sleep(std::time::Duration::from_millis(600)) => {
                    self.line.write_all(track2.as_bytes()).expect("the line takes a swipe");
                }
            }
        }
    }
}

#[tokio::test]
async fn swiped_card_pays_with_its_pin_and_a_chip_card_is_told_to_use_its_chip() {
    let (system, payer, request) = opened(&Ask::default()).await;
    let mut swiper = Swiper::new();
    let chip = swiper.pay(&payer, &request, ";4761340000000050=31122010000049700000?\r").await;
    assert_eq!(code(&chip), "card_use_chip", "{chip:?}");
    assert_eq!(money_moved(&chip), "no");
    // The service code changed so that the chip does not show: the bank knows its stripe.
    let forged = swiper.pay(&payer, &request, ";4761340000000050=31121010000049700000?\r").await;
    assert_eq!(code(&forged), "declined_cryptogram", "{forged:?}");
    let paid = swiper.pay(&payer, &request, ";4456539999990003=31121010000079400000?\r").await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    assert_eq!(told(&paid, "reading")["interface"], "stripe");
    system.assert_merchant_received(1_280).await;
}
