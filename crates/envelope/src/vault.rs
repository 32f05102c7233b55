//! What a payer's wallet tells a vault: sealed to the vault, every call of one size; and the answer under a key of that call.
//!
//! The answer's key is exported from the call's own HPKE context (RFC 9180, section 9.8), so whoever carries the two learns
//! neither what was asked nor how it was answered, and cannot answer in the vault's place.

mod call;

use zeroize::Zeroizing;

use crate::capsule::Capsule;
use crate::encoding::{Reader, Writer};
use crate::error::{OpenError, SealError};
use crate::rest::RestKey;
use crate::sealing_key::{VaultSealingKey, VaultSealingKeySecret};
use crate::secret::wiped_buffer;
use crate::suite::{Sender, VAULT_ANSWER_LABEL, VAULT_LABEL};

pub use call::{Call, Deed, FactorSecret, NewCard, ReleaseWish};

/// Length of a call's plaintext, in bytes, padding included.
pub const CALL_PLAINTEXT_LEN: usize = 2048;
/// Answers are padded to a multiple of this many bytes.
pub const ANSWER_PADDING_STEP: usize = 4096;
/// Longest answer, in bytes.
pub const ANSWER_LEN_MAX: usize = 3 * ANSWER_PADDING_STEP - ANSWER_HEADER_LEN;
/// Longest name of an alias, in bytes: 64 characters of UTF-8.
pub const NAME_LEN_MAX: usize = 256;
/// Longest label of a card, in bytes: 64 characters of UTF-8.
pub const LABEL_LEN_MAX: usize = 256;
/// Digits of a second factor's code.
pub const FACTOR_CODE_LEN: usize = 8;
/// Two length bytes.
const ANSWER_HEADER_LEN: usize = 2;

/// What an answer is sealed under: the wallet and the vault have it of one call. Wiped when dropped.
pub struct AnswerKey(RestKey);

impl AnswerKey {
    /// Seals an answer.
    ///
    /// # Errors
    /// [`SealError::TooLong`] beyond [`ANSWER_LEN_MAX`].
    pub fn seal(&self, answer: &[u8]) -> Result<Vec<u8>, SealError> {
        const TOO_LONG: SealError = SealError::TooLong("the answer");
        let mut padded = wiped_buffer((ANSWER_HEADER_LEN + answer.len()).next_multiple_of(ANSWER_PADDING_STEP));
        Writer::new(&mut padded).put_long(answer, ANSWER_LEN_MAX).map_err(|_| TOO_LONG)?;
        self.0.seal(VAULT_ANSWER_LABEL, &padded)
    }

    /// Opens the answer to the call that this key is of, or fails without saying why.
    ///
    /// # Errors
    /// [`OpenError::Refused`].
    pub fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let padded = self.0.open(VAULT_ANSWER_LABEL, sealed)?;
        let mut reader = Reader::new(&padded);
        let answer = reader.long(ANSWER_LEN_MAX).ok_or(OpenError::Refused)?;
        reader.only_padding().ok_or(OpenError::Refused)?;
        Ok(Zeroizing::new(answer.to_vec()))
    }
}

/// Seals a call to the vault with this id.
///
/// # Errors
/// [`SealError`] when the key or a field cannot be used.
pub fn seal(to: &VaultSealingKey, vault_id: &str, call: &Call) -> Result<(Capsule, AnswerKey), SealError> {
    call.check()?;
    let sender = Sender::to(&to.to_bytes(), VAULT_LABEL)?;
    let answer_key = AnswerKey(RestKey::from_bytes(sender.export(VAULT_ANSWER_LABEL).expose()));
    let mut plaintext = wiped_buffer(CALL_PLAINTEXT_LEN);
    call.write(&mut Writer::new(&mut plaintext)).map_err(|_| SealError::TooLong("the call"))?;
    Ok((Capsule::seal(to, sender, vault_id.as_bytes(), &plaintext)?, answer_key))
}

/// Opens a call to the vault with this id.
///
/// # Errors
/// [`OpenError`].
pub fn open(secret: &VaultSealingKeySecret, vault_id: &str, capsule: &Capsule) -> Result<(Call, AnswerKey), OpenError> {
    let receiver = capsule.receiver(secret, VAULT_LABEL)?;
    let answer_key = AnswerKey(RestKey::from_bytes(receiver.export(VAULT_ANSWER_LABEL).expose()));
    let plaintext = receiver.open(vault_id.as_bytes(), &capsule.ciphertext)?;
    if plaintext.len() != CALL_PLAINTEXT_LEN {
        return Err(OpenError::Refused);
    }
    let mut reader = Reader::new(&plaintext);
    let call = Call::read(&mut reader).ok_or(OpenError::Refused)?;
    reader.only_padding().ok_or(OpenError::Refused)?;
    Ok((call, answer_key))
}

#[cfg(test)]
mod tests;
