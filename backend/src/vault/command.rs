//! `tapseal vault`: sets a vault up, serves, goes over to another master key, and the counter for people who are shut out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use envelope::keyset::BankTrust;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::audit::{self, Kind};
use super::error::VaultError;
use super::home::{TLS_NAME, VaultHome};
use super::name::AliasName;
use super::record::Alias;
use super::{CrashPoint, Vault, key_ring, open_database, serve};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{self, TrustFile, VaultEntry};

/// How many entries of the audit log are printed unless more are asked for.
const AUDIT_SHOWN: i64 = 20;

/// What to do with a vault.
#[derive(Debug, Subcommand)]
pub enum VaultCommand {
    /// Makes a vault: its keys, its TLS identity, its database, and what operator and banks are shown.
    Init(InitOptions),
    /// Serves wallets.
    Serve(ServeOptions),
    /// What operator and banks are shown, with fingerprints to compare.
    Show(Folder),
    /// Master keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Checks the audit log from its beginning and prints its newest entries.
    Audit {
        /// Which vault.
        #[command(flatten)]
        folder: Folder,
        /// How many entries.
        #[arg(long, default_value_t = AUDIT_SHOWN, value_parser = clap::value_parser!(i64).range(0..))]
        entries: i64,
    },
    /// The counter, for people who are shut out of their alias.
    #[command(subcommand)]
    Alias(AliasCommand),
}

/// What to do with master keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Adds a master key. A serving vault takes it into use within a second, wraps the rest anew, and destroys the old.
    Rotate(Folder),
}

/// What the counter does once it has seen who somebody is.
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// Lets an alias in again that was locked by wrong tries.
    Unlock(AliasOptions),
    /// Forgets an alias and its cards: for whoever has lost password or second factor, and then enrols anew.
    Remove(AliasOptions),
}

/// Which alias.
#[derive(Debug, Args)]
pub struct AliasOptions {
    /// Which vault.
    #[command(flatten)]
    folder: Folder,
    /// The alias.
    name: String,
    /// Says that the person was there with its identity document.
    #[arg(long, required = true)]
    document_seen: bool,
}

/// Which vault, and how to print.
#[derive(Debug, Args)]
pub struct Folder {
    /// The vault's folder.
    #[arg(long)]
    data: PathBuf,
    /// The file with the passphrase of the key file; vault-passphrase in the folder when absent.
    #[arg(long, env = "TAPSEAL_VAULT_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Folder {
    fn home(&self) -> VaultHome {
        VaultHome::new(&self.data, self.passphrase_file.as_deref())
    }

    fn print(&self, told: &Value, text: impl FnOnce() -> String) {
        if self.json {
            println!("{told}");
        } else {
            println!("{}", text().trim_end());
        }
    }
}

/// A vault to be.
#[derive(Debug, Args)]
pub struct InitOptions {
    /// Where.
    #[command(flatten)]
    folder: Folder,
    /// Its id: lower-case letters, digits and hyphens.
    #[arg(long)]
    id: String,
    /// Its name, for payers.
    #[arg(long)]
    name: String,
    /// The address wallets reach it under.
    #[arg(long)]
    url: String,
    /// Names and addresses in its TLS certificate.
    #[arg(long = "host", default_values = ["127.0.0.1", "localhost"])]
    hosts: Vec<String>,
    /// A trust file: the banks whose roots it pins.
    #[arg(long)]
    trust: PathBuf,
}

/// How to serve.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Which vault.
    #[command(flatten)]
    folder: Folder,
    /// Where to listen; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:8444")]
    listen: SocketAddr,
    /// For tests: the process aborts at this point.
    #[arg(long, hide = true)]
    crash_at: Option<CrashPoint>,
}

/// Runs a command; serving ends when `stop` is cancelled.
///
/// # Errors
/// [`VaultError`].
pub async fn run(command: VaultCommand, stop: CancellationToken) -> Result<(), VaultError> {
    match command {
        VaultCommand::Init(options) => init(&options).await,
        VaultCommand::Serve(options) => {
            let home = options.folder.home();
            let vault = Vault::open(&home, Arc::new(|| signed_ms(now_ms())), options.crash_at).await?;
            serve::serve(vault, &home, options.listen, stop).await
        }
        VaultCommand::Show(folder) => show(&folder),
        VaultCommand::Key(KeyCommand::Rotate(folder)) => {
            let version = key_ring::rotate(&folder.home())?;
            folder.print(&json!({ "version": version }), || {
                format!("master key {version} is made; a serving vault goes over to it and destroys the ones before")
            });
            Ok(())
        }
        VaultCommand::Audit { folder, entries } => print_audit(&folder, entries).await,
        VaultCommand::Alias(AliasCommand::Unlock(options)) => at_the_counter(&options, Counter::Unlock).await,
        VaultCommand::Alias(AliasCommand::Remove(options)) => at_the_counter(&options, Counter::Remove).await,
    }
}

async fn init(options: &InitOptions) -> Result<(), VaultError> {
    let trust: TrustFile = keys::read_json(&options.trust)?;
    let new = NewVault {
        id: &options.id,
        name: &options.name,
        url: options.url.trim_end_matches('/'),
        hosts: &options.hosts,
        banks: &trust.roots.banks,
    };
    make(&options.folder.home(), &new).await?;
    show(&options.folder)
}

/// A vault to be, and the banks it pins.
pub(super) struct NewVault<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) url: &'a str,
    pub(super) hosts: &'a [String],
    pub(super) banks: &'a [BankTrust],
}

/// Makes keys, certificates and database of a vault.
pub(super) async fn make(home: &VaultHome, new: &NewVault<'_>) -> Result<VaultEntry, VaultError> {
    let (sealing, release) = key_ring::create(home)?;
    keys::make_outsider(home.folder(), TLS_NAME, new.hosts)?;
    let entry = VaultEntry {
        vault_id: new.id.to_owned(),
        display_name: new.name.to_owned(),
        url: new.url.to_owned(),
        tls_ca_pem: keys::read_text(&home.folder().tls_ca())?,
        sealing_key: sealing.public().clone(),
        release_key: release.public().clone(),
    };
    write_json(&home.banks_file(), new.banks)?;
    open_database(home).await?;
    // What others are shown comes last: a folder that has it is complete.
    write_json(&home.entry_file(), &entry)?;
    Ok(entry)
}

fn write_json<T: serde::Serialize + ?Sized>(path: &std::path::Path, value: &T) -> Result<(), VaultError> {
    let text = serde_json::to_vec_pretty(value).map_err(|_| VaultError::Malformed("a list"))?;
    Ok(keys::write_new(path, &text)?)
}

fn show(folder: &Folder) -> Result<(), VaultError> {
    let home = folder.home();
    let entry = home.entry()?;
    let told = json!({
        "vault": entry.vault_id, "name": entry.display_name, "url": entry.url, "entry": home.entry_file(),
        "sealing_kid": entry.sealing_key.kid(), "release_fingerprint": entry.release_key.fingerprint(),
    });
    folder.print(&told, || {
        format!(
            "{} ({}) at {}\nwhat operator and banks take: {}\nsealing key: {}\nsigning key: {}",
            entry.display_name,
            entry.vault_id,
            entry.url,
            home.entry_file().display(),
            entry.sealing_key.kid(),
            entry.release_key.fingerprint(),
        )
    });
    Ok(())
}

async fn print_audit(folder: &Folder, most: i64) -> Result<(), VaultError> {
    let db = open_database(&folder.home()).await?;
    let count = audit::verify_chain(&db).await?;
    let entries = audit::newest(&db, most).await?;
    let told: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let audit::Entry { seq, time_ms, kind, alias_id, subject, .. } = entry;
            json!({ "seq": seq, "time_ms": time_ms, "kind": kind, "alias": alias_id, "subject": subject })
        })
        .collect();
    folder.print(&json!({ "count": count, "entries": told }), || {
        let lines = entries.iter().map(|entry| {
            let (alias, subject) = (entry.alias_id.as_deref().unwrap_or("-"), entry.subject.as_deref().unwrap_or(""));
            format!("{:>6} {} {:<14} {alias} {subject}", entry.seq, entry.time_ms, entry.kind)
        });
        format!("{count} entries, each with the hash of the one before\n{}", lines.collect::<Vec<_>>().join("\n"))
    });
    Ok(())
}

/// What is done at the counter.
#[derive(Clone, Copy)]
enum Counter {
    Unlock,
    Remove,
}

impl Counter {
    const fn kind(self) -> Kind {
        match self {
            Self::Unlock => Kind::Unlocked,
            Self::Remove => Kind::Removed,
        }
    }
}

async fn at_the_counter(options: &AliasOptions, step: Counter) -> Result<(), VaultError> {
    let home = options.folder.home();
    let ring = key_ring::KeyRing::open(&home)?.ring();
    let name = AliasName::parse(&options.name).map_err(|_| VaultError::NoAlias)?;
    let (db, at_ms) = (open_database(&home).await?, signed_ms(now_ms()));
    db.write(move |db_tx| {
        Box::pin(async move {
            let alias = Alias::find(db_tx, &ring, &name).await?.ok_or(VaultError::NoAlias)?;
            match step {
                Counter::Remove => alias.remove(db_tx).await?,
                Counter::Unlock => alias.unlock(db_tx).await?,
            }
            audit::append(db_tx, step.kind(), Some(&alias.id), None, at_ms).await
        })
    })
    .await?;
    options.folder.print(&json!({ "done": step.kind().as_str() }), || step.kind().as_str().to_owned());
    Ok(())
}
