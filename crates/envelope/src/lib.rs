//! The double seal: how a card, a PIN and a payment request travel so that only the party each is meant for can read it.
//!
//! There is one suite and nothing to choose. Sealing is HPKE (RFC 9180) in base mode with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM; one context seals one message. Signing is
//! Ed25519 (RFC 8032) in compact JWS (RFC 7515). The crate knows nothing of HTTP or of screens, keeps no
//! files, and reads no clock: every time is an argument, in milliseconds since the Unix epoch.
//!
//! # What each key is for
//!
//! | key | opens or signs |
//! |---|---|
//! | [`BankSealingKey`] | the inner seal: card data and PIN block, [`means`] in their place, or both |
//! | [`PaymentServerSealingKey`] | the outer seal: what the payment server needs to route |
//! | [`DeviceSealingKey`] | payment requests to a registered device |
//! | [`LinkKey`] | payment requests to whoever was sent the link |
//! | [`VaultSealingKey`] | what a payer sends to the card vault |
//! | [`VoucherSealingKey`] | batches of vouchers on their way to the bank |
//! | [`OperatorRoot`] | signs the [`keyset::Keyset`] |
//! | [`BankRoot`] | signs that bank's [`keyset::BankCertificate`] |
//! | [`Merchant`] | signs orders |
//! | [`BankOutcome`] | signs outcomes |
//! | [`VaultRelease`] | signs what a vault releases to a bank |
//! | [`Device`] | signs submissions, HTTP calls, and large payments by voucher |
//! | [`Subscriber`] | signs payments on a phone bill |
//! | [`RestKey`] | seals what a device keeps for itself, and opens it again |
//! | a passphrase | seals a wallet's [`backup`], and opens it again |
//! | a person's passphrase | what only they open: see [`passphrase`] |
//!
//! A key of one role does not fit where another is asked for. At compile time:
//!
//! ```compile_fail
//! use envelope::{DeviceSealingKey, PaymentServerSealingKeySecret};
//! // The payment server's key is not a device key.
//! let key: DeviceSealingKey = PaymentServerSealingKeySecret::generate().public().clone();
//! ```
//!
//! ```compile_fail
//! use envelope::{Device, Merchant, SigningKey, jws};
//! fn merchant_only(_: &SigningKey<Merchant>) {}
//! merchant_only(&SigningKey::<Device>::generate());
//! ```
//!
//! and at run time, because every `kid` names its role and is derived from the key itself.
//!
//! Secrets have no `Debug`, no `Display`, no `Serialize`, no `Clone` and no `==`:
//!
//! ```compile_fail
//! println!("{:?}", envelope::Pin::new());
//! ```
//!
//! ```compile_fail
//! println!("{:?}", envelope::Pan::parse("4761340000000050").ok());
//! ```
//!
//! ```compile_fail
//! let _ = envelope::BankSealingKeySecret::generate().clone();
//! ```
//!
//! ```compile_fail
//! println!("{:?}", envelope::SigningKey::<envelope::Merchant>::generate());
//! ```

pub mod backup;
mod capsule;
mod encoding;
mod error;
pub mod http_signature;
pub mod inner;
mod jwk;
pub mod jws;
mod kept_card;
pub mod keyset;
pub mod means;
pub mod outer;
mod pan;
pub mod passphrase;
mod pin;
pub mod pin_block;
pub mod request;
mod rest;
mod sealing_key;
mod secret;
mod signing_key;
pub mod subscriber;
pub mod suite;
pub mod vault;
pub mod voucher;

pub use capsule::{CAPSULE_CIPHERTEXT_LEN_MAX, Capsule};
pub use error::{
    CapsuleError, DigitsError, JwsError, KeyError, KeysetError, OpenError, PinBlockError, SealError, SignatureError,
};
pub use jwk::Jwk;
pub use kept_card::{KeptCard, VAULT_ID_LEN_MAX, place_hash};
pub use pan::Pan;
pub use pin::Pin;
pub use rest::RestKey;
pub use sealing_key::{
    BankSealing, BankSealingKey, BankSealingKeySecret, DeviceSealing, DeviceSealingKey, DeviceSealingKeySecret,
    LinkKey, LinkSealingKey, PaymentServerSealing, PaymentServerSealingKey, PaymentServerSealingKeySecret, SealingKey,
    SealingKeySecret, SealingRole, VaultSealing, VaultSealingKey, VaultSealingKeySecret, VoucherSealing,
    VoucherSealingKey, VoucherSealingKeySecret,
};
pub use secret::SecretBytes;
pub use signing_key::{
    BankOutcome, BankRoot, Device, Merchant, OperatorRoot, SigningKey, SigningRole, Subscriber, VaultRelease,
    VerifyingKey,
};
