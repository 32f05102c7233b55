//! Cards: shown, blocked, and made usable again.

use super::{Folder, print};
use crate::bank_front::card::{Card, CardStatus};
use crate::bank_front::error::BankError;
use crate::bank_front::open_database;

pub(super) async fn show_card(folder: &Folder, last_four: &str, status: Option<CardStatus>) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let last_four = last_four.to_owned();
    let card = db
        .write(move |db_tx| {
            Box::pin(async move {
                let card = Card::find_by_last_four(db_tx, &last_four).await?;
                let Some(status) = status else { return Ok(card) };
                card.set_status(db_tx, status).await?;
                Card::find_by_last_four(db_tx, &last_four).await
            })
        })
        .await?;
    let view = serde_json::json!({
        "pan_last_four": card.last_four,
        "scheme": card.scheme,
        "account": card.account_id.as_str(),
        "status": card.status,
        "pin_tries_left": card.pin_tries_left,
        "atc": card.atc,
        "payment_limit_minor": card.payment_limit.minor(),
        "day_limit_minor": card.day_limit.minor(),
        "device_limit_minor": card.device_limit.minor(),
        "stripe_limit_minor": card.stripe_limit.minor(),
        "stripe_use": card.stripe_use,
        "applications": card.applications.iter().map(hex::encode_upper).collect::<Vec<_>>(),
        "currency": card.currency,
    });
    print(folder, &view, || {
        format!(
            "{} ••{} {} on {}, {} PIN tries left",
            card.scheme,
            card.last_four,
            card.status.as_str(),
            card.account_id,
            card.pin_tries_left
        )
    });
    Ok(())
}
