//! The card itself: SELECT, GET PROCESSING OPTIONS, READ RECORD, GENERATE AC, GET DATA (Book 3 section 6.5).

mod files;
mod payment;
mod records;
mod status;
mod t0;

use emv::Interface;
use emv::tag::Tag;

use crate::counter::Counter;
use crate::profile::{ApplicationState, CardApplication, ContactProtocol, Profile};
use files::{Directory, directory_of, fci_of};
use payment::Progress;
use records::Personalised;
use status::{Answer, Reply};

/// A software card.
pub struct VirtualCard {
    profile: Profile,
    counter: Counter,
    /// `None` serves both, as a dual-interface card does in a test that has no field and no contacts.
    interface: Option<Interface>,
    state: State,
    waiting: t0::Waiting,
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
        Self { profile, counter, interface: None, state: State::Reset, waiting: t0::Waiting::default() }
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
            (0x80, 0xAE) => self.generate_ac(*p1, data_of(body)?),
            (0x80, 0xCA) => self.get_data(u32::from(*p1) << 8 | u32::from(*p2)),
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
        let data = fci_of(application, application.over(interface).ok_or(status::NOT_FOUND)?);
        let status = match application.state {
            ApplicationState::Active => status::OK,
            ApplicationState::Blocked => status::INVALIDATED,
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
            State::Application { progress: Progress::Selected, .. } => return Err(status::CONDITIONS_NOT_SATISFIED),
            State::Application { index, interface, .. } => {
                let files = self.personalised(*index, *interface).ok_or(status::NOT_FOUND)?.records();
                files.into_iter().find(|file| (file.sfi, file.record) == (sfi, record)).map(|file| file.content)
            }
        };
        found.map(Reply::from).ok_or(status::RECORD_NOT_FOUND)
    }

    /// An application over an interface, with everything its records are made of.
    fn personalised(&self, index: usize, interface: Interface) -> Option<Personalised<'_>> {
        let application = self.profile.applications.get(index)?;
        Some(Personalised { profile: &self.profile, application, behaviour: application.over(interface)? })
    }

    fn get_data(&self, tag: u32) -> Answer {
        match Tag(tag) {
            Tag::ATC => Ok(files::template(Tag::ATC, &self.counter.last().to_be_bytes()).into()),
            _ => Err(status::DATA_NOT_FOUND),
        }
    }
}

/// Data field of a command with one: Lc, data, and perhaps Le.
fn data_of(body: &[u8]) -> Result<&[u8], status::Status> {
    let (lc, rest) = body.split_first().ok_or(status::WRONG_LENGTH)?;
    let lc = usize::from(*lc);
    if rest.len() == lc || rest.len() == lc + 1 { Ok(&rest[..lc]) } else { Err(status::WRONG_LENGTH) }
}
