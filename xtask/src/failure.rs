//! Everything that can stop a verb, told so that a person knows what to do next.

use std::path::PathBuf;

use crate::web::WebError;

/// Why a verb stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file or a process of the operating system.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ended with something else than success.
    #[error("`{line}` ended with {status}\n{output}")]
    Program {
        /// The command line.
        line: String,
        /// How it ended.
        status: String,
        /// What it printed, in full.
        output: String,
    },
    /// A program is not installed, or what it needs is not there.
    #[error("{what} is missing. {remedy}")]
    Missing {
        /// What is missing.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// A program printed something else than agreed.
    #[error("{what} did not print what was expected: {got}")]
    Unexpected {
        /// Which program or document.
        what: String,
        /// What was there instead.
        got: String,
    },
    /// The screens could not be built.
    #[error("{0}")]
    Web(#[from] WebError),
    /// Something did not happen in time.
    #[error("{what} did not happen within {limit_s} s{hint}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        limit_s: u64,
        /// Where to look, or what the program said last.
        hint: String,
    },
}

impl Failure {
    /// Turns an I/O error into a failure that says what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// A document without an expected member.
    pub fn unexpected(what: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Unexpected { what: what.into(), got: got.into() }
    }

    /// Something that should have been built or installed.
    pub fn missing(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Missing { what: what.into(), remedy: remedy.into() }
    }

    /// A file that could not be read or written.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what: path.display().to_string(), source }
    }
}
