//! Magnetic-stripe readers: those that type like a keyboard, HID ones with reports of their own, and serial lines.
//!
//! A reader that types would type the card number into whatever window has the focus, so it is read from the kernel's
//! event device, grabbed for this program alone; the web view never sees a key of it. Devices are open only while a
//! card is waited for: what is swiped while nobody waits goes nowhere.
//!
//! Only devices that say what they are, or were configured, are touched: never the person's own keyboard.

mod devices;
mod hid;
mod keys;
mod port;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use emv::Swipe;
use protocol::ErrorCode;
use protocol::ipc::{CardGesture, ReaderKind, ReaderView};

use super::{Arrival, CardReader, ReaderError};
use port::{Port, wait_for_any};

/// What the ids of these readers begin with.
const PREFIX: &str = "stripe:";
/// The place that stands for standard input.
const STDIN: &str = "stdin";

/// The stripe readers of this machine. Nothing is opened before the first use.
pub struct StripeReader {
    /// Places that were configured: device files, or `stdin`.
    configured: Vec<String>,
    /// Ports that are open between two looks.
    open: Mutex<HashMap<String, Port>>,
}

impl StripeReader {
    /// The readers of these ids, `stripe:PLACE`, and those that are found.
    pub fn new(ids: &[String]) -> Result<Self, ReaderError> {
        let configured: Vec<String> = ids.iter().filter_map(|id| id.strip_prefix(PREFIX)).map(str::to_owned).collect();
        match configured.iter().find(|place| *place != STDIN && !Path::new(place.as_str()).is_absolute()) {
            None => Ok(Self { configured, open: Mutex::default() }),
            Some(_) => Err(ReaderError::BadName("stripe readers are `stripe:stdin` and `stripe:/dev/…`".to_owned())),
        }
    }

    fn places(&self) -> Vec<String> {
        let found = devices::found(Path::new("/"));
        let new = found.into_iter().filter(|place| !self.configured.contains(place));
        self.configured.iter().cloned().chain(new).collect()
    }

    /// The reader that was named, if it was configured or found, or all of them.
    fn wanted(&self, id: Option<&str>) -> Result<Vec<String>, ReaderError> {
        let mut places = self.places();
        if let Some(id) = id {
            let wanted = id.strip_prefix(PREFIX).unwrap_or(id);
            places.retain(|place| place == wanted);
        }
        if places.is_empty() { Err(ReaderError::NoReader) } else { Ok(places) }
    }
}

impl CardReader for StripeReader {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let view = |place: String| ReaderView {
            id: format!("{PREFIX}{place}"),
            name: devices::name_of(&place),
            kind: ReaderKind::Stripe,
            gestures: vec![CardGesture::Swipe],
            card_present: false,
            trouble: (place != STDIN && !devices::may_read(&place)).then_some(ErrorCode::ReaderFailed),
        };
        Ok(self.places().into_iter().map(view).collect())
    }

    fn connect(&self, id: Option<&str>, wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        let deadline = Instant::now() + wait;
        let mut open = self.open.lock().expect("no panic while it is held");
        let mut trouble = None;
        for place in self.wanted(id)? {
            if let Entry::Vacant(vacant) = open.entry(place) {
                match Port::open(vacant.key()) {
                    Ok(port) => {
                        vacant.insert(port);
                    }
                    Err(error) => trouble = Some(error),
                }
            }
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if open.is_empty() {
                return trouble.map_or(Ok(None), Err);
            }
            wait_for_any(open.values(), left);
            let places: Vec<String> = open.keys().cloned().collect();
            for place in places {
                let Some(port) = open.get_mut(&place) else { continue };
                let state = port.take_in();
                if let Some(bytes) = port.swiped() {
                    let swipe = Box::new(Swipe::parse(&bytes)?);
                    return Ok(Some(Arrival::Swipe { reader_id: format!("{PREFIX}{place}"), swipe }));
                }
                if let Err(error) = state {
                    // It was unplugged, or nothing can come any more.
                    open.remove(&place);
                    trouble = Some(error);
                }
            }
            if left.is_zero() {
                return Ok(None);
            }
        }
    }

    fn rest(&self) {
        self.open.lock().expect("no panic while it is held").clear();
    }
}
