//! The application's records and the locator over them (Book 3 sections 7 and 10.2).

use emv::tag::Tag;

use super::files::{present, template};
use crate::oda::{CardFacts, Certificates};
use crate::profile::{
    CERTIFICATES_SFI, CardApplication, CryptogramCommand, InterfaceBehaviour, OfflineAuthentication, Profile, Quirk,
    RecordPlan,
};

/// One record.
pub(super) struct RecordFile {
    pub(super) sfi: u8,
    pub(super) record: u8,
    /// What is inside template 70.
    objects: Vec<u8>,
    coverage: Coverage,
}

/// Whether offline data authentication covers a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Signed,
    Unsigned,
}

impl RecordFile {
    /// The answer to READ RECORD.
    pub(super) fn content(&self, profile: &Profile) -> Vec<u8> {
        let outer = if profile.has(Quirk::RecordsIn77) { Tag::RESPONSE_FORMAT_2 } else { Tag::RECORD_TEMPLATE };
        template(outer, &self.objects)
    }
}

/// 9F4A: the interchange profile is signed with the records.
const STATIC_DATA_TAGS: Tag = Tag(0x9F4A);
/// Dynamic data object list.
const DDOL: Tag = Tag(0x9F49);
/// Card authentication related data (Book C-3).
const CARD_AUTHENTICATION: Tag = Tag(0x9F69);

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
    /// The records, in the order of the locator. `related` is what a qVSDC card signs beside the terminal's data; with
    /// it come the certificates, and without it a qVSDC card needs no record.
    pub(super) fn files(self, related: Option<&[u8]>) -> Vec<RecordFile> {
        let mut files: Vec<RecordFile> = self.behaviour.records.iter().map(|plan| self.planned(plan)).collect();
        if files.is_empty() {
            files = match self.behaviour.cryptogram {
                CryptogramCommand::ProcessingOptions => Vec::new(),
                CryptogramCommand::MagneticStripe => vec![self.record(1, 1, &STRIPE)],
                CryptogramCommand::GenerateAc => vec![self.record(1, 1, &ACCOUNT), self.record(2, 1, &RULES)],
            };
        }
        let authentication = self.behaviour.offline_authentication;
        if authentication != OfflineAuthentication::None
            && (authentication != OfflineAuthentication::FastDda || related.is_some())
        {
            let certificates = self.certificates(&files);
            files.extend(certificate_files(&certificates, authentication));
            if let Some(related) = related {
                let expiry = self.value(Tag::EXPIRY_DATE);
                files.push(unsigned(3, &[(Tag::EXPIRY_DATE, &expiry), (CARD_AUTHENTICATION, related)]));
            }
        }
        files
    }

    fn certificates(self, files: &[RecordFile]) -> Certificates {
        let signed = files.iter().filter(|file| file.coverage == Coverage::Signed);
        let mut static_data: Vec<u8> = signed.flat_map(|file| file.objects.iter().copied()).collect();
        static_data.extend(self.behaviour.interchange_profile());
        let expiry = self.value(Tag::EXPIRY_DATE);
        Certificates::issue(&CardFacts {
            pan_digits: &self.profile.pan,
            expiry_mmyy: [expiry[1], expiry[0]],
            static_data: &static_data,
        })
    }

    fn planned(self, plan: &RecordPlan) -> RecordFile {
        let tags: Vec<Tag> = plan.tags().collect();
        self.record(plan.sfi, plan.record, &tags)
    }

    fn record(self, sfi: u8, record: u8, tags: &[Tag]) -> RecordFile {
        let values: Vec<(Tag, Vec<u8>)> = tags.iter().map(|tag| (*tag, self.value(*tag))).collect();
        let objects: Vec<(Tag, &[u8])> = values.iter().map(|(tag, value)| (*tag, value.as_slice())).collect();
        let coverage = match self.behaviour.offline_authentication {
            OfflineAuthentication::None | OfflineAuthentication::FastDda => Coverage::Unsigned,
            OfflineAuthentication::Sda | OfflineAuthentication::Dda | OfflineAuthentication::Cda => Coverage::Signed,
        };
        RecordFile { sfi, record, objects: present(&objects), coverage }
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

/// Application file locator over records: file, first, last, how many are signed. Neighbours share an entry.
pub(super) fn locator(files: &[RecordFile]) -> Vec<u8> {
    let mut entries: Vec<[u8; 4]> = Vec::new();
    for file in files {
        let signed = u8::from(file.coverage == Coverage::Signed);
        match entries.last_mut() {
            // Signed records come first within an entry.
            Some([sfi, first, last, count])
                if *sfi == file.sfi << 3
                    && file.record == *last + 1
                    && (signed == 0 || *count == *last - *first + 1) =>
            {
                *last += 1;
                *count += signed;
            }
            _ => entries.push([file.sfi << 3, file.record, file.record, signed]),
        }
    }
    entries.concat()
}

/// The certificates' records.
fn certificate_files(certificates: &Certificates, authentication: OfflineAuthentication) -> Vec<RecordFile> {
    let index = [certificates.authority_index];
    let issuer = unsigned(
        1,
        &[
            (Tag(0x8F), &index),
            (Tag(0x9F32), &certificates.issuer_exponent),
            (Tag(0x92), &certificates.issuer_remainder),
            (Tag(0x90), &certificates.issuer),
        ],
    );
    let aip: (Tag, &[u8]) = (STATIC_DATA_TAGS, &[0x82]);
    let card: (Tag, &[u8]) = (Tag(0x9F46), &certificates.card);
    let rest: [(Tag, &[u8]); 2] =
        [(Tag(0x9F47), &certificates.card_exponent), (Tag(0x9F48), &certificates.card_remainder)];
    let second = match authentication {
        OfflineAuthentication::None => return Vec::new(),
        OfflineAuthentication::Sda => unsigned(2, &[(Tag(0x93), &certificates.static_signature), aip]),
        OfflineAuthentication::FastDda => unsigned(2, &[card, rest[0], rest[1], aip]),
        // The unpredictable number alone.
        OfflineAuthentication::Dda | OfflineAuthentication::Cda => {
            unsigned(2, &[card, rest[0], rest[1], (DDOL, &[0x9F, 0x37, 0x04]), aip])
        }
    };
    vec![issuer, second]
}

fn unsigned(record: u8, objects: &[(Tag, &[u8])]) -> RecordFile {
    RecordFile { sfi: CERTIFICATES_SFI, record, objects: present(objects), coverage: Coverage::Unsigned }
}

/// A number below 100 as two packed digits.
pub(super) fn packed(number: u8) -> u8 {
    ((number / 10) << 4) | (number % 10)
}
