//! The card itself: SELECT, GET PROCESSING OPTIONS, READ RECORD, GENERATE AC, GET DATA (Book 3 section 6.5).

mod files;

use emv::issuer::{IccData, IssuerMasterKey};
use emv::tag::Tag;
use emv::{Interface, tlv};

use crate::counter::{Counter, CounterError};
use crate::profile::{CardApplication, CryptogramCommand, InterfaceBehaviour, Profile, covered_fields};
use files::{Directory, directory_of, fci_of, records_of};

/// Status words this card gives.
mod sw {
    pub const OK: [u8; 2] = [0x90, 0x00];
    pub const MEMORY_FAILURE: [u8; 2] = [0x65, 0x81];
    pub const WRONG_LENGTH: [u8; 2] = [0x67, 0x00];
    pub const CONDITIONS_NOT_SATISFIED: [u8; 2] = [0x69, 0x85];
    pub const WRONG_DATA: [u8; 2] = [0x6A, 0x80];
    pub const NOT_FOUND: [u8; 2] = [0x6A, 0x82];
    pub const RECORD_NOT_FOUND: [u8; 2] = [0x6A, 0x83];
    pub const WRONG_PARAMETERS: [u8; 2] = [0x6A, 0x86];
    pub const DATA_NOT_FOUND: [u8; 2] = [0x6A, 0x88];
    pub const INSTRUCTION_NOT_SUPPORTED: [u8; 2] = [0x6D, 0x00];
    pub const CLASS_NOT_SUPPORTED: [u8; 2] = [0x6E, 0x00];
}

/// A data field or a refusal.
type Answer = Result<Vec<u8>, [u8; 2]>;

/// A software card.
pub struct VirtualCard {
    profile: Profile,
    counter: Counter,
    /// `None` serves both, as a dual-interface card does in a test that has no field and no contacts.
    interface: Option<Interface>,
    state: State,
}

/// What was selected, and how far it went.
enum State {
    /// Fresh from reset.
    Reset,
    /// A directory.
    Directory(Directory),
    /// An application, over an interface.
    Application { index: usize, interface: Interface, progress: Progress },
}

/// How far an application went.
enum Progress {
    /// Selected.
    Selected,
    /// GET PROCESSING OPTIONS gave this counter.
    Initiated { atc: u16 },
    /// It gave its cryptogram.
    Spent,
}

impl VirtualCard {
    /// Personalises a card that serves both interfaces and forgets its counter.
    pub fn new(profile: Profile) -> Self {
        Self { profile, counter: Counter::in_memory(), interface: None, state: State::Reset }
    }

    /// Keeps the counter elsewhere.
    #[must_use]
    pub fn with_counter(mut self, counter: Counter) -> Self {
        self.counter = counter;
        self
    }

    /// Serves one interface only: a tapped card has no PSE, an inserted one no PPSE.
    #[must_use]
    pub fn over(mut self, interface: Interface) -> Self {
        self.interface = Some(interface);
        self
    }

    /// What the card is personalised with.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Answer to reset; a card that serves both answers as if tapped.
    pub fn atr(&self) -> Vec<u8> {
        files::atr_of(&self.profile, self.interface.unwrap_or(Interface::Contactless))
    }

    /// Power off, power on and reset all forget what was selected, and keep the counter.
    pub fn reset(&mut self) {
        self.state = State::Reset;
    }

    /// Answers a command.
    pub fn respond(&mut self, c_apdu: &[u8]) -> Vec<u8> {
        match self.dispatch(c_apdu) {
            Ok(data) => [data.as_slice(), &sw::OK].concat(),
            Err(status) => status.to_vec(),
        }
    }

    fn dispatch(&mut self, c_apdu: &[u8]) -> Answer {
        let [cla, ins, p1, p2, body @ ..] = c_apdu else { return Err(sw::WRONG_LENGTH) };
        match (cla, ins) {
            (0x00, 0xA4) => self.select(*p1, *p2, data_of(body)?),
            (0x00, 0xB2) => self.read_record(*p1, *p2),
            (0x80, 0xA8) => self.get_processing_options(data_of(body)?),
            (0x80, 0xAE) => self.generate_ac(*p1, data_of(body)?),
            (0x80, 0xCA) => self.get_data(u32::from(*p1) << 8 | u32::from(*p2)),
            (0x00 | 0x80, _) => Err(sw::INSTRUCTION_NOT_SUPPORTED),
            _ => Err(sw::CLASS_NOT_SUPPORTED),
        }
    }

    fn select(&mut self, p1: u8, p2: u8, name: &[u8]) -> Answer {
        if p1 != 0x04 || !matches!(p2, 0x00 | 0x02) {
            return Err(sw::WRONG_PARAMETERS);
        }
        if let Some(directory) = directory_of(name).filter(|directory| self.serves(directory.interface())) {
            let fci = directory.fci(&self.profile);
            self.state = State::Directory(directory);
            return Ok(fci);
        }
        let interface = match &self.state {
            _ if self.interface.is_some() => self.interface.unwrap_or(Interface::Contact),
            State::Directory(directory) => directory.interface(),
            State::Application { interface, .. } => *interface,
            State::Reset => Interface::Contact,
        };
        // Next occurrence: after the application selected now (Book 1 section 11.3.5).
        let from = match (&self.state, p2) {
            (State::Application { index, .. }, 0x02) => index + 1,
            _ => 0,
        };
        let matching = |application: &CardApplication| {
            (5..=16).contains(&name.len())
                && application.aid().starts_with(name)
                && application.over(interface).is_some()
        };
        let index = self.profile.applications.iter().skip(from).position(matching).ok_or(sw::NOT_FOUND)? + from;
        let application = &self.profile.applications[index];
        let behaviour = application.over(interface).ok_or(sw::NOT_FOUND)?;
        let fci = fci_of(application, behaviour);
        self.state = State::Application { index, interface, progress: Progress::Selected };
        Ok(fci)
    }

    fn serves(&self, interface: Interface) -> bool {
        self.interface.is_none_or(|only| only == interface)
    }

    fn read_record(&self, record: u8, p2: u8) -> Answer {
        if p2 & 0x07 != 0x04 {
            return Err(sw::WRONG_PARAMETERS);
        }
        let sfi = p2 >> 3;
        let found = match &self.state {
            State::Reset => return Err(sw::CONDITIONS_NOT_SATISFIED),
            State::Directory(directory) => directory.record(&self.profile, sfi, record),
            State::Application { progress: Progress::Selected, .. } => return Err(sw::CONDITIONS_NOT_SATISFIED),
            State::Application { index, interface, .. } => {
                let behaviour = self.profile.applications[*index].over(*interface).ok_or(sw::NOT_FOUND)?;
                records_of(&self.profile, behaviour)
                    .into_iter()
                    .find(|file| (file.sfi, file.record) == (sfi, record))
                    .map(|file| file.content)
            }
        };
        found.ok_or(sw::RECORD_NOT_FOUND)
    }

    fn get_processing_options(&mut self, data: &[u8]) -> Answer {
        let State::Application { index, interface, progress: Progress::Selected } = self.state else {
            return Err(sw::CONDITIONS_NOT_SATISFIED);
        };
        let application = self.profile.applications[index].clone();
        let behaviour = application.over(interface).ok_or(sw::NOT_FOUND)?;
        let objects = tlv::read(data, tlv::Mode::Strict).map_err(|_| sw::WRONG_DATA)?;
        let [template] = objects.as_slice() else { return Err(sw::WRONG_DATA) };
        if template.tag != Tag::COMMAND_TEMPLATE {
            return Err(sw::WRONG_DATA);
        }
        let sent = behaviour.pdol().split(template.value).map_err(|_| sw::WRONG_LENGTH)?;
        let in_answer = behaviour.cryptogram == CryptogramCommand::ProcessingOptions;
        if in_answer && !wants_emv_mode(&sent) {
            return Err(sw::CONDITIONS_NOT_SATISFIED);
        }
        let atc = self.next_atc()?;
        if in_answer {
            self.state = State::Application { index, interface, progress: Progress::Spent };
            let iad = application.issuer_application_data();
            let cryptogram = self.cryptogram(&application, behaviour, &sent, atc, &iad)?;
            return Ok(self.options_with_cryptogram(behaviour, atc, &iad, cryptogram));
        }
        self.state = State::Application { index, interface, progress: Progress::Initiated { atc } };
        let aip = behaviour.interchange_profile();
        let afl = files::afl_of(&self.profile, behaviour);
        Ok(if behaviour.answer_format == 1 {
            files::template(Tag::RESPONSE_FORMAT_1, &[&aip[..], &afl].concat())
        } else {
            files::constructed(Tag::RESPONSE_FORMAT_2, &[(Tag::AIP, &aip), (Tag::AFL, &afl)])
        })
    }

    /// The qVSDC answer: everything a reader needs, so that it may let go of the card (Book C-3 section 5.2).
    fn options_with_cryptogram(
        &self,
        behaviour: &InterfaceBehaviour,
        atc: u16,
        iad: &[u8],
        cryptogram: [u8; 8],
    ) -> Vec<u8> {
        files::constructed(
            Tag::RESPONSE_FORMAT_2,
            &[
                (Tag::AIP, &behaviour.interchange_profile()),
                (Tag::TRACK_2, &self.profile.track2()),
                (Tag::PAN_SEQUENCE, &[files::packed(self.profile.psn)]),
                (Tag::IAD, iad),
                (Tag::CRYPTOGRAM, &cryptogram),
                (Tag::CID, &[0x80]),
                (Tag::ATC, &atc.to_be_bytes()),
                (Tag::CTQ, &InterfaceBehaviour::bytes(&behaviour.transaction_qualifiers)),
            ],
        )
    }

    /// First GENERATE AC. The card never approves by itself: a request for a TC gets an ARQC, one for an AAC an AAC.
    fn generate_ac(&mut self, p1: u8, data: &[u8]) -> Answer {
        let State::Application { index, interface, progress: Progress::Initiated { atc } } = self.state else {
            return Err(sw::CONDITIONS_NOT_SATISFIED);
        };
        let application = self.profile.applications[index].clone();
        let behaviour = application.over(interface).ok_or(sw::NOT_FOUND)?;
        let mut iad = application.issuer_application_data();
        let cid = match p1 & 0xC0 {
            0x40 | 0x80 => 0x80,
            0x00 => 0x00,
            _ => return Err(sw::WRONG_PARAMETERS),
        };
        if cid == 0x00 {
            mark_declined(&mut iad, &application);
        }
        let sent = behaviour.cdol1().split(data).map_err(|_| sw::WRONG_LENGTH)?;
        self.state = State::Application { index, interface, progress: Progress::Spent };
        let cryptogram = self.cryptogram(&application, behaviour, &sent, atc, &iad)?;
        Ok(if behaviour.answer_format == 1 {
            files::template(Tag::RESPONSE_FORMAT_1, &[&[cid][..], &atc.to_be_bytes(), &cryptogram, &iad].concat())
        } else {
            files::constructed(
                Tag::RESPONSE_FORMAT_2,
                &[(Tag::CID, &[cid]), (Tag::ATC, &atc.to_be_bytes()), (Tag::CRYPTOGRAM, &cryptogram), (Tag::IAD, &iad)],
            )
        })
    }

    fn get_data(&self, tag: u32) -> Answer {
        match Tag(tag) {
            Tag::ATC => Ok(files::template(Tag::ATC, &self.counter.last().to_be_bytes())),
            _ => Err(sw::DATA_NOT_FOUND),
        }
    }

    fn next_atc(&mut self) -> Result<u16, [u8; 2]> {
        self.counter.advance().map_err(|error| match error {
            CounterError::Exhausted => sw::CONDITIONS_NOT_SATISFIED,
            CounterError::Io(_) | CounterError::Content => sw::MEMORY_FAILURE,
        })
    }

    /// The application cryptogram over what the terminal sent, under the card's own key.
    fn cryptogram(
        &self,
        application: &CardApplication,
        behaviour: &InterfaceBehaviour,
        sent: &[(Tag, Vec<u8>)],
        atc: u16,
        iad: &[u8],
    ) -> Result<[u8; 8], [u8; 2]> {
        let version = application.cryptogram_version().ok_or(sw::CONDITIONS_NOT_SATISFIED)?;
        let fields = covered_fields(sent, &behaviour.interchange_profile(), atc, iad);
        let fields = IccData::parse(&fields).map_err(|_| sw::WRONG_DATA)?;
        let input = version.input(&fields).map_err(|_| sw::WRONG_DATA)?;
        let number = fields.array(Tag::UNPREDICTABLE_NUMBER).map_err(|_| sw::WRONG_DATA)?;
        let issuer = IssuerMasterKey::new(self.profile.issuer_master_key_bytes());
        let card = version.card_key(&issuer, &self.profile.pan, self.profile.psn).map_err(|_| sw::WRONG_DATA)?;
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
    let at = match emv::Scheme::of_aid(&application.aid()) {
        emv::Scheme::Mastercard => 2,
        _ => 4,
    };
    if let Some(byte) = iad.get_mut(at) {
        *byte &= !0x30;
    }
}

/// Data field of a command with one: Lc, data, and perhaps Le.
fn data_of(body: &[u8]) -> Result<&[u8], [u8; 2]> {
    let (lc, rest) = body.split_first().ok_or(sw::WRONG_LENGTH)?;
    let lc = usize::from(*lc);
    if rest.len() == lc || rest.len() == lc + 1 { Ok(&rest[..lc]) } else { Err(sw::WRONG_LENGTH) }
}
