//! The PIN from a terminal or from standard input: read without buffers that would keep it, and wiped.

use std::io::{self, Read};

use envelope::Pin;
use protocol::{ErrorCode, Problem};
use zeroize::{Zeroize, Zeroizing};

/// The longest line that is taken for a PIN, in bytes.
const LINE_BYTES_MAX: usize = 16;

/// Where the PIN comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PinSource {
    /// The next line of standard input.
    Stdin,
    /// A prompt at the terminal that shows nothing.
    Prompt,
}

impl PinSource {
    /// Reads one PIN; this blocks.
    pub(super) fn read(self) -> Result<Pin, Problem> {
        match self {
            Self::Stdin => from_stdin(),
            Self::Prompt => {
                let typed = rpassword::prompt_password("PIN: ").map(Zeroizing::new).map_err(|_| no_pin())?;
                parse(typed.trim().as_bytes())
            }
        }
    }
}

fn no_pin() -> Problem {
    Problem::new(ErrorCode::PinLength).with_detail("no PIN was given")
}

fn parse(digits: &[u8]) -> Result<Pin, Problem> {
    Pin::from_ascii(digits).map_err(|_| Problem::new(ErrorCode::PinLength))
}

/// Byte by byte from the descriptor itself: the standard library's own handle would keep the line in its buffer.
fn from_stdin() -> Result<Pin, Problem> {
    let mut input = unbuffered_stdin().map_err(|_| no_pin())?;
    let mut line = Zeroizing::new([0_u8; LINE_BYTES_MAX]);
    let mut length = 0;
    let mut byte = [0_u8];
    while length < LINE_BYTES_MAX {
        match input.read(&mut byte) {
            Ok(0) if length == 0 => return Err(no_pin()),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => {
                line[length] = byte[0];
                length += 1;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(no_pin()),
        }
    }
    byte.zeroize();
    parse(line[..length].trim_ascii())
}

#[cfg(unix)]
pub(super) fn unbuffered_stdin() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
pub(super) fn unbuffered_stdin() -> io::Result<std::fs::File> {
    use std::os::windows::io::AsHandle;
    Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
}
