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
    let allowed = request.methods.clone();
    let method = Memo::new(move |_| app.method(&allowed));
    let pay = move || {
        let pay_words = pay_words.clone();
        method.get().map(|method| {
            Button::main("pay", pay_words)
                .off_while(move || app.busy.get() || is_over.get())
                .on(app, move || app.pay(request_id, &method))
        })
    };
    view! {
        <section class="pay-sheet" data-part="pay-sheet" aria-label=app.t(Text::PaySheet)>
            {method_line(app, method, request.methods.clone())}
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
fn method_line(app: App, method: Memo<Option<Method>>, allowed: Vec<payment::Method>) -> AnyView {
    let dialog = Dialog::new();
    let has_one = Memo::new(move |_| method.get().is_some());
    let sheet = dialog.sheet(app, "methods", Text::MethodTitle, chooser(app, dialog, method, allowed));
    view! { {move || if has_one.get() { chosen_line(app, dialog, method) } else { no_way(app) }}{sheet} }.into_any()
}

/// Neither what the shop takes nor what this wallet has fits the other.
fn no_way(app: App) -> AnyView {
    view! {
        <div class="notice" data-part="no-method" role="status">{icon::caution()}<div>
            <p class="problem-title">{app.t(Text::MethodNoneTitle)}</p><p>{app.t(Text::MethodNoneBody)}</p>
        </div></div>
    }
    .into_any()
}

fn chosen_line(app: App, dialog: Dialog, method: Memo<Option<Method>>) -> AnyView {
    let line = move || {
        let method = method.get()?;
        Some(view! {
            {methods::shape(method.kind())}
            <span class="row-main">
                <span class="row-title">{app.t(methods::name(method.kind()))}</span>
                <span class="quiet small" data-part="method-detail">{methods::detail(app, &method)}</span>
            </span>
        })
    };
    let id = move || method.get().as_ref().map(methods::id);
    view! {
        <button class="row pay-method" type="button" data-action="methods" data-method=id
            aria-haspopup="dialog" on:click=move |_| dialog.open()>
            {line}<span class="pay-change">{app.t(Text::MethodChange)}</span>
        </button>
    }
    .into_any()
}

fn chooser(app: App, dialog: Dialog, chosen: Memo<Option<Method>>, allowed: Vec<payment::Method>) -> AnyView {
    // A way is drawn once, so that the focus stays on the one that is chosen.
    let kinds =
        Memo::new(move |_| app.methods.with(|all| all.iter().map(|view| view.method.kind()).collect::<Vec<_>>()));
    let ways =
        move || kinds.get().into_iter().map(|kind| way(app, kind, chosen, allowed.contains(&kind))).collect_view();
    view! {
        <ul class="rows rows-boxed" role="list" data-part="ways">{ways}</ul>
        {move || chosen.get().map(|method| methods::choices(app, &method))}
        <div class="actions">{Button::plain("close-methods", Text::ActionDone).on(app, move || dialog.close())}</div>
    }
    .into_any()
}

/// One way. What the shop does not take is named and cannot be chosen, so that nobody looks for it.
fn way(app: App, kind: payment::Method, chosen: Memo<Option<Method>>, is_taken: bool) -> Option<AnyView> {
    let of_kind = move |all: &Vec<MethodView>| all.iter().find(|view| view.method.kind() == kind).cloned();
    app.methods.with_untracked(of_kind)?;
    let (name, shape) = (methods::name(kind), methods::shape(kind));
    let is_chosen = move || chosen.with(|chosen| chosen.as_ref().is_some_and(|method| method.kind() == kind));
    let trouble = Memo::new(move |_| app.methods.with(of_kind).and_then(|view| view.trouble));
    let note = move || {
        let text = if is_taken { trouble.get().map(Text::error_title) } else { Some(Text::MethodNotHere) };
        text.map(|text| view! { <span class="quiet small">{app.t(text)}</span> })
    };
    let choose = move |_| {
        if let Some(view) = app.methods.with_untracked(of_kind) {
            app.choose_method(view.method);
        }
    };
    let row = view! {
        <li>
            <button class="row" type="button" data-action="choose-method" data-method=kind.as_str()
                aria-pressed=move || is_chosen().to_string() disabled=!is_taken on:click=choose>
                {shape}
                <span class="row-main"><span class="row-title">{app.t(name)}</span>{note}</span>
                <span class="row-mark">{move || is_chosen().then(icon::check)}</span>
            </button>
        </li>
    };
    Some(row.into_any())
}
