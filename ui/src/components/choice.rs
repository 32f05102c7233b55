//! Choices: one of a few, one of many, on or off. Native controls, so that every keyboard and screen reader knows them.

use std::rc::Rc;

use leptos::prelude::*;

use crate::components::icon;
use crate::components::words::Words;
use crate::signal::RwSignal;
use crate::state::App;

/// One thing to choose: its stable value, its words, and a sentence about it.
#[derive(Clone)]
pub struct Choice {
    /// What it is called in `data-setting`, after the choice's own name and a dot.
    pub value: &'static str,
    /// Its words.
    pub words: Words,
    /// What choosing it means.
    pub hint: Option<Words>,
    /// The language its words are in, where that is not the screens' own.
    pub lang: Option<&'static str>,
}

impl Choice {
    /// A choice without a sentence about it.
    pub fn new(value: &'static str, words: impl Into<Words>) -> Self {
        Self { value, words: words.into(), hint: None, lang: None }
    }

    /// With a sentence about what it means.
    pub fn hint(self, hint: impl Into<Words>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Named in its own language, as languages are.
    pub fn in_language(self, lang: &'static str) -> Self {
        Self { lang: Some(lang), ..self }
    }
}

/// One of a few, all in sight, as a card of its own.
pub fn radio_list(
    app: App,
    name: &'static str,
    legend: impl Into<Words>,
    choices: Vec<Choice>,
    chosen: impl Fn() -> &'static str + Send + Sync + 'static,
    choose: impl Fn(&'static str) + 'static,
) -> AnyView {
    let (legend, choose): (Words, Choose) = (legend.into(), Rc::new(choose));
    let options = radios(app, "option", name, choices, Signal::derive(chosen), &choose);
    view! { <fieldset class="group"><legend>{app.say(legend)}</legend>{options}</fieldset> }.into_any()
}

/// One of two to four short words, side by side.
pub fn segmented(
    app: App,
    name: &'static str,
    legend: impl Into<Words>,
    choices: Vec<Choice>,
    chosen: impl Fn() -> &'static str + Send + Sync + 'static,
    choose: impl Fn(&'static str) + 'static,
) -> AnyView {
    let (legend, choose): (Words, Choose) = (legend.into(), Rc::new(choose));
    let options = radios(app, "segment", name, choices, Signal::derive(chosen), &choose);
    view! {
        <fieldset class="segmented"><legend class="unseen">{app.say(legend)}</legend>
            <div class="segments">{options}</div>
        </fieldset>
    }
    .into_any()
}

/// What choosing one of several does.
type Choose = Rc<dyn Fn(&'static str)>;

fn radios(
    app: App,
    class: &'static str,
    name: &'static str,
    choices: Vec<Choice>,
    chosen: Signal<&'static str>,
    choose: &Choose,
) -> Vec<AnyView> {
    let radio = |Choice { value, words, hint, lang }: Choice| {
        let choose = choose.clone();
        let hint = hint.map(|hint| view! { <span class="quiet small">{app.say(hint)}</span> });
        view! {
            <label class=class>
                <input type="radio" name=name value=value data-setting=format!("{name}.{value}")
                    prop:checked=move || chosen.get() == value on:change=move |_| choose(value)/>
                <span class="option-words"><span lang=lang translate=lang.map(|_| "no")>{app.say(words)}</span>{hint}</span>
            </label>
        }
        .into_any()
    };
    choices.into_iter().map(radio).collect()
}

/// On or off, at once: a switch with its words before it.
pub fn switch(
    app: App,
    setting: &'static str,
    words: impl Into<Words>,
    hint: Option<Words>,
    is_on: impl Fn() -> bool + Send + Sync + 'static,
    set: impl Fn(bool) + 'static,
) -> AnyView {
    toggle(app, Toggle::Switch, setting, (words.into(), hint), Signal::derive(is_on), Box::new(set))
}

/// Yes or no, in a form that is sent later.
pub fn checkbox(
    app: App,
    setting: &'static str,
    words: impl Into<Words>,
    hint: Option<Words>,
    is_on: impl Fn() -> bool + Send + Sync + 'static,
    set: impl Fn(bool) + 'static,
) -> AnyView {
    toggle(app, Toggle::Checkbox, setting, (words.into(), hint), Signal::derive(is_on), Box::new(set))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Toggle {
    Switch,
    Checkbox,
}

fn toggle(
    app: App,
    kind: Toggle,
    setting: &'static str,
    (words, hint): (Words, Option<Words>),
    is_on: Signal<bool>,
    set: Box<dyn Fn(bool)>,
) -> AnyView {
    let (class, role) = match kind {
        Toggle::Switch => ("option option-switch", Some("switch")),
        Toggle::Checkbox => ("option", None),
    };
    let hint = hint.map(|hint| view! { <span class="quiet small">{app.say(hint)}</span> });
    view! {
        <label class=class>
            <input type="checkbox" role=role data-setting=setting prop:checked=move || is_on.get()
                on:change=move |event| set(event_target_checked(&event))/>
            <span class="option-words"><span>{app.say(words)}</span>{hint}</span>
        </label>
    }
    .into_any()
}

/// One of many, folded up: a value and its words for each.
pub fn select_field(
    app: App,
    name: &'static str,
    label: impl Into<Words>,
    options: impl Fn() -> Vec<(String, Words)> + Send + Sync + 'static,
    value: RwSignal<String>,
) -> AnyView {
    fn drawn(
        app: App,
        name: &'static str,
        label: Words,
        options: Signal<Vec<(String, Words)>>,
        value: RwSignal<String>,
    ) -> AnyView {
        let options = move || {
            let option = |(key, words): (String, Words)| {
                // An option holds no element that could mark a name.
                let translate = words.is_name().then_some("no");
                let (own, said) = (key.clone(), app.spoken(words));
                view! {
                    <option value=key selected=move || value.with(|value| *value == own) translate=translate>{said}</option>
                }
            };
            options.get().into_iter().map(option).collect_view()
        };
        view! {
            <div class="labelled">
                <label class="field-label" for=name>{app.say(label)}</label>
                <span class="select select-wide">
                    <select id=name name=name data-field=name on:change=move |event| value.set(event_target_value(&event))>
                        {options}
                    </select>
                    {icon::fold()}
                </span>
            </div>
        }
        .into_any()
    }
    drawn(app, name, label.into(), Signal::derive(options), value)
}

/// A filter that is on or off, small and in a row with others.
pub fn chip(
    app: App,
    action: &'static str,
    words: impl Into<Words>,
    is_on: impl Fn() -> bool + Send + Sync + 'static,
    act: impl Fn() + 'static,
) -> AnyView {
    fn drawn(app: App, action: &'static str, words: Words, is_on: Signal<bool>, act: Box<dyn Fn()>) -> AnyView {
        view! {
            <button class="chip" type="button" data-action=action aria-pressed=move || is_on.get().to_string()
                on:click=move |_| act()>
                {move || is_on.get().then(icon::check)}<span>{app.say(words)}</span>
            </button>
        }
        .into_any()
    }
    drawn(app, action, words.into(), Signal::derive(is_on), Box::new(act))
}

/// A row of chips, which scrolls sideways within itself when the window is narrow.
pub fn chips(app: App, label: impl Into<Words>, chips: impl IntoView + 'static) -> AnyView {
    let label: Words = label.into();
    view! { <div class="chips" role="group" aria-label=app.spoken(label)>{chips.into_any()}</div> }.into_any()
}
