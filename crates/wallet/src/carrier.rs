//! Phone bills: a wallet is enrolled with a telephone operator, and signs what it puts on the bill.
//!
//! The key pair is made here when a wallet is enrolled. Its secret half rests in the key store, behind the wallet's lock where
//! there is one, and is read for the length of one signature.

mod key;
mod proof;

use envelope::keyset::{BankCertificate, FrontKind};
use envelope::means::carrier::{Carrier, CarrierEnrolment, CarrierPayment, SubscriberClaim, enrolment_hash};
use envelope::means::{self, Means};
use envelope::subscriber::{BillPayment, SubscriberCertificate, SubscriberSignature};
use envelope::{SecretBytes, SigningKey, Subscriber};
use payment::{AttemptHash, AttemptId, Order, PhoneNumber, WalletNonce};
use protocol::ipc::carrier::PhoneBillView;
use protocol::ipc::means::FrontView;
use protocol::ipc::pay::BillChoice;
use protocol::wallet_api::EnrolCarrier;
use protocol::{ErrorCode, Problem};
use serde::{Deserialize, Serialize};

use crate::checkout::{Payable, sealing_key};
use crate::clock::{signed, unsigned};
use crate::error::{Result, WalletError};
use crate::keyset::Keys;
use crate::wallet::Wallet;

use key::BillKeys;
pub use proof::VerifiedProof;

/// The setting that keeps which bills this wallet pays on.
const SETTING_BILLS: &str = "phone_bills";
/// What the label of every receipt of a phone bill begins with.
pub(crate) const BILL_LABEL: &str = "phone bill ";
/// Most bills of one wallet.
const BILLS_MAX: usize = 8;

/// A bill that this wallet can pay on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneBill {
    /// The operator's id.
    pub operator: String,
    /// The operator's name when the wallet was enrolled.
    #[serde(default)]
    pub operator_name: String,
    /// The number.
    pub number: String,
    /// The name the operator knows.
    pub name: String,
    /// The certificate of this wallet's key.
    pub certificate: String,
}

impl PhoneBill {
    /// The line as a person picks it.
    pub(crate) fn choice(&self) -> BillChoice {
        let (operator, number) = (self.operator.clone(), self.number.clone());
        BillChoice { operator, operator_name: self.operator_name().to_owned(), number }
    }

    /// Operator and last digits, for the screen that asks for the PIN.
    pub(crate) fn label(&self) -> String {
        let masked = self.number.parse().map(|number: PhoneNumber| number.masked()).unwrap_or_default();
        format!("{} {masked}", self.operator_name())
    }

    /// What pays on it, with its PIN. It is signed when the attempt begins: there is nothing to sign before.
    pub(crate) fn payable(self, pin: SecretBytes) -> Result<Payable> {
        let serial = SubscriberCertificate::peek_serial(&self.certificate).ok_or_else(unusable)?;
        let who = SubscriberClaim { number: self.number, name: self.name, pin };
        let payment = CarrierPayment { who, serial, signature: SubscriberSignature::from_bytes([0; 64]) };
        Ok(Payable { means: Means::Carrier(Carrier::Pay(payment)), front: self.operator })
    }

    /// The line as the window lists it. Its certificate was verified when it was taken in.
    pub(crate) fn view(&self) -> PhoneBillView {
        let certificate = SubscriberCertificate::peek(&self.certificate);
        let ms = |time: Option<i64>| time.map_or(0, unsigned);
        PhoneBillView {
            operator: self.operator.clone(),
            operator_name: self.operator_name().to_owned(),
            number: self.number.clone(),
            name: self.name.clone(),
            since_ms: ms(certificate.as_ref().map(|certificate| certificate.not_before_ms)),
            until_ms: ms(certificate.as_ref().map(|certificate| certificate.not_after_ms)),
            key: certificate.map(|certificate| certificate.key.fingerprint()).unwrap_or_default(),
        }
    }

    fn operator_name(&self) -> &str {
        if self.operator_name.is_empty() { &self.operator } else { &self.operator_name }
    }

    fn is_of(&self, operator: &str, number: &PhoneNumber) -> bool {
        self.operator == operator && self.number == number.as_str()
    }
}

/// Who wants to enrol a wallet, and proves that it is it.
pub struct BillClaim {
    /// The operator's id.
    pub operator: String,
    /// The operator's name.
    pub operator_name: String,
    /// The number.
    pub number: PhoneNumber,
    /// The name the operator knows.
    pub name: String,
    /// The PIN for payments.
    pub pin: SecretBytes,
}

impl BillClaim {
    fn subscriber(&self) -> SubscriberClaim {
        SubscriberClaim {
            number: self.number.as_str().to_owned(),
            name: self.name.clone(),
            pin: SecretBytes::copy_of(self.pin.expose()),
        }
    }
}

/// One step of enrolling, before it is sealed: its id and what its capsule is sealed for.
struct Step {
    id: AttemptId,
    nonce: [u8; 32],
    hash: [u8; 32],
}

impl Wallet {
    /// The operators that can be picked.
    pub async fn operators(&self) -> std::result::Result<Vec<FrontView>, Problem> {
        let keys = self.core.keys.refresh(&self.core.server).await?;
        let of_operators = keys.fronts().filter(|front| front.kind == FrontKind::Operator);
        Ok(of_operators.map(|front| FrontView { id: front.bank_id.clone(), name: front.bank_name.clone() }).collect())
    }

    /// Whether there is an operator to be picked, as far as this device knows.
    pub(crate) async fn knows_operators(&self) -> Result<bool> {
        let keys = self.core.keys.kept(self.core.server.now_ms()).await?;
        Ok(keys.is_some_and(|keys| keys.fronts().any(|front| front.kind == FrontKind::Operator)))
    }

    /// An operator's name, by the keys of this moment.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when there is no operator with this id.
    pub(crate) async fn operator_name(&self, operator: &str) -> Result<String> {
        let keys = self.core.keys.refresh(&self.core.server).await?;
        let (front, _) = operator_among(&keys, operator)?;
        Ok(front.bank_name.clone())
    }

    /// The bill of this line.
    ///
    /// # Errors
    /// That this wallet is not enrolled for it.
    pub(crate) async fn bill_of(&self, operator: &str, number: &PhoneNumber) -> Result<PhoneBill> {
        let bills = self.bills().await?;
        let meant = bills.into_iter().find(|bill| bill.is_of(operator, number));
        meant.ok_or(WalletError::Code(ErrorCode::Declined(payment::DeclineCode::SubscriberKey)))
    }

    /// The bills that this wallet can pay on.
    pub async fn phone_bills(&self) -> std::result::Result<Vec<PhoneBill>, Problem> {
        Ok(self.bills().await?)
    }

    /// Asks an operator for the code that enrols this wallet. It comes to the number, or is had at the operator's counter.
    pub async fn carrier_ask(&self, claim: &BillClaim) -> std::result::Result<(), Problem> {
        let step = self.step(&claim.operator);
        self.bring(&claim.operator, &step, Carrier::Ask(claim.subscriber())).await?;
        Ok(())
    }

    /// Enrols this wallet: from now on it can pay on that bill, and the wallet that did so before cannot.
    pub async fn carrier_enrol(&self, claim: &BillClaim, code: SecretBytes) -> std::result::Result<PhoneBill, Problem> {
        let mut bills = self.bills().await?;
        bills.retain(|bill| !bill.is_of(&claim.operator, &claim.number));
        if bills.len() >= BILLS_MAX {
            return Err(ErrorCode::LimitReached.into());
        }
        let key = SigningKey::<Subscriber>::generate();
        let step = self.step(&claim.operator);
        let signature = SubscriberSignature::of_enrolment(&key, &step.hash);
        let who = claim.subscriber();
        let enrolment = CarrierEnrolment { who, code, key: key.public().to_bytes(), signature };
        let certificate = self.bring(&claim.operator, &step, Carrier::Enrol(enrolment)).await?;
        let certificate = certificate.ok_or_else(unusable)?;
        let certified = self.certified(&certificate)?;
        if certified.operator_id != claim.operator || certified.key != *key.public() {
            return Err(unusable().into());
        }
        let bill = PhoneBill {
            operator: claim.operator.clone(),
            operator_name: claim.operator_name.clone(),
            number: claim.number.to_string(),
            name: claim.name.clone(),
            certificate,
        };
        bills.push(bill.clone());
        // The key before the bill that needs it.
        let mut keys = self.bill_keys().await?;
        keys.put(certified.serial_bytes().ok_or_else(unusable)?, &key);
        self.keep_bill_keys(&keys).await?;
        self.save_bills(&bills).await?;
        // The operator takes the key that paid on this bill before no more.
        self.forget_other_keys(keys, &bills).await?;
        Ok(bill)
    }

    /// Pays on this bill no more. The operator is not told: it can be asked to end the wallet.
    pub async fn carrier_forget(&self, operator: &str, number: &PhoneNumber) -> std::result::Result<(), Problem> {
        let before = self.bills().await?;
        let bills: Vec<_> = before.iter().filter(|bill| !bill.is_of(operator, number)).cloned().collect();
        if bills.len() == before.len() {
            return Err(ErrorCode::NotFound.into());
        }
        self.save_bills(&bills).await?;
        Ok(self.forget_other_keys(self.bill_keys().await?, &bills).await?)
    }

    /// What pays on a bill: the one with this number, or the only one. It is signed when the attempt begins.
    pub async fn on_bill(
        &self,
        number: Option<&PhoneNumber>,
        pin: SecretBytes,
    ) -> std::result::Result<Payable, Problem> {
        Ok(self.chosen(number).await?.payable(pin)?)
    }

    async fn chosen(&self, number: Option<&PhoneNumber>) -> std::result::Result<PhoneBill, Problem> {
        let mut bills = self.bills().await?;
        if let Some(number) = number {
            bills.retain(|bill| bill.number == number.as_str());
        }
        let wrong = |what: &str| Problem::new(ErrorCode::InvalidInput).with_detail(what);
        match (bills.len(), bills.pop()) {
            (1, Some(bill)) => Ok(bill),
            (0, _) => Err(wrong("this wallet is not enrolled with a telephone operator, or not for this number")),
            _ => Err(wrong("this wallet pays on several phone bills; say which by its number")),
        }
    }

    pub(crate) async fn bills(&self) -> Result<Vec<PhoneBill>> {
        let kept = self.core.store.setting(SETTING_BILLS).await?;
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    async fn save_bills(&self, bills: &[PhoneBill]) -> Result<()> {
        let text = serde_json::to_string(bills).expect("texts are always JSON");
        self.core.store.save_setting(SETTING_BILLS, &text).await
    }

    fn step(&self, operator: &str) -> Step {
        let (mut random, mut nonce) = ([0; 10], [0; 32]);
        for buffer in [random.as_mut_slice(), nonce.as_mut_slice()] {
            getrandom::fill(buffer).expect("the operating system has randomness");
        }
        let id = AttemptId::from_parts(self.core.server.now_ms(), &random);
        Step { id, nonce, hash: enrolment_hash(operator, id.as_bytes(), &nonce) }
    }

    /// Seals a step to the operator and brings it there.
    async fn bring(
        &self,
        operator: &str,
        step: &Step,
        carrier: Carrier,
    ) -> std::result::Result<Option<String>, Problem> {
        let keys = self.core.keys.refresh(&self.core.server).await?;
        let (front, _) = operator_among(&keys, operator)?;
        let inner =
            means::seal(sealing_key(self, front)?, &step.hash, &Means::Carrier(carrier)).map_err(WalletError::from)?;
        let json = serde_json::to_value(&inner).expect("a capsule is always JSON");
        let inner = serde_json::from_value(json).expect("both have the same members");
        let wallet_nonce = WalletNonce::from_bytes(step.nonce).to_string();
        let body = EnrolCarrier { enrolment_id: step.id, wallet_nonce, inner };
        let enrolled = self.core.server.enrol_carrier(operator, &body).await;
        Ok(enrolled.map_err(unreachable_operator)?.certificate)
    }

    fn certified(&self, certificate: &str) -> std::result::Result<SubscriberCertificate, Problem> {
        let now_ms = signed(self.core.server.now_ms());
        SubscriberCertificate::verify_at(certificate, &self.core.keys.roots().banks, now_ms).map_err(|error| {
            tracing::warn!(%error, "an operator's certificate was not accepted");
            unusable().into()
        })
    }
}

/// The server says of every front what it says of a bank.
fn unreachable_operator(error: WalletError) -> WalletError {
    if error.code() == ErrorCode::BankUnreachable { ErrorCode::OperatorUnreachable.into() } else { error }
}

fn unusable() -> WalletError {
    WalletError::Detailed(ErrorCode::KeysetInvalid, "the operator's certificate cannot be used".to_owned())
}

fn operator_among<'a>(keys: &'a Keys, operator: &str) -> Result<(&'a BankCertificate, &'a str)> {
    let found = keys.front(operator).filter(|(front, _)| front.kind == FrontKind::Operator);
    found.ok_or_else(|| WalletError::Detailed(ErrorCode::NotFound, "no such operator".to_owned()))
}

/// Signs what goes on a bill, now that there is an attempt. Anything else needs no signature.
pub(crate) async fn sign(wallet: &Wallet, order: &Order, hash: &AttemptHash, payable: &mut Payable) -> Result<()> {
    let Payable { means: Means::Carrier(Carrier::Pay(payment)), front } = payable else { return Ok(()) };
    let missing = || WalletError::Code(ErrorCode::Declined(payment::DeclineCode::SubscriberKey));
    let keys = wallet.bill_keys().await?;
    let key = keys.get(&payment.serial).ok_or_else(missing)?;
    let paid = BillPayment {
        operator_id: front,
        attempt_hash: hash.as_bytes(),
        amount_minor: u64::try_from(order.amount.minor()).unwrap_or(0),
        currency: order.amount.currency().code(),
        merchant_id: order.merchant_id.as_str(),
    };
    payment.signature = SubscriberSignature::of_payment(&key, &paid);
    Ok(())
}

impl Wallet {
    async fn bill_keys(&self) -> Result<BillKeys> {
        let name = key::name(self.core.device.id());
        let kept = self.load_secret(name).await?;
        kept.map_or_else(|| Ok(BillKeys::none()), |secret| BillKeys::from_secret(&secret))
    }

    async fn keep_bill_keys(&self, keys: &BillKeys) -> Result<()> {
        self.keep_secret(key::name(self.core.device.id()), keys.to_secret()).await
    }

    /// Forgets every key that pays on none of these bills: also one that was left when the power failed before.
    async fn forget_other_keys(&self, mut keys: BillKeys, bills: &[PhoneBill]) -> Result<()> {
        let serials = bills.iter().filter_map(|bill| SubscriberCertificate::peek_serial(&bill.certificate));
        keys.keep_only(&serials.collect::<Vec<_>>());
        self.keep_bill_keys(&keys).await
    }
}
