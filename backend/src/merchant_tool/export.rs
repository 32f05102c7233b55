//! The merchant's side of a reconciliation: what its journal at the payment server says was paid and given back, and
//! what each order was for.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use payment::{RefundId, RequestState};
use protocol::merchant_api::{EventView, EventsPage, RefundView};

use super::{Caller, MerchantToolError, Place};
use crate::reconciliation::{self, Record, Status, Subject};

/// What the journal calls a payment.
const PAID: &str = "request.paid";
/// What it calls a refund that the bank has made.
const REFUNDED: &str = "refund.refunded";
/// The most pages of the journal that are read: ten million entries.
const PAGES_MAX: u32 = 100_000;

/// Which payments, and where to write them.
#[derive(Debug, clap::Args)]
pub struct ExportOptions {
    /// Where.
    #[command(flatten)]
    pub(super) place: Place,
    /// The first day, YYYY-MM-DD. Days are those of UTC, by when the merchant was told.
    #[arg(long)]
    from: Date,
    /// The last day.
    #[arg(long)]
    to: Date,
    /// Write to this file; printed when absent.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Writes the merchant's payments and refunds.
pub(super) async fn export(options: &ExportOptions) -> Result<(), MerchantToolError> {
    let caller = Caller::of(&options.place)?;
    let mut records = Vec::new();
    let mut after = 0;
    for _ in 0..PAGES_MAX {
        let page = caller.events(after).await?;
        for event in &page.events {
            after = event.seq;
            let date = date(event)?;
            if (options.from..=options.to).contains(&date) {
                records.extend(record(&caller, options, event, date).await?);
            }
        }
        if !page.has_more {
            break;
        }
    }
    let unwritable = |what: String| MerchantToolError::Argument(what);
    let text = reconciliation::write(&records).map_err(|error| unwritable(error.to_string()))?;
    let Some(path) = &options.out else {
        print!("{text}");
        return Ok(());
    };
    std::fs::write(path, text).map_err(|error| unwritable(format!("{}: {error}", path.display())))
}

fn date(event: &EventView) -> Result<Date, MerchantToolError> {
    let wrong = || MerchantToolError::Argument("the journal has a time that is none".to_owned());
    let time_ms = i64::try_from(event.time_ms).map_err(|_| wrong())?;
    Ok(Timestamp::from_millisecond(time_ms).map_err(|_| wrong())?.to_zoned(TimeZone::UTC).date())
}

async fn record(
    caller: &Caller,
    options: &ExportOptions,
    event: &EventView,
    date: Date,
) -> Result<Option<Record>, MerchantToolError> {
    let is_refund = match event.kind.as_str() {
        PAID => false,
        REFUNDED => true,
        _ => return Ok(None),
    };
    let request = caller.show(event.request_id).await?;
    let (subject, id, status, amount) = match (request.state, event.refund_id) {
        (_, Some(refund_id)) if is_refund => {
            let refund = caller.show_refund(refund_id).await?;
            (Subject::Refund, refund.id, Status::Refunded, refund.amount)
        }
        (RequestState::Paid { attempt_id }, None) => {
            (Subject::Payment, attempt_id.to_string(), Status::Paid, request.amount)
        }
        _ => return Ok(None),
    };
    Ok(Some(Record {
        business_date: date.to_string(),
        subject,
        merchant_id: options.place.merchant.to_string(),
        request_id: request.id.to_string(),
        id,
        status,
        amount_minor: amount.minor(),
        currency: amount.currency().code().to_owned(),
        reference: request.order_number,
    }))
}

impl Caller {
    /// A page of the merchant's journal, after the entry last seen.
    async fn events(&self, after: u64) -> Result<EventsPage, MerchantToolError> {
        self.send(self.client.get(format!("{}/v1/events?after={after}", self.server))).await
    }

    async fn show_refund(&self, id: RefundId) -> Result<RefundView, MerchantToolError> {
        self.send(self.client.get(format!("{}/v1/refunds/{id}", self.server))).await
    }
}
