//! Where a payment server's database is, for the server and for every tool that opens it.

use super::{Error, MIGRATIONS};
use crate::keys::DataFolder;
use crate::storage::{Address, Db};

/// The database.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DatabaseOption {
    /// The payment server's database, as `postgres://user@host/name`; a file in the data folder when absent. A password
    /// is better kept in PGPASSFILE or PGPASSWORD.
    #[arg(long, env = "TAPSEAL_DATABASE", hide_env_values = true)]
    pub database: Option<Address>,
}

impl DatabaseOption {
    /// Opens it, and brings its schema up to date.
    pub(super) async fn open(&self, folder: &DataFolder) -> Result<Db, Error> {
        let file = || Address::File(folder.payment_server_db());
        Ok(Db::open(&self.database.clone().unwrap_or_else(file), &MIGRATIONS).await?)
    }
}
