//! Terminals: what a payer has in hand that is not the page it pays on.

use payment::IdentityCode;

use crate::bank_front::error::BankError;
use crate::storage::DbConnection;
use crate::totp;

/// The most terminals of one payer.
pub const TERMINALS_MAX: usize = 8;
/// The longest address, in characters.
const ADDRESS_CHARACTERS_MAX: usize = 254;

/// How much of a mailbox's host is shown, in characters.
const HOST_CHARACTERS_MAX: usize = 40;

/// What kind of terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TerminalKind {
    /// A telephone that takes text messages.
    Sms,
    /// A mailbox; a pager has one too.
    Mail,
    /// A device of the bank's or a program that makes codes by itself (RFC 6238).
    Device,
}

impl TerminalKind {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Mail => "mail",
            Self::Device => "device",
        }
    }

    /// The kind a stored name means.
    pub(in crate::bank_front) fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Sms, Self::Mail, Self::Device]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(BankError::Stored("payer_terminal.kind"))
    }
}

/// Where something can be sent: a telephone number or a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    kind: TerminalKind,
    text: String,
}

impl Address {
    /// A telephone number with its country code, or a mailbox.
    ///
    /// # Errors
    /// [`BankError::Malformed`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, BankError> {
        let text = text.trim().to_owned();
        if text.starts_with('+') {
            let number = phonenumber::parse(None, &text).ok().filter(phonenumber::is_valid);
            let number =
                number.ok_or(BankError::Malformed("the telephone number: with +, country code and all digits"))?;
            return Ok(Self {
                kind: TerminalKind::Sms,
                text: number.format().mode(phonenumber::Mode::E164).to_string(),
            });
        }
        let is_mailbox = text.chars().count() <= ADDRESS_CHARACTERS_MAX && text.parse::<lettre::Address>().is_ok();
        if is_mailbox {
            Ok(Self { kind: TerminalKind::Mail, text })
        } else {
            Err(BankError::Malformed("the address: a telephone number that begins with +, or a mailbox"))
        }
    }

    /// A stored address, which was parsed before.
    pub(in crate::bank_front) fn stored(kind: TerminalKind, text: String) -> Self {
        Self { kind, text }
    }

    /// What kind of terminal is there.
    pub const fn kind(&self) -> TerminalKind {
        self.kind
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// So much of it that its owner knows it: the last two digits, or a letter and the host. Never more than half.
    pub fn masked(&self) -> String {
        match self.text.split_once('@') {
            Some((person, host)) => {
                let first: String = person.chars().take(usize::from(person.chars().count() > 1)).collect();
                // A long host is cut, so that what the payment server is told of a payer has a bound.
                format!("{first}••@{}", host.chars().take(HOST_CHARACTERS_MAX).collect::<String>())
            }
            None => format!("••{}", &self.text[self.text.len().saturating_sub(2)..]),
        }
    }
}

/// How a terminal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalState {
    /// Codes may go there.
    Registered,
    /// They may not any more. Final: to come back it is registered again, in another place.
    Removed,
}

impl TerminalState {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Removed => "removed",
        }
    }
}

/// A registered terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Its number among the payer's.
    pub place: i64,
    /// What it is.
    pub kind: TerminalKind,
    /// Where it is; none for a device.
    pub address: Option<Address>,
    /// The last time step of a device whose code was taken.
    pub last_step: i64,
}

impl Terminal {
    /// What others than the bank may see of it.
    pub fn masked(&self) -> String {
        self.address.as_ref().map(Address::masked).unwrap_or_default()
    }

    /// The registered terminals of a payer, in their order.
    pub(in crate::bank_front) async fn all(
        connection: &mut DbConnection,
        payer_id: &str,
    ) -> Result<Vec<Self>, BankError> {
        let rows: Vec<(i64, String, Option<String>, i64)> = sqlx::query_as(
            "SELECT place, kind, address, last_step FROM payer_terminal
             WHERE payer_id = $1 AND state = 'registered' ORDER BY place",
        )
        .bind(payer_id)
        .fetch_all(connection)
        .await?;
        rows.into_iter()
            .map(|(place, kind, address, last_step)| {
                let kind = TerminalKind::parse(&kind)?;
                Ok(Self { place, kind, address: address.map(|text| Address::stored(kind, text)), last_step })
            })
            .collect()
    }

    /// Adds a terminal; its place.
    pub(in crate::bank_front) async fn add(
        db_tx: &mut DbConnection,
        payer_id: &str,
        address: Option<&Address>,
    ) -> Result<i64, BankError> {
        if Self::all(db_tx, payer_id).await?.len() >= TERMINALS_MAX {
            return Err(BankError::TooMany("terminals"));
        }
        let kind = address.map_or(TerminalKind::Device, Address::kind);
        let place = sqlx::query_scalar(
            "INSERT INTO payer_terminal (payer_id, place, kind, address, state, last_step)
             SELECT $1, COALESCE(MAX(place), 0) + 1, $2, $3, $4, 0 FROM payer_terminal WHERE payer_id = $1
             RETURNING place",
        )
        .bind(payer_id)
        .bind(kind.as_str())
        .bind(address.map(Address::as_str))
        .bind(TerminalState::Registered.as_str())
        .fetch_one(db_tx)
        .await?;
        Ok(place)
    }

    /// Removes a terminal. The last one stays: without any, no code reaches the payer.
    pub(in crate::bank_front) async fn remove(
        db_tx: &mut DbConnection,
        payer_id: &str,
        place: i64,
    ) -> Result<Self, BankError> {
        let mut terminals = Self::all(db_tx, payer_id).await?;
        let at = terminals.iter().position(|terminal| terminal.place == place).ok_or(BankError::NoTerminal)?;
        if terminals.len() == 1 {
            return Err(BankError::LastTerminal);
        }
        sqlx::query("UPDATE payer_terminal SET state = $3 WHERE payer_id = $1 AND place = $2")
            .bind(payer_id)
            .bind(place)
            .bind(TerminalState::Removed.as_str())
            .execute(db_tx)
            .await?;
        Ok(terminals.swap_remove(at))
    }

    /// Notes the time step whose code was taken.
    pub(in crate::bank_front) async fn store_step(
        &self,
        db_tx: &mut DbConnection,
        payer_id: &str,
        step: i64,
    ) -> Result<(), BankError> {
        sqlx::query("UPDATE payer_terminal SET last_step = $3 WHERE payer_id = $1 AND place = $2")
            .bind(payer_id)
            .bind(self.place)
            .bind(step)
            .execute(db_tx)
            .await?;
        Ok(())
    }
}

/// The address by which a device's program is set up (the `otpauth` form that authenticators read).
pub(in crate::bank_front) fn device_address(bank: &str, identity: &IdentityCode, secret: &[u8]) -> String {
    format!(
        "otpauth://totp/{bank}:{identity}?secret={}&issuer={bank}&algorithm=SHA256&digits={}&period={}",
        base32(secret),
        totp::CODE_DIGITS,
        totp::STEP_S
    )
}

/// RFC 4648, section 6, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
    (0..bytes.len() * 8)
        .step_by(5)
        .map(|start| (start..start + 5).fold(0, |letter, at| letter << 1 | usize::from(bit(at))))
        .map(|letter| char::from(ALPHABET[letter]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_number_or_a_mailbox_and_masked_it_tells_little() {
        let masked = |text: &str| Address::parse(text).map(|address| (address.kind(), address.masked()));
        assert_eq!(masked("+1 202 555 0143").unwrap(), (TerminalKind::Sms, "••43".to_owned()));
        assert_eq!(masked("+8613800138000").unwrap(), (TerminalKind::Sms, "••00".to_owned()));
        assert_eq!(masked("ann@pager.example").unwrap(), (TerminalKind::Mail, "a••@pager.example".to_owned()));
        assert_eq!(masked("a@pager.example").unwrap().1, "••@pager.example");
        for wrong in ["", "2025550143", "+1", "ann", "ann@", "ann@pager example\n"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn base32_is_the_standards() {
        for (text, encoded) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(text.as_bytes()), encoded);
        }
    }
}
