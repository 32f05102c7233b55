//! A card on the thread of its reader: no exchange outlasts its deadline, whatever the reader does.
//!
//! Readers block as they please: a PC/SC transmit cannot be broken off, and an NFC driver's handle may not change
//! threads. So the thread that found the card keeps it, and commands and answers go through channels. Whoever waits
//! for an answer stops waiting at the deadline or when told to; the thread then lets go of the card as soon as its
//! reader returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::lease::Lease;
use super::{CardConnection, Interface, ReaderError};

/// How often a wait for an answer looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(100);
/// How long letting go of a card is waited for.
const RELEASE_WAIT: Duration = Duration::from_secs(1);

type Answer = Result<Zeroizing<Vec<u8>>, ReaderError>;

/// A card that another thread holds.
pub struct HeldCard {
    reader_id: String,
    interface: Interface,
    commands: SyncSender<Zeroizing<Vec<u8>>>,
    answers: Receiver<Answer>,
    lease: Arc<Lease>,
    turn: u64,
}

/// The other end: what the thread that holds the card listens to.
pub(super) struct Holding {
    commands: Receiver<Zeroizing<Vec<u8>>>,
    answers: SyncSender<Answer>,
}

impl HeldCard {
    /// Both ends for a card that was just found in turn `turn` of its source.
    pub(super) fn new(card: &dyn CardConnection, lease: Arc<Lease>, turn: u64) -> (Self, Holding) {
        let (commands, commands_taken) = sync_channel(1);
        let (answers_given, answers) = sync_channel(1);
        let reader_id = card.reader_id().to_owned();
        let held = Self { reader_id, interface: card.interface(), commands, answers, lease, turn };
        (held, Holding { commands: commands_taken, answers: answers_given })
    }

    /// The reader's id.
    pub fn reader_id(&self) -> &str {
        &self.reader_id
    }

    /// How the card is reached.
    pub fn interface(&self) -> Interface {
        self.interface
    }

    /// Sends one C-APDU and waits for the R-APDU until `deadline`, or until `stop` is set.
    ///
    /// # Errors
    /// [`ReaderError::Timeout`] and [`ReaderError::Stopped`]: the card is given up then, and every further command
    /// fails; and the reader's own errors.
    pub fn transceive(&mut self, c_apdu: &[u8], deadline: Instant, stop: &AtomicBool) -> Answer {
        if self.commands.try_send(Zeroizing::new(c_apdu.to_vec())).is_err() {
            // The thread still has the command that was given up before, or is gone.
            return Err(ReaderError::Timeout);
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left.min(STOP_CHECK)) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(ReaderError::Failed("the reading stopped".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => {
                    self.give_up();
                    return Err(ReaderError::Stopped);
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    self.give_up();
                    return Err(ReaderError::Timeout);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The reader does not return: others may use its source meanwhile. A late answer must never be taken for the
    /// next command's, so both channels end here.
    fn give_up(&mut self) {
        self.lease.end(self.turn);
        self.commands = sync_channel(0).0;
        self.answers = sync_channel(0).1;
    }

    /// Lets go of the card, and waits a moment for the reader to have done so.
    pub fn release(self) {
        let Self { commands, answers, .. } = self;
        drop(commands);
        // The channel ends when the thread is through.
        let deadline = Instant::now() + RELEASE_WAIT;
        while answers.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
    }
}

impl Holding {
    /// Serves the card until nobody wants it any more, then lets go of it.
    pub(super) fn serve(self, mut card: Box<dyn CardConnection>) {
        while let Ok(c_apdu) = self.commands.recv() {
            if self.answers.send(card.transceive(&c_apdu)).is_err() {
                break;
            }
        }
        card.close();
    }
}
