//! Prepaid vouchers, as far as the merchant who makes them and the bank that sells them agree on them: codes, the file of a
//! batch, and what both say of it.

mod batch;
mod code;
mod record;

pub use batch::{BATCH_VOUCHERS_MAX, BankKey, BatchError, BatchFile, BatchHeader, NewVoucher};
pub use code::{BACKUP_DIGITS, BackupCode, CODE_DIGITS, CodeDigits, CodeError, VoucherCode};
pub use record::{Difference, VoucherCounts, VoucherRecord, VoucherRow, differences};
