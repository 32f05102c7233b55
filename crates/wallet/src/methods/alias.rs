//! Paying by alias: what is remembered of one, where its owner asked for it.

use protocol::Problem;
use protocol::ipc::alias::KeptAlias;
use protocol::ipc::pay::Method;

use crate::clock::signed;
use crate::error::Result;
use crate::wallet::Wallet;

/// No alias in particular.
pub(super) const fn usual() -> Method {
    Method::Alias { kept: None }
}

/// Whether there is a vault, as far as this wallet knows without a network.
pub(super) async fn is_offered(wallet: &Wallet) -> Result<bool> {
    let now_ms = wallet.core.server.now_ms();
    let keys = wallet.core.keys.kept(now_ms).await?;
    Ok(keys.is_some_and(|keys| !keys.keyset.vaults(signed(now_ms)).is_empty()))
}

impl Wallet {
    /// Follows what a vault told of the alias that is remembered. Of any other nothing is.
    pub(crate) async fn renew_kept_alias(&self, told: Option<KeptAlias>) -> std::result::Result<(), Problem> {
        let (Some(before), Some(mut told)) = (self.kept_alias().await?, told) else { return Ok(()) };
        if (&before.vault_id, &before.name) == (&told.vault_id, &told.name) {
            let is_there = told.cards.iter().any(|card| card.place == before.place);
            told.place = if is_there { before.place } else { 0 };
            self.set_for_method(&Method::Alias { kept: Some(told) }).await?;
        }
        Ok(())
    }

    /// Forgets an alias that is no more.
    pub(crate) async fn forget_kept_alias(&self, vault_id: &str, name: &str) -> std::result::Result<(), Problem> {
        if self.kept_alias().await?.is_some_and(|kept| kept.vault_id == vault_id && kept.name == name) {
            self.set_for_method(&usual()).await?;
        }
        Ok(())
    }

    async fn kept_alias(&self) -> Result<Option<KeptAlias>> {
        match self.kept_method(usual()).await? {
            Method::Alias { kept } => Ok(kept),
            Method::Card { .. } | Method::Carrier { .. } | Method::Code { .. } | Method::Voucher { .. } => Ok(None),
        }
    }
}
