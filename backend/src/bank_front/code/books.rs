//! Codes in the bank's books: each function is part of one step of the writer.

use envelope::means::code::{CodeOrder, TypedCode};
use payment::{Amount, AttemptId, DeclineCode, Order, OrderHash};

use super::state::{CodeChange, CodeState};
use super::{CODE_LIFE_MS, CODE_TRIES_MAX, ORDERS_PER_HOUR_MAX, Occasion, draw, text, ticket_hash};
use crate::bank_front::account::{self, AccountId};
use crate::bank_front::binding::{Address, Payer, PayerChange, PayerState, Terminal, TerminalKind};
use crate::bank_front::calendar;
use crate::bank_front::decision::Refusal;
use crate::bank_front::error::BankError;
use crate::bank_front::gateways::Sending;
use crate::bank_front::hsm::Hsm;
use crate::storage::DbConnection;
use crate::totp::matching_step;

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// A code to be ordered.
pub(super) struct NewOrder {
    order_id: String,
    order: Order,
    ticket_hash: String,
    account: u8,
    terminal: u8,
    named: Option<String>,
    expires_ms: i64,
}

impl NewOrder {
    pub(super) fn of(occasion: &Occasion<'_>, ordered: &CodeOrder, now_ms: i64) -> Self {
        Self {
            order_id: occasion.order_id.to_string(),
            order: occasion.order.clone(),
            ticket_hash: ticket_hash(ordered.ticket.expose()),
            account: ordered.account,
            terminal: ordered.terminal,
            named: ordered.named.clone(),
            expires_ms: now_ms.saturating_add(CODE_LIFE_MS),
        }
    }

    /// Stores the order of a payer whose password was right; what has to be sent, unless a device makes the code.
    pub(super) async fn store(
        self,
        db_tx: &mut DbConnection,
        hsm: &Hsm,
        payer: &Payer,
        now_ms: i64,
    ) -> Result<Result<Option<Sending>, DeclineCode>, BankError> {
        let amount = self.order.amount;
        if amount.currency() != payer.payment_limit.currency() {
            return Ok(Err(DeclineCode::DoNotHonour));
        }
        if amount.minor() > payer.payment_limit.minor() {
            return Ok(Err(DeclineCode::Limit));
        }
        let ordered: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM code_order WHERE payer_id = $1 AND ordered_ms > $2")
                .bind(&payer.payer_id)
                .bind(now_ms - HOUR_MS)
                .fetch_one(&mut *db_tx)
                .await?;
        if ordered >= ORDERS_PER_HOUR_MAX {
            return Ok(Err(DeclineCode::TooManyPayments));
        }
        let accounts = payer.accounts(db_tx).await?;
        let account = accounts.get(usize::from(self.account.max(1)) - 1);
        let terminals = payer.terminals(db_tx).await?;
        let terminal = match self.terminal {
            0 => terminals.first(),
            place => terminals.iter().find(|terminal| terminal.place == i64::from(place)),
        };
        let named = self.named.as_deref().map(Address::parse).transpose().ok();
        let (Some(account), Some(terminal), Some(named)) = (account, terminal, named) else {
            return Ok(Err(DeclineCode::NotPermitted));
        };
        replace_others(db_tx, &payer.payer_id).await?;
        let code = terminal.address.as_ref().map(|_| draw());
        let state = if named.is_some() { CodeState::Confirming } else { CodeState::Sent };
        let stored = sqlx::query(
            "INSERT INTO code_order (order_id, payer_id, state, request_id, order_hash, amount_minor, ticket_hash,
             account_id, terminal_place, named_kind, named_address, code_mac, tries_left, ordered_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
             ON CONFLICT DO NOTHING",
        )
        .bind(&self.order_id)
        .bind(&payer.payer_id)
        .bind(state.as_str())
        .bind(self.order.request_id.to_string())
        .bind(self.order.hash().to_string())
        .bind(amount.minor())
        .bind(&self.ticket_hash)
        .bind(account)
        .bind(terminal.place)
        .bind(named.as_ref().map(|named| named.kind().as_str()))
        .bind(named.as_ref().map(Address::as_str))
        .bind(code.as_deref().map(|code| hsm.code_mac(&self.order_id, code)))
        .bind(i64::from(CODE_TRIES_MAX))
        .bind(now_ms)
        .bind(self.expires_ms)
        .execute(&mut *db_tx)
        .await?;
        if stored.rows_affected() == 0 {
            // A capsule, or a ticket, that served before.
            return Ok(Err(DeclineCode::Replay));
        }
        let text = |code: &str| match &named {
            Some(named) => text::confirming(code, &self.order, &named.masked(), &payer.language),
            None => text::paying(code, &self.order, &payer.language),
        };
        Ok(Ok(code.zip(terminal.address.clone()).map(|(code, to)| Sending::new(to, text(&code)))))
    }
}

/// The payer has one live code: whoever orders another gives the one before up.
async fn replace_others(db_tx: &mut DbConnection, payer_id: &str) -> Result<(), BankError> {
    let live: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT order_id, state, tries_left FROM code_order WHERE payer_id = $1 AND state IN ('confirming', 'sent')",
    )
    .bind(payer_id)
    .fetch_all(&mut *db_tx)
    .await?;
    for (order_id, state, tries_left) in live {
        let tries_left = u8::try_from(tries_left).map_err(|_| BankError::Stored("code_order.tries_left"))?;
        let replaced = CodeState::parse(&state)?.apply(tries_left, CodeChange::Reordered);
        let (state, _) = replaced.map_err(|_| BankError::Conflict("a code"))?;
        sqlx::query("UPDATE code_order SET state = $2 WHERE order_id = $1")
            .bind(order_id)
            .bind(state.as_str())
            .execute(&mut *db_tx)
            .await?;
    }
    Ok(())
}

/// An order of a code as it is stored.
#[derive(sqlx::FromRow)]
struct OrderRow {
    order_id: String,
    payer_id: String,
    state: String,
    order_hash: String,
    account_id: AccountId,
    terminal_place: i64,
    named_kind: Option<String>,
    named_address: Option<String>,
    code_mac: Option<String>,
    tries_left: i64,
    expires_ms: i64,
}

/// An order of a code that may still be typed for this payment, and whose it is.
struct Live {
    row: OrderRow,
    state: CodeState,
    tries_left: u8,
    payer: Payer,
}

impl Live {
    /// The live order that a typed code belongs to; or why there is none.
    async fn find(
        db_tx: &mut DbConnection,
        typed: &TypedCode,
        order_hash: &OrderHash,
        wanted: CodeState,
        now_ms: i64,
    ) -> Result<Result<Self, DeclineCode>, BankError> {
        let row: Option<OrderRow> = sqlx::query_as(
            "SELECT order_id, payer_id, state, order_hash, account_id, terminal_place, named_kind, named_address,
             code_mac, tries_left, expires_ms FROM code_order WHERE ticket_hash = $1",
        )
        .bind(ticket_hash(typed.ticket.expose()))
        .fetch_optional(&mut *db_tx)
        .await?;
        let Some(row) = row else { return Ok(Err(DeclineCode::CodeOver)) };
        let payer = Payer::of_id(db_tx, &row.payer_id).await?;
        let state = CodeState::parse(&row.state)?;
        // Another order, so another amount or payee than the terminal showed, or another payer than the label names.
        if row.order_hash != order_hash.to_string() || payer.identity_code.as_str() != typed.identity_code {
            return Ok(Err(DeclineCode::OrderMismatch));
        }
        if state != wanted || row.expires_ms <= now_ms || payer.state != PayerState::Active {
            return Ok(Err(DeclineCode::CodeOver));
        }
        let tries_left = u8::try_from(row.tries_left).map_err(|_| BankError::Stored("code_order.tries_left"))?;
        Ok(Ok(Self { row, state, tries_left, payer }))
    }

    /// Whether the typed code is right; a wrong one costs a try, and the last one a try of the payer's. What of the
    /// device's time was used is noted.
    async fn try_code(
        &self,
        db_tx: &mut DbConnection,
        hsm: &Hsm,
        typed: &TypedCode,
        now_ms: i64,
    ) -> Result<Result<(), Refusal>, BankError> {
        let code = std::str::from_utf8(typed.code.expose()).unwrap_or_default();
        let is_right = match &self.row.code_mac {
            Some(mac) => hsm.is_code(&self.row.order_id, code, mac),
            None => self.is_device_code(db_tx, hsm, code, now_ms).await?,
        };
        if is_right {
            return Ok(Ok(()));
        }
        let (state, left) =
            self.state.apply(self.tries_left, CodeChange::Wrong).map_err(|_| BankError::Conflict("a code"))?;
        self.store_state(db_tx, state, left).await?;
        if state == CodeState::Spoilt {
            self.payer.wrong_try(db_tx, now_ms).await?;
            return Ok(Err(DeclineCode::CodeOver.into()));
        }
        Ok(Err(Refusal { code: DeclineCode::WrongCode, pin_tries_left: Some(left) }))
    }

    async fn is_device_code(
        &self,
        db_tx: &mut DbConnection,
        hsm: &Hsm,
        code: &str,
        now_ms: i64,
    ) -> Result<bool, BankError> {
        let terminals = self.payer.terminals(db_tx).await?;
        let of_order =
            |terminal: &&Terminal| terminal.place == self.row.terminal_place && terminal.kind == TerminalKind::Device;
        // It may have been removed since the code was ordered.
        let Some(device) = terminals.iter().find(of_order) else { return Ok(false) };
        let secret = hsm.device_secret(&self.payer.payer_id, device.place);
        let Some(step) = matching_step(&*secret, code, device.last_step, now_ms) else { return Ok(false) };
        device.store_step(db_tx, &self.payer.payer_id, step).await?;
        Ok(true)
    }

    async fn store_state(&self, db_tx: &mut DbConnection, state: CodeState, left: u8) -> Result<(), BankError> {
        sqlx::query("UPDATE code_order SET state = $2, tries_left = $3 WHERE order_id = $1")
            .bind(&self.row.order_id)
            .bind(state.as_str())
            .bind(i64::from(left))
            .execute(db_tx)
            .await?;
        Ok(())
    }
}

/// Takes the code that confirms a terminal named on the spot; what to send there.
pub(super) async fn confirm(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    order: &Order,
    typed: &TypedCode,
    now_ms: i64,
) -> Result<Result<Option<Sending>, DeclineCode>, BankError> {
    let live = match Live::find(db_tx, typed, &order.hash(), CodeState::Confirming, now_ms).await? {
        Ok(live) => live,
        Err(code) => return Ok(Err(code)),
    };
    if let Err(refusal) = live.try_code(db_tx, hsm, typed, now_ms).await? {
        return Ok(Err(refusal.code));
    }
    let (Some(kind), Some(address)) = (&live.row.named_kind, &live.row.named_address) else {
        return Err(BankError::Stored("code_order.named_address"));
    };
    let to = Address::stored(TerminalKind::parse(kind)?, address.clone());
    let (state, left) =
        live.state.apply(live.tries_left, CodeChange::Right).map_err(|_| BankError::Conflict("a code"))?;
    let code = draw();
    sqlx::query(
        "UPDATE code_order SET state = $2, tries_left = $3, code_mac = $4, expires_ms = $5 WHERE order_id = $1",
    )
    .bind(&live.row.order_id)
    .bind(state.as_str())
    .bind(i64::from(left))
    .bind(hsm.code_mac(&live.row.order_id, &code))
    .bind(now_ms.saturating_add(CODE_LIFE_MS))
    .execute(db_tx)
    .await?;
    Ok(Ok(Some(Sending::new(to, text::paying(&code, order, &live.payer.language)))))
}

/// What a right code lets be debited.
pub(in crate::bank_front) struct Spent {
    /// From where.
    pub(in crate::bank_front) account: AccountId,
}

/// Takes the code that pays. A right code is used up, whatever the limits and the account say then.
pub(in crate::bank_front) async fn spend(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    order: &Order,
    attempt_id: AttemptId,
    typed: &TypedCode,
    now_ms: i64,
) -> Result<Result<Spent, Refusal>, BankError> {
    let live = match Live::find(db_tx, typed, &order.hash(), CodeState::Sent, now_ms).await? {
        Ok(live) => live,
        Err(code) => return Ok(Err(code.into())),
    };
    if let Err(refusal) = live.try_code(db_tx, hsm, typed, now_ms).await? {
        return Ok(Err(refusal));
    }
    let (state, left) =
        live.state.apply(live.tries_left, CodeChange::Right).map_err(|_| BankError::Conflict("a code"))?;
    let spent_today = spent_on(db_tx, &live.payer, calendar::day_utc(now_ms)).await?;
    sqlx::query("UPDATE code_order SET state = $2, tries_left = $3, attempt_id = $4, day_utc = $5 WHERE order_id = $1")
        .bind(&live.row.order_id)
        .bind(state.as_str())
        .bind(i64::from(left))
        .bind(attempt_id.to_string())
        .bind(calendar::day_utc(now_ms))
        .execute(&mut *db_tx)
        .await?;
    let account = live.row.account_id;
    let available = account::available(db_tx, &account).await?;
    let available = available.ok_or_else(|| BankError::NoAccount(account.to_string()))?;
    if let Some(code) = beyond(order.amount, &live.payer, spent_today, available) {
        return Ok(Err(code.into()));
    }
    live.payer.change(db_tx, PayerChange::Paid).await?;
    Ok(Ok(Spent { account }))
}

/// What a payer's codes have paid on a day, in minor units; what was undone does not count.
async fn spent_on(db_tx: &mut DbConnection, payer: &Payer, day_utc: i64) -> Result<Amount, BankError> {
    let minor: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(code_order.amount_minor), 0) AS BIGINT) FROM code_order
         JOIN attempt ON attempt.attempt_id = code_order.attempt_id
         WHERE code_order.payer_id = $1 AND code_order.day_utc = $2 AND attempt.state = 'approved'",
    )
    .bind(&payer.payer_id)
    .bind(day_utc)
    .fetch_one(db_tx)
    .await?;
    Ok(Amount::new(minor, payer.day_limit.currency()))
}

/// Why an amount is more than payer or account allow, if it is. The limits may have changed since the code was ordered.
fn beyond(amount: Amount, payer: &Payer, spent_today: Amount, available: Amount) -> Option<DeclineCode> {
    let is_within =
        |amount: Amount, most: Amount| amount.currency() == most.currency() && amount.minor() <= most.minor();
    let within_day = spent_today.checked_add(amount).is_ok_and(|spent| is_within(spent, payer.day_limit));
    if !is_within(amount, payer.payment_limit) || !within_day {
        Some(DeclineCode::Limit)
    } else if !is_within(amount, available) {
        Some(DeclineCode::InsufficientFunds)
    } else {
        None
    }
}
