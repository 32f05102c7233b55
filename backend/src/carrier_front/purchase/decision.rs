//! Whether something goes on a bill, decided and written in one step.

use envelope::means::carrier::{Carrier, CarrierPayment};
use envelope::subscriber::{BillPayment, SubscriberCertificate};
use iso8583::Message;
use payment::outcome::{BankResult, OUTCOME_VERSION};
use payment::{ConfirmationNumber, Currency, DeclineCode, Outcome, PhoneNumber};

use super::{Purchase, PurchaseState, narrative};
use crate::carrier_front::CarrierFront;
use crate::carrier_front::error::CarrierError;
use crate::carrier_front::ledger::{self, Account, Kind, NewPosting};
use crate::carrier_front::subscriber::{self, Identity, Subscriber, SubscriberState};
use crate::carrier_front::texting::{self, Said};
use crate::front::SealedRequest;
use crate::storage::DbConnection;

/// A debit that came, with everything that can be known before the books are asked.
pub(in crate::carrier_front) struct Question {
    pub(in crate::carrier_front) request: SealedRequest,
    /// The order as the merchant signed it, and the wallet's nonce: with them the purchase can be proved.
    pub(in crate::carrier_front) order_jws: String,
    pub(in crate::carrier_front) wallet_nonce: [u8; 32],
    /// Who brought it (DE 32).
    pub(in crate::carrier_front) acquirer: Option<String>,
    /// The currency in which the merchant is paid, and what pays.
    pub(in crate::carrier_front) opened: Result<(Currency, Carrier), DeclineCode>,
    pub(in crate::carrier_front) now_ms: i64,
}

/// What the operator says about one attempt.
pub(in crate::carrier_front) enum Decided {
    /// It is on the bill.
    Approved { outcome: String, confirmation: ConfirmationNumber },
    /// It is not.
    Declined { outcome: String, refusal: Refusal },
    /// The attempt was decided before, under another reference: its outcome stands.
    Duplicate { outcome: String },
}

/// Why not, and how many tries at the PIN are left, where that may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::carrier_front) struct Refusal {
    pub(in crate::carrier_front) code: DeclineCode,
    pub(in crate::carrier_front) pin_tries_left: Option<u8>,
}

impl From<DeclineCode> for Refusal {
    fn from(code: DeclineCode) -> Self {
        Self { code, pin_tries_left: None }
    }
}

/// A subscriber whose signature, name, PIN and credit are in order.
struct Payer {
    subscriber: Subscriber,
    certificate: SubscriberCertificate,
}

impl Question {
    /// Decides and writes everything but the answer.
    pub(in crate::carrier_front) async fn decide(
        &self,
        db_tx: &mut DbConnection,
        front: &CarrierFront,
    ) -> Result<Decided, CarrierError> {
        if let Some(decided) = self.settled_before(db_tx, front).await? {
            return Ok(decided);
        }
        let (currency, payment) = match &self.opened {
            Err(code) => return Ok(self.decline(front, "", (*code).into())),
            Ok((currency, Carrier::Pay(payment))) => (*currency, payment),
            // What enrols a wallet pays nothing.
            Ok((_, Carrier::Ask(_) | Carrier::Enrol(_))) => {
                return Ok(self.decline(front, "", DeclineCode::OrderMismatch.into()));
            }
        };
        let label = payment.who.number.parse().map(|number: PhoneNumber| format!("phone bill {}", number.masked()));
        let label = label.unwrap_or_default();
        let decided = match self.payer(db_tx, front, currency, payment).await? {
            Ok(payer) => self.put_on_bill(db_tx, front, &label, &payer, payment).await?,
            Err(refusal) => {
                let decided = self.decline(front, &label, refusal);
                self.insert(db_tx, &decided, None).await?;
                decided
            }
        };
        Ok(decided)
    }

    /// What must be said because of something that happened before.
    async fn settled_before(
        &self,
        db_tx: &mut DbConnection,
        front: &CarrierFront,
    ) -> Result<Option<Decided>, CarrierError> {
        let SealedRequest { reference, attempt_id, .. } = &self.request;
        let code = match Purchase::find(db_tx, reference, Some(*attempt_id)).await? {
            Some(stored) => match (stored.state, stored.outcome) {
                (PurchaseState::Tombstoned | PurchaseState::Reversed, _) => DeclineCode::AlreadyReversed,
                (PurchaseState::Approved | PurchaseState::Declined, Some(outcome))
                    if stored.attempt_hash == Some(self.request.attempt_hash.to_string()) =>
                {
                    return Ok(Some(Decided::Duplicate { outcome }));
                }
                (PurchaseState::Approved | PurchaseState::Declined, _) => DeclineCode::Replay,
            },
            None if self.is_used_or_paid(db_tx).await? => DeclineCode::Replay,
            None => return Ok(None),
        };
        Ok(Some(self.decline(front, "", code.into())))
    }

    /// Whether the capsule served before, or the request is paid.
    async fn is_used_or_paid(&self, db_tx: &mut DbConnection) -> Result<bool, CarrierError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM purchase WHERE capsule_hash = $1 OR (request_id = $2 AND state = 'approved') LIMIT 1",
        )
        .bind(&self.request.capsule_hash)
        .bind(self.request.order.request_id.to_string())
        .fetch_optional(db_tx)
        .await?;
        Ok(found.is_some())
    }

    /// Who pays, or why nobody does. The signature comes first: whoever has not the subscriber's wallet can use up none of
    /// its tries.
    async fn payer(
        &self,
        db_tx: &mut DbConnection,
        front: &CarrierFront,
        currency: Currency,
        payment: &CarrierPayment,
    ) -> Result<Result<Payer, Refusal>, CarrierError> {
        let refused = |code: DeclineCode| Ok(Err(Refusal::from(code)));
        let subscriber = match payment.who.number.parse() {
            Ok(number) => subscriber::find(db_tx, &number).await?,
            Err(_) => None,
        };
        // A number that nobody has and a key that is not its subscriber's are answered alike.
        let Some(mut subscriber) = subscriber else { return refused(DeclineCode::SubscriberKey) };
        let Some(certificate) = self.signed_by(db_tx, front, &subscriber, payment).await? else {
            return refused(DeclineCode::SubscriberKey);
        };
        if matches!(subscriber.standing.state, SubscriberState::Barred | SubscriberState::Ended) {
            return refused(DeclineCode::SubscriberBarred);
        }
        match subscriber.identify_payer(db_tx, &front.keys, &payment.who).await? {
            Identity::Proved => {}
            identity => {
                if identity == Identity::JustLocked {
                    let text = Said::Locked.text(front.keys.operator_name());
                    texting::queue(db_tx, &subscriber, &text, self.now_ms).await?;
                }
                let pin_tries_left = Some(subscriber.standing.pin_tries_left);
                return Ok(Err(Refusal { code: DeclineCode::WrongSubscriber, pin_tries_left }));
            }
        }
        let amount = self.request.order.amount;
        if amount.currency() != currency || amount.currency() != subscriber.credit_limit.currency() {
            return refused(DeclineCode::DoNotHonour);
        }
        let left = ledger::credit_left(db_tx, &subscriber.subscriber_id, subscriber.credit_limit).await?;
        if left < amount.minor() {
            return refused(DeclineCode::CreditLimit);
        }
        Ok(Ok(Payer { subscriber, certificate }))
    }

    /// The certificate in force under which this subscriber signed exactly this payment.
    async fn signed_by(
        &self,
        db_tx: &mut DbConnection,
        front: &CarrierFront,
        subscriber: &Subscriber,
        payment: &CarrierPayment,
    ) -> Result<Option<SubscriberCertificate>, CarrierError> {
        let certificate: Option<String> = sqlx::query_scalar(
            "SELECT certificate FROM subscriber_certificate
             WHERE serial = $1 AND subscriber_id = $2 AND revoked_ms IS NULL",
        )
        .bind(SubscriberCertificate::serial_text(&payment.serial))
        .bind(&subscriber.subscriber_id)
        .fetch_optional(db_tx)
        .await?;
        let certificate = certificate.and_then(|jws| front.keys.subscriber_certificate(&jws, self.now_ms));
        let order = &self.request.order;
        let paid = BillPayment {
            operator_id: front.keys.operator_id(),
            attempt_hash: self.request.attempt_hash.as_bytes(),
            amount_minor: u64::try_from(order.amount.minor()).map_err(|_| CarrierError::Range)?,
            currency: order.amount.currency().code(),
            merchant_id: order.merchant_id.as_str(),
        };
        Ok(certificate.filter(|certificate| payment.signature.verify_payment(&certificate.key, &paid).is_ok()))
    }

    async fn put_on_bill(
        &self,
        db_tx: &mut DbConnection,
        front: &CarrierFront,
        label: &str,
        payer: &Payer,
        payment: &CarrierPayment,
    ) -> Result<Decided, CarrierError> {
        let order = &self.request.order;
        let confirmation = unused_number(db_tx).await?;
        let minor = order.amount.minor();
        let posting = NewPosting {
            kind: Kind::Purchase,
            currency: order.amount.currency(),
            acquirer: self.acquirer.as_deref(),
            narrative: &narrative(&order.payee_name, &order.order_number),
            confirmation: Some(&confirmation),
            entries: &[
                (Account::of_subscriber(&payer.subscriber.subscriber_id), minor),
                (Account::of_merchant(&order.merchant_id), -minor),
            ],
        };
        posting.insert(db_tx, self.now_ms).await?;
        let decision = BankResult::Approved { approval_code: confirmation.to_string() };
        let outcome = self.word(front, label, decision);
        let decided = Decided::Approved { outcome, confirmation };
        self.insert(db_tx, &decided, Some(&payer.subscriber)).await?;
        self.keep_evidence(db_tx, front, &decided, payer, payment).await?;
        let Decided::Approved { confirmation, .. } = &decided else { return Err(CarrierError::Conflict("a decision")) };
        let said = Said::Bought { amount: order.amount, payee: &order.payee_name, confirmation };
        texting::queue(db_tx, &payer.subscriber, &said.text(front.keys.operator_name()), self.now_ms).await?;
        Ok(decided)
    }

    async fn insert(
        &self,
        db_tx: &mut DbConnection,
        decided: &Decided,
        subscriber: Option<&Subscriber>,
    ) -> Result<(), CarrierError> {
        let (state, outcome, confirmation) = match decided {
            Decided::Approved { outcome, confirmation } => (PurchaseState::Approved, outcome, Some(confirmation)),
            Decided::Declined { outcome, .. } => (PurchaseState::Declined, outcome, None),
            Decided::Duplicate { .. } => return Err(CarrierError::Conflict("a decision")),
        };
        let (request, order) = (&self.request, &self.request.order);
        sqlx::query(
            "INSERT INTO purchase (reference, attempt_id, request_id, attempt_hash, capsule_hash, state, subscriber_id,
             merchant_id, payee_name, order_number, amount_minor, currency, confirmation_number, outcome, decided_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(&request.reference)
        .bind(request.attempt_id.to_string())
        .bind(order.request_id.to_string())
        .bind(request.attempt_hash.to_string())
        .bind(&request.capsule_hash)
        .bind(state.as_str())
        .bind(subscriber.map(|subscriber| subscriber.subscriber_id.as_str()))
        .bind(order.merchant_id.as_str())
        .bind(&order.payee_name)
        .bind(&order.order_number)
        .bind(order.amount.minor())
        .bind(order.amount.currency().code())
        .bind(confirmation.map(ConfirmationNumber::as_str))
        .bind(outcome)
        .bind(self.now_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    async fn keep_evidence(
        &self,
        db_tx: &mut DbConnection,
        front: &CarrierFront,
        decided: &Decided,
        payer: &Payer,
        payment: &CarrierPayment,
    ) -> Result<(), CarrierError> {
        let Decided::Approved { outcome, .. } = decided else { return Err(CarrierError::Conflict("a decision")) };
        sqlx::query(
            "INSERT INTO evidence (reference, order_jws, wallet_nonce, serial, signature, outcome, front_certificate)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&self.request.reference)
        .bind(&self.order_jws)
        .bind(hex::encode(self.wallet_nonce))
        .bind(&payer.certificate.serial)
        .bind(payment.signature.to_base64url())
        .bind(outcome)
        .bind(front.keys.certificate(self.now_ms)?.as_ref())
        .execute(db_tx)
        .await?;
        Ok(())
    }

    fn decline(&self, front: &CarrierFront, label: &str, refusal: Refusal) -> Decided {
        let Refusal { code, pin_tries_left } = refusal;
        let outcome = self.word(front, label, BankResult::Declined { code, pin_tries_left });
        Decided::Declined { outcome, refusal }
    }

    /// The operator's word, with everything taken from what the operator itself derived, and signed.
    fn word(&self, front: &CarrierFront, label: &str, decision: BankResult) -> String {
        let SealedRequest { order, attempt_id, order_hash, attempt_hash, rrn, .. } = &self.request;
        front.keys.sign_outcome(&Outcome {
            version: OUTCOME_VERSION,
            bank_id: front.keys.operator_id().to_owned(),
            request_id: order.request_id,
            attempt_id: *attempt_id,
            order_hash: *order_hash,
            attempt_hash: *attempt_hash,
            merchant_id: order.merchant_id.clone(),
            amount: order.amount,
            decision,
            rrn: rrn.clone(),
            card_label: label.to_owned(),
            decided_ms: u64::try_from(self.now_ms).unwrap_or_default(),
        })
    }
}

impl Decided {
    /// DE 38, 39 and what stands beside them in the answer.
    pub(in crate::carrier_front) fn answer(
        self,
        message: &Message,
        front_certificate: impl FnOnce() -> Result<String, CarrierError>,
    ) -> Result<Message, CarrierError> {
        use iso8583::private::Composite;

        use crate::front::answer::response_with;
        Ok(match self {
            Self::Approved { outcome, confirmation } => {
                let composite = Composite { outcome: Some(outcome), ..Composite::default() };
                response_with(message, "00", &composite)?.with_text(38, confirmation.as_str())
            }
            Self::Declined { outcome, refusal: Refusal { code, pin_tries_left } } => {
                // A wallet that sealed to an old key needs the new one to try again.
                let bank_certificate = (code == DeclineCode::RetiredKey).then(front_certificate).transpose()?;
                let reason = Some(code.as_str().to_owned());
                let composite = Composite {
                    outcome: Some(outcome),
                    bank_certificate,
                    pin_tries_left,
                    reason,
                    ..Composite::default()
                };
                response_with(message, code.response_code(), &composite)?
            }
            Self::Duplicate { outcome } => {
                let code = DeclineCode::Replay;
                let (outcome, reason) = (Some(outcome), Some(code.as_str().to_owned()));
                response_with(message, code.response_code(), &Composite { outcome, reason, ..Composite::default() })?
            }
        })
    }
}

/// A confirmation number that no purchase has.
async fn unused_number(db_tx: &mut DbConnection) -> Result<ConfirmationNumber, CarrierError> {
    loop {
        let number = ConfirmationNumber::from_random(&crate::keys::random());
        match Purchase::find_confirmed(db_tx, &number).await {
            Err(CarrierError::NoPurchase) => return Ok(number),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
}
