//! The keyboard at a till: digits go into the keypad, Enter charges, and Enter begins the next sale.

use leptos::ev::KeyboardEvent;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::keypad::PadKey;
use super::place::{SellPlace, SellScreen};
use crate::browser;
use crate::place::Place;
use crate::state::App;

/// What has the focus, as far as a key is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    /// A field: it takes its keys itself.
    Field,
    /// A button or a link: Enter and Space press it.
    Control,
    /// A key of the pad, pressed with a finger before: Enter means the sale.
    Pad,
    /// Nothing in particular.
    Elsewhere,
}

/// Takes a key that means something at the till.
pub fn on_key(app: App, event: &KeyboardEvent) {
    let Place::Sell(place) = app.place.get_untracked() else { return };
    let has_modifier = event.ctrl_key() || event.alt_key() || event.meta_key();
    if has_modifier || event.default_prevented() || browser::is_there("dialog[open]") {
        return;
    }
    let focus = focus_of(event);
    let key = event.key();
    let is_taken = match place {
        SellPlace::At(SellScreen::Keypad) => at_keypad(app, focus, &key),
        SellPlace::At(SellScreen::Items) if key == "Enter" && focus == Focus::Elsewhere => {
            app.charge();
            true
        }
        SellPlace::PosPaid(_) | SellPlace::PosRefused(_) | SellPlace::PosExpired(_) | SellPlace::PosCancelled(_)
            if key == "Enter" && focus == Focus::Elsewhere =>
        {
            app.next_sale();
            true
        }
        _ => false,
    };
    if is_taken {
        event.prevent_default();
    }
}

fn at_keypad(app: App, focus: Focus, key: &str) -> bool {
    match (focus, key) {
        (Focus::Field, _) => false,
        (Focus::Control, "Enter") => false,
        (Focus::Pad | Focus::Elsewhere, "Enter") => {
            app.charge();
            true
        }
        (_, key) => {
            let pressed = PadKey::typed(key);
            if let Some(pressed) = pressed {
                app.till.entry.update(|entry| *entry = entry.press(pressed));
            }
            pressed.is_some()
        }
    }
}

fn focus_of(event: &KeyboardEvent) -> Focus {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let is_in = |css: &str| target.as_ref().is_some_and(|target| target.closest(css).ok().flatten().is_some());
    if is_in("input, select, textarea") {
        Focus::Field
    } else if is_in("[data-pad]") {
        Focus::Pad
    } else if is_in("button, a, summary") {
        Focus::Control
    } else {
        Focus::Elsewhere
    }
}
