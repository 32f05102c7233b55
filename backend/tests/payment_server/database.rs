//! A deployment's database: a file in its folder, or, where `TAPSEAL_TEST_POSTGRES` names a server, one of its own there.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tapseal::keys::{self, DataFolder};
use tapseal::payment_server::DatabaseOption;
use tapseal::storage::{Address, Db};

/// Names the server: a role there that may create databases.
const SERVER: &str = "TAPSEAL_TEST_POSTGRES";

/// Goes when it is dropped.
pub struct Database(Option<OnServer>);

struct OnServer {
    server: PgConnectOptions,
    name: String,
    address: Address,
}

impl Database {
    /// An empty one.
    pub fn new() -> Self {
        let Ok(server) = std::env::var(SERVER) else { return Self(None) };
        let name = format!("tapseal_test_{}", hex::encode(keys::random::<8>()));
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        let there = OnServer { server: server.parse().unwrap(), name, address: url.as_str().parse().unwrap() };
        there.command(&format!("CREATE DATABASE {}", there.name));
        Self(Some(there))
    }

    /// What the server is told.
    pub fn option(&self) -> DatabaseOption {
        DatabaseOption { database: self.0.as_ref().map(|there| there.address.clone()) }
    }

    /// Opens it beside the server, which has made its tables.
    pub async fn open(&self, folder: &DataFolder) -> Db {
        let address = self.option().database.unwrap_or_else(|| Address::File(folder.payment_server_db()));
        let mut nothing_to_do = sqlx::migrate::Migrator::DEFAULT;
        nothing_to_do.set_ignore_missing(true);
        Db::open(&address, &nothing_to_do).await.unwrap()
    }
}

impl OnServer {
    /// A test's own runtime may be the one thread that runs this.
    fn command(&self, sql: &str) {
        let (server, sql) = (self.server.clone(), sql.to_owned());
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = server.connect().await.unwrap();
                connection.execute(AssertSqlSafe(sql)).await.unwrap();
                connection.close().await.unwrap();
            });
        });
        done.join().unwrap();
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        self.command(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}
