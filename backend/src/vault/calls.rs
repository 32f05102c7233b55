//! One call, from the capsule to the sealed answer.

use std::net::IpAddr;
use std::sync::Arc;

use envelope::vault::{self as seal, AnswerKey, Call, Deed};
use envelope::{Capsule, OpenError};
use protocol::vault_api::{SealedAnswer, SealedCall, VaultAnswer};
use protocol::{ErrorCode, Problem};

use super::error::VaultError;
use super::name::AliasName;
use super::{Vault, deeds, door, release};

/// Why a call is answered outside the seal.
pub(super) enum Unsealed {
    /// It could not be opened.
    Refused(ErrorCode),
    /// The vault failed.
    Failed(VaultError),
}

impl From<VaultError> for Unsealed {
    fn from(error: VaultError) -> Self {
        Self::Failed(error)
    }
}

/// Opens a call, does what it asks, and seals the answer.
pub(super) async fn answer(vault: &Arc<Vault>, sealed: &SealedCall, from: IpAddr) -> Result<SealedAnswer, Unsealed> {
    let (call, key) = open(vault, sealed)?;
    let answer = decide(vault, call, &sealed.bank_certificates, from).await?;
    let json = serde_json::to_vec(&answer).map_err(|_| VaultError::Stored("answer"))?;
    let bytes = key.seal(&json).map_err(VaultError::from)?;
    Ok(SealedAnswer { answer: base64url(&bytes) })
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn open(vault: &Vault, sealed: &SealedCall) -> Result<(Call, AnswerKey), Unsealed> {
    let unreadable = Unsealed::Refused(ErrorCode::CapsuleUnreadable);
    let json = serde_json::to_value(&sealed.call).map_err(|_| Unsealed::Refused(ErrorCode::CapsuleUnreadable))?;
    let Ok(capsule) = serde_json::from_value::<Capsule>(json) else { return Err(unreadable) };
    seal::open(&vault.keys.ring().sealing, &vault.id, &capsule).map_err(|error| match error {
        OpenError::UnknownKid => Unsealed::Refused(ErrorCode::VaultKeyRetired),
        OpenError::Refused => unreadable,
    })
}

async fn decide(
    vault: &Arc<Vault>,
    call: Call,
    certificates: &[String],
    from: IpAddr,
) -> Result<VaultAnswer, VaultError> {
    let now_ms = vault.now_ms();
    if let Some(wait_s) = vault.guard.wait_s(from, now_ms) {
        let mut problem = Problem::new(ErrorCode::RateLimited);
        problem.retry_after_s = Some(wait_s);
        return Ok(VaultAnswer::Refused(problem));
    }
    let name = AliasName::parse(&call.name);
    let Call { password, code, deed, .. } = call;
    if let Deed::Enrol { factor, card } = deed {
        // Each costs as a failure does: names that are taken cannot be looked up by the thousand.
        vault.guard.failed(from, now_ms);
        let name = match name {
            Ok(name) => name,
            Err(fault) => {
                let problem = Problem::new(ErrorCode::AliasNameInvalid).with_detail(fault.to_string());
                return Ok(VaultAnswer::Refused(problem));
            }
        };
        return deeds::enrol(vault, name, password, code, factor, card).await;
    }
    let banks = match &deed {
        Deed::Release(_) => release::banks(vault, certificates, now_ms),
        _ => Vec::new(),
    };
    // What is no name is nobody's, and costs the same.
    let answered = door::enter(vault, name.ok(), password, code, deed, banks).await?;
    match &answered {
        VaultAnswer::Refused(problem) if problem.code == ErrorCode::AliasRefused => vault.guard.failed(from, now_ms),
        _ => vault.guard.let_in(from, now_ms),
    }
    Ok(answered)
}
