//! Prepaid vouchers, as far as the merchant who makes them and the bank that sells them agree on them: codes, the file of a
//! batch, what the merchant keeps of it, and what both say of it.
//!
//! A merchant's tool, a merchant's window and the bank read this one crate; none of them reads another.
//!
//! **Invariant:** what a merchant keeps of a batch ([`OwnVoucher`]) holds no code.
//! **Invariant:** a code leaves this crate only by a call whose name begins with `expose`.

mod batch;
mod code;
mod own;
mod reconciliation;
mod record;

pub use batch::{BATCH_VOUCHERS_MAX, BankKey, BatchError, BatchFile, BatchHeader, NewVoucher};
pub use code::{BACKUP_DIGITS, BackupCode, CODE_DIGITS, CodeDigits, CodeError, VoucherCode};
pub use own::{Lot, MadeBatch, OwnVoucher, VerifierKey};
pub use reconciliation::{BankFileError, Reconciliation};
pub use record::{Difference, VoucherCounts, VoucherRecord, VoucherRow, differences};
