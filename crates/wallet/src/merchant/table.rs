//! A file for a spreadsheet: CSV (RFC 4180) with a byte order mark, and no cell that a spreadsheet would compute.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use protocol::ipc::merchant::FileView;
use protocol::merchant_api::PaymentRequestView;

use crate::clock::signed;
use crate::error::Result;

/// Tells spreadsheets that the text is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// What a cell may not begin with: a spreadsheet takes it for a formula, or passes over it to find one.
const FORMULA_BEGINS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The columns.
const HEAD: [&str; 7] = ["time", "order_number", "request_id", "status", "currency", "amount", "refunded"];

/// The sales as a file, its name after the moment it was made.
#[allow(clippy::unnecessary_wraps, reason = "a file that cannot be made is an error of the command's")]
pub fn file(sales: &[PaymentRequestView], now_ms: u64) -> Result<FileView> {
    let zone = TimeZone::system();
    let mut text = BYTE_ORDER_MARK.to_owned();
    line(&mut text, &HEAD.map(str::to_owned));
    for sale in sales {
        let refunded = payment::Amount::new(sale.refunded_minor, sale.amount.currency());
        let cells = [
            time(sale.created_ms, &zone, "%Y-%m-%dT%H:%M:%S%:z"),
            sale.order_number.clone(),
            sale.id.to_string(),
            sale.state.name().to_owned(),
            sale.amount.currency().code().to_owned(),
            sale.amount.to_decimal(),
            refunded.to_decimal(),
        ];
        line(&mut text, &cells);
    }
    let name = format!("tapseal-sales-{}.csv", time(now_ms, &zone, "%Y%m%d-%H%M%S"));
    Ok(FileView { name, text })
}

/// A time where this device is.
fn time(time_ms: u64, zone: &TimeZone, format: &str) -> String {
    let timestamp = Timestamp::from_millisecond(signed(time_ms)).unwrap_or_default();
    timestamp.to_zoned(zone.clone()).strftime(format).to_string()
}

/// One line, with the line break that RFC 4180 asks for.
fn line(text: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|content| cell(content)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A cell: what looks like a formula gets an apostrophe, and what could end the cell is quoted.
fn cell(content: &str) -> String {
    let safe = if content.starts_with(FORMULA_BEGINS) { format!("'{content}") } else { content.to_owned() };
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_text_stays_one_cell() {
        for (content, written) in [
            ("A-1042", "A-1042"),
            ("=1+1", "'=1+1"),
            ("+441", "'+441"),
            ("-3.20", "'-3.20"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("two, of them", "\"two, of them\""),
            ("the \"best\"", "\"the \"\"best\"\"\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
        ] {
            assert_eq!(cell(content), written);
        }
    }

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
