//! Which bank of the deployment issues cards under which prefix: one list for all, as ISO/IEC 7812-2 keeps one for
//! the world. It is what keeps two banks from claiming a card; wallets and payment server refuse the card if it fails.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;

use super::{BankId, DataFolder, KeysError, read_json, replace_json};

/// The register within the data folder.
const FILE_NAME: &str = "issuer-register.json";

/// Enters the prefixes for the bank: all of them, or none when another bank has one that a card could share.
///
/// # Errors
/// [`KeysError::PrefixTaken`] names the prefix and the bank that has it.
pub fn claim(folder: &DataFolder, bank: &BankId, prefixes: &[String]) -> Result<(), KeysError> {
    let path = folder.path().join(FILE_NAME);
    let _turn = turn(folder)?;
    let mut register: BTreeMap<String, String> = if path.exists() { read_json(&path)? } else { BTreeMap::new() };
    for prefix in prefixes {
        let shares = |known: &str| known.starts_with(prefix.as_str()) || prefix.starts_with(known);
        let other = register.iter().find(|(known, holder)| shares(known) && *holder != bank.as_str());
        if let Some((known, holder)) = other {
            return Err(KeysError::PrefixTaken { prefix: known.clone(), holder: holder.clone() });
        }
        register.insert(prefix.clone(), bank.to_string());
    }
    replace_json(&path, &register)
}

/// Waits for one's turn: two banks may be seeded at the same time. The turn ends when the handle is dropped.
fn turn(folder: &DataFolder) -> Result<File, KeysError> {
    let path = folder.path().join(FILE_NAME).with_extension("lock");
    let failed = |source| KeysError::File { path: path.clone(), source };
    let handle = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    handle.lock().map_err(failed)?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_one_bank_and_a_longer_one_under_it_has_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(dir.path());
        let (first, second) = (BankId::first(), "second".parse().unwrap());
        let claim = |bank: &BankId, prefixes: &[&str]| {
            let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
            claim(&folder, bank, &prefixes).map_err(|error| error.to_string())
        };
        claim(&first, &["476134", "400000"]).unwrap();
        claim(&first, &["476134", "47613477"]).unwrap();
        claim(&second, &["541333"]).unwrap();
        for taken in ["476134", "47613400", "54133300"] {
            let (bank, holder) = if taken.starts_with('5') { (&first, "second") } else { (&second, "first") };
            let refused = claim(bank, &["510000", taken]).unwrap_err();
            assert!(refused.contains(holder), "{refused}");
        }
        claim(&second, &["510000"]).expect("a claim that failed left nothing behind");
        claim(&first, &["510001"]).unwrap();
    }
}
