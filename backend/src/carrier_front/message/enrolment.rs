//! 0100 with processing code 90: a wallet is enrolled, in two steps. There is no order and no money, and so no signed word.

use std::sync::Arc;

use envelope::means::carrier::{Carrier, enrolment_hash};
use iso8583::Message;
use iso8583::private::{CAPSULE_ELEMENT, Composite};
use payment::DeclineCode;

use super::DONE;
use crate::carrier_front::error::CarrierError;
use crate::carrier_front::{CarrierFront, enrolment};
use crate::front::answer::{format_error, response, response_with};

/// Processing code (DE 3): private use (ISO 8583:1987, table of transaction codes, 9X).
const ENROLMENT: &str = "900000";

/// Answers a 0100.
pub(super) async fn answer(front: &Arc<CarrierFront>, message: &Message) -> Result<Message, CarrierError> {
    let (Ok(ENROLMENT), Ok(composite), Ok(capsule)) =
        (message.text(3), Composite::of(message), message.binary(CAPSULE_ELEMENT))
    else {
        return Ok(format_error(message)?);
    };
    let (Some(id), Some(nonce)) = (composite.attempt_id, composite.wallet_nonce) else {
        return Ok(format_error(message)?);
    };
    let now_ms = front.now_ms();
    let hash = enrolment_hash(front.keys.operator_id(), &id, &nonce);
    let done = match front.keys.open(capsule, &hash, now_ms) {
        Ok(Carrier::Ask(who)) => enrolment::ask(front, who, now_ms).await?.map(|()| None),
        Ok(Carrier::Enrol(enrolled)) => enrolment::enrol(front, enrolled, hash, now_ms).await?.map(Some),
        // What pays belongs into a 0200.
        Ok(Carrier::Pay(_)) => Err(DeclineCode::OrderMismatch),
        Err(code) => Err(code),
    };
    match done {
        Ok(None) => Ok(response(message, DONE)?),
        Ok(Some(certificate)) => {
            let composite = Composite { subscriber_certificate: Some(certificate), ..Composite::default() };
            Ok(response_with(message, DONE, &composite)?)
        }
        Err(code) => {
            let retired = code == DeclineCode::RetiredKey;
            let certificate = retired.then(|| front.keys.certificate(now_ms)).transpose()?;
            let composite = Composite {
                bank_certificate: certificate.map(|certificate| certificate.to_string()),
                reason: Some(code.as_str().to_owned()),
                ..Composite::default()
            };
            Ok(response_with(message, code.response_code(), &composite)?)
        }
    }
}
