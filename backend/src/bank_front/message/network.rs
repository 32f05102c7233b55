//! Network management, 0800: sign-on, sign-off and echo, each told the bank's certificate.

use iso8583::private::Composite;
use iso8583::{Message, network};

use super::{DONE, NOT_SUPPORTED, format_error, response, response_with};
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;

/// Answers a 0800.
pub(super) fn answer(front: &BankFront, message: &Message) -> Result<Message, BankError> {
    match message.text(70) {
        Ok(network::SIGN_ON | network::ECHO) => {
            let certificate = front.hsm.certificate(front.now_ms())?;
            let composite = Composite { bank_certificate: Some(certificate.to_string()), ..Composite::default() };
            response_with(message, DONE, &composite)
        }
        Ok(network::SIGN_OFF) => response(message, DONE),
        Ok(_) => response(message, NOT_SUPPORTED),
        Err(_) => format_error(message),
    }
}
