//! The serial line: a pseudo terminal that passes every byte through unchanged.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Most bytes taken at once.
const CHUNK_BYTES: usize = 4_096;

/// How long a host may take to make room for an answer.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);

/// A pseudo terminal, and perhaps a link that names it.
pub struct Port {
    controller: OwnedFd,
    /// Kept open: without it the line would hang up each time the host closes its end.
    _terminal: OwnedFd,
    path: PathBuf,
    link: Option<PathBuf>,
}

impl Port {
    /// Makes the pseudo terminal. `link` becomes a symbolic link to it, in the place of an earlier link.
    ///
    /// # Errors
    /// When the system has no more of them, or the link cannot be made.
    pub fn open(link: Option<&Path>) -> io::Result<Self> {
        let controller = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        rustix::pty::grantpt(&controller)?;
        rustix::pty::unlockpt(&controller)?;
        let name = rustix::pty::ptsname(&controller, Vec::new())?;
        let path = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
        let terminal = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        // No echo and no translation, or the chip would hear its own answers.
        let mut settings = tcgetattr(&terminal)?;
        settings.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &settings)?;
        if let Some(link) = link {
            make_link(&path, link)?;
        }
        Ok(Self { controller, _terminal: terminal, path, link: link.map(Path::to_owned) })
    }

    /// What a host opens.
    pub fn path(&self) -> &Path {
        self.link.as_deref().unwrap_or(&self.path)
    }

    /// How libnfc names the chip on this port.
    pub fn connection_string(&self) -> String {
        format!("pn532_uart:{}:115200", self.path().display())
    }

    /// What came within the time given; empty when nothing did.
    pub(super) fn read(&self, wait: Duration) -> io::Result<Vec<u8>> {
        if !self.is_ready(PollFlags::IN, wait)? {
            return Ok(Vec::new());
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        match rustix::io::read(&self.controller, &mut chunk) {
            Ok(count) => {
                chunk.truncate(count);
                Ok(chunk)
            }
            Err(Errno::INTR | Errno::AGAIN) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + WRITE_DEADLINE;
        let mut rest = bytes;
        while !rest.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if !self.is_ready(PollFlags::OUT, left)? {
                // Nobody reads any more; the next host begins anew.
                return Ok(());
            }
            match rustix::io::write(&self.controller, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn is_ready(&self, for_what: PollFlags, wait: Duration) -> io::Result<bool> {
        let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
        let mut fds = [PollFd::from_borrowed_fd(self.controller.as_fd(), for_what)];
        match poll(&mut fds, Some(&wait)) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Replaces a link, and nothing but a link.
fn make_link(path: &Path, link: &Path) -> io::Result<()> {
    if link.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        std::fs::remove_file(link)?;
    }
    std::os::unix::fs::symlink(path, link)
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(link) = &self.link
            && std::fs::read_link(link).is_ok_and(|target| target == self.path)
        {
            let _ = std::fs::remove_file(link);
        }
    }
}
