//! A card session: from the first SELECT to the cryptogram, without input or output of its own.
//!
//! ```text
//! SELECT PPSE ──(none)──┐            SELECT PSE ─ READ RECORD of its directory ──(none)──┐
//!      │                ▼                  │                                             ▼
//!      │      SELECT every known AID       │                          SELECT every known AID
//!      ▼                │                  ▼                                             │
//!   candidates ◄────────┴──────────────────┴─────────────────────────────────────────────┘
//!      │ (several, and the cardholder is asked) ─► Choose
//!      ▼
//!   SELECT application ─► GET PROCESSING OPTIONS ──(6985, 6700: next candidate)
//!                             │ ─► READ RECORD over the AFL ─► (DDA asked for) INTERNAL AUTHENTICATE
//!                             └──(no cryptogram yet)─► GENERATE AC, asking for an ARQC ─► Done
//! ```
//!
//! Every answer either moves on or ends; the number of exchanges is bounded by [`EXCHANGES_MAX`]. The caller
//! owns the reader, its deadline, and what it means when the card is taken away.

mod card_data;
mod offline_authentication;
mod payment_application;
mod selection;
mod terminal_checks;

use crate::apdu::{self, Exchange, Received};
use crate::application::{ApplicationSummary, PPSE, PSE};
use crate::error::CardError;
use crate::oda::CaKeys;
use crate::terminal::{Interface, TerminalData};

pub(crate) use card_data::CardData;
pub use card_data::{CardRead, Inspection, Outcome};
use payment_application::ApplicationStage;
use selection::SelectionStage;

/// How many commands one session may send, GET RESPONSE included. A card with a directory needs about ten; the
/// worst honest case, a contact card without one over T=0, stays below a hundred.
pub const EXCHANGES_MAX: u32 = 160;

/// What the card is read for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadPurpose {
    /// To pay: ends in a [`CardRead`] with an ARQC, or in an error.
    Pay,
    /// To look: ends in an [`Inspection`] of whatever the card gave. It may also use the card's transaction
    /// counter once; it never pays.
    Inspect,
}

/// Progress, for the person holding the card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Asking which applications there are.
    SelectingDirectory,
    /// Opening an application.
    SelectingApplication,
    /// Telling the card amount and place.
    Initiating,
    /// Reading the application's records.
    ReadingRecords {
        /// Records read.
        done: u8,
        /// Records in all.
        total: u8,
    },
    /// Asking for the cryptogram, or for a signature before it.
    GeneratingCryptogram,
}

/// What to do after an answer.
pub enum Step {
    /// Send this command and give its answer to [`CardSession::advance`].
    Transmit {
        /// The session.
        session: Box<CardSession>,
        /// The next command.
        c_apdu: Vec<u8>,
        /// How far the session is.
        phase: Phase,
    },
    /// Ask the cardholder which application to use. The card may stay where it is.
    Choose {
        /// Takes the choice.
        session: Box<ChoosingSession>,
        /// What to choose from, best first.
        applications: Vec<ApplicationSummary>,
    },
    /// Read to pay; the card may be taken away.
    Done(Box<CardRead>),
    /// Read to look; the card may be taken away.
    Inspected(Box<Inspection>),
}

/// A session waiting for the card's next answer.
pub struct CardSession {
    context: Context,
    exchange: Exchange,
    stage: Stage,
    phase: Phase,
}

/// A session waiting for the cardholder's choice.
pub struct ChoosingSession {
    context: Context,
}

/// What every stage needs.
pub(crate) struct Context {
    /// The terminal's values.
    pub(crate) terminal: TerminalData,
    /// Pay or look.
    pub(crate) purpose: ReadPurpose,
    /// Commands sent so far.
    pub(crate) exchanges: u32,
    /// Applications not tried yet, best first.
    pub(crate) candidates: Vec<ApplicationSummary>,
    /// Every application the card named.
    pub(crate) seen: Vec<ApplicationSummary>,
    /// Why the last candidate could not be used.
    pub(crate) trouble: Option<CardError>,
    /// The first application that opened, for an inspection that gets no further.
    pub(crate) opened: Option<crate::application::SelectedApplication>,
    /// An application that was looked at and did not tell its number.
    pub(crate) kept: Option<Box<(payment_application::OpenApplication, Outcome)>>,
}

/// Which command the awaited answer belongs to.
pub(crate) enum Stage {
    /// Finding and opening an application.
    Selection(SelectionStage),
    /// Using the opened application.
    Application(Box<ApplicationStage>),
}

impl CardSession {
    /// Starts a session; gives it with the first command.
    ///
    /// Looking takes the schemes' test cards for good as well; paying knows only the keys it was given.
    pub fn start(mut terminal: TerminalData, purpose: ReadPurpose) -> (Self, Vec<u8>) {
        if purpose == ReadPurpose::Inspect {
            terminal.ca_keys = terminal.ca_keys.and(&CaKeys::with_scheme_tests());
        }
        let (name, stage) = match terminal.interface {
            Interface::Contactless => (PPSE, SelectionStage::ContactlessDirectory),
            Interface::Contact => (PSE, SelectionStage::ContactDirectory),
        };
        let c_apdu = apdu::select(name, apdu::Occurrence::First);
        let context = Context {
            terminal,
            purpose,
            exchanges: 1,
            candidates: Vec::new(),
            seen: Vec::new(),
            trouble: None,
            opened: None,
            kept: None,
        };
        let session = Self {
            context,
            exchange: Exchange::new(c_apdu.clone()),
            stage: Stage::Selection(stage),
            phase: Phase::SelectingDirectory,
        };
        (session, c_apdu)
    }

    /// How far the session is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The applications the card has named so far.
    pub fn applications(&self) -> &[ApplicationSummary] {
        &self.context.seen
    }

    /// What a look had seen when the card was taken away; nothing before an application was opened, and nothing of a
    /// card that was to pay.
    pub fn interrupted(self) -> Option<Box<Inspection>> {
        match (self.context.purpose, self.stage) {
            (ReadPurpose::Inspect, Stage::Application(stage)) => {
                Some(card_data::inspection(self.context, stage.into_application(), Outcome::Interrupted))
            }
            (ReadPurpose::Inspect, Stage::Selection(_)) | (ReadPurpose::Pay, _) => None,
        }
    }

    /// Takes the card's answer to the last command.
    ///
    /// # Errors
    /// [`CardError`]; the session is over then.
    pub fn advance(self, r_apdu: &[u8]) -> Result<Step, CardError> {
        let Self { mut context, exchange, stage, phase } = self;
        match exchange.receive(r_apdu)? {
            Received::Again(exchange, c_apdu) => {
                context.count_exchange()?;
                Ok(Step::Transmit { session: Box::new(Self { context, exchange, stage, phase }), c_apdu, phase })
            }
            Received::Complete(data, sw) => match stage {
                Stage::Selection(stage) => stage.answered(context, &data, sw),
                Stage::Application(stage) => stage.answered(context, &data, sw),
            },
        }
    }
}

impl ChoosingSession {
    /// Goes on with the application at `index` of the offered list; gives the session with its next command.
    ///
    /// # Errors
    /// [`CardError::NoSuchChoice`].
    pub fn select(mut self, index: usize) -> Result<(CardSession, Vec<u8>), CardError> {
        if index >= self.context.candidates.len() {
            return Err(CardError::NoSuchChoice);
        }
        let candidate = self.context.candidates.remove(index);
        match selection::select_candidate(self.context, candidate)? {
            Step::Transmit { session, c_apdu, .. } => Ok((*session, c_apdu)),
            Step::Choose { .. } | Step::Done(_) | Step::Inspected(_) => Err(CardError::NoSuchChoice),
        }
    }
}

impl Context {
    /// Counts a command about to be sent.
    fn count_exchange(&mut self) -> Result<(), CardError> {
        if self.exchanges == EXCHANGES_MAX {
            return Err(CardError::TooManyExchanges);
        }
        self.exchanges += 1;
        Ok(())
    }

    /// Sends a command and waits in `stage`.
    pub(crate) fn transmit(mut self, stage: Stage, phase: Phase, c_apdu: Vec<u8>) -> Result<Step, CardError> {
        self.count_exchange()?;
        let exchange = Exchange::new(c_apdu.clone());
        let session = Box::new(CardSession { context: self, exchange, stage, phase });
        Ok(Step::Transmit { session, c_apdu, phase })
    }

    /// Asks the cardholder.
    pub(crate) fn ask(self) -> Step {
        let applications = self.candidates.clone();
        Step::Choose { session: Box::new(ChoosingSession { context: self }), applications }
    }
}
