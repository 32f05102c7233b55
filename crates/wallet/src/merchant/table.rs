//! The sales as a file for a spreadsheet.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use protocol::ipc::merchant::FileView;
use protocol::merchant_api::PaymentRequestView;

use crate::clock::signed;
use crate::csv;
use crate::error::Result;

/// The columns.
const HEAD: [&str; 7] = ["time", "order_number", "request_id", "status", "currency", "amount", "refunded"];

/// The sales as a file, its name after the moment it was made.
#[allow(clippy::unnecessary_wraps, reason = "a file that cannot be made is an error of the command's")]
pub fn file(sales: &[PaymentRequestView], now_ms: u64) -> Result<FileView> {
    let zone = TimeZone::system();
    let mut text = csv::BYTE_ORDER_MARK.to_owned();
    csv::line(&mut text, &HEAD.map(str::to_owned));
    for sale in sales {
        let refunded = payment::Amount::new(sale.refunded_minor, sale.amount.currency());
        let cells = [
            time(sale.created_ms, &zone, csv::TIME_FORMAT),
            sale.order_number.clone(),
            sale.id.to_string(),
            sale.state.name().to_owned(),
            sale.amount.currency().code().to_owned(),
            sale.amount.to_decimal(),
            refunded.to_decimal(),
        ];
        csv::line(&mut text, &cells);
    }
    let name = format!("tapseal-sales-{}.csv", time(now_ms, &zone, "%Y%m%d-%H%M%S"));
    Ok(FileView { name, text })
}

/// A time where this device is.
fn time(time_ms: u64, zone: &TimeZone, format: &str) -> String {
    let timestamp = Timestamp::from_millisecond(signed(time_ms)).unwrap_or_default();
    timestamp.to_zoned(zone.clone()).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_begins_with_its_mark_and_ends_every_line_alike() {
        let file = file(&[], 1_780_000_000_000).unwrap();
        assert_eq!(file.text, "\u{feff}time,order_number,request_id,status,currency,amount,refunded\r\n");
        assert!(
            file.name.starts_with("tapseal-sales-2026") && file.name.strip_suffix(".csv").is_some(),
            "{}",
            file.name
        );
    }
}
