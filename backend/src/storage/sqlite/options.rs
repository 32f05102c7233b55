//! How a connection is opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::OpenFlags;

/// How many prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 256;
/// Memory a connection may use for pages, in KiB: for the writer, whose pages stay good from one commit to the next,
/// and for a reader, which has to forget its own after every commit.
const WRITER_CACHE_KIB: i64 = 65_536;
const READER_CACHE_KIB: i64 = 8_192;
/// Pages in the write-ahead log before they are copied into the database: the more, the more often a page that was
/// changed again is copied once only. 4,000 pages of 4 KiB are read again at a start in a fraction of a second.
const LOG_PAGES: i64 = 4_000;

/// Which file, and for what.
#[derive(Debug)]
pub(super) struct SqliteOptions {
    path: PathBuf,
    access: Access,
    lock_wait: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl SqliteOptions {
    /// For the one writer.
    pub(super) fn to_write(path: &Path, lock_wait: Duration) -> Self {
        Self { path: path.to_owned(), access: Access::Write, lock_wait }
    }

    /// For a reader; SQLite refuses what would write.
    pub(super) fn to_read(path: &Path, lock_wait: Duration) -> Self {
        Self { path: path.to_owned(), access: Access::Read, lock_wait }
    }

    pub(super) fn open(&self) -> Result<rusqlite::Connection, rusqlite::Error> {
        let access = match self.access {
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        // A connection is used by one thread at a time, because using it takes it exclusively.
        let handle = rusqlite::Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        handle.busy_timeout(self.lock_wait)?;
        handle.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        handle.pragma_update(None, "foreign_keys", true)?;
        // The journal's mode is the file's own; how far a commit goes is the connection's.
        handle.pragma_update(None, "synchronous", "FULL")?;
        handle.pragma_update(None, "temp_store", "MEMORY")?;
        let cache_kib = match self.access {
            Access::Read => READER_CACHE_KIB,
            Access::Write => WRITER_CACHE_KIB,
        };
        // Negative numbers are KiB, positive ones pages (SQLite, "PRAGMA cache_size").
        handle.pragma_update(None, "cache_size", -cache_kib)?;
        handle.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        Ok(handle)
    }
}
