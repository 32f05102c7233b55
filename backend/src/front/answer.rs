//! Answers on the sealed port: what they echo, and what they carry beside the response code.

use iso8583::private::{COMPOSITE_ELEMENT, Composite};
use iso8583::{Error, Message};
use payment::{Amount, Currency, DeclineCode};

/// Data elements an answer echoes, those of them its request has.
const ECHOED: [u8; 13] = [3, 4, 7, 11, 24, 32, 33, 37, 41, 42, 49, 70, 90];

/// The answer to a message with this response code and nothing to add.
///
/// # Errors
/// When the message's type has no answer.
pub fn response(message: &Message, code: &str) -> Result<Message, Error> {
    Ok(Message::new(message.mti().answer()?).echoing(message, &ECHOED).with_text(39, code))
}

/// The answer with a composite beside the response code.
///
/// # Errors
/// As [`response`], and when the composite is too long.
pub fn response_with(message: &Message, code: &str, composite: &Composite) -> Result<Message, Error> {
    Ok(response(message, code)?.with_binary(COMPOSITE_ELEMENT, composite.to_bytes()?))
}

/// The refusal of a message that cannot be read; nothing was decided, so nothing is signed.
///
/// # Errors
/// As [`response`].
pub fn format_error(message: &Message) -> Result<Message, Error> {
    let code = DeclineCode::Format;
    let composite = Composite { reason: Some(code.as_str().to_owned()), ..Composite::default() };
    response_with(message, code.response_code(), &composite)
}

/// Amount and currency of a message (DE 4 and 49).
pub fn amount(message: &Message) -> Option<Amount> {
    let minor = i64::try_from(message.number(4).ok()?).ok()?;
    let numeric = u16::try_from(message.number(49).ok()?).ok()?;
    Some(Amount::new(minor, Currency::from_numeric(numeric).ok()?))
}
