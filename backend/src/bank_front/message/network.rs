//! Network management, 0800: sign-on, sign-off and echo. On the sealed port the answer has the bank's certificate.

use iso8583::private::Composite;
use iso8583::{Message, network};

use super::{DONE, Line, NOT_SUPPORTED, format_error, response, response_with};
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;

/// Answers a 0800.
pub(super) fn answer(front: &BankFront, line: &Line, message: &Message) -> Result<Message, BankError> {
    let Ok(code) = message.text(70) else { return format_error(message) };
    match (code, line) {
        (network::SIGN_ON | network::ECHO, Line::Sealed) => {
            let certificate = front.hsm.certificate(front.now_ms())?;
            let composite = Composite { bank_certificate: Some(certificate.to_string()), ..Composite::default() };
            response_with(message, DONE, &composite)
        }
        (network::SIGN_ON, Line::Plain(session)) => {
            session.sign_on();
            response(message, DONE)
        }
        (network::SIGN_OFF, Line::Plain(session)) => {
            session.sign_off();
            response(message, DONE)
        }
        (network::SIGN_OFF, Line::Sealed) | (network::ECHO, Line::Plain(_)) => response(message, DONE),
        _ => response(message, NOT_SUPPORTED),
    }
}
