//! The card readers: what each is, whether it can be used, and a test of it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::error::ErrorCode;
use protocol::ipc::ReaderView;

use crate::components::icon;
use crate::components::reader_picker::facts;
use crate::i18n::Text;
use crate::pages::card::guidance_list;
use crate::state::App;

/// The page.
pub fn page(app: App) -> impl IntoView {
    spawn_local(app.read_readers());
    let listed = Memo::new(move |_| app.readers.get());
    let rows = move || match listed.get() {
        Some(readers) if !readers.is_empty() => {
            let rows = readers.into_iter().map(|reader| row(app, reader)).collect_view();
            view! { <ul class="rows" role="list">{rows}</ul> }.into_any()
        }
        Some(_) => view! {
            <p class="group-line"><b>{app.t(Text::CardNoneTitle)}</b></p>
            {guidance_list(app)}
        }
        .into_any(),
        None => ().into_any(),
    };
    view! {
        <section class="group" data-part="readers">
            <div>{rows}</div>
            <button class="text-button" type="button" data-action="look-again"
                on:click=move |_| spawn_local(app.read_readers())>{app.t(Text::CardLookAgain)}</button>
        </section>
    }
}

fn row(app: App, reader: ReaderView) -> impl IntoView {
    let shape = if reader.trouble.is_some() { icon::caution().into_any() } else { icon::reader().into_any() };
    let facts = facts(app, &reader);
    let label = app.fill(Text::ReaderTestName, "name", reader.name.clone());
    let id = reader.id.clone();
    view! {
        <li class="row" data-reader=reader.id data-trouble=reader.trouble.map(ErrorCode::as_str)>
            {shape}
            <span class="row-main"><bdi class="row-title">{reader.name}</bdi>{facts}</span>
            <button class="button" type="button" data-action="test-reader" aria-label=label
                disabled=move || app.busy.get() on:click=move |_| app.test_reader(Some(id.clone()))>
                {app.t(Text::ReaderTest)}
            </button>
        </li>
    }
}
