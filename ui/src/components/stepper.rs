//! A small number, set by pressing less and more.

use leptos::prelude::*;

use crate::components::icon;
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The number between its two buttons; it stays within `bounds`, the lowest and the highest.
pub fn stepper(
    app: App,
    name: &'static str,
    label: impl Into<Words>,
    bounds: (u32, u32),
    value: RwSignal<u32>,
) -> AnyView {
    let label = app.spoken(label.into());
    let (low, high) = bounds;
    let button = move |action: &'static str, text: Text, shape: AnyView, to: fn(u32) -> u32, end: u32| {
        let words = move || format!("{}: {}", label.get(), app.t(text)());
        view! {
            <button class="icon-button" type="button" data-action=action aria-label=words disabled=move || value.get() == end
                on:click=move |_| value.update(|value| *value = to(*value).clamp(low, high))>{shape}</button>
        }
        .into_any()
    };
    let shown = move || format::count(value.get() as usize, app.lang.get());
    view! {
        <span class="stepper" role="group" aria-label=label data-field=name>
            {button("less", Text::StepperLess, icon::minus().into_any(), |value| value.saturating_sub(1), low)}
            <output class="stepper-count" aria-live="polite">{shown}</output>
            {button("more", Text::StepperMore, icon::plus().into_any(), |value| value.saturating_add(1), high)}
        </span>
    }
    .into_any()
}
