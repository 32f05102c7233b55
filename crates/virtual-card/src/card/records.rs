//! The application's records and the locator over them (Book 3 sections 7 and 10.2).

use emv::tag::Tag;

use super::files::{present, template};
use crate::profile::{CardApplication, CryptogramCommand, InterfaceBehaviour, Profile, RecordPlan};

/// One record.
pub(super) struct RecordFile {
    pub(super) sfi: u8,
    pub(super) record: u8,
    pub(super) content: Vec<u8>,
}

/// Tags of the record that names the account, unless the profile places them otherwise.
const ACCOUNT: [Tag; 8] = [
    Tag::TRACK_2,
    Tag::PAN,
    Tag::EXPIRY_DATE,
    EFFECTIVE_DATE,
    Tag::PAN_SEQUENCE,
    Tag::CARDHOLDER_NAME,
    ISSUER_COUNTRY,
    Tag::FORM_FACTOR,
];

/// Tags of the record with the rules.
const RULES: [Tag; 8] = [
    Tag::CDOL1,
    Tag::CDOL2,
    Tag::CVM_LIST,
    ACTION_CODE_DEFAULT,
    ACTION_CODE_DENIAL,
    ACTION_CODE_ONLINE,
    USAGE_CONTROL,
    APPLICATION_VERSION,
];

/// Tags of the record of a card that only emulates its stripe (Book C-2 table for mag-stripe mode).
const STRIPE: [Tag; 6] = [STRIPE_VERSION, Tag(0x9F63), Tag(0x9F64), Tag(0x9F65), Tag(0x9F66), Tag::TRACK_2_MAG_STRIPE];

const EFFECTIVE_DATE: Tag = Tag(0x5F25);
const ISSUER_COUNTRY: Tag = Tag(0x5F28);
const USAGE_CONTROL: Tag = Tag(0x9F07);
const APPLICATION_VERSION: Tag = Tag(0x9F08);
const ACTION_CODE_DEFAULT: Tag = Tag(0x9F0D);
const ACTION_CODE_DENIAL: Tag = Tag(0x9F0E);
const ACTION_CODE_ONLINE: Tag = Tag(0x9F0F);
/// In this mode: mag-stripe application version number (Book C-2).
const STRIPE_VERSION: Tag = Tag(0x9F6C);

/// One application over one interface, with everything its records are made of.
#[derive(Clone, Copy)]
pub(super) struct Personalised<'a> {
    pub(super) profile: &'a Profile,
    pub(super) application: &'a CardApplication,
    pub(super) behaviour: &'a InterfaceBehaviour,
}

impl Personalised<'_> {
    /// The records, in the order of the locator; a qVSDC answer needs none.
    pub(super) fn records(self) -> Vec<RecordFile> {
        let planned: Vec<RecordFile> = self.behaviour.records.iter().map(|plan| self.planned(plan)).collect();
        match self.behaviour.cryptogram {
            _ if !planned.is_empty() => planned,
            CryptogramCommand::ProcessingOptions => Vec::new(),
            CryptogramCommand::MagneticStripe => vec![self.record(1, 1, &STRIPE)],
            CryptogramCommand::GenerateAc => vec![self.record(1, 1, &ACCOUNT), self.record(2, 1, &RULES)],
        }
    }

    /// Application file locator over the records.
    pub(super) fn afl(self) -> Vec<u8> {
        self.records().iter().flat_map(|file| [file.sfi << 3, file.record, file.record, 0]).collect()
    }

    fn planned(self, plan: &RecordPlan) -> RecordFile {
        let tags: Vec<Tag> = plan.tags().collect();
        self.record(plan.sfi, plan.record, &tags)
    }

    fn record(self, sfi: u8, record: u8, tags: &[Tag]) -> RecordFile {
        let values: Vec<(Tag, Vec<u8>)> = tags.iter().map(|tag| (*tag, self.value(*tag))).collect();
        let objects: Vec<(Tag, &[u8])> = values.iter().map(|(tag, value)| (*tag, value.as_slice())).collect();
        RecordFile { sfi, record, content: template(Tag::RECORD_TEMPLATE, &present(&objects)) }
    }

    /// The value of one object; empty when this card has none.
    fn value(self, tag: Tag) -> Vec<u8> {
        let hex = InterfaceBehaviour::bytes;
        let Self { profile, application, behaviour } = self;
        match tag {
            Tag::TRACK_2 => profile.track2(),
            Tag::PAN => profile.pan_compressed(),
            // Cards expire at the end of the month; the 28th is in every one.
            Tag::EXPIRY_DATE => hex(&format!("{}28", profile.expiry_yymm)),
            EFFECTIVE_DATE => vec![0x15, 0x01, 0x01],
            Tag::PAN_SEQUENCE => vec![packed(profile.psn)],
            Tag::CARDHOLDER_NAME => profile.cardholder.as_bytes().to_vec(),
            ISSUER_COUNTRY => hex(&profile.issuer_country),
            Tag::FORM_FACTOR => hex(&application.form_factor),
            Tag::CDOL1 => hex(&behaviour.cdol1),
            Tag::CDOL2 => behaviour.cdol2_bytes(),
            Tag::CVM_LIST => hex(&behaviour.cvm_list),
            ACTION_CODE_DEFAULT => hex(&application.action_codes.default),
            ACTION_CODE_DENIAL => hex(&application.action_codes.denial),
            ACTION_CODE_ONLINE => hex(&application.action_codes.online),
            USAGE_CONTROL => hex(&application.usage_control),
            APPLICATION_VERSION => hex(&application.version),
            // Stripe data: version, then where the reader puts counter, number and checksum into the tracks.
            STRIPE_VERSION => vec![0x00, 0x01],
            Tag(0x9F63) => vec![0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
            Tag(0x9F64) => vec![0x03],
            Tag(0x9F65) => vec![0x00, 0x0E],
            Tag(0x9F66) => vec![0x0E, 0x70],
            Tag::TRACK_2_MAG_STRIPE => profile.track2(),
            _ => Vec::new(),
        }
    }
}

/// A number below 100 as two packed digits.
pub(super) fn packed(number: u8) -> u8 {
    ((number / 10) << 4) | (number % 10)
}
