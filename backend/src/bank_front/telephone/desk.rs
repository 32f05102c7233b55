//! What the menu asks for, done: each in one step of the writer.

use std::sync::Arc;

use envelope::SecretBytes;
use payment::{Amount, FixedPart, IdentityCode, MerchantId, VoucherNumber};
use tokio::sync::Semaphore;

use super::menu::{Caller, Deed, Errand, Found, OFFERS_MAX, Offer, Refusal};
use crate::bank_front::BankFront;
use crate::bank_front::binding::{Payer, PayerState, TelephonePin};
use crate::bank_front::error::BankError;
use crate::bank_front::voucher::{self, Answered, VoucherState};
use crate::password::{Password, PasswordVerifier};
use vouchers::VoucherCode;

/// PINs that are hashed at once: each takes 64 MiB.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Does it. What the bank cannot do is told as that: the cause is in the log.
pub(super) async fn done(front: &Arc<BankFront>, deed: Deed) -> Found {
    let found = match deed {
        Deed::LetIn { identity, pin } => let_in(front, identity, pin).await,
        Deed::LookUp(fixed) => look_up(front, fixed).await,
        Deed::Buy { caller, fixed, amount } => buy(front, caller, fixed, amount).await,
        Deed::Ask { errand, number, code } => ask(front, errand, number, &code).await,
    };
    found.unwrap_or_else(|error| {
        tracing::error!(%error, "a caller is told that the bank cannot do it now");
        Found::Refused(Refusal::Unavailable)
    })
}

async fn let_in(front: &Arc<BankFront>, identity: Option<IdentityCode>, pin: SecretBytes) -> Result<Found, BankError> {
    let (payer, verifier) = {
        let mut connection = front.db.reader().acquire().await?;
        let payer = match &identity {
            Some(identity) => Payer::of_identity(&mut connection, identity).await?,
            None => None,
        };
        let stored = match &payer {
            Some(payer) => TelephonePin::find(&mut connection, &payer.payer_id).await?,
            None => None,
        };
        (payer, stored.map_or_else(PasswordVerifier::of_nobody, |stored| stored.pin))
    };
    let (compared, pepper) = (verifier.clone(), front.hsm.telephone_pepper());
    let _turn = HASHING.acquire().await.map_err(|_| BankError::Conflict("a telephone PIN"))?;
    let hashing = tokio::task::spawn_blocking(move || {
        let typed = Password::typed(std::str::from_utf8(pin.expose()).unwrap_or_default());
        compared.verifies(&typed, &pepper)
    });
    let is_right = hashing.await.map_err(|_| BankError::Conflict("a telephone PIN"))?;
    let Some(payer) = payer else { return Ok(Found::Refused(Refusal::NotLetIn)) };
    let now_ms = front.now_ms();
    front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let payer = Payer::of_id(db_tx, &payer.payer_id).await?;
                let Some(stored) = TelephonePin::find(db_tx, &payer.payer_id).await? else {
                    return Ok(Found::Refused(Refusal::NotLetIn));
                };
                // What was compared may be another PIN by now.
                let is_right = is_right && stored.pin.is_same(&verifier);
                let enters = stored.enter(db_tx, &payer, is_right, now_ms).await?;
                Ok(if enters { Found::LetIn(Caller(payer.payer_id)) } else { Found::Refused(Refusal::NotLetIn) })
            })
        })
        .await
}

async fn look_up(front: &Arc<BankFront>, fixed: FixedPart) -> Result<Found, BankError> {
    let mut connection = front.db.reader().acquire().await?;
    let batch: Option<(String, String)> =
        sqlx::query_as("SELECT merchant_id, currency FROM voucher_batch WHERE fixed_part = $1")
            .bind(fixed.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    let Some((merchant_id, currency)) = batch else { return Ok(Found::Refused(Refusal::NothingOffered)) };
    let amounts: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT amount_minor FROM voucher WHERE fixed_part = $1 AND state = 'offered'
         ORDER BY amount_minor LIMIT $2",
    )
    .bind(fixed.as_str())
    .bind(i64::try_from(OFFERS_MAX).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await?;
    if amounts.is_empty() {
        return Ok(Found::Refused(Refusal::NothingOffered));
    }
    let merchant_id: MerchantId = merchant_id.parse().map_err(|_| BankError::Stored("voucher_batch.merchant_id"))?;
    let currency = currency.parse().map_err(|_| BankError::Stored("voucher_batch.currency"))?;
    let payee = front.merchants.get(&merchant_id).map_or_else(String::new, |merchant| merchant.display_name.clone());
    let amounts = amounts.into_iter().map(|minor| Amount::new(minor, currency)).collect();
    Ok(Found::Offer(Offer { fixed, payee, amounts }))
}

/// Sells a voucher and hands its codes over, in one step: what is spoken was bought, and what was bought is the payer's even
/// if nobody hears it.
async fn buy(front: &Arc<BankFront>, caller: Caller, fixed: FixedPart, amount: Amount) -> Result<Found, BankError> {
    let (writing, now_ms) = (Arc::clone(front), front.now_ms());
    let bought = front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let payer = Payer::of_id(db_tx, &caller.0).await?;
                let stored = TelephonePin::find(db_tx, &payer.payer_id).await?;
                let (PayerState::Active, Some(stored)) = (payer.state, stored) else {
                    return Ok(Found::Refused(Refusal::NotLetIn));
                };
                if amount.currency() != payer.payment_limit.currency() || !stored.allows(&payer, amount.minor(), now_ms)
                {
                    return Ok(Found::Refused(Refusal::Limit));
                }
                let accounts = payer.accounts(db_tx).await?;
                let from = accounts.first().ok_or(BankError::Stored("payer_account"))?;
                let number = voucher::sell(db_tx, &fixed, amount.minor(), from, now_ms).await?;
                let codes = voucher::hand_over(db_tx, &writing.hsm, &number, now_ms).await?;
                stored.bought(db_tx, &payer, amount.minor(), now_ms).await?;
                Ok(Found::Sold(number, codes))
            })
        })
        .await;
    match bought {
        // The step is undone with its error: no money moved.
        Err(BankError::Overdrawn) => Ok(Found::Refused(Refusal::NotEnough)),
        Err(BankError::NoVoucher) => Ok(Found::Refused(Refusal::NothingOffered)),
        other => other,
    }
}

async fn ask(
    front: &Arc<BankFront>,
    errand: Errand,
    number: VoucherNumber,
    code: &VoucherCode,
) -> Result<Found, BankError> {
    let verifier = front.hsm.voucher_verifier(&number, code)?;
    let (writing, now_ms) = (Arc::clone(front), front.now_ms());
    front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let answered = match errand {
                    Errand::Balance => {
                        voucher::check_code(db_tx, &number, &verifier, now_ms).await?.map(Found::Balance)
                    }
                    Errand::ChangeCode => {
                        let changed = voucher::change_code(db_tx, &writing.hsm, &number, &verifier, now_ms).await?;
                        changed.map(|code| Found::Changed(number, code))
                    }
                };
                Ok(match answered {
                    Answered::Done(found) => found,
                    Answered::Wrong => Found::Refused(Refusal::WrongCode),
                    Answered::Locked(VoucherState::BankLocked) => Found::Refused(Refusal::BankLocked),
                    Answered::Locked(_) => Found::Refused(Refusal::Locked),
                    Answered::Ended => Found::Refused(Refusal::Ended),
                })
            })
        })
        .await
}
