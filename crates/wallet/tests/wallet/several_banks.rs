//! Several banks behind one server: each card to the one whose root the wallet pinned, and to nobody in doubt.

use std::sync::Arc;

use envelope::keyset::{BankCertificate, BankTrust, FrontKind, IinRange};
use envelope::{BankRoot, BankSealingKeySecret, SigningKey};
use protocol::ErrorCode;
use protocol::ipc::CheckoutStage;
use virtual_card::Misbehaviour;
use wallet::Wallet;
use wallet::readers::Interface;

use crate::hand::{self, Hand};
use crate::stage::{HOUR_MS, Stage, dated, now_ms, order};

/// A phone of the first bank's, which needs no PIN: 489537.
const OF_THE_FIRST: &str = "phone-visa";
/// One of the second's: 520424.
const OF_THE_SECOND: &str = "phone-mastercard";
/// What the server of these tests says to everything it is sent.
const SENT: ErrorCode = ErrorCode::BankUnreachable;

/// A stage with a second bank, whose root is pinned too.
struct Banks {
    stage: Stage,
    second_root: SigningKey<BankRoot>,
}

impl Banks {
    async fn open() -> Self {
        let banks = Self { stage: Stage::open().await, second_root: SigningKey::generate() };
        let text = std::fs::read_to_string(banks.stage.trust()).unwrap();
        let mut trust: serde_json::Value = serde_json::from_str(&text).unwrap();
        let root = BankTrust { bank_id: "second".into(), key: banks.second_root.public().clone() };
        trust["banks"].as_array_mut().unwrap().push(serde_json::to_value(root).unwrap());
        std::fs::write(banks.stage.trust(), trust.to_string()).unwrap();
        banks.serve(1, &banks.second(1));
        banks
    }

    fn second(&self, version: u64) -> BankCertificate {
        BankCertificate {
            bank_id: "second".into(),
            bank_name: "Second Bank".into(),
            kind: FrontKind::Bank,
            version,
            iin_ranges: vec![IinRange { from: "500000".into(), to: "559999".into() }],
            sealing_keys: vec![dated(BankSealingKeySecret::generate().public().clone())],
            ..self.stage.parties.certificate(version)
        }
    }

    fn signed(&self, second: &BankCertificate) -> String {
        second.sign(&self.second_root)
    }

    /// The server serves both banks' certificates; the first bank's cards begin with 4.
    fn serve(&self, version: u64, second: &BankCertificate) {
        let parties = &self.stage.parties;
        let mut first = parties.certificate(version);
        first.iin_ranges = vec![IinRange { from: "400000".into(), to: "499999".into() }];
        self.stage.script(|script| {
            let mut keys = parties.keys(1);
            keys.bank_certificates = vec![first.sign(&parties.bank_root), self.signed(second)];
            script.keys = Some(keys);
        });
    }

    async fn wallet(&self, hand: &Hand) -> Wallet {
        let mut config = self.stage.config();
        config.own_readers.push(Arc::new(hand.clone()));
        Wallet::open(config).await.unwrap()
    }

    /// What a payment with the card comes to, whole seconds of patience aside.
    async fn pay(&self, profile: &str) -> ErrorCode {
        let hand = Hand::default();
        let wallet = self.wallet(&hand).await;
        let order = order(|_| {});
        let link = self.stage.deliver(order.request_id, &self.stage.parties.sign_order(&order));
        wallet.open_link(link).await.unwrap();
        hand.present(profile, Interface::Contactless, Misbehaviour::default());
        wallet.checkout_start(order.request_id, Some(hand::ID.to_owned())).await.unwrap();
        let mut seq = 0;
        let code = loop {
            let watched = wallet.watch(seq).await.unwrap();
            seq = watched.seq;
            if let Some(CheckoutStage::Refused { code, .. }) = watched.checkout.map(|view| view.progress) {
                break code;
            }
        };
        wallet.checkout_done().await.unwrap();
        wallet.close().await;
        code
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_card_is_sealed_to_its_own_bank() {
    let banks = Banks::open().await;
    assert_eq!(banks.pay(OF_THE_FIRST).await, SENT);
    assert_eq!(banks.pay(OF_THE_SECOND).await, SENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_no_pinned_bank_is_told_so_and_sent_nowhere() {
    let mut banks = Banks::open().await;
    // A bank that the payment server believes in, and this wallet never heard of.
    banks.second_root = SigningKey::generate();
    banks.serve(1, &banks.second(1));
    assert_eq!(banks.pay(OF_THE_SECOND).await, ErrorCode::NoBankForCard);
    assert_eq!(banks.pay(OF_THE_FIRST).await, SENT);
    banks.stage.script(|script| assert_eq!(script.submissions, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_away_for_longer_than_its_certificate_takes_no_other_with_it() {
    let banks = Banks::open().await;
    let (issued_ms, expires_ms) = (now_ms() - 2 * HOUR_MS, now_ms() - HOUR_MS);
    banks.serve(1, &BankCertificate { issued_ms, expires_ms, ..banks.second(1) });
    assert_eq!(banks.pay(OF_THE_SECOND).await, ErrorCode::NoBankForCard);
    assert_eq!(banks.pay(OF_THE_FIRST).await, SENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_two_banks_claim_is_sealed_to_neither() {
    let banks = Banks::open().await;
    let mut greedy = banks.second(1);
    greedy.iin_ranges.push(IinRange { from: "48953700".into(), to: "48953799".into() });
    banks.serve(1, &greedy);
    assert_eq!(banks.pay(OF_THE_FIRST).await, ErrorCode::BankAmbiguous);
    assert_eq!(banks.pay(OF_THE_SECOND).await, SENT, "its other cards are nobody else's");
    banks.stage.script(|script| assert_eq!(script.submissions, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_banks_version_has_a_floor_of_its_own() {
    let banks = Banks::open().await;
    let wallet = banks.wallet(&Hand::default()).await;
    banks.serve(9, &banks.second(3));
    wallet.sync().await.unwrap();
    banks.serve(9, &banks.second(2));
    assert_eq!(wallet.sync().await.unwrap_err().code, ErrorCode::KeysetInvalid, "though the first bank's is higher");
    banks.serve(8, &banks.second(4));
    assert_eq!(wallet.sync().await.unwrap_err().code, ErrorCode::KeysetInvalid);
    banks.serve(9, &banks.second(4));
    wallet.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_certificate_of_one_bank_is_refused() {
    let banks = Banks::open().await;
    let wallet = banks.wallet(&Hand::default()).await;
    let other = banks.signed(&banks.second(2));
    banks.stage.script(|script| script.keys.as_mut().unwrap().bank_certificates.push(other));
    assert_eq!(wallet.sync().await.unwrap_err().code, ErrorCode::KeysetInvalid);
}
