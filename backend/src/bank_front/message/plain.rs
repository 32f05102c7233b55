//! The plain profile: ordinary ISO 8583 clients, with card data in clear. `docs/bank-front.md` is its manual.
//!
//! A message's reference begins with its acquirer, so one acquirer's messages never meet another's, or those by capsule.

use std::sync::Arc;

use iso8583::{Error, Message, Mti, OriginalData, Place, Spec};
use payment::{Amount, DeclineCode};
use zeroize::Zeroizing;

use super::attempt::StoredExchange;
use super::authorization::{self, Payee, Step};
use super::{NOT_SUPPORTED, Orders, Reference, amount, refusal_of, remark, response, reversal};
use crate::bank_front::BankFront;
use crate::bank_front::account::{AccountId, AcquirerId};
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

mod card_check;
mod completion;
mod inquiry;
mod presentment;
mod refund;

/// Message authentication codes are over the message, not a part of it (DE 64 and 128).
const MAC_ELEMENTS: [u8; 2] = [64, 128];
/// DE 39: this bank does not do that, or not in this way.
pub(super) const FUNCTION_NOT_SUPPORTED: &str = "40";
/// Processing codes (DE 3) begin with what is done.
const PURCHASE: &str = "00";
const REFUND: &str = "20";
/// Card and PIN are checked, and nothing is asked for.
const CARD_CHECK: &str = "33";

/// Answers a message of a client that has signed on.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message, orders: Orders) -> Result<Message, BankError> {
    let answered = match message.mti().original() {
        Mti::AUTHORIZATION_REQUEST => match processing(message) {
            Ok(PURCHASE) => presentment::answer(front, message, Step::Hold, orders).await,
            Ok(CARD_CHECK) => card_check::answer(front, message).await,
            other => unsupported_processing(message, other),
        },
        Mti::FINANCIAL_REQUEST => match processing(message) {
            Ok(PURCHASE) => presentment::answer(front, message, Step::Debit, orders).await,
            Ok(REFUND) => refund::answer(front, message).await,
            other => unsupported_processing(message, other),
        },
        Mti::FINANCIAL_ADVICE => completion::answer(front, message).await,
        Mti::REVERSAL_REQUEST | Mti::REVERSAL_ADVICE => reversal::answer_plain(front, message).await,
        Mti::INQUIRY => inquiry::answer(front, message).await,
        _ => return response(message, NOT_SUPPORTED),
    };
    answered.or_else(|fault| match fault {
        Fault::Format(error) => format_error(message, &error),
        Fault::Bank(error) => Err(error),
    })
}

/// Why a message is not answered with what it asked for.
pub(super) enum Fault {
    /// It cannot be read.
    Format(Error),
    /// The bank could not do its work.
    Bank(BankError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Format(error)
    }
}

impl From<BankError> for Fault {
    fn from(error: BankError) -> Self {
        Self::Bank(error)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Bank(error.into())
    }
}

/// The refusal of a message that cannot be read: 30, and the element at fault in DE 44.
pub(super) fn format_error(message: &Message, error: &Error) -> Result<Message, BankError> {
    let place = error.place().map(|place| place.to_string().to_uppercase()).unwrap_or_default();
    remark(message, DeclineCode::Format.response_code(), &place)
}

fn unsupported_processing(message: &Message, code: Result<&str, Error>) -> Result<Message, Fault> {
    code?;
    Ok(remark(message, NOT_SUPPORTED, "DE 3")?)
}

/// What is done: the first two digits of the processing code. The account types behind them make no difference here.
fn processing(message: &Message) -> Result<&str, Error> {
    message.text(3)?.get(..2).ok_or(Error::Content { place: Place::Element(3) })
}

/// A message as every kind of it is read first.
pub(super) struct Sent {
    pub(super) reference: Reference,
    /// By which a repeat is known as the same message: a keyed hash, because a plain one would tell the card number.
    pub(super) message_hash: String,
    pub(super) acquirer: AcquirerId,
}

impl Sent {
    pub(super) fn read(front: &BankFront, message: &Message) -> Result<Self, Error> {
        let acquirer = acquirer(message)?;
        let reference = Reference::of_plain(&acquirer, message)?;
        let first_sent = message.clone().with_mti(message.mti().original()).without(&MAC_ELEMENTS);
        let packed = Zeroizing::new(first_sent.pack(&Spec::ASCII)?);
        let message_hash = front.hsm.message_digest(&packed);
        Ok(Self { reference, message_hash, acquirer })
    }

    /// The answer this message got before.
    async fn answered_before(&self, front: &BankFront, message: &Message) -> Result<Option<Message>, BankError> {
        let mut connection = front.db.reader().acquire().await?;
        authorization::answered_before(&mut connection, message, &self.reference, &self.message_hash).await
    }

    /// Stores the answer in the step that did what it says.
    async fn store_answer(self, db_tx: &mut DbConnection, answer: Message, now_ms: i64) -> Result<Message, BankError> {
        let exchange = StoredExchange { message_hash: self.message_hash, answer };
        exchange.insert(db_tx, &self.reference, now_ms).await?;
        Ok(exchange.answer)
    }
}

/// Who sent it (DE 32).
pub(super) fn acquirer(message: &Message) -> Result<AcquirerId, Error> {
    AcquirerId::parse(message.text(32)?).ok_or(Error::Content { place: Place::Element(32) })
}

/// The reference of the original that DE 90, with DE 32, 37 and 41, names.
pub(super) fn original(message: &Message, acquirer: &AcquirerId) -> Result<Reference, Error> {
    let original = OriginalData::parse(message.text(90)?)?;
    let is_own = original.acquirer == 0 || AcquirerId::parse(&original.acquirer.to_string()).as_ref() == Some(acquirer);
    let is_known_type =
        [Mti::AUTHORIZATION_REQUEST, Mti::FINANCIAL_REQUEST, Mti::FINANCIAL_ADVICE].contains(&original.mti.original());
    if !is_own || !is_known_type {
        return Err(Error::Content { place: Place::Element(90) });
    }
    Reference::of_plain_parts(acquirer, &original.transmitted, original.stan, message)
}

/// What is asked for, above zero (DE 4 and 49).
enum Asked {
    Amount(Amount),
    /// Nothing: that is no amount of a payment.
    Nothing,
}

fn asked(message: &Message) -> Result<Asked, Error> {
    message.text(4)?;
    message.text(49)?;
    let amount = amount(message).ok_or(Error::Content { place: Place::Element(49) })?;
    Ok(if amount.minor() == 0 { Asked::Nothing } else { Asked::Amount(amount) })
}

/// Who is credited: the merchant whose code DE 42 is, or else the acquirer, for its merchants.
fn payee(front: &BankFront, message: &Message, acquirer: &AcquirerId, amount: Amount) -> Payee {
    let merchant = message.text(42).ok().and_then(|code| front.merchants.by_acceptor_code(code));
    match merchant {
        Some((id, merchant)) => Payee::Merchant { account: AccountId::of_merchant(id), currency: merchant.currency },
        None => Payee::Acquirer(AccountId::of_acquirer(acquirer, amount.currency())),
    }
}

/// The refusal of a message that asks for nothing.
fn nothing_asked(message: &Message) -> Result<Message, Fault> {
    Ok(refusal_of(message, DeclineCode::InvalidAmount)?)
}
