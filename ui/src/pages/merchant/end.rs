//! How a sale ended, to be read across a room: paid, not known, or not paid. The next sale is one tap away.

use leptos::prelude::*;
use protocol::ipc::merchant::SaleView;

use super::parts::unknown_body;
use crate::components::amount::{AmountSize, amount};
use crate::components::doubt::Asked;
use crate::components::icon;
use crate::components::seal_picture::stamp;
use crate::format::{self, TimeLeft};
use crate::i18n::Text;
use crate::merchant::face::SaleFace;
use crate::merchant::place::SellScreen;
use crate::signal::Memo;
use crate::state::App;

fn sale(app: App) -> Memo<Option<SaleView>> {
    Memo::new(move |_| app.till.sale.get().map(|sale| SaleView { now_ms: 0, ..sale }))
}

/// Paid: a green screen, a stamp, the word and the amount.
pub fn paid(app: App) -> impl IntoView {
    let sale = sale(app);
    move || {
        sale.get().map(|sale| {
            view! {
                <div class="pos-end" data-sale-shown=sale.summary.request_id.to_string() data-money="yes" data-face="paid">
                    {stamp()}
                    <h1 tabindex="-1" class="pos-end-title">{app.t(Text::PosPaid)}</h1>
                    <div class="pos-end-amount">{amount(app, sale.summary.amount, AmountSize::Hero)}</div>
                    {reference(app, &sale)}
                    {actions(app, &sale)}
                </div>
            }
        })
    }
}

/// Nobody knows yet: do not charge again.
pub fn unknown(app: App) -> impl IntoView {
    let sale = sale(app);
    let lang = app.lang;
    move || {
        sale.get().map(|sale| {
            let face = SaleFace::of(&sale.summary.state);
            let (title, body) = match face {
                SaleFace::Review => (Text::PosReviewTitle, Text::PosReviewBody),
                _ => (Text::PosUnknownTitle, unknown_body(sale.method)),
            };
            let asked = Asked::of(None, sale.method);
            let deadline = sale.deadline_ms.filter(|_| face == SaleFace::Unknown).map(|at_ms| {
                let until = move || {
                    let time = format::time_of_day(at_ms, lang.get());
                    Text::UnknownDeadline.filled(lang.get(), &[("time", &time)])
                };
                let left = move || match format::time_left(at_ms, app.now_ms.get()) {
                    TimeLeft::Countdown(time) => Text::UnknownLeft.filled(lang.get(), &[("time", &time)]),
                    TimeLeft::Until(_) => String::new(),
                    TimeLeft::Over => asked.first(Text::UnknownOverdue, lang.get()),
                };
                view! {
                    <section class="deadline" data-deadline=at_ms><p>{until}</p><p class="quiet small" role="timer">{left}</p></section>
                }
            });
            view! {
                <div class="pos-end" data-sale-shown=sale.summary.request_id.to_string() data-money="unknown" data-face=face.name()>
                    <div class="result-shape shape-wait">{icon::clock()}</div>
                    <h1 tabindex="-1" class="pos-end-title">{app.t(title)}</h1>
                    <div class="pos-end-amount">{amount(app, sale.summary.amount, AmountSize::Hero)}</div>
                    <p class="lead">{app.t(body)}" "<b class="do-not">{app.t(Text::PosDoNotCharge)}</b></p>
                    {deadline}
                    {reference(app, &sale)}
                    {actions(app, &sale)}
                </div>
            }
        })
    }
}

/// It ended without a payment, or what was paid is undone.
pub fn not_paid(app: App) -> impl IntoView {
    let sale = sale(app);
    move || {
        sale.get().map(|sale| {
            let face = SaleFace::of(&sale.summary.state);
            let (shape, drawn) = match face {
                SaleFace::Expired => ("result-shape shape-wait", icon::clock().into_any()),
                SaleFace::Cancelled => ("result-shape", icon::cross().into_any()),
                _ => ("result-shape shape-bad", icon::cross().into_any()),
            };
            view! {
                <div class="pos-end" data-sale-shown=sale.summary.request_id.to_string() data-money="no" data-face=face.name()>
                    <div class=shape>{drawn}</div>
                    <h1 tabindex="-1" class="pos-end-title">{app.t(title_of(face))}</h1>
                    <div class="pos-end-amount">{amount(app, sale.summary.amount, AmountSize::Hero)}</div>
                    <p class="money money-no" data-money="no">{icon::check()}<span>{app.t(Text::MoneyNo)}</span></p>
                    <p class="lead">{app.t(body_of(face))}</p>
                    {reference(app, &sale)}
                    {actions(app, &sale)}
                </div>
            }
        })
    }
}

const fn title_of(face: SaleFace) -> Text {
    match face {
        SaleFace::Rejected => Text::PosRejectedTitle,
        SaleFace::Reversed => Text::PosReversedTitle,
        SaleFace::Unreached => Text::PosUnreachedTitle,
        SaleFace::Expired => Text::PosExpiredTitle,
        SaleFace::Cancelled => Text::PosCancelledTitle,
        _ => Text::PosDeclinedTitle,
    }
}

const fn body_of(face: SaleFace) -> Text {
    match face {
        SaleFace::Rejected => Text::PosRejectedBody,
        SaleFace::Reversed => Text::PosReversedBody,
        SaleFace::Unreached => Text::PosUnreachedBody,
        SaleFace::Expired => Text::PosExpiredBody,
        SaleFace::Cancelled => Text::PosCancelledBody,
        _ => Text::PosDeclinedBody,
    }
}

fn reference(app: App, sale: &SaleView) -> impl IntoView + use<> {
    let number = sale.summary.order_number.clone();
    (!number.is_empty())
        .then(|| view! { <p class="pos-end-order">{app.fill(Text::RequestOrderNumber, "number", number)}</p> })
}

fn actions(app: App, sale: &SaleView) -> impl IntoView + use<> {
    let request_id = sale.summary.request_id;
    view! {
        <div class="actions pos-end-actions">
            <button class="button button-large pos-next" type="button" data-action="new-sale"
                on:click=move |_| app.next_sale()>{app.t(Text::PosNew)}</button>
            <button class="text-button" type="button" data-action="see-sale"
                on:click=move |_| app.open_sale(SellScreen::Sale(request_id), request_id)>{app.t(Text::PosSeeSale)}</button>
        </div>
    }
}
