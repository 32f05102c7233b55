//! PostgreSQL for tests: a database of its own on a server that is there, or a whole server of its own that may be
//! killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::system::free_port;

/// Names the server that tests make their databases on: a role there that may create them.
const SERVER: &str = "TAPSEAL_TEST_POSTGRES";
/// Who owns a server of our own. PostgreSQL refuses to run as root, so root runs it as Debian's own user for it.
const ROLE: &str = "tapseal";
const SYSTEM_USER: &str = "postgres";
/// How long a server may take to take calls.
const READY_WAIT: Duration = Duration::from_secs(30);

/// A database that goes when it is dropped.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// One on the server that the environment names; none when it names none.
    pub fn wanted() -> Option<Self> {
        std::env::var(SERVER).ok().map(|server| Self::on(&server))
    }

    /// One on this server, given as its `postgres` database's address.
    pub fn on(server: &str) -> Self {
        let name = format!("tapseal_test_{}", hex::encode(crate::hand::random::<8>()));
        let database = Self { server: server.to_owned(), name };
        succeeded(&psql(server, &format!("CREATE DATABASE {}", database.name)));
        database
    }

    /// What a payment server is told.
    pub fn address(&self) -> String {
        let (host, _) = self.server.rsplit_once('/').expect("an address names a database");
        format!("{host}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Its server may have been stopped already, and the database is gone with it.
        drop(psql(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)));
    }
}

fn psql(server: &str, sql: &str) -> Output {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", sql, server]);
    psql.output().expect("psql is installed")
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A server of its own, with durable commits. It is stopped when dropped.
pub struct Cluster {
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// Makes one and starts it.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a folder for the server");
        let cluster = Self { folder, port: free_port() };
        if is_root() {
            succeeded(&Command::new("chown").arg(SYSTEM_USER).arg(cluster.folder.path()).output().expect("chown runs"));
        }
        let data = cluster.data();
        succeeded(
            &cluster.program("initdb").args(["-A", "trust", "-U", ROLE, "-D"]).arg(&data).output().expect("initdb"),
        );
        cluster.start_again();
        cluster
    }

    /// Where its `postgres` database is.
    pub fn address(&self) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it as a power cut does to its processes: no checkpoint, connections broken, recovery at the next start.
    pub fn stop_at_once(&self) {
        succeeded(&self.control(&["-m", "immediate", "-w", "stop"]));
    }

    /// Starts it, and waits until it takes calls.
    pub fn start_again(&self) {
        let settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=100",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        let log = log.to_str().expect("temporary paths are plain");
        succeeded(&self.control(&["-o", &settings, "-l", log, "-w", "start"]));
        let until = Instant::now() + READY_WAIT;
        while !psql(&self.address(), "SELECT 1").status.success() {
            assert!(Instant::now() < until, "PostgreSQL does not take calls");
        }
    }

    /// Asks it, as its owner, for one value.
    pub fn ask(&self, database: &Database, sql: &str) -> String {
        succeeded(&psql(&database.address(), sql))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, words: &[&str]) -> Output {
        self.program("pg_ctl").arg("-D").arg(self.data()).args(words).output().expect("pg_ctl runs")
    }

    fn program(&self, name: &str) -> Command {
        let path = server_program(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        // What a server inherits it keeps open, and whoever waits for our output would wait for the server.
        command.current_dir(self.folder.path()).env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.control(&["-m", "immediate", "stop"]));
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program of the server's, which Debian keeps apart by version.
fn server_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| Path::new(name).to_owned())
}
