//! Known vulnerabilities, from the `RustSec` database: fetched, or from a snapshot of it. Exceptions stand in
//! `.cargo/audit.toml` with their reasons.

use std::path::PathBuf;
use std::process::Command;

use crate::repository::{cargo, root};

/// A snapshot beside the source tree, for machines that cannot fetch the database.
const SNAPSHOT: &str = "../shared/advisory-db";

/// Where the database comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// A copy of some day, as it is.
    Snapshot(PathBuf),
    /// Today's, over the network.
    Fetched,
}

/// The database to use, or none when the network is off limits and there is no snapshot.
pub fn source(offline: bool, given: Option<PathBuf>) -> Option<Source> {
    let beside = root().join(SNAPSHOT);
    choose(offline, given, beside.is_dir().then_some(beside))
}

fn choose(offline: bool, given: Option<PathBuf>, beside: Option<PathBuf>) -> Option<Source> {
    match given.or(beside) {
        Some(folder) => Some(Source::Snapshot(folder)),
        None if offline => None,
        None => Some(Source::Fetched),
    }
}

/// The check itself. Without network and without snapshot it fails, as an unchecked release should.
pub fn command(source: &Source) -> Command {
    let mut audit = cargo(["audit", "--deny", "warnings"]);
    match source {
        // A snapshot is old by nature; cargo-audit refuses one older than 90 days unless told.
        Source::Snapshot(folder) => audit.arg("--db").arg(folder).args(["--no-fetch", "--stale"]),
        Source::Fetched => &mut audit,
    };
    audit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_offline_without_a_snapshot_leaves_the_check_out() {
        let folder = || Some(PathBuf::from("db"));
        assert_eq!(choose(true, None, None), None);
        assert_eq!(choose(false, None, None), Some(Source::Fetched));
        assert_eq!(choose(true, None, folder()), Some(Source::Snapshot("db".into())));
        assert_eq!(choose(false, Some("given".into()), folder()), Some(Source::Snapshot("given".into())));
    }
}
