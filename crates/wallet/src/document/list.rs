//! The payments of a period as a document.

use jiff::tz::TimeZone;
use payment::Amount;
use protocol::ipc::history::{HistoryLine, HistoryView, SumView};

use super::page::{COLUMN, MARGIN, Paper, RIGHT, Style};
use super::words::Words;

/// Where the columns begin.
const PAYEE_X: f32 = MARGIN + 78.0;
/// The same.
const ORDER_X: f32 = PAYEE_X + 152.0;
/// The same.
const METHOD_X: f32 = ORDER_X + 84.0;
/// The text of a row.
const ROW: Style = Style::plain(9.0);

/// What a list's document says.
pub struct ListPaper<'a> {
    /// How many, by month, and what they come to.
    pub view: &'a HistoryView,
    /// The lines, newest first.
    pub lines: &'a [HistoryLine],
    /// What was searched for, as it was typed; empty when nothing was.
    pub search: &'a str,
}

/// The document's bytes.
pub fn list(paper: &ListPaper<'_>, words: Words, zone: &TimeZone) -> Vec<u8> {
    let mut sheet = Paper::new();
    head(&mut sheet, paper, words, zone);
    columns(&mut sheet, words);
    let mut month = String::new();
    for line in paper.lines {
        let of_line = words.month(line.decided_ms, zone);
        if of_line != month {
            if sheet.ensure(60.0) {
                columns(&mut sheet, words);
            }
            sheet.down(6.0);
            sheet.text(MARGIN, &of_line, Style::strong(10.0));
            sheet.down(16.0);
            month = of_line;
        } else if sheet.ensure(26.0) {
            columns(&mut sheet, words);
        }
        row(&mut sheet, line, words, zone);
    }
    let title = words.payments();
    sheet.finish(title, words.tag(), None, |page, pages| format!("{}   {}", words.list_note(), words.page(page, pages)))
}

fn head(sheet: &mut Paper, paper: &ListPaper<'_>, words: Words, zone: &TimeZone) {
    sheet.down(18.0);
    sheet.text(MARGIN, words.payments(), Style::strong(20.0));
    sheet.text_before(RIGHT, "Tapseal", Style::quiet(10.0));
    sheet.down(20.0);
    let mut about = vec![words.count(paper.view.count)];
    if let (Some(newest), Some(oldest)) = (paper.lines.first(), paper.lines.last()) {
        about.push(format!("{} – {}", words.day(oldest.decided_ms, zone), words.day(newest.decided_ms, zone)));
    }
    if !paper.search.is_empty() {
        about.push(format!("“{}”", paper.search));
    }
    sheet.text(MARGIN, &Style::quiet(10.0).fitted(&about.join("   "), COLUMN), Style::quiet(10.0));
    sheet.down(22.0);
    for sum in &paper.view.sums {
        sheet.text(MARGIN, words.total(), Style::quiet(10.0));
        sheet.text(PAYEE_X, &total(*sum, words), Style::strong(10.0));
        sheet.down(15.0);
    }
    sheet.down(8.0);
}

fn total(sum: SumView, words: Words) -> String {
    let paid = Words::money(sum.paid);
    if sum.refunded_minor == 0 {
        return paid;
    }
    let refunded = Amount::new(sum.refunded_minor, sum.paid.currency());
    format!("{paid}   {} {}", words.refunded(), Words::money(refunded))
}

fn columns(sheet: &mut Paper, words: Words) {
    let style = Style::quiet(8.5);
    for (x, name) in
        [(MARGIN, words.date()), (PAYEE_X, words.payee()), (ORDER_X, words.order()), (METHOD_X, words.card())]
    {
        sheet.text(x, name, style);
    }
    sheet.text_before(RIGHT, words.amount(), style);
    sheet.down(6.0);
    sheet.rule(&[]);
    sheet.down(14.0);
}

fn row(sheet: &mut Paper, line: &HistoryLine, words: Words, zone: &TimeZone) {
    let amount = Words::money(line.amount);
    sheet.text(MARGIN, &words.day(line.decided_ms, zone), ROW);
    sheet.text(PAYEE_X, &ROW.fitted(&line.payee, ORDER_X - PAYEE_X - 8.0), ROW);
    sheet.text(ORDER_X, &ROW.fitted(&line.order_number, METHOD_X - ORDER_X - 8.0), ROW);
    let room = RIGHT - METHOD_X - ROW.width(&amount) - 8.0;
    sheet.text(METHOD_X, &ROW.fitted(&words.method(&line.method), room), ROW);
    sheet.text_before(RIGHT, &amount, ROW);
    if line.refunded_minor > 0 {
        sheet.down(11.0);
        let refunded = Words::money(Amount::new(line.refunded_minor, line.amount.currency()));
        sheet.text_before(RIGHT, &format!("{} {refunded}", words.refunded()), Style::quiet(8.0));
    }
    sheet.down(15.0);
}
