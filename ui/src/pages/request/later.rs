//! Putting a request off: when it comes back, in a few words or to the minute.

use leptos::prelude::*;
use protocol::ipc::RequestView;

use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::icon;
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::later::{Calendar, Moment, is_in_time, moments};
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// Six in the evening.
const EVENING_HOUR: u8 = 18;
/// Nine in the morning.
const MORNING_HOUR: u8 = 9;

/// The button, and the sheet it opens.
pub fn later_dialog(app: App, request: &RequestView) -> AnyView {
    let dialog = Dialog::new();
    // What is offered is what is left when the sheet opens.
    let opened_ms = RwSignal::new(app.now_ms.get_untracked());
    let open = move || {
        opened_ms.set(app.now_ms.get_untracked());
        dialog.open();
    };
    view! {
        {Button::plain("later", Text::RequestLater).off_while(move || app.busy.get()).on(app, open)}
        {dialog.sheet(app, "later", Text::LaterTitle, choices(app, dialog, request, opened_ms))}
    }
    .into_any()
}

fn choices(app: App, dialog: Dialog, request: &RequestView, opened_ms: RwSignal<u64>) -> AnyView {
    let (request_id, expires_ms) = (request.request_id, request.expires_ms);
    let put_off = move |until_ms: Option<u64>| {
        dialog.close();
        app.put_off(request_id, until_ms);
    };
    let calendar = || Calendar {
        evening_ms: format::next_hour_ms(0, EVENING_HOUR),
        morning_ms: format::next_hour_ms(1, MORNING_HOUR),
    };
    let offered = move || {
        let all = moments(opened_ms.get(), expires_ms, calendar()).into_iter();
        all.map(|moment| moment_row(app, moment, put_off)).collect_view()
    };
    let ends = Words::made(move |lang| Text::LaterEnds.filled(lang, &[("time", &format::date_time(expires_ms, lang))]));
    view! {
        <p class="quiet">{app.say(ends)}</p>
        <ul class="rows rows-boxed" role="list" data-part="moments">
            {offered}
            <li>
                <button class="row" type="button" data-action="put-off" data-moment="last" on:click=move |_| put_off(None)>
                    {icon::requests()}
                    <span class="row-main"><span class="row-title">{app.t(Text::LaterLast)}</span>
                        <span class="quiet small">{app.t(Text::LaterLastHelp)}</span></span>
                </button>
            </li>
        </ul>
        {picked(app, expires_ms, opened_ms, put_off)}
        <div class="actions">{Button::text("cancel-later", Text::ActionCancel).on(app, move || dialog.close())}</div>
    }
    .into_any()
}

fn moment_row(app: App, moment: Moment, put_off: impl Fn(Option<u64>) + Copy + 'static) -> AnyView {
    let Moment { name, text, at_ms } = moment;
    let time = Words::made(move |lang| format::time_of_day(at_ms, lang));
    view! {
        <li>
            <button class="row" type="button" data-action="put-off" data-moment=name on:click=move |_| put_off(Some(at_ms))>
                {icon::clock()}
                <span class="row-main"><span class="row-title">{app.t(text)}</span></span>
                <span class="quiet">{app.say(time)}</span>
            </button>
        </li>
    }
    .into_any()
}

/// A time of one's own, between now and the expiry.
fn picked(
    app: App,
    expires_ms: u64,
    opened_ms: RwSignal<u64>,
    put_off: impl Fn(Option<u64>) + Copy + 'static,
) -> AnyView {
    let typed = RwSignal::new(String::new());
    let at_ms = Memo::new(move |_| format::local_time_ms(&typed.get()));
    let is_good = Memo::new(move |_| at_ms.get().is_some_and(|at_ms| is_in_time(at_ms, app.now_ms.get(), expires_ms)));
    let is_bad = move || at_ms.get().is_some() && !is_good.get();
    let earliest = move || format::local_time(opened_ms.get());
    let submit = move || {
        if is_good.get_untracked() {
            put_off(at_ms.get_untracked());
        }
    };
    view! {
        <div class="later-pick">
            <label for="later-at">{app.t(Text::LaterPick)}</label>
            <div class="later-pick-row">
                <span class="field"><input id="later-at" data-field="later-at" type="datetime-local" min=earliest
                    max=format::local_time(expires_ms) aria-describedby="later-at-help" bind:value=typed/></span>
                {Button::plain("put-off-picked", Text::LaterPickDo).off_while(move || !is_good.get()).on(app, submit)}
            </div>
            <p id="later-at-help" class="field-bad small" role="status">{move || is_bad().then(|| app.t(Text::LaterPickBad)())}</p>
        </div>
    }
    .into_any()
}
