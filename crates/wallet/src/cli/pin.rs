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

fn from_stdin() -> Result<Pin, Problem> {
    let (line, length) = secret_line::<LINE_BYTES_MAX>().ok().flatten().ok_or_else(no_pin)?;
    parse(line[..length].trim_ascii())
}

/// The next line of standard input, or as much of it as fits; none at the end. Byte by byte from the descriptor itself:
/// the standard library's own handle would keep the line in its buffer.
pub(super) fn secret_line<const N: usize>() -> io::Result<Option<(Zeroizing<[u8; N]>, usize)>> {
    let mut input = unbuffered_stdin()?;
    let mut line = Zeroizing::new([0_u8; N]);
    let mut length = 0;
    let mut byte = [0_u8];
    while length < N {
        match input.read(&mut byte) {
            Ok(0) if length == 0 => return Ok(None),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => {
                line[length] = byte[0];
                length += 1;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    byte.zeroize();
    Ok(Some((line, length)))
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
