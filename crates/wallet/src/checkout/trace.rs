//! What each stage weighed and took, for whoever wants to look: names, times and sizes, nothing secret.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Takes one JSON object a stage.
#[derive(Clone)]
pub struct Trace(Option<mpsc::UnboundedSender<Value>>);

impl Trace {
    /// Nobody wants to look.
    pub fn silent() -> Self {
        Self(None)
    }

    /// A trace and where its objects come out.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Value>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    /// Tells of a stage that took this long; `facts` is an object whose members are added.
    pub(crate) fn tell(&self, stage: &str, took: Duration, facts: Value) {
        let Some(sender) = &self.0 else { return };
        let mut line = json!({ "stage": stage, "ms": millis(took) });
        if let (Some(line), Value::Object(facts)) = (line.as_object_mut(), facts) {
            line.extend(facts);
        }
        // Whoever stopped looking misses nothing that matters.
        let _ = sender.send(line);
    }
}

/// Milliseconds with three decimals.
fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}
