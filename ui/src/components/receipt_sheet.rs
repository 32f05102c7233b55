//! A receipt as a sheet of paper: what was paid, both seals, and its QR code.

use leptos::prelude::*;
use protocol::ipc::history::ReceiptFormat;
use protocol::ipc::{ItemView, ReceiptView};

use crate::browser;
use crate::components::amount::{AmountSize, amount};
use crate::components::button::{Button, ButtonKind, copy_button};
use crate::components::icon;
use crate::format;
use crate::i18n::Text;
use crate::stage::{card_label, is_phone_bill};
use crate::state::App;

/// Whose receipt it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This wallet's own.
    Own,
    /// Somebody's, that was given to be checked.
    Anyones,
}

/// The whole receipt.
pub fn receipt_sheet(app: App, receipt: &ReceiptView, whose: Whose) -> impl IntoView + use<> {
    let is_good = receipt.merchant_seal && receipt.bank_seal;
    let summary = receipt.summary.clone();
    let decided_ms = summary.decided_ms;
    let lang = app.lang;
    let label = summary.card_label.clone();
    let is_bill = is_phone_bill(&label);
    let words = |bank: Text, operator: Text| if is_bill { operator } else { bank };
    view! {
        <article class="sheet" data-verified=is_good.to_string()>
            <header class="sheet-head">
                {is_good.then(|| view! { <p class="sheet-paid">{icon::mark()}<span>{app.t(Text::ReceiptPaid)}</span></p> })}
                <bdi class="sheet-payee">{summary.payee.clone()}</bdi>
                {amount(app, summary.amount, AmountSize::Hero)}
                <p class="quiet" data-part="decided">{move || format::full_date_time(decided_ms, lang.get())}</p>
            </header>
            {item_table(app, receipt.items.clone())}
            <dl class="facts">
                {fact(app, Text::ReceiptOrder, receipt.order_number.clone())}
                <div class="fact"><dt>{app.t(Text::ReceiptCard)}</dt><dd><bdi>{move || card_label(&label, lang.get())}</bdi></dd></div>
                {fact(app, words(Text::ReceiptBank, Text::BillOperator), receipt.bank_called().to_owned())}
                {fact(app, words(Text::ReceiptApproval, Text::BillConfirmationName), receipt.approval_code.clone())}
                {fact(app, words(Text::ReceiptReference, Text::BillOperatorReference), receipt.rrn.clone())}
            </dl>
            {is_bill.then(|| view! { <p class="quiet small" data-part="confirmation-for">{app.t(Text::BillConfirmationFor)}</p> })}
            <div class="proof">
                <ul class="seals" aria-label=app.t(Text::ReceiptSeals)>
                    {seal_line(app, Text::ReceiptMerchantSeal, "merchant", receipt.merchant_seal)}
                    {seal_line(app, words(Text::ReceiptBankSeal, Text::BillOperatorSeal), "bank", receipt.bank_seal)}
                </ul>
                {(!receipt.qr_svg.is_empty()).then(|| qr(app, &receipt.qr_svg))}
            </div>
            {sheet_actions(app, receipt, whose)}
        </article>
    }
}

/// The order's lines.
pub fn item_table(app: App, items: Vec<ItemView>) -> impl IntoView {
    let lang = app.lang;
    let lines = items.into_iter().map(move |item| {
        view! {
            <li class="item">
                <bdi class="item-name">{item.name}</bdi>
                <span class="quiet item-count">"× "{move || format::count(item.quantity as usize, lang.get())}</span>
                {amount(app, item.total, AmountSize::Line)}
            </li>
        }
    });
    let lines = lines.collect::<Vec<_>>();
    (!lines.is_empty()).then(|| view! { <ul class="items">{lines}</ul> })
}

fn fact(app: App, name: Text, value: String) -> Option<impl IntoView> {
    (!value.is_empty()).then(|| view! { <div class="fact"><dt>{app.t(name)}</dt><dd><bdi>{value}</bdi></dd></div> })
}

fn seal_line(app: App, name: Text, id: &'static str, verifies: bool) -> impl IntoView {
    let (class, shape, word) = if verifies {
        ("seal seal-good", icon::check().into_any(), Text::ReceiptSealGood)
    } else {
        ("seal seal-bad", icon::cross().into_any(), Text::ReceiptSealBad)
    };
    view! {
        <li class=class data-seal=id data-verified=verifies.to_string()>
            {shape}<span class="seal-name">{app.t(name)}</span><span class="seal-word">{app.t(word)}</span>
        </li>
    }
}

/// Always dark on white with its quiet zone, whatever the theme: scanners need it.
fn qr(app: App, svg: &str) -> impl IntoView + use<> {
    view! {
        <figure class="qr">
            <img src=browser::svg_url(svg) alt=app.t(Text::ReceiptQr)/>
            <figcaption class="quiet small">{app.t(Text::ReceiptQrHelp)}</figcaption>
        </figure>
    }
}

fn sheet_actions(app: App, receipt: &ReceiptView, whose: Whose) -> impl IntoView + use<> {
    let attempt_id = receipt.summary.attempt_id;
    let to_copy = receipt.json.clone();
    let own = (whose == Whose::Own).then(|| {
        let is_busy = move || app.busy.get();
        (
            Button::plain("save-pdf", Text::ReceiptPdf)
                .icon(icon::save())
                .off_while(is_busy)
                .on(app, move || app.export_receipt(attempt_id, ReceiptFormat::Pdf)),
            Button::plain("save-receipt", Text::ReceiptSave)
                .icon(icon::file())
                .off_while(is_busy)
                .on(app, move || app.export_receipt(attempt_id, ReceiptFormat::Json)),
        )
    });
    view! {
        <div class="actions-row">
            {own}
            {Button::plain("print-receipt", Text::ReceiptPrint).icon(icon::print()).on(app, browser::print)}
            {copy_button(app, ButtonKind::Plain, "copy-receipt", Text::ReceiptCopy, move || to_copy.clone())}
        </div>
    }
}
