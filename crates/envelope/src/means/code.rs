//! Paying by code: identity code and password order a code, which comes by another channel and is typed back.
//!
//! Three capsules, each sealed to the bank for an attempt hash of its own, so each is worth one order only. What ties
//! them together is the ticket, which the wallet draws and only the bank sees: whoever reads the code on the payer's
//! telephone can do nothing with it, and whoever has the page cannot pay without the code.

use crate::encoding::{Full, Reader, Writer};
use crate::error::SealError;
use crate::secret::{SecretArray, SecretBytes};

/// Digits of an identity code.
const IDENTITY_CODE_LEN: usize = 12;
/// Longest payment password, in bytes: 64 characters of UTF-8.
pub const PASSWORD_LEN_MAX: usize = 256;
/// Fewest and most digits of a code.
pub const CODE_LEN: std::ops::RangeInclusive<usize> = 6..=8;
/// Longest address of a terminal, in bytes.
pub const ADDRESS_LEN_MAX: usize = 254;
/// Length of a ticket, in bytes.
pub const TICKET_LEN: usize = 32;

const ORDER: u8 = 1;
const CONFIRM: u8 = 2;
const PAY: u8 = 3;

/// What the wallet that ordered a code is known by when it comes with the code.
pub struct Ticket(SecretArray<TICKET_LEN>);

impl Ticket {
    /// Draws one.
    #[must_use]
    pub fn draw() -> Self {
        Self(SecretArray::random())
    }

    /// The same ticket, for the step that follows.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(SecretArray::copy_of(self.0.expose()))
    }

    /// Its bytes, for the one place that uses them.
    pub fn expose(&self) -> &[u8; TICKET_LEN] {
        self.0.expose()
    }
}

/// One step of paying by code. Secrets have no `Debug`; so neither has this.
pub enum Code {
    /// Asks the bank for a code.
    Order(CodeOrder),
    /// Lets the code go to a terminal that was named on the spot, by what came to a registered one.
    Confirm(TypedCode),
    /// Pays.
    Pay(TypedCode),
}

/// What orders a code.
pub struct CodeOrder {
    /// Who pays: twelve digits.
    pub identity_code: String,
    /// That it is it.
    pub password: SecretBytes,
    /// What the steps that follow are known by.
    pub ticket: Ticket,
    /// Which of the payer's accounts pays, counted from one; zero for the usual one.
    pub account: u8,
    /// Where the code goes: the number of a registered terminal; zero for the first.
    pub terminal: u8,
    /// An address that is not registered, if the code shall go there once the terminal above has confirmed it.
    pub named: Option<String>,
}

/// A code that was typed.
pub struct TypedCode {
    /// Who pays: twelve digits.
    pub identity_code: String,
    /// The ticket of the order.
    pub ticket: Ticket,
    /// Six to eight digits.
    pub code: SecretBytes,
}

impl Code {
    /// Who pays.
    pub fn identity_code(&self) -> &str {
        match self {
            Self::Order(order) => &order.identity_code,
            Self::Confirm(typed) | Self::Pay(typed) => &typed.identity_code,
        }
    }

    pub(super) fn check(&self) -> Result<(), SealError> {
        if !is_digits(self.identity_code().as_bytes(), &(IDENTITY_CODE_LEN..=IDENTITY_CODE_LEN)) {
            return Err(SealError::Malformed("the identity code"));
        }
        match self {
            Self::Order(order) => {
                let named = order.named.as_deref();
                if named.is_some_and(|named| named.is_empty() || named.len() > ADDRESS_LEN_MAX) {
                    return Err(SealError::Malformed("the terminal's address"));
                }
                if order.password.is_empty() || order.password.len() > PASSWORD_LEN_MAX {
                    return Err(SealError::Malformed("the payment password"));
                }
            }
            Self::Confirm(typed) | Self::Pay(typed) => {
                if !is_digits(typed.code.expose(), &CODE_LEN) {
                    return Err(SealError::Malformed("the code"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let (step, ticket) = match self {
            Self::Order(order) => (ORDER, &order.ticket),
            Self::Confirm(typed) => (CONFIRM, &typed.ticket),
            Self::Pay(typed) => (PAY, &typed.ticket),
        };
        writer.put(&[step])?;
        writer.put(self.identity_code().as_bytes())?;
        writer.put(ticket.expose())?;
        match self {
            Self::Order(order) => {
                writer.put(&[order.account, order.terminal])?;
                writer.put_short(order.named.as_deref().unwrap_or_default().as_bytes(), ADDRESS_LEN_MAX)?;
                writer.put_long(order.password.expose(), PASSWORD_LEN_MAX)
            }
            Self::Confirm(typed) | Self::Pay(typed) => writer.put_short(typed.code.expose(), *CODE_LEN.end()),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let step = reader.byte()?;
        let identity_code = std::str::from_utf8(reader.take(IDENTITY_CODE_LEN)?).ok()?.to_owned();
        let ticket = Ticket(SecretArray::copy_of(reader.take(TICKET_LEN)?.try_into().ok()?));
        let code = match step {
            ORDER => {
                let (account, terminal) = (reader.byte()?, reader.byte()?);
                let named = Some(reader.text(ADDRESS_LEN_MAX)?).filter(|named| !named.is_empty());
                let password = SecretBytes::copy_of(reader.long(PASSWORD_LEN_MAX)?);
                Self::Order(CodeOrder { identity_code, password, ticket, account, terminal, named })
            }
            CONFIRM | PAY => {
                let code = SecretBytes::copy_of(reader.short(*CODE_LEN.end())?);
                let typed = TypedCode { identity_code, ticket, code };
                if step == CONFIRM { Self::Confirm(typed) } else { Self::Pay(typed) }
            }
            _ => return None,
        };
        code.check().ok()?;
        Some(code)
    }
}

/// Whether it is so many ASCII digits.
fn is_digits(bytes: &[u8], len: &std::ops::RangeInclusive<usize>) -> bool {
    len.contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit)
}
