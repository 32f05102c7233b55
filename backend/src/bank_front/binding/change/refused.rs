//! Why a change is not made, as a channel is told.

/// Why a change is not made. None of them quotes what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// A member of what was sent is not as it should be.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The id served for another change.
    #[error("this id was used for another change")]
    Differs,
    /// There is no such change of this customer.
    #[error("there is no such change")]
    Unknown,
    /// The change waits for no code any more.
    #[error("this change is over; ask for it again")]
    Over,
    /// A wrong code; so many tries are left.
    #[error("the code is wrong; {0} tries left")]
    WrongCode(i64),
    /// The customer does not pay by code.
    #[error("this customer does not pay by code")]
    NotBound,
    /// The customer pays by code already.
    #[error("this customer pays by code already")]
    AlreadyBound,
    /// An account that is not on file as this customer's.
    #[error("no such account of this customer")]
    AccountUnknown,
    /// An account that is paid from already.
    #[error("this account is paid from already")]
    AccountKnown,
    /// Accounts in different currencies.
    #[error("the accounts of a payer are in one currency")]
    AccountCurrency,
    /// No such terminal of the payer.
    #[error("the payer has no such terminal")]
    TerminalUnknown,
    /// A terminal that is registered already.
    #[error("this terminal is registered already")]
    TerminalKnown,
    /// A payer's last terminal.
    #[error("the last terminal stays: without one no code reaches the payer")]
    LastTerminal,
    /// As many terminals as a payer may have.
    #[error("the payer has as many terminals as it may have")]
    TooManyTerminals,
    /// As many accounts as a payer may have.
    #[error("the payer has as many accounts as it may have")]
    TooManyAccounts,
    /// A password that cannot be chosen.
    #[error("a password has 8 to 64 characters, and is not digits only")]
    PasswordUnfit,
    /// Limits that are none.
    #[error("a payment's limit is above zero and not above the day's")]
    LimitsUnfit,
    /// Too many changes within an hour.
    #[error("too many changes within an hour")]
    TooManyChanges,
    /// Too many messages to an address within an hour.
    #[error("too many messages within an hour")]
    TooManyTexts,
    /// Codes were guessed at too often within a day.
    #[error("codes were typed wrongly too often; nothing can be changed here for a day")]
    TooManyTries,
}

impl ChangeRefused {
    /// The code by which a program knows it; it never changes its meaning.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Differs => "change_differs",
            Self::Unknown => "change_unknown",
            Self::Over => "change_over",
            Self::WrongCode(_) => "wrong_code",
            Self::NotBound => "not_bound",
            Self::AlreadyBound => "already_bound",
            Self::AccountUnknown => "account_unknown",
            Self::AccountKnown => "account_known",
            Self::AccountCurrency => "account_currency",
            Self::TerminalUnknown => "terminal_unknown",
            Self::TerminalKnown => "terminal_known",
            Self::LastTerminal => "last_terminal",
            Self::TooManyTerminals => "too_many_terminals",
            Self::TooManyAccounts => "too_many_accounts",
            Self::PasswordUnfit => "password_unfit",
            Self::LimitsUnfit => "limits_unfit",
            Self::TooManyChanges => "too_many_changes",
            Self::TooManyTexts => "too_many_texts",
            Self::TooManyTries => "too_many_tries",
        }
    }
}
