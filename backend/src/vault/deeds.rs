//! What the owner of an alias can have done: enrol, look, add and forget cards, change what lets them in, release a card.

use std::sync::Arc;

use envelope::SecretBytes;
use envelope::keyset::BankCertificate;
use envelope::vault::{Deed, FactorSecret, NewCard, ReleaseWish};
use protocol::vault_api::VaultAnswer;
use protocol::{ErrorCode, Problem};

use super::audit::{self, Kind};
use super::door::matching_step;
use super::error::VaultError;
use super::key_ring::Ring;
use super::name::AliasName;
use super::record::{Alias, Card, NewAlias};
use super::{CrashPoint, Vault, release};
use crate::password::{Password, PasswordVerifier, Pepper};
use crate::storage::DbConnection;

/// What shall be done, with what takes long done already.
pub(super) enum Prepared {
    Show,
    Release(ReleaseWish),
    AddCard(Box<NewCard>),
    RemoveCard {
        place: u8,
    },
    SetLimit {
        place: u8,
        limit_minor: u64,
        currency: [u8; 3],
    },
    RemoveAlias,
    SetPassword(PasswordVerifier),
    SetFactor {
        factor: FactorSecret,
        code: SecretBytes,
    },
    /// It cannot be done, whoever asks.
    Unfit(ErrorCode),
}

impl Prepared {
    /// A new password is hashed here, which takes a tenth of a second.
    pub(super) fn of(deed: Deed, pepper: &Pepper) -> Self {
        match deed {
            // Whoever enrols is not let in by what it has only then.
            Deed::Enrol { .. } => Self::Unfit(ErrorCode::InvalidInput),
            Deed::Show => Self::Show,
            Deed::Release(wish) => Self::Release(wish),
            Deed::AddCard(card) => Self::AddCard(card),
            Deed::RemoveCard { place } => Self::RemoveCard { place },
            Deed::SetLimit { place, limit_minor, currency } => Self::SetLimit { place, limit_minor, currency },
            Deed::RemoveAlias => Self::RemoveAlias,
            Deed::SetPassword(password) => match chosen(&password) {
                Some(password) => Self::SetPassword(PasswordVerifier::of(&password, pepper)),
                None => Self::Unfit(ErrorCode::PasswordUnfit),
            },
            Deed::SetFactor { factor, code } => Self::SetFactor { factor, code },
        }
    }
}

fn chosen(password: &SecretBytes) -> Option<Password> {
    Password::chosen(std::str::from_utf8(password.expose()).ok()?).ok()
}

fn refused(code: ErrorCode) -> VaultAnswer {
    VaultAnswer::Refused(Problem::new(code))
}

/// Opens an alias with its first card. The same call once more, after its answer was lost, finds it done.
pub(super) async fn enrol(
    vault: &Arc<Vault>,
    name: AliasName,
    password: SecretBytes,
    code: SecretBytes,
    factor: FactorSecret,
    card: Box<NewCard>,
) -> Result<VaultAnswer, VaultError> {
    let Some(clear) = chosen(&password) else { return Ok(refused(ErrorCode::PasswordUnfit)) };
    let Some(step) = matching_step(factor.expose(), &code, 0, vault.now_ms()) else {
        return Ok(refused(ErrorCode::AliasRefused));
    };
    let ring = vault.keys.ring();
    let known = Alias::find(&mut *vault.db.reader().acquire().await?, &ring, &name).await?;
    let (verifier, was_own) = vault
        .hash(move || {
            // Either way one password is hashed.
            match known {
                Some(alias) => (alias.password.clone(), Some(alias.password.verifies(&clear, &ring.pepper))),
                None => (PasswordVerifier::of(&clear, &ring.pepper), None),
            }
        })
        .await?;
    let writing = Arc::clone(vault);
    let answer = vault
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let (now_ms, ring) = (writing.now_ms(), writing.keys.ring());
                if let Some(alias) = Alias::find(db_tx, &ring, &name).await? {
                    let is_own = was_own == Some(true) && alias.password.is_same(&verifier);
                    let entry_id = hex::encode(card.entry_id);
                    let has_card = alias.cards(db_tx).await?.iter().any(|kept| kept.entry_id == entry_id);
                    return if is_own && has_card {
                        Ok(VaultAnswer::Alias(alias.view(db_tx, &ring).await?))
                    } else {
                        Ok(refused(ErrorCode::AliasNameTaken))
                    };
                }
                if was_own.is_some() {
                    // It was taken off in between; the password was compared and not made.
                    return Err(VaultError::Conflict("an alias"));
                }
                let new = NewAlias { name: &name, password: &verifier, factor: &factor, step };
                let alias_id = Alias::insert(db_tx, &ring, &new, now_ms).await?;
                if !Card::insert(db_tx, &ring, &alias_id, &card, now_ms).await? {
                    return Err(VaultError::Conflict("a card"));
                }
                audit::append(db_tx, Kind::Enrolled, Some(&alias_id), None, now_ms).await?;
                let alias = Alias::find(db_tx, &ring, &name).await?.ok_or(VaultError::Conflict("an alias"))?;
                let view = alias.view(db_tx, &ring).await?;
                writing.crash_point(CrashPoint::BeforeCommit);
                Ok(VaultAnswer::Alias(view))
            })
        })
        .await?;
    vault.crash_point(CrashPoint::AfterCommit);
    Ok(answer)
}

/// Does what the owner asked, within the step that let them in.
pub(super) async fn act(
    db_tx: &mut DbConnection,
    vault: &Vault,
    ring: &Ring,
    alias: &Alias,
    prepared: Prepared,
    banks: &[BankCertificate],
    now_ms: i64,
) -> Result<VaultAnswer, VaultError> {
    let kind = match prepared {
        Prepared::Show => Kind::Shown,
        Prepared::Release(wish) => return release::release(db_tx, vault, ring, alias, &wish, banks, now_ms).await,
        Prepared::AddCard(card) => {
            if !Card::insert(db_tx, ring, &alias.id, &card, now_ms).await? {
                return Ok(refused(ErrorCode::LimitReached));
            }
            Kind::CardAdded
        }
        Prepared::RemoveCard { place } => {
            let Some(card) = alias.card(db_tx, place).await? else {
                return Ok(refused(ErrorCode::NotFound));
            };
            card.remove(db_tx).await?;
            Kind::CardRemoved
        }
        Prepared::SetLimit { place, limit_minor, currency } => {
            let Some(card) = alias.card(db_tx, place).await? else {
                return Ok(refused(ErrorCode::NotFound));
            };
            card.set_limit(db_tx, ring, limit_minor, currency).await?;
            Kind::LimitSet
        }
        Prepared::RemoveAlias => {
            alias.remove(db_tx).await?;
            audit::append(db_tx, Kind::Removed, Some(&alias.id), None, now_ms).await?;
            return Ok(VaultAnswer::Forgotten);
        }
        Prepared::SetPassword(password) => {
            alias.set_password(db_tx, &password).await?;
            Kind::PasswordSet
        }
        Prepared::SetFactor { factor, code } => {
            let Some(step) = matching_step(factor.expose(), &code, 0, now_ms) else {
                return Ok(refused(ErrorCode::AliasRefused));
            };
            alias.set_factor(db_tx, ring, &factor, step).await?;
            Kind::FactorSet
        }
        Prepared::Unfit(code) => return Ok(refused(code)),
    };
    audit::append(db_tx, kind, Some(&alias.id), None, now_ms).await?;
    // What was changed in this step is not in the record that was read before it.
    Ok(VaultAnswer::Alias(alias.again(db_tx).await?.view(db_tx, ring).await?))
}
