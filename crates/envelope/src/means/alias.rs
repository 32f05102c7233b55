//! Paying by alias: a card that a vault kept, and the vault's signed word that its owner pays this attempt with it.
//!
//! The wallet seals nothing here and sees no card: the vault seals to the bank, and the wallet carries the capsule. The
//! word is bound to attempt, amount, front and card, and has its time; the bank believes only vaults it has admitted.

use sha2::{Digest, Sha256};

use crate::encoding::{Full, Reader, Writer};
use crate::error::{SealError, SignatureError};
use crate::kept_card::{KeptCard, VAULT_ID_LEN_MAX, is_vault_id};
use crate::signing_key::{SIGNATURE_LEN, SigningKey, VaultRelease, VerifyingKey};

/// What the signed text begins with.
const RELEASE_LABEL: &[u8] = b"tapseal/1 release";

/// What a vault says of a card it releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Which vault.
    pub vault_id: String,
    /// The place the card is kept in, which its cryptogram was made for.
    pub entry_id: [u8; 16],
    /// This release and no other.
    pub release_id: [u8; 16],
    /// The amount its owner agreed to, in minor units of `currency`.
    pub amount_minor: u64,
    /// ISO 4217, three letters.
    pub currency: [u8; 3],
    /// First millisecond after its time.
    pub expires_ms: i64,
}

/// The vault's word, with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultWord {
    /// What is said.
    pub release: Release,
    /// SHA-256 of the card it is said of.
    card_hash: [u8; 32],
    signature: [u8; SIGNATURE_LEN],
}

impl VaultWord {
    /// Whether this vault key signed it for this front and attempt.
    ///
    /// # Errors
    /// [`SignatureError::Wrong`].
    pub fn verify(
        &self,
        key: &VerifyingKey<VaultRelease>,
        front: &str,
        attempt_hash: &[u8; 32],
    ) -> Result<(), SignatureError> {
        let text = signed_text(&self.release, front, attempt_hash, &self.card_hash);
        if key.verifies(&text, &self.signature) { Ok(()) } else { Err(SignatureError::Wrong) }
    }
}

/// A card that was released. Secrets have no `Debug`; so neither has this.
pub struct Alias {
    /// The card.
    pub card: KeptCard,
    /// The vault's word.
    pub word: VaultWord,
}

impl Alias {
    /// Releases a card to a front, for the attempt that `attempt_hash` names.
    pub fn sign(
        key: &SigningKey<VaultRelease>,
        front: &str,
        attempt_hash: &[u8; 32],
        card: KeptCard,
        release: Release,
    ) -> Self {
        let card_hash = Sha256::digest(&*card.to_bytes()).into();
        let signature = key.sign(&signed_text(&release, front, attempt_hash, &card_hash));
        Self { card, word: VaultWord { release, card_hash, signature } }
    }

    pub(super) fn check(&self) -> Result<(), SealError> {
        let release = &self.word.release;
        if !is_vault_id(&release.vault_id) {
            return Err(SealError::Malformed("the vault"));
        }
        if !release.currency.iter().all(u8::is_ascii_uppercase) {
            return Err(SealError::Malformed("the currency"));
        }
        Ok(())
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let Release { vault_id, entry_id, release_id, amount_minor, currency, expires_ms } = &self.word.release;
        writer.put_short(vault_id.as_bytes(), VAULT_ID_LEN_MAX)?;
        writer.put(entry_id)?;
        writer.put(release_id)?;
        writer.put(&amount_minor.to_be_bytes())?;
        writer.put(currency)?;
        writer.put(&expires_ms.to_be_bytes())?;
        writer.put(&self.word.signature)?;
        self.card.write(writer)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let release = Release {
            vault_id: reader.text(VAULT_ID_LEN_MAX)?,
            entry_id: reader.array()?,
            release_id: reader.array()?,
            amount_minor: u64::from_be_bytes(reader.array()?),
            currency: reader.array()?,
            expires_ms: i64::from_be_bytes(reader.array()?),
        };
        let signature = reader.array()?;
        let card = KeptCard::read(reader)?;
        let card_hash = Sha256::digest(&*card.to_bytes()).into();
        let alias = Self { card, word: VaultWord { release, card_hash, signature } };
        alias.check().ok()?;
        Some(alias)
    }
}

/// Label, lengths and fields: no two meanings have the same bytes.
fn signed_text(release: &Release, front: &str, attempt_hash: &[u8; 32], card_hash: &[u8; 32]) -> Vec<u8> {
    let Release { vault_id, entry_id, release_id, amount_minor, currency, expires_ms } = release;
    let short =
        |text: &str| [u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes().as_slice(), text.as_bytes()].concat();
    let (vault_id, front) = (short(vault_id), short(front));
    let parts: [&[u8]; 10] = [
        RELEASE_LABEL,
        &vault_id,
        &front,
        entry_id,
        release_id,
        &amount_minor.to_be_bytes(),
        currency,
        &expires_ms.to_be_bytes(),
        attempt_hash,
        card_hash,
    ];
    parts.concat()
}
