//! Sources that block, fail and compete, each under the test's own hand.

use std::sync::Mutex;

use emv::{Interface, StripeError};
use protocol::ipc::ReaderView;
use zeroize::Zeroizing;

use super::*;
use crate::readers::{CardConnection, CardReader, Source};

/// A source that does what it is told at every look.
struct Scripted<F>(F);

impl<F: Fn(Duration) -> Result<Option<Arrival>, ReaderError> + Send + Sync> CardReader for Scripted<F> {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        Ok(Vec::new())
    }

    fn connect(&self, _id: Option<&str>, wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        self.0(wait)
    }
}

/// A card that answers 9000, once nobody holds it up any more, and tells when it was let go.
struct Card {
    name: &'static str,
    held_up: Option<Arc<Mutex<Receiver<()>>>>,
    released: Sender<&'static str>,
}

impl CardConnection for Card {
    fn reader_id(&self) -> &str {
        self.name
    }

    fn interface(&self) -> Interface {
        Interface::Contact
    }

    fn transceive(&mut self, _c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        if let Some(held_up) = &self.held_up {
            let _ = held_up.lock().unwrap().recv();
        }
        Ok(Zeroizing::new(vec![0x90, 0x00]))
    }

    fn close(self: Box<Self>) {
        let _ = self.released.send(self.name);
    }
}

fn place<F>(connect: F) -> Place
where
    F: Fn(Duration) -> Result<Option<Arrival>, ReaderError> + Send + Sync + 'static,
{
    Source::new("scripted", Arc::new(Scripted(connect))).place(None)
}

fn with_card(name: &'static str, released: &Sender<&'static str>) -> Place {
    with_slow_card(name, released, None)
}

/// A card that answers when the other end of `held_up` is dropped.
fn with_slow_card(name: &'static str, released: &Sender<&'static str>, held_up: Option<Receiver<()>>) -> Place {
    let released = Mutex::new(released.clone());
    let held_up = held_up.map(|held_up| Arc::new(Mutex::new(held_up)));
    place(move |_| {
        let released = released.lock().unwrap().clone();
        Ok(Some(Arrival::Chip(Box::new(Card { name, held_up: held_up.clone(), released }))))
    })
}

fn troubled(error: ReaderError) -> Place {
    place(move |_| Err(error.clone()))
}

fn empty() -> Place {
    place(|_| Ok(None))
}

/// How a wait of this long ends, and the last thing that was told.
fn wait(places: &[Place], at_most: Duration) -> (Result<Found, ReaderError>, Option<ErrorCode>) {
    let stop = AtomicBool::new(false);
    let told = std::cell::Cell::new(None);
    let lookout = Lookout { places, deadline: Instant::now() + at_most, stop: &stop };
    let ended = lookout.wait(|trouble| told.set(trouble));
    (ended, told.get())
}

/// Long enough for every place to have looked once.
const ONE_LOOK: Duration = Duration::from_millis(400);
/// A test that gets here has failed.
const NEVER: Duration = Duration::from_secs(20);

#[test]
fn a_source_that_blocks_holds_up_no_other() {
    let (released, _let_go) = channel();
    let (unblock, blocked) = channel::<()>();
    let blocked = Mutex::new(blocked);
    let blocking = place(move |_| {
        let _ = blocked.lock().unwrap().recv();
        Ok(None)
    });
    let places = [blocking, with_card("free", &released)];
    let (found, _) = wait(&places, NEVER);
    let Ok(Found::Chip(card)) = found else { panic!("the other source has a card") };
    assert_eq!(card.reader_id(), "free");
    drop(unblock);
}

#[test]
fn of_two_cards_one_is_read_and_the_other_let_go() {
    let (released, let_go) = channel();
    let places = [with_card("one", &released), with_card("two", &released)];
    let Ok(Found::Chip(mut card)) = wait(&places, NEVER).0 else { panic!("there are two") };
    let read = card.reader_id().to_owned();
    let answer = card.transceive(&[0x00; 5], Instant::now() + NEVER, &AtomicBool::new(false)).unwrap();
    assert_eq!(*answer, [0x90, 0x00]);
    // The other may never have come; if it did, it was let go and is not the one that is read.
    assert!(let_go.try_iter().all(|name| name != read));
    card.release();
    assert!(let_go.try_iter().any(|name| name == read));
}

#[test]
fn an_answer_that_comes_too_late_is_never_the_next_ones() {
    let (released, let_go) = channel();
    let (hold_up, held_up) = channel();
    let places = [with_slow_card("slow", &released, Some(held_up))];
    let Ok(Found::Chip(mut card)) = wait(&places, NEVER).0 else { panic!("there is a card") };
    let never = AtomicBool::new(false);
    let late = card.transceive(&[0x00; 5], Instant::now() + Duration::from_millis(20), &never);
    assert_eq!(late.err(), Some(ReaderError::Timeout));
    drop(hold_up);
    let next = card.transceive(&[0x00; 5], Instant::now() + NEVER, &never);
    assert_eq!(next.err(), Some(ReaderError::Timeout));
    // Its reader lets go of it as soon as it returns.
    assert_eq!(let_go.recv_timeout(NEVER), Ok("slow"));
}

#[test]
fn a_person_who_stops_does_not_wait_for_the_reader() {
    let (released, _let_go) = channel();
    let (hold_up, held_up) = channel();
    let places = [with_slow_card("slow", &released, Some(held_up))];
    let Ok(Found::Chip(mut card)) = wait(&places, NEVER).0 else { panic!("there is a card") };
    let answer = card.transceive(&[0x00; 5], Instant::now() + NEVER, &AtomicBool::new(true));
    assert_eq!(answer.err(), Some(ReaderError::Stopped));
    drop(hold_up);
}

#[test]
fn what_is_in_the_way_is_said_and_nothing_while_a_reader_waits() {
    let cases = [
        (vec![ReaderError::ServiceDown, ReaderError::NoReader], ReaderError::ServiceDown),
        (vec![ReaderError::NoReader, ReaderError::Claimed], ReaderError::Claimed),
        (vec![ReaderError::NoReader, ReaderError::Failed(String::new())], ReaderError::Failed(String::new())),
        (vec![ReaderError::SwitchedOff], ReaderError::SwitchedOff),
    ];
    for (troubles, expected) in cases {
        let places: Vec<Place> = troubles.into_iter().map(troubled).collect();
        let (ended, told) = wait(&places, ONE_LOOK);
        assert_eq!(told, Some(expected.code()));
        assert_eq!(ended.err(), Some(expected));
    }
    let (ended, told) = wait(&[troubled(ReaderError::ServiceDown), empty()], ONE_LOOK);
    assert_eq!((ended.err(), told), (Some(ReaderError::Absent), None));
    // A card that lies there and is another program's is worth a word all the same.
    let (ended, told) = wait(&[troubled(ReaderError::Busy), empty()], ONE_LOOK);
    assert_eq!((ended.err(), told), (Some(ReaderError::Busy), Some(ErrorCode::ReaderBusy)));
}

#[test]
fn what_was_wrong_with_the_last_card_outlives_the_wait_for_the_next() {
    let first = AtomicBool::new(true);
    let once = place(move |_| {
        let swiped = first.swap(false, Ordering::Relaxed);
        if swiped { Err(ReaderError::Stripe(StripeError::Misread)) } else { Ok(None) }
    });
    let (ended, told) = wait(&[once, empty()], ONE_LOOK);
    assert_eq!(told, Some(ErrorCode::SwipeUnreadable));
    assert_eq!(ended.err(), Some(ReaderError::Stripe(StripeError::Misread)));
}

#[test]
fn a_swiped_card_with_a_chip_is_not_taken() {
    let swiping = |tracks: &'static [u8]| {
        place(move |_| {
            let swipe = Box::new(Swipe::parse(tracks).unwrap());
            Ok(Some(Arrival::Swipe { reader_id: "stripe:test".to_owned(), swipe }))
        })
    };
    let (ended, told) = wait(&[swiping(b";4111111111111111=30122010000?")], ONE_LOOK);
    assert_eq!((ended.err(), told), (Some(ReaderError::UseChip), Some(ErrorCode::CardUseChip)));
    let (ended, _) = wait(&[swiping(b";4111111111111111=30121010000?")], NEVER);
    assert!(matches!(ended, Ok(Found::Swipe { .. })));
}

#[test]
fn readers_that_can_never_be_used_end_the_wait_at_once() {
    let began = Instant::now();
    let unusable = ReaderError::Failed("broken".to_owned());
    let (ended, _) = wait(&[troubled(unusable.clone())], NEVER);
    assert_eq!(ended.err(), Some(unusable));
    assert!(began.elapsed() < NEVER);
}
