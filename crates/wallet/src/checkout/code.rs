//! Ordering a code, which comes by another channel and is typed back to pay.

use envelope::SecretBytes;
use envelope::means::code::{Code, CodeOrder, Ticket, TypedCode};
use envelope::means::{self, Means};
use envelope::outer::{Route, Routing};
use payment::{AttemptHash, AttemptId, IdentityCode, Method, RequestId, WalletNonce};
use protocol::wallet_api::{CodeOrderedView, CodePayerView};
use protocol::{ErrorCode, Problem};

use super::Payable;
use super::run::{seal_outer, sealing_key};
use crate::error::{Result, WalletError};
use crate::wallet::Wallet;

/// What orders a code.
pub struct CodeWish {
    /// Who pays.
    pub identity_code: IdentityCode,
    /// That it is it.
    pub password: SecretBytes,
    /// The bank of the payer, as [`Wallet::code_payer`] told it.
    pub front: String,
    /// Which account pays, from one; zero for the usual one.
    pub account: u8,
    /// The terminal the code goes to; zero for the first.
    pub terminal: u8,
    /// An address that is not registered, which that terminal then has to confirm.
    pub named: Option<String>,
}

/// A code that was ordered. Without it the code is worth nothing.
pub struct OrderedCode {
    request_id: RequestId,
    identity_code: IdentityCode,
    front: String,
    ticket: Ticket,
    /// How long the code can be used, in seconds.
    pub life_s: u64,
}

impl OrderedCode {
    /// What pays, with the code that was typed.
    pub fn payable(&self, code: SecretBytes) -> Payable {
        Payable { means: Means::Code(Code::Pay(self.typed(code))), front: self.front.clone() }
    }

    fn typed(&self, code: SecretBytes) -> TypedCode {
        TypedCode { identity_code: self.identity_code.as_str().to_owned(), ticket: self.ticket.again(), code }
    }
}

impl Wallet {
    /// By which bank an identity code pays, and where a code can go.
    pub async fn code_payer(&self, identity_code: &IdentityCode) -> std::result::Result<CodePayerView, Problem> {
        Ok(self.core.server.code_payer(identity_code).await?)
    }

    /// Orders a code for a request; it is on its way when this returns.
    pub async fn code_order(&self, request_id: RequestId, wish: CodeWish) -> std::result::Result<OrderedCode, Problem> {
        let CodeWish { identity_code, password, front, account, terminal, named } = wish;
        let ticket = Ticket::draw();
        let order = CodeOrder {
            identity_code: identity_code.as_str().to_owned(),
            password,
            ticket: ticket.again(),
            account,
            terminal,
            named,
        };
        let life_s = self.bring_code(request_id, &front, Code::Order(order)).await?.life_s;
        Ok(OrderedCode { request_id, identity_code, front, ticket, life_s })
    }

    /// Confirms a terminal that was named on the spot; then the code that pays is on its way to it.
    pub async fn code_confirm(&self, ordered: &OrderedCode, code: SecretBytes) -> std::result::Result<(), Problem> {
        let step = Code::Confirm(ordered.typed(code));
        self.bring_code(ordered.request_id, &ordered.front, step).await.map(drop)
    }

    async fn bring_code(
        &self,
        request_id: RequestId,
        front: &str,
        step: Code,
    ) -> std::result::Result<CodeOrderedView, Problem> {
        let order = self.payable(request_id, Method::Code).await?;
        Ok(self.seal_and_send(&order, front, step).await?)
    }

    async fn seal_and_send(
        &self,
        order: &crate::inbox::VerifiedOrder,
        front: &str,
        step: Code,
    ) -> Result<CodeOrderedView> {
        let keys = self.core.keys.refresh(&self.core.server).await?;
        let (bank, _) = keys.front(front).ok_or(WalletError::Code(ErrorCode::BankUnreachable))?;
        let order = order.order();
        let (mut random, mut nonce) = ([0; 10], [0; 32]);
        for buffer in [random.as_mut_slice(), nonce.as_mut_slice()] {
            getrandom::fill(buffer).expect("the operating system has randomness");
        }
        let id = AttemptId::from_parts(self.core.server.now_ms(), &random);
        let hash = AttemptHash::derive(&order.hash(), id, &WalletNonce::from_bytes(nonce));
        let means = Means::Code(step);
        let inner = means::seal(sealing_key(self, bank)?, hash.as_bytes(), &means)?;
        let routing = Routing {
            request_id: *order.request_id.as_bytes(),
            attempt_id: *id.as_bytes(),
            order_number: order.order_number.clone(),
            merchant_id: order.merchant_id.to_string(),
            amount_minor: u64::try_from(order.amount.minor()).unwrap_or(0),
            currency: order.amount.currency().code().to_owned(),
            wallet_nonce: nonce,
            route: Route::Means { kind: means.kind(), front: front.to_owned() },
            inner,
        };
        drop(means);
        let (submission, _) = seal_outer(self, &keys, &routing)?;
        self.core.server.order_code(order.request_id, &submission).await
    }
}
