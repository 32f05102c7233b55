//! Paying with what stands in a card's place: sealed at once, sent once.

use std::time::Instant;

use envelope::means::{self, Means, MeansKind};
use envelope::outer::Route;
use payment::Method;
use protocol::ErrorCode;

use super::run::{Draw, Plan, Sealing, begin, sealing_key, write_down};
use super::settle::End;
use super::submit;
use crate::carrier;
use crate::error::{Result, WalletError};
use crate::wallet::Wallet;

/// A means, and the front whose books hold it.
pub struct Payable {
    /// What pays.
    pub means: Means,
    /// The bank's or operator's id.
    pub front: String,
}

impl Payable {
    /// The way to pay it is.
    pub fn method(&self) -> Method {
        match self.means.kind() {
            MeansKind::Voucher => Method::Voucher,
            MeansKind::Code => Method::Code,
            MeansKind::Alias => Method::Alias,
            MeansKind::Carrier => Method::Carrier,
        }
    }
}

/// Pays to the end. The means is wiped as soon as it is sealed, so it cannot be sealed anew by itself.
pub(super) async fn pay(wallet: &Wallet, plan: &Plan, payable: Payable) -> Result<End> {
    Ok(match pay_once(wallet, plan, payable).await? {
        End::Again(again) => End::refused(ErrorCode::Declined(again.code())),
        end => end,
    })
}

/// The same, and what would help is told.
pub(super) async fn pay_once(wallet: &Wallet, plan: &Plan, mut payable: Payable) -> Result<End> {
    let (keys, order) = begin(wallet, plan).await?;
    let started = Instant::now();
    let draw = Draw::new(plan, wallet.core.server.now_ms());
    let (bank, bank_certificate) = keys.front(&payable.front).ok_or(WalletError::Code(ErrorCode::BankUnreachable))?;
    carrier::sign(wallet, order.order(), &draw.hash, &mut payable).await?;
    let inner = means::seal(sealing_key(wallet, bank)?, draw.hash.as_bytes(), &payable.means)?;
    let route = Route::Means { kind: payable.means.kind(), front: payable.front.clone() };
    drop(payable);
    let sealing = Sealing { started, bank, bank_certificate, route, inner };
    let sealed = write_down(wallet, plan, &keys, order, &draw, sealing).await?;
    submit::submit(wallet, plan, sealed, None).await
}
