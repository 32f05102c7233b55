//! What a voucher's holder does with it besides spending: asks what is on it, changes its code, unlocks it, gets another
//! code for a forgotten one, ends it.

use payment::{Amount, VoucherNumber};

use super::{AccountId, BackupCode, Stored, VoucherCode, VoucherCodes, VoucherEvent, VoucherState};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{CodeVerifier, Hsm};
use crate::storage::DbConnection;

/// What came of a code that was given. A wrong one is stored as a try, so it is no error.
pub enum Answered<T> {
    /// It was right, and this was done.
    Done(T),
    /// It was wrong, or there is no such voucher.
    Wrong,
    /// The voucher is locked; no code was looked at. The state says what opens it.
    Locked(VoucherState),
    /// The voucher is over.
    Ended,
}

/// What is on a voucher, for whoever has its code.
///
/// # Errors
/// When the database fails.
pub async fn check_code(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    code: &CodeVerifier,
    now_ms: i64,
) -> Result<Answered<Amount>, BankError> {
    Ok(match with_code(db_tx, number, code, now_ms).await? {
        Answered::Done(voucher) => Answered::Done(voucher.balance(db_tx).await?),
        other => other.instead(),
    })
}

/// Gives a voucher another code for the old one. The bank draws it: one that people choose is guessed.
///
/// # Errors
/// When the database fails, or the bank has no keys for vouchers.
pub async fn change_code(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    number: &VoucherNumber,
    code: &CodeVerifier,
    now_ms: i64,
) -> Result<Answered<VoucherCode>, BankError> {
    let answered = with_code(db_tx, number, code, now_ms).await?;
    another_code(db_tx, hsm, answered, now_ms).await
}

/// Ends a voucher: its code is good for nothing any more, and what is on it goes back to the account it was bought from at
/// the end of the day. What that is.
///
/// # Errors
/// When the database fails.
pub async fn end(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    code: &CodeVerifier,
    now_ms: i64,
) -> Result<Answered<Amount>, BankError> {
    Ok(match with_code(db_tx, number, code, now_ms).await? {
        Answered::Done(mut voucher) => {
            voucher.note(db_tx, VoucherEvent::EndAsked, now_ms).await?;
            Answered::Done(voucher.balance(db_tx).await?)
        }
        other => other.instead(),
    })
}

/// Unlocks a voucher by its backup code; the payment code stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn unlock(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    backup: &CodeVerifier,
    now_ms: i64,
) -> Result<Answered<()>, BankError> {
    Ok(with_backup(db_tx, number, backup, now_ms).await?.map(|_| ()))
}

/// Gives a voucher another code for its backup code: nobody can tell a forgotten one, since nobody has it.
///
/// # Errors
/// When the database fails, or the bank has no keys for vouchers.
pub async fn forgot_code(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    number: &VoucherNumber,
    backup: &CodeVerifier,
    now_ms: i64,
) -> Result<Answered<VoucherCode>, BankError> {
    let answered = with_backup(db_tx, number, backup, now_ms).await?;
    another_code(db_tx, hsm, answered, now_ms).await
}

/// Another payment code for a voucher whose holder proved to be so.
async fn another_code(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    answered: Answered<Stored>,
    now_ms: i64,
) -> Result<Answered<VoucherCode>, BankError> {
    Ok(match answered {
        Answered::Done(mut voucher) => {
            voucher.note(db_tx, VoucherEvent::CodeChanged, now_ms).await?;
            Answered::Done(voucher.draw_code(db_tx, hsm).await?)
        }
        other => other.instead(),
    })
}

/// Gives a voucher another backup code, for the holder of the account it was bought from and nobody else.
///
/// # Errors
/// [`BankError::NoVoucher`] when it was not bought from this account; [`BankError::VoucherState`] when the bank's counter
/// must be asked instead.
pub async fn replace_backup(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    number: &VoucherNumber,
    account: &AccountId,
    now_ms: i64,
) -> Result<BackupCode, BankError> {
    let mut voucher = Stored::find(db_tx, number).await?.ok_or(BankError::NoVoucher)?;
    if voucher.bought_from.as_ref() != Some(account) {
        return Err(BankError::NoVoucher);
    }
    voucher.note(db_tx, VoucherEvent::BackupReplaced, now_ms).await?;
    voucher.draw_backup(db_tx, hsm).await
}

/// Opens a voucher again at the bank's counter, for somebody whose identity was checked there and who holds the account it
/// was bought from: both codes are new.
///
/// # Errors
/// [`BankError::NoVoucher`] when it was not bought from this account; [`BankError::VoucherState`] when it was never handed
/// over, or is over.
pub async fn prove_identity(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    number: &VoucherNumber,
    account: &AccountId,
    now_ms: i64,
) -> Result<VoucherCodes, BankError> {
    let mut voucher = Stored::find(db_tx, number).await?.ok_or(BankError::NoVoucher)?;
    if voucher.bought_from.as_ref() != Some(account) {
        return Err(BankError::NoVoucher);
    }
    voucher.note(db_tx, VoucherEvent::IdentityProven, now_ms).await?;
    Ok(VoucherCodes { code: voucher.draw_code(db_tx, hsm).await?, backup: voucher.draw_backup(db_tx, hsm).await? })
}

/// The voucher, when this is its code. A wrong one is counted.
async fn with_code(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    code: &CodeVerifier,
    now_ms: i64,
) -> Result<Answered<Stored>, BankError> {
    let Some(mut voucher) = Stored::find(db_tx, number).await? else { return Ok(Answered::Wrong) };
    match voucher.standing.state {
        VoucherState::Active => {}
        VoucherState::Offered | VoucherState::Sold => return Ok(Answered::Wrong),
        state @ (VoucherState::Locked | VoucherState::BankLocked) => return Ok(Answered::Locked(state)),
        VoucherState::Ending | VoucherState::Ended => return Ok(Answered::Ended),
    }
    if voucher.code == *code {
        voucher.note(db_tx, VoucherEvent::CodeRight, now_ms).await?;
        return Ok(Answered::Done(voucher));
    }
    voucher.note(db_tx, VoucherEvent::CodeWrong, now_ms).await?;
    let state = voucher.standing.state;
    Ok(if state == VoucherState::Locked { Answered::Locked(state) } else { Answered::Wrong })
}

/// The voucher, when this is its backup code. A wrong one is counted.
async fn with_backup(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    backup: &CodeVerifier,
    now_ms: i64,
) -> Result<Answered<Stored>, BankError> {
    let Some(mut voucher) = Stored::find(db_tx, number).await? else { return Ok(Answered::Wrong) };
    match voucher.standing.state {
        VoucherState::Active | VoucherState::Locked => {}
        VoucherState::Offered | VoucherState::Sold => return Ok(Answered::Wrong),
        state @ VoucherState::BankLocked => return Ok(Answered::Locked(state)),
        VoucherState::Ending | VoucherState::Ended => return Ok(Answered::Ended),
    }
    if voucher.backup == *backup {
        voucher.note(db_tx, VoucherEvent::BackupRight, now_ms).await?;
        return Ok(Answered::Done(voucher));
    }
    voucher.note(db_tx, VoucherEvent::BackupWrong, now_ms).await?;
    let state = voucher.standing.state;
    Ok(if state == VoucherState::BankLocked { Answered::Locked(state) } else { Answered::Wrong })
}

impl<T> Answered<T> {
    /// What was done, changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answered<U> {
        match self {
            Self::Done(done) => Answered::Done(change(done)),
            Self::Wrong => Answered::Wrong,
            Self::Locked(state) => Answered::Locked(state),
            Self::Ended => Answered::Ended,
        }
    }

    /// The same refusal of something else. What was done is no refusal: there it is [`Answered::Wrong`].
    fn instead<U>(self) -> Answered<U> {
        match self {
            Self::Done(_) | Self::Wrong => Answered::Wrong,
            Self::Locked(state) => Answered::Locked(state),
            Self::Ended => Answered::Ended,
        }
    }
}

impl Stored {
    async fn draw_code(&self, db_tx: &mut DbConnection, hsm: &Hsm) -> Result<VoucherCode, BankError> {
        let code = VoucherCode::generate(&self.number);
        let verifier = hsm.voucher_verifier(&self.number, &code)?;
        sqlx::query("UPDATE voucher SET code_verifier = $2 WHERE number = $1")
            .bind(self.number.as_str())
            .bind(verifier.to_text())
            .execute(db_tx)
            .await?;
        Ok(code)
    }

    async fn draw_backup(&self, db_tx: &mut DbConnection, hsm: &Hsm) -> Result<BackupCode, BankError> {
        let backup = BackupCode::generate(&self.number);
        let verifier = hsm.voucher_verifier(&self.number, &backup)?;
        sqlx::query("UPDATE voucher SET backup_verifier = $2 WHERE number = $1")
            .bind(self.number.as_str())
            .bind(verifier.to_text())
            .execute(db_tx)
            .await?;
        Ok(backup)
    }
}
