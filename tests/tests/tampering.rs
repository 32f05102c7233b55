//! A server, a wallet or a line that cheats: the bank front refuses, because the inner seal does not open.

use e2e::hand::{Attempt, Hand, Letter, SealTo, merchant_key};
use e2e::line::{Line, Reference, about, financial_request, outcome, response_code};
use e2e::payer::PIN;
use e2e::system::{Ask, MERCHANT, System, Wishes};
use envelope::{Merchant, SigningKey};
use iso8583::private::{CAPSULE_ELEMENT, COMPOSITE_ELEMENT, Composite};
use iso8583::{Message, Mti};
use payment::order::OrderDraft;
use payment::{Amount, Order, OrderItem};
use virtual_card::{Profile, VirtualCard};

struct Stage {
    system: System,
    hand: Hand,
    letter: Letter,
    to: SealTo,
    attempt: Attempt,
}

/// Everything up to a capsule that was honestly sealed for an order of 12.80.
async fn stage() -> Stage {
    let system = System::start(Wishes::default()).await;
    let hand = Hand::register(&system).await;
    let letter = hand.open(&system.ask(&Ask::default()).await).await;
    let to = hand.seal_to(&system).await;
    let attempt = hand.attempt(&letter, &to, &mut visa(), PIN);
    Stage { system, hand, letter, to, attempt }
}

fn visa() -> VirtualCard {
    VirtualCard::new(Profile::built_in("visa").expect("a built-in profile"))
}

impl Stage {
    async fn line(&self) -> Line {
        Line::connect(self.system.folder(), &self.system.bank_address()).await
    }

    fn honest(&self, stan: u32) -> Message {
        financial_request(&self.letter, &self.attempt, &Reference::new(stan))
    }

    /// Sends the message to the bank and expects this refusal, with no money moved.
    async fn refused_with(&self, message: &Message, expected: &str) {
        let answer = self.line().await.ask(message).await;
        assert_eq!(response_code(&answer), expected, "{answer:?}");
        self.system.assert_merchant_received(0).await;
    }

    /// The message with another order in the place of the honest one.
    fn with_order(&self, stan: u32, jws: String) -> Message {
        let composite = Composite {
            order: Some(jws),
            attempt_id: Some(*self.attempt.id.as_bytes()),
            wallet_nonce: Some(*self.attempt.nonce.as_bytes()),
            ..Composite::default()
        };
        self.honest(stan).with_binary(COMPOSITE_ELEMENT, composite.to_bytes().expect("a composite fits"))
    }

    /// The merchant's own signature over a changed order: a merchant and a server in league.
    fn resigned(&self, change: impl Fn(&mut OrderDraft)) -> String {
        let order = &self.letter.order;
        let mut draft = OrderDraft {
            request_id: order.request_id,
            merchant_id: order.merchant_id.clone(),
            order_number: order.order_number.clone(),
            amount: order.amount,
            created_ms: order.created_ms,
            expires_ms: order.expires_ms,
            payee_name: order.payee_name.clone(),
            items: order.items.clone(),
            methods: order.methods,
        };
        change(&mut draft);
        let changed = Order::new(draft).expect("a changed order is an order");
        let key = merchant_key(&self.system, MERCHANT);
        envelope::jws::sign(&key, envelope::jws::TYP_ORDER, &changed.canonical())
    }
}

#[tokio::test]
async fn an_honest_message_is_approved_so_that_the_refusals_below_mean_something() {
    let stage = stage().await;
    let answer = stage.line().await.ask(&stage.honest(1)).await;
    assert_eq!(response_code(&answer), "00", "{answer:?}\n{}", stage.system.logs());
    let outcome = outcome(&answer).expect("an approval carries a signed outcome");
    assert!(outcome.is_approved());
    assert_eq!(outcome.order_hash, stage.letter.order.hash());
    stage.system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn tampered_amount_in_the_message() {
    let stage = stage().await;
    stage.refused_with(&stage.honest(1).with_text(4, "000000001281"), "63").await;
}

#[tokio::test]
async fn tampered_currency_in_the_message() {
    let stage = stage().await;
    stage.refused_with(&stage.honest(1).with_text(49, "978"), "63").await;
}

#[tokio::test]
async fn tampered_payee_in_the_message() {
    let stage = stage().await;
    stage.refused_with(&stage.honest(1).with_text(42, format!("{:<15}", "evil-shop")), "63").await;
}

#[tokio::test]
async fn tampered_order_amount_signed_again_by_the_merchant() {
    let stage = stage().await;
    let jws = stage.resigned(|draft| {
        draft.amount = Amount::new(128_000, draft.amount.currency());
        draft.items = Vec::<OrderItem>::new();
    });
    stage.refused_with(&stage.with_order(1, jws.clone()).with_text(4, "000000128000"), "63").await;
    stage.refused_with(&stage.with_order(2, jws), "63").await;
}

#[tokio::test]
async fn tampered_payee_name_order_number_and_expiry_signed_again_by_the_merchant() {
    let stage = stage().await;
    stage.refused_with(&stage.with_order(1, stage.resigned(|draft| draft.payee_name = "Other".into())), "63").await;
    stage.refused_with(&stage.with_order(2, stage.resigned(|draft| draft.order_number = "B-1".into())), "63").await;
    stage.refused_with(&stage.with_order(3, stage.resigned(|draft| draft.expires_ms += 60_000)), "63").await;
}

#[tokio::test]
async fn an_order_signed_by_a_stranger() {
    let stage = stage().await;
    let stranger = SigningKey::<Merchant>::generate();
    let jws = envelope::jws::sign(&stranger, envelope::jws::TYP_ORDER, &stage.letter.order.canonical());
    stage.refused_with(&stage.with_order(1, jws), "63").await;
}

#[tokio::test]
async fn a_flipped_bit_anywhere_in_the_capsule() {
    let stage = stage().await;
    let capsule = stage.attempt.routing.inner.to_bytes();
    let mut line = stage.line().await;
    for (stan, index) in (1u32..).zip((2..capsule.len()).step_by(97)) {
        let mut flipped = capsule.clone();
        flipped[index] ^= 1;
        let answer = line.ask(&stage.honest(stan).with_binary(CAPSULE_ELEMENT, flipped)).await;
        assert_ne!(response_code(&answer), "00", "byte {index}");
    }
    stage.system.assert_merchant_received(0).await;
    // None of that has cost a PIN try or the card's counter: the honest message still pays.
    assert_eq!(response_code(&line.ask(&stage.honest(900)).await), "00");
}

#[tokio::test]
async fn another_attempt_id_or_nonce_does_not_open_the_seal() {
    let stage = stage().await;
    for (stan, (id, nonce)) in
        (1u32..).zip([([9; 16], *stage.attempt.nonce.as_bytes()), (*stage.attempt.id.as_bytes(), [9; 32])])
    {
        let composite = Composite {
            order: Some(stage.letter.jws.clone()),
            attempt_id: Some(id),
            wallet_nonce: Some(nonce),
            ..Composite::default()
        };
        let message = stage.honest(stan).with_binary(COMPOSITE_ELEMENT, composite.to_bytes().unwrap());
        stage.refused_with(&message, "63").await;
    }
}

#[tokio::test]
async fn replayed_capsule_under_a_new_reference_moves_money_once() {
    let stage = stage().await;
    let mut line = stage.line().await;
    assert_eq!(response_code(&line.ask(&stage.honest(1)).await), "00");
    let replayed = line.ask(&stage.honest(2)).await;
    assert_ne!(response_code(&replayed), "00", "{replayed:?}");
    stage.system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn the_same_message_again_gets_the_same_answer_and_no_second_debit() {
    let stage = stage().await;
    let mut line = stage.line().await;
    let first = line.ask(&stage.honest(1)).await;
    let repeated = line.ask(&stage.honest(1).with_mti(Mti::FINANCIAL_REPEAT)).await;
    assert_eq!(response_code(&first), "00");
    assert_eq!(response_code(&repeated), "00");
    assert_eq!(outcome(&first), outcome(&repeated));
    stage.system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn an_approval_cannot_arrive_after_its_reversal() {
    let stage = stage().await;
    let mut line = stage.line().await;
    let original = Reference::new(1);
    let reversal = about(Mti::REVERSAL_ADVICE, &original, &stage.attempt, &stage.letter, 2);
    assert_eq!(response_code(&line.ask(&reversal).await), "00", "a reversal of what never arrived is accepted");
    let late = line.ask(&stage.honest(1)).await;
    assert_ne!(response_code(&late), "00", "{late:?}");
    stage.system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn a_repeated_reversal_undoes_once() {
    let stage = stage().await;
    let mut line = stage.line().await;
    assert_eq!(response_code(&line.ask(&stage.honest(1)).await), "00");
    let original = Reference::new(1);
    for stan in [2, 3, 4] {
        let reversal = about(Mti::REVERSAL_ADVICE_REPEAT, &original, &stage.attempt, &stage.letter, stan);
        assert_eq!(response_code(&line.ask(&reversal).await), "00");
    }
    stage.system.assert_merchant_received(0).await;
    let inquiry = about(Mti::INQUIRY, &original, &stage.attempt, &stage.letter, 5);
    let told = line.ask(&inquiry).await;
    assert!(outcome(&told).is_none_or(|outcome| !outcome.is_approved()), "{told:?}");
}

#[tokio::test]
async fn a_wallet_that_lies_about_the_amount_is_stopped_at_the_server() {
    let stage = stage().await;
    let request = stage.letter.order.request_id;
    let mut lying = stage.attempt.clone();
    lying.routing.amount_minor = 1;
    let refused = stage.hand.submit(request, &stage.hand.submission(&lying, &stage.to)).await;
    assert_eq!(refused.code(), "order_mismatch", "{refused:?}");
    let mut lying = stage.attempt.clone();
    lying.routing.merchant_id = "evil-shop".into();
    let refused = stage.hand.submit(request, &stage.hand.submission(&lying, &stage.to)).await;
    assert_eq!(refused.code(), "order_mismatch", "{refused:?}");
    stage.system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn duplicate_submit_fifty_times_at_once_is_one_payment() {
    let stage = stage().await;
    let request = stage.letter.order.request_id;
    let body = stage.hand.submission(&stage.attempt, &stage.to);
    let answers = futures::future::join_all((0..50).map(|_| stage.hand.submit(request, &body))).await;
    for answer in &answers {
        assert!(answer.body["state"] == "approved" || answer.status == 202 || answer.status == 409, "{answer:?}");
    }
    assert!(answers.iter().any(|answer| answer.body["state"] == "approved"), "{answers:?}");
    stage.system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn replayed_capsule_under_another_attempt_is_stopped_at_the_server() {
    let stage = stage().await;
    let request = stage.letter.order.request_id;
    let body = stage.hand.submission(&stage.attempt, &stage.to);
    let other = stage.hand.open(&stage.system.ask(&Ask { order: "A-2".into(), ..Ask::default() }).await).await;
    let paid = stage.hand.submit(request, &body).await;
    assert_eq!(paid.body["state"], "approved", "{paid:?}");
    let replayed = stage.hand.submit(other.order.request_id, &body).await;
    assert!(replayed.status >= 400, "{replayed:?}");
    stage.system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn capsule_to_a_retired_key_is_refused_with_a_code_that_says_so() {
    let stage = stage().await;
    let strange = envelope::BankSealingKeySecret::generate();
    let to = SealTo { bank: strange.public().clone(), ..stage.hand.seal_to(&stage.system).await };
    let attempt = stage.hand.attempt(&stage.letter, &to, &mut visa(), PIN);
    let request = stage.letter.order.request_id;
    let refused = stage.hand.submit(request, &stage.hand.submission(&attempt, &stage.to)).await;
    assert_eq!(refused.body["state"], "declined", "{refused:?}");
    assert_eq!(refused.body["code"], "bank_key_retired", "{refused:?}");
    stage.system.assert_merchant_received(0).await;
    // The request is open still: sealing to the right key pays.
    let again = stage.hand.attempt(&stage.letter, &stage.to, &mut visa(), PIN);
    let paid = stage.hand.submit(request, &stage.hand.submission(&again, &stage.to)).await;
    assert_eq!(paid.body["state"], "approved", "{paid:?}");
}

#[tokio::test]
async fn a_link_scanner_changes_nothing() {
    let system = System::start(Wishes::default()).await;
    let created = system.ask(&Ask::default()).await;
    let link = created["link"].as_str().unwrap();
    let page = link.split('#').next().unwrap();
    let token = page.rsplit('/').next().unwrap();
    for _ in 0..5 {
        let client = e2e::tap::https_client(system.folder());
        let answer = client.get(page).send().await.unwrap();
        assert!(answer.status().is_success());
        let body = answer.text().await.unwrap();
        assert!(!body.contains("12.80") && !body.contains("Blue Door"), "the page shows nothing of the request");
        system.public_get(&format!("/v1/links/{token}")).await.unwrap();
    }
    let seen = system.shown_to_merchant(created["id"].as_str().unwrap()).await;
    assert_eq!(seen["status"], created["status"], "{seen}");
}
