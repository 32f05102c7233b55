//! A PostgreSQL server that is thrown away: for tests and runs that want the payment server's other database.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::invocation::{command, output_of};
use crate::processes::throw_away_folder;
use crate::setup;

/// Who owns it. PostgreSQL refuses to run as root, so root runs it as Debian's own user for it.
const ROLE: &str = "tapseal";
const SYSTEM_USER: &str = "postgres";
/// How long it may take to take calls.
const START_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// A running server. It ends with this, and its data with it.
pub struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
}

impl Postgres {
    /// Makes one and starts it. It forgets what it was told when the machine goes down, which makes it quick: nothing
    /// that is run on it asks what survives that.
    pub fn start() -> Result<Self, Failure> {
        let folder = throw_away_folder("tapseal-postgres-")?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(Failure::io("finding a port"))?;
        let port = listener.local_addr().map_err(Failure::io("finding a port"))?.port();
        drop(listener);
        let server = Self { folder, port };
        if setup::may_start_services() {
            output_of(command("chown", [SYSTEM_USER.as_ref(), server.folder.path()]))?;
        }
        let data = server.data();
        let mut initdb = server.program("initdb");
        initdb.args(["-A", "trust", "-U", ROLE, "--no-sync", "-D"]).arg(&data);
        output_of(initdb)?;
        let settings = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off \
             -c full_page_writes=off -c max_connections=400",
            server.folder.path().display()
        );
        let mut start = server.control();
        start.arg("-l").arg(server.folder.path().join("log")).args(["-o", &settings, "-w", "start"]);
        output_of(start)?;
        server.wait_until_it_answers()?;
        Ok(server)
    }

    /// The address of its `postgres` database.
    pub fn address(&self) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_it_answers(&self) -> Result<(), Failure> {
        let until = Instant::now() + START_LIMIT;
        loop {
            match output_of(command("psql", ["--no-psqlrc", "--command", "SELECT 1", &self.address()])) {
                Ok(_) => return Ok(()),
                Err(failure) if Instant::now() >= until => return Err(failure),
                Err(_) => std::thread::sleep(POLL),
            }
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self) -> Command {
        let mut control = self.program("pg_ctl");
        control.arg("-D").arg(self.data());
        control
    }

    fn program(&self, name: &str) -> Command {
        let path = server_program(name);
        let mut program = if setup::may_start_services() {
            let mut setpriv = command("setpriv", ["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--clear-groups"]);
            setpriv.arg(path);
            setpriv
        } else {
            Command::new(path)
        };
        program.current_dir(self.folder.path()).env("LC_ALL", "C.UTF-8");
        program
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.control();
        stop.args(["-m", "immediate", "stop"]);
        if let Err(failure) = output_of(stop) {
            eprintln!("The throw-away database server did not stop: {failure}");
        }
    }
}

/// A program of the server's, which Debian keeps apart by version; the newest there is.
fn server_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| Path::new(name).to_owned())
}
