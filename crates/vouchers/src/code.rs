//! A voucher's secrets: the code that spends it and the backup code that opens it again.
//!
//! Both are random digits and two check digits (ISO/IEC 7064, MOD 97-10) over the voucher's number and the digits: a code
//! typed wrong, and nearly every one beside another number, is known at once and costs no try. Check digits tell nothing of the random
//! ones that is not in the number already.

use payment::VoucherNumber;
use zeroize::Zeroizing;

/// Digits of a payment code.
pub const CODE_DIGITS: usize = 10;
/// Digits of a backup code.
pub const BACKUP_DIGITS: usize = 12;

/// The code that spends a voucher: eight random digits and two check digits. Wiped when dropped.
pub type VoucherCode = CodeDigits<CODE_DIGITS>;
/// The code that opens a locked voucher: ten random digits and two check digits. Wiped when dropped.
pub type BackupCode = CodeDigits<BACKUP_DIGITS>;

/// Why digits are no code of a voucher. No try is spent on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Another count of digits, or something that is none.
    #[error("the code does not have the digits of one")]
    Digits,
    /// The check digits do not fit this voucher: it was mistyped.
    #[error("the code is mistyped, or is another voucher's")]
    CheckDigits,
}

/// Digits that only a voucher's holder knows. No `Debug`, `Display`, `Serialize`, `Clone` or `==`.
pub struct CodeDigits<const N: usize>(Box<Zeroizing<[u8; N]>>);

impl<const N: usize> CodeDigits<N> {
    /// A new code for this voucher from the operating system's generator; every one is as likely as any other.
    pub fn generate(number: &VoucherNumber) -> Self {
        let mut code = Self::empty();
        let random = N - payment::voucher::CHECK_DIGITS;
        code.0[..random].fill_with(random_digit);
        let check = check_digits(number, &code.0[..random]);
        code.0[random..].copy_from_slice(&check);
        code
    }

    /// Reads a code as its holder types it, with spaces or hyphens between groups. The caller wipes its own copy.
    ///
    /// # Errors
    /// When it is not so many digits, or its check digits are not those of this voucher: it was mistyped.
    pub fn parse(number: &VoucherNumber, typed: &[u8]) -> Result<Self, CodeError> {
        let mut code = Self::empty();
        let mut count = 0;
        for byte in typed.iter().filter(|byte| !matches!(byte, b' ' | b'-')) {
            let place = code.0.get_mut(count).ok_or(CodeError::Digits)?;
            if !byte.is_ascii_digit() {
                return Err(CodeError::Digits);
            }
            *place = *byte;
            count += 1;
        }
        if count != N {
            return Err(CodeError::Digits);
        }
        let random = N - payment::voucher::CHECK_DIGITS;
        if code.0[random..] != check_digits(number, &code.0[..random]) {
            return Err(CodeError::CheckDigits);
        }
        Ok(code)
    }

    fn empty() -> Self {
        Self(Box::new(Zeroizing::new([0; N])))
    }

    /// The ASCII digits, for verification and for the one time they are handed over.
    pub fn expose_ascii(&self) -> &[u8; N] {
        &self.0
    }

    /// The digits in groups of four, as they are printed for their holder.
    pub fn expose_grouped(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(self.0.iter().map(|byte| char::from(*byte)).collect::<String>());
        Zeroizing::new(payment::voucher::grouped(&digits))
    }
}

fn check_digits(number: &VoucherNumber, random: &[u8]) -> [u8; payment::voucher::CHECK_DIGITS] {
    // Without its check digits: a whole number leaves the same remainder as every other.
    let (parts, _) = number.as_str().split_at(payment::voucher::NUMBER_DIGITS - payment::voucher::CHECK_DIGITS);
    let digits = parts.bytes().chain(random.iter().copied());
    let check = payment::voucher::check_digits(digits).expect("a number and random digits are digits");
    let digit = |value: u32| b'0' + u8::try_from(value % 10).expect("a remainder of ten is a digit");
    [digit(check / 10), digit(check)]
}

/// A digit of which each is as likely as any other.
pub(super) fn random_digit() -> u8 {
    // 250 is the largest multiple of ten in a byte: above it some digits would be likelier.
    const FAIR: u8 = 250;
    loop {
        let mut byte = [0];
        getrandom::fill(&mut byte).expect("the operating system has randomness");
        let [byte] = byte;
        if byte < FAIR {
            return b'0' + byte % 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(from: u32) -> VoucherNumber {
        let fixed = "420001".parse().unwrap();
        (from..).find_map(|variable| VoucherNumber::from_parts(&fixed, variable)).unwrap()
    }

    #[test]
    fn a_code_is_read_again_beside_its_own_number_only() {
        let (mine, other) = (number(1), number(500));
        let code = VoucherCode::generate(&mine);
        let grouped = code.expose_grouped();
        assert_eq!(grouped.len(), 12);
        let again = VoucherCode::parse(&mine, grouped.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.expose_ascii(), code.expose_ascii());
        assert!(VoucherCode::parse(&other, grouped.as_bytes()).is_err_and(|error| error == CodeError::CheckDigits));
    }

    #[test]
    fn every_wrong_digit_of_a_code_is_a_slip_and_no_try() {
        let number = number(1);
        let code = VoucherCode::generate(&number);
        for at in 0..CODE_DIGITS {
            for wrong in b'0'..=b'9' {
                let mut typed = *code.expose_ascii();
                typed[at] = wrong;
                assert_eq!(VoucherCode::parse(&number, &typed).is_ok(), typed == *code.expose_ascii());
            }
        }
        for wrong in [&b"123456789"[..], b"12345678901", b"12345x7890", b""] {
            assert!(VoucherCode::parse(&number, wrong).is_err_and(|error| error == CodeError::Digits));
        }
    }

    #[test]
    fn codes_differ_and_all_digits_occur() {
        let number = number(1);
        let mut seen = std::collections::BTreeSet::new();
        let mut counts = [0_u32; 10];
        for _ in 0..500 {
            let code = BackupCode::generate(&number);
            for digit in &code.expose_ascii()[..8] {
                counts[usize::from(digit - b'0')] += 1;
            }
            assert!(seen.insert(*code.expose_ascii()), "drawn twice of ten thousand million");
        }
        // 4,000 draws: 400 of each, give or take six standard deviations of 19.
        assert!(counts.iter().all(|count| (286..514).contains(count)), "{counts:?}");
    }
}
