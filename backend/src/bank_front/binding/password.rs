//! The payment password: chosen by the payer, typed in every payment by code, and not the PIN of any card.

use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::bank_front::error::BankError;
use crate::bank_front::hsm::Pepper;

const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;
/// The fewest and the most characters of a password.
const CHARACTERS: std::ops::RangeInclusive<usize> = 8..=64;

/// A payment password in clear. It has no `Debug`, no `Display` and no `==`.
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password that a payer chose.
    ///
    /// # Errors
    /// [`BankError::Malformed`] when it is too short, too long, or nothing but digits: whoever chooses digits chooses
    /// the PIN of a card.
    pub fn chosen(text: &str) -> Result<Self, BankError> {
        let typed = Self::typed(text);
        let fits =
            CHARACTERS.contains(&typed.0.chars().count()) && !typed.0.chars().all(|letter| letter.is_ascii_digit());
        if fits {
            Ok(typed)
        } else {
            Err(BankError::Malformed("the payment password: 8 to 64 characters, not digits only"))
        }
    }

    /// What somebody typed, which may be anything.
    pub fn typed(text: &str) -> Self {
        Self(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// What is stored of a password: a salt and Argon2id (RFC 9106) under a pepper that only the HSM has.
#[derive(Clone)]
pub struct PasswordVerifier {
    salt: [u8; SALT_LEN],
    hash: [u8; HASH_LEN],
}

impl PasswordVerifier {
    /// What to store of a password. It takes a tenth of a second.
    pub fn of(password: &Password, pepper: &Pepper) -> Self {
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt).expect("the operating system has randomness");
        Self { salt, hash: hash(password, &salt, pepper) }
    }

    /// One that no password fits: so that an unknown payer takes as long as a known one.
    pub fn of_nobody() -> Self {
        Self { salt: [0; SALT_LEN], hash: [0; HASH_LEN] }
    }

    /// Whether this is the password. It takes a tenth of a second, whatever comes out.
    pub fn verifies(&self, password: &Password, pepper: &Pepper) -> bool {
        hash(password, &self.salt, pepper).ct_eq(&self.hash).into()
    }

    /// Whether it is the same stored password.
    pub(in crate::bank_front) fn is_same(&self, other: &Self) -> bool {
        (self.salt.ct_eq(&other.salt) & self.hash.ct_eq(&other.hash)).into()
    }

    /// The stored form.
    pub(super) fn to_text(&self) -> String {
        hex::encode([self.salt.as_slice(), &self.hash].concat())
    }

    /// A stored verifier.
    pub(super) fn parse(text: &str) -> Result<Self, BankError> {
        const WRONG: BankError = BankError::Stored("payer.password");
        let bytes = hex::decode(text).map_err(|_| WRONG)?;
        let (salt, hash) = bytes.split_first_chunk::<SALT_LEN>().ok_or(WRONG)?;
        Ok(Self { salt: *salt, hash: hash.try_into().map_err(|_| WRONG)? })
    }
}

/// The second recommended option of RFC 9106, section 4, in one lane; less in tests, which hash hundreds of times.
fn params() -> Params {
    let (memory_kib, passes) = if cfg!(test) { (8 * 1_024, 1) } else { (64 * 1_024, 3) };
    Params::new(memory_kib, passes, 1, Some(HASH_LEN)).expect("the costs are within Argon2's bounds")
}

fn hash(password: &Password, salt: &[u8; SALT_LEN], pepper: &Pepper) -> [u8; HASH_LEN] {
    let mut out = [0; HASH_LEN];
    Argon2::new_with_secret(pepper.expose(), Algorithm::Argon2id, Version::V0x13, params())
        .and_then(|argon2| argon2.hash_password_into(password.0.as_bytes(), salt, &mut out))
        .expect("lengths are within Argon2's bounds");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_told_by_its_verifier_and_its_pepper_only() {
        let (pepper, other) = (Pepper::of_test(1), Pepper::of_test(2));
        let password = Password::chosen("correct horse").ok().unwrap();
        let stored = PasswordVerifier::of(&password, &pepper).to_text();
        assert!(!stored.contains(&hex::encode("correct")));
        let read = PasswordVerifier::parse(&stored).ok().unwrap();
        assert!(read.verifies(&Password::typed("correct horse\n"), &pepper));
        assert!(!read.verifies(&Password::typed("correct horse"), &other), "a stolen database has no pepper");
        assert!(!read.verifies(&Password::typed("Correct horse"), &pepper));
        assert!(!PasswordVerifier::of_nobody().verifies(&password, &pepper));
        assert_ne!(PasswordVerifier::of(&password, &pepper).to_text(), stored, "every verifier has its own salt");
    }

    #[test]
    fn a_pin_is_no_payment_password() {
        for wrong in ["", "1234", "12345678", "1234567890123456", "short", &"x".repeat(65)] {
            assert!(Password::chosen(wrong).is_err(), "{wrong}");
        }
        assert!(Password::chosen("八个汉字也是密码").is_ok());
    }
}
