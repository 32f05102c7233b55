//! What sets an authenticator up with a second factor: the `otpauth` address, and the secret as it is typed.

use envelope::vault::FactorSecret;
use zeroize::Zeroizing;

/// Characters between two gaps of a secret that is typed.
const GROUP_CHARS: usize = 4;

/// The address by which an authenticator is set up (the `otpauth` form).
pub(crate) fn set_up(vault_id: &str, name: &str, factor: &FactorSecret) -> Zeroizing<String> {
    let secret = base32(factor.expose());
    let name = escaped(name);
    Zeroizing::new(format!(
        "otpauth://totp/{vault_id}:{name}?secret={}&issuer={vault_id}&algorithm=SHA256&digits=8&period=30",
        *secret
    ))
}

/// The secret as it is typed into an authenticator: base32 in groups.
pub(crate) fn typed(factor: &FactorSecret) -> Zeroizing<String> {
    let secret = base32(factor.expose());
    let mut text = Zeroizing::new(String::with_capacity(secret.len() + secret.len() / GROUP_CHARS));
    for (place, letter) in secret.chars().enumerate() {
        if place > 0 && place.is_multiple_of(GROUP_CHARS) {
            text.push(' ');
        }
        text.push(letter);
    }
    text
}

/// RFC 4648, section 6, without padding.
fn base32(bytes: &[u8]) -> Zeroizing<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |at: usize| usize::from(bytes.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0));
    let value = |group: usize| (0..5).fold(0, |value, place| value * 2 + bit(group * 5 + place));
    let mut text = Zeroizing::new(String::with_capacity((bytes.len() * 8).div_ceil(5)));
    text.extend((0..(bytes.len() * 8).div_ceil(5)).map(|group| char::from(ALPHABET[value(group)])));
    text
}

/// RFC 3986, section 2.1: everything but the unreserved characters.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let written = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authenticator_is_set_up_by_a_plain_address_or_by_groups_of_four() {
        // RFC 4648, section 10.
        assert_eq!(*base32(b"foobar"), "MZXW6YTBOI");
        let factor = FactorSecret::from_bytes(&[0; 32]).unwrap();
        let address = set_up("card-vault", "王 Li", &factor);
        let wanted = format!("otpauth://totp/card-vault:%E7%8E%8B%20Li?secret={}&issuer=card-vault", "A".repeat(52));
        assert!(address.starts_with(&wanted), "{}", *address);
        assert_eq!(*typed(&factor), vec!["AAAA"; 13].join(" "));
    }
}
