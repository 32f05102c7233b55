//! The merchant: signs an order, asks for its payment, and sees it paid.

use std::time::Duration;

use serde_json::{Value, json};

use crate::demo::narrator::Narrator;
use crate::demo::parties::tapseal;
use crate::demo::{Stage, text};
use crate::failure::Failure;

/// The merchant as `keys init` takes it: id, display name, category (restaurants), country, currency.
pub const ENTRY: &str = "blue-door:Blue Door Café:5814:US:USD";

/// Its id.
pub const ID: &str = "blue-door";

/// Signs the order of one breakfast and asks the payer for it. Returns the request's id.
pub fn ask_for_payment(
    stage: &Stage,
    payer_email: &str,
    life: Duration,
    narrator: &mut Narrator,
) -> Result<String, Failure> {
    let printed = tapseal(stage, &["merchant", "request", "--json"], |call| {
        call.arg("--data").arg(&stage.folder).args(["--merchant", ID]);
        call.args(["--amount", "12.80", "--currency", "USD", "--order", "A-1042"]);
        call.args(["--item", "Flat white:2:9.80", "--item", "Croissant:1:3.00"]);
        call.args(["--email", payer_email, "--expires-s", &life.as_secs().to_string()]);
    })?;
    let view = parse(&printed)?;
    let id = text(&view, "id", "merchant request")?.to_owned();
    let words = view["match_words"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    narrator.stage(
        "request",
        &[
            ("request", json!(id)),
            ("amount_minor", json!(view["amount"]["minor"])),
            ("currency", json!(view["amount"]["currency"])),
            ("match_words", json!(words)),
        ],
        &format!("Blue Door Café asks {payer_email} for 12.80 USD; match words: {}", words.join(" ")),
    );
    Ok(id)
}

/// The name of the request's state, such as `paid`.
pub fn status(stage: &Stage, request: &str) -> Result<String, Failure> {
    let printed = tapseal(stage, &["merchant", "show", "--json"], |call| {
        call.arg("--data").arg(&stage.folder).args(["--merchant", ID, request]);
    })?;
    Ok(text(&parse(&printed)?, "status", "merchant show")?.to_owned())
}

/// Makes sure that the merchant sees the payment.
pub fn see_paid(stage: &Stage, request: &str, narrator: &mut Narrator) -> Result<(), Failure> {
    let status = status(stage, request)?;
    if status != "paid" {
        return Err(Failure::unexpected("the merchant's view", format!("status {status}, and not paid")));
    }
    narrator.stage("merchant", &[("status", json!(status))], "the merchant sees the request PAID");
    Ok(())
}

fn parse(printed: &str) -> Result<Value, Failure> {
    serde_json::from_str(printed.trim()).map_err(|_| Failure::unexpected("tapseal merchant", printed))
}
