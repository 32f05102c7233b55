//! What names a financial message.

use iso8583::{Error, Message, Mti, OriginalData, Place};

/// What names a financial message among all of one acquirer's: DE 7, 11, 37 and 41.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Reference(pub(crate) String);

impl Reference {
    /// The reference of a financial message.
    ///
    /// # Errors
    /// When one of the elements is missing.
    pub fn of(message: &Message) -> Result<Self, Error> {
        Ok(Self::from_parts(message.text(7)?, message.text(11)?, message.text(37)?, message.text(41)?))
    }

    /// The reference of the original that an inquiry or a reversal names (DE 90, 37 and 41).
    ///
    /// # Errors
    /// When one of the elements is missing, or names no financial message.
    pub fn of_original(message: &Message) -> Result<Self, Error> {
        let original = OriginalData::parse(message.text(90)?)?;
        if original.mti.original() != Mti::FINANCIAL_REQUEST {
            return Err(Error::Content { place: Place::Element(90) });
        }
        let stan = format!("{:06}", original.stan);
        Ok(Self::from_parts(&original.transmitted, &stan, message.text(37)?, message.text(41)?))
    }

    /// The reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_parts(transmitted: &str, stan: &str, rrn: &str, terminal: &str) -> Self {
        Self(format!("{transmitted}.{stan}.{}.{}", rrn.trim_end(), terminal.trim_end()))
    }
}
