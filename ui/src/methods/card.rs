//! Paying with a card at a reader.

use leptos::prelude::*;

use crate::components::icon;
use crate::components::reader_picker::reader_list;
use crate::i18n::Text;
use crate::readers;
use crate::state::App;

/// Its picture.
pub fn shape() -> AnyView {
    icon::card().into_any()
}

/// The reader that is waited at: the chosen one, the only one there is, or whichever shows a card.
pub fn detail(app: App) -> AnyView {
    let words = move || {
        app.readers.with(|all| {
            let Some(all) = all.as_deref() else { return String::new() };
            let chosen = app.reader.get();
            let chosen = readers::listed(all, chosen.as_deref());
            let mut usable = readers::places(all, chosen);
            match (usable.next(), usable.next()) {
                (None, _) => app.t(Text::MethodCardNone)().to_owned(),
                (Some(only), None) => only.name.clone(),
                (Some(_), Some(_)) => app.t(Text::CardReaderAny)().to_owned(),
            }
        })
    };
    view! { <bdi>{words}</bdi> }.into_any()
}

/// The readers to choose from.
pub fn choices(app: App) -> AnyView {
    view! {
        <p class="quiet small">{app.t(Text::MethodCardHelp)}</p>
        {reader_list(app)}
    }
    .into_any()
}
