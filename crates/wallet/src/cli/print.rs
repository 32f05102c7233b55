//! What the commands print: JSON for programs; for people the amount first, and always whether money moved.

use protocol::Problem;
use protocol::ipc::history::HistoryLine;
use protocol::ipc::{
    CardGesture, ReadPhase, ReaderKind, ReaderView, ReceiptView, RequestPhase, RequestView, WalletStatus,
};
use serde::Serialize;
use serde_json::json;

/// One JSON line.
pub(super) fn json<T: Serialize>(value: &T) {
    println!("{}", serde_json::to_string(value).expect("views are always JSON"));
}

pub(super) fn problem(as_json: bool, problem: &Problem) {
    if as_json {
        json(problem);
        return;
    }
    eprintln!("{}", problem.title);
    if let Some(detail) = &problem.detail {
        eprintln!("  {detail}");
    }
    eprintln!("  code: {}", problem.code);
}

pub(super) fn status(as_json: bool, status: &WalletStatus) {
    if as_json {
        return json(status);
    }
    println!("Payment server  {} ({})", status.server, if status.online { "connected" } else { "not connected" });
    println!("Device keys     {}", status.key_store);
    let identifiers = if status.identifiers.is_empty() { "none yet".to_owned() } else { status.identifiers.join(", ") };
    println!("Reachable at    {identifiers}");
    println!("Operator root   {}", status.operator_fingerprint);
}

pub(super) fn requests(as_json: bool, requests: &[RequestView]) {
    if as_json {
        return json(&requests);
    }
    if requests.is_empty() {
        println!("No requests.");
    }
    for request in requests {
        let amount = request.amount.to_string();
        println!("{amount:>14}  {:<28} {:<12} {}", request.payee, phase(request.phase), request.request_id);
    }
}

pub(super) fn request(as_json: bool, request: &RequestView) {
    if as_json {
        return json(request);
    }
    println!("{} to {}", request.amount, request.payee);
    println!("  {}", phase(request.phase));
    if request.refunded_minor > 0 {
        println!("  {} of it refunded", payment::Amount::new(request.refunded_minor, request.amount.currency()));
    }
    println!("  order {}", request.order_number);
    for item in &request.items {
        println!("  {:>3} × {:<30} {:>14}", item.quantity, item.name, item.total.to_string());
    }
    println!("  match words: {}", request.match_words.join(" "));
    if request.first_contact {
        println!("  first request from this merchant");
    }
    if request.new_sender {
        println!("  quarantined: accept the sender before paying, with accept-sender {}", request.request_id);
    }
    println!("  payable until {}", time(request.expires_ms));
    if let Some(deadline_ms) = request.deadline_ms {
        println!("  known or undone by {}, or the bank takes longer", time(deadline_ms));
    }
    println!("  id {}", request.request_id);
}

pub(super) fn receipts(as_json: bool, lines: &[HistoryLine]) {
    if as_json {
        return json(&lines);
    }
    if lines.is_empty() {
        println!("No receipts.");
    }
    for line in lines {
        let (amount, time) = (line.amount.to_string(), time(line.decided_ms));
        println!("{amount:>14}  {:<28} {time}  {}  {}", line.payee, line.method, line.attempt_id);
    }
}

pub(super) fn receipt(as_json: bool, receipt: &ReceiptView) {
    if as_json {
        return json(receipt);
    }
    let summary = &receipt.summary;
    println!("{} paid to {}", summary.amount, summary.payee);
    println!("  {}  {}", time(summary.decided_ms), summary.card_label);
    println!("  order {}", receipt.order_number);
    for item in &receipt.items {
        println!("  {:>3} × {:<30} {:>14}", item.quantity, item.name, item.total.to_string());
    }
    println!("  approval {}, reference {}, bank {}", receipt.approval_code, receipt.rrn, receipt.bank_called());
    println!("  signed by the merchant and by the bank: verified");
}

pub(super) fn verified(as_json: bool, receipt: &ReceiptView) {
    if as_json {
        return json(&json!({
            "verified": true,
            "amount": receipt.summary.amount,
            "payee": receipt.summary.payee,
            "order_number": receipt.order_number,
            "attempt_id": receipt.summary.attempt_id,
            "approval_code": receipt.approval_code,
            "rrn": receipt.rrn,
            "bank": receipt.bank,
            "bank_name": receipt.bank_name,
            "card_label": receipt.summary.card_label,
            "decided_ms": receipt.summary.decided_ms,
        }));
    }
    self::receipt(false, receipt);
}

pub(super) fn not_verified(as_json: bool, problem: &Problem) {
    if as_json {
        return json(&json!({ "verified": false, "code": problem.code, "detail": problem.detail }));
    }
    self::problem(false, problem);
}

pub(super) fn readers(as_json: bool, readers: &[ReaderView]) {
    if as_json {
        return json(&readers);
    }
    if readers.is_empty() {
        println!("No card reader. Plug one in, or start pcscd.");
    }
    for reader in readers {
        let state = match reader.trouble {
            Some(trouble) => Problem::new(trouble).title,
            None if reader.card_present => "card present".to_owned(),
            None => "no card".to_owned(),
        };
        let gestures: Vec<&str> = reader.gestures.iter().map(|gesture| gesture_wanted(*gesture)).collect();
        println!("{:<40} {:<10} {:<16} {state}", reader.id, kind(reader.kind), gestures.join(" or "));
    }
}

/// How a reader is connected, for people.
fn kind(kind: ReaderKind) -> &'static str {
    match kind {
        ReaderKind::Pcsc => "PC/SC",
        ReaderKind::Nfc => "NFC",
        ReaderKind::Stripe => "stripe",
        ReaderKind::Phone => "phone",
        ReaderKind::Simulated => "simulated",
        ReaderKind::Replay => "recording",
    }
}

/// What a person is to do with the card.
fn gesture_wanted(gesture: CardGesture) -> &'static str {
    match gesture {
        CardGesture::Insert => "insert",
        CardGesture::Tap => "tap",
        CardGesture::Swipe => "swipe",
    }
}

/// What a person did with the card.
pub(super) fn gesture_done(gesture: CardGesture) -> &'static str {
    match gesture {
        CardGesture::Insert => "A card is inserted",
        CardGesture::Tap => "A card is held",
        CardGesture::Swipe => "A card was swiped",
    }
}

/// What is being read, for people.
pub(super) fn phase_of_reading(phase: ReadPhase) -> &'static str {
    match phase {
        ReadPhase::Directory => "which applications it has",
        ReadPhase::Application => "opening one",
        ReadPhase::Options => "telling it amount and place",
        ReadPhase::Records => "its records",
        ReadPhase::Cryptogram => "its cryptogram",
    }
}

/// What a phase means to a person.
fn phase(phase: RequestPhase) -> &'static str {
    match phase {
        RequestPhase::Open => "to pay",
        RequestPhase::Postponed => "put off",
        RequestPhase::Paying => "being paid",
        RequestPhase::Unknown => "not known yet: do not pay again",
        RequestPhase::Paid => "paid",
        RequestPhase::Rejected => "refused by you",
        RequestPhase::Cancelled => "withdrawn by the merchant",
        RequestPhase::Expired => "expired",
        RequestPhase::Closed => "closed",
    }
}

/// A time for people, in UTC.
pub(super) fn time(time_ms: u64) -> String {
    let time_ms = i64::try_from(time_ms).unwrap_or(0);
    let timestamp = jiff::Timestamp::from_millisecond(time_ms).unwrap_or_default();
    timestamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
