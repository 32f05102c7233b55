//! The one suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode (RFC 9180, section 7).
//!
//! One context seals one message and is then gone: [`Sender::seal`] and [`Receiver::open`] consume it, so a
//! sequence number other than zero cannot occur. RFC 9180 gives no replay protection, no sender
//! authentication and does not hide lengths; the layers above add a signature, single use at the
//! server and the bank, and padding to fixed sizes.

use hpke::aead::{AeadCtxR, AeadCtxS, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem as _, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::error::{OpenError, SealError};
use crate::secret::{SecretArray, wipe_stack};

#[cfg(test)]
mod known_answers;

/// The HPKE `info` of the inner seal, to the bank.
pub const INNER_LABEL: &[u8] = b"tapseal/1 inner";
/// The HPKE `info` of the outer seal, to the payment server.
pub const OUTER_LABEL: &[u8] = b"tapseal/1 outer";
/// The HPKE `info` of a sealed payment request, to a device or a link.
pub const REQUEST_LABEL: &[u8] = b"tapseal/1 request";
/// The HPKE `info` of a part of a batch of vouchers, from a merchant to its bank.
pub const VOUCHER_BATCH_LABEL: &[u8] = b"tapseal/1 voucher batch";
/// The HPKE `info` of what a payer tells a vault.
pub const VAULT_LABEL: &[u8] = b"tapseal/1 vault";
/// The HPKE exporter context of the key that a vault's answer is sealed under.
pub const VAULT_ANSWER_LABEL: &[u8] = b"tapseal/1 vault answer";
/// The HPKE exporter context of the inner seal's PIN key.
pub const PIN_EXPORT_LABEL: &[u8] = b"tapseal/1 pin";

/// Length of an X25519 public key, private key and `enc`, in bytes (RFC 9180, section 7.1, table 2).
pub const KEY_LEN: usize = 32;
/// Length of the AES-GCM tag, in bytes (RFC 9180, section 7.3, table 5).
pub const TAG_LEN: usize = 16;

type Kem = X25519HkdfSha256;
type Kdf = HkdfSha256;
type Aead = AesGcm256;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;
type PublicKey = <Kem as hpke::Kem>::PublicKey;
type EncappedKey = <Kem as hpke::Kem>::EncappedKey;

/// A context to seal exactly one message.
pub(crate) struct Sender {
    enc: [u8; KEY_LEN],
    context: AeadCtxS<Aead, Kdf, Kem>,
}

impl Sender {
    /// Encapsulates to `recipient`. Fails on a key that makes an all-zero shared secret.
    pub(crate) fn to(recipient: &[u8; KEY_LEN], label: &[u8]) -> Result<Self, SealError> {
        let (enc, context) = hpke::setup_sender::<Aead, Kdf, Kem>(&OpModeS::Base, &public_key(recipient), label)
            .map_err(|_| SealError::UnusableKey)?;
        Ok(Self { enc: enc.to_bytes().into(), context })
    }

    /// The same with a chosen ephemeral key, which only published vectors need.
    #[cfg(test)]
    pub(crate) fn with_rng(
        recipient: &[u8; KEY_LEN],
        label: &[u8],
        rng: &mut impl hpke::rand_core::CryptoRng,
    ) -> Result<Self, SealError> {
        let (enc, context) =
            hpke::setup_sender_with_rng::<Aead, Kdf, Kem>(&OpModeS::Base, &public_key(recipient), label, rng)
                .map_err(|_| SealError::UnusableKey)?;
        Ok(Self { enc: enc.to_bytes().into(), context })
    }

    /// 32 bytes bound to this context and `label` (RFC 9180, section 5.3).
    pub(crate) fn export(&self, label: &[u8]) -> SecretArray<32> {
        let mut secret = SecretArray::zeroed();
        self.context.export(label, secret.expose_mut()).expect("32 bytes are within what HKDF-SHA256 gives");
        secret
    }

    /// Seals; returns `enc` and ciphertext with its tag.
    pub(crate) fn seal(mut self, aad: &[u8], plaintext: &[u8]) -> Result<([u8; KEY_LEN], Vec<u8>), SealError> {
        let ciphertext = self.context.seal(plaintext, aad);
        wipe_stack();
        Ok((self.enc, ciphertext.map_err(|_| SealError::TooLong("the plaintext"))?))
    }
}

/// A context to open exactly one message.
pub(crate) struct Receiver {
    context: AeadCtxR<Aead, Kdf, Kem>,
}

impl Receiver {
    /// Decapsulates `enc`. Fails on an `enc` that makes an all-zero shared secret.
    pub(crate) fn from(secret: &SecretArray<KEY_LEN>, enc: &[u8; KEY_LEN], label: &[u8]) -> Result<Self, OpenError> {
        let enc = EncappedKey::from_bytes(enc).map_err(|_| OpenError::Refused)?;
        let context = hpke::setup_receiver::<Aead, Kdf, Kem>(&OpModeR::Base, &private_key(secret), &enc, label)
            .map_err(|_| OpenError::Refused)?;
        Ok(Self { context })
    }

    /// The counterpart of [`Sender::export`]. Anybody can make a context; only [`Receiver::open`] shows that
    /// the message is whole.
    pub(crate) fn export(&self, label: &[u8]) -> SecretArray<32> {
        let mut secret = SecretArray::zeroed();
        self.context.export(label, secret.expose_mut()).expect("32 bytes are within what HKDF-SHA256 gives");
        secret
    }

    /// Opens, or fails without saying why.
    pub(crate) fn open(mut self, aad: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let plaintext = self.context.open(ciphertext, aad).map(Zeroizing::new);
        wipe_stack();
        plaintext.map_err(|_| OpenError::Refused)
    }
}

/// The public key of `secret`.
pub(crate) fn public_of(secret: &SecretArray<KEY_LEN>) -> [u8; KEY_LEN] {
    Kem::sk_to_pk(&private_key(secret)).to_bytes().into()
}

/// `DeriveKeyPair` (RFC 9180, section 7.1.3): the private key that `seed` stands for.
pub(crate) fn derive_private(seed: &SecretArray<KEY_LEN>) -> SecretArray<KEY_LEN> {
    let (private, _) = Kem::derive_keypair(seed.expose());
    let mut secret = SecretArray::zeroed();
    private.write_exact(secret.expose_mut());
    secret
}

fn private_key(secret: &SecretArray<KEY_LEN>) -> PrivateKey {
    PrivateKey::from_bytes(secret.expose()).expect("any 32 bytes are an X25519 private key")
}

fn public_key(bytes: &[u8; KEY_LEN]) -> PublicKey {
    PublicKey::from_bytes(bytes).expect("any 32 bytes are an X25519 public key")
}
