//! A prepaid voucher: its customer number, which names it, and its payment code, which spends it.

use crate::encoding::{Full, Reader, Writer};
use crate::error::SealError;
use crate::secret::SecretBytes;

/// Longest customer number, in characters.
pub const CUSTOMER_NUMBER_LEN_MAX: usize = 32;
/// Longest payment code, in characters.
pub const VOUCHER_CODE_LEN_MAX: usize = 32;

/// What spends a voucher. The code has no `Debug`; so neither has this.
pub struct Voucher {
    /// Names the voucher; letters and digits.
    pub customer_number: String,
    /// Spends it; letters and digits.
    pub code: SecretBytes,
}

impl Voucher {
    pub(crate) fn check(&self) -> Result<(), SealError> {
        if !is_text(self.customer_number.as_bytes(), CUSTOMER_NUMBER_LEN_MAX) {
            return Err(SealError::Malformed("the customer number"));
        }
        if !is_text(self.code.expose(), VOUCHER_CODE_LEN_MAX) {
            return Err(SealError::Malformed("the payment code"));
        }
        Ok(())
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.put_short(self.customer_number.as_bytes(), CUSTOMER_NUMBER_LEN_MAX)?;
        writer.put_short(self.code.expose(), VOUCHER_CODE_LEN_MAX)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let customer_number = reader.text(CUSTOMER_NUMBER_LEN_MAX)?;
        let code = SecretBytes::copy_of(reader.short(VOUCHER_CODE_LEN_MAX)?);
        let voucher = Self { customer_number, code };
        voucher.check().ok()?;
        Some(voucher)
    }
}

/// Whether it is one to so many ASCII letters and digits.
fn is_text(bytes: &[u8], len_max: usize) -> bool {
    (1..=len_max).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric)
}
