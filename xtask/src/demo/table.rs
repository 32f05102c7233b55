//! The table of a demo that paid in every way.

use serde_json::{Value, json};

use crate::demo::Method;

/// One payment: every receipt in the table was verified by somebody else.
pub struct Row {
    method: String,
    receipt: Value,
}

impl Row {
    /// The payment that a verified receipt is about.
    pub fn of(method: Method, receipt: &Value) -> Self {
        Self { method: format!("{method:?}").to_lowercase(), receipt: receipt.clone() }
    }

    fn amount(&self) -> String {
        let minor = self.receipt["amount"]["minor"].as_i64().unwrap_or_default();
        format!(
            "{}.{:02} {}",
            minor / 100,
            minor % 100,
            self.receipt["amount"]["currency"].as_str().unwrap_or_default()
        )
    }
}

/// Prints it: for a person, or as one JSON line like the stages.
pub fn print(rows: &[Row], as_json: bool) {
    if as_json {
        let paid = rows.iter().map(|row| json!({ "method": row.method, "receipt": row.receipt })).collect::<Vec<_>>();
        println!("{}", json!({ "stage": "table", "paid": paid, "verified": rows.len() }));
        return;
    }
    println!("\n{:<8}  {:<18}  {:>10}  receipt", "method", "paid with", "amount");
    for row in rows {
        let with = row.receipt["method"].as_str().unwrap_or_default();
        println!("{:<8}  {with:<18}  {:>10}  verified", row.method, row.amount());
    }
}
