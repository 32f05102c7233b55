//! Paying by alias: the vault releases a card to its bank, and the wallet carries what it cannot open.

use std::time::Instant;

use envelope::means::MeansKind;
use envelope::outer::Route;
use envelope::vault::ReleaseWish;
use protocol::ErrorCode;

use super::run::{Draw, Plan, Sealing, begin, write_down};
use super::settle::End;
use super::submit;
use crate::error::{Result, WalletError};
use crate::vault::{self, Owner};
use crate::wallet::Wallet;

/// An alias that shall pay.
pub struct AliasWish {
    /// Whose, and that it is its owner.
    pub owner: Owner,
    /// Which of its cards, by its number; zero for the first.
    pub place: u8,
}

/// Pays to the end. What was typed is wiped as soon as the vault was asked, so it cannot be asked again by itself.
pub(super) async fn pay(wallet: &Wallet, plan: &Plan, wish: AliasWish) -> Result<End> {
    let (keys, order) = begin(wallet, plan).await?;
    let started = Instant::now();
    let draw = Draw::new(plan, wallet.core.server.now_ms());
    let wanted = release_wish(&draw, &order, wish.place)?;
    let released = vault::release(wallet, &keys, wish.owner, wanted).await?;
    let (bank, bank_certificate) = keys.front(&released.front).ok_or(WalletError::Code(ErrorCode::BankUnreachable))?;
    let inner = serde_json::to_value(&released.inner).and_then(serde_json::from_value);
    let inner = inner.map_err(|_| WalletError::Code(ErrorCode::VaultUnreachable))?;
    let route = Route::Means { kind: MeansKind::Alias, front: released.front.clone() };
    let sealing = Sealing { started, bank, bank_certificate, route, inner };
    let sealed = write_down(wallet, plan, &keys, order, &draw, sealing).await?;
    Ok(match submit::submit(wallet, plan, sealed, None).await? {
        End::Again(again) => End::refused(ErrorCode::Declined(again.code())),
        end => end,
    })
}

/// What the vault is told of the order: its hash and amount, and neither payee nor items.
fn release_wish(draw: &Draw, order: &crate::inbox::VerifiedOrder, place: u8) -> Result<ReleaseWish> {
    let order = order.order();
    let unusable = WalletError::Code(ErrorCode::OrderInvalid);
    Ok(ReleaseWish {
        place,
        order_hash: *order.hash().as_bytes(),
        attempt_id: *draw.attempt_id.as_bytes(),
        wallet_nonce: *draw.nonce.as_bytes(),
        amount_minor: u64::try_from(order.amount.minor()).map_err(|_| WalletError::Code(ErrorCode::OrderInvalid))?,
        currency: order.amount.currency().code().as_bytes().try_into().map_err(|_| unusable)?,
    })
}
