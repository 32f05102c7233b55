//! A payer's phone bill: its number, and the key of its wallet that the operator certified.

use envelope::means::carrier::{Carrier, CarrierEnrolment, CarrierPayment, SubscriberClaim, enrolment_hash};
use envelope::means::{self, Means, MeansKind};
use envelope::outer::Route;
use envelope::subscriber::{BillPayment, SERIAL_LEN, SubscriberCertificate, SubscriberSignature};
use envelope::{BankSealingKey, SecretBytes, SigningKey, Subscriber};
use payment::{AttemptId, WalletNonce};
use protocol::wallet_api::EnrolCarrier;

use super::Proof;
use crate::hand::{Attempt, Drawn, Hand, Letter, SealTo, now_ms, random, sealed_text};
use crate::operator::{NAME, Operator, PIN};
use crate::system::System;

/// What may stand unpaid on a bill, in minor units: more than anybody spends in a run.
const LIMIT_MINOR: i64 = 99_999_999;

/// A bill that this payer can pay on.
pub struct Bill {
    number: String,
    key: SigningKey<Subscriber>,
    serial: [u8; SERIAL_LEN],
}

impl Bill {
    /// Opens a subscriber and enrols its wallet by the code that comes to the mobile.
    pub async fn enrol(system: &System, operator: &Operator, hand: &Hand, to: &SealTo, payer: usize) -> Self {
        let number = format!("+1303555{payer:04}");
        operator.subscriber(system, &number, "mobile", LIMIT_MINOR).await;
        let to = to.operator.as_ref().expect("an operator is connected");
        step(hand, to, |_| Carrier::Ask(claim(&number, PIN))).await;
        let is_there = async || !operator.codes(system, &number).is_empty();
        system.wait_until("the code has been texted", is_there).await;
        let code = operator.codes(system, &number).pop().expect("it was there a moment ago");
        let key = SigningKey::<Subscriber>::generate();
        let enrolment = |hash: &[u8; 32]| {
            Carrier::Enrol(CarrierEnrolment {
                who: claim(&number, PIN),
                code: SecretBytes::copy_of(code.as_bytes()),
                key: key.public().to_bytes(),
                signature: SubscriberSignature::of_enrolment(&key, hash),
            })
        };
        let certificate = step(hand, to, enrolment).await.expect("a certificate");
        let serial = SubscriberCertificate::peek_serial(&certificate).expect("a serial");
        Self { number, key, serial }
    }

    /// Its number.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Under which name a test books what is put on it.
    pub fn account(&self) -> String {
        format!("bill:{}", self.number)
    }

    /// Signs an attempt and seals it to the operator, if one was heard of.
    pub fn attempt(&self, letter: &Letter, to: &SealTo, proof: Proof) -> Option<Attempt> {
        let operator = to.operator.as_ref()?;
        let order = &letter.order;
        let drawn = Drawn::for_order(order);
        let paid = BillPayment {
            operator_id: Operator::ID,
            attempt_hash: drawn.hash.as_bytes(),
            amount_minor: u64::try_from(order.amount.minor()).expect("orders ask for positive amounts"),
            currency: order.amount.currency().code(),
            merchant_id: order.merchant_id.as_str(),
        };
        let who = claim(&self.number, if proof == Proof::Right { PIN } else { "0000" });
        let signature = SubscriberSignature::of_payment(&self.key, &paid);
        let payment = Means::Carrier(Carrier::Pay(CarrierPayment { who, serial: self.serial, signature }));
        let inner = means::seal(operator, drawn.hash.as_bytes(), &payment).expect("the inner seal");
        let route = Route::Means { kind: MeansKind::Carrier, front: Operator::ID.into() };
        Some(Attempt { account: self.account(), ..drawn.routed(order, route, inner) })
    }
}

fn claim(number: &str, pin: &str) -> SubscriberClaim {
    SubscriberClaim { number: number.into(), name: NAME.into(), pin: SecretBytes::copy_of(pin.as_bytes()) }
}

/// One of the two steps; the certificate, if the operator gave one.
async fn step(hand: &Hand, to: &BankSealingKey, carrier: impl FnOnce(&[u8; 32]) -> Carrier) -> Option<String> {
    let (id, nonce) = (AttemptId::from_parts(now_ms(), &random()), random::<32>());
    let hash = enrolment_hash(Operator::ID, id.as_bytes(), &nonce);
    let inner = means::seal(to, &hash, &Means::Carrier(carrier(&hash))).expect("the inner seal");
    let wallet_nonce = WalletNonce::from_bytes(nonce).to_string();
    let body = EnrolCarrier { enrolment_id: id, wallet_nonce, inner: sealed_text(&inner) };
    let answer = hand.post(&format!("/v1/operators/{}/enrolments", Operator::ID), &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["certificate"].as_str().map(str::to_owned)
}
