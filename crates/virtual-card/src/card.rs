//! The card itself: SELECT, GET PROCESSING OPTIONS, READ RECORD, GENERATE AC, GET DATA (Book 3 section 6.5).

mod authentication;
mod completion;
mod files;
mod memory;
mod payment;
mod pin;
mod records;
mod results;
mod status;
mod stripe;
mod t0;

use emv::issuer::CryptogramVersion;
use emv::tag::Tag;
use emv::{Interface, dol::Dol};

use crate::counter::Counter;
use crate::profile::{
    ApplicationState, CardApplication, ContactProtocol, InterfaceBehaviour, OfflinePin, Profile, Quirk,
};
use files::{Directory, directory_of, fci_of};
use memory::{CardState, Memory};
use payment::Progress;
use records::{Personalised, RecordFile};
use status::{Answer, Reply};

/// A software card.
pub struct VirtualCard {
    profile: Profile,
    counter: Counter,
    /// `None` serves both, as a dual-interface card does in a test that has no field and no contacts.
    interface: Option<Interface>,
    state: State,
    /// Records of the open application, from GET PROCESSING OPTIONS on.
    files: Vec<RecordFile>,
    memory: Memory,
    waiting: t0::Waiting,
}

/// What an entry of the log holds, tag 9F4F: amount, currency, date, type, counter.
const LOG_FORMAT: [u8; 13] = [0x9F, 0x02, 0x06, 0x5F, 0x2A, 0x02, 0x9A, 0x03, 0x9C, 0x01, 0x9F, 0x36, 0x02];

/// SFI of the log (Book 3 annex D).
const LOG_SFI: u8 = 0x0B;

/// An application that is open, copied out of the card so that its state can change meanwhile.
struct Open {
    index: usize,
    interface: Interface,
    application: CardApplication,
    behaviour: InterfaceBehaviour,
    progress: Progress,
}

impl Open {
    /// Rules its cryptograms follow.
    fn version(&self) -> Result<CryptogramVersion, status::Status> {
        self.application.cryptogram_version(self.interface).ok_or(status::CONDITIONS_NOT_SATISFIED)
    }
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

impl VirtualCard {
    /// Personalises a card that serves the interfaces of its profile and forgets its counter.
    pub fn new(profile: Profile) -> Self {
        let counter = Counter::in_memory();
        let (memory, waiting) = (Memory::new(), t0::Waiting::default());
        Self { profile, counter, interface: None, state: State::Reset, files: Vec::new(), memory, waiting }
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
        let contactless = self.serves(Interface::Contactless);
        files::atr_of(&self.profile, if contactless { Interface::Contactless } else { Interface::Contact })
    }

    /// Power off, power on and reset all forget what was selected, and keep the counter.
    pub fn reset(&mut self) {
        self.state = State::Reset;
        self.files.clear();
        self.waiting.clear();
    }

    /// Answers a command.
    pub fn respond(&mut self, c_apdu: &[u8]) -> Vec<u8> {
        let speaks_t0 = self.profile.contact_protocol == ContactProtocol::T0 && self.interface() == Interface::Contact;
        if speaks_t0 && c_apdu.starts_with(&[0x00, 0xC0]) {
            return self.waiting.collect(c_apdu);
        }
        self.waiting.clear();
        match self.dispatch(c_apdu) {
            Ok(reply) if speaks_t0 => self.waiting.answer(c_apdu, reply),
            Ok(reply) => reply.to_bytes(),
            Err(status) => status.to_vec(),
        }
    }

    fn dispatch(&mut self, c_apdu: &[u8]) -> Answer {
        let [cla, ins, p1, p2, body @ ..] = c_apdu else { return Err(status::WRONG_LENGTH) };
        match (cla, ins) {
            (0x00, 0xA4) => self.select(*p1, *p2, data_of(body)?),
            (0x00, 0xB2) => self.read_record(*p1, *p2),
            (0x80, 0xA8) => self.get_processing_options(data_of(body)?),
            (0x80, 0x2A) => self.compute_checksum(*p1, *p2, data_of(body)?),
            (0x80, 0xAE) => self.generate_ac(*p1, data_of(body)?),
            (0x00, 0x82) => self.external_authenticate(*p1, *p2, data_of(body)?),
            (0x00, 0x88) => self.internal_authenticate(data_of(body)?),
            (0x00, 0x84) => pin::challenge(),
            (0x00, 0x20) => self.verify(*p2, data_of(body)?),
            (0x80, 0xCA) => self.get_data(u32::from(*p1) << 8 | u32::from(*p2)),
            (0x04 | 0x0C | 0x84 | 0x8C, 0x16 | 0x18 | 0x1E | 0x24 | 0xDA) => self.script_command(c_apdu),
            (0x00 | 0x80, _) => Err(status::INSTRUCTION_NOT_SUPPORTED),
            _ => Err(status::CLASS_NOT_SUPPORTED),
        }
    }

    /// The interface in use: the one it is over, else the one of what was selected.
    fn interface(&self) -> Interface {
        match &self.state {
            _ if self.interface.is_some() => self.interface.unwrap_or(Interface::Contact),
            State::Directory(directory) => directory.interface(),
            State::Application { interface, .. } => *interface,
            State::Reset => self.profile.interfaces().first().copied().unwrap_or(Interface::Contact),
        }
    }

    fn select(&mut self, p1: u8, p2: u8, name: &[u8]) -> Answer {
        if p1 != 0x04 || !matches!(p2, 0x00 | 0x02) {
            return Err(status::WRONG_PARAMETERS);
        }
        if self.memory.card == CardState::Blocked {
            return Err(status::FUNCTION_NOT_SUPPORTED);
        }
        if directory_of(name).is_some() {
            if self.profile.has(Quirk::NoDirectory) {
                return Err(status::NOT_FOUND);
            }
            if self.profile.has(Quirk::DirectoryRefused) {
                return Err(status::WRONG_LENGTH);
            }
        }
        if let Some(directory) = directory_of(name).filter(|directory| self.serves(directory.interface())) {
            let fci = directory.fci(&self.profile);
            self.state = State::Directory(directory);
            return Ok(fci.into());
        }
        let interface = self.interface();
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
        let index = self.profile.applications.iter().skip(from).position(matching).ok_or(status::NOT_FOUND)? + from;
        let application = &self.profile.applications[index];
        let data = fci_of(&self.profile, application, application.over(interface).ok_or(status::NOT_FOUND)?);
        let status = match application.state {
            ApplicationState::Active if !self.memory.is_blocked(index) => status::OK,
            ApplicationState::Active | ApplicationState::Blocked => status::INVALIDATED,
        };
        self.state = State::Application { index, interface, progress: Progress::Selected };
        Ok(Reply { data, status })
    }

    fn serves(&self, interface: Interface) -> bool {
        self.interface.is_none_or(|only| only == interface) && self.profile.interfaces().contains(&interface)
    }

    fn read_record(&self, record: u8, p2: u8) -> Answer {
        if p2 & 0x07 != 0x04 {
            return Err(status::WRONG_PARAMETERS);
        }
        let sfi = p2 >> 3;
        let found = match &self.state {
            State::Reset => return Err(status::CONDITIONS_NOT_SATISFIED),
            State::Directory(directory) => directory.record(&self.profile, sfi, record),
            State::Application { .. } if sfi == LOG_SFI && self.profile.keeps_log() => {
                self.memory.logged(record).map(<[u8]>::to_vec)
            }
            State::Application { progress: Progress::Selected, .. } => return Err(status::CONDITIONS_NOT_SATISFIED),
            State::Application { .. } => {
                let wanted = |file: &&RecordFile| (file.sfi, file.record) == (sfi, record);
                self.files.iter().find(wanted).map(|file| file.content(&self.profile))
            }
        };
        found.map(Reply::from).ok_or(status::RECORD_NOT_FOUND)
    }

    /// The open application.
    fn open(&self) -> Result<Open, status::Status> {
        let State::Application { index, interface, progress } = &self.state else {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        };
        let application = self.profile.applications.get(*index).ok_or(status::NOT_FOUND)?.clone();
        let behaviour = application.over(*interface).ok_or(status::NOT_FOUND)?.clone();
        Ok(Open { index: *index, interface: *interface, application, behaviour, progress: progress.clone() })
    }

    /// An open application with everything its records are made of.
    fn personalised<'a>(&'a self, open: &'a Open) -> Personalised<'a> {
        Personalised { profile: &self.profile, application: &open.application, behaviour: &open.behaviour }
    }

    /// GET DATA (Book 3 section 6.5.7): the counters, the PIN tries, the log format, and what PUT DATA set.
    fn get_data(&self, tag: u32) -> Answer {
        self.open()?;
        if self.profile.has(Quirk::NoGetData) {
            return Err(status::DATA_NOT_FOUND);
        }
        let tag = Tag(tag);
        let own_pin = self.profile.offline_pin == OfflinePin::InCard;
        let value = match tag {
            Tag::ATC => self.counter.last().to_be_bytes().to_vec(),
            Tag(0x9F13) => self.memory.last_online_atc.to_be_bytes().to_vec(),
            Tag(0x9F17) if own_pin => vec![self.memory.pin_tries_left],
            Tag(0x9F4F) if self.profile.keeps_log() => LOG_FORMAT.to_vec(),
            other => self.memory.get(other).ok_or(status::DATA_NOT_FOUND)?.to_vec(),
        };
        Ok(files::template(tag, &value).into())
    }

    /// Notes a payment in the log, when the card keeps one.
    fn log(&mut self, sent: &[(Tag, Vec<u8>)], atc: u16) {
        if let (true, Ok(format)) = (self.profile.keeps_log(), Dol::parse(&LOG_FORMAT)) {
            let value = |tag| match tag {
                Tag::ATC => Some(atc.to_be_bytes().to_vec()),
                _ => sent.iter().find(|(given, _)| *given == tag).map(|(_, value)| value.clone()),
            };
            self.memory.log(format.build(value).bytes);
        }
    }
}

/// Data field of a command with one: Lc, data, and perhaps Le.
fn data_of(body: &[u8]) -> Result<&[u8], status::Status> {
    let (lc, rest) = body.split_first().ok_or(status::WRONG_LENGTH)?;
    let lc = usize::from(*lc);
    if rest.len() == lc || rest.len() == lc + 1 { Ok(&rest[..lc]) } else { Err(status::WRONG_LENGTH) }
}
