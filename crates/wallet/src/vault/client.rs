//! One call to a vault: TLS 1.3 to its own authority, the content sealed, the answer under the call's key.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::vault::{self as seal, Call};
use protocol::ErrorCode;
use protocol::vault_api::{BANK_CERTIFICATES_MAX, CALLS_PATH, SealedAnswer, SealedCall, VaultAnswer};

use super::Listed;
use crate::error::{Result, WalletError};
use crate::server::{http_client, parse, read_bounded, refusal};

/// How long a call may take: the vault hashes a password, and waits in line to do so.
const CALL_WAIT: Duration = Duration::from_secs(25);

/// Seals a call, sends it once, and opens the answer. A call that was lost is for its owner to repeat: it cost a code.
pub(super) async fn call(listed: &Listed<'_>, call: &Call, mut bank_certificates: Vec<String>) -> Result<VaultAnswer> {
    // A card number is sent to nobody, not even sealed.
    if payment::hides_card_number(&call.name) {
        return Err(WalletError::Code(ErrorCode::AliasNameInvalid));
    }
    let (capsule, key) = seal::seal(listed.key, &listed.profile.vault_id, call).map_err(unfit)?;
    let unusable = |_| WalletError::Code(ErrorCode::VaultUnreachable);
    let json = serde_json::to_value(&capsule).map_err(unusable)?;
    bank_certificates.truncate(BANK_CERTIFICATES_MAX);
    let body = SealedCall { call: serde_json::from_value(json).map_err(unusable)?, bank_certificates };
    let body = serde_json::to_vec(&body).map_err(unusable)?;
    let answer: SealedAnswer = parse(&send(listed, body).await.map_err(as_vaults)?).map_err(as_vaults)?;
    let bytes = URL_SAFE_NO_PAD.decode(answer.answer).ok();
    let opened = bytes.and_then(|bytes| key.open(&bytes).ok());
    // Whoever answers without the key is not the vault.
    let opened = opened.ok_or(WalletError::Code(ErrorCode::VaultUnreachable))?;
    serde_json::from_slice(&opened).map_err(unusable)
}

async fn send(listed: &Listed<'_>, body: Vec<u8>) -> Result<Vec<u8>> {
    let http = http_client(&listed.profile.tls_ca_pem)?;
    let posting = http
        .post(format!("{}{CALLS_PATH}", listed.profile.url))
        .header(reqwest::header::CONTENT_TYPE, "application/json")
        .timeout(CALL_WAIT)
        .body(body);
    let response = posting.send().await.map_err(|error| {
        tracing::debug!(error = %error.without_url(), "a call to a vault failed");
        WalletError::Lost
    })?;
    let status = response.status();
    let body = read_bounded(response).await?;
    if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
}

/// What was typed cannot be a call: which part is told, never what it was.
fn unfit(error: envelope::SealError) -> WalletError {
    match error {
        envelope::SealError::UnusableKey => WalletError::Code(ErrorCode::KeysetInvalid),
        error @ (envelope::SealError::Malformed(_) | envelope::SealError::TooLong(_)) => {
            WalletError::Detailed(ErrorCode::InvalidInput, error.to_string())
        }
    }
}

/// The payment server's words for what happened, in the vault's place.
fn as_vaults(error: WalletError) -> WalletError {
    match error {
        WalletError::NotReached | WalletError::Lost => WalletError::Code(ErrorCode::VaultUnreachable),
        error => error,
    }
}
