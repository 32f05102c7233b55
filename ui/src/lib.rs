//! The wallet's screens: Leptos, rendered in the web view.
//!
//! **Invariants:** no key, card number or PIN digit ever enters this crate; every call out of the web view goes
//! through [`ipc`]; every text comes from `locales/`.

mod actions;
mod app;
mod browser;
#[allow(dead_code, reason = "a component has every state of its kind, whether or not a screen needs it today")]
mod components;
mod confirmation;
mod doubts;
mod feedback;
mod format;
mod history;
mod i18n;
mod invitation;
mod ipc;
mod json;
mod later;
mod lock;
mod merchant;
mod methods;
mod outside;
mod pages;
#[allow(
    unsafe_code,
    clippy::unnecessary_wraps,
    reason = "the macro that cuts the module declares what loads a part, which can fail"
)]
mod parts;
mod phase;
mod place;
mod reader_check;
mod readers;
mod remedy;
mod same_order;
mod signal;
mod sound;
mod stage;
mod state;
#[cfg(feature = "workbench")]
mod workbench;

/// Draws the screens into the page, in the texts of both languages' files, and starts following the wallet. `look` is the
/// wallet's first look in JSON, or the promise of it; nothing where there is none.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn start(english: String, chinese: String, look: wasm_bindgen::JsValue) {
    i18n::load(english, chinese);
    #[cfg(feature = "workbench")]
    if workbench::is_asked_for() {
        return leptos::mount::mount_to_body(workbench::page);
    }
    leptos::mount::mount_to_body(|| app::shell(look));
}
