//! `tapseal bank keys`: what the bank's key custodians do. No command shows a key.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use zeroize::Zeroizing;

use super::key_file::KeyFile;
use super::key_folder::KeyFolder;
use super::zone::SharedKey;
use super::{change_passphrase, share_key};
use crate::bank_front::command::Folder;
use crate::bank_front::error::BankError;
use crate::bank_front::file;

/// Most bytes of a key that is shared in components.
const SHARED_LEN_MAX: usize = 32;
/// Longest file of a component, in bytes.
const COMPONENT_FILE_LEN_MAX: usize = 256;

/// What is done with the bank's keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Every key's id, kind and check value.
    List(Folder),
    /// Takes a key that is shared with an acquirer, in components that are added together. A bank that is serving
    /// learns of it when it starts next.
    Share {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The acquirer's number (DE 32).
        #[arg(long)]
        acquirer: String,
        /// What the key is for.
        #[arg(long, value_enum)]
        kind: SharedKind,
        /// A file with one component in hexadecimal; once for each component.
        #[arg(long = "component", required = true, num_args = 1..)]
        components: Vec<PathBuf>,
        /// Make the components first: random ones, in files that are not there yet.
        #[arg(long)]
        form: bool,
    },
    /// Seals the key file with another passphrase.
    Passphrase {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The file with the new passphrase, which the bank is then started with.
        #[arg(long)]
        new: PathBuf,
    },
}

impl KeysCommand {
    /// Which bank it is about.
    pub fn folder(&self) -> &Folder {
        match self {
            Self::List(folder) | Self::Share { folder, .. } | Self::Passphrase { folder, .. } => folder,
        }
    }
}

/// Keys that are exchanged in components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SharedKind {
    /// Zone master key, triple DES: working keys travel under it half by half.
    ZoneMaster,
    /// Zone master key, AES-256: working keys travel in key blocks.
    ZoneMasterAes,
    /// Base derivation key of terminals, triple DES DUKPT.
    BaseDerivation,
    /// Base derivation key of terminals, AES DUKPT with 128 bits.
    BaseDerivationAes128,
    /// Base derivation key of terminals, AES DUKPT with 256 bits.
    BaseDerivationAes256,
}

impl SharedKind {
    fn len(self) -> usize {
        match self {
            Self::ZoneMaster | Self::BaseDerivation | Self::BaseDerivationAes128 => 16,
            Self::ZoneMasterAes | Self::BaseDerivationAes256 => 32,
        }
    }

    fn of(self, key: &[u8]) -> Option<SharedKey<'_>> {
        Some(match self {
            Self::ZoneMaster => SharedKey::Master(key.try_into().ok()?),
            Self::ZoneMasterAes => SharedKey::MasterAes(key.try_into().ok()?),
            Self::BaseDerivation => SharedKey::Base(key.try_into().ok()?),
            Self::BaseDerivationAes128 | Self::BaseDerivationAes256 => SharedKey::BaseAes(key),
        })
    }
}

/// Runs a command; what it tells, as JSON and as text.
pub(in crate::bank_front) fn run(command: &KeysCommand) -> Result<(serde_json::Value, String), BankError> {
    let keys = command.folder().keys();
    match command {
        KeysCommand::List(_) => list(&keys),
        KeysCommand::Share { acquirer, kind, components, form, .. } => {
            let forming = if *form { Forming::New } else { Forming::Given };
            share(&keys, acquirer, *kind, components, forming)?;
            let json = serde_json::json!({ "acquirer": acquirer, "components": components.len() });
            Ok((json, format!("acquirer {acquirer}: taken from {} components", components.len())))
        }
        KeysCommand::Passphrase { new, .. } => {
            change_passphrase(keys, new)?;
            let text = format!("sealed with the passphrase in {}; keep it where the bank looks for it", new.display());
            Ok((serde_json::json!({ "passphrase_file": new }), text))
        }
    }
}

/// Where components come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forming {
    /// From the other side.
    Given,
    /// They are made here.
    New,
}

fn share(
    keys: &KeyFolder,
    acquirer: &str,
    kind: SharedKind,
    components: &[PathBuf],
    forming: Forming,
) -> Result<(), BankError> {
    if forming == Forming::New {
        components.iter().try_for_each(|path| form_component(path, kind.len()))?;
    }
    let mut key = Zeroizing::new([0; SHARED_LEN_MAX]);
    for path in components {
        add_component(path, &mut key[..kind.len()])?;
    }
    let shared = kind.of(&key[..kind.len()]).ok_or(BankError::Malformed("the key's length"))?;
    share_key(keys.clone(), acquirer, &shared)
}

fn list(folder: &KeyFolder) -> Result<(serde_json::Value, String), BankError> {
    let (file, _) = KeyFile::load(folder)?;
    let keys = file.listed()?;
    let lines = keys.iter().map(|key| format!("{:<56} {:<20} {} {}\n", key.id, key.kind, key.usage, key.check_value));
    Ok((serde_json::json!(keys), lines.collect()))
}

fn form_component(path: &Path, len: usize) -> Result<(), BankError> {
    let fail = |error| BankError::file(path, error);
    let mut component = Zeroizing::new([0; SHARED_LEN_MAX]);
    getrandom::fill(&mut component[..len]).expect("the operating system has randomness");
    let text = Zeroizing::new(hex::encode_upper(&component[..len]));
    // Never over one that is there: a lost component is a lost key.
    let mut options = std::fs::OpenOptions::new();
    let mut written = options.write(true).create_new(true).mode(file::OWNER_ONLY).open(path).map_err(fail)?;
    std::io::Write::write_all(&mut written, format!("{}\n", *text).as_bytes()).map_err(fail)?;
    written.sync_all().map_err(fail)
}

/// Adds a component to a key, bit by bit (ANSI X9.24-1, key components).
fn add_component(path: &Path, key: &mut [u8]) -> Result<(), BankError> {
    let malformed = || BankError::Malformed("a key component");
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| BankError::file(path, error))?);
    if text.len() > COMPONENT_FILE_LEN_MAX {
        return Err(malformed());
    }
    let component = Zeroizing::new(hex::decode(text.trim()).map_err(|_| malformed())?);
    if component.len() != key.len() {
        return Err(malformed());
    }
    key.iter_mut().zip(component.iter()).for_each(|(byte, component)| *byte ^= component);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank_front::hsm::testing::{ACQUIRER, Shared};
    use crate::bank_front::hsm::{Hsm, ZoneKeyKind};
    use crate::bank_front::tests::support::NOW_MS;

    #[test]
    fn a_key_is_the_sum_of_its_components() {
        let shared = Shared::new();
        let folder = KeyFolder::from(shared.folder.path());
        let paths = ["a", "b", "c"].map(|name| shared.folder.path().join(name));
        share(&folder, "77", SharedKind::ZoneMaster, &paths, Forming::New).unwrap();
        let again = share(&folder, "77", SharedKind::BaseDerivation, &paths, Forming::New);
        assert!(again.is_err(), "never over one that is there");
        let mut key = [0; 16];
        for path in &paths {
            add_component(path, &mut key).unwrap();
        }
        let hsm = Hsm::open(folder, NOW_MS).unwrap();
        let sent = hsm.new_zone_key("77", ZoneKeyKind::Mac).unwrap();
        let mut working: [u8; 16] = sent.cryptogram.try_into().unwrap();
        for half in working.as_chunks_mut::<8>().0 {
            super::super::tdes::decipher(&key, half);
        }
        assert_eq!(super::super::tdes::kcv(&working), sent.kcv);
    }

    #[test]
    fn a_component_that_is_not_one_is_refused() {
        let shared = Shared::new();
        let folder = KeyFolder::from(shared.folder.path());
        let path = shared.folder.path().join("component");
        for wrong in ["", "00", "x", &"0".repeat(32), &"12".repeat(32), &" ".repeat(300)] {
            std::fs::write(&path, wrong).unwrap();
            let components = std::slice::from_ref(&path);
            let shared = share(&folder, "77", SharedKind::ZoneMaster, components, Forming::Given);
            assert!(shared.is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_key_is_listed_by_id_kind_and_check_value_and_none_by_itself() {
        let shared = Shared::new();
        let (json, text) = list(&KeyFolder::from(shared.folder.path())).unwrap();
        let keys = json.as_array().unwrap();
        let ids: Vec<_> = keys.iter().map(|key| key["id"].as_str().unwrap()).collect();
        for id in ["issuer_cryptogram/476134", "zone_pin/42", "base_derivation_aes/42", "zone_master_aes/43"] {
            assert!(ids.contains(&id), "{id}: {ids:?}");
        }
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len(), "ids are unique");
        assert!(keys.iter().all(|key| key["check_value"].as_str().unwrap().len() == 6));
        // The public check value of a public test key.
        let known = keys.iter().find(|key| key["id"] == "base_derivation/42").unwrap();
        assert_eq!((known["usage"].as_str(), known["check_value"].as_str()), (Some("B0"), Some("08D7B4")));
        let clear = hex::encode_upper(crate::bank_front::hsm::testing::BASE);
        for secret in [clear.as_str(), &hex::encode_upper(shared.pin_key), ACQUIRER] {
            assert!(!text.contains(secret) && !json.to_string().contains(secret));
        }
    }
}
