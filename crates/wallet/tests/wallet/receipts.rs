//! Receipts that verify, and every way in which one does not.

use envelope::keyset::TrustRoots;
use envelope::{SigningKey, jws};
use payment::{Amount, AttemptId, BankResult, DeclineCode, Order, Outcome, Receipt, RequestId, WalletNonce};
use wallet::receipt::VerifiedReceipt;

use crate::stage::{Parties, approved, dated, order, outcome_of};

struct Case {
    parties: Parties,
    roots: TrustRoots,
    order: Order,
    attempt_id: AttemptId,
    nonce: WalletNonce,
    outcome: Outcome,
    receipt: Receipt,
}

fn case() -> Case {
    let parties = Parties::new();
    let roots = TrustRoots::from_json(&parties.trust_json("", "")).unwrap();
    let order = order(|_| {});
    let (attempt_id, nonce) = (AttemptId::from_bytes([3; 16]), WalletNonce::from_bytes([4; 32]));
    let outcome = outcome_of(&order, attempt_id, &nonce, approved());
    let receipt = parties.receipt(&order, attempt_id, nonce, &outcome);
    Case { parties, roots, order, attempt_id, nonce, outcome, receipt }
}

impl Case {
    fn refuses(&self, what: &str, change: impl FnOnce(&mut Receipt)) {
        let mut receipt = self.receipt.clone();
        change(&mut receipt);
        assert_ne!(receipt, self.receipt, "{what}: nothing was changed");
        assert!(VerifiedReceipt::verify(receipt, &self.roots).is_err(), "{what}");
    }

    /// An outcome that the bank really signed, but that says something else.
    fn refuses_outcome(&self, what: &str, change: impl FnOnce(&mut Outcome)) {
        let mut outcome = self.outcome.clone();
        change(&mut outcome);
        self.refuses(what, |receipt| receipt.outcome = self.parties.sign_outcome(&outcome));
    }
}

#[test]
fn a_true_receipt_verifies_and_says_what_was_paid() {
    let case = case();
    let json = serde_json::to_string(&case.receipt).unwrap();
    let view = VerifiedReceipt::from_json(&json, &case.roots).unwrap().view();
    assert_eq!(view.summary.amount, case.order.amount);
    assert_eq!(view.summary.attempt_id, case.attempt_id);
    assert_eq!(view.approval_code, "ABC123");
    assert_eq!((view.bank.as_str(), view.bank_called()), ("first", "First Bank"), "as the bank's root certified it");
    assert!(view.qr_svg.contains("<svg"), "the short proof fits a QR code");
    assert_eq!(VerifiedReceipt::from_json(&view.json, &case.roots).unwrap().view(), view, "its own text verifies");
}

#[test]
fn every_changed_field_of_the_receipt_is_noticed() {
    let case = case();
    let other = order(|draft| draft.amount = Amount::new(1, "USD".parse().unwrap()));
    case.refuses("version", |receipt| receipt.version = 2);
    case.refuses("nonce", |receipt| receipt.wallet_nonce = WalletNonce::from_bytes([5; 32]));
    case.refuses("another order of the merchant", |receipt| receipt.order = case.parties.sign_order(&other));
    case.refuses("a keyset by another root", |receipt| {
        receipt.keyset = case.parties.keyset(1).sign(&SigningKey::generate());
    });
    case.refuses("a certificate by another root", |receipt| {
        receipt.bank_certificate = case.parties.certificate(1).sign(&SigningKey::generate());
    });
    case.refuses("a certificate without the key", |receipt| {
        let mut certificate = case.parties.certificate(1);
        certificate.outcome_keys = vec![dated(SigningKey::generate().public().clone())];
        receipt.bank_certificate = certificate.sign(&case.parties.bank_root);
    });
    case.refuses("a keyset without the merchant", |receipt| {
        let mut keyset = case.parties.keyset(1);
        keyset.keys.pop();
        receipt.keyset = keyset.sign(&case.parties.operator);
    });
    case.refuses("an order by a stranger", |receipt| {
        receipt.order =
            jws::sign(&SigningKey::<envelope::Merchant>::generate(), jws::TYP_ORDER, &case.order.canonical());
    });
    case.refuses("an outcome by a stranger", |receipt| {
        receipt.outcome =
            jws::sign(&SigningKey::<envelope::BankOutcome>::generate(), jws::TYP_OUTCOME, &case.outcome.canonical());
    });
}

#[test]
fn an_outcome_about_anything_else_is_noticed() {
    let case = case();
    let cheaper = Amount::new(1, "USD".parse().unwrap());
    case.refuses_outcome("amount", |outcome| outcome.amount = cheaper);
    case.refuses_outcome("merchant", |outcome| outcome.merchant_id = "red-door".parse().unwrap());
    case.refuses_outcome("request", |outcome| outcome.request_id = RequestId::from_bytes([9; 16]));
    case.refuses_outcome("attempt", |outcome| outcome.attempt_id = AttemptId::from_bytes([9; 16]));
    case.refuses_outcome("order hash", |outcome| {
        outcome.order_hash = payment::OrderHash::from_bytes([9; 32]);
    });
    case.refuses_outcome("attempt hash", |outcome| outcome.attempt_hash = payment::AttemptHash::from_bytes([9; 32]));
    case.refuses_outcome("bank", |outcome| outcome.bank_id = "second".into());
    case.refuses_outcome("declined", |outcome| {
        outcome.decision = BankResult::Declined { code: DeclineCode::WrongPin, pin_tries_left: Some(2) };
    });
    case.refuses_outcome("reversed", |outcome| outcome.decision = BankResult::Reversed);
    case.refuses_outcome("before its keys were valid", |outcome| outcome.decided_ms = 1_000);
    case.refuses_outcome("after its keys ended", |outcome| outcome.decided_ms += 1_000_000_000);
    // The same attempt, told with another nonce, has another hash.
    let other = outcome_of(&case.order, case.attempt_id, &WalletNonce::from_bytes([6; 32]), approved());
    case.refuses_outcome("nonce", |outcome| *outcome = other);
    let again = case.parties.receipt(&case.order, case.attempt_id, case.nonce, &case.outcome);
    assert!(VerifiedReceipt::verify(again, &case.roots).is_ok(), "the case itself is sound");
}

/// Picks one text out of a receipt.
type Field = fn(&mut Receipt) -> &mut String;

#[test]
fn every_flipped_character_is_noticed() {
    let case = case();
    let fields: [(&str, Field); 4] = [
        ("order", |receipt| &mut receipt.order),
        ("outcome", |receipt| &mut receipt.outcome),
        ("keyset", |receipt| &mut receipt.keyset),
        ("bank certificate", |receipt| &mut receipt.bank_certificate),
    ];
    for (name, field) in fields {
        let length = field(&mut case.receipt.clone()).len();
        // Every 13th character, and the last of all: steps through header, payload and signature.
        for place in (0..length).step_by(13).chain([length - 1]) {
            case.refuses(&format!("{name} at {place}"), |receipt| {
                let text = field(receipt);
                let replacement = if &text[place..=place] == "A" { "B" } else { "A" };
                text.replace_range(place..=place, replacement);
            });
        }
    }
}

#[test]
fn what_is_no_receipt_is_refused() {
    let case = case();
    let json = serde_json::to_string(&case.receipt).unwrap();
    let extra = json.replacen('{', r#"{"paid":true,"#, 1);
    for text in ["", "{}", "null", &json[..json.len() - 1], &extra, &"x".repeat(5_000_000)] {
        assert!(VerifiedReceipt::from_json(text, &case.roots).is_err());
    }
    let strangers = TrustRoots::from_json(&Parties::new().trust_json("", "")).unwrap();
    assert!(VerifiedReceipt::from_json(&json, &strangers).is_err(), "roots that are not pinned");
}
