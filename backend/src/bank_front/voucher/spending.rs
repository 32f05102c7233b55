//! Spending a voucher: which account a payment is taken from, or why it is not.

use payment::{Amount, DeclineCode, VoucherNumber};

use super::{Stored, VoucherEvent, VoucherState};
use crate::bank_front::account::AccountId;
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{CodeVerifier, Hsm};
use crate::storage::DbConnection;
use vouchers::VoucherCode;

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

/// What came besides the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown<'a> {
    /// Nothing.
    CodeAlone,
    /// A card of this account, proven, with its PIN; and the signature of the device that signs for it.
    CardOf(&'a AccountId),
}

/// What a voucher answers to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spending {
    /// The money is taken from this account; there is enough.
    From(AccountId),
    /// It is not.
    Refused(DeclineCode),
}

/// What a batch says of its vouchers, which is no secret: where they are good, and from where on an amount is large.
#[derive(sqlx::FromRow)]
struct Terms {
    merchant_id: String,
    currency: String,
    large_from_minor: i64,
}

impl Terms {
    async fn of(db_tx: &mut DbConnection, number: &VoucherNumber) -> Result<Option<Self>, BankError> {
        let fixed = number.fixed_part();
        let found =
            sqlx::query_as("SELECT merchant_id, currency, large_from_minor FROM voucher_batch WHERE fixed_part = $1")
                .bind(fixed.as_str())
                .fetch_optional(db_tx)
                .await?;
        Ok(found)
    }

    fn is_large(&self, amount: Amount) -> bool {
        self.currency == amount.currency().code() && amount.minor() >= self.large_from_minor
    }

    fn is_good_at(&self, payee: &AccountId) -> Result<bool, BankError> {
        let merchant = self.merchant_id.parse().map_err(|_| BankError::Stored("voucher_batch.merchant_id"))?;
        Ok(AccountId::of_merchant(&merchant) == *payee)
    }
}

/// Asks a voucher for a payment to a merchant, in the step that then moves the money. A wrong code is counted.
///
/// A number that is none and a wrong code are answered the same. While a voucher is locked its code is not looked at, nor
/// is it for a large amount when no card of the account that bought it was shown. That there is too little on it is told;
/// how much there is, its holder asks the bank with the code.
///
/// # Errors
/// When the database fails.
pub async fn spend(
    db_tx: &mut DbConnection,
    typed: &TypedCode,
    shown: Shown<'_>,
    payee: &AccountId,
    amount: Amount,
    now_ms: i64,
) -> Result<Spending, BankError> {
    let refused = |code| Ok(Spending::Refused(code));
    if shown == Shown::CodeAlone
        && let Some(terms) = Terms::of(db_tx, &typed.number).await?
        && terms.is_large(amount)
    {
        // Nobody shall show a card for nothing.
        let is_good = terms.is_good_at(payee)?;
        return refused(if is_good { DeclineCode::VoucherCardRequired } else { DeclineCode::NotPermitted });
    }
    let found = Stored::find(db_tx, &typed.number).await?;
    let mut voucher = match (found, shown) {
        (Some(voucher), Shown::CodeAlone) => voucher,
        (Some(voucher), Shown::CardOf(account)) if voucher.bought_from.as_ref() == Some(account) => voucher,
        (None, Shown::CodeAlone) => return refused(DeclineCode::WrongVoucherCode),
        // Whether there is such a voucher is not told to whoever did not buy it.
        (Some(_) | None, Shown::CardOf(_)) => return refused(DeclineCode::VoucherWrongCard),
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
    let balance = voucher.balance(db_tx).await?;
    if balance.minor() <= 0 {
        return refused(DeclineCode::VoucherEnded);
    }
    if balance.minor() < amount.minor() {
        return refused(DeclineCode::InsufficientFunds);
    }
    Ok(Spending::From(voucher.own_account()?.clone()))
}
