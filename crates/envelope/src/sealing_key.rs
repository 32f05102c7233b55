//! X25519 keys that seal and open, one type for each role so that they cannot be mistaken for one another.

use std::marker::PhantomData;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::encoding::{array_from_base64url, base64url, fingerprint};
use crate::error::KeyError;
use crate::jwk::{Jwk, KeyUse};
use crate::secret::SecretArray;
use crate::suite::{self, KEY_LEN};

mod private {
    pub trait Sealed {}
}

/// What a sealing key is for. Only this crate makes roles.
pub trait SealingRole: private::Sealed {
    /// The first part of every `kid` in this role.
    const KID_PREFIX: &'static str;
}

macro_rules! sealing_role {
    ($(#[$doc:meta])* $role:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $role {}
        impl private::Sealed for $role {}
        impl SealingRole for $role {
            const KID_PREFIX: &'static str = $prefix;
        }
    };
}

sealing_role!(
    /// Role: the payment server opens the outer seal.
    PaymentServerSealing,
    "server-seal"
);
sealing_role!(
    /// Role: the bank opens the inner seal. An epoch key, of at most 24 hours.
    BankSealing,
    "bank-seal"
);
sealing_role!(
    /// Role: a registered device opens payment requests.
    DeviceSealing,
    "device-seal"
);
sealing_role!(
    /// Role: the vault opens what a payer sends it.
    VaultSealing,
    "vault-seal"
);
sealing_role!(
    /// Role: whoever holds the link opens one payment request.
    LinkSealing,
    "link-seal"
);
sealing_role!(
    /// Role: a bank opens the batches of vouchers that merchants made.
    VoucherSealing,
    "voucher-seal"
);

/// The payment server's public sealing key.
pub type PaymentServerSealingKey = SealingKey<PaymentServerSealing>;
/// The payment server's secret sealing key: opens the outer seal.
pub type PaymentServerSealingKeySecret = SealingKeySecret<PaymentServerSealing>;
/// A bank's public sealing key.
pub type BankSealingKey = SealingKey<BankSealing>;
/// A bank's secret sealing key: opens the inner seal.
pub type BankSealingKeySecret = SealingKeySecret<BankSealing>;
/// A device's public sealing key.
pub type DeviceSealingKey = SealingKey<DeviceSealing>;
/// A device's secret sealing key: opens payment requests.
pub type DeviceSealingKeySecret = SealingKeySecret<DeviceSealing>;
/// The public half of a link's key, for whoever shall seal to a link that it did not make: a printed counter code.
pub type LinkSealingKey = SealingKey<LinkSealing>;
/// The public key by which merchants seal batches of vouchers to their bank.
pub type VoucherSealingKey = SealingKey<VoucherSealing>;
/// The secret key by which a bank opens them.
pub type VoucherSealingKeySecret = SealingKeySecret<VoucherSealing>;
/// The vault's public sealing key.
pub type VaultSealingKey = SealingKey<VaultSealing>;
/// The vault's secret sealing key.
pub type VaultSealingKeySecret = SealingKeySecret<VaultSealing>;

/// A public key to seal to, in role `R`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SealingKey<R: SealingRole> {
    bytes: [u8; KEY_LEN],
    kid: String,
    role: PhantomData<R>,
}

impl<R: SealingRole> SealingKey<R> {
    /// The key with these bytes. Every 32 bytes are an X25519 public key; one of small order is refused when
    /// something is sealed to it.
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self { bytes, kid: kid(R::KID_PREFIX, &bytes), role: PhantomData }
    }

    /// The key's 32 bytes.
    pub fn to_bytes(&self) -> [u8; KEY_LEN] {
        self.bytes
    }

    /// The key from base64url without padding.
    pub fn from_base64url(text: &str) -> Result<Self, KeyError> {
        array_from_base64url(text).map(Self::from_bytes).ok_or(KeyError::Encoding)
    }

    /// The key in base64url without padding.
    pub fn to_base64url(&self) -> String {
        base64url(&self.bytes)
    }

    /// The key's identifier: the role, then the first half of a SHA-256 over role and key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// SHA-256 over the key, as sixteen groups of four hexadecimal digits, for people to compare.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.bytes)
    }

    /// The key as a JWK.
    pub fn to_jwk(&self) -> Jwk {
        Jwk::new(KeyUse::Seal, &self.kid, &self.bytes)
    }

    /// The key of a JWK, whose `kid` must be this key's in this role.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let key = Self::from_bytes(jwk.bytes(KeyUse::Seal)?);
        if key.kid == jwk.kid { Ok(key) } else { Err(KeyError::WrongRole) }
    }
}

impl<R: SealingRole> Serialize for SealingKey<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_jwk().serialize(serializer)
    }
}

impl<'de, R: SealingRole> Deserialize<'de> for SealingKey<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_jwk(&Jwk::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A secret key that opens, in role `R`. Wiped when dropped.
pub struct SealingKeySecret<R: SealingRole> {
    private: SecretArray<KEY_LEN>,
    public: SealingKey<R>,
}

impl<R: SealingRole> SealingKeySecret<R> {
    /// A new key from the operating system's generator.
    pub fn generate() -> Self {
        Self::from_private(SecretArray::random())
    }

    /// The key with these bytes, as [`SealingKeySecret::expose_bytes`] gave them to a key file. The caller
    /// wipes its own copy.
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        Self::from_private(SecretArray::copy_of(bytes))
    }

    fn from_private(private: SecretArray<KEY_LEN>) -> Self {
        let public = SealingKey::from_bytes(suite::public_of(&private));
        Self { private, public }
    }

    /// The secret bytes, for the key file or the keyring only.
    pub fn expose_bytes(&self) -> &[u8; KEY_LEN] {
        self.private.expose()
    }

    /// The public key.
    pub fn public(&self) -> &SealingKey<R> {
        &self.public
    }

    /// The public key's identifier.
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    pub(crate) fn private(&self) -> &SecretArray<KEY_LEN> {
        &self.private
    }
}

/// The secret that exists only in the fragment of a delivered link (`…/r/<id>#<key>`).
///
/// An X25519 key pair is derived from it (RFC 9180, section 7.1.3). The server seals the request to the
/// public half, hands the fragment to delivery and forgets it, so that a later look into the
/// server's database opens nothing.
pub struct LinkKey {
    seed: SecretArray<KEY_LEN>,
    pair: SealingKeySecret<LinkSealing>,
}

impl LinkKey {
    /// A new key from the operating system's generator.
    pub fn generate() -> Self {
        Self::from_seed(SecretArray::random())
    }

    /// The key with this seed.
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        Self::from_seed(SecretArray::copy_of(bytes))
    }

    /// The key in a link's fragment: 43 characters of base64url, without the `#`.
    pub fn from_fragment(fragment: &str) -> Result<Self, KeyError> {
        let bytes = zeroize::Zeroizing::new(array_from_base64url::<KEY_LEN>(fragment).ok_or(KeyError::Encoding)?);
        Ok(Self::from_bytes(&bytes))
    }

    /// The fragment to put behind the link's `#`.
    pub fn expose_fragment(&self) -> zeroize::Zeroizing<String> {
        zeroize::Zeroizing::new(base64url(self.seed.expose()))
    }

    /// The public half.
    pub fn public(&self) -> &LinkSealingKey {
        self.pair.public()
    }

    /// The seed.
    pub fn expose_bytes(&self) -> &[u8; KEY_LEN] {
        self.seed.expose()
    }

    /// The identifier of the derived key; it tells nothing of the seed.
    pub fn kid(&self) -> &str {
        self.pair.kid()
    }

    fn from_seed(seed: SecretArray<KEY_LEN>) -> Self {
        let pair = SealingKeySecret::from_private(suite::derive_private(&seed));
        Self { seed, pair }
    }

    pub(crate) fn pair(&self) -> &SealingKeySecret<LinkSealing> {
        &self.pair
    }
}

/// `prefix.` and 128 bits of SHA-256 over prefix and key: naming the role makes the same bytes a different
/// key in every role.
pub(crate) fn kid(prefix: &str, key: &[u8; KEY_LEN]) -> String {
    let digest = Sha256::new()
        .chain_update(b"tapseal/1 kid\n")
        .chain_update(prefix.as_bytes())
        .chain_update(b"\n")
        .chain_update(key)
        .finalize();
    format!("{prefix}.{}", base64url(&digest[..16]))
}
