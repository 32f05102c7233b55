//! Tabs: one of several views of the same thing. Arrow keys move, and moving shows.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use crate::browser;
use crate::components::roving::{Lie, goes_to};
use crate::components::words::Words;
use crate::signal::RwSignal;
use crate::state::App;

/// A tab: its stable value and its words.
pub struct Tab {
    /// What it is called in `data-tab`.
    pub value: &'static str,
    /// Its words.
    pub words: Words,
}

impl Tab {
    /// A tab.
    pub fn new(value: &'static str, words: impl Into<Words>) -> Self {
        Self { value, words: words.into() }
    }
}

/// The tabs. `id` is the only one of its kind on the screen; [`tab_panel`] shows what each stands for.
pub fn tabs(
    app: App,
    id: &'static str,
    label: impl Into<Words>,
    tabs: Vec<Tab>,
    chosen: RwSignal<&'static str>,
) -> AnyView {
    let label: Words = label.into();
    let values: Vec<&'static str> = tabs.iter().map(|tab| tab.value).collect();
    let on_key = move |event: KeyboardEvent| {
        let here = values.iter().position(|value| *value == chosen.get_untracked()).unwrap_or(0);
        let lie = if browser::is_mirrored() { Lie::RightToLeft } else { Lie::LeftToRight };
        if let Some(index) = goes_to(&event.key(), here, values.len(), lie) {
            event.prevent_default();
            chosen.set(values[index]);
            browser::focus(&format!("#{}", tab_id(id, values[index])));
        }
    };
    let tab = |Tab { value, words }: Tab| {
        let is_chosen = move || chosen.get() == value;
        view! {
            <button class="tab" type="button" role="tab" id=tab_id(id, value) data-tab=value
                aria-selected=move || is_chosen().to_string() aria-controls=panel_id(id)
                tabindex=move || if is_chosen() { "0" } else { "-1" } on:click=move |_| chosen.set(value)>
                {app.say(words)}
            </button>
        }
        .into_any()
    };
    let tabs: Vec<AnyView> = tabs.into_iter().map(tab).collect();
    view! { <div class="tabs" role="tablist" aria-label=app.spoken(label) on:keydown=on_key>{tabs}</div> }.into_any()
}

/// What the chosen tab stands for.
pub fn tab_panel(
    id: &'static str,
    chosen: RwSignal<&'static str>,
    body: impl Fn(&'static str) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    view! {
        <div class="tab-panel" role="tabpanel" id=panel_id(id) aria-labelledby=move || tab_id(id, chosen.get()) tabindex="0">
            {move || body(chosen.get())}
        </div>
    }
    .into_any()
}

fn tab_id(id: &str, value: &str) -> String {
    format!("{id}-tab-{value}")
}

fn panel_id(id: &str) -> String {
    format!("{id}-panel")
}
