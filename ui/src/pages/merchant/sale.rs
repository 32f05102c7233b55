//! One sale as the books see it: what was sold, how it travelled, what happened, and what can be given back.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::{Amount, Method, RequestId};
use protocol::ipc::merchant::{SaleView, TimelineEntry};
use protocol::merchant_api::{Channel, DeliveryStatus, DeliveryView, RefundStatus, RefundView, Scope};

use super::parts::{Question, asking_button, fact, missing, unknown_body};
use super::refund;
use super::sales::face_badge;
use crate::components::amount::{AmountSize, amount};
use crate::components::receipt_sheet::item_table;
use crate::components::{back_button, icon, loading_list};
use crate::format;
use crate::i18n::Text;
use crate::merchant::face::SaleFace;
use crate::merchant::place::SellScreen;
use crate::methods;
use crate::signal::Memo;
use crate::state::App;

const CANCEL: Question = Question {
    action: "cancel-sale",
    answer: "confirm-cancel-sale",
    opener: Text::SaleCancel,
    title: Text::SaleCancelTitle,
    body: Text::SaleCancelBody,
    confirm: Text::SaleCancel,
};

/// The screen.
pub fn page(app: App, request_id: RequestId) -> impl IntoView {
    // The clock of a view moves on with every reading; the screen is drawn again only when the rest changed.
    let sale = Memo::new(move |_| {
        let sale = app.till.sale.get().filter(|sale| sale.summary.request_id == request_id)?;
        Some(SaleView { now_ms: 0, ..sale })
    });
    view! {
        <header class="page-head page-head-nav">{back_button(app)}</header>
        <h1 class="unseen" tabindex="-1">{app.t(Text::SaleTitle)}</h1>
        {move || match (sale.get(), app.till.sale_problem.get()) {
            (Some(sale), _) => shown(app, &sale).into_any(),
            (None, Some(problem)) => missing(app, &problem, move || spawn_local(app.read_sale(request_id))).into_any(),
            (None, None) => loading_list(app, Text::SaleLoading).into_any(),
        }}
    }
}

fn shown(app: App, sale: &SaleView) -> impl IntoView + use<> {
    let summary = &sale.summary;
    let face = SaleFace::of(&summary.state);
    let lang = app.lang;
    let created_ms = summary.created_ms;
    let number = summary.order_number.clone();
    view! {
        <section class="hero" data-face=face.name()>
            {amount(app, summary.amount, AmountSize::Hero)}
            <p class="sale-state">{face_badge(app, face)}</p>
            <p class="quiet small">
                {app.fill(Text::RequestOrderNumber, "number", number)}" · "{move || format::full_date_time(created_ms, lang.get())}
                {sale.method.map(|method| view! { " · "<span data-part="method">{app.t(methods::name(method))}</span> })}
            </p>
        </section>
        {doubt(app, face, sale.deadline_ms, sale.method)}
        {actions(app, sale, face)}
        {(!sale.items.is_empty()).then(|| view! {
            <section class="group" aria-labelledby="sale-items"><h2 id="sale-items">{app.t(Text::SaleItems)}</h2>{item_table(app, sale.items.clone())}</section>
        })}
        {refunds(app, sale)}
        {deliveries(app, sale, face)}
        {timeline(app, &sale.timeline)}
    }
}

fn doubt(app: App, face: SaleFace, deadline_ms: Option<u64>, method: Option<Method>) -> impl IntoView {
    let lang = app.lang;
    face.is_in_doubt().then(|| {
        let until = deadline_ms.map(|at_ms| {
            let text = move || {
                let time = format::time_of_day(at_ms, lang.get());
                Text::UnknownDeadline.filled(lang.get(), &[("time", &time)])
            };
            view! { <p>{text}</p> }
        });
        let body = if face == SaleFace::Review { Text::PosReviewBody } else { unknown_body(method) };
        view! {
            <div class="notice" data-money="unknown">
                {icon::caution()}
                <div><p>{app.t(body)}" "<b class="do-not">{app.t(Text::PosDoNotCharge)}</b></p>{until}</div>
            </div>
        }
    })
}

fn actions(app: App, sale: &SaleView, face: SaleFace) -> impl IntoView + use<> {
    let request_id = sale.summary.request_id;
    let code = (face.is_waiting() && sale.qr.is_some()).then(|| {
        view! {
            <button class="button button-primary" type="button" data-action="show-code"
                on:click=move |_| app.sell(SellScreen::Pos(request_id))>{app.t(Text::SaleShowCode)}</button>
        }
    });
    let cancel = face.is_open().then(|| asking_button(app, "button", CANCEL, move || app.cancel_sale(request_id)));
    let refundable = sale.refundable;
    let give_back = (refundable.minor() > 0 && app.till.may(Scope::RefundsWrite))
        .then(|| refund::button(app, request_id, refundable));
    view! { <div class="actions-row sale-actions">{code}{cancel}{give_back}</div> }
}

fn refunds(app: App, sale: &SaleView) -> impl IntoView + use<> {
    let rows = sale.refunds.iter().map(|refund| refund_row(app, refund)).collect::<Vec<_>>();
    let left = sale.refundable;
    (!rows.is_empty()).then(|| {
        view! {
            <section class="group" data-part="refunds" aria-labelledby="sale-refunds">
                <h2 id="sale-refunds">{app.t(Text::SaleRefunds)}</h2>
                <ul class="log">{rows}</ul>
                <dl class="facts">{fact(app, Text::SaleRefundable, line(app, left))}</dl>
            </section>
        }
    })
}

fn line(app: App, sum: Amount) -> impl IntoView {
    amount(app, sum, AmountSize::Line)
}

fn refund_row(app: App, refund: &RefundView) -> impl IntoView + use<> {
    let (text, class) = match refund.status {
        RefundStatus::Pending => (Text::RefundPending, "badge badge-unknown"),
        RefundStatus::Refunded => (Text::RefundDone, "badge badge-good"),
        RefundStatus::Refused => (Text::RefundRefused, "badge badge-bad"),
        RefundStatus::NeedsManualReview => (Text::RefundReview, "badge badge-unknown"),
    };
    let lang = app.lang;
    let changed_ms = refund.changed_ms;
    let reason = refund.reason.clone().filter(|reason| !reason.is_empty());
    view! {
        <li class="log-line" data-refund=text_name(refund.status)>
            <span class="row-main">
                <span class="row-line small"><span class=class>{app.t(text)}</span>
                    <span class="quiet">{move || format::date_time(changed_ms, lang.get())}</span></span>
                {reason.map(|reason| view! { <bdi class="quiet small">{reason}</bdi> })}
            </span>
            {line(app, refund.amount)}
        </li>
    }
}

const fn text_name(status: RefundStatus) -> &'static str {
    match status {
        RefundStatus::Pending => "pending",
        RefundStatus::Refunded => "refunded",
        RefundStatus::Refused => "refused",
        RefundStatus::NeedsManualReview => "needs_manual_review",
    }
}

fn deliveries(app: App, sale: &SaleView, face: SaleFace) -> impl IntoView + use<> {
    let request_id = sale.summary.request_id;
    let may_resend = face.is_open() && app.till.may(Scope::RequestsWrite);
    let rows = sale.deliveries.iter().map(|it| delivery_row(app, it, request_id, may_resend)).collect::<Vec<_>>();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="group" data-part="deliveries" aria-labelledby="sale-deliveries">
                <h2 id="sale-deliveries">{app.t(Text::SaleDeliveries)}</h2>
                <ul class="log">{rows}</ul>
            </section>
        }
    })
}

fn delivery_row(app: App, delivery: &DeliveryView, request_id: RequestId, may_resend: bool) -> impl IntoView + use<> {
    let (status, class) = match delivery.status {
        DeliveryStatus::Queued => (Text::DeliveryQueued, "badge badge-open"),
        DeliveryStatus::Sent => (Text::DeliverySent, "badge badge-open"),
        DeliveryStatus::Delivered => (Text::DeliveryDelivered, "badge badge-good"),
        DeliveryStatus::Seen => (Text::DeliverySeen, "badge badge-good"),
        DeliveryStatus::Failed => (Text::DeliveryFailed, "badge badge-bad"),
    };
    let channel = delivery.channel;
    let name = match channel {
        Channel::Device => Text::ChannelDevice,
        Channel::Email => Text::ChannelEmail,
        Channel::Sms => Text::ChannelSms,
    };
    let lang = app.lang;
    let changed_ms = delivery.changed_ms;
    let reason = delivery.reason.clone().map(|code| match Text::reason(&code) {
        Some(text) => view! { <span class="quiet small">{app.t(text)}</span> }.into_any(),
        None => view! { <code class="quiet">{code}</code> }.into_any(),
    });
    let resend = (may_resend && channel != Channel::Device).then(|| {
        view! {
            <button class="button" type="button" data-action="resend" disabled=move || app.busy.get()
                on:click=move |_| app.resend(request_id, channel)>{app.t(Text::DeliveryResend)}</button>
        }
    });
    view! {
        <li class="log-line" data-channel=channel.name() data-status=delivery.status.name()>
            <span class="row-main">
                <span class="row-title">{app.t(name)}</span>
                <span class="row-line small"><span class=class>{app.t(status)}</span>
                    <span class="quiet">{move || format::date_time(changed_ms, lang.get())}</span></span>
                {reason}
            </span>
            {resend}
        </li>
    }
}

fn timeline(app: App, entries: &[TimelineEntry]) -> impl IntoView + use<> {
    let lang = app.lang;
    let rows = entries.iter().map(|TimelineEntry { time_ms, kind }| {
        let time_ms = *time_ms;
        let words = match Text::happened(kind) {
            Some(text) => view! { <span>{app.t(text)}</span> }.into_any(),
            None => view! { <code>{kind.clone()}</code> }.into_any(),
        };
        view! {
            <li class="timeline-entry" data-kind=kind.clone()>
                <time class="quiet small">{move || format::time_with_seconds(time_ms, lang.get())}</time>{words}
            </li>
        }
    });
    let rows = rows.collect::<Vec<_>>();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="group" data-part="timeline" aria-labelledby="sale-timeline">
                <h2 id="sale-timeline">{app.t(Text::SaleTimeline)}</h2>
                <ol class="timeline">{rows}</ol>
            </section>
        }
    })
}
