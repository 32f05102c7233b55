//! The requests: what waits to be paid, what ended, and a field for a link.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use crate::components::code_picture::code_picture;
use crate::components::request_list::request_list;
use crate::components::{empty_state, icon};
use crate::format;
use crate::i18n::Text;
use crate::phase::PhaseView as _;
use crate::place::Screen;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The longest link that is looked at, in characters: a request link with its fragment is far shorter.
const LINK_CHARS_MAX: &str = "4096";

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let waiting = waiting_text(app);
    view! {
        <header class="page-head">
            <div class="head-words">
                <h1 tabindex="-1">{app.t(Text::InboxTitle)}</h1>
                <p class="quiet small">{waiting}</p>
            </div>
            <button class="button" type="button" data-action="numbers" on:click=move |_| app.go(Screen::Numbers)>
                {app.t(Text::NumbersTitle)}
            </button>
        </header>
        {empty_note(app)}
        {request_list(app, || None)}
        {link_form(app, "link")}
        {code_picture(app)}
    }
}

/// The same list beside an open request.
pub fn aside(app: App) -> impl IntoView {
    view! {
        <aside class="pane pane-side" aria-label=app.t(Text::InboxTitle)>
            <header class="page-head"><h2 class="aside-title">{app.t(Text::InboxTitle)}</h2></header>
            {request_list(app, move || app.place.get().request_id())}
        </aside>
    }
}

fn waiting_text(app: App) -> impl Fn() -> String + Copy + Send + Sync + 'static {
    move || {
        let lang = app.lang.get();
        let is_waiting =
            |inbox: &Vec<protocol::ipc::RequestView>| inbox.iter().filter(|it| it.phase.is_payable()).count();
        match app.inbox.with(|inbox| inbox.as_ref().map_or(0, is_waiting)) {
            0 => String::new(),
            1 => Text::InboxWaitingOne.in_language(lang).to_owned(),
            many => Text::InboxWaitingMany.filled(lang, &[("count", &format::count(many, lang))]),
        }
    }
}

fn empty_note(app: App) -> impl IntoView {
    let is_empty = Memo::new(move |_| {
        app.inbox
            .with(|inbox| inbox.as_ref().is_some_and(|inbox| !inbox.iter().any(|request| request.phase.is_pending())))
    });
    move || is_empty.get().then(|| empty_state(app, Text::InboxEmptyTitle, Text::InboxEmptyBody))
}

/// A field for a link that came by another way.
fn link_form(app: App, id: &'static str) -> impl IntoView {
    let link = RwSignal::new(String::new());
    let is_empty = move || link.with(|link| link.trim().is_empty());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let text = link.get_untracked().trim().to_owned();
        if !text.is_empty() {
            app.open_link(text, move || {
                link.try_set(String::new());
            });
        }
    };
    view! {
        <form class="link-form" on:submit=submit>
            <label class="unseen" for=id>{app.t(Text::LinkLabel)}</label>
            <span class="field">
                {icon::link()}
                <input id=id name="link" data-field="link" type="text" inputmode="url" autocomplete="off" spellcheck="false" dir="ltr"
                    maxlength=LINK_CHARS_MAX placeholder=app.t(Text::LinkHint) bind:value=link/>
            </span>
            <button class="button" type="submit" data-action="open-link" disabled=move || is_empty() || app.busy.get()>
                {app.t(Text::LinkOpen)}
            </button>
        </form>
    }
}
