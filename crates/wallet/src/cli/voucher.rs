//! `pay --voucher`: the number is an argument; the code, and the PIN of the card that a large amount needs, are asked for
//! or read from standard input.

use std::io::{self, IsTerminal};

use clap::Args;
use envelope::SecretBytes;
use envelope::means::voucher::Voucher;
use payment::{DeclineCode, VoucherNumber};
use protocol::{ErrorCode, Problem};
use zeroize::Zeroizing;

use super::pin::secret_line;
use crate::checkout::{CardTime, VoucherWish};

/// The longest line that is taken for a code, in bytes.
const LINE_BYTES_MAX: usize = 32;

#[derive(Args)]
pub(super) struct VoucherArgs {
    /// Pays with the voucher of this number. Its code is asked for, or read from standard input; so is the PIN of the card
    /// that a large amount needs.
    #[arg(long, value_name = "NUMBER")]
    pub(super) voucher: Option<String>,
    /// The bank that sold the voucher.
    #[arg(long, value_name = "BANK", default_value = "first", requires = "voucher")]
    voucher_bank: String,
    /// Shows the card at once, without asking the bank first whether the amount needs one.
    #[arg(long, requires = "voucher")]
    pub(super) with_card: bool,
}

impl VoucherArgs {
    /// Whether a voucher pays, and no card was announced beside it.
    pub(super) fn is_alone(&self) -> bool {
        self.voucher.is_some() && !self.with_card
    }

    /// What pays: the voucher with this number at this bank, and the code that somebody types now. This blocks.
    pub(super) fn wish(&self, number: &str) -> Result<VoucherWish, Problem> {
        let voucher = read(number)?;
        let card = if self.with_card { CardTime::AtOnce } else { CardTime::WhenAsked };
        Ok(VoucherWish { voucher, bank_id: self.voucher_bank.clone(), card })
    }
}

fn read(number: &str) -> Result<Voucher, Problem> {
    // Its check digits tell a slip before anything is sent.
    let number: VoucherNumber = number.parse().map_err(|error| wrong(&error))?;
    let code = read_code().map_err(|error| wrong(&error))?;
    if !std::str::from_utf8(code.expose()).is_ok_and(|code| number.may_have_code(code)) {
        return Err(wrong(&"the code is mistyped, or is another voucher's"));
    }
    Ok(Voucher { customer_number: number.as_str().to_owned(), code })
}

fn wrong(why: &impl ToString) -> Problem {
    Problem::new(ErrorCode::Declined(DeclineCode::WrongVoucherCode)).with_detail(why.to_string())
}

fn read_code() -> io::Result<SecretBytes> {
    if io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("Voucher code: ").map(Zeroizing::new)?;
        return Ok(without_gaps::<LINE_BYTES_MAX>(typed.as_bytes()));
    }
    let (line, length) = secret_line::<LINE_BYTES_MAX>()?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(without_gaps::<LINE_BYTES_MAX>(&line[..length]))
}

/// The code without what people put between its groups.
fn without_gaps<const N: usize>(typed: &[u8]) -> SecretBytes {
    let mut code = Zeroizing::new([0_u8; N]);
    let mut length = 0;
    let kept = typed.iter().filter(|byte| !matches!(byte, b' ' | b'-' | b'\r'));
    for (place, byte) in code.iter_mut().zip(kept) {
        *place = *byte;
        length += 1;
    }
    SecretBytes::copy_of(&code[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_between_groups_are_no_part_of_a_code() {
        assert_eq!(without_gaps::<LINE_BYTES_MAX>(b"1234 5678-90\r").expose(), b"1234567890");
        assert_eq!(without_gaps::<4>(b"1234567890").expose(), b"1234");
    }
}
