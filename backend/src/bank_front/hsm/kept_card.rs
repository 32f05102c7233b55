//! A card that a vault released: known by the cryptogram it made when it was enrolled, for its place in that vault.
//!
//! The cryptogram was made for an amount of zero, so it is good for no payment; and its unpredictable number is taken from
//! the place, so it speaks of no other. It shows that the card itself was there, and nothing of today.

use emv::issuer::{IccData, verify_arqc};
use envelope::means::alias::{Alias, VaultWord};
use envelope::place_hash;
use payment::{AttemptHash, DeclineCode};

use super::brand::Agreement;
use super::{Hsm, Presentation, Refused, terminal};
use crate::bank_front::card::PanReference;
use crate::bank_front::decision::Application;

/// What receipts call it: no digit of the card.
pub const ALIAS_LABEL: &str = "alias";

/// What the security module tells of a released card.
pub struct ReleasedCard {
    /// The card's stored name.
    pub pan_reference: PanReference,
    /// Last month of validity, `YYMM`, as the card told.
    pub expiry_yymm: [u8; 4],
    /// The sequence number of the card that was enrolled, if it told one.
    pub psn: Option<u8>,
    /// The application that made the cryptogram.
    pub application: Application,
    /// What the payer's device found wrong with the card when it was enrolled, if anything.
    pub objection: Option<DeclineCode>,
    /// The vault's word, whose signature is still to be checked.
    pub word: VaultWord,
    /// The attempt it must be about.
    pub attempt_hash: AttemptHash,
}

impl Hsm {
    /// Checks that a card of this bank was enrolled in the place the word names.
    pub(super) fn examine_released(
        &self,
        presentation: &Presentation<'_>,
        alias: Alias,
    ) -> Result<ReleasedCard, Refused> {
        let refuse = |code| Refused { code, card_label: ALIAS_LABEL.to_owned() };
        let wrong = || refuse(DeclineCode::Cryptogram);
        let Alias { card, word } = alias;
        let card = card.card();
        let issuer = self.issuer(&card.pan).ok_or_else(|| refuse(DeclineCode::UnknownCard))?;
        let application = match Agreement::of(&card.aid, card.pan.expose_ascii()) {
            Agreement::SameScheme => Application::OfTheScheme(card.aid.clone()),
            Agreement::CoBadged => Application::CoBadged(card.aid.clone()),
            Agreement::Mixed => return Err(wrong()),
        };
        let pan_digits = std::str::from_utf8(card.pan.expose_ascii()).map_err(|_| refuse(DeclineCode::Format))?;
        let verified = verify_arqc(&issuer.key, pan_digits, card.psn, &card.icc_data).map_err(|_| wrong())?;
        let place = place_hash(&word.release.vault_id, &word.release.entry_id);
        let is_of_place = verified.unpredictable_number == emv::derive_unpredictable_number(&place)
            && verified.amount_minor == 0
            && verified.aid == card.aid;
        if !is_of_place {
            return Err(wrong());
        }
        let fields = IccData::parse(&card.icc_data).map_err(|_| wrong())?;
        Ok(ReleasedCard {
            pan_reference: self.reference(&card.pan),
            expiry_yymm: card.expiry_yymm,
            psn: card.psn,
            application,
            objection: terminal::objection(&fields),
            word,
            attempt_hash: presentation.attempt_hash,
        })
    }
}
