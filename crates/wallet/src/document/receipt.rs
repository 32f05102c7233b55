//! One receipt as a document.

use jiff::tz::TimeZone;
use payment::Amount;
use protocol::ipc::{ItemView, ReceiptView};
use qrcode::{Color, EcLevel, QrCode};

use super::page::{self, Attachment, COLUMN, MARGIN, Paper, RIGHT, Style};
use super::words::Words;
use crate::carrier::BILL_LABEL;

/// The name of the receipt inside the document.
const ATTACHED_NAME: &str = "receipt.json";
/// How large the code is printed, in points.
const CODE_SIDE: f32 = 150.0;
/// Where a fact's value begins.
const FACT_X: f32 = MARGIN + 120.0;
/// How many lines a payee's name takes at most.
const PAYEE_LINES_MAX: usize = 2;

/// What a receipt's document says.
pub struct ReceiptPaper<'a> {
    /// The receipt, checked.
    pub view: &'a ReceiptView,
    /// Its JSON in one line.
    pub json: &'a str,
    /// The text of its short proof.
    pub proof: &'a str,
    /// The fingerprint of the operator's root it was checked against.
    pub operator_root: &'a str,
    /// The fingerprint of the bank's root.
    pub bank_root: &'a str,
}

/// The document's bytes.
pub fn receipt(paper: &ReceiptPaper<'_>, words: Words, zone: &TimeZone) -> Vec<u8> {
    let view = paper.view;
    let mut sheet = Paper::new();
    head(&mut sheet, view, words, zone);
    items(&mut sheet, &view.items);
    sums(&mut sheet, view, words);
    facts(&mut sheet, view, words);
    seals(&mut sheet, paper, words);
    code(&mut sheet, paper.proof, words);
    let attachment = Attachment { name: ATTACHED_NAME, bytes: paper.json.as_bytes(), media_type: b"application/json" };
    let title = format!("{} {}", words.receipt(), view.summary.payee);
    let attempt = view.summary.attempt_id;
    sheet.finish(&title, words.tag(), Some(&attachment), |page, pages| {
        if pages == 1 { format!("{attempt}") } else { format!("{attempt}   {}", words.page(page, pages)) }
    })
}

fn head(sheet: &mut Paper, view: &ReceiptView, words: Words, zone: &TimeZone) {
    sheet.down(14.0);
    sheet.mark(MARGIN, 22.0, page::SEAL);
    sheet.down(-5.0);
    sheet.text(MARGIN + 30.0, words.paid(), Style::strong(15.0).in_colour(page::SEAL));
    sheet.text_before(RIGHT, &format!("Tapseal   {}", words.receipt()), Style::quiet(10.0));
    sheet.down(46.0);
    for line in Style::strong(16.0).wrapped(&view.summary.payee, COLUMN, PAYEE_LINES_MAX) {
        sheet.text(MARGIN, &line, Style::strong(16.0));
        sheet.down(21.0);
    }
    sheet.down(17.0);
    sheet.text(MARGIN, &Words::money(view.summary.amount), Style::strong(32.0));
    sheet.down(24.0);
    sheet.text(MARGIN, &words.moment(view.summary.decided_ms, zone), Style::quiet(10.5));
    sheet.down(18.0);
    sheet.rule(&[3.0, 3.0]);
    sheet.down(20.0);
}

fn items(sheet: &mut Paper, items: &[ItemView]) {
    for item in items {
        sheet.ensure(16.0);
        let total = Words::money(item.total);
        let room = COLUMN - Style::plain(10.5).width(&total) - 60.0;
        sheet.text(MARGIN, &Style::plain(10.5).fitted(&item.name, room), Style::plain(10.5));
        sheet.text_before(RIGHT, &total, Style::plain(10.5));
        sheet.text_before(
            RIGHT - Style::plain(10.5).width(&total) - 14.0,
            &format!("× {}", item.quantity),
            Style::quiet(9.5),
        );
        sheet.down(17.0);
    }
    if !items.is_empty() {
        sheet.down(-4.0);
        sheet.rule(&[3.0, 3.0]);
        sheet.down(20.0);
    }
}

/// What was given back, and what is left of what was paid.
fn sums(sheet: &mut Paper, view: &ReceiptView, words: Words) {
    let Some(refunded_minor) = view.refunded_minor.filter(|minor| *minor > 0) else { return };
    let refunded = Amount::new(refunded_minor, view.summary.amount.currency());
    fact(sheet, words.refunded(), &Words::money(refunded));
    if let Ok(left) = view.summary.amount.checked_sub(refunded) {
        fact(sheet, words.left(), &Words::money(left));
    }
}

fn facts(sheet: &mut Paper, view: &ReceiptView, words: Words) {
    let attempt = view.summary.attempt_id.to_string();
    let is_bill = view.summary.card_label.starts_with(BILL_LABEL);
    let facts = [
        (words.order(), view.order_number.as_str()),
        (words.card(), &words.method(&view.summary.card_label)),
        (if is_bill { words.operator() } else { words.bank() }, view.bank_called()),
        (words.approval(), &view.approval_code),
        (words.reference(), &view.rrn),
        (words.attempt(), &attempt),
    ];
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        fact(sheet, name, value);
    }
}

fn fact(sheet: &mut Paper, name: &str, value: &str) {
    sheet.ensure(16.0);
    sheet.text(MARGIN, name, Style::quiet(10.0));
    sheet.text(FACT_X, &Style::plain(10.0).fitted(value, RIGHT - FACT_X), Style::plain(10.0));
    sheet.down(16.0);
}

fn seals(sheet: &mut Paper, paper: &ReceiptPaper<'_>, words: Words) {
    sheet.down(2.0);
    sheet.rule(&[3.0, 3.0]);
    sheet.down(24.0);
    let seals = [
        (words.merchant_seal(), words.operator_root(), paper.operator_root),
        (words.bank_seal(), words.bank_root(), paper.bank_root),
    ];
    for (said, vouched, fingerprint) in seals {
        sheet.ensure(48.0);
        sheet.tick(MARGIN, 16.0);
        sheet.text(MARGIN + 26.0, said, Style::strong(11.0));
        sheet.down(13.0);
        sheet.text(MARGIN + 26.0, vouched, Style::quiet(8.5));
        sheet.down(11.0);
        sheet.text(MARGIN + 26.0, &Style::quiet(7.5).fitted(fingerprint, COLUMN - 26.0), Style::quiet(7.5));
        sheet.down(22.0);
    }
}

fn code(sheet: &mut Paper, proof: &str, words: Words) {
    let Ok(code) = QrCode::with_error_correction_level(proof, EcLevel::L) else { return };
    sheet.ensure(CODE_SIDE + 24.0);
    let colours = code.to_colors();
    let width = code.width();
    sheet.modules(MARGIN, CODE_SIDE, width, |x, y| colours[y * width + x] == Color::Dark);
    let (top, beside) = (sheet.y(), MARGIN + CODE_SIDE + 20.0);
    sheet.down(12.0);
    for text in [words.code(), words.attached()] {
        for line in Style::quiet(9.5).wrapped(text, RIGHT - beside, 8) {
            sheet.text(beside, &line, Style::quiet(9.5));
            sheet.down(13.5);
        }
        sheet.down(8.0);
    }
    sheet.set_y(top - CODE_SIDE - 12.0);
}
