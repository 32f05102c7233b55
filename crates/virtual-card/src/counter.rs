//! The application transaction counter, which must only grow: a bank refuses a cryptogram whose counter it saw.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Why the counter could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum CounterError {
    /// The file could not be read or written.
    #[error("the counter file could not be used")]
    Io(#[from] std::io::Error),
    /// The file holds something else than a number.
    #[error("the counter file does not hold a number")]
    Content,
    /// The counter has reached its end; a real card is dead then (Book 3 section 9.3).
    #[error("the counter has reached its end")]
    Exhausted,
}

/// A 16-bit counter, in memory or in a file that a second run goes on from.
pub struct Counter {
    last: u16,
    file: Option<PathBuf>,
}

impl Counter {
    /// Starts at zero and forgets.
    pub fn in_memory() -> Self {
        Self { last: 0, file: None }
    }

    /// Goes on from a file, or starts at zero when there is none.
    ///
    /// # Errors
    /// [`CounterError`].
    pub fn in_file(path: &Path) -> Result<Self, CounterError> {
        let last = match fs::read_to_string(path) {
            Ok(text) => text.trim().parse().map_err(|_| CounterError::Content)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { last, file: Some(path.to_owned()) })
    }

    /// The last value given out.
    pub fn last(&self) -> u16 {
        self.last
    }

    /// Gives the next value, kept before it is given: a lost answer must not let a value be used twice.
    ///
    /// # Errors
    /// [`CounterError`].
    pub fn advance(&mut self) -> Result<u16, CounterError> {
        let next = self.last.checked_add(1).ok_or(CounterError::Exhausted)?;
        if let Some(path) = &self.file {
            let beside = path.with_extension("new");
            let mut file = File::create(&beside)?;
            write!(file, "{next}")?;
            file.sync_all()?;
            fs::rename(&beside, path)?;
        }
        self.last = next;
        Ok(next)
    }
}
