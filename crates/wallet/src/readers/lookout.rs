//! Waiting for a card at every place at once: the first card wins, and a source that blocks holds up no other.
//!
//! Each place has a thread of its own that looks again and again. The thread that finds a card first keeps it and
//! serves it ([`HeldCard`]); a second card is let go at once. The others notice at the end of their look.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use emv::Swipe;
use protocol::ErrorCode;

use super::{Arrival, HeldCard, Place, ReaderError};

/// How long one look takes.
const LOOK_WAIT: Duration = Duration::from_millis(250);
/// How often it is checked whether to stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// A card that came.
pub(crate) enum Found {
    /// A chip.
    Chip(HeldCard),
    /// A stripe.
    Swipe {
        /// The reader's id.
        reader_id: String,
        /// What is on it.
        swipe: Box<Swipe>,
    },
}

/// How a wait is ended and told.
pub(crate) struct Lookout<'a> {
    /// Where to look.
    pub(crate) places: &'a [Place],
    /// When no card will come any more.
    pub(crate) deadline: Instant,
    /// Set to stop waiting.
    pub(crate) stop: &'a AtomicBool,
}

/// What a place's thread says.
enum News {
    Found(Found),
    /// How the place of this index is: no error when a card may come.
    Place(usize, Option<ReaderError>),
}

/// Ends the threads of a wait, whichever way it ends.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Lookout<'_> {
    /// Waits for the first card; `tell` hears what is in the way, each time that changes.
    ///
    /// # Errors
    /// What was wrong with the last card, if any; else [`ReaderError::Stopped`] when told to stop, and at the deadline
    /// what was in the way, or [`ReaderError::Absent`]. At once when no place can ever be used.
    pub(crate) fn wait(&self, tell: impl Fn(Option<ErrorCode>)) -> Result<Found, ReaderError> {
        let ending = Ending(Arc::default());
        let news = self.send_out(&ending.0);
        let mut places: Vec<Option<ReaderError>> = vec![None; self.places.len()];
        let mut last_card = None;
        let mut told = None;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(last_card.unwrap_or(ReaderError::Stopped));
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            match news.recv_timeout(left.min(STOP_CHECK)) {
                Ok(News::Found(found)) => return Ok(found),
                Ok(News::Place(index, trouble)) => {
                    match trouble {
                        Some(error) if is_about_a_card(&error) => last_card = Some(error),
                        trouble => places[index] = trouble,
                    }
                    if let Some(error) = unusable(&places) {
                        return Err(error);
                    }
                    let now = last_card.as_ref().or_else(|| in_the_way(&places)).map(ReaderError::code);
                    if now != told {
                        told = now;
                        tell(now);
                    }
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    return Err(last_card.or_else(|| in_the_way(&places).cloned()).unwrap_or(ReaderError::Absent));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(ReaderError::NoReader),
            }
        }
    }

    /// One thread for each place.
    fn send_out(&self, over: &Arc<AtomicBool>) -> Receiver<News> {
        let (news, heard) = channel();
        let won = Arc::new(AtomicBool::new(false));
        for (index, place) in self.places.iter().enumerate() {
            let post =
                Post { index, place: place.clone(), news: news.clone(), over: Arc::clone(over), won: Arc::clone(&won) };
            thread::spawn(move || post.look());
        }
        heard
    }
}

/// One place's thread.
struct Post {
    index: usize,
    place: Place,
    news: Sender<News>,
    /// Set when the wait is over.
    over: Arc<AtomicBool>,
    /// Set by the first card.
    won: Arc<AtomicBool>,
}

impl Post {
    /// Looks until a card came, here or elsewhere, and serves the one that came here.
    fn look(&self) {
        while !self.over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let Some(turn) = self.place.lease.take(LOOK_WAIT) else {
                self.tell(Some(ReaderError::Busy));
                continue;
            };
            let arrival = self.place.reader.connect(self.place.id.as_deref(), LOOK_WAIT);
            let trouble = match arrival {
                // A stripe can be copied, a chip cannot: Book 4 section 10.1.
                Ok(Some(Arrival::Swipe { swipe, .. })) if swipe.use_chip_instead() => Some(ReaderError::UseChip),
                Ok(Some(arrival)) => {
                    self.arrived(arrival, turn);
                    self.place.reader.rest();
                    self.place.lease.end(turn);
                    return;
                }
                // A card that is pulled out at once is simply not there yet.
                Ok(None) | Err(ReaderError::Removed | ReaderError::Absent) => None,
                Err(error) => Some(error),
            };
            self.place.lease.end(turn);
            self.tell(trouble);
            // Sources that cannot wait by themselves must not make this loop spin.
            thread::sleep(LOOK_WAIT.saturating_sub(began.elapsed()));
        }
        if let Some(turn) = self.place.lease.take(LOOK_WAIT) {
            self.place.reader.rest();
            self.place.lease.end(turn);
        }
    }

    fn tell(&self, trouble: Option<ReaderError>) {
        // Nobody listens any more when the wait is over; the loop then ends by itself.
        let _ = self.news.send(News::Place(self.index, trouble));
    }

    /// Hands over what came, unless another was first, and serves it.
    fn arrived(&self, arrival: Arrival, turn: u64) {
        let first = !self.over.load(Ordering::Relaxed) && !self.won.swap(true, Ordering::Relaxed);
        match arrival {
            Arrival::Chip(card) if first => {
                let (held, holding) = HeldCard::new(&*card, Arc::clone(&self.place.lease), turn);
                // When nobody listens any more the card is let go: its other end is gone with the message.
                let _ = self.news.send(News::Found(Found::Chip(held)));
                holding.serve(card);
            }
            Arrival::Chip(card) => card.close(),
            Arrival::Swipe { reader_id, swipe } if first => {
                // Before it is told: the program may end at once, and must not leave a terminal silent or a keyboard grabbed.
                self.place.reader.rest();
                let _ = self.news.send(News::Found(Found::Swipe { reader_id, swipe }));
            }
            Arrival::Swipe { .. } => {}
        }
    }
}

/// Whether the person did something with a card that did not work, rather than the reader not being ready.
fn is_about_a_card(error: &ReaderError) -> bool {
    matches!(
        error,
        ReaderError::SeveralCards
            | ReaderError::NotPayment
            | ReaderError::Stripe(_)
            | ReaderError::UseChip
            | ReaderError::Timeout
    )
}

/// Why no place can ever be used, when that is so.
fn unusable(places: &[Option<ReaderError>]) -> Option<ReaderError> {
    let is_final = |error: &ReaderError| {
        matches!(
            error,
            ReaderError::BadName(_) | ReaderError::Failed(_) | ReaderError::NotPermitted | ReaderError::Stopped
        )
    };
    let all = places.iter().all(|place| place.as_ref().is_some_and(is_final));
    all.then(|| places.iter().flatten().next().cloned()).flatten()
}

/// What is in the way, seen over all places: nothing as long as any reader waits for a card, unless another program
/// has the card that lies there; else what can be put right soonest.
fn in_the_way(places: &[Option<ReaderError>]) -> Option<&ReaderError> {
    let urgency = |place: &Option<ReaderError>| match place {
        Some(ReaderError::Busy) => 0,
        None => 1,
        Some(ReaderError::Claimed) => 2,
        Some(ReaderError::SwitchedOff) => 3,
        Some(ReaderError::ServiceDown) => 4,
        Some(ReaderError::Failed(_) | ReaderError::BadName(_)) => 5,
        Some(_) => 6,
    };
    places.iter().min_by_key(|place| urgency(place)).and_then(Option::as_ref)
}

#[cfg(test)]
mod tests;
