//! What the shell is told at its start: environment variables, and a link as the first argument.

use std::ffi::OsString;
use std::path::PathBuf;

use protocol::{ErrorCode, Problem};
use wallet::{KeyStoreKind, WalletConfig};

/// The longest link taken from the command line, bytes. A Tapseal link has about 150.
const LINK_LENGTH_MAX: usize = 2_048;

/// The folder of the wallet, instead of the platform's own.
const HOME: &str = "TAPSEAL_HOME";
/// The trust file to pin at the first start.
const TRUST: &str = "TAPSEAL_TRUST";
/// `keyring` or `file`.
const KEY_STORE: &str = "TAPSEAL_KEY_STORE";
/// A reader to offer beside those that are found, such as `replay:FILE`.
const READER: &str = "TAPSEAL_READER";

/// Certification authorities to believe besides the schemes' own: for simulated cards.
const CA_KEYS: &str = "TAPSEAL_CA_KEYS";

/// Reads the wallet's set-up through `variable`, which answers for one environment variable.
///
/// `platform_home` is where the wallet lives unless told otherwise; a set but unusable variable is an error, because
/// falling back would open another wallet than the one meant.
pub(crate) fn wallet_config(
    variable: impl Fn(&str) -> Option<OsString>,
    platform_home: Option<PathBuf>,
) -> Result<WalletConfig, Problem> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let home = set(HOME).map(PathBuf::from).or(platform_home);
    let home = home.ok_or_else(|| unusable(HOME, "this system names no folder for a program's data"))?;
    let mut config = WalletConfig::new(home);
    config.trust = set(TRUST).map(PathBuf::from);
    config.ca_keys = set(CA_KEYS).map(PathBuf::from);
    if let Some(kind) = text(KEY_STORE, set(KEY_STORE))? {
        config.key_store = kind.parse::<KeyStoreKind>().map_err(|error| unusable(KEY_STORE, &error.to_string()))?;
    }
    config.readers.extend(text(READER, set(READER))?);
    Ok(config)
}

/// The folder that makes this wallet another one than the person's usual, if one is set.
#[cfg(desktop)]
pub(crate) fn own_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    variable(HOME).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The link the program was started with, if its first argument is one. It is shown, never acted on.
pub(crate) fn link(arguments: impl IntoIterator<Item = OsString>) -> Option<String> {
    known_link(arguments.into_iter().nth(1)?.to_str()?)
}

/// The text, if it looks like one of our links.
pub(crate) fn known_link(text: &str) -> Option<String> {
    let is_link = text.starts_with("tapseal:") || text.starts_with("https://");
    (is_link && text.len() <= LINK_LENGTH_MAX).then(|| text.to_owned())
}

fn text(name: &str, value: Option<OsString>) -> Result<Option<String>, Problem> {
    value.map(OsString::into_string).transpose().map_err(|_| unusable(name, "it is not Unicode"))
}

fn unusable(name: &str, why: &str) -> Problem {
    Problem::new(ErrorCode::InvalidInput).with_detail(format!("{name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[(&str, &str)]) -> Result<WalletConfig, Problem> {
        let variable = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        wallet_config(variable, Some("/platform".into()))
    }

    #[test]
    fn nothing_set_is_the_platforms_folder_and_its_keyring() {
        let config = config(&[(HOME, "")]).unwrap();
        assert_eq!(config.home, PathBuf::from("/platform"));
        assert_eq!((config.trust, config.key_store, config.readers.len()), (None, KeyStoreKind::Keyring, 0));
    }

    #[test]
    fn everything_can_be_set() {
        let set =
            [(HOME, "/w"), (TRUST, "/t.json"), (KEY_STORE, "file"), (READER, "replay:card.json"), (CA_KEYS, "/ca.txt")];
        let config = config(&set).unwrap();
        assert_eq!(config.home, PathBuf::from("/w"));
        assert_eq!((config.trust, config.ca_keys), (Some("/t.json".into()), Some("/ca.txt".into())));
        assert_eq!(config.key_store, KeyStoreKind::File);
        assert_eq!(config.readers, ["replay:card.json"]);
    }

    #[test]
    fn an_unknown_key_store_is_an_error_and_not_a_fallback() {
        let Err(problem) = config(&[(KEY_STORE, "flie")]) else { panic!("it was taken") };
        assert_eq!(problem.code, ErrorCode::InvalidInput);
        assert!(problem.detail.is_some_and(|detail| detail.contains(KEY_STORE)));
    }

    #[test]
    fn only_links_are_links() {
        let given = |first: &str| link([OsString::from("tapseal-app"), OsString::from(first)]);
        assert_eq!(given("tapseal://r/abc?s=h:1#key").as_deref(), Some("tapseal://r/abc?s=h:1#key"));
        assert_eq!(given("https://pay.example/r/abc#key").as_deref(), Some("https://pay.example/r/abc#key"));
        for other in ["--help", "http://pay.example/r/abc#key", "file:///etc/passwd", "javascript:alert(1)", ""] {
            assert_eq!(given(other), None, "{other}");
        }
        assert_eq!(given(&format!("tapseal://{}", "x".repeat(LINK_LENGTH_MAX))), None);
        assert_eq!(link([OsString::from("tapseal-app")]), None);
    }
}
