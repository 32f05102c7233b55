//! A card session over a reader: waits for the card, drives the EMV flow with a deadline, hands over what is sealed.
//!
//! Everything here blocks and runs off the async threads. What was read lives in one value that is wiped when
//! dropped, and is never logged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use emv::{
    ApplicationSummary, CardRead, CardSession, Inspection, Interface, Phase, ReadPurpose, Step, TerminalData,
    derive_unpredictable_number,
};
use envelope::inner::{CardData, EntryMode};
use envelope::{Pan, SecretBytes};
use payment::{Amount, AttemptHash};
use protocol::ipc::ReadPhase;
use zeroize::Zeroizing;

use crate::error::{Result, WalletError};
use crate::readers::{CardConnection, Place, ReaderError};

/// How long one look for a card takes before the next place is looked at.
const LOOK_WAIT: Duration = Duration::from_millis(250);
/// How long reading may take once the card is there, the person's choice apart.
const READ_WAIT: Duration = Duration::from_secs(20);
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
}

impl Terminal {
    fn data(&self, interface: Interface) -> TerminalData {
        let currency = self.amount.currency();
        let amount_minor = u64::try_from(self.amount.minor()).unwrap_or(0);
        let unpredictable = derive_unpredictable_number(self.attempt_hash.as_bytes());
        let (date, time) = date_and_time(self.now_ms);
        let mut data = TerminalData::purchase(amount_minor, currency.numeric(), self.country, unpredictable, interface)
            .at(date, time);
        data.currency_exponent = currency.exponent();
        data.merchant_name.clone_from(&self.merchant_name);
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
    /// There is no reader; waiting for one.
    NoReader,
    /// A card is there.
    Connected {
        /// The reader's id.
        reader: String,
        /// How the card is reached.
        interface: Interface,
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

/// Waits for a card until `card_deadline` and reads it to pay.
///
/// # Errors
/// [`ReaderError::Absent`] or [`ReaderError::NoReader`] when no card came in time or the watcher stopped;
/// [`ReaderError::Removed`] when it left early; [`WalletError::Card`] when it cannot be used.
pub fn read_to_pay(
    places: &[Place],
    terminal: &Terminal,
    card_deadline: Instant,
    watcher: &Watcher,
) -> Result<Reading<Box<CardRead>>> {
    let reading = read(places, terminal, ReadPurpose::Pay, card_deadline, watcher)?;
    match reading.read {
        Step::Done(read) => Ok(Reading { read, reader: reading.reader, took: reading.took }),
        Step::Inspected(_) | Step::Transmit { .. } | Step::Choose { .. } => {
            Err(emv::CardError::Unsupported { reason: "it was only looked at" }.into())
        }
    }
}

/// Waits for a card and reads it to look; nothing is paid.
pub fn inspect(
    places: &[Place],
    terminal: &Terminal,
    card_deadline: Instant,
    watcher: &Watcher,
) -> Result<Reading<Box<Inspection>>> {
    let reading = read(places, terminal, ReadPurpose::Inspect, card_deadline, watcher)?;
    match reading.read {
        Step::Inspected(read) => Ok(Reading { read, reader: reading.reader, took: reading.took }),
        Step::Done(_) | Step::Transmit { .. } | Step::Choose { .. } => {
            Err(emv::CardError::Unsupported { reason: "it was read to pay" }.into())
        }
    }
}

fn read(
    places: &[Place],
    terminal: &Terminal,
    purpose: ReadPurpose,
    card_deadline: Instant,
    watcher: &Watcher,
) -> Result<Reading<Step>> {
    let mut silent_cards = 0;
    loop {
        let mut connection = wait_for_card(places, card_deadline, watcher)?;
        let reader = connection.reader_id().to_owned();
        watcher.tell(CardEvent::Connected { reader: reader.clone(), interface: connection.interface() });
        let started = Instant::now();
        let (session, c_apdu) = CardSession::start(terminal.data(connection.interface()), purpose);
        let mut answers = 0;
        let outcome = drive(&mut *connection, session, c_apdu, watcher, &mut answers);
        let took = started.elapsed();
        connection.close();
        match outcome {
            Err(WalletError::Reader(ReaderError::Removed)) if answers == 0 && silent_cards < SILENT_CARDS_MAX => {
                silent_cards += 1;
                std::thread::sleep(LOOK_WAIT);
            }
            outcome => return Ok(Reading { read: outcome?, reader, took }),
        }
    }
}

/// Looks at every place in turn until a card is there.
fn wait_for_card(places: &[Place], deadline: Instant, watcher: &Watcher) -> Result<Box<dyn CardConnection>> {
    let mut trouble = ReaderError::Absent;
    loop {
        let mut readers = 0;
        let round = Instant::now();
        for place in places {
            match place.reader.connect(place.id.as_deref(), LOOK_WAIT) {
                Ok(Some(connection)) => return Ok(connection),
                Ok(None) => readers += 1,
                Err(ReaderError::NoReader) => {}
                // A card that is pulled out at once is simply not there yet.
                Err(ReaderError::Removed) => readers += 1,
                Err(error) => return Err(error.into()),
            }
        }
        let before =
            std::mem::replace(&mut trouble, if readers > 0 { ReaderError::Absent } else { ReaderError::NoReader });
        if trouble == ReaderError::NoReader && before != ReaderError::NoReader {
            watcher.tell(CardEvent::NoReader);
        }
        if watcher.stopped() || Instant::now() >= deadline {
            return Err(trouble.into());
        }
        // Sources that cannot wait by themselves must not make this loop spin.
        std::thread::sleep(LOOK_WAIT.saturating_sub(round.elapsed()));
    }
}

/// Exchanges commands until the session is over; counts the card's answers.
fn drive(
    connection: &mut dyn CardConnection,
    session: CardSession,
    first: Vec<u8>,
    watcher: &Watcher,
    answers: &mut u32,
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
        if watcher.stopped() || Instant::now() >= deadline {
            return Err(ReaderError::Removed.into());
        }
        let r_apdu = connection.transceive(&c_apdu)?;
        *answers += 1;
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
        match chosen.recv_timeout(LOOK_WAIT) {
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

/// Scheme and last four digits: the most of a card that is shown or kept.
pub fn label(read: &CardRead) -> String {
    let digits = read.pan.expose_digits();
    let last_four = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default();
    format!("{} ••{last_four}", read.scheme.code())
}

/// What is sealed of a card; the rest is wiped with `read`.
pub fn to_seal(read: &CardRead) -> Result<CardData> {
    let unusable = |_| WalletError::Card(emv::CardError::Malformed { at: "5A" });
    Ok(CardData {
        pan: Pan::from_ascii(read.pan.expose_digits().as_bytes()).map_err(unusable)?,
        track2: read.track2.as_ref().map(|track2| SecretBytes::copy_of(track2.expose().as_bytes())),
        expiry_yymm: read.expiry_yymm,
        psn: read.psn,
        aid: read.aid.clone(),
        entry_mode: match read.interface {
            Interface::Contact => EntryMode::ContactChip,
            Interface::Contactless => EntryMode::ContactlessChip,
        },
        icc_data: Zeroizing::new(read.icc_data.clone()),
    })
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
