//! COMPUTE CRYPTOGRAPHIC CHECKSUM: the codes of a card that only emulates its stripe (Book C-2).

use emv::issuer::{CardMasterKey, IssuerMasterKey, derive_card_key_a, dynamic_verification_code};
use emv::tag::Tag;

use super::VirtualCard;
use super::files::constructed;
use super::payment::Progress;
use super::status::{self, Answer};
use crate::profile::CryptogramCommand;

/// CVC3 of Track 1 and of Track 2.
const CODE_TRACK_1: Tag = Tag(0x9F60);
const CODE_TRACK_2: Tag = Tag(0x9F61);

impl VirtualCard {
    /// The data is the unpredictable number of the card's UDOL. This card has no Track 1, so its code there is that of
    /// Track 2.
    pub(super) fn compute_checksum(&mut self, p1: u8, p2: u8, data: &[u8]) -> Answer {
        let open = self.open()?;
        let Progress::Initiated { atc, .. } = open.progress else { return Err(status::CONDITIONS_NOT_SATISFIED) };
        if open.behaviour.cryptogram != CryptogramCommand::MagneticStripe {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        }
        if (p1, p2) != (0x8E, 0x80) {
            return Err(status::WRONG_PARAMETERS);
        }
        let number = <[u8; 4]>::try_from(data).map_err(|_| status::WRONG_LENGTH)?;
        let card = if let Some([own, _]) = self.profile.own_keys() {
            CardMasterKey::new(own)
        } else {
            let issuer = IssuerMasterKey::new(self.profile.issuer_master_key_bytes());
            derive_card_key_a(&issuer, &self.profile.pan, self.profile.psn).map_err(|_| status::WRONG_DATA)?
        };
        let code = dynamic_verification_code(&card, &self.profile.track2(), atc, number).to_be_bytes();
        self.set_progress(Progress::Spent);
        Ok(constructed(
            Tag::RESPONSE_FORMAT_2,
            &[(CODE_TRACK_2, &code), (CODE_TRACK_1, &code), (Tag::ATC, &atc.to_be_bytes())],
        )
        .into())
    }
}
