//! The commands that pay without a card: a voucher at once, a code in steps.

use envelope::SecretBytes;
use envelope::keyset::FrontKind;
use envelope::means::voucher::Voucher;
use payment::{IdentityCode, Method, RequestId, VoucherNumber};
use protocol::ipc::CheckoutView;
use protocol::ipc::means::{CodeEntryView, FrontView, TypedSecret};
use protocol::ipc::pay::{self, MethodView};
use protocol::wallet_api::CodeTerminalView;
use protocol::{ErrorCode, Problem};

use super::Wallet;
use crate::checkout::entry::{ENTRY_LIFE, Entry, Named, Step};
use crate::checkout::{CardTime, CodeWish, Trace, VoucherWish};
use crate::desk::Turn;

type Answer<T> = std::result::Result<T, Problem>;

impl Wallet {
    /// The banks that can have sold a voucher.
    pub async fn voucher_banks(&self) -> Answer<Vec<FrontView>> {
        let keys = self.core.keys.refresh(&self.core.server).await?;
        let banks = keys.fronts().filter(|front| front.kind == FrontKind::Bank);
        Ok(banks.map(|bank| FrontView { id: bank.bank_id.clone(), name: bank.bank_name.clone() }).collect())
    }

    /// Pays a request with a voucher, and its card where the bank asks for one. A number or code that was mistyped is refused
    /// before anything is sent.
    pub async fn voucher_pay(
        &self,
        request_id: RequestId,
        bank_id: String,
        number: String,
        code: TypedSecret,
    ) -> Answer<CheckoutView> {
        let number: VoucherNumber = number.parse().map_err(|error| mistyped(&error))?;
        if !number.may_have_code(code.expose().trim()) {
            return Err(mistyped(&"the code is not one of this voucher"));
        }
        let voucher = Voucher { customer_number: number.as_str().to_owned(), code: without_gaps(&code) };
        let wish = VoucherWish { voucher, bank_id, card: CardTime::WhenAsked };
        self.checkout_pay_voucher(request_id, wish, None, Trace::silent()).await
    }

    /// Begins to pay a request by code. The password waits here until a code is typed, ten minutes at most.
    pub async fn code_begin(
        &self,
        request_id: RequestId,
        identity_code: String,
        password: TypedSecret,
    ) -> Answer<CodeEntryView> {
        let identity_code: IdentityCode = identity_code.parse().map_err(|error| mistyped(&error))?;
        self.core.desk.forget();
        self.payable(request_id, Method::Code).await?;
        let payer = self.code_payer(&identity_code).await?;
        let entry = Entry {
            request_id,
            identity_code,
            front: payer.bank_id,
            terminals: payer.terminals,
            password: Some(SecretBytes::copy_of(password.expose().as_bytes())),
            step: Step::Choose,
        };
        let view = entry.view();
        self.lay_down(|core| &core.desk, entry, ENTRY_LIFE)?;
        Ok(view)
    }

    /// What was begun for a request.
    #[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
    pub async fn code_entry(&self, request_id: RequestId) -> Answer<Option<CodeEntryView>> {
        let of_request = |_, entry: &mut Entry| (entry.request_id == request_id).then(|| entry.view());
        Ok(self.core.desk.with(of_request).flatten())
    }

    /// Has the bank send a code.
    pub async fn code_send(&self, terminal: u8, account: u8, address: Option<String>) -> Answer<CodeEntryView> {
        let (turn, mut entry) = self.taken()?;
        let Some(password) = entry.password.as_ref() else {
            self.core.desk.put(turn, entry);
            return Err(ErrorCode::CheckoutNotReady.into());
        };
        let wish = CodeWish {
            identity_code: entry.identity_code.clone(),
            password: SecretBytes::copy_of(password.expose()),
            front: entry.front.clone(),
            account,
            terminal,
            named: address.clone(),
        };
        match self.code_order(entry.request_id, wish).await {
            Ok(ordered) => {
                let expires_ms = self.core.server.now_ms().saturating_add(ordered.life_s.saturating_mul(1_000));
                entry.step = Step::Ordered { ordered, terminal, named: address.map(Named::Asked), expires_ms };
                self.keep(turn, entry)
            }
            Err(problem) => {
                // A password that was refused is of no further use; one that never arrived is.
                if !matches!(problem.code, ErrorCode::Declined(_)) {
                    self.core.desk.put(turn, entry);
                }
                Err(problem)
            }
        }
    }

    /// Confirms an address that is not registered.
    pub async fn code_confirm_address(&self, code: TypedSecret) -> Answer<CodeEntryView> {
        let (turn, mut entry) = self.taken()?;
        let Step::Ordered { ordered, named: Some(named @ Named::Asked(_)), expires_ms, .. } = &mut entry.step else {
            self.core.desk.put(turn, entry);
            return Err(ErrorCode::CheckoutNotReady.into());
        };
        match self.code_confirm(ordered, without_gaps(&code)).await {
            Ok(()) => {
                if let Named::Asked(address) = named {
                    *named = Named::Confirmed(std::mem::take(address));
                }
                *expires_ms = self.core.server.now_ms().saturating_add(ordered.life_s.saturating_mul(1_000));
                self.keep(turn, entry)
            }
            Err(problem) => {
                self.core.desk.put(turn, entry);
                Err(problem)
            }
        }
    }

    /// Pays with the code that came. The password is wiped; a code that was mistyped can be typed again.
    pub async fn code_pay(&self, code: TypedSecret) -> Answer<CheckoutView> {
        let (turn, mut entry) = self.taken()?;
        let payable = match &entry.step {
            Step::Ordered { ordered, named: None | Some(Named::Confirmed(_)), .. } => {
                Some(ordered.payable(without_gaps(&code)))
            }
            Step::Ordered { named: Some(Named::Asked(_)), .. } | Step::Choose => None,
        };
        let started = match payable {
            Some(payable) => self.checkout_pay(entry.request_id, payable, Trace::silent()).await,
            None => Err(ErrorCode::CheckoutNotReady.into()),
        };
        if started.is_ok() {
            entry.password = None;
        }
        self.core.desk.put(turn, entry);
        started
    }

    /// Forgets what was begun.
    #[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
    pub async fn code_stop(&self) -> Answer<()> {
        self.core.desk.forget();
        Ok(())
    }

    /// Remembers no identity code any more.
    pub async fn code_forget(&self) -> Answer<Vec<MethodView>> {
        self.set_for_method(&pay::Method::Code { identity_code: None }).await?;
        self.payment_methods().await
    }

    /// Where codes of the remembered identity code can go.
    pub async fn code_terminals(&self) -> Answer<Vec<CodeTerminalView>> {
        let methods = self.payment_methods().await?;
        let known = methods.into_iter().find_map(|view| match view.method {
            pay::Method::Code { identity_code } => identity_code,
            pay::Method::Alias { .. } | pay::Method::Card { .. } => None,
            pay::Method::Voucher { .. } | pay::Method::Carrier { .. } => None,
        });
        let known: IdentityCode = known.ok_or(ErrorCode::NotFound)?.parse().map_err(|error| mistyped(&error))?;
        Ok(self.code_payer(&known).await?.terminals)
    }

    /// What was begun, for one step.
    fn taken(&self) -> Answer<(Turn, Entry)> {
        self.core.desk.take().ok_or_else(|| ErrorCode::CheckoutNotReady.into())
    }

    /// Puts an entry back after a step that went well.
    fn keep(&self, turn: Turn, entry: Entry) -> Answer<CodeEntryView> {
        let view = entry.view();
        if self.core.desk.put(turn, entry) { Ok(view) } else { Err(ErrorCode::Stopped.into()) }
    }
}

/// Nothing was sent: the check digits, or their count, tell a slip.
pub(super) fn mistyped(error: &impl ToString) -> Problem {
    Problem::new(ErrorCode::InvalidInput).with_detail(error.to_string())
}

/// A code without what people put between its groups.
pub(super) fn without_gaps(typed: &TypedSecret) -> SecretBytes {
    let mut code = zeroize::Zeroizing::new(Vec::with_capacity(typed.expose().len()));
    code.extend(typed.expose().bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-'));
    SecretBytes::copy_of(&code)
}
