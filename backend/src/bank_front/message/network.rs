//! Network management, 0800: sign-on, sign-off, echo, and a new key for an acquirer of the plain port.
//!
//! On the sealed port the answer to a sign-on or an echo has the bank's certificate.

use iso8583::private::Composite;
use iso8583::{Message, network};

use super::{DONE, Line, NOT_SUPPORTED, format_error, plain, remark, response, response_with};
use crate::bank_front::BankFront;
use crate::bank_front::binding::PayerEvents;
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::ZoneKeyKind;

/// The keys that can be asked for, by their names in DE 48.
const KEYS: [(&str, ZoneKeyKind); 3] =
    [("PIN", ZoneKeyKind::Pin), ("PINAES", ZoneKeyKind::PinAes), ("MAC", ZoneKeyKind::Mac)];

/// Answers a 0800.
pub(super) async fn answer(front: &BankFront, line: &Line, message: &Message) -> Result<Message, BankError> {
    let code = match (message.text(70), line) {
        (Ok(code), _) => code,
        (Err(_), Line::Sealed) => return format_error(message),
        (Err(error), Line::Plain(_)) => return plain::format_error(message, &error),
    };
    match (code, line) {
        (network::SIGN_ON | network::ECHO, Line::Sealed) => {
            let certificate = front.hsm.certificate(front.now_ms())?;
            let composite = Composite { bank_certificate: Some(certificate.to_string()), ..Composite::default() };
            response_with(message, DONE, &composite)
        }
        (network::PAYERS, Line::Sealed) => payers(front, message).await,
        (network::SIGN_ON, Line::Plain(session)) => {
            session.sign_on();
            response(message, DONE)
        }
        (network::SIGN_OFF, Line::Plain(session)) => {
            session.sign_off();
            response(message, DONE)
        }
        (network::KEY_CHANGE, Line::Plain(session)) if session.is_signed_on() => change_key(front, message),
        (network::SIGN_OFF, Line::Sealed) | (network::ECHO, Line::Plain(_)) => response(message, DONE),
        _ => response(message, NOT_SUPPORTED),
    }
}

/// What became of payers by code after the event whose number DE 48 has.
async fn payers(front: &BankFront, message: &Message) -> Result<Message, BankError> {
    let Some(after) = message.text(48).ok().and_then(|number| number.trim().parse().ok()) else {
        return format_error(message);
    };
    let payers = PayerEvents::after(&mut *front.db.reader().acquire().await?, after).await?;
    match payers {
        Some(payers) => response_with(message, DONE, &Composite { payers: Some(payers), ..Composite::default() }),
        None => response(message, DONE),
    }
}

/// A new working key under the zone master key of DE 32. DE 48 of the request is the key's name, and of the answer the
/// name, the cryptogram (or key block) and the key check value, with a space between them.
fn change_key(front: &BankFront, message: &Message) -> Result<Message, BankError> {
    let named = || {
        let acquirer = plain::acquirer(message)?;
        let name = message.text(48)?.trim_end();
        let key = KEYS.into_iter().find(|(known, _)| *known == name);
        Ok((acquirer, key.ok_or(iso8583::Error::Content { place: iso8583::Place::Element(48) })?))
    };
    let (acquirer, (name, kind)) = match named() {
        Ok(named) => named,
        Err(error) => return plain::format_error(message, &error),
    };
    let sent = match front.hsm.new_zone_key(acquirer.as_str(), kind) {
        Err(BankError::NoZoneKey(_)) => return remark(message, plain::FUNCTION_NOT_SUPPORTED, "NO ZONE MASTER KEY"),
        sent => sent?,
    };
    // A key block is characters already (ANSI X9.143).
    let is_key_block = sent.cryptogram.iter().all(u8::is_ascii_graphic) && sent.cryptogram.len() > KEY_BLOCK_HEADER;
    let cryptogram = match String::from_utf8(sent.cryptogram) {
        Ok(characters) if is_key_block => characters,
        Ok(bytes) => hex::encode_upper(bytes),
        Err(bytes) => hex::encode_upper(bytes.as_bytes()),
    };
    let told = format!("{name} {cryptogram} {}", hex::encode_upper(sent.kcv));
    Ok(response(message, DONE)?.with_text(48, told))
}

/// Characters of a key block before its first optional block: a key of triple DES alone is no longer than that.
const KEY_BLOCK_HEADER: usize = 16;
