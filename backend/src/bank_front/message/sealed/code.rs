//! A code is ordered or confirmed: 0100 with a capsule, for the order that its merchant signed. No money moves, so the
//! answer is not signed: DE 39 says whether a code is on its way.

use std::sync::Arc;

use envelope::means::Means;
use envelope::means::code::Code;
use iso8583::Message;
use iso8583::private::Composite;
use payment::DeclineCode;

use super::SealedRequest;
use crate::bank_front::BankFront;
use crate::bank_front::code::{self, Occasion};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{Presentation, Refused, Source};
use crate::bank_front::message::{DONE, format_error, response, response_with};

/// Answers a 0100.
pub(in crate::bank_front::message) async fn answer(
    front: &Arc<BankFront>,
    message: &Message,
) -> Result<Message, BankError> {
    let Ok(request) = SealedRequest::read(message) else {
        return format_error(message);
    };
    let now_ms = front.now_ms();
    let opened = request
        .check_order(message, &front.merchants, now_ms)
        .map_err(Refused::from)
        .and_then(|_| front.hsm.source(&request.presentation(now_ms)));
    let occasion = Occasion { order_id: request.attempt_id, order: &request.order };
    let done = match opened {
        Ok(Source::Means(Means::Code(Code::Order(ordered)))) => code::order(front, &occasion, ordered, now_ms).await?,
        Ok(Source::Means(Means::Code(Code::Confirm(typed)))) => code::confirm(front, &occasion, typed, now_ms).await?,
        // What pays belongs into a 0200.
        Ok(Source::Card(_) | Source::Alias(_) | Source::Means(_) | Source::LargeVoucher(_)) => {
            Err(DeclineCode::OrderMismatch)
        }
        Err(refused) => Err(refused.code),
    };
    match done {
        Ok(()) => response(message, DONE),
        Err(code) => refused(front, message, code, now_ms),
    }
}

/// The refusal, with what the sender needs to seal anew if it sealed to a retired key.
fn refused(front: &BankFront, message: &Message, code: DeclineCode, now_ms: i64) -> Result<Message, BankError> {
    let certificate = (code == DeclineCode::RetiredKey).then(|| front.hsm.certificate(now_ms)).transpose()?;
    let composite = Composite {
        bank_certificate: certificate.map(|certificate| certificate.to_string()),
        reason: Some(code.as_str().to_owned()),
        ..Composite::default()
    };
    response_with(message, code.response_code(), &composite)
}

impl SealedRequest {
    /// What the HSM opens for it.
    fn presentation(&self, now_ms: i64) -> Presentation<'_> {
        Presentation {
            capsule: &self.capsule,
            attempt_hash: self.attempt_hash,
            amount: self.order.amount,
            card_order: None,
            now_ms,
        }
    }
}
