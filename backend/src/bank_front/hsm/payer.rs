//! What the module does for payers by code: the pepper of their passwords, the HMACs of codes, the secrets of devices.
//!
//! Each has a key of its own, derived from the key that names cards (NIST SP 800-108, counter mode with HMAC in one
//! block): without the key file a stolen database verifies no password and no code, and holds no device's secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Hsm;
use crate::mac::{self, MacKey};
use crate::password::Pepper;

const PASSWORD_LABEL: &[u8] = b"tapseal/1 payment password";
const TELEPHONE_LABEL: &[u8] = b"tapseal/1 telephone PIN";
const ONLINE_LABEL: &[u8] = b"tapseal/1 sign-in password";
const CODE_LABEL: &[u8] = b"tapseal/1 payment code";
const DEVICE_LABEL: &[u8] = b"tapseal/1 code device";

impl Hsm {
    /// The pepper of payment passwords.
    pub fn password_pepper(&self) -> Pepper {
        self.pepper(PASSWORD_LABEL)
    }

    /// The pepper of the PINs that payers buy by telephone with.
    pub fn telephone_pepper(&self) -> Pepper {
        self.pepper(TELEPHONE_LABEL)
    }

    /// The pepper of the passwords that customers sign in to the bank's page with.
    pub fn online_pepper(&self) -> Pepper {
        self.pepper(ONLINE_LABEL)
    }

    /// The HMAC of a code for one order of a code, in hexadecimal.
    pub fn code_mac(&self, order_id: &str, code: &str) -> String {
        let key = MacKey::new_from_slice(self.pepper(CODE_LABEL).expose()).expect("HMAC takes keys of any length");
        hex::encode(mac::tag(&key, &[order_id.as_bytes(), &[0], code.as_bytes()]))
    }

    /// Whether a code is the one that has this HMAC.
    pub fn is_code(&self, order_id: &str, code: &str, mac: &str) -> bool {
        self.code_mac(order_id, code).as_bytes().ct_eq(mac.as_bytes()).into()
    }

    /// The secret of a payer's device, always the same for one payer and place.
    pub fn device_secret(&self, payer_id: &str, place: i64) -> Zeroizing<[u8; 32]> {
        let mac = keyed(&self.pepper(DEVICE_LABEL)).chain_update(payer_id).chain_update([0]);
        Zeroizing::new(mac.chain_update(place.to_be_bytes()).finalize().into_bytes().into())
    }

    fn pepper(&self, label: &[u8]) -> Pepper {
        let mac = self.pan_reference_key.clone().chain_update(label).finalize();
        Pepper::new(mac.into_bytes().into())
    }
}

fn keyed(pepper: &Pepper) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(pepper.expose()).expect("HMAC takes keys of any length")
}
