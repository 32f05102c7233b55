//! Waiting for a card and reading it; and what to do when there is no reader.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::error::ErrorCode;
use protocol::ipc::{CheckoutStage, ReaderView};

use crate::components::amount::{AmountSize, amount};
use crate::components::reader_picture::reader_picture;
use crate::components::{back_button, icon, pips};
use crate::i18n::Text;
use crate::state::App;

/// The picker's value for whichever reader shows a card first.
const ANY_READER: &str = "";

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let step = Memo::new(move |_| {
        app.checkout.with(|checkout| match checkout.as_ref().map(|it| &it.progress) {
            Some(CheckoutStage::Reading { step, steps, .. }) => Some((*step, *steps)),
            _ => None,
        })
    });
    let notice = Memo::new(move |_| app.checkout.with(|checkout| checkout.as_ref().and_then(|it| it.notice)));
    let lacks_reader = Memo::new(move |_| {
        let said_so = notice.get() == Some(ErrorCode::NoReader);
        step.get().is_none() && app.readers.with(|readers| readers.as_ref().map_or(said_so, Vec::is_empty))
    });
    view! {
        <header class="page-head page-head-nav">{back_button(app)}{paying_line(app)}</header>
        {move || if lacks_reader.get() { guidance(app).into_any() } else { reading(app, step, notice).into_any() }}
    }
}

/// How much and to whom, above every step of a payment.
pub fn paying_line(app: App) -> impl IntoView {
    let paying = Memo::new(move |_| app.checkout.with(|it| it.as_ref().map(|it| (it.amount, it.payee.clone()))));
    move || {
        paying.get().map(|(sum, payee)| {
            view! {
                <p class="paying-line">{amount(app, sum, AmountSize::Title)}<bdi class="quiet">{payee}</bdi></p>
            }
        })
    }
}

fn reading(app: App, step: Memo<Option<(u8, u8)>>, notice: Memo<Option<ErrorCode>>) -> impl IntoView {
    let lang = app.lang;
    let stage = move || match step.get() {
        None => Text::CardWaiting.in_language(lang.get()).to_owned(),
        Some((step, steps)) => {
            Text::CardReading.filled(lang.get(), &[("step", &step.to_string()), ("steps", &steps.to_string())])
        }
    };
    let hint = move || if step.get().is_some() { app.t(Text::CardKeepStill)() } else { app.t(Text::CardWhere)() };
    view! {
        <div class="centre checkout">
            <h1 tabindex="-1">{app.t(Text::CardTitle)}</h1>
            {reader_picture(app, move || step.get().is_some())}
            <p class="stage" data-part="stage">{pips(move || step.get().unwrap_or((0, 5)))}<span>{stage}</span></p>
            {move || notice.get().filter(|_| step.get().is_none()).map(|code| notice_line(app, code))}
            <p class="quiet">{hint}</p>
            {reader_picker(app)}
        </div>
    }
}

fn notice_line(app: App, code: ErrorCode) -> impl IntoView {
    view! {
        <p class="notice" data-notice=code.as_str()>
            {icon::caution()}
            <span><b>{app.t(Text::error_title(code))}</b>" "{app.t(Text::error_next(code))}</span>
        </p>
    }
}

fn reader_picker(app: App) -> impl IntoView {
    let option = move |reader: ReaderView| {
        let name = reader.name.clone();
        let text = move || {
            if reader.card_present { app.fill(Text::CardReaderPresent, "name", name.clone())() } else { name.clone() }
        };
        let id = reader.id.clone();
        let is_chosen = move || app.reader.with(|chosen| chosen.as_ref() == Some(&id));
        view! { <option value=reader.id.clone() prop:selected=is_chosen>{text}</option> }
    };
    let change = move |event| {
        let id = event_target_value(&event);
        app.change_reader((id != ANY_READER).then_some(id));
    };
    // Read again and again, but drawn again only when they differ, so that an open list stays open.
    let readers = Memo::new(move |_| app.readers.get().unwrap_or_default());
    let in_use = move || app.checkout.with(|checkout| checkout.as_ref().and_then(|it| it.reader.clone()));
    view! {
        <label class="picker">
            <span class="quiet small">{app.t(Text::CardReader)}</span>
            <select data-action="choose-reader" data-reader=in_use on:change=change>
                <option value=ANY_READER prop:selected=move || app.reader.with(Option::is_none)>{app.t(Text::CardReaderAny)}</option>
                {move || readers.get().into_iter().map(option).collect_view()}
            </select>
        </label>
    }
}

/// There is no reader: what to do, and a way to look again.
fn guidance(app: App) -> impl IntoView {
    view! { <div class="centre checkout">{guidance_text(app)}{look_again(app, move || spawn_local(app.read_readers()))}</div> }
}

/// A payment that could not start for want of a reader.
pub fn without_reader(app: App, request_id: RequestId) -> impl IntoView {
    view! {
        <header class="page-head page-head-nav">{back_button(app)}</header>
        <div class="centre checkout">{guidance_text(app)}{look_again(app, move || app.pay(request_id))}</div>
    }
}

fn guidance_text(app: App) -> impl IntoView {
    view! {
        <h1 tabindex="-1">{app.t(Text::CardNoneTitle)}</h1>
        <div class="picture-absent">{reader_picture(app, || false)}</div>
        <ul class="guidance" data-part="no-reader">
            <li>{app.t(Text::CardNoneUsb)}</li>
            <li>{app.t(Text::CardNoneService)}</li>
            <li>{app.t(Text::CardNonePhone)}</li>
        </ul>
    }
}

fn look_again(app: App, look: impl Fn() + 'static) -> impl IntoView {
    view! {
        <button class="button button-primary" type="button" data-action="look-again" disabled=move || app.busy.get()
            on:click=move |_| look()>{app.t(Text::CardLookAgain)}</button>
    }
}
