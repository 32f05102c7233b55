//! Large amounts: voucher, card, personal code and signature together, and what does not pass for them.

use emv::Interface;
use envelope::inner::large_voucher::{self, LargeVoucher, SignedByDevice, Statement, card_hash};
use envelope::inner::{CardData, PinKind};
use envelope::{Device, Pin, SigningKey};
use virtual_card::{Profile, VirtualCard};

use super::*;
use crate::bank_front::card::{CardStatus, Limits};
use crate::bank_front::tests::support::{Told, card_data, read_card};

const BANK: &str = "first";
const PIN: &str = "1234";
const LARGE: i64 = 4_500;

/// What the buyer has: the card of the account, and the device it is used with.
struct Buyer {
    card: VirtualCard,
    device: SigningKey<Device>,
    /// What the card is told that it would pay, when it is not the order's amount.
    told_minor: Option<i64>,
}

impl Buyer {
    /// Somebody with this built-in card.
    fn with(profile: &str) -> Self {
        let card = VirtualCard::new(Profile::built_in(profile).unwrap()).over(Interface::Contactless);
        Self { card, device: SigningKey::generate(), told_minor: None }
    }

    /// Who bought the vouchers of these tests.
    fn new() -> Self {
        Self::with("visa")
    }
}

/// What is sealed, before anything was changed.
struct Parts {
    number: String,
    code: Vec<u8>,
    card: CardData,
    pin: String,
    /// Signed last, over all of it, unless something else is put here.
    signed: Option<SignedByDevice>,
}

impl Parts {
    fn statement<'a>(&'a self, attempt_hash: &'a [u8; 32], card_hash: &'a [u8; 32]) -> Statement<'a> {
        Statement { bank_id: BANK, attempt_hash, customer_number: &self.number, card_hash }
    }
}

impl Desk {
    /// An attempt as a wallet seals it, after `change` has been at its parts.
    fn large_changed(
        &mut self,
        bought: &Bought,
        buyer: &mut Buyer,
        minor: i64,
        change: impl FnOnce(&mut Parts),
    ) -> Sent {
        let order = self.bench.order(usd(minor));
        self.bench.attempt_sealed(&order, |attempt_hash, to| {
            let told = usd(buyer.told_minor.unwrap_or(minor));
            let card = card_data(&read_card(&mut buyer.card, Interface::Contactless, told, attempt_hash));
            let mut parts = Parts {
                number: bought.number.as_str().to_owned(),
                code: bought.codes.code.expose_ascii().to_vec(),
                card,
                pin: PIN.to_owned(),
                signed: None,
            };
            change(&mut parts);
            let attempt_hash = attempt_hash.as_bytes();
            let signed = parts.signed.take().unwrap_or_else(|| {
                SignedByDevice::sign(&buyer.device, parts.statement(attempt_hash, &card_hash(&parts.card)))
            });
            let Parts { number, code, card, pin, .. } = parts;
            let voucher = Voucher { customer_number: number, code: SecretBytes::copy_of(&code) };
            let pin = Pin::from_ascii(pin.as_bytes()).unwrap();
            let large =
                LargeVoucher { voucher: &voucher, card: &card, pin: &pin, pin_kind: PinKind::CardPin, signed: &signed };
            large_voucher::seal(to, attempt_hash, &large).unwrap()
        })
    }

    fn large(&mut self, bought: &Bought, buyer: &mut Buyer, minor: i64) -> Sent {
        self.large_changed(bought, buyer, minor, |_| {})
    }

    /// Seals, sends, and expects this refusal, whose message comes along.
    async fn refuses(
        &mut self,
        bought: &Bought,
        buyer: &mut Buyer,
        expected: DeclineCode,
        change: impl FnOnce(&mut Parts),
    ) -> Told {
        let sent = self.large_changed(bought, buyer, LARGE, change);
        let told = self.bench.pay(&sent).await;
        told.assert_declined(&sent, expected);
        told
    }

    /// Wrong codes that are left before the voucher is locked, and wrong PINs before the buyer's card is.
    async fn tries(&self, bought: &Bought) -> (i64, u8) {
        let of_code = sqlx::query_scalar("SELECT code_tries_left FROM voucher WHERE number = $1")
            .bind(bought.number.as_str())
            .fetch_one(self.bench.front.db.reader())
            .await
            .unwrap();
        (of_code, self.bench.card().await.pin_tries_left)
    }

    async fn left_minor(&self, bought: &Bought) -> i64 {
        self.view(&bought.number).await.counts.balance_minor
    }

    fn wrong_digits(bought: &Bought) -> Vec<u8> {
        VoucherCode::generate(&bought.number).expose_ascii().to_vec()
    }
}

#[tokio::test]
async fn a_large_amount_is_paid_by_voucher_with_card_pin_and_signature() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    let before = desk.bench.posted(HOLDER).await;
    let alone = desk.attempt(&bought, LARGE, bought.codes.code.expose_ascii());
    desk.bench.pay(&alone).await.assert_declined(&alone, DeclineCode::VoucherCardRequired);
    // The card may spend nothing itself: it is not the card that pays.
    let limits = Limits { payment_minor: Some(1), day_minor: Some(1), ..Limits::default() };
    let card = desk.bench.card().await;
    let limited = desk.with(move |db_tx, _| Box::pin(async move { card.set_limits(db_tx, limits).await }));
    limited.await.unwrap();

    let sent = desk.large(&bought, &mut buyer, LARGE);
    let told = desk.bench.pay(&sent).await;
    told.assert_approved(&sent);
    assert_eq!(told.outcome.as_ref().unwrap().card_label, bought.number.label());
    assert!(told.answer.has(55), "the card is told as in every payment that it took part in");
    assert_eq!(desk.left_minor(&bought).await, AMOUNT - LARGE);
    assert_eq!(desk.bench.posted(HOLDER).await, before, "no money leaves the card's account");
    assert_eq!(desk.bench.posted("merchant:blue-door").await, LARGE);
    assert!(desk.bench.card().await.atc.is_some(), "its counter is used up");

    // Sent again it is answered again, and taken once; undone it is back on the voucher.
    desk.bench.pay(&sent).await.assert_approved(&sent);
    assert_eq!(desk.left_minor(&bought).await, AMOUNT - LARGE);
    let inquired = desk.bench.send(sent.about(iso8583::Mti::INQUIRY)).await.unwrap();
    assert_eq!(Told::of(&desk.bench, &inquired).outcome, told.outcome);
    let reversed = desk.bench.send(sent.about(iso8583::Mti::REVERSAL_ADVICE)).await.unwrap();
    assert_eq!(reversed.text(39).unwrap(), "00");
    assert_eq!(desk.left_minor(&bought).await, AMOUNT);
    assert_eq!(desk.bench.posted(HOLDER).await, before);
}

#[tokio::test]
async fn below_the_bound_no_card_is_needed_whatever_it_comes_to_in_sum() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    // Each is an order of its own that its merchant signed, and is paid whole or not at all.
    for minor in [LARGE_FROM - 1, 500] {
        let sent = desk.attempt(&bought, minor, bought.codes.code.expose_ascii());
        desk.bench.pay(&sent).await.assert_approved(&sent);
    }
    // One that is shown all the same does no harm.
    let sent = desk.large(&bought, &mut buyer, 501);
    desk.bench.pay(&sent).await.assert_approved(&sent);
    assert_eq!(desk.left_minor(&bought).await, 0);
}

#[tokio::test]
async fn without_a_card_a_large_amount_tells_nothing_of_the_code_and_costs_no_try() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    for _ in 0..4 {
        let sent = desk.attempt(&bought, LARGE, &Desk::wrong_digits(&bought));
        desk.bench.pay(&sent).await.assert_declined(&sent, DeclineCode::VoucherCardRequired);
    }
    assert_eq!(desk.tries(&bought).await, (3, 3));
}

#[tokio::test]
async fn a_card_of_somebody_else_is_refused_before_the_code_is_looked_at() {
    let mut desk = Desk::new(2).await;
    let bought = desk.bought().await;
    let mut thief = Buyer::with("mastercard");
    desk.refuses(&bought, &mut thief, DeclineCode::VoucherWrongCard, |_| {}).await;
    for _ in 0..4 {
        let wrong = Desk::wrong_digits(&bought);
        desk.refuses(&bought, &mut thief, DeclineCode::VoucherWrongCard, |parts| parts.code = wrong).await;
    }
    // Nor does it tell whether there is such a voucher.
    let unknown = (0..).find_map(|from| VoucherNumber::from_parts(&"999999".parse().unwrap(), from)).unwrap();
    let code = VoucherCode::generate(&unknown).expose_ascii().to_vec();
    desk.refuses(&bought, &mut thief, DeclineCode::VoucherWrongCard, |parts| {
        (parts.number, parts.code) = (unknown.as_str().to_owned(), code);
    })
    .await;
    assert_eq!(desk.tries(&bought).await, (3, 3));
    assert_eq!(desk.left_minor(&bought).await, AMOUNT);
}

#[tokio::test]
async fn a_cryptogram_of_another_amount_or_attempt_stops_everything_before_it_is_asked() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    let recorded = {
        let other = payment::AttemptHash::from_bytes([9; 32]);
        card_data(&read_card(&mut buyer.card, Interface::Contactless, usd(LARGE), &other))
    };
    // Of another attempt: everything else is wrong too, and is not found out.
    let wrong = Desk::wrong_digits(&bought);
    desk.refuses(&bought, &mut buyer, DeclineCode::Cryptogram, |parts| {
        (parts.card, parts.code, parts.pin) = (recorded, wrong, "4321".to_owned());
    })
    .await;
    // Of another amount.
    buyer.told_minor = Some(100);
    desk.refuses(&bought, &mut buyer, DeclineCode::Cryptogram, |_| {}).await;
    assert_eq!(desk.tries(&bought).await, (3, 3));
}

#[tokio::test]
async fn what_no_device_signed_for_this_attempt_pays_nothing() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    let signature = DeclineCode::VoucherSignature;
    let key = buyer.device.public().clone();
    let missing = SignedByDevice::from_base64url(key, &"A".repeat(86)).unwrap();
    desk.refuses(&bought, &mut buyer, signature, |parts| parts.signed = Some(missing)).await;
    let (device, hash) = (SigningKey::<Device>::generate(), [5; 32]);
    desk.refuses(&bought, &mut buyer, signature, |parts| {
        parts.signed = Some(SignedByDevice::sign(&device, parts.statement(&hash, &card_hash(&parts.card))));
    })
    .await;
    // Signed for another voucher, and moved; neither code nor PIN is looked at.
    let wrong = Desk::wrong_digits(&bought);
    desk.refuses(&bought, &mut buyer, signature, |parts| {
        let other =
            Statement { bank_id: BANK, attempt_hash: &hash, customer_number: "4200010000000000", card_hash: &hash };
        parts.signed = Some(SignedByDevice::sign(&device, other));
        (parts.code, parts.pin) = (wrong, "4321".to_owned());
    })
    .await;
    assert_eq!(desk.tries(&bought).await, (3, 3));
    assert_eq!(desk.left_minor(&bought).await, AMOUNT);
}

#[tokio::test]
async fn the_first_device_signs_for_a_card_and_no_other_until_the_counter_forgets_it() {
    let mut desk = Desk::new(2).await;
    let (bought, other) = (desk.bought().await, desk.bought().await);
    let mut buyer = Buyer::new();
    // What was refused makes no device the card's.
    let mut thief = Buyer::new();
    std::mem::swap(&mut buyer.card, &mut thief.card);
    let wrong = Desk::wrong_digits(&bought);
    desk.refuses(&bought, &mut thief, DeclineCode::WrongVoucherCode, |parts| parts.code = wrong).await;
    std::mem::swap(&mut buyer.card, &mut thief.card);
    let sent = desk.large(&bought, &mut buyer, LARGE);
    desk.bench.pay(&sent).await.assert_approved(&sent);

    // The thief has card, PIN, number and code now, and another device.
    std::mem::swap(&mut buyer.card, &mut thief.card);
    desk.refuses(&other, &mut thief, DeclineCode::VoucherSignature, |_| {}).await;
    let wrong = Desk::wrong_digits(&other);
    desk.refuses(&other, &mut thief, DeclineCode::VoucherSignature, |parts| parts.code = wrong).await;
    assert_eq!(desk.tries(&other).await, (3, 3));
    let card = desk.bench.card().await.pan_reference;
    let forget = |card: crate::bank_front::card::PanReference| {
        desk.with(move |db_tx, _| Box::pin(async move { signer::forget(db_tx, &card).await }))
    };
    assert!(forget(card.clone()).await.unwrap());
    assert!(!forget(card).await.unwrap());
    let sent = desk.large(&other, &mut thief, LARGE);
    desk.bench.pay(&sent).await.assert_approved(&sent);
}

#[tokio::test]
async fn what_was_signed_is_kept_and_holds_at_this_bank_only() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    let sent = desk.large(&bought, &mut buyer, LARGE);
    desk.bench.pay(&sent).await.assert_approved(&sent);
    let mut connection = desk.bench.front.db.reader().acquire().await.unwrap();
    let kept = signer::evidence(&mut connection, &sent.attempt_id.to_string()).await.unwrap().unwrap();
    assert_eq!(
        (kept.number.as_str(), &kept.device_key),
        (bought.number.as_str(), &buyer.device.public().to_base64url())
    );
    kept.verify(BANK).unwrap();
    assert!(kept.verify("second").is_err());
    let changes: [fn(&mut signer::Evidence); 5] = [
        |kept| kept.number.replace_range(0..1, "5"),
        |kept| kept.attempt_hash.replace_range(0..2, "zz"),
        |kept| kept.card_hash = "00".repeat(32),
        |kept| kept.signature = "A".repeat(86),
        |kept| kept.device_key = SigningKey::<Device>::generate().public().to_base64url(),
    ];
    for change in changes {
        let mut changed = kept.clone();
        change(&mut changed);
        assert!(changed.verify(BANK).is_err(), "{changed:?}");
    }
    let of_none = signer::evidence(&mut connection, "00000000-0000-7000-8000-000000000000").await.unwrap();
    assert_eq!(of_none, None);
}

#[tokio::test]
async fn a_wrong_pin_costs_the_card_a_try_and_the_voucher_none() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    // Right or wrong, the code is not looked at.
    let codes = [bought.codes.code.expose_ascii().to_vec(), Desk::wrong_digits(&bought), Desk::wrong_digits(&bought)];
    let expected =
        [(DeclineCode::WrongPin, Some(2)), (DeclineCode::WrongPin, Some(1)), (DeclineCode::PinTriesExceeded, Some(0))];
    for (code, (expected, left)) in codes.into_iter().zip(expected) {
        let told = desk
            .refuses(&bought, &mut buyer, expected, |parts| (parts.code, parts.pin) = (code, "4321".to_owned()))
            .await;
        assert_eq!(told.pin_tries_left(), left);
    }
    assert_eq!(desk.tries(&bought).await, (3, 0));
    desk.refuses(&bought, &mut buyer, DeclineCode::PinTriesExceeded, |_| {}).await;
    // The voucher is as good as before for what its code alone pays.
    desk.pay(&bought, 100).await.unwrap();
}

#[tokio::test]
async fn a_wrong_code_costs_the_voucher_one_try_and_the_card_none() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    for (expected, left) in
        [(DeclineCode::WrongVoucherCode, 2), (DeclineCode::WrongVoucherCode, 1), (DeclineCode::VoucherLocked, 0)]
    {
        let wrong = Desk::wrong_digits(&bought);
        let sent = desk.large_changed(&bought, &mut buyer, LARGE, |parts| parts.code = wrong);
        desk.bench.pay(&sent).await.assert_declined(&sent, expected);
        // The same message again is no further try.
        desk.bench.pay(&sent).await.assert_declined(&sent, expected);
        assert_eq!(desk.tries(&bought).await, (left, 3));
    }
    assert_eq!(desk.state(&bought).await, "locked");
    desk.refuses(&bought, &mut buyer, DeclineCode::VoucherLocked, |_| {}).await;
    done(desk.unlock(&bought.number, desk.verifier(&bought.number, &bought.codes.backup)).await);
    let sent = desk.large(&bought, &mut buyer, LARGE);
    desk.bench.pay(&sent).await.assert_approved(&sent);
}

#[tokio::test]
async fn a_card_that_may_not_be_used_shows_nobody() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    let card = desk.bench.card().await;
    let blocked = desk.with(move |db_tx, _| Box::pin(async move { card.set_status(db_tx, CardStatus::Blocked).await }));
    blocked.await.unwrap();
    desk.refuses(&bought, &mut buyer, DeclineCode::CardBlocked, |_| {}).await;
    assert_eq!(desk.left_minor(&bought).await, AMOUNT);
}

#[tokio::test]
async fn a_large_capsule_serves_one_attempt_once() {
    let mut desk = Desk::new(2).await;
    let (bought, other) = (desk.bought().await, desk.bought().await);
    let mut buyer = Buyer::new();
    let sent = desk.large(&bought, &mut buyer, LARGE);
    let next = desk.large(&other, &mut buyer, LARGE);
    let swapped = Sent { capsule: sent.capsule.clone(), ..next };
    desk.bench.pay(&swapped).await.assert_declined(&swapped, DeclineCode::OrderMismatch);
    desk.bench.pay(&sent).await.assert_approved(&sent);
    // Under another reference it gets the word it had, and nothing moves.
    let again = Sent { stan: sent.stan + 500, ..sent.clone() };
    let told = desk.bench.pay(&again).await;
    assert_eq!(told.code, DeclineCode::Replay.response_code());
    assert_eq!(desk.left_minor(&bought).await, AMOUNT - LARGE);
}

#[tokio::test]
async fn of_several_large_tries_at_once_one_pays() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    let sent: Vec<_> = (0..8).map(|_| desk.large(&bought, &mut buyer, LARGE)).collect();
    let told = futures::future::join_all(sent.iter().map(|sent| desk.bench.pay(sent))).await;
    let approved = told.iter().filter(|told| told.code == "00").count();
    assert_eq!(approved, 1, "{:?}", told.iter().map(|told| &told.code).collect::<Vec<_>>());
    // The others came with an older counter, or found too little.
    let refusals = [DeclineCode::Replay, DeclineCode::InsufficientFunds].map(DeclineCode::response_code);
    assert!(told.iter().all(|told| told.code == "00" || refusals.contains(&told.code.as_str())));
    assert_eq!(desk.left_minor(&bought).await, AMOUNT - LARGE);
    assert_eq!(desk.bench.posted("merchant:blue-door").await, LARGE);
}

#[tokio::test]
async fn of_a_large_payment_the_bank_keeps_no_code_pin_or_card_number() {
    let mut desk = Desk::new(1).await;
    let bought = desk.bought().await;
    let mut buyer = Buyer::new();
    let sent = desk.large(&bought, &mut buyer, LARGE);
    desk.bench.pay(&sent).await.assert_approved(&sent);
    let home = home(&desk.bench.folder);
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(home.database().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("bank-front.db") {
            kept.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |needle: &[u8]| kept.windows(needle.len()).any(|window| window == needle);
    assert!(holds(buyer.device.public().to_base64url().as_bytes()), "the signature is in these files");
    let pan = buyer.card.profile().pan.clone();
    for secret in [&bought.codes.code.expose_ascii()[..], pan.as_bytes()] {
        assert!(!holds(secret));
        assert!(!holds(hex::encode(secret).as_bytes()));
    }
}
