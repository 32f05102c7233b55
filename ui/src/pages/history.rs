//! The payments by month, newest first: searched, filtered, and kept as files.

mod filters;
mod list;

use leptos::prelude::*;
use payment::AttemptId;
use protocol::ipc::history::ListFormat;

use crate::components::button::{Button, ButtonKind};
use crate::components::icon;
use crate::components::menu::{MenuItem, menu};
use crate::i18n::Text;
use crate::place::{Place, Screen};
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        <header class="page-head"><h1 tabindex="-1">{app.t(Text::HistoryTitle)}</h1>{tools(app)}</header>
        {filters::search(app)}
        {list::found(app, || None::<AttemptId>)}
    }
}

/// The same list beside an open receipt.
pub fn aside(app: App) -> impl IntoView {
    let selected = move || match app.place.get() {
        Place::Receipt(attempt_id) => Some(attempt_id),
        _ => None,
    };
    view! {
        <aside class="pane pane-side" aria-label=app.t(Text::HistoryTitle)>
            <header class="page-head"><h2 class="aside-title">{app.t(Text::HistoryTitle)}</h2>{tools(app)}</header>
            {filters::search(app)}
            {list::found(app, selected)}
        </aside>
    }
}

fn tools(app: App) -> impl IntoView {
    let items = vec![
        MenuItem::new("export-csv", Text::HistoryCsv, move || app.export_history(ListFormat::Csv)).icon(icon::save()),
        MenuItem::new("export-pdf", Text::HistoryPdf, move || app.export_history(ListFormat::Pdf)).icon(icon::print()),
    ];
    view! {
        <span class="head-tools">
            {Button::new(ButtonKind::Text, "verify", Text::HistoryVerify).on(app, move || app.go(Screen::Verify))}
            {menu(app, "history-tools", Text::HistoryTools, items)}
        </span>
    }
}
