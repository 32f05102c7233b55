//! Who is let in: name, password and code must belong together, and nobody learns which of them did not.
//!
//! An unknown name, a wrong password, a wrong code and a locked alias are answered alike, and after the same work: one
//! password is hashed, and one step of the writer leaves an entry in the audit log.

use std::sync::Arc;

use envelope::SecretBytes;
use envelope::keyset::BankCertificate;
use envelope::vault::Deed;
use protocol::vault_api::VaultAnswer;
use protocol::{ErrorCode, Problem};

use super::audit::{self, Kind};
use super::deeds::{self, Prepared};
use super::error::VaultError;
use super::name::AliasName;
use super::record::Alias;
use super::{CrashPoint, Vault};
use crate::password::{Password, PasswordVerifier};
use crate::storage::DbConnection;
use crate::totp;

/// Lets in whoever proves to be the owner, and does what was asked, in one step.
pub(super) async fn enter(
    vault: &Arc<Vault>,
    name: Option<AliasName>,
    password: SecretBytes,
    code: SecretBytes,
    deed: Deed,
    banks: Vec<BankCertificate>,
) -> Result<VaultAnswer, VaultError> {
    let known = match &name {
        Some(name) => Alias::find(&mut *vault.db.reader().acquire().await?, &vault.keys.ring(), name).await?,
        None => None,
    };
    let verifier = known.map_or_else(PasswordVerifier::of_nobody, |alias| alias.password);
    let ring = vault.keys.ring();
    let compared = verifier.clone();
    let (is_right, prepared) = vault
        .hash(move || {
            let is_right = compared.verifies(&typed(&password), &ring.pepper);
            (is_right, Prepared::of(deed, &ring.pepper))
        })
        .await?;
    let tried = Tried { name, verifier, is_right, code, prepared, banks };
    let writing = Arc::clone(vault);
    let answer = vault.db.write(move |db_tx| Box::pin(async move { tried.step(db_tx, &writing).await })).await?;
    vault.crash_point(CrashPoint::AfterCommit);
    Ok(answer)
}

/// A password as it was typed.
fn typed(password: &SecretBytes) -> Password {
    Password::typed(std::str::from_utf8(password.expose()).unwrap_or_default())
}

/// The step whose code this is, if it is near now and was not taken.
pub(super) fn matching_step(secret: &[u8], code: &SecretBytes, last_step: i64, now_ms: i64) -> Option<i64> {
    totp::matching_step(secret, std::str::from_utf8(code.expose()).ok()?, last_step, now_ms)
}

/// What somebody came with, the password compared.
struct Tried {
    name: Option<AliasName>,
    /// What it was compared with.
    verifier: PasswordVerifier,
    is_right: bool,
    code: SecretBytes,
    prepared: Prepared,
    banks: Vec<BankCertificate>,
}

impl Tried {
    async fn step(self, db_tx: &mut DbConnection, vault: &Vault) -> Result<VaultAnswer, VaultError> {
        let (now_ms, ring) = (vault.now_ms(), vault.keys.ring());
        let stored = match &self.name {
            Some(name) => Alias::find(db_tx, &ring, name).await?,
            None => None,
        };
        let Some(alias) = stored else {
            return refused(db_tx, None, now_ms).await;
        };
        if alias.is_locked(now_ms) {
            return refused(db_tx, Some(&alias), now_ms).await;
        }
        // What was compared may be another password by now.
        let is_right = self.is_right && alias.password.is_same(&self.verifier);
        let factor = alias.factor(&ring)?;
        let step = matching_step(factor.expose(), &self.code, alias.last_step, now_ms).filter(|_| is_right);
        let Some(step) = step else {
            let locked = alias.wrong_try(db_tx, now_ms).await?;
            if locked {
                audit::append(db_tx, Kind::Locked, Some(&alias.id), None, now_ms).await?;
            }
            return refused(db_tx, Some(&alias), now_ms).await;
        };
        alias.let_in(db_tx, step).await?;
        let answer = deeds::act(db_tx, vault, &ring, &alias, self.prepared, &self.banks, now_ms).await?;
        vault.crash_point(CrashPoint::BeforeCommit);
        Ok(answer)
    }
}

async fn refused(db_tx: &mut DbConnection, alias: Option<&Alias>, now_ms: i64) -> Result<VaultAnswer, VaultError> {
    let alias_id = alias.map(|alias| alias.id.as_str());
    audit::append(db_tx, Kind::Refused, alias_id, None, now_ms).await?;
    Ok(VaultAnswer::Refused(Problem::new(ErrorCode::AliasRefused)))
}
