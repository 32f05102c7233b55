//! Where a database is.

use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// A file, or a PostgreSQL server.
#[derive(Clone, Debug)]
pub enum Address {
    /// SQLite, in this file.
    File(PathBuf),
    /// PostgreSQL.
    Server(ServerAddress),
}

/// Where a PostgreSQL server is and who asks, with a password or not: it is shown to nobody.
#[derive(Clone)]
pub struct ServerAddress(Box<PgConnectOptions>);

impl ServerAddress {
    pub(super) const fn options(&self) -> &PgConnectOptions {
        &self.0
    }
}

impl std::fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerAddress").finish_non_exhaustive()
    }
}

/// A text that is no address of a database; it may hold a password, so it is not repeated.
#[derive(Debug, thiserror::Error)]
#[error("not the address of a database: postgres://user@host/name is wanted")]
pub struct NoAddress;

impl FromStr for Address {
    type Err = NoAddress;

    /// `postgres://…` as libpq writes it, `sqlite:PATH`, or a path. What the address leaves out is taken from the
    /// environment (`PGPASSWORD`, `PGPASSFILE`, …) as libpq does.
    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let options: PgConnectOptions = text.parse().map_err(|_| NoAddress)?;
            let options =
                if options.get_application_name().is_none() { options.application_name("tapseal") } else { options };
            return Ok(Self::Server(ServerAddress(Box::new(options))));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path.is_empty() || path.contains("://") { Err(NoAddress) } else { Ok(Self::File(path.into())) }
    }
}
