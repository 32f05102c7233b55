//! One visit of the page: a request that was opened and checked, a device for as long as it lasts, and what is paid with.

use envelope::keyset::{BankCertificate, Keyset, TrustRoots};
use envelope::means::voucher::Voucher;
use envelope::means::{self, Means};
use envelope::outer::{self, DeviceSignature, Route, Routing};
use envelope::{
    Capsule, Device, DeviceSealingKeySecret, LinkKey, SecretBytes, SigningKey, http_signature, jws, request,
};
use payment::{AttemptHash, AttemptId, DeviceId, MatchWords, Method, Methods, Order, VoucherNumber, WalletNonce};
use protocol::SealedText;
use protocol::wallet_api::{KeysetView, RegisterDevice, RequestLetter, SealedRequest, SubmitAttempt};
use serde::Serialize;

use crate::code::CodePayer;
use crate::fault::Fault;

/// A bank whose certificate verified, with the certificate as signed.
pub(crate) struct Front {
    pub(crate) certificate: BankCertificate,
    pub(crate) jws: String,
}

/// An attempt that was sealed.
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) nonce: WalletNonce,
    pub(crate) bank_id: String,
}

/// A visit. It holds secrets, so it has no `Debug`.
pub struct Visit {
    keyset: Keyset,
    pub(crate) keyset_jws: String,
    pub(crate) fronts: Vec<Front>,
    pub(crate) order: Order,
    pub(crate) order_jws: String,
    methods: Methods,
    device_id: DeviceId,
    signing: SigningKey<Device>,
    sealing: DeviceSealingKeySecret,
    pub(crate) code_payer: Option<CodePayer>,
    pub(crate) attempt: Option<Attempt>,
}

/// What the page shows of a request. Everything of it is from the verified order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The request.
    pub request_id: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// How much, as a decimal number with the currency's digits.
    pub amount: String,
    /// ISO 4217, three letters.
    pub currency: String,
    /// The payee's vetted name.
    pub payee: String,
    /// The merchant's own reference.
    pub order_number: String,
    /// The words that the shop shows too, in English.
    pub match_words: [String; 2],
    /// The same in Simplified Chinese.
    pub match_words_zh: [String; 2],
    /// When the order was made, ms since the Unix epoch.
    pub created_ms: u64,
    /// When it stops being payable, ms since the Unix epoch.
    pub expires_ms: u64,
    /// The ways to pay that are offered: those of the order that a page can do.
    pub methods: Vec<Method>,
    /// The banks there are, by id and name.
    pub banks: Vec<(String, String)>,
}

impl Visit {
    /// Opens and checks a letter. `keys` and `letter` are the server's answers, `fragment` is what stands behind the `#`.
    ///
    /// # Errors
    /// When something does not verify, or the order's time is over.
    pub fn open(roots: &str, keys: &str, letter: &str, fragment: &str, now_ms: u64) -> Result<Self, Fault> {
        let roots = TrustRoots::from_json(roots).map_err(|_| Fault::Keys)?;
        let view: KeysetView = serde_json::from_str(keys).map_err(|_| Fault::Keys)?;
        let at_ms = signed(now_ms);
        let keyset = Keyset::verify(&view.keyset, &roots.operator, at_ms, 0).map_err(|_| Fault::Keys)?;
        // A bank whose certificate is not good is a bank that is not there.
        let front = |jws: String| {
            let certificate = BankCertificate::verify(&jws, &roots.banks, at_ms, 0).ok()?;
            Some(Front { certificate, jws })
        };
        let fronts: Vec<Front> = view.bank_certificates.into_iter().filter_map(front).collect();
        let order_jws = opened(letter, fragment)?;
        let (order, methods) = verified(&order_jws, &keyset)?;
        if order.is_expired(now_ms) {
            return Err(Fault::Expired);
        }
        Ok(Self {
            keyset,
            keyset_jws: view.keyset,
            fronts,
            order,
            order_jws,
            methods: methods.and(Self::offered()),
            device_id: DeviceId::from_parts(now_ms, &random()),
            signing: SigningKey::generate(),
            sealing: DeviceSealingKeySecret::generate(),
            code_payer: None,
            attempt: None,
        })
    }

    /// What a page can do: it has no reader and keeps nothing.
    fn offered() -> Methods {
        [Method::Code, Method::Voucher].into_iter().collect()
    }

    /// What is shown.
    pub fn shown(&self) -> Shown {
        let order = &self.order;
        let words = MatchWords::of(&order.hash());
        let bank = |front: &Front| (front.certificate.bank_id.clone(), front.certificate.bank_name.clone());
        Shown {
            request_id: order.request_id.to_string(),
            amount_minor: order.amount.minor(),
            amount: order.amount.to_decimal(),
            currency: order.amount.currency().code().to_owned(),
            payee: order.payee_name.clone(),
            order_number: order.order_number.clone(),
            match_words: words.english().map(str::to_owned),
            match_words_zh: words.chinese().map(str::to_owned),
            created_ms: order.created_ms,
            expires_ms: order.expires_ms,
            methods: self.methods.iter().collect(),
            banks: self.fronts.iter().map(bank).collect(),
        }
    }

    /// What the server must know of this visit's device, which nobody has after it.
    pub fn registration(&self, language: &str) -> RegisterDevice {
        RegisterDevice {
            device_id: self.device_id,
            signing_key: self.signing.public().to_base64url(),
            sealing_key: self.sealing.public().to_base64url(),
            language: language.to_owned(),
        }
    }

    /// The device's id, and its signature over a call.
    pub fn signature(&self, method: &str, path_and_query: &str, now_ms: u64, body: &[u8]) -> (String, String) {
        let signature = http_signature::sign_http(&self.signing, method, path_and_query, signed(now_ms), body);
        (self.device_id.to_string(), signature)
    }

    /// What pays with a voucher. Its code is wiped.
    ///
    /// # Errors
    /// When order or merchant do not allow it, the bank is not known, or something was mistyped.
    pub fn pay_by_voucher(
        &mut self,
        bank_id: &str,
        number: &str,
        code: &SecretText,
        now_ms: u64,
    ) -> Result<SubmitAttempt, Fault> {
        self.require(Method::Voucher)?;
        let number: VoucherNumber = number.trim().parse().map_err(|_| Fault::Mistyped)?;
        if !number.may_have_code(code.0.trim()) {
            return Err(Fault::Mistyped);
        }
        let voucher = Voucher { customer_number: number.as_str().to_owned(), code: code.digits() };
        self.attempt(Means::Voucher(voucher), bank_id.to_owned(), now_ms)
    }

    pub(crate) fn require(&self, method: Method) -> Result<(), Fault> {
        if self.methods.contains(method) { Ok(()) } else { Err(Fault::Method) }
    }

    pub(crate) fn attempt(&mut self, means: Means, bank_id: String, now_ms: u64) -> Result<SubmitAttempt, Fault> {
        let (nonce, submission) = self.seal(means, &bank_id, now_ms)?;
        self.attempt = Some(Attempt { id: submission.attempt_id, nonce, bank_id });
        Ok(submission)
    }

    /// Seals to the bank, and that to the payment server; wipes what pays.
    pub(crate) fn seal(&self, means: Means, bank_id: &str, now_ms: u64) -> Result<(WalletNonce, SubmitAttempt), Fault> {
        let (order, at_ms) = (&self.order, signed(now_ms));
        let front = self.fronts.iter().find(|front| front.certificate.bank_id == bank_id).ok_or(Fault::Bank)?;
        let bank_key = front.certificate.sealing_key_at(at_ms).ok_or(Fault::Keys)?;
        let server_key = self.keyset.payment_server_sealing_key(at_ms).ok_or(Fault::Keys)?;
        let id = AttemptId::from_parts(now_ms, &random());
        let nonce = WalletNonce::from_bytes(random());
        let hash = AttemptHash::derive(&order.hash(), id, &nonce);
        let kind = means.kind();
        let inner = means::seal(bank_key, hash.as_bytes(), &means)?;
        drop(means);
        let routing = Routing {
            request_id: *order.request_id.as_bytes(),
            attempt_id: *id.as_bytes(),
            order_number: order.order_number.clone(),
            merchant_id: order.merchant_id.to_string(),
            amount_minor: order.amount.minor().unsigned_abs(),
            currency: order.amount.currency().code().to_owned(),
            wallet_nonce: *nonce.as_bytes(),
            route: Route::Means { kind, front: bank_id.to_owned() },
            inner,
        };
        let capsule = outer::seal(server_key, &routing.request_id, &routing.attempt_id, &routing)?;
        let signature = DeviceSignature::sign(&self.signing, &routing.request_id, &routing.attempt_id, &capsule);
        let submission =
            SubmitAttempt { attempt_id: id, outer: sealed_text(&capsule), device_signature: signature.to_base64url() };
        Ok((nonce, submission))
    }
}

/// A code as it was typed, wiped when dropped.
pub struct SecretText(zeroize::Zeroizing<String>);

impl SecretText {
    /// Takes over a text.
    pub fn new(text: String) -> Self {
        Self(zeroize::Zeroizing::new(text))
    }

    /// The text without what people put between its digits.
    pub fn digits(&self) -> SecretBytes {
        let mut digits = zeroize::Zeroizing::new(Vec::with_capacity(self.0.len()));
        digits.extend(self.0.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-'));
        SecretBytes::copy_of(&digits)
    }

    /// The text as it stands.
    pub fn bytes(&self) -> SecretBytes {
        SecretBytes::copy_of(self.0.as_bytes())
    }
}

/// The merchant-signed order in a letter; not yet verified.
fn opened(letter: &str, fragment: &str) -> Result<String, Fault> {
    let sealed: SealedRequest = serde_json::from_str(letter).map_err(|_| Fault::Link)?;
    let key = LinkKey::from_fragment(fragment).map_err(|_| Fault::Link)?;
    let capsule = serde_json::to_value(&sealed.sealed).map_err(|_| Fault::Link)?;
    let capsule: Capsule = serde_json::from_value(capsule).map_err(|_| Fault::Link)?;
    let plaintext = request::open_from_link(&key, sealed.request_id.as_bytes(), &capsule).map_err(|_| Fault::Link)?;
    let letter: RequestLetter = serde_json::from_slice(&plaintext).map_err(|_| Fault::Link)?;
    let order = jws::peek_payload_unverified(&letter.order).map_err(|_| Fault::Order)?;
    let order = Order::from_canonical(&order).map_err(|_| Fault::Order)?;
    // A server cannot file an order under another id.
    if order.request_id == sealed.request_id { Ok(letter.order) } else { Err(Fault::Order) }
}

/// The order, signed by a merchant of the keyset whose key was valid when it was made, and under that merchant's name.
fn verified(order_jws: &str, keyset: &Keyset) -> Result<(Order, Methods), Fault> {
    let kid = jws::peek_kid(order_jws).map_err(|_| Fault::Order)?;
    let claimed = jws::peek_payload_unverified(order_jws).map_err(|_| Fault::Order)?;
    let created_ms = Order::from_canonical(&claimed).map_err(|_| Fault::Order)?.created_ms;
    let (key, profile) = keyset.merchant_key(&kid, signed(created_ms)).ok_or(Fault::Order)?;
    let payload = jws::verify(key, jws::TYP_ORDER, order_jws).map_err(|_| Fault::Order)?;
    let order = Order::from_canonical(&payload).map_err(|_| Fault::Order)?;
    if order.merchant_id.as_str() != profile.merchant_id || order.payee_name != profile.display_name {
        return Err(Fault::Order);
    }
    let named = profile.methods.as_ref().map(|names| Methods::known(names.iter().map(String::as_str)));
    let methods = order.payable_by(named.unwrap_or_else(Methods::all));
    Ok((order, methods))
}

/// The same JSON in the wire's own type.
fn sealed_text(capsule: &Capsule) -> SealedText {
    let json = serde_json::to_value(capsule).expect("a capsule is always JSON");
    serde_json::from_value(json).expect("both have the same members")
}

fn signed(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the browser's random generator answers");
    bytes
}
