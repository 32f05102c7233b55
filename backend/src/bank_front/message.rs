//! Messages in, answers out: what each ISO 8583 message type makes the bank do.

use std::sync::Arc;

use iso8583::private::{COMPOSITE_ELEMENT, Composite};
use iso8583::{Message, Mti, OriginalData, Unreadable};
use payment::DeclineCode;

use super::BankFront;
use super::error::BankError;
use super::scenario::{Scenario, Treatment};

mod attempt;
mod financial;
mod inquiry;
mod line;
mod network;
mod reversal;

pub use line::Line;

/// Data elements an answer echoes, those of them its request has.
const ECHOED: [u8; 11] = [3, 4, 7, 11, 32, 37, 41, 42, 49, 70, 90];
/// DE 39: done, or told.
const DONE: &str = "00";
/// DE 39: this bank does not do that.
const NOT_SUPPORTED: &str = "12";
/// DE 39: nothing but network management is heard before a sign-on.
const NOT_SIGNED_ON: &str = "91";
/// DE 39: the original is not known.
const NOT_FOUND: &str = "25";

/// Answers a message of a connection, or does not: an answer is never answered, and a scenario may keep silent.
pub async fn answer(front: &Arc<BankFront>, line: &Line, message: Message) -> Option<Message> {
    let scenario = front.scenario().current();
    if scenario == Scenario::RollKey {
        roll_key(front);
    }
    let treatment = scenario.treatment(message.mti());
    if treatment == Treatment::Ignore {
        return None;
    }
    let answer = handle(front, line, &message).await?;
    match treatment {
        Treatment::Answer => Some(answer),
        Treatment::AnswerAfter(delay) => {
            tokio::time::sleep(delay).await;
            Some(answer)
        }
        Treatment::HandleOnly | Treatment::Ignore => None,
    }
}

/// The answer, or none when the bank could not do its work: after a failed commit it does not know
/// what is durable, and a refusal would be a guess. Silence makes the other side inquire.
async fn handle(front: &Arc<BankFront>, line: &Line, message: &Message) -> Option<Message> {
    let answered = match (message.mti().original(), line) {
        (other, _) if other.is_answer() => return None,
        (Mti::NETWORK_REQUEST, _) => network::answer(front, line, message),
        (_, Line::Plain(session)) if !session.is_signed_on() => remark(message, NOT_SIGNED_ON, "SIGN ON FIRST"),
        (Mti::FINANCIAL_REQUEST, Line::Sealed) => financial::answer(front, message).await,
        (Mti::REVERSAL_REQUEST | Mti::REVERSAL_ADVICE, Line::Sealed) => reversal::answer(front, message).await,
        (Mti::INQUIRY, Line::Sealed) => inquiry::answer(front, message).await,
        _ => response(message, NOT_SUPPORTED),
    };
    answered
        .inspect_err(|error| {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(mti = %message.mti(), %error, cause, "a message is not answered");
        })
        .ok()
}

fn roll_key(front: &BankFront) {
    let rolled = front.hsm.roll(front.now_ms()).and_then(|()| front.scenario().set("none"));
    if let Err(error) = rolled {
        tracing::error!(%error, "the sealing key was not rolled");
    }
}

/// The answer to a message with this response code and nothing to add.
fn response(message: &Message, code: &str) -> Result<Message, BankError> {
    Ok(Message::new(message.mti().answer()?).echoing(message, &ECHOED).with_text(39, code))
}

/// The answer with a word in DE 44 for whoever looks for the fault, at most 25 characters.
fn remark(message: &Message, code: &str, words: &str) -> Result<Message, BankError> {
    Ok(response(message, code)?.with_text(44, words))
}

/// The answer to a message that could not be read to its end: which element is at fault. Without a type that has an
/// answer, and without what an answer is matched by (DE 7 and 11), there is none.
pub fn answer_unreadable(unreadable: &Unreadable) -> Option<Message> {
    let read = unreadable.read.as_ref().filter(|read| read.has(7) && read.has(11))?;
    let place = unreadable.error.place().map(|place| place.to_string().to_uppercase()).unwrap_or_default();
    remark(read, DeclineCode::Format.response_code(), &place).ok()
}

/// The answer with a composite beside the response code.
fn response_with(message: &Message, code: &str, composite: &Composite) -> Result<Message, BankError> {
    Ok(response(message, code)?.with_binary(COMPOSITE_ELEMENT, composite.to_bytes()?))
}

/// The refusal of a message that cannot be read; nothing was decided, so nothing is signed.
fn format_error(message: &Message) -> Result<Message, BankError> {
    let code = DeclineCode::Format;
    let composite = Composite { reason: Some(code.as_str().to_owned()), ..Composite::default() };
    response_with(message, code.response_code(), &composite)
}

/// What names a financial message among all of one acquirer's: DE 7, 11, 37 and 41.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
struct Reference(String);

impl Reference {
    /// The reference of a financial message.
    fn of(message: &Message) -> Result<Self, iso8583::Error> {
        Ok(Self::from_parts(message.text(7)?, message.text(11)?, message.text(37)?, message.text(41)?))
    }

    /// The reference of the original that an inquiry or a reversal names (DE 90, 37 and 41).
    fn of_original(message: &Message) -> Result<Self, iso8583::Error> {
        let original = OriginalData::parse(message.text(90)?)?;
        if original.mti.original() != Mti::FINANCIAL_REQUEST {
            return Err(iso8583::Error::Content { place: iso8583::Place::Element(90) });
        }
        let stan = format!("{:06}", original.stan);
        Ok(Self::from_parts(&original.transmitted, &stan, message.text(37)?, message.text(41)?))
    }

    fn from_parts(transmitted: &str, stan: &str, rrn: &str, terminal: &str) -> Self {
        Self(format!("{transmitted}.{stan}.{}.{}", rrn.trim_end(), terminal.trim_end()))
    }
}
