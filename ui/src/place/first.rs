//! The steps of the first run, in their order.

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstStep {
    /// Which language.
    Language,
    /// What this is, in three pictures.
    Idea,
    /// Where requests reach the person.
    Reach,
    /// A passphrase.
    Lock,
}

impl FirstStep {
    /// How many there are.
    pub const COUNT: u8 = 4;

    /// The stable name: `data-screen`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Language => "first-run",
            Self::Idea => "first-run.idea",
            Self::Reach => "first-run.reach",
            Self::Lock => "first-run.lock",
        }
    }

    /// Which it is, from 1.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The one after it; none after the last.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Language => Some(Self::Idea),
            Self::Idea => Some(Self::Reach),
            Self::Reach => Some(Self::Lock),
            Self::Lock => None,
        }
    }

    /// The one before it; none before the first.
    pub const fn before(self) -> Option<Self> {
        match self {
            Self::Language => None,
            Self::Idea => Some(Self::Language),
            Self::Reach => Some(Self::Idea),
            Self::Lock => Some(Self::Reach),
        }
    }
}
