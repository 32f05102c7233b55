//! What a channel or the page asks for, as it comes over the wire, and what is shown of a customer.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::bank_front::account::AccountId;
use crate::bank_front::binding::{Address, Change, ChangeRefused, Deed, PayerState, TerminalKind};
use crate::password::{Password, PasswordVerifier};

/// The most terminals or accounts named in one change.
const NAMED_MAX: usize = 16;

/// What a change is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::bank_front) enum What {
    /// The customer pays by code: `accounts`, `terminals`, `password`, `payment_limit_minor`, `day_limit_minor`.
    Open,
    /// From one more account: `account`.
    AddAccount,
    /// Codes go to one more terminal: `terminal`.
    AddTerminal,
    /// Codes go no more to a terminal: `place`.
    RemoveTerminal,
    /// Other limits: `payment_limit_minor`, `day_limit_minor`.
    Limits,
    /// Another payment password, `password`; whoever was locked pays again.
    Password,
    /// Whoever was locked pays again.
    Unlock,
    /// The customer pays by code no more, at once and without a code.
    End,
}

/// A change that is asked for. Members that a change of this kind has no use for are not sent.
// It has no Debug: a password is in it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::bank_front) struct Wish {
    /// What is to be done.
    pub(in crate::bank_front) what: What,
    /// The accounts to pay from, the usual one first; all in one currency.
    accounts: Option<Vec<String>>,
    /// An account.
    account: Option<String>,
    /// Where codes go: telephone numbers with + and country code, or mailboxes; at most three at once.
    terminals: Option<Vec<String>>,
    /// A telephone number with + and country code, or a mailbox.
    terminal: Option<String>,
    /// The place of a registered terminal.
    place: Option<i64>,
    /// A payment password: 8 to 64 characters, and not digits only.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Zeroizing<String>>,
    /// The most one payment may take, in minor units.
    payment_limit_minor: Option<i64>,
    /// The most one UTC day may take, in minor units.
    day_limit_minor: Option<i64>,
    /// The place of the registered terminal whose code confirms it; the first when none is named.
    pub(in crate::bank_front) confirm_at: Option<i64>,
}

/// A deed whose password is not hashed yet.
pub(in crate::bank_front) enum Wanted {
    /// One without a password.
    Ready(Deed),
    /// One with a password, and what becomes of it when that is hashed.
    Hash(Password, Box<dyn FnOnce(PasswordVerifier) -> Deed + Send>),
}

impl Wish {
    /// What is wanted.
    ///
    /// # Errors
    /// [`ChangeRefused::Malformed`] when a member is missing, is no such thing, or has no use here.
    pub(in crate::bank_front) fn wanted(mut self) -> Result<Wanted, ChangeRefused> {
        let wanted = match self.what {
            What::Open => {
                let accounts = self.accounts.take().filter(|accounts| accounts.len() <= NAMED_MAX);
                let accounts = accounts.ok_or(ChangeRefused::Malformed("accounts"))?;
                let terminals = self.terminals.take().filter(|terminals| terminals.len() <= NAMED_MAX);
                let terminals = terminals.ok_or(ChangeRefused::Malformed("terminals"))?;
                let terminals = terminals.iter().map(|text| address(text, "terminals")).collect::<Result<_, _>>()?;
                let (payment_limit_minor, day_limit_minor) = self.limits()?;
                let accounts = accounts.iter().map(|account| AccountId::named(account)).collect();
                Wanted::Hash(
                    self.password()?,
                    Box::new(move |password| Deed::Open {
                        accounts,
                        terminals,
                        password,
                        payment_limit_minor,
                        day_limit_minor,
                    }),
                )
            }
            What::AddAccount => {
                let account = self.account.take().ok_or(ChangeRefused::Malformed("account"))?;
                Wanted::Ready(Deed::AddAccount(AccountId::named(&account)))
            }
            What::AddTerminal => {
                let terminal = self.terminal.take().ok_or(ChangeRefused::Malformed("terminal"))?;
                Wanted::Ready(Deed::AddTerminal(address(&terminal, "terminal")?))
            }
            What::RemoveTerminal => {
                Wanted::Ready(Deed::RemoveTerminal(self.place.take().ok_or(ChangeRefused::Malformed("place"))?))
            }
            What::Limits => {
                let (payment_minor, day_minor) = self.limits()?;
                Wanted::Ready(Deed::Limits { payment_minor, day_minor })
            }
            What::Password => Wanted::Hash(self.password()?, Box::new(Deed::Password)),
            What::Unlock => Wanted::Ready(Deed::Unlock),
            What::End => Wanted::Ready(Deed::End),
        };
        self.has_nothing_more()?;
        Ok(wanted)
    }

    fn limits(&mut self) -> Result<(i64, i64), ChangeRefused> {
        let payment = self.payment_limit_minor.take().ok_or(ChangeRefused::Malformed("payment_limit_minor"))?;
        let day = self.day_limit_minor.take().ok_or(ChangeRefused::Malformed("day_limit_minor"))?;
        Ok((payment, day))
    }

    fn password(&mut self) -> Result<Password, ChangeRefused> {
        let typed = self.password.take().ok_or(ChangeRefused::Malformed("password"))?;
        Password::chosen(&typed).map_err(|_| ChangeRefused::PasswordUnfit)
    }

    fn has_nothing_more(&self) -> Result<(), ChangeRefused> {
        let more = [
            ("accounts", self.accounts.is_some()),
            ("account", self.account.is_some()),
            ("terminals", self.terminals.is_some()),
            ("terminal", self.terminal.is_some()),
            ("place", self.place.is_some()),
            ("password", self.password.is_some()),
            ("payment_limit_minor", self.payment_limit_minor.is_some()),
            ("day_limit_minor", self.day_limit_minor.is_some()),
        ];
        more.iter().find(|(_, is_there)| *is_there).map_or(Ok(()), |(name, _)| Err(ChangeRefused::Malformed(name)))
    }
}

fn address(text: &str, member: &'static str) -> Result<Address, ChangeRefused> {
    Address::parse(text).map_err(|_| ChangeRefused::Malformed(member))
}

/// A code that came back.
// It has no Debug.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::bank_front) struct TypedCode {
    /// Which of the change's codes it is.
    pub(in crate::bank_front) proof: i64,
    /// The code: six digits, or eight of a device.
    #[schema(value_type = String)]
    pub(in crate::bank_front) code: Zeroizing<String>,
}

/// A customer, as a channel that speaks for it sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::bank_front) struct CustomerView {
    /// What the bank calls it.
    pub(in crate::bank_front) customer: String,
    /// The telephone on file, masked.
    pub(in crate::bank_front) telephone: String,
    /// The accounts on file as its own: those may be paid from.
    pub(in crate::bank_front) accounts: Vec<AccountView>,
    /// How it pays by code; null when it does not.
    pub(in crate::bank_front) payer: Option<PayerView>,
    /// The change that waits for codes, if there is one.
    pub(in crate::bank_front) change: Option<Change>,
}

/// An account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::bank_front) struct AccountView {
    /// Its name.
    pub(in crate::bank_front) account: String,
    /// Its currency (ISO 4217).
    pub(in crate::bank_front) currency: String,
}

/// A payer by code.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::bank_front) struct PayerView {
    /// What it types to pay, with its payment password.
    pub(in crate::bank_front) identity_code: String,
    /// How it stands.
    pub(in crate::bank_front) state: PayerState,
    /// Wrong tries left.
    pub(in crate::bank_front) tries_left: u8,
    /// The accounts it pays from, the usual one first.
    pub(in crate::bank_front) accounts: Vec<String>,
    /// Where codes reach it.
    pub(in crate::bank_front) terminals: Vec<TerminalView>,
    /// The most one payment may take, in minor units.
    pub(in crate::bank_front) payment_limit_minor: i64,
    /// The most one UTC day may take, in minor units.
    pub(in crate::bank_front) day_limit_minor: i64,
    /// The currency of its accounts and limits (ISO 4217).
    pub(in crate::bank_front) currency: String,
}

/// A registered terminal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::bank_front) struct TerminalView {
    /// Its number among the payer's.
    pub(in crate::bank_front) place: i64,
    /// What it is.
    pub(in crate::bank_front) kind: TerminalKind,
    /// Where it is, masked; empty for a device.
    pub(in crate::bank_front) masked: String,
}

/// What was done, the newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::bank_front) struct JournalView {
    /// The entries.
    pub(in crate::bank_front) entries: Vec<crate::bank_front::binding::JournalEntry>,
}
