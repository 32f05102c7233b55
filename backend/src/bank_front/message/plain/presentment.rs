//! A card presented in clear, 0100 and 0200: what it says is handed to the HSM, and kept nowhere else.

use std::sync::Arc;

use envelope::{Pan, SecretBytes};
use iso8583::{Error, Message, Place};
use payment::Amount;
use zeroize::Zeroizing;

use super::{Asked, Fault, Sent, nothing_asked};
use crate::bank_front::BankFront;
use crate::bank_front::account::AcquirerId;
use crate::bank_front::hsm::{ClearEntry, ClearPin, ClearPresentation, Examined, Refused, Source};
use crate::bank_front::message::Orders;
use crate::bank_front::message::authorization::{self, Authorization, Profile, Step};

/// Card data: taken out of a message before anything else is done with it (DE 2, 14, 23, 34, 35, 36, 45, 52, 53, 55).
const CARD_ELEMENTS: [u8; 10] = [2, 14, 23, 34, 35, 36, 45, 52, 53, 55];

/// Answers a 0100, 0101, 0200 or 0201 that asks for a payment.
pub(super) async fn answer(
    front: &Arc<BankFront>,
    message: &Message,
    step: Step,
    orders: Orders,
) -> Result<Message, Fault> {
    let sent = Sent::read(front, message)?;
    if let Some(answer) = sent.answered_before(front, message).await? {
        return Ok(answer);
    }
    let card = ClearCard::read(message)?;
    let Asked::Amount(amount) = super::asked(message)? else { return nothing_asked(message) };
    let now_ms = front.now_ms();
    let card_proof = card.examine(front, amount, (&sent.acquirer, orders), now_ms);
    let asked = authorization::Asked {
        payee: super::payee(front, message, &sent.acquirer, amount),
        purpose: sent.reference.as_str().to_owned(),
        reference: sent.reference,
        message_hash: sent.message_hash,
        step,
        amount,
        acquirer: Some(sent.acquirer),
        orders,
    };
    let source = card_proof.map(Box::new).map(Source::Card);
    let echoed = message.clone().without(&CARD_ELEMENTS);
    Ok(Authorization::prepare(front, echoed, asked, Profile::Plain, source, now_ms).run(front).await?)
}

/// What the message says of the card.
pub(super) struct ClearCard {
    pan: Option<Pan>,
    track2: Option<SecretBytes>,
    expiry_yymm: Option<[u8; 4]>,
    psn: Option<u8>,
    entry: ClearEntry,
    icc_data: Zeroizing<Vec<u8>>,
    pin_block: Option<Zeroizing<Vec<u8>>>,
    pin_control: Option<String>,
}

impl ClearCard {
    /// Has the security module look at the card.
    pub(super) fn examine(
        &self,
        front: &BankFront,
        amount: Amount,
        (acquirer, orders): (&AcquirerId, Orders),
        now_ms: i64,
    ) -> Result<Examined, Refused> {
        front.hsm.examine_clear(&ClearPresentation {
            pan: self.pan.as_ref(),
            track2: self.track2.as_ref().map(SecretBytes::expose),
            expiry_yymm: self.expiry_yymm,
            psn: self.psn,
            entry: self.entry,
            icc_data: &self.icc_data,
            pin: self.pin_block.as_ref().map(|block| ClearPin { block, control: self.pin_control.as_deref() }),
            amount,
            card_order: orders.card_order,
            acquirer: acquirer.as_str(),
            now_ms,
        })
    }

    /// Reads the card's elements of a message.
    pub(super) fn read(message: &Message) -> Result<Self, Error> {
        let wrong = |number| Error::Content { place: Place::Element(number) };
        let pan = optional(message, 2)?.map(Pan::parse).transpose().map_err(|_| wrong(2))?;
        let track2 = optional(message, 35)?.map(|track2| SecretBytes::copy_of(track2.as_bytes()));
        if pan.is_none() && track2.is_none() {
            return Err(Error::Missing { place: Place::Element(2) });
        }
        let expiry = optional(message, 14)?.map(|expiry| expiry.as_bytes().try_into().map_err(|_| wrong(14)));
        let psn = optional(message, 23)?.map(|psn| psn.parse().map_err(|_| wrong(23)));
        Ok(Self {
            pan,
            track2,
            expiry_yymm: expiry.transpose()?,
            psn: psn.transpose()?,
            entry: entry(message.text(22)?).ok_or(wrong(22))?,
            icc_data: Zeroizing::new(optional_bytes(message, 55)?.unwrap_or_default().to_vec()),
            pin_block: optional_bytes(message, 52)?.map(|block| Zeroizing::new(block.to_vec())),
            pin_control: optional(message, 53)?.map(str::to_owned),
        })
    }
}

fn optional(message: &Message, number: u8) -> Result<Option<&str>, Error> {
    message.has(number).then(|| message.text(number)).transpose()
}

fn optional_bytes(message: &Message, number: u8) -> Result<Option<&[u8]>, Error> {
    message.has(number).then(|| message.binary(number)).transpose()
}

/// How the card was read: the first two digits of DE 22.
fn entry(mode: &str) -> Option<ClearEntry> {
    Some(match mode.get(..2)? {
        "01" | "10" | "81" => ClearEntry::Manual,
        "02" | "80" | "90" => ClearEntry::Stripe,
        "05" | "95" => ClearEntry::Chip,
        "07" => ClearEntry::ContactlessChip,
        "91" => ClearEntry::ContactlessStripe,
        _ => return None,
    })
}
