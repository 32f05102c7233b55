//! The card in the field of a PN532, an NFC chip on a serial line, as libnfc drives one (NXP UM0701-02).
//!
//! The serial line is a pseudo terminal: [`Port::open`] makes it, and whoever opens [`Port::path`] speaks to the chip.
//! libnfc finds it as `pn532_uart:PATH:115200`. A card that is taken away leaves the chip where it is, with an empty
//! field.

mod chip;
mod frame;
mod port;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::presented::PresentedCard;
use chip::Chip;
use frame::{Decoder, Received};

pub use port::Port;

/// How often a waiting chip looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// How long a card may take before the chip says that it does not answer: the frame waiting time of the answer to
/// select it gives, with room for a slow host (ISO/IEC 14443-4 section 7.2).
const FRAME_WAITING_TIME: Duration = Duration::from_millis(80);

/// What happens, for the person watching.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A host asked for cards and got this one.
    Selected,
    /// The card was taken out of the field.
    Removed,
}

/// Answers whoever opens the port, until `stop` is set.
///
/// # Errors
/// When the port can no longer be used.
pub fn serve(port: &Port, card: &mut PresentedCard, stop: &AtomicBool, mut watch: impl FnMut(Event)) -> io::Result<()> {
    let mut chip = Chip::new(card)?;
    let mut line = Line { port, decoder: Decoder::default(), waiting: VecDeque::new() };
    let mut seen = chip.state();
    while !stop.load(Ordering::Relaxed) {
        let Some(Received::Command(command)) = line.next(STOP_CHECK)? else { continue };
        port.write(&frame::ACKNOWLEDGE)?;
        let answer = chip.answer(&command);
        // A host that acknowledges before it has the answer gives the command up (UM0701-02 section 6.2.1.3).
        if !line.gave_up()? {
            port.write(&answer)?;
        }
        if chip.state() != seen {
            seen = chip.state();
            match seen {
                chip::State::Selected => watch(Event::Selected),
                chip::State::CardRemoved => watch(Event::Removed),
                chip::State::Idle => {}
            }
        }
    }
    Ok(())
}

/// What comes over the line, frame by frame.
struct Line<'a> {
    port: &'a Port,
    decoder: Decoder,
    waiting: VecDeque<Received>,
}

impl Line<'_> {
    /// The next frame; `None` when there was none in the time given.
    fn next(&mut self, wait: Duration) -> io::Result<Option<Received>> {
        if self.waiting.is_empty() {
            self.take(wait)?;
        }
        Ok(self.waiting.pop_front())
    }

    /// Whether the host has given up the command it sent last.
    fn gave_up(&mut self) -> io::Result<bool> {
        self.take(Duration::ZERO)?;
        let gave_up = self.waiting.front() == Some(&Received::Acknowledge);
        if gave_up {
            self.waiting.pop_front();
        }
        Ok(gave_up)
    }

    fn take(&mut self, wait: Duration) -> io::Result<()> {
        self.decoder.push(&self.port.read(wait)?);
        self.waiting.extend(std::iter::from_fn(|| self.decoder.next()));
        Ok(())
    }
}
