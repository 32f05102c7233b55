//! A voucher that comes with a card and a signature: both are checked before the bank's books are asked anything.

use envelope::inner::large_voucher::{Opened, SignedByDevice, Statement, card_hash};
use envelope::means::voucher::Voucher;
use payment::{AttemptHash, DeclineCode};

use super::{Examined, Hsm, Presentation, Refused};

/// What the security module tells of a voucher whose card gave a right cryptogram, and which a device signed for.
pub struct ProvenVoucher {
    /// What pays; its own books say whether the code is right.
    pub voucher: Voucher,
    /// The card beside it.
    pub card: Examined,
    /// The device's word, which is about exactly this. Whether the device signs for this card, the books say.
    pub signed: SignedByDevice,
    /// The attempt it is about.
    pub attempt_hash: AttemptHash,
    /// SHA-256 of what the card answered, which is signed too.
    pub card_hash: [u8; 32],
}

impl Hsm {
    /// Checks card and signature of a large payment by voucher. The code is looked at by nobody yet.
    pub(super) fn examine_large_voucher(
        &self,
        presentation: &Presentation<'_>,
        opened: Opened,
    ) -> Result<ProvenVoucher, Refused> {
        let Opened { voucher, card, signed } = opened;
        let card_hash = card_hash(&card.card);
        let card = self.examine_card(presentation, &card)?;
        let statement = Statement {
            bank_id: &self.bank_id(),
            attempt_hash: presentation.attempt_hash.as_bytes(),
            customer_number: &voucher.customer_number,
            card_hash: &card_hash,
        };
        if signed.verify(statement).is_err() {
            return Err(Refused { code: DeclineCode::VoucherSignature, card_label: card.card_label });
        }
        Ok(ProvenVoucher { voucher, card, signed, attempt_hash: presentation.attempt_hash, card_hash })
    }
}
