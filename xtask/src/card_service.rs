//! The smart-card service: pcscd with the virtual reader of vsmartcard, started by us when nobody runs it.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::invocation::{command, find};
use crate::processes::Running;
use crate::setup;

/// Where vsmartcard's reader waits for a card, as its package sets it up.
pub const VPCD_PORT: u16 = 35963;

/// What the wallet sees of that reader.
pub const READER_NAME: &str = "Virtual PCD";

/// Where pcscd says that it is there.
const PCSCD_SOCKET: &str = "/run/pcscd/pcscd.comm";

/// How long pcscd may take to load its readers.
const START_LIMIT: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(50);

/// A smart-card service with a virtual reader in it, stopped with this guard if it was started by us.
pub struct CardService {
    _started: Option<Running>,
}

impl CardService {
    /// Finds the service or starts it. Gives the reason when this machine cannot have one.
    pub fn find_or_start(log: &Path) -> Result<Self, String> {
        if listens() {
            return Ok(Self { _started: None });
        }
        let Some(pcscd) = find("pcscd") else { return Err("pcscd is not installed".to_owned()) };
        if !Path::new("/etc/reader.conf.d/vpcd").exists() {
            return Err("vsmartcard-vpcd is not installed".to_owned());
        }
        if answers() {
            // A service manager may start pcscd on this very connection; its readers come a moment later.
            return wait_until_listening(|| true)
                .then_some(Self { _started: None })
                .ok_or_else(|| "pcscd runs without the virtual reader; restart it".to_owned());
        }
        if !setup::may_start_services() {
            return Err("pcscd does not run, and only root may start it".to_owned());
        }
        start(&pcscd, log).map_err(|failure| failure.to_string())
    }
}

fn start(pcscd: &Path, log: &Path) -> Result<CardService, Failure> {
    let service = Running::start("pcscd", command(pcscd, ["--foreground"]), log)?;
    if !wait_until_listening(|| service.is_alive()) {
        return Err(service.late("the virtual reader", START_LIMIT));
    }
    Ok(CardService { _started: Some(service) })
}

fn wait_until_listening(worth_waiting: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + START_LIMIT;
    while !listens() {
        if !worth_waiting() || Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(POLL);
    }
    true
}

/// Whether somebody answers for pcscd.
#[cfg(unix)]
fn answers() -> bool {
    std::os::unix::net::UnixStream::connect(PCSCD_SOCKET).is_ok()
}

/// Whether somebody answers for pcscd.
#[cfg(not(unix))]
fn answers() -> bool {
    false
}

/// Whether the virtual reader waits for a card.
fn listens() -> bool {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, VPCD_PORT)), POLL).is_ok()
}
