//! A card in somebody's hand at a reader inside the test's own process: no sockets, no service, no waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::ipc::{ReaderKind, ReaderView};
use virtual_card::{Misbehaviour, PresentedCard, Profile, Said, VirtualCard};
use wallet::readers::{Arrival, CardConnection, CardReader, Interface, ReaderError};
use zeroize::Zeroizing;

/// The id the wallet knows readers of its surroundings by.
pub const ID: &str = "phone";

/// The reader, and the hand that puts cards to it.
#[derive(Clone, Default)]
pub struct Hand {
    card: Arc<Mutex<Option<Presented>>>,
    /// Of the card that was presented last.
    pulled: Arc<Mutex<Arc<AtomicBool>>>,
}

struct Presented {
    card: PresentedCard,
    interface: Interface,
    /// Set when it is taken away, so that a card that says nothing leaves at last.
    pulled: Arc<AtomicBool>,
}

impl Hand {
    /// Presents a card of this profile; one that was there before is gone.
    pub fn present(&self, profile: &str, interface: Interface, misbehaviour: Misbehaviour) {
        let card = VirtualCard::new(Profile::built_in(profile).unwrap()).over(interface);
        let (card, pulled) = (PresentedCard::new(card, misbehaviour), Arc::<AtomicBool>::default());
        *self.pulled.lock().unwrap() = Arc::clone(&pulled);
        *self.card.lock().unwrap() = Some(Presented { card, interface, pulled });
    }

    /// Takes the card away.
    pub fn take_away(&self) {
        *self.card.lock().unwrap() = None;
        self.pulled.lock().unwrap().store(true, Ordering::Relaxed);
    }
}

impl CardReader for Hand {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        Ok(vec![ReaderView {
            id: ID.to_owned(),
            name: "Hand".to_owned(),
            kind: ReaderKind::Phone,
            gestures: Vec::new(),
            card_present: self.card.lock().unwrap().is_some(),
            trouble: None,
        }])
    }

    fn connect(&self, _id: Option<&str>, _wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        let taken = self.card.lock().unwrap().take();
        Ok(taken.map(|mut presented| {
            presented.card.reset();
            Arrival::Chip(Box::new(Held { presented, hand: self.clone() }))
        }))
    }
}

struct Held {
    presented: Presented,
    hand: Hand,
}

impl CardConnection for Held {
    fn reader_id(&self) -> &str {
        ID
    }

    fn interface(&self) -> Interface {
        self.presented.interface
    }

    fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        match self.presented.card.exchange(c_apdu).map_err(|_| ReaderError::Removed)? {
            Said::Answer(r_apdu) => Ok(Zeroizing::new(r_apdu)),
            Said::Nothing => {
                // A reader that does not return until the card is pulled out.
                while !self.presented.pulled.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(ReaderError::Removed)
            }
        }
    }

    fn close(self: Box<Self>) {
        let Self { presented, hand } = *self;
        // It stays where it is unless it left or another took its place.
        if presented.card.check_presence().is_ok() && !presented.pulled.load(Ordering::Relaxed) {
            hand.card.lock().unwrap().get_or_insert(presented);
        }
    }
}
