//! A vault, as the wallet talks to it: cards read and handed over, what is kept, and a card released to pay.
//!
//! The operator's keyset says where a vault is, which TLS authority is its own, and what to seal to. Nothing of an alias is
//! kept here: name, password and code are typed each time, and forgotten when the call is sealed.

mod client;
mod entry;
mod factor;
mod reading;

use std::time::Duration;

use envelope::keyset::VaultProfile;
use envelope::vault::{Call, Deed, FactorSecret, NewCard};
use envelope::{SecretBytes, VaultSealingKey};
use payment::{Amount, Currency};
use protocol::vault_api::{AliasView, ReleasedView, VaultAnswer};
use protocol::{ErrorCode, Problem};

use crate::clock::signed;
use crate::error::{Result, WalletError};
use crate::keyset::Keys;
use crate::wallet::Wallet;

pub(crate) use entry::{AliasEntry, SET_UP_LIFE, SIGNED_IN_LIFE};
pub(crate) use factor::{set_up, typed};
pub(crate) use reading::Berth;
pub use reading::CardWish;

/// Whose alias, and that it is its owner who asks. Secrets have no `Debug`; so neither has this.
pub struct Owner {
    /// The vault's id; the only one when none is named.
    pub vault_id: Option<String>,
    /// The alias.
    pub name: String,
    /// Its password.
    pub password: SecretBytes,
    /// The second factor's code of now: eight digits.
    pub code: SecretBytes,
}

impl Owner {
    fn call(self, deed: Deed) -> (Option<String>, Call) {
        let Self { vault_id, name, password, code } = self;
        (vault_id, Call { name, password, code, deed })
    }
}

/// A vault that the operator lists.
struct Listed<'k> {
    key: &'k VaultSealingKey,
    profile: &'k VaultProfile,
}

impl<'k> Listed<'k> {
    fn of(keys: &'k Keys, vault_id: Option<&str>, now_ms: u64) -> Result<Self> {
        let found = keys.keyset.vault(vault_id, signed(now_ms));
        let (key, profile) = found.ok_or(WalletError::Code(ErrorCode::NoVault))?;
        Ok(Self { key, profile })
    }
}

impl Wallet {
    /// The id of a vault that the operator lists, or of the only one.
    pub async fn vault_id(&self, vault_id: Option<&str>) -> std::result::Result<String, Problem> {
        let keys = self.core.keys.refresh(&self.core.server).await?;
        Ok(Listed::of(&keys, vault_id, self.core.server.now_ms())?.profile.vault_id.clone())
    }

    /// Waits for a card and reads it so that this vault can keep it. Nothing is sent.
    pub async fn vault_card(
        &self,
        wish: CardWish,
        reader: Option<&str>,
        wait: Duration,
    ) -> std::result::Result<Box<NewCard>, Problem> {
        Ok(Box::new(reading::read(self, wish, reader, wait).await?))
    }

    /// Opens an alias with its first card. Password and code are those it has from then on.
    pub async fn alias_enrol(
        &self,
        owner: Owner,
        factor: FactorSecret,
        card: Box<NewCard>,
    ) -> std::result::Result<AliasView, Problem> {
        self.alias_view(owner, Deed::Enrol { factor, card }).await
    }

    /// What the vault keeps under an alias, and what was done with it.
    pub async fn alias_show(&self, owner: Owner) -> std::result::Result<AliasView, Problem> {
        self.alias_view(owner, Deed::Show).await
    }

    /// Has the vault keep one more card.
    pub async fn alias_add_card(&self, owner: Owner, card: Box<NewCard>) -> std::result::Result<AliasView, Problem> {
        self.alias_view(owner, Deed::AddCard(card)).await
    }

    /// Has the vault forget a card, by its number.
    pub async fn alias_remove_card(&self, owner: Owner, place: u8) -> std::result::Result<AliasView, Problem> {
        self.alias_view(owner, Deed::RemoveCard { place }).await
    }

    /// Sets another limit for a card, by its number; none for no bound but the bank's.
    pub async fn alias_set_limit(
        &self,
        owner: Owner,
        place: u8,
        limit: Option<Amount>,
    ) -> std::result::Result<AliasView, Problem> {
        let currency = limit.map_or_else(usual_currency, Amount::currency);
        let limit_minor = limit.map_or(0, |limit| u64::try_from(limit.minor()).unwrap_or(0));
        let currency = currency.code().as_bytes().try_into().unwrap_or(*b"XXX");
        self.alias_view(owner, Deed::SetLimit { place, limit_minor, currency }).await
    }

    /// Sets another password.
    pub async fn alias_set_password(
        &self,
        owner: Owner,
        password: SecretBytes,
    ) -> std::result::Result<AliasView, Problem> {
        self.alias_view(owner, Deed::SetPassword(password)).await
    }

    /// Sets another second factor, of which `code` is the first one.
    pub async fn alias_set_factor(
        &self,
        owner: Owner,
        factor: FactorSecret,
        code: SecretBytes,
    ) -> std::result::Result<AliasView, Problem> {
        self.alias_view(owner, Deed::SetFactor { factor, code }).await
    }

    /// Has the vault forget the alias and every card.
    pub async fn alias_remove(&self, owner: Owner) -> std::result::Result<(), Problem> {
        match self.alias_call(owner, Deed::RemoveAlias).await? {
            VaultAnswer::Forgotten => Ok(()),
            other => Err(unexpected(other).into()),
        }
    }

    async fn alias_view(&self, owner: Owner, deed: Deed) -> std::result::Result<AliasView, Problem> {
        match self.alias_call(owner, deed).await? {
            VaultAnswer::Alias(view) => Ok(view),
            other => Err(unexpected(other).into()),
        }
    }

    async fn alias_call(&self, owner: Owner, deed: Deed) -> Result<VaultAnswer> {
        let (vault_id, call) = owner.call(deed);
        let keys = self.core.keys.refresh(&self.core.server).await?;
        let listed = Listed::of(&keys, vault_id.as_deref(), self.core.server.now_ms())?;
        client::call(&listed, &call, Vec::new()).await
    }
}

/// The currency of no limit, and of a card that is read for none.
pub(crate) fn usual_currency() -> Currency {
    "USD".parse().expect("USD is a currency")
}

/// Has a card released for an attempt.
pub(crate) async fn release(
    wallet: &Wallet,
    keys: &Keys,
    owner: Owner,
    wish: envelope::vault::ReleaseWish,
) -> Result<ReleasedView> {
    let (vault_id, call) = owner.call(Deed::Release(wish));
    let listed = Listed::of(keys, vault_id.as_deref(), wallet.core.server.now_ms())?;
    match client::call(&listed, &call, keys.bank_certificates()).await? {
        VaultAnswer::Released(view) => Ok(view),
        other => Err(unexpected(other)),
    }
}

/// What the vault refused with; an answer to another question is none.
fn unexpected(answer: VaultAnswer) -> WalletError {
    match answer {
        VaultAnswer::Refused(problem) => WalletError::Server(Box::new(problem)),
        VaultAnswer::Alias(_) | VaultAnswer::Released(_) | VaultAnswer::Forgotten => {
            WalletError::Code(ErrorCode::VaultUnreachable)
        }
    }
}
