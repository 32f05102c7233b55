//! The banks of a deployment: what each is called, and where each keeps its files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::DataFolder;
use crate::tls::Identity;

/// The bank of a deployment that names none.
const FIRST: &str = "first";
/// Most characters of a bank's id.
const ID_CHARS_MAX: usize = 32;
/// Most characters of a bank's name: what its certificate may carry.
const NAME_CHARS_MAX: usize = envelope::keyset::DISPLAY_NAME_LEN_MAX;

/// A bank's id, as its certificate, its outcomes and the trust file name it: lower-case letters, digits and
/// hyphens, because folders and host names are made of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BankId(String);

impl BankId {
    /// The bank that is meant when none is named.
    pub fn first() -> Self {
        Self(FIRST.to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BankId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no bank id: 1 to {ID_CHARS_MAX} of a-z, 0-9 and - (not at either end)");
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain);
        if fits && !text.starts_with('-') && !text.ends_with('-') { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }
}

impl fmt::Display for BankId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bank to be made: its id, and its name for payers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankEntry {
    /// Its id.
    pub id: BankId,
    /// Its name.
    pub name: String,
}

impl FromStr for BankEntry {
    type Err = String;

    /// Reads `id` or `id:name`. A bank without a name is called after its id.
    fn from_str(text: &str) -> Result<Self, String> {
        let (id, name) = text.split_once(':').map_or((text, None), |(id, name)| (id, Some(name)));
        let id: BankId = id.parse()?;
        let name = name.map_or_else(|| name_after(&id), str::to_owned);
        let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && name.trim() == name;
        if fits && !name.chars().any(char::is_control) {
            Ok(Self { id, name })
        } else {
            Err(format!("{text:?}: the name"))
        }
    }
}

/// `north-west` becomes North West Bank.
fn name_after(id: &BankId) -> String {
    let capital = |word: &str| {
        let (head, tail) = word.split_at(1);
        format!("{}{tail} ", head.to_ascii_uppercase())
    };
    let words: String = id.0.split('-').filter(|word| !word.is_empty()).map(capital).collect();
    format!("{words}Bank")
}

/// Where one bank keeps its files: `bank/` for the first bank, `banks/ID/` for any other, `operators/ID/` for an operator.
#[derive(Clone, Debug)]
pub struct BankHome {
    id: BankId,
    dir: PathBuf,
    database: PathBuf,
    tls: Identity,
}

impl BankHome {
    /// The home of a bank in a data folder, whether or not it is there.
    pub(super) fn of(folder: &DataFolder, id: &BankId) -> Self {
        if id.as_str() == FIRST {
            return Self {
                id: id.clone(),
                dir: folder.path().join("bank"),
                database: folder.path().join("bank-front.db"),
                tls: folder.tls_identity("bank-front"),
            };
        }
        let dir = folder.path().join("banks").join(id.as_str());
        let tls = Identity { certificate: dir.join("tls/bank-front.pem"), key: dir.join("tls/bank-front.key") };
        Self { id: id.clone(), database: dir.join("bank-front.db"), dir, tls }
    }

    /// The home of an operator in a data folder, whether or not it is there.
    pub(super) fn of_operator(folder: &DataFolder, id: &BankId) -> Self {
        let dir = folder.path().join("operators").join(id.as_str());
        let tls = Identity { certificate: dir.join("tls/carrier-front.pem"), key: dir.join("tls/carrier-front.key") };
        Self { id: id.clone(), database: dir.join("carrier-front.db"), dir, tls }
    }

    /// Whose home it is.
    pub fn id(&self) -> &BankId {
        &self.id
    }

    /// The folder of its keys and lists.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file in that folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Its database.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// What its front shows on its line.
    pub fn tls_identity(&self) -> &Identity {
        &self.tls
    }
}

/// The host name in a bank front's TLS certificate that says whose front it is, whatever address it listens on.
/// `internal` is the top-level domain set aside for private use (ICANN, 2024).
pub fn front_host_name(id: &BankId) -> String {
    format!("{id}.bank-front.internal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_safe_as_a_folder_and_as_a_host_name() {
        for good in ["first", "second", "bank-2", "a"] {
            assert_eq!(good.parse::<BankId>().unwrap().as_str(), good);
        }
        for bad in ["", "..", "a/b", "First", "-a", "a-", "a_b", "ä", &"a".repeat(33)] {
            assert!(bad.parse::<BankId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bank_without_a_name_is_called_after_its_id() {
        let name = |text: &str| text.parse::<BankEntry>().unwrap().name;
        assert_eq!(name("first"), "First Bank");
        assert_eq!(name("north-west"), "North West Bank");
        assert_eq!(name("second:Zweite Bank"), "Zweite Bank");
        assert!("second:".parse::<BankEntry>().is_err());
        assert!("second: x".parse::<BankEntry>().is_err());
    }
}
