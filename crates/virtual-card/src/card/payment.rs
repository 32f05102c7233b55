//! GET PROCESSING OPTIONS and GENERATE AC (Book 3 sections 6.5.5 and 6.5.8; Book C-3 for qVSDC).

use emv::issuer::{IccData, IssuerMasterKey};
use emv::tag::Tag;
use emv::{Interface, tlv};

use super::files::{constructed, present, template};
use super::records::packed;
use super::status::{self, Answer, Status};
use super::{State, VirtualCard};
use crate::counter::CounterError;
use crate::profile::{CardApplication, CryptogramCommand, InterfaceBehaviour, covered_fields};

/// How far an application went.
pub(super) enum Progress {
    /// Selected.
    Selected,
    /// GET PROCESSING OPTIONS gave this counter.
    Initiated { atc: u16 },
    /// It gave its cryptogram.
    Spent,
}

impl VirtualCard {
    pub(super) fn get_processing_options(&mut self, data: &[u8]) -> Answer {
        let State::Application { index, interface, progress: Progress::Selected } = self.state else {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        };
        let application = self.profile.applications[index].clone();
        let behaviour = application.over(interface).ok_or(status::NOT_FOUND)?;
        let objects = tlv::read(data, tlv::Mode::Strict).map_err(|_| status::WRONG_DATA)?;
        let [given] = objects.as_slice() else { return Err(status::WRONG_DATA) };
        if given.tag != Tag::COMMAND_TEMPLATE {
            return Err(status::WRONG_DATA);
        }
        let sent = behaviour.pdol().split(given.value).map_err(|_| status::WRONG_LENGTH)?;
        let in_answer = behaviour.cryptogram == CryptogramCommand::ProcessingOptions;
        if in_answer && !wants_emv_mode(&sent) {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        }
        let atc = self.next_atc()?;
        if in_answer {
            self.state = State::Application { index, interface, progress: Progress::Spent };
            let iad = application.issuer_application_data(behaviour);
            let cryptogram = self.cryptogram(&application, interface, &sent, atc, &iad)?;
            return Ok(self.options_with_cryptogram(&application, behaviour, atc, &iad, cryptogram).into());
        }
        self.state = State::Application { index, interface, progress: Progress::Initiated { atc } };
        let aip = behaviour.interchange_profile();
        let afl = self.personalised(index, interface).ok_or(status::NOT_FOUND)?.afl();
        Ok(if behaviour.answer_format == 1 {
            template(Tag::RESPONSE_FORMAT_1, &[&aip[..], &afl].concat()).into()
        } else {
            constructed(Tag::RESPONSE_FORMAT_2, &[(Tag::AIP, &aip), (Tag::AFL, &afl)]).into()
        })
    }

    /// The qVSDC answer: everything a reader needs, so that it may let go of the card (Book C-3 section 5.2).
    fn options_with_cryptogram(
        &self,
        application: &CardApplication,
        behaviour: &InterfaceBehaviour,
        atc: u16,
        iad: &[u8],
        cryptogram: [u8; 8],
    ) -> Vec<u8> {
        let objects = present(&[
            (Tag::AIP, &behaviour.interchange_profile()),
            (Tag::TRACK_2, &self.profile.track2()),
            (Tag::PAN_SEQUENCE, &[packed(self.profile.psn)]),
            (Tag::IAD, iad),
            (Tag::CRYPTOGRAM, &cryptogram),
            (Tag::CID, &[0x80]),
            (Tag::ATC, &atc.to_be_bytes()),
            (Tag::CTQ, &InterfaceBehaviour::bytes(&behaviour.transaction_qualifiers)),
            (Tag::FORM_FACTOR, &InterfaceBehaviour::bytes(&application.form_factor)),
        ]);
        template(Tag::RESPONSE_FORMAT_2, &objects)
    }

    /// First GENERATE AC. The card never approves by itself: a request for a TC gets an ARQC, one for an AAC an AAC.
    pub(super) fn generate_ac(&mut self, p1: u8, data: &[u8]) -> Answer {
        let State::Application { index, interface, progress: Progress::Initiated { atc } } = self.state else {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        };
        let application = self.profile.applications[index].clone();
        let behaviour = application.over(interface).ok_or(status::NOT_FOUND)?;
        if behaviour.cryptogram != CryptogramCommand::GenerateAc {
            return Err(status::INSTRUCTION_NOT_SUPPORTED);
        }
        let mut iad = application.issuer_application_data(behaviour);
        let cid = match p1 & 0xC0 {
            0x40 | 0x80 => 0x80,
            0x00 => 0x00,
            _ => return Err(status::WRONG_PARAMETERS),
        };
        if cid == 0x00 {
            mark_declined(&mut iad, &application);
        }
        let sent = behaviour.cdol1().split(data).map_err(|_| status::WRONG_LENGTH)?;
        self.state = State::Application { index, interface, progress: Progress::Spent };
        let cryptogram = self.cryptogram(&application, interface, &sent, atc, &iad)?;
        Ok(if behaviour.answer_format == 1 {
            let parts = [&[cid][..], &atc.to_be_bytes(), &cryptogram, &iad].concat();
            template(Tag::RESPONSE_FORMAT_1, &parts).into()
        } else {
            constructed(
                Tag::RESPONSE_FORMAT_2,
                &[(Tag::CID, &[cid]), (Tag::ATC, &atc.to_be_bytes()), (Tag::CRYPTOGRAM, &cryptogram), (Tag::IAD, &iad)],
            )
            .into()
        })
    }

    fn next_atc(&mut self) -> Result<u16, Status> {
        self.counter.advance().map_err(|error| match error {
            CounterError::Exhausted => status::CONDITIONS_NOT_SATISFIED,
            CounterError::Io(_) | CounterError::Content => status::MEMORY_FAILURE,
        })
    }

    /// The application cryptogram over what the terminal sent, under the card's own key.
    fn cryptogram(
        &self,
        application: &CardApplication,
        interface: Interface,
        sent: &[(Tag, Vec<u8>)],
        atc: u16,
        iad: &[u8],
    ) -> Result<[u8; 8], Status> {
        let behaviour = application.over(interface).ok_or(status::NOT_FOUND)?;
        let version = application.cryptogram_version(interface).ok_or(status::CONDITIONS_NOT_SATISFIED)?;
        let fields = covered_fields(sent, &behaviour.interchange_profile(), atc, iad);
        let fields = IccData::parse(&fields).map_err(|_| status::WRONG_DATA)?;
        let input = version.input(&fields).map_err(|_| status::WRONG_DATA)?;
        let number = fields.array(Tag::UNPREDICTABLE_NUMBER).map_err(|_| status::WRONG_DATA)?;
        let issuer = IssuerMasterKey::new(self.profile.issuer_master_key_bytes());
        let card = version.card_key(&issuer, &self.profile.pan, self.profile.psn).map_err(|_| status::WRONG_DATA)?;
        Ok(version.session_key(&card, atc, number).mac(&input, version.padding()))
    }
}

/// Whether the terminal's qualifiers allow qVSDC (TTQ byte 1 bit 6, Book C-3).
fn wants_emv_mode(sent: &[(Tag, Vec<u8>)]) -> bool {
    sent.iter()
        .find(|(tag, _)| *tag == Tag::TTQ)
        .is_some_and(|(_, ttq)| ttq.first().is_some_and(|byte| byte & 0x20 != 0))
}

/// Writes "AAC returned" into the CVR: Visa keeps it in bits 6 and 5 of CVR byte 2, M/Chip in those of byte 1.
fn mark_declined(iad: &mut [u8], application: &CardApplication) {
    let at = match application.scheme() {
        emv::Scheme::Mastercard => 2,
        _ => 4,
    };
    if let Some(byte) = iad.get_mut(at) {
        *byte &= !0x30;
    }
}
