//! Spending a voucher: which account a payment is taken from, or why it is not.

use payment::{Amount, DeclineCode, VoucherNumber};

use super::{Stored, VoucherEvent, VoucherState};
use crate::bank_front::account::AccountId;
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{CodeVerifier, Hsm};
use crate::storage::DbConnection;
use crate::voucher::VoucherCode;

/// A number and a code as they came, ready to be compared.
pub struct TypedCode {
    number: VoucherNumber,
    code: CodeVerifier,
}

impl TypedCode {
    /// Reads what somebody typed. A slip, which the check digits tell, is no try.
    ///
    /// # Errors
    /// [`DeclineCode::WrongVoucherCode`] when number or code is mistyped, or the bank has no vouchers at all.
    pub fn read(hsm: &Hsm, number: &str, code: &[u8]) -> Result<Self, DeclineCode> {
        let wrong = DeclineCode::WrongVoucherCode;
        let number: VoucherNumber = number.parse().map_err(|_| wrong)?;
        let code = VoucherCode::parse(&number, code).map_err(|_| wrong)?;
        let code = hsm.voucher_verifier(&number, &code).map_err(|_| wrong)?;
        Ok(Self { number, code })
    }
}

/// What a voucher answers to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spending {
    /// The money is taken from this account; there is enough.
    From(AccountId),
    /// It is not.
    Refused(DeclineCode),
}

/// Asks a voucher for a payment to a merchant, in the step that then moves the money. A wrong code is counted.
///
/// A number that is none and a wrong code are answered the same. While a voucher is locked its code is not looked at.
/// That there is too little on it is told; how much there is, its holder asks the bank with the code.
///
/// # Errors
/// When the database fails.
pub async fn spend(
    db_tx: &mut DbConnection,
    typed: &TypedCode,
    payee: &AccountId,
    amount: Amount,
    now_ms: i64,
) -> Result<Spending, BankError> {
    let refused = |code| Ok(Spending::Refused(code));
    let Some(mut voucher) = Stored::find(db_tx, &typed.number).await? else {
        return refused(DeclineCode::WrongVoucherCode);
    };
    match voucher.standing.state {
        VoucherState::Active => {}
        VoucherState::Offered | VoucherState::Sold => return refused(DeclineCode::WrongVoucherCode),
        VoucherState::Locked | VoucherState::BankLocked => return refused(DeclineCode::VoucherLocked),
        VoucherState::Ending | VoucherState::Ended => return refused(DeclineCode::VoucherEnded),
    }
    if voucher.code != typed.code {
        voucher.note(db_tx, VoucherEvent::CodeWrong, now_ms).await?;
        let is_locked = voucher.standing.state == VoucherState::Locked;
        return refused(if is_locked { DeclineCode::VoucherLocked } else { DeclineCode::WrongVoucherCode });
    }
    voucher.note(db_tx, VoucherEvent::CodeRight, now_ms).await?;
    if AccountId::of_merchant(&voucher.merchant_id) != *payee {
        return refused(DeclineCode::NotPermitted);
    }
    if voucher.currency != amount.currency() {
        return refused(DeclineCode::DoNotHonour);
    }
    if amount.minor() >= voucher.large_from_minor {
        return refused(DeclineCode::VoucherCardRequired);
    }
    let balance = voucher.balance(db_tx).await?;
    if balance.minor() <= 0 {
        return refused(DeclineCode::VoucherEnded);
    }
    if balance.minor() < amount.minor() {
        return refused(DeclineCode::InsufficientFunds);
    }
    Ok(Spending::From(voucher.own_account()?.clone()))
}
