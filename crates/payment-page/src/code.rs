//! Paying by code, step by step: who pays, where the code goes, the code.

use envelope::SecretBytes;
use envelope::means::Means;
use envelope::means::code::{Code, CodeOrder, Ticket, TypedCode};
use payment::{IdentityCode, Method};
use protocol::wallet_api::SubmitAttempt;

use crate::fault::Fault;
use crate::visit::Visit;

/// Who pays by code. It is typed once, so that another code needs no typing; it goes with the visit, or before.
pub(crate) struct CodePayer {
    identity_code: IdentityCode,
    password: SecretBytes,
    bank_id: String,
    /// Of the code that was ordered last.
    ticket: Option<Ticket>,
}

impl Visit {
    /// An identity code without what people put between its digits.
    ///
    /// # Errors
    /// When a digit of it is wrong.
    pub fn identity_code(typed: &str) -> Result<IdentityCode, Fault> {
        typed.trim().parse().map_err(|_| Fault::Mistyped)
    }

    /// Takes over who pays. Whoever was said before is forgotten.
    ///
    /// # Errors
    /// When order or merchant do not allow it, or the identity code was mistyped.
    pub fn begin_code(&mut self, identity_code: &str, password: SecretBytes, bank_id: &str) -> Result<(), Fault> {
        self.require(Method::Code)?;
        let identity_code = Self::identity_code(identity_code)?;
        self.code_payer = Some(CodePayer { identity_code, password, bank_id: bank_id.to_owned(), ticket: None });
        Ok(())
    }

    /// Forgets who pays, and wipes what was typed.
    pub fn forget_code(&mut self) {
        self.code_payer = None;
    }

    /// What orders a code for a registered terminal: the code that pays, or the one that confirms the address `named`.
    /// `account` counts from one, and is zero for the usual one.
    ///
    /// # Errors
    /// When nobody was said to pay, the bank is not known, or the address is none.
    pub fn order_code(
        &mut self,
        account: u8,
        terminal: u8,
        named: Option<String>,
        now_ms: u64,
    ) -> Result<SubmitAttempt, Fault> {
        let payer = self.code_payer.as_ref().ok_or(Fault::NotReady)?;
        let ticket = Ticket::draw();
        let order = CodeOrder {
            identity_code: payer.identity_code.as_str().to_owned(),
            password: SecretBytes::copy_of(payer.password.expose()),
            ticket: ticket.again(),
            account,
            terminal,
            named,
        };
        let (_, submission) = self.seal(Means::Code(Code::Order(order)), &payer.bank_id, now_ms)?;
        self.code_payer.as_mut().ok_or(Fault::NotReady)?.ticket = Some(ticket);
        Ok(submission)
    }

    /// What confirms the address, with the code that came to the registered terminal. The code is wiped.
    ///
    /// # Errors
    /// When no code was ordered, or it was mistyped.
    pub fn confirm_address(&self, code: SecretBytes, now_ms: u64) -> Result<SubmitAttempt, Fault> {
        let (typed, bank_id) = self.typed_code(code)?;
        Ok(self.seal(Means::Code(Code::Confirm(typed)), &bank_id, now_ms)?.1)
    }

    /// What pays with the code that came. The code is wiped.
    ///
    /// # Errors
    /// When no code was ordered, or it was mistyped.
    pub fn pay_by_code(&mut self, code: SecretBytes, now_ms: u64) -> Result<SubmitAttempt, Fault> {
        let (typed, bank_id) = self.typed_code(code)?;
        self.attempt(Means::Code(Code::Pay(typed)), bank_id, now_ms)
    }

    fn typed_code(&self, code: SecretBytes) -> Result<(TypedCode, String), Fault> {
        let payer = self.code_payer.as_ref().ok_or(Fault::NotReady)?;
        let ticket = payer.ticket.as_ref().ok_or(Fault::NotReady)?.again();
        let typed = TypedCode { identity_code: payer.identity_code.as_str().to_owned(), ticket, code };
        Ok((typed, payer.bank_id.clone()))
    }
}
