//! The commands about what a person keeps: devices, backup and restore.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use payment::DeviceId;
use protocol::ipc::keep::DeviceLine;
use protocol::{ErrorCode, Problem};

use super::{Cli, print, synced};

/// The longest passphrase that is read, in bytes.
const PASSPHRASE_BYTES_MAX: u64 = 4_096;

/// A backup's file and how its passphrase is given.
#[derive(Args)]
pub(super) struct BackupArgs {
    /// The file.
    file: PathBuf,
    /// Reads the passphrase from standard input instead of asking for it.
    #[arg(long)]
    passphrase_stdin: bool,
}

/// Whether a passphrase is chosen now, or was before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    New,
    Known,
}

/// What is done with a device.
#[derive(Args)]
pub(super) struct DeviceArgs {
    /// The device, as `devices` lists it; without, they are listed.
    id: Option<DeviceId>,
    /// A name for it.
    #[arg(long, requires = "id", conflicts_with = "remove")]
    name: Option<String>,
    /// It answers no more for what it shares with this device.
    #[arg(long, requires = "id")]
    remove: bool,
}

impl BackupArgs {
    fn path(&self) -> Result<String, Problem> {
        let plain = self.file.to_str().map(str::to_owned);
        plain.ok_or_else(|| Problem::new(ErrorCode::InvalidInput).with_detail("the file's name is no text"))
    }

    /// The passphrase; a new one is asked for twice.
    fn passphrase(&self, kind: Kind) -> Result<String, Problem> {
        let unread = |error: std::io::Error| Problem::new(ErrorCode::InvalidInput).with_detail(error.to_string());
        if self.passphrase_stdin {
            let mut text = String::new();
            std::io::stdin().lock().take(PASSPHRASE_BYTES_MAX).read_to_string(&mut text).map_err(unread)?;
            return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        let passphrase = rpassword::prompt_password("Passphrase: ").map_err(unread)?;
        if kind == Kind::New && rpassword::prompt_password("Once more: ").map_err(unread)? != passphrase {
            return Err(Problem::new(ErrorCode::InvalidInput).with_detail("the two passphrases differ"));
        }
        Ok(passphrase)
    }
}

pub(super) async fn backup(cli: &Cli, args: &BackupArgs) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    let made = wallet.backup_make(args.passphrase(Kind::New)?, Some(args.path()?)).await?;
    if cli.json {
        print::json(&made);
    } else {
        println!("{} receipts and {} requests, {} bytes: {}", made.receipts, made.requests, made.bytes, made.path);
        println!("It was opened again and is whole. Without its passphrase nobody can read it, you neither.");
    }
    Ok(())
}

pub(super) async fn restore(cli: &Cli, args: &BackupArgs) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    let restored = wallet.backup_restore(args.passphrase(Kind::Known)?, Some(args.path()?)).await?;
    if cli.json {
        print::json(&restored);
        return Ok(());
    }
    println!(
        "{} of {} receipts are new, and {} requests.",
        restored.new_receipts, restored.receipts, restored.new_requests
    );
    if restored.left_out > 0 {
        println!("{} receipts did not verify and were left out.", restored.left_out);
    }
    for former in wallet.status().await?.former {
        println!("Claim it again: tapseal-wallet claim {}", former.identifier);
    }
    Ok(())
}

pub(super) async fn devices(cli: &Cli, args: &DeviceArgs) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    let lines = match (args.id, &args.name) {
        (Some(id), _) if args.remove => wallet.device_remove(id).await?,
        (Some(id), Some(name)) => wallet.device_rename(id, name.clone()).await?,
        (_, _) => wallet.devices().await?,
    };
    if cli.json {
        print::json(&lines);
    } else {
        lines.iter().for_each(device);
    }
    Ok(())
}

fn device(line: &DeviceLine) {
    let name = if line.name.is_empty() { "-" } else { &line.name };
    let platform = line.platform.map_or("-", protocol::wallet_api::Platform::name);
    let seen = line.seen_ms.map_or_else(|| "-".to_owned(), print::time);
    let own = if line.is_own { "  (this device)" } else { "" };
    println!("{name:<24} {platform:<8} {seen}  {}{own}", line.device_id);
    if !line.identifiers.is_empty() {
        println!("  shares {}", line.identifiers.join(", "));
    }
}
