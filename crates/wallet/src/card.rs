//! A card session over a reader: waits for the card, drives the EMV flow with a deadline, hands over what was read.
//!
//! Everything here blocks and runs off the async threads. What was read lives in one value that is wiped when
//! dropped, and is never logged.

mod inserted;
mod presented;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use emv::{
    ApplicationSummary, CaKeys, CardSession, Inspection, Interface, Phase, ReadPurpose, Step, Swipe, TerminalData,
    derive_unpredictable_number,
};
use payment::{Amount, AttemptHash};
use protocol::ErrorCode;
use protocol::ipc::{CardGesture, ReadPhase};

use crate::clock;
use crate::error::{Result, WalletError};
use crate::readers::{Found, HeldCard, Lookout, Place, ReaderError, gesture_of};

pub use inserted::InsertedCard;
pub use presented::Presented;

/// How often it is checked whether the person has chosen or stopped.
const CHOICE_CHECK: Duration = Duration::from_millis(100);
/// How long reading may take once the card is there, the person's choice apart.
const READ_WAIT: Duration = Duration::from_secs(20);
/// How long a card may take for one answer. The slowest step of an honest card, a signature with a long key, takes
/// one or two seconds.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(8);
/// How long a card that left before it answered anything is given to come back.
const SILENT_PAUSE: Duration = Duration::from_millis(250);
/// How long the person may take to choose an application while the card stays.
const CHOICE_WAIT: Duration = Duration::from_mins(1);
/// How often a card that answers nothing at all is taken for one that left before: readers notice a card that is
/// pulled out, or changed for another, only after a moment.
const SILENT_CARDS_MAX: u32 = 3;
/// How many steps a person is shown.
pub const STEPS: u8 = 5;

/// What the terminal says to the card.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// How much.
    pub amount: Amount,
    /// ISO 3166 numeric country.
    pub country: u16,
    /// What the card's cryptogram is tied to.
    pub attempt_hash: AttemptHash,
    /// The payee.
    pub merchant_name: String,
    /// The time, ms since the Unix epoch; the card gets it in UTC.
    pub now_ms: u64,
    /// The certification authorities it knows.
    pub ca_keys: CaKeys,
}

/// What a card that is only looked at is told it would pay, in minor units: one dollar.
const LOOK_AMOUNT_MINOR: i64 = 100;

impl Terminal {
    /// For a look: one dollar to nobody, tied to a random hash that is never sent.
    pub fn to_look(country: u16, ca_keys: CaKeys) -> Result<Self> {
        let mut hash = [0; 32];
        getrandom::fill(&mut hash).map_err(|_| WalletError::Code(ErrorCode::Internal))?;
        let currency = "USD".parse().expect("USD is a currency");
        Ok(Self {
            amount: Amount::new(LOOK_AMOUNT_MINOR, currency),
            country,
            attempt_hash: AttemptHash::from_bytes(hash),
            merchant_name: String::new(),
            now_ms: clock::now_ms(),
            ca_keys,
        })
    }

    fn data(&self, interface: Interface) -> TerminalData {
        let currency = self.amount.currency();
        let amount_minor = u64::try_from(self.amount.minor()).unwrap_or(0);
        let unpredictable = derive_unpredictable_number(self.attempt_hash.as_bytes());
        let (date, time) = date_and_time(self.now_ms);
        let mut data = TerminalData::purchase(amount_minor, currency.numeric(), self.country, unpredictable, interface)
            .at(date, time);
        data.currency_exponent = currency.exponent();
        data.merchant_name.clone_from(&self.merchant_name);
        data.ca_keys = self.ca_keys.clone();
        data
    }
}

/// Year, month, day and hour, minute, second in UTC.
fn date_and_time(now_ms: u64) -> ([u8; 3], [u8; 3]) {
    let now_ms = i64::try_from(now_ms).unwrap_or(0);
    let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let now = jiff::tz::TimeZone::UTC.to_datetime(now);
    let small = |part: i8| u8::try_from(part).unwrap_or(0);
    let year = u8::try_from(now.year() % 100).unwrap_or(0);
    ([year, small(now.month()), small(now.day())], [small(now.hour()), small(now.minute()), small(now.second())])
}

/// What happens while a card is waited for and read.
pub enum CardEvent {
    /// Still waiting for a card: what is in the way, such as `no_reader` or `card_use_chip`, or nothing any more.
    Waiting(Option<ErrorCode>),
    /// A card is there.
    Connected {
        /// The reader's id.
        reader: String,
        /// What the person did with it.
        gesture: CardGesture,
    },
    /// Reading, step by step.
    Reading {
        /// From 1 to [`STEPS`].
        step: u8,
        /// What the step is.
        phase: ReadPhase,
    },
    /// The person must choose.
    Choose {
        /// Best first.
        applications: Vec<ApplicationSummary>,
        /// Takes the index.
        answer: mpsc::Sender<usize>,
    },
    /// The card was there, and its reading failed.
    Failed {
        /// How many commands it answered.
        exchanges: u32,
        /// From its arrival on.
        took: Duration,
        /// The applications it had named by then.
        applications: Vec<ApplicationSummary>,
        /// What a look had seen of the one it opened.
        seen: Option<Box<Inspection>>,
    },
}

/// How a wait for a card is told and ended.
pub struct Watcher {
    /// Takes what happens.
    pub events: tokio::sync::mpsc::UnboundedSender<CardEvent>,
    /// Set to stop waiting or reading.
    pub stop: Arc<AtomicBool>,
}

impl Watcher {
    fn tell(&self, event: CardEvent) {
        // Nobody listens any more when the checkout is over; the read then ends by itself.
        let _ = self.events.send(event);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A card that was read, and how that went.
pub struct Reading<T> {
    /// What was read.
    pub read: T,
    /// The reader's id.
    pub reader: String,
    /// From the card's arrival to its last answer.
    pub took: Duration,
}

/// A card that was looked at.
pub enum Looked {
    /// Its chip.
    Chip(Box<Inspection>),
    /// Its stripe.
    Stripe(Box<Swipe>),
}

/// Waits for a card until `card_deadline` and reads it to pay. A card that waits in the slot for its bank's answer
/// comes along as [`InsertedCard`].
///
/// # Errors
/// [`ReaderError::Stopped`] when the watcher stopped; [`ReaderError::Absent`], or what was in the way, when no card
/// came in time; [`ReaderError::Removed`] when it left early, [`ReaderError::Timeout`] when it stopped answering;
/// [`WalletError::Card`] when it cannot be used.
pub fn read_to_pay(
    places: &[Place],
    terminal: &Terminal,
    card_deadline: Instant,
    watcher: &Watcher,
) -> Result<(Reading<Presented>, Option<InsertedCard>)> {
    let reading = read(places, terminal, ReadPurpose::Pay, card_deadline, watcher)?;
    let (read, inserted) = match reading.read {
        Seen::Swipe(swipe) => (Presented::Stripe(swipe), None),
        Seen::Chip(Step::Done(mut read), card) => {
            let completion = read.completion.take();
            let inserted = match completion {
                Some(completion) if read.interface == Interface::Contact => Some(InsertedCard::new(card, completion)),
                Some(_) | None => {
                    // The person may take it away at once; its reader lets go of it meanwhile.
                    drop(card);
                    None
                }
            };
            (Presented::Chip(read), inserted)
        }
        Seen::Chip(Step::Inspected(_) | Step::Transmit { .. } | Step::Choose { .. }, _) => {
            return Err(emv::CardError::Unsupported { reason: "it was only looked at" }.into());
        }
    };
    Ok((Reading { read, reader: reading.reader, took: reading.took }, inserted))
}

/// Waits for a card and reads it to look; nothing is paid.
pub fn inspect(
    places: &[Place],
    terminal: &Terminal,
    card_deadline: Instant,
    watcher: &Watcher,
) -> Result<Reading<Looked>> {
    let reading = read(places, terminal, ReadPurpose::Inspect, card_deadline, watcher)?;
    let read = match reading.read {
        Seen::Swipe(swipe) => Looked::Stripe(swipe),
        Seen::Chip(Step::Inspected(read), card) => {
            card.release();
            Looked::Chip(read)
        }
        Seen::Chip(Step::Done(_) | Step::Transmit { .. } | Step::Choose { .. }, _) => {
            return Err(emv::CardError::Unsupported { reason: "it was read to pay" }.into());
        }
    };
    Ok(Reading { read, reader: reading.reader, took: reading.took })
}

/// What a reading ends with: the chip's last step and the card itself, or the stripe.
enum Seen {
    Chip(Step, HeldCard),
    Swipe(Box<Swipe>),
}

fn read(
    places: &[Place],
    terminal: &Terminal,
    purpose: ReadPurpose,
    card_deadline: Instant,
    watcher: &Watcher,
) -> Result<Reading<Seen>> {
    let mut silent_cards = 0;
    loop {
        let lookout = Lookout { places, deadline: card_deadline, stop: &watcher.stop };
        let found = match lookout.wait(|trouble| watcher.tell(CardEvent::Waiting(trouble))) {
            // None came after one that left at once.
            Err(ReaderError::Absent) if silent_cards > 0 => return Err(ReaderError::Removed.into()),
            found => found?,
        };
        let mut card = match found {
            Found::Chip(card) => card,
            Found::Swipe { reader_id, swipe } => {
                watcher.tell(CardEvent::Connected { reader: reader_id.clone(), gesture: CardGesture::Swipe });
                return Ok(Reading { read: Seen::Swipe(swipe), reader: reader_id, took: Duration::ZERO });
            }
        };
        let reader = card.reader_id().to_owned();
        watcher.tell(CardEvent::Connected { reader: reader.clone(), gesture: gesture_of(card.interface()) });
        let started = Instant::now();
        let (session, c_apdu) = CardSession::start(terminal.data(card.interface()), purpose);
        let mut told = Told::default();
        let outcome = drive(&mut card, session, c_apdu, watcher, &mut told);
        let took = started.elapsed();
        match outcome {
            Ok(step) => return Ok(Reading { read: Seen::Chip(step, card), reader, took }),
            Err(WalletError::Reader(ReaderError::Removed)) if told.answers == 0 && silent_cards < SILENT_CARDS_MAX => {
                silent_cards += 1;
                watcher.tell(CardEvent::Waiting(Some(ErrorCode::CardRemoved)));
                card.release();
                std::thread::sleep(SILENT_PAUSE);
            }
            Err(error) => {
                let Told { answers, applications, seen } = told;
                watcher.tell(CardEvent::Failed { exchanges: answers, took, applications, seen });
                card.release();
                return Err(error);
            }
        }
    }
}

/// What a card had told when its reading failed.
#[derive(Default)]
struct Told {
    /// How many commands it answered.
    answers: u32,
    /// The applications it had named.
    applications: Vec<ApplicationSummary>,
    /// What a look had seen when the card did not answer any more.
    seen: Option<Box<Inspection>>,
}

/// Exchanges commands until the session is over; keeps count of what the card told.
fn drive(
    card: &mut HeldCard,
    session: CardSession,
    first: Vec<u8>,
    watcher: &Watcher,
    card_told: &mut Told,
) -> Result<Step> {
    let mut deadline = Instant::now() + READ_WAIT;
    let mut told = 0;
    let (mut session, mut c_apdu) = (session, first);
    loop {
        let (step, phase) = step_of(session.phase());
        if step != told {
            told = step;
            watcher.tell(CardEvent::Reading { step, phase });
        }
        if watcher.stopped() {
            return Err(ReaderError::Stopped.into());
        }
        let r_apdu = match card.transceive(&c_apdu, deadline.min(Instant::now() + ANSWER_WAIT), &watcher.stop) {
            Ok(r_apdu) => r_apdu,
            Err(error) => {
                card_told.applications = session.applications().to_vec();
                card_told.seen = session.interrupted();
                return Err(error.into());
            }
        };
        card_told.answers += 1;
        match session.advance(&r_apdu)? {
            Step::Transmit { session: next, c_apdu: command, .. } => (session, c_apdu) = (*next, command),
            Step::Choose { session: choosing, applications } => {
                let asked = Instant::now();
                let index = ask(applications, watcher)?;
                deadline += asked.elapsed();
                (session, c_apdu) = choosing.select(index)?;
            }
            done @ (Step::Done(_) | Step::Inspected(_)) => return Ok(done),
        }
    }
}

/// Waits for the person's choice.
fn ask(applications: Vec<ApplicationSummary>, watcher: &Watcher) -> Result<usize> {
    let (answer, chosen) = mpsc::channel();
    watcher.tell(CardEvent::Choose { applications, answer });
    let deadline = Instant::now() + CHOICE_WAIT;
    loop {
        match chosen.recv_timeout(CHOICE_CHECK) {
            Ok(index) => return Ok(index),
            Err(mpsc::RecvTimeoutError::Timeout) if !watcher.stopped() && Instant::now() < deadline => {}
            Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => {
                return Err(ReaderError::Absent.into());
            }
        }
    }
}

fn step_of(phase: Phase) -> (u8, ReadPhase) {
    match phase {
        Phase::SelectingDirectory => (1, ReadPhase::Directory),
        Phase::SelectingApplication => (2, ReadPhase::Application),
        Phase::Initiating => (3, ReadPhase::Options),
        Phase::ReadingRecords { .. } => (4, ReadPhase::Records),
        Phase::GeneratingCryptogram => (STEPS, ReadPhase::Cryptogram),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_is_told_the_time_in_utc() {
        // 2026-11-22 05:36:51 UTC.
        assert_eq!(date_and_time(1_795_325_811_000), ([26, 11, 22], [5, 36, 51]));
    }
}
