//! A database for a test: a file, or, where `TAPSEAL_TEST_POSTGRES` names a server, one of its own there.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::database::Link;
use super::postgres::{self, Access, PostgresConnection};
use super::{Address, Db, DbConnection};

/// Names the server: a role there that may create databases.
const SERVER: &str = "TAPSEAL_TEST_POSTGRES";

/// A database that goes when it is dropped.
pub struct Base {
    folder: tempfile::TempDir,
    on_server: Option<OnServer>,
}

struct OnServer {
    server: PgConnectOptions,
    name: String,
    address: Address,
}

impl Base {
    /// An empty one.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let Ok(server) = std::env::var(SERVER) else { return Self { folder, on_server: None } };
        let mut url = url::Url::parse(&server).unwrap();
        let server: PgConnectOptions = server.parse().unwrap();
        let name = format!("tapseal_test_{}", hex::encode(crate::keys::random::<8>()));
        let mut connection = server.connect().await.unwrap();
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        connection.close().await.unwrap();
        url.set_path(&name);
        let address = url.as_str().parse().unwrap();
        Self { folder, on_server: Some(OnServer { server, name, address }) }
    }

    /// Where it is.
    pub fn address(&self) -> Address {
        match &self.on_server {
            Some(there) => there.address.clone(),
            None => Address::File(self.folder.path().join("test.db")),
        }
    }

    /// A connection that may do anything, to what is still empty.
    pub async fn connection(&self) -> DbConnection {
        match self.address() {
            Address::File(_) => DbConnection::in_memory(&sqlx::migrate::Migrator::DEFAULT),
            Address::Server(server) => {
                let pool = postgres::pool(server.options(), Access::Write, 1);
                DbConnection::new(Link::Postgres(PostgresConnection::of(&pool).await.unwrap()))
            }
        }
    }

    /// Opens it.
    pub async fn open(&self, migrations: &sqlx::migrate::Migrator) -> Db {
        Db::open(&self.address(), migrations).await.unwrap()
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let Some(there) = self.on_server.take() else { return };
        // A test's own runtime may be the one thread that runs this.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = there.server.connect().await.unwrap();
                let drop_it = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", there.name);
                connection.execute(AssertSqlSafe(drop_it)).await.unwrap();
            });
        });
        drop(dropped.join());
    }
}
