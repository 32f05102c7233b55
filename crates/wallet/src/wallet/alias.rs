//! The commands around an alias: paying by it, setting it up, and looking after it.

use envelope::SecretBytes;
use envelope::vault::FactorSecret;
use payment::{Amount, RequestId, hides_card_number};
use protocol::ipc::alias::{AliasDeed, AliasDeskView, AliasStateView, FactorView};
use protocol::ipc::history::ExportView;
use protocol::ipc::means::{FrontView, TypedSecret};
use protocol::ipc::pay::Method;
use protocol::ipc::{CheckoutView, LookFor, ReaderTestView};
use protocol::vault_api::AliasView;
use protocol::{ErrorCode, Problem};

use super::Wallet;
use super::means::without_gaps;
use crate::checkout::{AliasWish, Trace};
use crate::clock::signed;
use crate::desk::Turn;
use crate::history::export::keep_json;
use crate::qr::{self, Damage};
use crate::readers::ReaderError;
use crate::vault::{self, AliasEntry, Berth, CardWish, Owner, SET_UP_LIFE, SIGNED_IN_LIFE};

type Answer<T> = std::result::Result<T, Problem>;

/// What a file is called that says what a vault keeps.
pub const ALIAS_EXPORT_NAME: &str = "Tapseal-username.json";

impl Wallet {
    /// Pays a request by alias. The vault is asked at once, so it cannot be stopped.
    pub async fn alias_pay(
        &self,
        request_id: RequestId,
        vault_id: String,
        name: String,
        password: TypedSecret,
        code: TypedSecret,
        place: u8,
    ) -> Answer<CheckoutView> {
        require_name(&name)?;
        let owner = Owner { vault_id: Some(vault_id), name, password: bytes_of(&password), code: without_gaps(&code) };
        self.checkout_pay_alias(request_id, AliasWish { owner, place }, Trace::silent()).await
    }

    /// The vaults there are, and what is being done about an alias.
    pub async fn alias_state(&self) -> Answer<AliasStateView> {
        let desk = self.core.aliases.with(|_, entry| entry.view());
        Ok(AliasStateView { vaults: self.vaults().await?, desk })
    }

    /// Begins to set an alias up. Nothing is sent yet.
    pub async fn alias_begin(&self, vault_id: String, name: String, password: TypedSecret) -> Answer<AliasDeskView> {
        require_name(&name)?;
        self.begin_alias(&vault_id, name, bytes_of(&password), None).await
    }

    /// Waits for a card and reads it for the alias that is being set up or looked after.
    pub async fn alias_read_card(
        &self,
        label: String,
        limit: Option<Amount>,
        reader: Option<String>,
    ) -> Answer<ReaderTestView> {
        let begun = self.core.aliases.with(|turn, entry| {
            entry.card = None;
            (turn, entry.vault.id.clone())
        });
        let (turn, vault_id) = begun.ok_or(ErrorCode::AliasSignedOut)?;
        let wish = CardWish {
            vault_id: Some(vault_id),
            label: label.trim().to_owned(),
            limit_minor: limit.map_or(0, |limit| u64::try_from(limit.minor()).unwrap_or(0)),
            currency: limit.map_or_else(vault::usual_currency, Amount::currency),
        };
        let berth = Berth::draw(self, wish).await?;
        let wallet = self.clone();
        let look = berth.look(move |card, last_four| {
            let kept = (card, last_four.to_owned());
            let keep = |now: Turn, entry: &mut AliasEntry| {
                let is_same = now == turn;
                if is_same {
                    entry.card = Some(kept);
                }
                is_same
            };
            let is_kept = wallet.core.aliases.with(keep).unwrap_or(false);
            if is_kept { Ok(()) } else { Err(ReaderError::Stopped.into()) }
        });
        Ok(self.core.reader_test.look(self, reader, LookFor::Vault, look).await?)
    }

    /// Draws a second factor, or shows the one that was drawn and not handed over yet.
    #[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
    pub async fn alias_factor(&self) -> Answer<FactorView> {
        let shown = self.core.aliases.with(|_, entry| {
            let factor = entry.factor.get_or_insert_with(FactorSecret::draw);
            let address = vault::set_up(&entry.vault.id, &entry.name, factor);
            FactorView { qr_svg: qr::svg(&address, Damage::Some), secret: vault::typed(factor).to_string() }
        });
        shown.ok_or_else(|| ErrorCode::AliasSignedOut.into())
    }

    /// Has the vault open the alias with the card that was read. Its owner is signed in then.
    pub async fn alias_enrol_read(&self, code: TypedSecret) -> Answer<AliasDeskView> {
        let (turn, entry) = self.taken_alias()?;
        let ready = entry.card_again().zip(entry.factor.as_ref().map(FactorSecret::again));
        let enrolled = match ready {
            Some((card, factor)) => self.alias_enrol(entry.owner(without_gaps(&code)), factor, card).await,
            None => Err(ErrorCode::CheckoutNotReady.into()),
        };
        match enrolled {
            Ok(view) => {
                let AliasEntry { vault, name, password, .. } = entry;
                self.begin_alias(&vault.id, name, password, Some(view)).await
            }
            Err(problem) => {
                // A code that was mistyped can be typed again, and a name that is taken changed.
                self.core.aliases.put(turn, entry);
                Err(problem)
            }
        }
    }

    /// Signs in to look after an alias.
    pub async fn alias_sign_in(
        &self,
        vault_id: String,
        name: String,
        password: TypedSecret,
        code: TypedSecret,
    ) -> Answer<AliasDeskView> {
        require_name(&name)?;
        let password = bytes_of(&password);
        let copy = SecretBytes::copy_of(password.expose());
        let owner = Owner { vault_id: Some(vault_id.clone()), name, password: copy, code: without_gaps(&code) };
        let view = self.alias_show(owner).await?;
        self.begin_alias(&vault_id, view.name.clone(), password, Some(view)).await
    }

    /// Has the vault do something. None when the alias is no more.
    pub async fn alias_change(&self, deed: AliasDeed, code: TypedSecret) -> Answer<Option<AliasDeskView>> {
        let (turn, mut entry) = self.taken_alias()?;
        match self.changed(&mut entry, deed, without_gaps(&code)).await {
            Ok(Some(told)) => {
                entry.told = Some(told);
                let (view, to_keep) = (entry.view(), entry.to_keep());
                if !self.core.aliases.put(turn, entry) {
                    return Err(ErrorCode::AliasSignedOut.into());
                }
                self.renew_kept_alias(to_keep).await?;
                Ok(Some(view))
            }
            Ok(None) => {
                self.core.aliases.forget_if(turn);
                self.forget_kept_alias(&entry.vault.id, &entry.name).await?;
                Ok(None)
            }
            Err(problem) => {
                self.core.aliases.put(turn, entry);
                Err(problem)
            }
        }
    }

    async fn changed(&self, entry: &mut AliasEntry, deed: AliasDeed, code: SecretBytes) -> Answer<Option<AliasView>> {
        let owner = entry.owner(code);
        let not_ready = || Problem::from(ErrorCode::CheckoutNotReady);
        let told = match deed {
            AliasDeed::AddCard => {
                let told = self.alias_add_card(owner, entry.card_again().ok_or_else(not_ready)?).await?;
                entry.card = None;
                told
            }
            AliasDeed::RemoveCard { place } => self.alias_remove_card(owner, place).await?,
            AliasDeed::SetLimit { place, limit } => self.alias_set_limit(owner, place, limit).await?,
            AliasDeed::SetPassword { password } => {
                let password = bytes_of(&password);
                let told = self.alias_set_password(owner, SecretBytes::copy_of(password.expose())).await?;
                entry.password = password;
                told
            }
            AliasDeed::SetFactor { new_code } => {
                let factor = entry.factor.as_ref().ok_or_else(not_ready)?.again();
                let told = self.alias_set_factor(owner, factor, without_gaps(&new_code)).await?;
                entry.factor = None;
                told
            }
            AliasDeed::Remove => {
                self.alias_remove(owner).await?;
                return Ok(None);
            }
        };
        Ok(Some(told))
    }

    /// Keeps what the vault has, as it last told, as a file: at this path, or handed over.
    #[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
    pub async fn alias_export(&self, path: Option<String>) -> Answer<ExportView> {
        let told = self.core.aliases.with(|_, entry| entry.told.clone()).flatten();
        let told = told.ok_or(ErrorCode::AliasSignedOut)?;
        let mut text = serde_json::to_string_pretty(&told).map_err(|_| Problem::new(ErrorCode::Internal))?;
        text.push('\n');
        let count = u32::try_from(told.cards.len()).unwrap_or(u32::MAX);
        Ok(keep_json(path, ALIAS_EXPORT_NAME.to_owned(), text.as_bytes(), count)?)
    }

    /// Remembers the name of the alias that is looked after, or forgets whichever is remembered.
    pub async fn alias_remember(&self, is_remembered: bool) -> Answer<()> {
        let at_desk = || self.core.aliases.with(|_, entry| entry.to_keep()).flatten();
        let kept = if is_remembered { Some(at_desk().ok_or(ErrorCode::AliasSignedOut)?) } else { None };
        Ok(self.set_for_method(&Method::Alias { kept }).await?)
    }

    /// Signs out, or stops setting up: what was typed is wiped.
    pub async fn alias_leave(&self) -> Answer<()> {
        self.core.aliases.forget();
        if self.core.reader_test.purpose() == Some(LookFor::Vault) {
            self.core.reader_test.stop().await;
        }
        Ok(())
    }

    /// The vaults that the operator lists.
    async fn vaults(&self) -> Answer<Vec<FrontView>> {
        let keys = self.core.keys.keys(&self.core.server).await?;
        let listed = keys.keyset.vaults(signed(self.core.server.now_ms()));
        let view = |profile: &envelope::keyset::VaultProfile| FrontView {
            id: profile.vault_id.clone(),
            name: profile.display_name.clone(),
        };
        Ok(listed.into_iter().map(view).collect())
    }

    /// Begins to set up or to look after an alias, in the place of another.
    async fn begin_alias(
        &self,
        vault_id: &str,
        name: String,
        password: SecretBytes,
        told: Option<AliasView>,
    ) -> Answer<AliasDeskView> {
        let vault = self.vaults().await?.into_iter().find(|vault| vault.id == vault_id).ok_or(ErrorCode::NoVault)?;
        let life = if told.is_some() { SIGNED_IN_LIFE } else { SET_UP_LIFE };
        let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        let until_ms = self.core.server.now_ms().saturating_add(life_ms);
        let entry = AliasEntry { vault, name, password, until_ms, told, card: None, factor: None };
        let (view, to_keep) = (entry.view(), entry.to_keep());
        self.lay_down(|core| &core.aliases, entry, life)?;
        self.renew_kept_alias(to_keep).await?;
        Ok(view)
    }

    /// The alias at the desk, for one step.
    fn taken_alias(&self) -> Answer<(Turn, AliasEntry)> {
        self.core.aliases.take().ok_or_else(|| ErrorCode::AliasSignedOut.into())
    }
}

/// A card number is no name, and is sent to nobody: it is refused here.
fn require_name(name: &str) -> Answer<()> {
    if hides_card_number(name) { Err(ErrorCode::AliasNameInvalid.into()) } else { Ok(()) }
}

fn bytes_of(typed: &TypedSecret) -> SecretBytes {
    SecretBytes::copy_of(typed.expose().as_bytes())
}
