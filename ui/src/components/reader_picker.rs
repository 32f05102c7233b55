//! The readers to choose from, each with what it is, what it takes, and what is wrong with it.

use leptos::prelude::*;
use protocol::ipc::{ReaderKind, ReaderView};

use crate::components::icon;
use crate::i18n::Text;
use crate::readers::{gesture_text, kind_text, places};
use crate::signal::Memo;
use crate::state::App;

/// The reader in use, and behind it the others.
pub fn reader_picker(app: App) -> impl IntoView {
    let in_use = Memo::new(move |_| app.reader_in_use());
    let shown = Memo::new(move |_| app.readers.with(|all| shown(all.as_deref()?, in_use.get().as_deref()).cloned()));
    let name = move || shown.get().map_or_else(|| app.t(Text::CardReaderAny)().to_owned(), |reader| reader.name);
    view! {
        <details class="picker" data-part="readers">
            <summary class="picker-line" data-action="readers" data-reader=move || in_use.get()>
                {icon::reader()}
                <span class="row-main">
                    <span class="quiet small">{app.t(Text::CardReader)}</span>
                    <bdi class="row-title">{name}</bdi>
                    {move || shown.get().map(|reader| nature(app, &reader))}
                </span>
                {icon::fold()}
            </summary>
            {reader_list(app)}
        </details>
    }
}

/// The reader to name: the one in use, or the only one that can be used, or else the only one there is.
fn shown<'a>(readers: &'a [ReaderView], in_use: Option<&str>) -> Option<&'a ReaderView> {
    if let Some(id) = in_use {
        return readers.iter().find(|reader| reader.id == id);
    }
    let mut usable = places(readers, None);
    match (usable.next(), usable.next(), readers) {
        (Some(only), None, _) | (None, _, [only]) => Some(only),
        (Some(_), Some(_), _) | (None, _, _) => None,
    }
}

/// Every reader, and the choice of none in particular.
pub fn reader_list(app: App) -> impl IntoView {
    // Read again and again, but drawn again only when they differ, so that the focus stays where it is.
    let readers = Memo::new(move |_| app.readers.get().unwrap_or_default());
    let rows = move || readers.get().into_iter().map(|reader| reader_row(app, reader)).collect_view();
    view! {
        <ul class="rows rows-boxed" role="list">
            <li>{choice(app, None, view! { <span class="row-title">{app.t(Text::CardReaderAny)}</span> })}</li>
            {rows}
        </ul>
    }
}

fn reader_row(app: App, reader: ReaderView) -> impl IntoView {
    let code = reader.trouble;
    let words = view! {
        <bdi class="row-title">{reader.name.clone()}</bdi>
        {facts(app, &reader)}
    };
    match code {
        // A reader in trouble is listed and explained, and cannot be chosen.
        Some(code) => view! {
            <li>
                <div class="row" data-reader=reader.id data-trouble=code.as_str()>
                    {icon::caution()}
                    <span class="row-main">{words}</span>
                </div>
            </li>
        }
        .into_any(),
        None => view! { <li>{choice(app, Some(reader.id), words)}</li> }.into_any(),
    }
}

fn choice(app: App, id: Option<String>, words: impl IntoView) -> impl IntoView {
    let own = id.clone();
    let is_chosen = Memo::new(move |_| app.reader.with(|chosen| *chosen == own));
    let value = id.clone().unwrap_or_default();
    view! {
        <button class="row" type="button" data-action="choose-reader" data-reader=value
            aria-pressed=move || is_chosen.get().to_string() disabled=move || app.busy.get()
            on:click=move |_| app.change_reader(id.clone())>
            {icon::reader()}
            <span class="row-main">{words}</span>
            <span class="row-mark">{move || is_chosen.get().then(icon::check)}</span>
        </button>
    }
}

/// What a reader is, what it takes, and its card or its trouble.
pub fn facts(app: App, reader: &ReaderView) -> impl IntoView + use<> {
    let trouble = reader.trouble.map(|code| {
        view! {
            <span class="row-trouble small">
                <b>{app.t(Text::error_title(code))}</b>" "<span>{app.t(Text::error_next(code))}</span>
            </span>
        }
    });
    view! {
        <span class="facts-line quiet small">{nature_parts(app, reader)}{card_state(app, reader)}</span>
        {trouble}
    }
}

/// What a reader is and what it takes, where the stage says the rest.
fn nature(app: App, reader: &ReaderView) -> impl IntoView + use<> {
    view! { <span class="facts-line quiet small">{nature_parts(app, reader)}</span> }
}

fn nature_parts(app: App, reader: &ReaderView) -> impl IntoView + use<> {
    let takes = reader.gestures.iter().map(|gesture| view! { <span>{app.t(gesture_text(*gesture))}</span> });
    view! { <span>{app.t(kind_text(reader.kind))}</span>{takes.collect_view()} }
}

/// Whether a card is there; nothing where a card never lies, and nothing where no card can be seen for a trouble.
fn card_state(app: App, reader: &ReaderView) -> Option<impl IntoView + use<>> {
    let keeps_cards = match reader.kind {
        ReaderKind::Pcsc | ReaderKind::Nfc | ReaderKind::Simulated | ReaderKind::Replay => true,
        ReaderKind::Stripe | ReaderKind::Phone => false,
    };
    let is_present = reader.card_present;
    let text = if is_present { Text::ReaderCard } else { Text::ReaderEmpty };
    (keeps_cards && reader.trouble.is_none()).then(|| view! { <span class:good=is_present>{app.t(text)}</span> })
}

#[cfg(test)]
mod tests {
    use protocol::error::ErrorCode;
    use protocol::ipc::CardGesture;

    use super::*;
    use crate::readers::tests::reader;

    #[test]
    fn the_only_reader_is_named_before_a_card_came() {
        let one = [reader("a", ReaderKind::Nfc, &[CardGesture::Tap])];
        assert_eq!(shown(&one, None), Some(&one[0]));
        let two = [one[0].clone(), reader("b", ReaderKind::Pcsc, &[])];
        assert_eq!(shown(&two, None), None);
        assert_eq!(shown(&two, Some("b")), Some(&two[1]));
        assert_eq!(shown(&two, Some("unplugged")), None);
        let busy = ReaderView { trouble: Some(ErrorCode::ReaderBusy), ..two[1].clone() };
        assert_eq!(shown(&[one[0].clone(), busy.clone()], None), Some(&one[0]), "only one can be used");
        assert_eq!(shown(std::slice::from_ref(&busy), None), Some(&busy));
    }
}
