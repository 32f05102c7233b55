//! A large amount by voucher: number and code, the card of whoever bought it with the PIN, and the device's signature, in
//! one capsule.
//!
//! It is the inner seal with a third plaintext: same key, same additional data, same length, so nobody on the way can tell
//! it from a voucher alone or from a card. The card's cryptogram and the PIN are those of this attempt, as in a payment by
//! card; what pays is the voucher.
//!
//! The signature is what only the payer's device can make, and whoever has its public key can check. It covers the attempt,
//! and so order, amount and payee, the voucher's number and what the card answered. Neither the code nor the card number
//! is in it, not even hashed: both have so few digits that whoever keeps the signature could find them.

use sha2::{Digest, Sha256};

use super::{CardData, Opened as OpenedCard, PinKind, Written};
use crate::capsule::Capsule;
use crate::encoding::{Full, Reader, Writer, array_from_base64url, base64url};
use crate::error::{SealError, SignatureError};
use crate::inner::INNER_PLAINTEXT_LEN;
use crate::means::voucher::Voucher;
use crate::pin::Pin;
use crate::pin_block::{self, PinKey};
use crate::sealing_key::BankSealingKey;
use crate::secret::wiped_buffer;
use crate::signing_key::{Device, SIGNATURE_LEN, SigningKey, VerifyingKey};
use crate::suite::{INNER_LABEL, PIN_EXPORT_LABEL, Sender};

/// First byte of the plaintext: a card's begins with 1, a means' with 2.
pub(super) const VERSION: u8 = 3;
/// What the signed text begins with.
const SIGNED_LABEL: &[u8] = b"tapseal/1 large voucher";

/// What a device signs: everything that a dispute could be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The bank that keeps voucher and card.
    pub bank_id: &'a str,
    /// Which attempt at which order.
    pub attempt_hash: &'a [u8; 32],
    /// The voucher that pays.
    pub customer_number: &'a str,
    /// SHA-256 of what the card answered: see [`card_hash`].
    pub card_hash: &'a [u8; 32],
}

impl Statement<'_> {
    /// Label and hashes have fixed lengths; each text is preceded by its own.
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = [SIGNED_LABEL, self.attempt_hash, self.card_hash].concat();
        for text in [self.bank_id, self.customer_number] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

/// SHA-256 of a card's EMV data, which names the cryptogram and no card number.
pub fn card_hash(card: &CardData) -> [u8; 32] {
    Sha256::digest(&*card.icc_data).into()
}

/// A device's key, and its signature over a [`Statement`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedByDevice {
    key: VerifyingKey<Device>,
    signature: [u8; SIGNATURE_LEN],
}

impl SignedByDevice {
    /// Signs a statement.
    pub fn sign(key: &SigningKey<Device>, statement: Statement<'_>) -> Self {
        Self { key: key.public().clone(), signature: key.sign(&statement.to_bytes()) }
    }

    /// The signature with this text, said to be by this key.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`].
    pub fn from_base64url(key: VerifyingKey<Device>, signature: &str) -> Result<Self, SignatureError> {
        let signature = array_from_base64url(signature).ok_or(SignatureError::Malformed)?;
        Ok(Self { key, signature })
    }

    /// Whether the key it names signed this statement. Whose key that is, the bank knows.
    ///
    /// # Errors
    /// [`SignatureError::Wrong`].
    pub fn verify(&self, statement: Statement<'_>) -> Result<(), SignatureError> {
        let is_right = self.key.verifies(&statement.to_bytes(), &self.signature);
        if is_right { Ok(()) } else { Err(SignatureError::Wrong) }
    }

    /// The key it names.
    pub fn key(&self) -> &VerifyingKey<Device> {
        &self.key
    }

    /// The signature in base64url without padding.
    pub fn signature_base64url(&self) -> String {
        base64url(&self.signature)
    }
}

/// What is sealed. The code has no `Debug`; so neither has this.
pub struct LargeVoucher<'a> {
    /// The voucher.
    pub voucher: &'a Voucher,
    /// The card, read for this attempt.
    pub card: &'a CardData,
    /// The personal code of its holder.
    pub pin: &'a Pin,
    /// Which PIN that is.
    pub pin_kind: PinKind,
    /// The device's word.
    pub signed: &'a SignedByDevice,
}

/// What was sealed, opened. Secrets have no `Debug`; so neither has this.
pub struct Opened {
    /// The voucher.
    pub voucher: Voucher,
    /// The card, and how its holder is known.
    pub card: OpenedCard,
    /// The device's word, which is still to be verified.
    pub signed: SignedByDevice,
}

/// Seals a voucher with its card to the bank, for the attempt that `attempt_hash` names.
///
/// # Errors
/// [`SealError`] when the key, the voucher, the card or the PIN cannot be used.
pub fn seal(to: &BankSealingKey, attempt_hash: &[u8; 32], large: &LargeVoucher<'_>) -> Result<Capsule, SealError> {
    large.voucher.check()?;
    super::check(large.card)?;
    let sender = Sender::to(&to.to_bytes(), INNER_LABEL)?;
    let pin_key = PinKey::from_secret(sender.export(PIN_EXPORT_LABEL));
    let block =
        pin_block::encipher(&pin_key, large.pin, &large.card.pan).map_err(|_| SealError::Malformed("the PIN"))?;
    let mut plaintext = wiped_buffer(INNER_PLAINTEXT_LEN);
    write(&mut plaintext, large, &Written::Pin(large.pin_kind, &block))
        .map_err(|Full| SealError::TooLong("the voucher and its card"))?;
    Capsule::seal(to, sender, attempt_hash, &plaintext)
}

fn write(plaintext: &mut [u8], large: &LargeVoucher<'_>, written: &Written<'_>) -> Result<(), Full> {
    let mut writer = Writer::new(plaintext);
    writer.put(&[VERSION])?;
    large.voucher.write(&mut writer)?;
    writer.put(&large.signed.key.to_bytes())?;
    writer.put(&large.signed.signature)?;
    super::write(&mut writer, large.card, written)
}

/// Reads a plaintext of [`VERSION`], if it is one.
pub(super) fn read(plaintext: &[u8], key: PinKey) -> Option<Opened> {
    let mut reader = Reader::new(plaintext);
    if reader.byte()? != VERSION {
        return None;
    }
    let voucher = Voucher::read(&mut reader)?;
    let signed = SignedByDevice { key: VerifyingKey::from_bytes(&reader.array()?).ok()?, signature: reader.array()? };
    let card = super::read(&mut reader, key)?;
    reader.only_padding()?;
    Some(Opened { voucher, card, signed })
}

#[cfg(test)]
mod tests;
