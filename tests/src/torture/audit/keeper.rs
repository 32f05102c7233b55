//! The vault against what payers asked of it: every release it made was asked for once and served one payment at most, and
//! no name is lost.

use std::collections::BTreeSet;

use payment::AttemptId;
use serde_json::Value;

use super::Verdict;
use crate::keeper::Keeper;
use crate::torture::client::Clients;
use crate::torture::purse::{Heard, Purse, Wish};

/// More entries than a run leaves.
const ENTRIES: &str = "1000000";

/// Audits the vault, and looks at every name with its owner.
pub async fn audit(verdict: &mut Verdict, keeper: &Keeper, clients: &[Clients], purses: &mut [Purse]) {
    let log = keeper.tool(&["audit", "--entries", ENTRIES]).await;
    if log.code != 0 {
        verdict.lose(format!("the vault's audit log is broken: {log:?}"));
        return;
    }
    let entries = log.answer()["entries"].as_array().cloned().unwrap_or_default();
    let released: Vec<AttemptId> = entries.iter().filter(|entry| entry["kind"] == "released").map(subject).collect();
    let made: BTreeSet<AttemptId> = released.iter().copied().collect();
    verdict.releases = made.len();
    if made.len() != released.len() {
        verdict.lose(format!("the vault released twice for one attempt: {} for {}", released.len(), made.len()));
    }
    let wishes: Vec<Wish> =
        purses.iter_mut().filter_map(Purse::aliases).flat_map(|aliases| aliases.wishes().to_vec()).collect();
    let asked: BTreeSet<AttemptId> = wishes.iter().map(|wish| wish.attempt).collect();
    for attempt in made.difference(&asked) {
        verdict.lose(format!("the vault released for {attempt}, which nobody asked for"));
    }
    for wish in &wishes {
        match wish.heard {
            Heard::Released if !made.contains(&wish.attempt) => {
                verdict.lose(format!("the release for {} is not in the vault's log", wish.attempt));
            }
            Heard::Refused if made.contains(&wish.attempt) => {
                verdict.lose(format!("the release for {} was said to be refused", wish.attempt));
            }
            Heard::Released | Heard::Refused | Heard::Nothing => {}
        }
    }
    let paid: Vec<AttemptId> =
        verdict.taken.iter().filter(|taken| taken.way == "alias").map(|taken| taken.attempt).collect();
    for attempt in paid.iter().filter(|attempt| !made.contains(*attempt)) {
        verdict.lose(format!("{attempt} was paid by a card that the vault never released"));
    }
    let enrolled = entries.iter().filter(|entry| entry["kind"] == "enrolled").count();
    let mut names = 0;
    for (client, purse) in clients.iter().zip(purses) {
        let to = client.seal_to().await;
        let Some(aliases) = purse.aliases() else { continue };
        names += aliases.names();
        for fault in aliases.look(&to).await {
            verdict.lose(fault);
        }
    }
    if enrolled != names {
        verdict.lose(format!("{enrolled} names were enrolled, and payers have {names}"));
    }
}

fn subject(entry: &Value) -> AttemptId {
    entry["subject"].as_str().and_then(|text| text.parse().ok()).expect("a release names its attempt")
}
