//! Tells the stages of the demo: one JSON line each, or one line a person reads.

use std::path::Path;
use std::time::Instant;

use serde_json::{Map, Value};

/// The teller, and the time since the last stage.
pub struct Narrator {
    json: bool,
    since: Instant,
}

impl Narrator {
    /// Starts the clock.
    pub fn new(json: bool) -> Self {
        Self { json, since: Instant::now() }
    }

    /// Tells that a stage has ended, with what is worth knowing about it: sizes and names, never secrets.
    pub fn stage(&mut self, name: &str, facts: Value, sentence: &str) {
        let elapsed_ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since = Instant::now();
        if self.json {
            println!("{}", Value::Object(line(name, elapsed_ms, facts)));
        } else {
            println!("✓ {name:<14} {elapsed_ms:>6} ms  {sentence}");
        }
    }

    /// Passes on a stage that another program told in the same form.
    pub fn pass_on(&mut self, told: &Value) {
        self.since = Instant::now();
        if self.json {
            println!("{told}");
            return;
        }
        let name = told["stage"].as_str().unwrap_or("?");
        let elapsed_ms = told["ms"].as_u64().unwrap_or(0);
        println!("✓ {name:<14} {elapsed_ms:>6} ms  {}", facts_of(told));
    }

    /// A remark for a person, such as why something is done another way.
    pub fn remark(sentence: &str) {
        eprintln!("  {sentence}");
    }

    /// The closing words.
    pub fn where_to_look_next(&self, kept: Option<&Path>) {
        if self.json {
            return;
        }
        println!("\nPaid, and proven by a receipt that anyone can verify. Where to look next:");
        match kept {
            Some(folder) => {
                println!("  {}  keys, databases, mail, logs and receipt.json of this run", folder.display());
            }
            None => println!("  cargo xtask demo --keep demo-data  the same, and keeps keys, databases, mail and logs"),
        }
        println!("  cargo xtask demo --headless --json  every stage with its time and sizes");
        println!("  ARCHITECTURE.md                     a tap, and a timeout, step by step");
        println!("  tests/                              what happens when something goes wrong, one test each");
    }
}

fn line(name: &str, elapsed_ms: u64, facts: Value) -> Map<String, Value> {
    let mut line = Map::from_iter([("stage".to_owned(), name.into()), ("ms".to_owned(), elapsed_ms.into())]);
    if let Value::Object(facts) = facts {
        line.extend(facts);
    }
    line
}

/// The facts of a line as `name value` pairs.
fn facts_of(told: &Value) -> String {
    let Some(members) = told.as_object() else { return String::new() };
    let facts = members.iter().filter(|(name, _)| !matches!(name.as_str(), "stage" | "ms"));
    facts.map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value))).collect::<Vec<_>>().join(", ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_has_stage_time_and_facts() {
        let line = Value::Object(line("receipt", 7, json!({ "verified": true })));
        assert_eq!(line, json!({ "stage": "receipt", "ms": 7, "verified": true }));
    }

    #[test]
    fn facts_read_as_words() {
        assert_eq!(
            facts_of(&json!({ "stage": "s", "ms": 1, "inner_bytes": 9, "to": "bank" })),
            "inner bytes 9, to bank"
        );
    }
}
