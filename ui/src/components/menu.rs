//! A menu of lesser actions behind one button, after the WAI-ARIA menu button pattern.

use leptos::ev::{FocusEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::browser;
use crate::components::icon;
use crate::components::roving::{Lie, begins_with, goes_to};
use crate::components::words::Words;
use crate::signal::RwSignal;
use crate::state::App;

/// An entry of a menu.
pub struct MenuItem {
    action: &'static str,
    words: Words,
    shape: Option<AnyView>,
    is_danger: bool,
    act: Box<dyn Fn()>,
}

impl MenuItem {
    /// An entry with its stable `data-action`, its words and what it does.
    pub fn new(action: &'static str, words: impl Into<Words>, act: impl Fn() + 'static) -> Self {
        Self { action, words: words.into(), shape: None, is_danger: false, act: Box::new(act) }
    }

    /// With an icon before its words.
    pub fn icon(self, shape: impl IntoView + 'static) -> Self {
        Self { shape: Some(shape.into_any()), ..self }
    }

    /// Takes something away that does not come back.
    pub fn danger(self) -> Self {
        Self { is_danger: true, ..self }
    }
}

/// The button and its menu. `id` is the only one of its kind on the screen.
pub fn menu(app: App, id: &'static str, label: impl Into<Words>, items: Vec<MenuItem>) -> AnyView {
    let label = app.spoken(label.into());
    let is_open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    let count = items.len();
    let names: Vec<Words> = items.iter().map(|item| item.words.clone()).collect();
    let go = move |index: usize| browser::focus(&format!("#{}", item_id(id, index)));
    let open_at = move |index: usize| {
        is_open.set(true);
        request_animation_frame(move || go(index));
    };
    let close = move || {
        is_open.set(false);
        browser::focus(&format!("#{id}-button"));
    };
    let on_button_key = move |event: KeyboardEvent| match event.key().as_str() {
        "ArrowDown" => {
            event.prevent_default();
            open_at(0);
        }
        "ArrowUp" => {
            event.prevent_default();
            open_at(count.saturating_sub(1));
        }
        _ => {}
    };
    let on_item_key = move |event: KeyboardEvent| {
        let here = (0..count).find(|index| browser::is_focused(&item_id(id, *index))).unwrap_or(0);
        match event.key().as_str() {
            "Escape" => {
                event.prevent_default();
                close();
            }
            "Tab" => is_open.set(false),
            key => {
                let lang = app.lang.get_untracked();
                let spoken = || names.iter().map(|words| words.in_language(lang)).collect::<Vec<_>>();
                let to = goes_to(key, here, count, Lie::Down).or_else(|| begins_with(key, here, &spoken()));
                if let Some(index) = to {
                    event.prevent_default();
                    go(index);
                }
            }
        }
    };
    // The menu closes when the focus leaves it, wherever it went.
    let on_focus_out = move |event: FocusEvent| {
        let next = event.related_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let stays = root.get_untracked().is_some_and(|root| next.is_some_and(|next| root.contains(Some(&next))));
        if !stays {
            is_open.set(false);
        }
    };
    let entries: Vec<AnyView> =
        items.into_iter().enumerate().map(|(index, item)| entry(app, item_id(id, index), item, close)).collect();
    view! {
        <div class="menu" node_ref=root on:focusout=on_focus_out>
            <button class="icon-button" type="button" id=format!("{id}-button") data-action=id aria-haspopup="menu"
                aria-label=label title=label aria-expanded=move || is_open.get().to_string() aria-controls=format!("{id}-menu")
                on:keydown=on_button_key
                on:click=move |_| if is_open.get_untracked() { is_open.set(false) } else { open_at(0) }>
                {icon::more()}
            </button>
            <div class="menu-list" role="menu" id=format!("{id}-menu") aria-label=label hidden=move || !is_open.get()
                on:keydown=on_item_key>{entries}</div>
        </div>
    }
    .into_any()
}

fn entry(app: App, id: String, item: MenuItem, close: impl Fn() + 'static) -> AnyView {
    let MenuItem { action, words, shape, is_danger, act } = item;
    let press = move |_| {
        close();
        act();
    };
    view! {
        <button class="menu-item" class:menu-danger=is_danger type="button" role="menuitem" tabindex="-1" id=id
            data-action=action on:click=press>{shape}<span>{app.say(words)}</span></button>
    }
    .into_any()
}

fn item_id(id: &str, index: usize) -> String {
    format!("{id}-item-{index}")
}
