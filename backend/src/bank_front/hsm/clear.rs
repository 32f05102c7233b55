//! Card data in clear, as ordinary clients of the test port send it: the same checks as those of a capsule, and the same
//! verdict.
//!
//! Nothing seals these fields to an order, so less is bound. A chip's cryptogram still covers amount, currency, date
//! and counter; the unpredictable number is the terminal's own, and only the counter, which must rise, tells a repeat.
//! A number that was typed in proves nothing of a card: it is worth what its PIN is worth, and the card's record says
//! whether that is enough.

use emv::issuer::IccData;
use emv::tag::Tag;
use envelope::inner::{CardData, EntryMode};
use envelope::{Pan, Pin, SecretBytes};
use payment::{Amount, DeclineCode};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Hsm;
use super::card_order::CardOrder;
use super::clear_pin::{ClearPin, PinFault};
use super::examine::{self, Binding, Examined, Freshness, IssuerAnswer, Proven, Refused};
use crate::bank_front::decision::{Cardholder, Presented, Proof};

/// What an ordinary client's message says of a card, before anything of it is believed.
pub struct ClearPresentation<'a> {
    /// DE 2.
    pub pan: Option<&'a Pan>,
    /// DE 35 as characters, with `=` or `D` as separator.
    pub track2: Option<&'a [u8]>,
    /// DE 14.
    pub expiry_yymm: Option<[u8; 4]>,
    /// DE 23.
    pub psn: Option<u8>,
    /// How the card was read, from DE 22.
    pub entry: ClearEntry,
    /// DE 55; empty when there is none.
    pub icc_data: &'a [u8],
    /// DE 52 and 53.
    pub pin: Option<ClearPin<'a>>,
    /// DE 4 and 49.
    pub amount: Amount,
    /// What the bank wants the card to do, if anything.
    pub card_order: Option<CardOrder>,
    /// DE 32: whose keys the PIN block is under.
    pub acquirer: &'a str,
    /// Now, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// How a card was read, by the first two digits of DE 22.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearEntry {
    /// 01: number and expiry were typed in.
    Manual,
    /// 02, 80, 90: the stripe, whole.
    Stripe,
    /// 05: the chip.
    Chip,
    /// 07: the chip, over the air.
    ContactlessChip,
    /// 91: a stripe that the chip imitates over the air.
    ContactlessStripe,
}

impl Hsm {
    /// Checks a card whose data came in clear: scheme, and its cryptogram or the value on its stripe.
    ///
    /// # Errors
    /// The refusal: fields that do not fit together, a card of another bank, or a proof that is not right for this
    /// amount, currency and day.
    pub fn examine_clear(&self, presentation: &ClearPresentation<'_>) -> Result<Examined, Refused> {
        let card = card_data(presentation)?;
        let card_label = examine::label(&card);
        let refuse = |code| Refused { code, card_label: card_label.clone() };
        let issuer = self.issuer(&card.pan).ok_or_else(|| refuse(DeclineCode::UnknownCard))?;
        let binding = Binding {
            freshness: Freshness::Counter,
            amount: presentation.amount,
            card_order: presentation.card_order,
            now_ms: presentation.now_ms,
        };
        let proven = match presentation.entry {
            ClearEntry::Chip | ClearEntry::ContactlessChip => examine::by_chip(issuer, &card, &binding),
            ClearEntry::Stripe => examine::by_stripe(issuer, &card),
            ClearEntry::Manual => by_number(&card),
            // Bound to nothing that this bank could check, as in a capsule.
            ClearEntry::ContactlessStripe => Err(DeclineCode::Cryptogram),
        };
        let proven = proven.map_err(refuse)?;
        let cardholder = match &presentation.pin {
            None => proven.device,
            Some(pin) => match self.decipher_clear(presentation.acquirer, pin, &card.pan) {
                Ok(pin) => self.cardholder(&card.pan, &pin),
                Err(PinFault::Malformed) => Cardholder::MalformedPin,
                Err(PinFault::Replayed) => return Err(refuse(DeclineCode::Replay)),
                Err(PinFault::Control) => return Err(refuse(DeclineCode::Format)),
            },
        };
        Ok(Examined {
            pan_reference: self.reference(&card.pan),
            presented: Presented { proof: proven.proof, expiry_yymm: card.expiry_yymm, cardholder },
            issuer_answer: proven.issuer_answer,
            card_label,
        })
    }

    fn cardholder(&self, pan: &Pan, pin: &Pin) -> Cardholder {
        Cardholder::Pin(self.pin_keys.value(pan, pin))
    }
}

/// A number that was typed in, with its expiry and nothing else of a card.
fn by_number(card: &CardData) -> Result<Proven, DeclineCode> {
    if card.track2.is_some() || !card.icc_data.is_empty() || card.psn.is_some() {
        return Err(DeclineCode::Format);
    }
    Ok(Proven { proof: Proof::Keyed, device: Cardholder::Unverified, issuer_answer: IssuerAnswer::default() })
}

/// One card out of fields that may each name it. They must agree.
fn card_data(presentation: &ClearPresentation<'_>) -> Result<CardData, DeclineCode> {
    let format = DeclineCode::Format;
    let track2 = presentation.track2.map(|track2| TrackHead::parse(track2).ok_or(format)).transpose()?;
    let digits = presentation.pan.map(Pan::expose_ascii).or(track2.as_ref().map(|head| head.pan));
    let pan = Pan::from_ascii(digits.ok_or(format)?).map_err(|_| format)?;
    if track2.as_ref().is_some_and(|head| !bool::from(head.pan.ct_eq(pan.expose_ascii()))) {
        return Err(format);
    }
    let expiry_yymm = presentation.expiry_yymm.or(track2.as_ref().map(|head| head.expiry_yymm)).ok_or(format)?;
    if !expiry_yymm.iter().all(u8::is_ascii_digit) {
        return Err(format);
    }
    let mut card = CardData {
        pan,
        track2: presentation.track2.map(SecretBytes::copy_of),
        expiry_yymm,
        psn: presentation.psn,
        aid: Vec::new(),
        entry_mode: match presentation.entry {
            ClearEntry::Chip => EntryMode::ContactChip,
            ClearEntry::ContactlessChip => EntryMode::ContactlessChip,
            ClearEntry::ContactlessStripe => EntryMode::ContactlessMagStripe,
            ClearEntry::Stripe | ClearEntry::Manual => EntryMode::MagStripe,
        },
        icc_data: Zeroizing::new(presentation.icc_data.to_vec()),
    };
    if matches!(presentation.entry, ClearEntry::Chip | ClearEntry::ContactlessChip) {
        add_chip_facts(&mut card, presentation.icc_data)?;
    }
    Ok(card)
}

/// What the chip data says of the card besides its cryptogram: the application, and perhaps number and sequence number
/// once more.
fn add_chip_facts(card: &mut CardData, icc_data: &[u8]) -> Result<(), DeclineCode> {
    let fields = IccData::parse(icc_data).map_err(|_| DeclineCode::Format)?;
    card.aid = fields.get(Tag::DF_NAME).map_err(|_| DeclineCode::Format)?.to_vec();
    if let Ok(sequence) = fields.array::<1>(Tag::PAN_SEQUENCE) {
        let sequence = unpack_digits(sequence[0]).ok_or(DeclineCode::Format)?;
        if card.psn.is_some_and(|psn| psn != sequence) {
            return Err(DeclineCode::Format);
        }
        card.psn = Some(sequence);
    }
    let number = card.pan.expose_ascii();
    let names_another = |tag, names: fn(&[u8], &[u8]) -> bool| fields.get(tag).is_ok_and(|value| !names(value, number));
    if names_another(Tag::TRACK_2, examine::track2_names) || names_another(Tag::PAN, packed_names) {
        return Err(DeclineCode::Format);
    }
    Ok(())
}

/// Whether tag 5A names this number: packed digits, with an F behind an odd number of them.
fn packed_names(packed: &[u8], number: &[u8]) -> bool {
    let text = Zeroizing::new(hex::encode_upper(packed));
    text.trim_end_matches('F').as_bytes().ct_eq(number).into()
}

/// Two packed digits.
fn unpack_digits(byte: u8) -> Option<u8> {
    let (high, low) = (byte >> 4, byte & 0x0F);
    (high < 10 && low < 10).then_some(high * 10 + low)
}

/// Number and expiry at the head of Track 2 (ISO/IEC 7813).
struct TrackHead<'a> {
    pan: &'a [u8],
    expiry_yymm: [u8; 4],
}

impl<'a> TrackHead<'a> {
    fn parse(track2: &'a [u8]) -> Option<Self> {
        let is_separator = |character: &u8| matches!(character, b'D' | b'=');
        let separator = track2.iter().position(is_separator)?;
        let (pan, rest) = track2.split_at(separator);
        Some(Self { pan, expiry_yymm: *rest.get(1..)?.first_chunk()? })
    }
}

#[cfg(test)]
mod tests;
