//! What is chosen, switched and stepped.

use leptos::prelude::*;

use crate::components::choice::{Choice, checkbox, chip, chips, radio_list, segmented, select_field, switch};
use crate::components::stepper::stepper;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// One of a few, all in sight.
pub fn radios(app: App) -> AnyView {
    let chosen = RwSignal::new("dark");
    let choices = vec![
        Choice::new("system", Text::WorkbenchSystem),
        Choice::new("light", Text::WorkbenchLight),
        Choice::new("dark", Text::WorkbenchDark).hint(Text::WorkbenchDarkHint),
        Choice::new("zh-Hans", Words::Name("简体中文".to_owned())).in_language("zh-Hans"),
    ];
    radio_list(app, "look", Text::WorkbenchLook, choices, move || chosen.get(), move |value| chosen.set(value))
}

/// One of two or three words side by side.
pub fn segments(app: App) -> AnyView {
    let chosen = RwSignal::new("light");
    let choices = vec![Choice::new("light", Text::WorkbenchLight), Choice::new("dark", Text::WorkbenchDark)];
    segmented(app, "shade", Text::WorkbenchLook, choices, move || chosen.get(), move |value| chosen.set(value))
}

/// On, off, and a box to tick.
pub fn switches(app: App) -> AnyView {
    let (sounds, quiet, only) = (RwSignal::new(true), RwSignal::new(false), RwSignal::new(true));
    let hint = Some(Text::WorkbenchSoundsHint.into());
    view! {
        <section class="group">
            {switch(app, "sounds", Text::WorkbenchSounds, hint, move || sounds.get(), move |is_on| sounds.set(is_on))}
            {switch(app, "quiet", Text::WorkbenchDark, None, move || quiet.get(), move |is_on| quiet.set(is_on))}
            {checkbox(app, "only-here", Text::WorkbenchOnlyHere, None, move || only.get(), move |is_on| only.set(is_on))}
        </section>
    }
    .into_any()
}

/// One of many, folded up.
pub fn selects(app: App) -> AnyView {
    let value = RwSignal::new("CNY".to_owned());
    let options = || ["USD", "CNY", "JPY", "KWD"].map(|code| (code.to_owned(), Words::Name(code.to_owned()))).to_vec();
    select_field(app, "currency", Text::WorkbenchCurrency, options, value)
}

/// Filters in a row that scrolls.
pub fn filters(app: App) -> AnyView {
    let names = [Text::WorkbenchAll, Text::WorkbenchPaid, Text::WorkbenchRefunded, Text::WorkbenchYear];
    let on = RwSignal::new(1_usize);
    let row: Vec<AnyView> = names
        .into_iter()
        .enumerate()
        .map(|(index, text)| chip(app, "filter", text, move || on.get() == index, move || on.set(index)))
        .collect();
    chips(app, Text::WorkbenchMore, row)
}

/// A small number, at its lower end.
pub fn steppers(app: App) -> AnyView {
    stepper(app, "quantity", Text::WorkbenchQuantity, (1, 9), RwSignal::new(1))
}
