//! What a card gave for a payment: its chip's data and cryptogram, or only its stripe.

use emv::{CardNumber, CardRead, DataAuthenticity, Interface, Swipe};
use envelope::inner::{CardData, EntryMode};
use envelope::{Pan, SecretBytes};
use zeroize::Zeroizing;

use crate::error::{Result, WalletError};

/// How a swiped card is named: its stripe says nothing of its scheme.
const STRIPE_LABEL: &str = "stripe";

/// A card that was presented to pay.
pub enum Presented {
    /// Its chip was read and gave a cryptogram.
    Chip(Box<CardRead>),
    /// Its stripe was swiped. No cryptogram binds it to the payment; a card with a chip never gets this far.
    Stripe(Box<Swipe>),
}

impl Presented {
    /// The card number.
    pub fn card_number(&self) -> &CardNumber {
        match self {
            Self::Chip(read) => &read.pan,
            Self::Stripe(swipe) => swipe.card_number(),
        }
    }

    /// The scheme's code, or `stripe`.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Chip(read) => read.scheme.code(),
            Self::Stripe(_) => STRIPE_LABEL,
        }
    }

    /// Scheme and last four digits: the most of a card that is shown or kept.
    pub fn label(&self) -> String {
        let digits = self.card_number().expose_digits();
        let last_four = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default();
        format!("{} ••{last_four}", self.scheme())
    }

    /// How the card was read.
    pub fn entry_mode(&self) -> EntryMode {
        match self {
            Self::Chip(read) => match read.interface {
                Interface::Contact => EntryMode::ContactChip,
                Interface::Contactless => EntryMode::ContactlessChip,
            },
            Self::Stripe(_) => EntryMode::MagStripe,
        }
    }

    /// Whether the card is a phone or a watch that has verified its owner.
    pub fn has_verified_owner(&self) -> bool {
        match self {
            Self::Chip(read) => read.cdcvm,
            Self::Stripe(_) => false,
        }
    }

    /// Whether there is enough to seal: of a stripe, the track that a bank knows it by.
    pub fn can_be_sealed(&self) -> bool {
        match self {
            Self::Chip(_) => true,
            Self::Stripe(swipe) => swipe.track2().is_some(),
        }
    }

    /// Commands that were exchanged with it.
    pub fn exchanges(&self) -> u32 {
        match self {
            Self::Chip(read) => read.exchanges,
            Self::Stripe(_) => 0,
        }
    }

    /// Whether the chip showed that it is its issuer's; a stripe cannot.
    pub fn authenticity(&self) -> &'static str {
        match self {
            Self::Chip(read) => read.authenticity.code(),
            Self::Stripe(_) => DataAuthenticity::NotPerformed.code(),
        }
    }

    /// What is sealed of it; the rest is wiped with it.
    ///
    /// # Errors
    /// [`WalletError::Card`] when the number is none of a payment card.
    pub fn to_seal(&self) -> Result<CardData> {
        let unusable = |_| WalletError::Card(emv::CardError::Malformed { at: "5A" });
        let pan = Pan::from_ascii(self.card_number().expose_digits().as_bytes()).map_err(unusable)?;
        let (track2, expiry_yymm, psn, aid, icc_data) = match self {
            Self::Chip(read) => {
                (read.track2.as_ref(), read.expiry_yymm, read.psn, read.aid.clone(), read.icc_data.clone())
            }
            Self::Stripe(swipe) => (swipe.track2(), swipe.expiry_yymm(), None, Vec::new(), Vec::new()),
        };
        Ok(CardData {
            pan,
            track2: track2.map(|track2| SecretBytes::copy_of(track2.expose().as_bytes())),
            expiry_yymm,
            psn,
            aid,
            entry_mode: self.entry_mode(),
            icc_data: Zeroizing::new(icc_data),
        })
    }
}
