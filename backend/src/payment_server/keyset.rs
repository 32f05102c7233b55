//! Which keys the server holds and vouches for: its sealing keys, the keyset, merchants and bank certificates.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Json;
use axum::extract::State;
use envelope::keyset::{BankCertificate, BankTrust, Claim, FrontKind, Keyset, MerchantProfile};
use envelope::{Capsule, OpenError, PaymentServerSealingKeySecret, jws, outer};
use payment::{AttemptId, MerchantId, Order, Outcome, RefundOrder, RefundOutcome, RequestId};
use protocol::ErrorCode;
use protocol::wallet_api::KeysetView;

use super::{App, Error};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{self, BankId, DataFolder, TrustFile};
use crate::storage::Db;

/// How many certificates of one bank are kept in memory: outcomes are verified under the newest that fits.
const CERTIFICATES_MAX: usize = 16;

/// One accepted bank certificate.
#[derive(Clone)]
struct Accepted {
    jws: String,
    certificate: Arc<BankCertificate>,
}

/// The server's keys and everybody's public ones.
pub(super) struct ServerKeys {
    sealing: Vec<PaymentServerSealingKeySecret>,
    keyset_jws: String,
    keyset: Keyset,
    banks: Vec<BankTrust>,
    /// Each bank's, the newest first.
    certificates: RwLock<BTreeMap<BankId, Vec<Accepted>>>,
    claim_key: zeroize::Zeroizing<[u8; 32]>,
}

impl ServerKeys {
    /// Reads the key files and checks them against the trust file.
    pub(super) async fn load(folder: &DataFolder, db: &Db, now_ms: u64) -> Result<Self, Error> {
        let trust: TrustFile = keys::read_json(&folder.trust())?;
        let keyset_jws = keys::read_text(&folder.payment_server("keyset.jws"))?;
        let keyset = Keyset::verify(&keyset_jws, &trust.roots.operator, signed_ms(now_ms), 0)?;
        let keys = Self {
            sealing: keys::sealing_keys(folder)?,
            keyset_jws,
            keyset,
            banks: trust.roots.banks,
            certificates: RwLock::new(BTreeMap::new()),
            claim_key: keys::read_key(&folder.payment_server("claim.key"))?,
        };
        for bank in folder.fronts()? {
            keys.recall(&bank, db, now_ms).await?;
        }
        Ok(keys)
    }

    /// Takes what is stored of a bank into use: it serves as well while the bank is away.
    pub(super) async fn recall(&self, bank: &BankId, db: &Db, now_ms: u64) -> Result<(), Error> {
        let stored: Vec<String> =
            sqlx::query_scalar("SELECT jws FROM bank_certificate WHERE bank_id = $1 ORDER BY version DESC LIMIT $2")
                .bind(bank.as_str())
                .bind(i64::try_from(CERTIFICATES_MAX).unwrap_or(i64::MAX))
                .fetch_all(db.reader())
                .await?;
        for jws in stored.iter().rev() {
            // One that has expired since is simply not served any more.
            if let Err(error) = self.accept(bank, jws, now_ms) {
                tracing::info!(%bank, %error, "a stored bank certificate is not accepted any more");
            }
        }
        Ok(())
    }

    /// What the operator vouches for.
    pub(super) fn merchant(&self, merchant: &MerchantId) -> Option<&MerchantProfile> {
        self.keyset.merchant(merchant.as_str())
    }

    /// The key that authenticates claim codes.
    pub(super) fn claim_key(&self) -> &[u8; 32] {
        &self.claim_key
    }

    /// The order in a JWS, if its own merchant's key in the keyset signed it.
    pub(super) fn verified_order(&self, order_jws: &str, now_ms: u64) -> Result<(Order, &MerchantProfile), Error> {
        let refused = ErrorCode::OrderSignatureInvalid;
        let kid = jws::peek_kid(order_jws).map_err(|_| refused)?;
        let (key, profile) = self.keyset.merchant_key(&kid, signed_ms(now_ms)).ok_or(refused)?;
        let payload = jws::verify(key, jws::TYP_ORDER, order_jws).map_err(|_| refused)?;
        let order = Order::from_canonical(&payload).map_err(|error| {
            let problem = protocol::Problem::new(ErrorCode::OrderInvalid).with_detail(error.to_string());
            Error::RefusedWith(Box::new(problem))
        })?;
        Ok((order, profile))
    }

    /// The refund order in a JWS, if its own merchant's key in the keyset signed it.
    pub(super) fn verified_refund(&self, refund_jws: &str, now_ms: u64) -> Result<RefundOrder, Error> {
        let refused = ErrorCode::RefundSignatureInvalid;
        let kid = jws::peek_kid(refund_jws).map_err(|_| refused)?;
        let (key, profile) = self.keyset.merchant_key(&kid, signed_ms(now_ms)).ok_or(refused)?;
        let payload = jws::verify(key, jws::TYP_REFUND, refund_jws).map_err(|_| refused)?;
        let invalid = |detail: String| {
            Error::RefusedWith(Box::new(protocol::Problem::new(ErrorCode::RefundInvalid).with_detail(detail)))
        };
        let order = RefundOrder::from_canonical(&payload).map_err(|error| invalid(error.to_string()))?;
        if order.merchant_id.as_str() == profile.merchant_id {
            Ok(order)
        } else {
            Err(invalid("the refund names another merchant".to_owned()))
        }
    }

    /// Opens an outer capsule.
    pub(super) fn open(
        &self,
        request: RequestId,
        attempt: AttemptId,
        capsule: &Capsule,
    ) -> Result<outer::Routing, ErrorCode> {
        let secret =
            self.sealing.iter().find(|secret| secret.kid() == capsule.kid).ok_or(ErrorCode::ServerKeyRetired)?;
        outer::open(secret, request.as_bytes(), attempt.as_bytes(), capsule).map_err(|error| match error {
            OpenError::UnknownKid => ErrorCode::ServerKeyRetired,
            OpenError::Refused => ErrorCode::CapsuleUnreadable,
        })
    }

    /// Takes a certificate of this bank into use. Whether it is news.
    pub(super) fn accept(&self, bank: &BankId, jws: &str, now_ms: u64) -> Result<Option<Arc<BankCertificate>>, Error> {
        let mut known = self.certificates.write().unwrap_or_else(PoisonError::into_inner);
        let own = known.entry(bank.clone()).or_default();
        if own.iter().any(|accepted| accepted.jws == jws) {
            return Ok(None);
        }
        let floor = own.first().map_or(0, |newest| newest.certificate.version);
        let certificate = BankCertificate::verify(jws, &self.banks, signed_ms(now_ms), floor)?;
        if certificate.bank_id != bank.as_str() {
            return Err(envelope::KeysetError::WrongBank.into());
        }
        let certificate = Arc::new(certificate);
        own.insert(0, Accepted { jws: jws.to_owned(), certificate: Arc::clone(&certificate) });
        own.truncate(CERTIFICATES_MAX);
        for (other, theirs) in known.iter().filter(|(other, _)| *other != bank) {
            let clash = theirs.first().and_then(|accepted| accepted.certificate.first_overlap(&certificate));
            if let Some(range) = clash {
                let (from, to) = (&range.from, &range.to);
                tracing::error!(%bank, %other, from, to, "two banks claim the same cards; nobody can pay with these");
            }
        }
        Ok(Some(certificate))
    }

    /// The one bank that answers for cards with this prefix. Nobody guesses between two that claim to.
    pub(super) fn bank_for(&self, iin: &str) -> Result<BankId, ErrorCode> {
        let known = self.certificates.read().unwrap_or_else(PoisonError::into_inner);
        let newest = known.values().filter_map(|own| own.first()).map(|accepted| accepted.certificate.as_ref());
        match Claim::to(iin, newest) {
            Claim::One(bank) => bank.bank_id.parse().map_err(|_| ErrorCode::NoBankForCard),
            Claim::Nobody => Err(ErrorCode::NoBankForCard),
            Claim::Several(..) => Err(ErrorCode::BankAmbiguous),
        }
    }

    /// Whether this front says of itself that a telephone operator stands behind it.
    pub(super) fn is_operator(&self, front: &BankId) -> bool {
        let known = self.certificates.read().unwrap_or_else(PoisonError::into_inner);
        let newest = known.get(front).and_then(|own| own.first());
        newest.is_some_and(|accepted| accepted.certificate.kind == FrontKind::Operator)
    }

    /// The outcome in a JWS, if a key that its own bank certified for its time signed it.
    pub(super) fn verified_outcome(&self, outcome_jws: &str) -> Option<Outcome> {
        let kid = jws::peek_kid(outcome_jws).ok()?;
        let known = self.certificates.read().unwrap_or_else(PoisonError::into_inner);
        known.values().flatten().find_map(|accepted| {
            let certificate = &accepted.certificate;
            let dated = certificate.outcome_keys.iter().find(|dated| dated.key.kid() == kid)?;
            let payload = jws::verify(&dated.key, jws::TYP_OUTCOME, outcome_jws).ok()?;
            let outcome = Outcome::from_canonical(&payload)?;
            (outcome.bank_id == certificate.bank_id && dated.covers(signed_ms(outcome.decided_ms))).then_some(outcome)
        })
    }

    /// The outcome of a refund in a JWS, by the same rules.
    pub(super) fn verified_refund_outcome(&self, outcome_jws: &str) -> Option<RefundOutcome> {
        let kid = jws::peek_kid(outcome_jws).ok()?;
        let known = self.certificates.read().unwrap_or_else(PoisonError::into_inner);
        known.values().flatten().find_map(|accepted| {
            let certificate = &accepted.certificate;
            let dated = certificate.outcome_keys.iter().find(|dated| dated.key.kid() == kid)?;
            let payload = jws::verify(&dated.key, jws::TYP_REFUND_OUTCOME, outcome_jws).ok()?;
            let outcome = RefundOutcome::from_canonical(&payload)?;
            (outcome.bank_id == certificate.bank_id && dated.covers(signed_ms(outcome.decided_ms))).then_some(outcome)
        })
    }

    /// Each bank's newest certificate, as long as it has not expired: a bank that is away stays known until then.
    fn view(&self, now_ms: u64) -> KeysetView {
        let known = self.certificates.read().unwrap_or_else(PoisonError::into_inner);
        let newest = known.values().filter_map(|own| own.first());
        let current = newest.filter(|accepted| signed_ms(now_ms) < accepted.certificate.expires_ms);
        let bank_certificates = current.map(|accepted| accepted.jws.clone()).collect();
        KeysetView { keyset: self.keyset_jws.trim().to_owned(), bank_certificates }
    }
}

impl App {
    /// Takes a certificate that came over this bank's line into use and stores it.
    pub(super) async fn take_bank_certificate(&self, bank: &BankId, jws: &str) -> Result<(), Error> {
        let now_ms = now_ms();
        let Some(certificate) = self.keys.accept(bank, jws, now_ms)? else { return Ok(()) };
        tracing::info!(bank = certificate.bank_id, version = certificate.version, "new bank certificate");
        let (jws, version) = (jws.to_owned(), signed_ms(certificate.version));
        let bank_id = certificate.bank_id.clone();
        self.db
            .write(move |db_tx| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO bank_certificate (bank_id, version, jws, received_ms) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT (bank_id, version) DO UPDATE SET jws = excluded.jws, received_ms = excluded.received_ms",
                    )
                    .bind(&bank_id)
                    .bind(version)
                    .bind(jws)
                    .bind(signed_ms(now_ms))
                    .execute(&mut *db_tx)
                    .await?;
                    db_tx.tell("bank_certificate", &bank_id);
                    Ok::<_, Error>(())
                })
            })
            .await
    }
}

/// The keyset and the banks' certificates, each signed by its own root.
#[utoipa::path(get, path = "/v1/keyset", tag = "public", responses((status = 200, body = KeysetView)))]
pub(super) async fn show(State(app): State<App>) -> Json<KeysetView> {
    Json(app.keys.view(now_ms()))
}
