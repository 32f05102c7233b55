//! What a card remembers beside its counter, and what the issuer's scripts may change of it.

use emv::tag::Tag;

/// PIN tries of a card that verifies its PIN itself.
pub(super) const PIN_TRIES_MAX: u8 = 3;

/// Most payments the log keeps.
const LOG_RECORDS_MAX: usize = 10;

/// Values PUT DATA may set, with their length: the offline limits (Book 3 section 6.5.14 leaves them to the card).
const SETTABLE: [(Tag, usize); 3] = [(Tag(0x9F14), 1), (Tag(0x9F23), 1), (Tag(0x9F58), 1)];

/// What survives a reset.
pub(super) struct Memory {
    /// 9F13: the counter of the last payment its issuer answered.
    pub(super) last_online_atc: u16,
    /// 9F17.
    pub(super) pin_tries_left: u8,
    /// Applications a script blocked, by index.
    blocked: Vec<usize>,
    /// A script blocked the card for good.
    pub(super) card: CardState,
    /// Whether the phone the card is in was unlocked.
    pub(super) device: DeviceState,
    set: Vec<(Tag, Vec<u8>)>,
    /// Entries of the log, newest first.
    log: Vec<Vec<u8>>,
}

/// Whether the card as a whole may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CardState {
    Active,
    Blocked,
}

/// Whether a phone's owner has unlocked it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DeviceState {
    Locked,
    Unlocked,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            last_online_atc: 0,
            pin_tries_left: PIN_TRIES_MAX,
            blocked: Vec::new(),
            card: CardState::Active,
            device: DeviceState::Locked,
            set: Vec::new(),
            log: Vec::new(),
        }
    }

    pub(super) fn block(&mut self, application: usize) {
        self.unblock(application);
        self.blocked.push(application);
    }

    pub(super) fn unblock(&mut self, application: usize) {
        self.blocked.retain(|blocked| *blocked != application);
    }

    pub(super) fn is_blocked(&self, application: usize) -> bool {
        self.blocked.contains(&application)
    }

    /// A value that PUT DATA set.
    pub(super) fn get(&self, tag: Tag) -> Option<&[u8]> {
        self.set.iter().find(|(set, _)| *set == tag).map(|(_, value)| value.as_slice())
    }

    /// Sets a value; `None` when this card has no such value of this length.
    pub(super) fn put(&mut self, tag: Tag, value: &[u8]) -> Option<()> {
        SETTABLE.contains(&(tag, value.len())).then(|| {
            self.set.retain(|(set, _)| *set != tag);
            self.set.push((tag, value.to_vec()));
        })
    }

    pub(super) fn log(&mut self, entry: Vec<u8>) {
        self.log.insert(0, entry);
        self.log.truncate(LOG_RECORDS_MAX);
    }

    /// A record of the log, from 1.
    pub(super) fn logged(&self, record: u8) -> Option<&[u8]> {
        self.log.get(usize::from(record).checked_sub(1)?).map(Vec::as_slice)
    }
}
