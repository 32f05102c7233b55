//! How far each terminal's counter is: a key serial number serves once.
//!
//! Kept in memory. After a restart the first PIN of a terminal sets its counter again; what was used before the restart
//! is still refused by the message's reference and by the card's own counter.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::dukpt::{Ksn, Terminal};

/// Most terminals of one acquirer.
const TERMINALS_MAX: usize = 100_000;

/// The last counter of each terminal.
#[derive(Default)]
pub(super) struct Terminals(Mutex<BTreeMap<Terminal, u32>>);

/// Whether a serial number may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is the terminal's next.
    Taken,
    /// It, or a later one, was used before.
    Replayed,
    /// There are too many terminals to know another.
    TooMany,
}

impl Terminals {
    /// Uses a serial number up. Only for one whose PIN block was right: anybody could otherwise use up a terminal's
    /// counters.
    pub(super) fn take(&self, ksn: Ksn) -> Turn {
        let mut terminals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (terminal, counter) = (ksn.terminal(), ksn.counter());
        match terminals.get(&terminal) {
            Some(last) if counter <= *last => return Turn::Replayed,
            None if terminals.len() >= TERMINALS_MAX => return Turn::TooMany,
            Some(_) | None => {}
        }
        terminals.insert(terminal, counter);
        Turn::Taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ksn(text: &str) -> Ksn {
        Ksn::parse(text).unwrap()
    }

    #[test]
    fn a_counter_only_rises_for_each_terminal_by_itself() {
        let terminals = Terminals::default();
        assert_eq!(terminals.take(ksn("FFFF9876543210E00005")), Turn::Taken);
        for used in ["FFFF9876543210E00005", "FFFF9876543210E00004", "FFFF9876543210E00001"] {
            assert_eq!(terminals.take(ksn(used)), Turn::Replayed);
        }
        assert_eq!(terminals.take(ksn("FFFF9876543210C00001")), Turn::Taken);
        assert_eq!(terminals.take(ksn("123456789012345600000001")), Turn::Taken);
        assert_eq!(terminals.take(ksn("FFFF9876543210E00006")), Turn::Taken);
    }
}
