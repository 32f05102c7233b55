//! Deliveries as a merchant sees them, channel by channel.

use payment::RequestId;
use protocol::merchant_api::{Channel, DeliveryStatus, DeliveryView};

use super::{App, Error};
use crate::clock::unsigned_ms;

/// The most deliveries shown of one request.
const SHOWN_MAX: i64 = 100;

type Row = (String, String, String, i64, i64, Option<String>);

/// A request's deliveries, oldest first. One into a device's inbox is shown only once that device has opened the request:
/// before, it would tell that somebody claimed the identifier.
pub(super) async fn shown(app: &App, request_id: RequestId) -> Result<Vec<DeliveryView>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, channel, status, tries, changed_ms, reason FROM delivery \
         WHERE request_id = $1 AND (told = 1 OR seen_ms IS NOT NULL) ORDER BY id LIMIT $2",
    )
    .bind(request_id.to_string())
    .bind(SHOWN_MAX)
    .fetch_all(app.db.reader())
    .await?;
    rows.into_iter().map(view).collect()
}

fn view((id, channel, status, tries, changed_ms, reason): Row) -> Result<DeliveryView, Error> {
    const WRONG: Error = Error::Row("delivery");
    Ok(DeliveryView {
        id,
        channel: Channel::from_name(&channel).ok_or(WRONG)?,
        status: DeliveryStatus::from_name(&status).ok_or(WRONG)?,
        tries: u32::try_from(tries).map_err(|_| WRONG)?,
        changed_ms: unsigned_ms(changed_ms),
        reason,
    })
}
