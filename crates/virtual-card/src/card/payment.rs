//! GET PROCESSING OPTIONS and the first GENERATE AC (Book 3 sections 6.5.5 and 6.5.8; Book C-3 for qVSDC).

use emv::issuer::{CardMasterKey, CryptogramVersion, IccData, IssuerMasterKey};
use emv::tag::Tag;
use emv::tlv;

use super::authentication::{FastSignature, signed_answer};
use super::files::{constructed, present, template};
use super::memory::DeviceState;
use super::records::{locator, packed};
use super::results::{Authentication, Kind, mark_first};
use super::status::{self, Answer, Status};
use super::{Open, State, VirtualCard};
use crate::counter::CounterError;
use crate::profile::{CryptogramCommand, InterfaceBehaviour, Quirk, covered_fields};

/// File of the record that [`Quirk::MissingRecord`] names and that is not there.
const MISSING_SFI: u8 = 9;

/// How far an application went.
#[derive(Clone)]
pub(super) enum Progress {
    /// Selected.
    Selected,
    /// GET PROCESSING OPTIONS took this data and gave this counter.
    Initiated { atc: u16, pdol_data: Vec<u8> },
    /// It gave an ARQC and waits for the issuer's answer.
    Online(Online),
    /// It gave its last cryptogram; scripts may still come.
    Finished(Online),
    /// It gave its cryptogram, and nothing follows.
    Spent,
}

/// A payment the issuer is asked about.
#[derive(Clone)]
pub(super) struct Online {
    /// What the terminal sent with the first GENERATE AC: the second covers it as well.
    pub(super) sent: Vec<(Tag, Vec<u8>)>,
    pub(super) atc: u16,
    pub(super) arqc: [u8; 8],
    pub(super) unpredictable_number: [u8; 4],
    pub(super) authentication: Authentication,
    /// Whether the issuer approved, by its card status update; ARPC method 1 says so only to the terminal.
    pub(super) approval: Approval,
    /// Script commands received so far.
    pub(super) script_commands: u8,
}

/// What an authenticated answer said of the payment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Approval {
    NotRefused,
    Refused,
}

/// Whether GENERATE AC asks for the cryptogram inside a signature (P1 bit 5, Book 3 table 12).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Combined {
    NotAskedFor,
    AskedFor,
}

/// A cryptogram with what it was made over.
pub(super) struct Made {
    pub(super) kind: Kind,
    pub(super) atc: u16,
    pub(super) cryptogram: [u8; 8],
    pub(super) unpredictable_number: [u8; 4],
    pub(super) iad: Vec<u8>,
}

impl VirtualCard {
    pub(super) fn get_processing_options(&mut self, data: &[u8]) -> Answer {
        let open = self.open()?;
        if !matches!(open.progress, Progress::Selected) {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        }
        let objects = tlv::read(data, tlv::Mode::Strict).map_err(|_| status::WRONG_DATA)?;
        let [given] = objects.as_slice() else { return Err(status::WRONG_DATA) };
        if given.tag != Tag::COMMAND_TEMPLATE {
            return Err(status::WRONG_DATA);
        }
        let sent = open.behaviour.pdol().split(given.value).map_err(|_| status::WRONG_LENGTH)?;
        if open.index == 0 && self.profile.has(Quirk::FirstRefuses) {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        }
        if self.profile.has(Quirk::LockedOnce) && self.memory.device == DeviceState::Locked {
            self.memory.device = DeviceState::Unlocked;
            return Err(status::NOT_ALLOWED);
        }
        let in_answer = open.behaviour.cryptogram == CryptogramCommand::ProcessingOptions;
        if in_answer && !wants_emv_mode(&sent) {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        }
        let atc = self.next_atc()?;
        if in_answer {
            self.set_progress(Progress::Spent);
            let made = self.make(&open, Kind::Arqc, &sent, atc, |_, _| {})?;
            self.log(&sent, atc);
            let signature = FastSignature::over(&open, &sent, &made);
            self.files =
                self.personalised(&open).files(signature.as_ref().map(|signature| signature.related.as_slice()));
            return Ok(self.options_with_cryptogram(&open, &made, signature.as_ref()).into());
        }
        self.set_progress(Progress::Initiated { atc, pdol_data: given.value.to_vec() });
        self.files = self.personalised(&open).files(None);
        let aip = open.behaviour.interchange_profile();
        let mut afl = locator(&self.files);
        if self.profile.has(Quirk::MissingRecord) {
            afl.extend([MISSING_SFI << 3, 1, 1, 0]);
        }
        Ok(if open.behaviour.answer_format == 1 {
            template(Tag::RESPONSE_FORMAT_1, &[&aip[..], &afl].concat()).into()
        } else {
            template(Tag::RESPONSE_FORMAT_2, &present(&[(Tag::AIP, &aip), (Tag::AFL, &afl)])).into()
        })
    }

    /// The qVSDC answer: everything a reader needs, so that it may let go of the card (Book C-3 section 5.2).
    fn options_with_cryptogram(&self, open: &Open, made: &Made, signature: Option<&FastSignature>) -> Vec<u8> {
        let objects = present(&[
            (Tag::AIP, &open.behaviour.interchange_profile()),
            (Tag::AFL, &locator(&self.files)),
            (Tag::TRACK_2, &self.profile.track2()),
            (Tag::PAN_SEQUENCE, &[packed(self.profile.psn)]),
            (Tag::IAD, &made.iad),
            (Tag::CRYPTOGRAM, &made.cryptogram),
            (Tag::CID, &[made.kind.cid()]),
            (Tag::ATC, &made.atc.to_be_bytes()),
            (Tag::CTQ, &InterfaceBehaviour::bytes(&open.behaviour.transaction_qualifiers)),
            (Tag::FORM_FACTOR, &InterfaceBehaviour::bytes(&open.application.form_factor)),
            (Tag::SDAD, signature.map_or(&[][..], |signature| &signature.signed)),
        ]);
        template(Tag::RESPONSE_FORMAT_2, &objects)
    }

    /// GENERATE AC, first or second.
    pub(super) fn generate_ac(&mut self, p1: u8, data: &[u8]) -> Answer {
        let open = self.open()?;
        let asked = match p1 & 0xC0 {
            0x00 => Kind::Aac,
            0x40 => Kind::Tc,
            0x80 => Kind::Arqc,
            _ => return Err(status::WRONG_PARAMETERS),
        };
        let combined = match p1 & 0x10 {
            0x00 => Combined::NotAskedFor,
            _ => Combined::AskedFor,
        };
        match open.progress {
            Progress::Initiated { atc, ref pdol_data }
                if open.behaviour.cryptogram == CryptogramCommand::GenerateAc =>
            {
                let pdol_data = pdol_data.clone();
                let made = self.first_cryptogram(&open, asked, atc, data)?;
                Ok(match combined {
                    Combined::AskedFor if made.kind == Kind::Arqc && open.signs_cryptograms() => {
                        signed_answer(&made, &[&pdol_data, data])?
                    }
                    _ => cryptogram_answer(&open, &made),
                })
            }
            Progress::Online(ref online) => self.second_cryptogram(&open, asked, online.clone(), data),
            _ => Err(status::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// The card never approves by itself: a request for a TC gets an ARQC, one for an AAC an AAC. A blocked
    /// application gives nothing but an AAC (Book 3 section 9.3).
    fn first_cryptogram(&mut self, open: &Open, asked: Kind, atc: u16, data: &[u8]) -> Result<Made, Status> {
        let sent = open.behaviour.cdol1().split(data).map_err(|_| status::WRONG_LENGTH)?;
        let kind = match asked {
            Kind::Arqc | Kind::Tc if !self.memory.is_blocked(open.index) => Kind::Arqc,
            _ => Kind::Aac,
        };
        self.set_progress(Progress::Spent);
        let made = self.make(open, kind, &sent, atc, |iad, version| mark_first(iad, version, kind))?;
        self.log(&sent, atc);
        if kind == Kind::Arqc {
            self.set_progress(Progress::Online(Online {
                sent,
                atc,
                arqc: made.cryptogram,
                unpredictable_number: made.unpredictable_number,
                authentication: Authentication::NotPerformed,
                approval: Approval::NotRefused,
                script_commands: 0,
            }));
        }
        Ok(made)
    }

    fn next_atc(&mut self) -> Result<u16, Status> {
        self.counter.advance().map_err(|error| match error {
            CounterError::Exhausted => status::CONDITIONS_NOT_SATISFIED,
            CounterError::Io(_) | CounterError::Content => status::MEMORY_FAILURE,
        })
    }

    /// Makes an application cryptogram over what the terminal sent, under the card's own key, with the verification
    /// results as `mark` leaves them.
    pub(super) fn make(
        &self,
        open: &Open,
        kind: Kind,
        sent: &[(Tag, Vec<u8>)],
        atc: u16,
        mark: impl FnOnce(&mut [u8], CryptogramVersion),
    ) -> Result<Made, Status> {
        let version = open.version()?;
        let mut iad = open.application.issuer_application_data(&open.behaviour);
        mark(&mut iad, version);
        let fields = covered_fields(sent, &open.behaviour.interchange_profile(), atc, &iad);
        let fields = IccData::parse(&fields).map_err(|_| status::WRONG_DATA)?;
        let input = version.input(&fields).map_err(|_| status::WRONG_DATA)?;
        let unpredictable_number = fields.array(Tag::UNPREDICTABLE_NUMBER).map_err(|_| status::WRONG_DATA)?;
        let card = self.card_key(version, KeyUse::Cryptogram)?;
        let cryptogram = version.session_key(&card, atc, unpredictable_number).mac(&input, version.padding());
        Ok(Made { kind, atc, cryptogram, unpredictable_number, iad })
    }

    /// The card's key: its own, or the one under its issuer's.
    pub(super) fn card_key(&self, version: CryptogramVersion, usage: KeyUse) -> Result<CardMasterKey, Status> {
        if let Some([card, script]) = self.profile.own_keys() {
            return Ok(CardMasterKey::new(if usage == KeyUse::Cryptogram { card } else { script }));
        }
        let issuer = IssuerMasterKey::new(match usage {
            KeyUse::Cryptogram => self.profile.issuer_master_key_bytes(),
            KeyUse::Script => self.profile.issuer_script_key_bytes(),
        });
        version.card_key(&issuer, &self.profile.pan, self.profile.psn).map_err(|_| status::WRONG_DATA)
    }

    pub(super) fn set_progress(&mut self, to: Progress) {
        if let State::Application { progress, .. } = &mut self.state {
            *progress = to;
        }
    }
}

/// What a card's key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyUse {
    /// Cryptograms, and answers to them.
    Cryptogram,
    /// The MACs of scripts.
    Script,
}

/// The answer to GENERATE AC, in the format of the application.
pub(super) fn cryptogram_answer(open: &Open, made: &Made) -> super::status::Reply {
    let (cid, atc) = ([made.kind.cid()], made.atc.to_be_bytes());
    if open.behaviour.answer_format == 1 {
        template(Tag::RESPONSE_FORMAT_1, &[&cid[..], &atc, &made.cryptogram, &made.iad].concat()).into()
    } else {
        constructed(
            Tag::RESPONSE_FORMAT_2,
            &[(Tag::CID, &cid), (Tag::ATC, &atc), (Tag::CRYPTOGRAM, &made.cryptogram), (Tag::IAD, &made.iad)],
        )
        .into()
    }
}

/// Whether the terminal's qualifiers allow qVSDC (TTQ byte 1 bit 6, Book C-3).
fn wants_emv_mode(sent: &[(Tag, Vec<u8>)]) -> bool {
    sent.iter()
        .find(|(tag, _)| *tag == Tag::TTQ)
        .is_some_and(|(_, ttq)| ttq.first().is_some_and(|byte| byte & 0x20 != 0))
}
