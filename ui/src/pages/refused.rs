//! Not paid: what happened, whether money moved, and what to do.

use leptos::prelude::*;
use protocol::error::{ErrorCode, MoneyMoved};
use protocol::ipc::CheckoutStage;

use crate::components::button::Button;
use crate::components::icon;
use crate::components::problem::{error_code, money_sentence, moved_name};
use crate::i18n::Text;
use crate::pages::card::paying_line;
use crate::place::Screen;
use crate::signal::Memo;
use crate::state::App;

/// What the checkout ended with.
#[derive(Clone, Copy, PartialEq)]
struct Refusal {
    code: ErrorCode,
    money_moved: MoneyMoved,
    pin_tries_left: Option<u8>,
    may_retry: bool,
}

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let refusal = Memo::new(move |_| {
        app.checkout.with(|checkout| match checkout.as_ref()?.progress {
            CheckoutStage::Refused { code, money_moved, pin_tries_left, may_retry } => {
                Some(Refusal { code, money_moved, pin_tries_left, may_retry })
            }
            _ => None,
        })
    });
    move || refusal.get().map(|refusal| sheet(app, refusal))
}

fn sheet(app: App, refusal: Refusal) -> impl IntoView {
    let Refusal { code, money_moved, pin_tries_left, may_retry } = refusal;
    let is_open_question = money_moved == MoneyMoved::Unknown;
    let shape = if is_open_question { icon::caution().into_any() } else { icon::cross().into_any() };
    let title = if is_open_question { Text::RefusedReviewTitle } else { Text::RefusedTitle };
    let request_id = app.checkout.with_untracked(|checkout| checkout.as_ref().map(|checkout| checkout.request_id));
    let is_bill = is_by(app, payment::Method::Carrier);
    // A bill that is locked is unlocked at a counter, and not here.
    let is_locked = is_bill && pin_tries_left == Some(0);
    let no_key = ErrorCode::Declined(payment::DeclineCode::SubscriberKey);
    let set_up = request_id.filter(|_| code == no_key).map(|request_id| {
        Button::main("set-up-bill", Text::BillTitle)
            .on(app, move || app.after_checkout(Screen::BillEnrol(Some(request_id))))
    });
    let retry = request_id.filter(|_| may_retry && !is_locked && set_up.is_none()).map(|request_id| view! {
        <button class="button button-primary button-large" type="button" data-action="try-again"
            disabled=move || app.busy.get() on:click=move |_| app.try_again(request_id)>{app.t(Text::ActionTryAgain)}</button>
    });
    view! {
        <div class="centre result" data-code=code.as_str() data-money=moved_name(money_moved)>
            <div class="result-shape" class:shape-bad=!is_open_question class:shape-wait=is_open_question>{shape}</div>
            <h1 tabindex="-1" class="result-title">{app.t(title)}</h1>
            {paying_line(app)}
            <section class="refusal">
                <p class="problem-title">{app.t(Text::error_title(code))}</p>
                {money_sentence(app, code, money_moved)}
                {pin_tries_left.map(|left| tries(app, left))}
                <p class="problem-next">{app.t(Text::error_next(code))}</p>
            </section>
            <div class="actions actions-bottom">
                {set_up}
                {retry}
                <button class="button button-large" type="button" data-action="done"
                    on:click=move |_| app.finish_checkout()>{app.t(Text::ActionDone)}</button>
            </div>
            {error_code(app, code)}
        </div>
    }
}

/// Whether it was tried in this way.
fn is_by(app: App, method: payment::Method) -> bool {
    app.checkout.with_untracked(|checkout| checkout.as_ref().is_some_and(|checkout| checkout.method == method))
}

fn tries(app: App, left: u8) -> impl IntoView {
    let is_bill = is_by(app, payment::Method::Carrier);
    // By code the tries are the code's; else they are the card's, beside a voucher too.
    let is_code = is_by(app, payment::Method::Code);
    let text = move || match left {
        0 if is_bill => app.t(Text::BillTriesNone)().to_owned(),
        1 if is_bill => app.t(Text::BillTriesOne)().to_owned(),
        many if is_bill => app.fill(Text::BillTriesMany, "count", many.to_string())(),
        0 if is_code => app.t(Text::RefusedCodeTriesNone)().to_owned(),
        1 if is_code => app.t(Text::RefusedCodeTriesOne)().to_owned(),
        many if is_code => app.fill(Text::RefusedCodeTriesMany, "count", many.to_string())(),
        0 => app.t(Text::RefusedTriesNone)().to_owned(),
        1 => app.t(Text::RefusedTriesOne)().to_owned(),
        many => app.fill(Text::RefusedTriesMany, "count", many.to_string())(),
    };
    view! { <p class="tries" data-tries=left>{text}</p> }
}
