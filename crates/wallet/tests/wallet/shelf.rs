//! Years of receipts, each signed by a merchant, a bank and an operator of the shelf's own: as many as are wanted, and
//! every one verifies against the trust file that goes with them.

use envelope::keyset::{BankCertificate, BankTrust, Dated, FrontKind, IinRange, Keyset, KeysetKey, MerchantProfile};
use envelope::{
    BankOutcome, BankRoot, BankSealingKeySecret, Merchant, OperatorRoot, PaymentServerSealingKeySecret, SigningKey, jws,
};
use payment::order::{OrderDraft, OrderItem};
use payment::outcome::OUTCOME_VERSION;
use payment::{
    Amount, AttemptHash, AttemptId, BankResult, MerchantId, Order, Outcome, Receipt, RequestId, WalletNonce,
};

/// When every key begins to be valid: 1970-01-01, before the oldest of a hundred thousand receipts.
const FROM_MS: i64 = 0;
/// When they end: 2060-01-01.
const UNTIL_MS: i64 = 2_840_140_800_000;
/// A sealing key of a bank lives a day at most.
const SEALING_MS: i64 = 60 * 60 * 1_000;
/// How long the bank takes, in milliseconds.
const DECISION_MS: u64 = 4_000;

/// A payment to be made a receipt of.
#[derive(Clone, Debug)]
pub struct Sale {
    /// Which one: no two of a shelf are the same.
    pub number: u64,
    /// Which of the shelf's payees.
    pub payee: usize,
    /// The merchant's reference.
    pub order_number: String,
    /// Lines: name, how many, total in minor units. What is paid is their sum.
    pub items: Vec<(String, u32, i64)>,
    /// ISO 4217.
    pub currency: String,
    /// When the bank decided.
    pub decided_ms: u64,
    /// Scheme and last four digits.
    pub card_label: String,
    /// What was given back.
    pub refunded_minor: i64,
}

/// What a wallet keeps of it.
pub struct Kept {
    /// The order.
    pub order: Order,
    /// As signed.
    pub order_jws: String,
    /// The attempt.
    pub attempt_id: AttemptId,
    /// The receipt.
    pub receipt: Receipt,
}

/// The keys, and what they signed.
pub struct Shelf {
    operator: SigningKey<OperatorRoot>,
    bank_root: SigningKey<BankRoot>,
    outcome: SigningKey<BankOutcome>,
    payees: Vec<(MerchantId, String, SigningKey<Merchant>)>,
    /// The keyset, as signed.
    pub keyset: String,
    /// The bank's certificate, as signed.
    pub certificate: String,
}

impl Shelf {
    /// A shelf of payees, each with an id and a name.
    pub fn new(payees: &[(&str, &str)]) -> Self {
        let operator = SigningKey::<OperatorRoot>::generate();
        let bank_root = SigningKey::<BankRoot>::generate();
        let outcome = SigningKey::<BankOutcome>::generate();
        let merchant = |(id, name): &(&str, &str)| {
            (id.parse().expect("an id"), (*name).to_owned(), SigningKey::<Merchant>::generate())
        };
        let payees: Vec<(MerchantId, String, SigningKey<Merchant>)> = payees.iter().map(merchant).collect();
        let profiles = payees.iter().map(|(id, name, key)| {
            let profile = MerchantProfile {
                merchant_id: id.as_str().to_owned(),
                display_name: name.clone(),
                mcc: "5814".to_owned(),
                country: "US".to_owned(),
                methods: None,
            };
            dated(KeysetKey::Merchant { key: key.public().clone(), profile })
        });
        let server = PaymentServerSealingKeySecret::generate();
        let mut keys = vec![dated(KeysetKey::PaymentServer(server.public().clone()))];
        keys.extend(profiles);
        let keyset = Keyset { version: 1, issued_ms: FROM_MS, expires_ms: UNTIL_MS, keys }.sign(&operator);
        let sealing = BankSealingKeySecret::generate();
        let certificate = BankCertificate {
            bank_id: "first".to_owned(),
            bank_name: "First Bank".to_owned(),
            kind: FrontKind::Bank,
            version: 1,
            issued_ms: FROM_MS,
            expires_ms: UNTIL_MS,
            iin_ranges: vec![IinRange { from: "400000".to_owned(), to: "559999".to_owned() }],
            sealing_keys: vec![Dated {
                key: sealing.public().clone(),
                not_before_ms: FROM_MS,
                not_after_ms: FROM_MS + SEALING_MS,
            }],
            outcome_keys: vec![dated(outcome.public().clone())],
        };
        let certificate = certificate.sign(&bank_root);
        Self { operator, bank_root, outcome, payees, keyset, certificate }
    }

    /// The trust file of whoever checks them.
    pub fn trust_json(&self, server_url: &str, tls_ca_pem: &str) -> String {
        let banks = vec![BankTrust { bank_id: "first".to_owned(), key: self.bank_root.public().clone() }];
        serde_json::json!({
            "server_url": server_url,
            "tls_ca_pem": tls_ca_pem,
            "operator": [self.operator.public()],
            "banks": banks,
        })
        .to_string()
    }

    /// A payment's receipt.
    pub fn receipt(&self, sale: &Sale) -> Kept {
        let (merchant_id, payee_name, key) = &self.payees[sale.payee];
        let currency = sale.currency.parse().expect("a currency");
        let amount = Amount::new(sale.items.iter().map(|(_, _, total)| total).sum(), currency);
        let created_ms = sale.decided_ms - DECISION_MS;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&sale.number.to_be_bytes());
        let item = |(name, quantity, total_minor): &(String, u32, i64)| OrderItem {
            name: name.clone(),
            quantity: *quantity,
            total_minor: *total_minor,
        };
        let order = Order::new(OrderDraft {
            request_id: RequestId::from_parts(created_ms, &random),
            merchant_id: merchant_id.clone(),
            order_number: sale.order_number.clone(),
            amount,
            created_ms,
            expires_ms: created_ms + 300_000,
            payee_name: payee_name.clone(),
            items: sale.items.iter().map(item).collect(),
            methods: None,
        });
        let order = order.expect("an order within its bounds");
        let attempt_id = AttemptId::from_parts(created_ms, &random);
        let nonce = WalletNonce::from_bytes([7; 32]);
        let order_hash = order.hash();
        let outcome = Outcome {
            version: OUTCOME_VERSION,
            bank_id: "first".to_owned(),
            request_id: order.request_id,
            attempt_id,
            order_hash,
            attempt_hash: AttemptHash::derive(&order_hash, attempt_id, &nonce),
            merchant_id: merchant_id.clone(),
            amount,
            decision: BankResult::Approved { approval_code: format!("{:06}", sale.number % 1_000_000) },
            rrn: format!("{:012}", sale.number),
            card_label: sale.card_label.clone(),
            decided_ms: sale.decided_ms,
        };
        let order_jws = jws::sign(key, jws::TYP_ORDER, &order.canonical());
        let receipt = Receipt {
            version: payment::receipt::RECEIPT_VERSION,
            order: order_jws.clone(),
            wallet_nonce: nonce,
            outcome: jws::sign(&self.outcome, jws::TYP_OUTCOME, &outcome.canonical()),
            keyset: self.keyset.clone(),
            bank_certificate: self.certificate.clone(),
        };
        Kept { order, order_jws, attempt_id, receipt }
    }
}

fn dated<K>(key: K) -> Dated<K> {
    Dated { key, not_before_ms: FROM_MS, not_after_ms: UNTIL_MS }
}
