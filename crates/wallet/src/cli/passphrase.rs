//! The lock at the command line: every command of a locked wallet asks for the passphrase first.
//!
//! It is typed at the terminal, which shows nothing, or read from a file descriptor that the caller opened. It is never
//! an argument or an environment variable: other programs of this machine can read those.

use std::fs::File;
use std::io::{self, Read};

use protocol::ipc::lock::{LockState, LockView};
use protocol::ipc::passphrase::{PASSPHRASE_BYTES_MAX, PASSPHRASE_CHARS_MIN, Passphrase};
use protocol::{ErrorCode, Problem};
use zeroize::{Zeroize, Zeroizing};

use super::{Cli, print};
use crate::wallet::Wallet;

/// Where passphrases come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PassphraseSource {
    /// A prompt at the terminal.
    Prompt,
    /// The next line of an open file descriptor; 0 is standard input.
    Descriptor(u32),
}

impl PassphraseSource {
    /// What the option says.
    pub(super) fn of(descriptor: Option<u32>) -> Self {
        descriptor.map_or(Self::Prompt, Self::Descriptor)
    }

    /// Reads one; this blocks.
    fn read(self, prompt: &str) -> Result<Passphrase, Problem> {
        match self {
            Self::Prompt => rpassword::prompt_password(prompt).map(Passphrase::new).map_err(|_| none_given()),
            Self::Descriptor(0) => line_of(super::pin::unbuffered_stdin().map_err(|_| none_given())?),
            Self::Descriptor(number) => line_of(descriptor(number)?),
        }
    }
}

fn none_given() -> Problem {
    Problem::new(ErrorCode::Locked).with_detail("no passphrase was given: type it, or use --passphrase-fd")
}

#[cfg(unix)]
fn descriptor(number: u32) -> Result<File, Problem> {
    File::open(format!("/dev/fd/{number}")).map_err(|_| none_given())
}

#[cfg(not(unix))]
fn descriptor(_number: u32) -> Result<File, Problem> {
    Err(Problem::new(ErrorCode::InvalidInput).with_detail("on this system only 0, standard input, can be read"))
}

/// Byte by byte, so that what follows the line is left to whoever reads next, and no buffer keeps the passphrase.
fn line_of(mut input: File) -> Result<Passphrase, Problem> {
    let mut line = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX));
    let mut byte = [0_u8];
    loop {
        match input.read(&mut byte) {
            Ok(0) if line.is_empty() => return Err(none_given()),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if line.len() == PASSPHRASE_BYTES_MAX => return Err(none_given()),
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(none_given()),
        }
    }
    byte.zeroize();
    let line = line.strip_suffix(b"\r").unwrap_or(&line);
    let text = std::str::from_utf8(line).map_err(|_| none_given())?;
    Ok(Passphrase::new(text.to_owned()))
}

/// A wallet that can be used: one that is locked is unlocked first.
pub(super) async fn unlocked(wallet: Wallet, source: PassphraseSource) -> Result<Wallet, Problem> {
    if wallet.status().await?.lock == LockState::Locked {
        wallet.unlock(source.read("Passphrase: ")?).await?;
    }
    Ok(wallet)
}

/// `lock`: gives the wallet a lock.
pub(super) async fn turn_on(cli: &Cli) -> Result<(), Problem> {
    let (wallet, source) = (Wallet::open(cli.place.config()?).await?, cli.place.passphrases());
    if wallet.status().await?.lock != LockState::None {
        return Err(Problem::new(ErrorCode::LockUnfit).with_detail("this wallet has a lock"));
    }
    let view = wallet.lock_turn_on(twice(source)?).await?;
    say(cli, &view, "This wallet has a lock. If the passphrase is forgotten, nobody can open it.");
    Ok(())
}

/// `unlock`: takes the lock away.
pub(super) async fn turn_off(cli: &Cli) -> Result<(), Problem> {
    let (wallet, source) = (Wallet::open(cli.place.config()?).await?, cli.place.passphrases());
    let present = open_with(&wallet, source).await?;
    let view = wallet.lock_turn_off(present).await?;
    say(cli, &view, "This wallet has no lock.");
    Ok(())
}

/// `passphrase`: changes what opens the lock.
pub(super) async fn change(cli: &Cli) -> Result<(), Problem> {
    let (wallet, source) = (Wallet::open(cli.place.config()?).await?, cli.place.passphrases());
    let present = open_with(&wallet, source).await?;
    let view = wallet.lock_change(present, twice(source)?).await?;
    say(cli, &view, "The passphrase is changed.");
    Ok(())
}

/// Unlocks with the present passphrase, which is needed a second time.
async fn open_with(wallet: &Wallet, source: PassphraseSource) -> Result<Passphrase, Problem> {
    if wallet.status().await?.lock == LockState::None {
        return Err(Problem::new(ErrorCode::LockUnfit).with_detail("this wallet has no lock"));
    }
    let present = source.read("Present passphrase: ")?;
    wallet.unlock(Passphrase::new(present.expose().to_owned())).await?;
    Ok(present)
}

/// A new passphrase: at a terminal it is typed twice.
fn twice(source: PassphraseSource) -> Result<Passphrase, Problem> {
    let prompt = format!("New passphrase, at least {PASSPHRASE_CHARS_MIN} characters: ");
    let next = source.read(&prompt)?;
    if source == PassphraseSource::Prompt && source.read("The same again: ")?.expose() != next.expose() {
        return Err(Problem::new(ErrorCode::InvalidInput).with_detail("the two do not agree"));
    }
    Ok(next)
}

fn say(cli: &Cli, view: &LockView, text: &str) {
    if cli.json { print::json(view) } else { println!("{text}") }
}
