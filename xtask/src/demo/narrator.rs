//! Tells the stages of the demo: one JSON line each, or one line a person reads.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;

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
    pub fn stage(&mut self, name: &str, facts: &[(&str, Value)], sentence: &str) {
        let elapsed_ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since = Instant::now();
        if self.json {
            let facts = facts.iter().map(|(fact, value)| (*fact, value.clone()));
            let ends = [("stage", name.into())].into_iter().chain(facts).chain([("ms", elapsed_ms.into())]);
            println!("{}", in_order(ends));
        } else {
            println!("✓ {name:<14} {elapsed_ms:>6} ms  {sentence}");
        }
    }

    /// Passes on a stage that another program told in the same form.
    pub fn pass_on(&mut self, told: &Value) {
        self.since = Instant::now();
        if self.json {
            let members = told.as_object().into_iter().flatten().filter(|(fact, _)| *fact != "stage");
            let facts = members.map(|(fact, value)| (fact.as_str(), value.clone()));
            println!("{}", in_order([("stage", told["stage"].clone())].into_iter().chain(facts)));
            return;
        }
        let name = told["stage"].as_str().unwrap_or("?");
        let elapsed_ms = told["ms"].as_f64().unwrap_or(0.0);
        println!("✓ {name:<14} {elapsed_ms:>6.0} ms  {}", sentence_of(told));
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
            None => {
                println!("  cargo xtask demo --keep demo-data   the same, and keeps keys, databases, mail and logs");
            }
        }
        println!("  cargo xtask demo --headless --json  every stage with its time and sizes");
        println!("  ARCHITECTURE.md                     a tap, and a timeout, step by step");
        println!("  tests/                              what happens when something goes wrong, one test each");
    }
}

/// A JSON object with its members in this order, so that every line begins with its stage.
fn in_order<'m>(members: impl Iterator<Item = (&'m str, Value)>) -> String {
    let members = members.map(|(name, value)| format!("{}:{value}", Value::from(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// What a person reads of a stage that the wallet told.
fn sentence_of(told: &Value) -> String {
    let fact = |name: &str| plain(&told[name]);
    let exchange = |name: &str| plain(&told["exchange"][name]);
    match told["stage"].as_str() {
        Some("keys") => {
            format!("the server's keyset, version {}, and the bank's certificate are verified", fact("keyset_version"))
        }
        Some("reading") => {
            format!("{} read {} in {} exchanges", fact("card_label"), fact("interface"), fact("exchanges"))
        }
        Some("pin") => "the PIN is in".to_owned(),
        Some("sealing") => format!(
            "inner seal to bank {}, {} bytes; outer seal to the payment server, {} bytes",
            fact("bank"),
            fact("inner_capsule_bytes"),
            fact("outer_capsule_bytes"),
        ),
        Some("bank") if told["exchange"].is_object() => format!(
            "ISO 8583 {} of {} bytes, {} of {} bytes, response code {}",
            exchange("request_mti"),
            exchange("request_bytes"),
            exchange("response_mti"),
            exchange("response_bytes"),
            exchange("response_code"),
        ),
        _ => facts_of(told),
    }
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
    fn a_line_begins_with_its_stage_and_is_json() {
        let line = in_order([("stage", "receipt".into()), ("verified", true.into()), ("ms", 7.into())].into_iter());
        assert_eq!(line, r#"{"stage":"receipt","verified":true,"ms":7}"#);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["ms"], 7);
    }

    #[test]
    fn facts_read_as_words() {
        assert_eq!(
            facts_of(&json!({ "stage": "s", "ms": 1, "inner_bytes": 9, "to": "bank" })),
            "inner bytes 9, to bank"
        );
    }
}
