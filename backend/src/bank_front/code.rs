//! Codes: ordered with identity code and password, sent by another channel, typed back, worth one order once.
//!
//! ```text
//! confirming ──right code──► sent ──right code──► used
//!      └──────tries out──────┴─────tries out────► spoilt
//!      └──────another order──┴─────────────────► replaced
//! ```
//!
//! A code is bound to the order's hash (so to amount and payee), to the terminal it was sent to and to the ticket of
//! the wallet that ordered it. It is kept as an HMAC under a key of the HSM. The payer has one live code at a time.
//!
//! **Invariant:** a code in clear is in memory only, from when it is drawn to when its gateway has taken it.
//!
//! **Invariant:** a wrong password, an unknown payer and a locked one are answered alike, and take alike long.

use std::sync::Arc;

use envelope::means::code::{CodeOrder, TypedCode};
use payment::{AttemptId, DeclineCode, IdentityCode, Order};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::BankFront;
use super::binding::{Payer, PayerState};
use super::error::BankError;
use super::gateways::Sending;
use crate::password::{Password, PasswordVerifier};

mod books;
mod state;
mod text;

pub(super) use books::spend;
pub use state::CodeState;

/// How long a code can be used, in milliseconds.
pub const CODE_LIFE_MS: i64 = 5 * 60 * 1_000;
/// How often one code may be typed wrongly.
pub const CODE_TRIES_MAX: u8 = 3;
/// The most codes of one payer within an hour.
pub const ORDERS_PER_HOUR_MAX: i64 = 10;
/// How many codes there are to be sent: all of six digits.
const CODES: u64 = 1_000_000;

/// Passwords that are hashed at once: each takes 64 MiB, and whoever floods the bank with guesses waits in line.
static HASHING: Semaphore = Semaphore::const_new(4);

/// What a code is ordered for: the order that the merchant signed, and this ordering's own id.
pub(super) struct Occasion<'a> {
    pub(super) order_id: AttemptId,
    pub(super) order: &'a Order,
}

/// Orders a code: the password is checked, the code made, stored as an HMAC, and on its way when this returns.
pub(super) async fn order(
    front: &Arc<BankFront>,
    occasion: &Occasion<'_>,
    ordered: CodeOrder,
    now_ms: i64,
) -> Result<Result<(), DeclineCode>, BankError> {
    const WRONG: DeclineCode = DeclineCode::WrongIdentity;
    let Ok(identity) = ordered.identity_code.parse::<IdentityCode>() else { return Ok(Err(WRONG)) };
    let payer = Payer::of_identity(&mut *front.db.reader().acquire().await?, &identity).await?;
    let verifier = payer.as_ref().map_or_else(PasswordVerifier::of_nobody, |payer| payer.password.clone());
    let is_right = {
        let password = Password::typed(std::str::from_utf8(ordered.password.expose()).unwrap_or_default());
        let pepper = front.hsm.password_pepper();
        let _turn = HASHING.acquire().await.map_err(|_| BankError::Conflict("a password"))?;
        // A tenth of a second of one core: not on a thread that answers others, and not in the writer.
        tokio::task::spawn_blocking(move || verifier.verifies(&password, &pepper)).await
    };
    let is_right = is_right.map_err(|_| BankError::Conflict("a password"))?;
    let Some(payer) = payer else { return Ok(Err(WRONG)) };
    let order = books::NewOrder::of(occasion, &ordered, now_ms);
    let writing = Arc::clone(front);
    let made = front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let stored = Payer::of_id(db_tx, &payer.payer_id).await?;
                // What was checked may be another password by now.
                if !is_right || !stored.password.is_same(&payer.password) {
                    if stored.state != PayerState::Ended {
                        stored.wrong_try(db_tx, now_ms).await?;
                    }
                    return Ok::<_, BankError>(Err(WRONG));
                }
                if stored.state != PayerState::Active {
                    return Ok(Err(WRONG));
                }
                order.store(db_tx, &writing.hsm, &stored, now_ms).await
            })
        })
        .await?;
    Ok(sent(front, made))
}

/// Takes the code that confirms a terminal named on the spot; then the code that pays goes there.
pub(super) async fn confirm(
    front: &Arc<BankFront>,
    occasion: &Occasion<'_>,
    typed: TypedCode,
    now_ms: i64,
) -> Result<Result<(), DeclineCode>, BankError> {
    let order = occasion.order.clone();
    let writing = Arc::clone(front);
    let made = front
        .db
        .write(move |db_tx| Box::pin(async move { books::confirm(db_tx, &writing.hsm, &order, &typed, now_ms).await }))
        .await?;
    Ok(sent(front, made))
}

fn sent(front: &Arc<BankFront>, made: Result<Option<Sending>, DeclineCode>) -> Result<(), DeclineCode> {
    if let Some(sending) = made? {
        front.gateways.send_soon(sending);
    }
    Ok(())
}

/// By which an order of a code is known again: SHA-256 of its ticket, in hexadecimal.
fn ticket_hash(ticket: &[u8]) -> String {
    hex::encode(Sha256::digest(ticket))
}

/// A code that nobody can foretell, its digits equally likely: the bias of a remainder is below one in a thousand million.
pub(super) fn draw() -> String {
    let mut random = [0; 8];
    getrandom::fill(&mut random).expect("the operating system has randomness");
    format!("{:06}", u64::from_be_bytes(random) % CODES)
}

#[cfg(test)]
mod tests;
