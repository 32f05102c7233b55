//! The one sheet that a payment is confirmed on, whatever it is paid with: how much, what it costs, with what, and one
//! action.

use leptos::prelude::*;
use protocol::ipc::RequestView;
use protocol::ipc::pay::{Method, MethodView};

use crate::components::amount::{AmountSize, amount};
use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::icon;
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::methods;
use crate::signal::Memo;
use crate::state::App;

/// The sheet of a request that can be paid.
pub fn pay_sheet(app: App, request: &RequestView) -> AnyView {
    let request_id = request.request_id;
    let (sum, expires_ms) = (request.amount, request.expires_ms);
    let is_over = Memo::new(move |_| app.now_ms.get() >= expires_ms);
    let pay_words =
        Words::made(move |lang| Text::PayAmount.filled(lang, &[("amount", &format::amount_text(sum, lang))]));
    let pay = Button::main("pay", pay_words)
        .off_while(move || app.busy.get() || is_over.get())
        .on(app, move || app.pay(request_id));
    view! {
        <section class="pay-sheet" data-part="pay-sheet" aria-label=app.t(Text::PaySheet)>
            {method_line(app)}
            <dl class="pay-facts">
                <div class="pay-fact"><dt>{app.t(Text::PayAmountLine)}</dt><dd>{amount(app, sum, AmountSize::Line)}</dd></div>
                <div class="pay-fact" data-part="fee"><dt>{app.t(Text::PayFee)}</dt><dd>{app.t(Text::PayFeeNone)}</dd></div>
                <div class="pay-fact pay-total" data-part="total"><dt>{app.t(Text::PayTotal)}</dt>
                    <dd>{amount(app, sum, AmountSize::Title)}</dd></div>
            </dl>
            {move || (!app.online.get()).then(|| view! {
                <p class="notice" data-part="offline-note">{icon::offline()}<span>{app.t(Text::PayOffline)}</span></p>
            })}
            {pay}
        </section>
    }
    .into_any()
}

/// What is paid with; pressing it shows the other ways, and what can be set for this one.
fn method_line(app: App) -> AnyView {
    let dialog = Dialog::new();
    let method = Memo::new(move |_| app.method());
    let line = move || {
        let method = method.get();
        view! {
            {methods::shape(&method)}
            <span class="row-main">
                <span class="row-title">{app.t(methods::name(&method))}</span>
                <span class="quiet small" data-part="method-detail">{methods::detail(app, &method)}</span>
            </span>
        }
    };
    view! {
        <button class="row pay-method" type="button" data-action="methods" data-method=move || methods::id(&method.get())
            aria-haspopup="dialog" on:click=move |_| dialog.open()>
            {line}<span class="pay-change">{app.t(Text::MethodChange)}</span>
        </button>
        {dialog.sheet(app, "methods", Text::MethodTitle, chooser(app, dialog, method))}
    }
    .into_any()
}

fn chooser(app: App, dialog: Dialog, chosen: Memo<Method>) -> AnyView {
    let ways = move || {
        let all = app.methods.get().into_iter();
        all.map(|view| way(app, view)).collect_view()
    };
    view! {
        <ul class="rows rows-boxed" role="list" data-part="ways">{ways}</ul>
        {move || methods::choices(app, &chosen.get())}
        <div class="actions">{Button::plain("close-methods", Text::ActionDone).on(app, move || dialog.close())}</div>
    }
    .into_any()
}

fn way(app: App, view: MethodView) -> AnyView {
    let MethodView { method, chosen: is_chosen, trouble } = view;
    let (name, id, shape) = (methods::name(&method), methods::id(&method), methods::shape(&method));
    view! {
        <li>
            <button class="row" type="button" data-action="choose-method" data-method=id aria-pressed=is_chosen.to_string()
                on:click=move |_| app.choose_method(method.clone())>
                {shape}
                <span class="row-main">
                    <span class="row-title">{app.t(name)}</span>
                    {trouble.map(|code| view! { <span class="quiet small">{app.t(Text::error_title(code))}</span> })}
                </span>
                <span class="row-mark">{is_chosen.then(icon::check)}</span>
            </button>
        </li>
    }
    .into_any()
}
