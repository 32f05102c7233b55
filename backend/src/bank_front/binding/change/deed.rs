//! What a customer may have done by a channel, as it waits for its codes.

use serde_json::{Value, json};

use crate::bank_front::account::AccountId;
use crate::bank_front::binding::{Address, NewPayer, Payer, TerminalKind};
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::password::PasswordVerifier;
use crate::storage::DbConnection;

/// What is to be done. It holds what verifies a password, and never a password.
pub enum Deed {
    /// The customer is bound: it pays by code from then on.
    Open {
        /// The accounts it pays from, the usual one first.
        accounts: Vec<AccountId>,
        /// Where codes reach it.
        terminals: Vec<Address>,
        /// What verifies its payment password.
        password: PasswordVerifier,
        /// The most one payment may take, in minor units of the accounts' currency.
        payment_limit_minor: i64,
        /// The most one UTC day may take.
        day_limit_minor: i64,
    },
    /// It pays from one more account.
    AddAccount(AccountId),
    /// Codes may go to one more terminal.
    AddTerminal(Address),
    /// They go no more to the terminal in this place.
    RemoveTerminal(i64),
    /// Other limits, in minor units.
    Limits {
        /// The most one payment may take.
        payment_minor: i64,
        /// The most one UTC day may take.
        day_minor: i64,
    },
    /// Another payment password.
    Password(PasswordVerifier),
    /// It pays again after too many wrong tries.
    Unlock,
    /// It pays by code no more.
    End,
}

impl Deed {
    /// Its name, in the journal and on the wire.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::AddAccount(_) => "add_account",
            Self::AddTerminal(_) => "add_terminal",
            Self::RemoveTerminal(_) => "remove_terminal",
            Self::Limits { .. } => "limits",
            Self::Password(_) => "password",
            Self::Unlock => "unlock",
            Self::End => "end",
        }
    }

    /// What of it may be told in the journal.
    pub fn detail(&self) -> String {
        match self {
            Self::Open { accounts, terminals, .. } => {
                let accounts: Vec<_> = accounts.iter().map(AccountId::as_str).collect();
                let terminals: Vec<_> = terminals.iter().map(Address::masked).collect();
                format!("{}; {}", accounts.join(", "), terminals.join(", "))
            }
            Self::AddAccount(account) => account.to_string(),
            Self::AddTerminal(address) => address.masked(),
            Self::RemoveTerminal(place) => place.to_string(),
            Self::Limits { payment_minor, day_minor } => format!("{payment_minor} a payment, {day_minor} a day"),
            Self::Password(_) | Self::Unlock | Self::End => String::new(),
        }
    }

    /// The terminals that it registers.
    pub fn registers(&self) -> &[Address] {
        match self {
            Self::Open { terminals, .. } => terminals,
            Self::AddTerminal(address) => std::slice::from_ref(address),
            Self::AddAccount(_)
            | Self::RemoveTerminal(_)
            | Self::Limits { .. }
            | Self::Password(_)
            | Self::Unlock
            | Self::End => &[],
        }
    }

    /// Does it, in the step that took the last code.
    pub(super) async fn carry_out(
        &self,
        db_tx: &mut DbConnection,
        customer: &Customer,
        now_ms: i64,
    ) -> Result<(), BankError> {
        if let Self::Open { accounts, terminals, password, payment_limit_minor, day_limit_minor } = self {
            let new = NewPayer {
                customer: customer.name.clone(),
                language: customer.language.clone(),
                accounts: accounts.clone(),
                terminals: terminals.clone(),
                password: password.clone(),
                payment_limit_minor: *payment_limit_minor,
                day_limit_minor: *day_limit_minor,
            };
            return Payer::bind(db_tx, &new, now_ms).await.map(drop);
        }
        let payer = Payer::of_customer(db_tx, &customer.name).await?;
        match self {
            Self::Open { .. } => Ok(()),
            Self::AddAccount(account) => payer.add_account(db_tx, account, now_ms).await,
            Self::AddTerminal(address) => payer.add_terminal(db_tx, Some(address), now_ms).await.map(drop),
            Self::RemoveTerminal(place) => payer.remove_terminal(db_tx, *place, now_ms).await,
            Self::Limits { payment_minor, day_minor } => {
                payer.set_limits(db_tx, Some(*payment_minor), Some(*day_minor), now_ms).await
            }
            Self::Password(password) => payer.set_password(db_tx, password, now_ms).await,
            Self::Unlock => payer.unlock(db_tx, now_ms).await,
            Self::End => payer.end(db_tx, now_ms).await,
        }
    }

    /// The stored form.
    pub(super) fn to_text(&self) -> String {
        let details = match self {
            Self::Open { accounts, terminals, password, payment_limit_minor, day_limit_minor } => json!({
                "accounts": accounts, "password": password.to_text(),
                "terminals": terminals.iter().map(stored_address).collect::<Vec<_>>(),
                "payment_minor": payment_limit_minor, "day_minor": day_limit_minor,
            }),
            Self::AddAccount(account) => json!({ "account": account }),
            Self::AddTerminal(address) => json!({ "terminal": stored_address(address) }),
            Self::RemoveTerminal(place) => json!({ "place": place }),
            Self::Limits { payment_minor, day_minor } => {
                json!({ "payment_minor": payment_minor, "day_minor": day_minor })
            }
            Self::Password(password) => json!({ "password": password.to_text() }),
            Self::Unlock | Self::End => json!({}),
        };
        details.to_string()
    }

    /// A stored deed.
    pub(super) fn parse(what: &str, text: &str) -> Result<Self, BankError> {
        let details: Value = serde_json::from_str(text).map_err(|_| UNREADABLE)?;
        let number = |name: &str| details[name].as_i64().ok_or(UNREADABLE);
        let password = || details["password"].as_str().and_then(PasswordVerifier::parse).ok_or(UNREADABLE);
        let all = |name: &str| details[name].as_array().ok_or(UNREADABLE);
        Ok(match what {
            "open" => Self::Open {
                accounts: all("accounts")?.iter().map(account_of).collect::<Result<_, _>>()?,
                terminals: all("terminals")?.iter().map(address_of).collect::<Result<_, _>>()?,
                password: password()?,
                payment_limit_minor: number("payment_minor")?,
                day_limit_minor: number("day_minor")?,
            },
            "add_account" => Self::AddAccount(account_of(&details["account"])?),
            "add_terminal" => Self::AddTerminal(address_of(&details["terminal"])?),
            "remove_terminal" => Self::RemoveTerminal(number("place")?),
            "limits" => Self::Limits { payment_minor: number("payment_minor")?, day_minor: number("day_minor")? },
            "password" => Self::Password(password()?),
            "unlock" => Self::Unlock,
            "end" => Self::End,
            _ => return Err(UNREADABLE),
        })
    }
}

const UNREADABLE: BankError = BankError::Stored("payer_change.deed");

fn stored_address(address: &Address) -> Value {
    json!([address.kind().as_str(), address.as_str()])
}

fn address_of(stored: &Value) -> Result<Address, BankError> {
    let (Some(kind), Some(text)) = (stored[0].as_str(), stored[1].as_str()) else { return Err(UNREADABLE) };
    Ok(Address::stored(TerminalKind::parse(kind)?, text.to_owned()))
}

fn account_of(stored: &Value) -> Result<AccountId, BankError> {
    stored.as_str().map(AccountId::named).ok_or(UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{Password, Pepper};

    #[test]
    fn a_deed_is_read_as_it_was_stored_and_tells_the_journal_no_secret() {
        let verifier = || PasswordVerifier::of(&Password::typed("correct horse"), &Pepper::new([1; 32]));
        let terminals = || vec![Address::parse("+12025550143").unwrap(), Address::parse("ann@pager.example").unwrap()];
        let deeds = [
            Deed::Open {
                accounts: vec![AccountId::named("visa-0050")],
                terminals: terminals(),
                password: verifier(),
                payment_limit_minor: 5_000,
                day_limit_minor: 8_000,
            },
            Deed::AddAccount(AccountId::named("jcb-0505")),
            Deed::AddTerminal(terminals().remove(0)),
            Deed::RemoveTerminal(2),
            Deed::Limits { payment_minor: 1, day_minor: 2 },
            Deed::Password(verifier()),
            Deed::Unlock,
            Deed::End,
        ];
        for deed in deeds {
            let read = Deed::parse(deed.what(), &deed.to_text()).unwrap();
            assert_eq!(read.to_text(), deed.to_text());
            let told = format!("{} {}", deed.what(), deed.detail());
            assert!(!told.contains("2025550143") && !told.contains("ann@"), "{told}");
        }
        assert!(Deed::parse("open", "{}").is_err() && Deed::parse("other", "{}").is_err());
    }
}
