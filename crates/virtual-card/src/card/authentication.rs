//! What the card signs: INTERNAL AUTHENTICATE, the cryptogram of GENERATE AC, the answer of qVSDC (Book 2 sections 6.5
//! and 6.6; Book C-3 annex C).

use emv::tag::Tag;
use emv::tlv;
use sha1::{Digest, Sha1};

use super::files::{constructed, template};
use super::payment::{Made, Progress};
use super::status::{self, Answer, Reply, Status};
use super::{Open, VirtualCard};
use crate::oda::signed_dynamic_data;
use crate::profile::OfflineAuthentication;

/// Format of signed dynamic data, and of qVSDC's that covers amount and currency too.
const DYNAMIC: u8 = 0x05;
const DYNAMIC_WITH_AMOUNT: u8 = 0x95;

/// Version of the card authentication related data that covers amount and currency (Book C-3 annex C).
const FAST_VERSION_1: u8 = 0x01;

impl VirtualCard {
    /// INTERNAL AUTHENTICATE: the data is the unpredictable number of the card's DDOL.
    pub(super) fn internal_authenticate(&self, data: &[u8]) -> Answer {
        let open = self.open()?;
        let signs =
            matches!(open.behaviour.offline_authentication, OfflineAuthentication::Dda | OfflineAuthentication::Cda);
        if !signs || !matches!(open.progress, Progress::Initiated { .. }) {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        }
        if data.len() != 4 {
            return Err(status::WRONG_LENGTH);
        }
        let number = dynamic_number()?;
        let signed = signed_dynamic_data(DYNAMIC, &[&[8][..], &number].concat(), &[data]);
        Ok(if open.behaviour.answer_format == 1 {
            template(Tag::RESPONSE_FORMAT_1, &signed).into()
        } else {
            constructed(Tag::RESPONSE_FORMAT_2, &[(Tag::SDAD, &signed)]).into()
        })
    }
}

impl Open {
    pub(super) fn signs_cryptograms(&self) -> bool {
        self.behaviour.offline_authentication == OfflineAuthentication::Cda
    }
}

/// The answer to GENERATE AC with the cryptogram inside a signature: `sent` is what came with GET PROCESSING OPTIONS
/// and with this command (Book 2 section 6.6.1).
pub(super) fn signed_answer(made: &Made, sent: &[&[u8]]) -> Result<Reply, Status> {
    let (cid, atc) = ([made.kind.cid()], made.atc.to_be_bytes());
    let before: [(Tag, &[u8]); 2] = [(Tag::CID, &cid), (Tag::ATC, &atc)];
    let after: [(Tag, &[u8]); 1] = [(Tag::IAD, &made.iad)];
    let mut covered = Vec::new();
    for (tag, value) in before.iter().chain(&after) {
        tlv::write(&mut covered, *tag, value);
    }
    let mut hash = Sha1::new();
    for part in sent {
        hash.update(part);
    }
    let hash = hash.chain_update(&covered).finalize();
    let number = dynamic_number()?;
    let data = [&[8][..], &number, &cid, &made.cryptogram, &hash].concat();
    let signed = signed_dynamic_data(DYNAMIC, &data, &[&made.unpredictable_number]);
    Ok(constructed(Tag::RESPONSE_FORMAT_2, &[before[0], before[1], (Tag::SDAD, &signed), after[0]]).into())
}

/// What a qVSDC card signs when the terminal wants it for online payments as well.
pub(super) struct FastSignature {
    /// 9F69: version, the card's own number, its transaction qualifiers.
    pub(super) related: Vec<u8>,
    /// 9F4B.
    pub(super) signed: Vec<u8>,
}

impl FastSignature {
    /// `None` when the card cannot or the terminal does not ask (TTQ byte 1 bit 1, Book C-3 annex A).
    pub(super) fn over(open: &Open, sent: &[(Tag, Vec<u8>)], made: &Made) -> Option<Self> {
        let value = |tag| sent.iter().find(|(given, _)| *given == tag).map(|(_, value)| value.as_slice());
        let wanted = value(Tag::TTQ).and_then(|ttq| ttq.first()).is_some_and(|byte| byte & 0x01 != 0);
        if open.behaviour.offline_authentication != OfflineAuthentication::FastDda || !wanted {
            return None;
        }
        let number = dynamic_number().ok()?;
        let qualifiers = hex::decode(&open.behaviour.transaction_qualifiers).unwrap_or_default();
        let related = [&[FAST_VERSION_1][..], &number[..4], &qualifiers].concat();
        let covered = [
            value(Tag::UNPREDICTABLE_NUMBER)?,
            value(Tag::AMOUNT_AUTHORISED)?,
            value(Tag::TRANSACTION_CURRENCY)?,
            &related,
        ];
        // The dynamic number is the counter (Book C-3 annex C).
        let data = [&[2][..], &made.atc.to_be_bytes()].concat();
        let signed = signed_dynamic_data(DYNAMIC_WITH_AMOUNT, &data, &covered);
        Some(Self { related, signed })
    }
}

/// Eight bytes nobody can foretell.
fn dynamic_number() -> Result<[u8; 8], Status> {
    let mut number = [0; 8];
    getrandom::fill(&mut number).map_err(|_| status::MEMORY_FAILURE)?;
    Ok(number)
}
