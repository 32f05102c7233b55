//! The sweeper: ends open requests whose time has run out, by the server's clock only.
//!
//! Every use of a request checks its time as well; the sweeper makes sure that merchant and payer are told.

use std::time::Duration;

use payment::RequestEvent;

use super::{App, Error};
use crate::clock::{now_ms, signed_ms};

/// How often the sweeper looks.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How many requests one sweep ends.
const SWEEP_MAX: i64 = 200;

/// Sweeps until the server stops.
pub(super) async fn run(app: App) {
    loop {
        if let Err(error) = sweep(&app).await {
            tracing::error!(%error, "the sweep for expired requests failed");
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
    }
}

async fn sweep(app: &App) -> Result<(), Error> {
    let now_ms = now_ms();
    let expired: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM payment_request WHERE state IN ('created', 'delivering', 'delivered', 'seen') \
         AND expires_ms <= $1 ORDER BY expires_ms LIMIT $2",
    )
    .bind(signed_ms(now_ms))
    .bind(SWEEP_MAX)
    .fetch_all(app.db.reader())
    .await?;
    for id in expired {
        let id = id.parse().map_err(|_| Error::Row("request"))?;
        match app.change_request(id, RequestEvent::Expired, now_ms).await {
            // An attempt, a refusal or a cancellation was faster.
            Ok(_) | Err(Error::Transition(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
