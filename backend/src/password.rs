//! A payer's password: chosen by the payer, typed in every payment by code or alias, and not the PIN of any card.
//!
//! What is stored of it is Argon2id under a pepper that is kept apart from the database.

use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;
/// The fewest and the most characters of a password.
const CHARACTERS: std::ops::RangeInclusive<usize> = 8..=64;

/// A text that nobody may choose as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has 8 to 64 characters, and is not digits only")]
pub struct Unfit;

/// What passwords are hashed with and the database does not have.
pub struct Pepper(Zeroizing<[u8; 32]>);

impl Pepper {
    /// The pepper that these bytes are; the caller wipes its own copy.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A password in clear. It has no `Debug`, no `Display` and no `==`.
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password that a payer chose.
    ///
    /// # Errors
    /// [`Unfit`] when it is too short, too long, or nothing but digits: whoever chooses digits chooses the PIN of a card.
    pub fn chosen(text: &str) -> Result<Self, Unfit> {
        let typed = Self::typed(text);
        let fits =
            CHARACTERS.contains(&typed.0.chars().count()) && !typed.0.chars().all(|letter| letter.is_ascii_digit());
        if fits { Ok(typed) } else { Err(Unfit) }
    }

    /// What somebody typed, which may be anything.
    pub fn typed(text: &str) -> Self {
        Self(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// What is stored of a password: a salt and Argon2id (RFC 9106) under a pepper.
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
    pub fn is_same(&self, other: &Self) -> bool {
        (self.salt.ct_eq(&other.salt) & self.hash.ct_eq(&other.hash)).into()
    }

    /// The stored form.
    pub fn to_text(&self) -> String {
        hex::encode([self.salt.as_slice(), &self.hash].concat())
    }

    /// A stored verifier; none when the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        let (salt, hash) = bytes.split_first_chunk::<SALT_LEN>()?;
        Some(Self { salt: *salt, hash: hash.try_into().ok()? })
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
        let (pepper, other) = (Pepper::new([1; 32]), Pepper::new([2; 32]));
        let password = Password::chosen("correct horse").ok().unwrap();
        let stored = PasswordVerifier::of(&password, &pepper).to_text();
        assert!(!stored.contains(&hex::encode("correct")));
        let read = PasswordVerifier::parse(&stored).unwrap();
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
