//! Opening a capsule and checking what is in it, before the bank's books are asked anything.

use emv::Scheme;
use emv::issuer::{IccData, IssuerDecision, Verified, verify_arqc};
use emv::tag::Tag;
use envelope::Capsule;
use envelope::inner::{self, CardData, Content, EntryMode, Opened, Verification};
use envelope::means::Means;
use payment::{Amount, AttemptHash, DeclineCode};
use subtle::ConstantTimeEq;

use super::brand::Agreement;
use super::card_order::CardOrder;
use super::{Hsm, LoadedIssuer, ProvenVoucher, ReleasedCard, device, stripe, terminal};
use crate::bank_front::calendar;
use crate::bank_front::card::PanReference;
use crate::bank_front::decision::{Application, Cardholder, Presented, Proof};

/// How many days the card's date may be away from the bank's: midnight and time zones.
const DATE_DAYS_OFF_MAX: i64 = 1;

/// What came with an attempt, before anything of it is believed.
pub struct Presentation<'a> {
    /// Data element 126.
    pub capsule: &'a [u8],
    /// The hash this bank derived for the attempt from the merchant-signed order.
    pub attempt_hash: AttemptHash,
    /// The order's amount.
    pub amount: Amount,
    /// What the bank wants the card to do, if anything.
    pub card_order: Option<CardOrder>,
    /// Now, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// What the security module tells of a capsule that opened, with a cryptogram or a stripe that is right.
pub struct Examined {
    /// The card's stored name.
    pub pan_reference: PanReference,
    /// The scheme and the last four digits, such as `visa ••0050`.
    pub card_label: String,
    /// Proofs, expiry and PIN, for the decision.
    pub presented: Presented,
    /// What to tell the card.
    pub issuer_answer: IssuerAnswer,
}

/// What a capsule that opened asks to pay with.
pub enum Source {
    /// A card, proven.
    Card(Box<Examined>),
    /// A card that a vault released, enrolled there as it says.
    Alias(Box<ReleasedCard>),
    /// What pays in a card's place; its own books say whether it is right.
    Means(Means),
    /// A voucher, with a card that is proven and a device's signature that is right.
    LargeVoucher(Box<ProvenVoucher>),
}

/// Data element 55 of the answer: the issuer's word to the card, whichever it will be. Empty for a stripe.
#[derive(Default)]
pub struct IssuerAnswer {
    /// Of an approval.
    pub approve: Vec<u8>,
    /// Of a refusal.
    pub decline: Vec<u8>,
}

/// What to refuse with, and the card when it was read that far.
pub struct Refused {
    /// Why.
    pub code: DeclineCode,
    /// The card's label, empty when the capsule did not open.
    pub card_label: String,
}

impl From<DeclineCode> for Refused {
    fn from(code: DeclineCode) -> Self {
        Self { code, card_label: String::new() }
    }
}

impl Hsm {
    /// Opens the capsule, whatever pays. A card is checked as [`Hsm::examine`] does, one that a vault released by the
    /// cryptogram it was enrolled with, a voucher that comes with one by cryptogram and signature.
    ///
    /// # Errors
    /// The refusal: a retired key, a seal or an order that does not match, or what [`Hsm::examine`] refuses.
    pub fn source(&self, presentation: &Presentation<'_>) -> Result<Source, Refused> {
        match self.open_capsule(presentation)? {
            Content::Card(opened) => self.examine_card(presentation, &opened).map(Box::new).map(Source::Card),
            Content::Means(Means::Alias(alias)) => {
                self.examine_released(presentation, *alias).map(Box::new).map(Source::Alias)
            }
            Content::Means(means) => Ok(Source::Means(means)),
            Content::LargeVoucher(opened) => {
                self.examine_large_voucher(presentation, *opened).map(Box::new).map(Source::LargeVoucher)
            }
        }
    }

    /// Opens the capsule, which holds a card, and checks seal, scheme, and what proves the card: its cryptogram, bound to
    /// the attempt, or the value on its stripe.
    ///
    /// # Errors
    /// The refusal: a retired key, a seal or an order that does not match, a card of another bank, or a proof that is
    /// not right for this attempt.
    pub fn examine(&self, presentation: &Presentation<'_>) -> Result<Examined, Refused> {
        match self.open_capsule(presentation)? {
            Content::Card(opened) => self.examine_card(presentation, &opened),
            Content::Means(_) | Content::LargeVoucher(_) => Err(DeclineCode::OrderMismatch.into()),
        }
    }

    fn open_capsule(&self, presentation: &Presentation<'_>) -> Result<Content, DeclineCode> {
        let capsule = Capsule::from_bytes(presentation.capsule).map_err(|_| DeclineCode::OrderMismatch)?;
        let epoch = self.epoch(&capsule.kid, presentation.now_ms).ok_or(DeclineCode::RetiredKey)?;
        inner::open_any(&epoch.secret, presentation.attempt_hash.as_bytes(), &capsule)
            .map_err(|_| DeclineCode::OrderMismatch)
    }

    pub(super) fn examine_card(&self, presentation: &Presentation<'_>, opened: &Opened) -> Result<Examined, Refused> {
        let card = &opened.card;
        let card_label = label(card);
        let refuse = |code| Refused { code, card_label: card_label.clone() };
        let issuer = self.issuer(&card.pan).ok_or_else(|| refuse(DeclineCode::UnknownCard))?;
        let proven = match card.entry_mode {
            EntryMode::ContactChip | EntryMode::ContactlessChip => by_chip(issuer, card, &presentation.binding()),
            EntryMode::MagStripe => by_stripe(issuer, card),
            // A stripe imitated over the air is bound to nothing that this bank could check.
            EntryMode::ContactlessMagStripe => Err(DeclineCode::Cryptogram),
        };
        let proven = proven.map_err(refuse)?;
        let cardholder = match &opened.verification {
            Verification::Pin(pin) => pin
                .decipher(&card.pan)
                .map_or(Cardholder::MalformedPin, |pin| Cardholder::Pin(self.pin_keys.value(&card.pan, &pin))),
            Verification::Device => proven.device,
        };
        Ok(Examined {
            pan_reference: self.reference(&card.pan),
            presented: Presented { proof: proven.proof, expiry_yymm: card.expiry_yymm, cardholder },
            issuer_answer: proven.issuer_answer,
            card_label,
        })
    }
}

/// What a cryptogram must have been made for.
pub(super) struct Binding {
    pub(super) freshness: Freshness,
    pub(super) amount: Amount,
    pub(super) card_order: Option<CardOrder>,
    pub(super) now_ms: i64,
}

/// What tells a new cryptogram from a recorded one, beside the counter.
pub(super) enum Freshness {
    /// The unpredictable number, which is derived from the attempt.
    Attempt(AttemptHash),
    /// Nothing: the number is the terminal's own.
    Counter,
}

impl Presentation<'_> {
    fn binding(&self) -> Binding {
        Binding {
            freshness: Freshness::Attempt(self.attempt_hash),
            amount: self.amount,
            card_order: self.card_order,
            now_ms: self.now_ms,
        }
    }
}

/// What proves the card, and what follows from it.
pub(super) struct Proven {
    pub(super) proof: Proof,
    /// Who the payer is when no PIN came.
    pub(super) device: Cardholder,
    pub(super) issuer_answer: IssuerAnswer,
}

/// The scheme and the last four digits.
pub(super) fn label(card: &CardData) -> String {
    format!("{} ••{}", scheme_of(card).code(), card.pan.last_four())
}

/// A chip's cryptogram, which must be right and made for this.
pub(super) fn by_chip(issuer: &LoadedIssuer, card: &CardData, binding: &Binding) -> Result<Proven, DeclineCode> {
    let wrong = DeclineCode::Cryptogram;
    let agreement = Agreement::of(&card.aid, card.pan.expose_ascii());
    if agreement == Agreement::Mixed || !tracks_agree(card) {
        return Err(wrong);
    }
    let pan_digits = std::str::from_utf8(card.pan.expose_ascii()).map_err(|_| DeclineCode::Format)?;
    let verified = verify_arqc(&issuer.key, pan_digits, card.psn, &card.icc_data).map_err(|_| wrong)?;
    if !is_bound(&verified, &card.aid, binding) {
        return Err(wrong);
    }
    let fields = IccData::parse(&card.icc_data).map_err(|_| wrong)?;
    let over_the_air = card.entry_mode == EntryMode::ContactlessChip;
    // A tapped card is gone before any order could reach it.
    let order = binding.card_order.filter(|_| !over_the_air);
    let scripts = order.map(|order| order.scripts(&verified, &issuer.script_key, (pan_digits, card.psn))).transpose();
    let scripts = scripts.map_err(|_| DeclineCode::Format)?.unwrap_or_default();
    let verified_owner = over_the_air && device::has_verified_owner(verified.version, &fields);
    Ok(Proven {
        proof: Proof::Chip {
            atc: verified.atc,
            psn: card.psn,
            application: match agreement {
                Agreement::CoBadged => Application::CoBadged(card.aid.clone()),
                Agreement::SameScheme | Agreement::Mixed => Application::OfTheScheme(card.aid.clone()),
            },
            objection: terminal::objection(&fields),
        },
        device: if verified_owner { Cardholder::Device } else { Cardholder::Unverified },
        issuer_answer: IssuerAnswer {
            approve: [authentication_data(&verified, IssuerDecision::Approve), scripts.clone()].concat(),
            decline: [authentication_data(&verified, IssuerDecision::Decline), scripts].concat(),
        },
    })
}

/// A stripe, which must be as its issuer wrote it. Nothing ties it to the attempt but the seal around it.
pub(super) fn by_stripe(issuer: &LoadedIssuer, card: &CardData) -> Result<Proven, DeclineCode> {
    // A stripe brings no chip data; a capsule with some was not made by a swipe.
    if !card.icc_data.is_empty() || !card.aid.is_empty() || card.psn.is_some() {
        return Err(DeclineCode::Cryptogram);
    }
    let key = issuer.verification_key.as_ref().ok_or(DeclineCode::NotPermitted)?;
    let says = stripe::read(key, card).ok_or(DeclineCode::Cryptogram)?;
    let issuer_answer = IssuerAnswer::default();
    Ok(Proven { proof: Proof::Stripe(says), device: Cardholder::Unverified, issuer_answer })
}

/// Tag 91: the issuer's answer to the card.
fn authentication_data(verified: &Verified, decision: IssuerDecision) -> Vec<u8> {
    let mut de55 = Vec::with_capacity(12);
    emv::tlv::write(&mut de55, Tag::ISSUER_AUTHENTICATION, &emv::issuer::arpc(verified, decision));
    de55
}

/// Whose card it is, for its label.
fn scheme_of(card: &CardData) -> Scheme {
    match card.entry_mode {
        EntryMode::ContactChip | EntryMode::ContactlessChip => Scheme::of_aid(&card.aid),
        EntryMode::MagStripe | EntryMode::ContactlessMagStripe => {
            Scheme::of_number(card.pan.expose_ascii()).unwrap_or(Scheme::Other)
        }
    }
}

/// Whether the values under the cryptogram are those that were asked for.
fn is_bound(verified: &Verified, aid: &[u8], binding: &Binding) -> bool {
    let is_fresh = match &binding.freshness {
        Freshness::Attempt(hash) => verified.unpredictable_number == emv::derive_unpredictable_number(hash.as_bytes()),
        Freshness::Counter => true,
    };
    is_fresh
        && u64::try_from(binding.amount.minor()).is_ok_and(|minor| minor == verified.amount_minor)
        && verified.currency_numeric == binding.amount.currency().numeric()
        && verified.aid == aid
        && calendar::days_apart(verified.date_yymmdd, binding.now_ms).is_some_and(|days| days <= DATE_DAYS_OFF_MAX)
}

/// Whether Track 2, if it was read, names the same card number.
fn tracks_agree(card: &CardData) -> bool {
    card.track2.as_ref().is_none_or(|track2| track2_names(track2.expose(), card.pan.expose_ascii()))
}

/// Track 2 comes as characters (ISO/IEC 7813) or as the packed equivalent of tag 57.
pub(super) fn track2_names(track2: &[u8], pan: &[u8]) -> bool {
    let is_separator = |c: &u8| matches!(c, b'D' | b'=');
    if track2.iter().all(|c| c.is_ascii_digit() || is_separator(c)) {
        let digits = track2.split(is_separator).next().unwrap_or_default();
        return digits.ct_eq(pan).into();
    }
    emv::Track2::parse(track2).is_some_and(|track2| track2.card_number().expose_digits().as_bytes().ct_eq(pan).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn track_2_is_compared_in_both_its_forms() {
        let pan = b"4761340000000050";
        let packed = hex::decode("4761340000000050D31122011125234F").unwrap();
        assert!(track2_names(&packed, pan));
        assert!(track2_names(b"4761340000000050D31122011125234", pan));
        assert!(track2_names(b"4761340000000050=31122011125234", pan));
        assert!(!track2_names(&packed, b"4761340000000051"));
        assert!(!track2_names(b"4761340000000050=3112", b"4761340000000051"));
        assert!(!track2_names(&[0xff, 0x00], pan));
    }
}
