//! Messages in, answers out: what each ISO 8583 message type makes the bank do, and what a script makes of that.

use std::sync::Arc;

use iso8583::private::Composite;
use iso8583::{Message, Mti, Unreadable};
use payment::DeclineCode;

use super::BankFront;
use super::account::AcquirerId;
use super::error::BankError;
use super::hsm::CardOrder;
use super::scenario::deed::Deed;
use crate::front::Reference;
use crate::front::answer::{self, amount};

mod attempt;
mod authorization;
mod inquiry;
mod line;
mod network;
mod plain;
mod reconciliation;
mod reply;
mod reversal;
mod sealed;

pub use line::Line;
pub use reply::Reply;

/// DE 39: done, or told.
const DONE: &str = "00";
/// DE 39: this bank does not do that.
const NOT_SUPPORTED: &str = "12";
/// DE 39: nothing but network management is heard before a sign-on.
const NOT_SIGNED_ON: &str = "91";
/// DE 39: the original is not known.
const NOT_FOUND: &str = "25";

/// What a script orders for a debit on top of what the bank would do.
#[derive(Debug, Clone, Copy, Default)]
struct Orders {
    /// What the card is told to do.
    card_order: Option<CardOrder>,
    /// Why a debit that is in order is refused all the same.
    decline: Option<DeclineCode>,
}

/// Answers a message as the bank's script wants it: an honest bank answers once, and never an answer.
pub async fn answer(front: &Arc<BankFront>, line: &Line, message: Message) -> Reply {
    let deed = front.scenario().deed_for(&message, (front.clock)());
    if let Some(late) = debit_put_aside(front, &message) {
        return acknowledged_and_approved(front, line, &message, late).await;
    }
    match deed {
        Deed::Silent => return Reply::Silence,
        Deed::Late(delay) => tokio::time::sleep(delay).await,
        Deed::RollKey => roll_key(front),
        Deed::Busy(busy) => return response(&message, busy.response_code()).map_or(Reply::Silence, Reply::Once),
        Deed::ApproveAfterReversal => {
            let reference = Reference::of(&message);
            if reference.is_ok_and(|reference| front.scenario().put_aside(&reference.0, message.clone())) {
                return Reply::Silence;
            }
        }
        _ => {}
    }
    let orders = Orders {
        card_order: if let Deed::CardOrder(order) = deed { Some(order) } else { None },
        decline: if let Deed::Decline(code) = deed { Some(code) } else { None },
    };
    let Some(answer) = handle(front, line, &message, orders).await else { return Reply::Silence };
    spoil(answer, deed).await.unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be spoilt and is not sent");
        Reply::Silence
    })
}

/// What a deed makes of a good answer.
async fn spoil(answer: Message, deed: Deed) -> Result<Reply, BankError> {
    Ok(match deed {
        Deed::Silent | Deed::Unanswered => Reply::Silence,
        Deed::Slow(delay) => {
            tokio::time::sleep(delay).await;
            Reply::Once(answer)
        }
        Deed::Twice => Reply::Each(vec![answer.clone(), answer]),
        Deed::Echo(echo) => Reply::Once(reply::echoing_wrongly(answer, &echo)?),
        Deed::Cut => Reply::Cut(answer),
        Deed::Malformed(how) => reply::malformed(answer, how),
        Deed::Swap => Reply::AfterNext(answer),
        Deed::WrongKey => Reply::Once(reply::signed_by_a_stranger(answer)?),
        Deed::Honest
        | Deed::Late(_)
        | Deed::ApproveAfterReversal
        | Deed::Decline(_)
        | Deed::Busy(_)
        | Deed::RollKey
        | Deed::CardOrder(_) => Reply::Once(answer),
    })
}

/// The debit that a script put aside until this reversal of it.
fn debit_put_aside(front: &BankFront, message: &Message) -> Option<Message> {
    let is_reversal = [Mti::REVERSAL_REQUEST, Mti::REVERSAL_ADVICE].contains(&message.mti().original());
    let reference = Reference::of_original(message).ok().filter(|_| is_reversal)?;
    front.scenario().take_aside(&reference.0)
}

/// The worst a bank can do: it says that the reversal is done, does nothing of it, and makes the debit afterwards.
async fn acknowledged_and_approved(front: &Arc<BankFront>, line: &Line, reversal: &Message, debit: Message) -> Reply {
    let acknowledged = response(reversal, DONE).ok();
    let approved = handle(front, line, &debit, Orders::default()).await;
    Reply::Each(acknowledged.into_iter().chain(approved).collect())
}

/// The answer, or none when the bank could not do its work: after a failed commit it does not know
/// what is durable, and a refusal would be a guess. Silence makes the other side inquire.
async fn handle(front: &Arc<BankFront>, line: &Line, message: &Message, orders: Orders) -> Option<Message> {
    let answered = match (message.mti().original(), line) {
        (other, _) if other.is_answer() => return None,
        (Mti::NETWORK_REQUEST, _) => network::answer(front, line, message).await,
        (_, Line::Plain(session)) if !session.is_signed_on() => remark(message, NOT_SIGNED_ON, "SIGN ON FIRST"),
        (Mti::FINANCIAL_REQUEST, Line::Sealed) => sealed::answer(front, message, orders).await,
        (Mti::AUTHORIZATION_REQUEST, Line::Sealed) => sealed::code::answer(front, message).await,
        (Mti::REVERSAL_REQUEST | Mti::REVERSAL_ADVICE, Line::Sealed) => reversal::answer(front, message).await,
        (Mti::INQUIRY, Line::Sealed) => inquiry::answer(front, message).await,
        (Mti::RECONCILIATION_REQUEST | Mti::RECONCILIATION_ADVICE, _) => reconciliation::answer(front, message).await,
        (_, Line::Plain(_)) => plain::answer(front, message, orders).await,
        (_, Line::Sealed) => response(message, NOT_SUPPORTED),
    };
    answered
        .inspect_err(|error| {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(mti = %message.mti(), %error, cause, "a message is not answered");
        })
        .ok()
}

fn roll_key(front: &BankFront) {
    if let Err(error) = front.hsm.roll(front.now_ms()) {
        tracing::error!(%error, "the sealing key was not rolled");
    }
}

/// The answer to a message with this response code and nothing to add.
fn response(message: &Message, code: &str) -> Result<Message, BankError> {
    Ok(answer::response(message, code)?)
}

/// The answer with a word in DE 44 for whoever looks for the fault, at most 25 characters.
fn remark(message: &Message, code: &str, words: &str) -> Result<Message, BankError> {
    Ok(response(message, code)?.with_text(44, words))
}

/// The refusal of a message by an ordinary client: its code, and the code's name in DE 44.
fn refusal_of(message: &Message, code: DeclineCode) -> Result<Message, BankError> {
    let name = code.as_str();
    remark(message, code.response_code(), &name.strip_prefix("declined_").unwrap_or(name).to_uppercase())
}

/// The answer to a message that could not be read to its end: which element is at fault. Without a type that has an
/// answer, and without what an answer is matched by (DE 7 and 11), there is none.
pub fn answer_unreadable(unreadable: &Unreadable) -> Option<Message> {
    let read = unreadable.read.as_ref().filter(|read| read.has(7) && read.has(11))?;
    let place = unreadable.error.place().map(|place| place.to_string().to_uppercase()).unwrap_or_default();
    remark(read, DeclineCode::Format.response_code(), &place).ok()
}

/// The refusal of a message whose MAC is missing or wrong: it may have been changed on the way, so nothing is done.
pub fn refuse_unauthentic(message: &Message, fault: &str) -> Reply {
    let refusal = remark(message, DeclineCode::OrderMismatch.response_code(), fault);
    refusal.map_or(Reply::Silence, Reply::Once)
}

/// The answer with a composite beside the response code.
fn response_with(message: &Message, code: &str, composite: &Composite) -> Result<Message, BankError> {
    Ok(answer::response_with(message, code, composite)?)
}

/// The refusal of a message that cannot be read; nothing was decided, so nothing is signed.
fn format_error(message: &Message) -> Result<Message, BankError> {
    Ok(answer::format_error(message)?)
}

impl Reference {
    /// The reference of an ordinary client's message (DE 7, 11, 32, 37 and 41).
    fn of_plain(acquirer: &AcquirerId, message: &Message) -> Result<Self, iso8583::Error> {
        let Self(parts) = Self::of(message)?;
        Ok(Self(format!("{acquirer}/{parts}")))
    }

    /// The same of an original, when another message names it.
    fn of_plain_parts(
        acquirer: &AcquirerId,
        transmitted: &str,
        stan: u32,
        message: &Message,
    ) -> Result<Self, iso8583::Error> {
        let Self(parts) = Self::from_parts(transmitted, &format!("{stan:06}"), message.text(37)?, message.text(41)?);
        Ok(Self(format!("{acquirer}/{parts}")))
    }
}
