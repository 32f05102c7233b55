//! Cards of things that belong together: choices, facts, and rows that lead on.

use leptos::prelude::*;

use crate::components::icon;
use crate::components::words::Words;
use crate::state::App;

/// A card with a heading. `id` is stable and the only one of its kind on the screen.
pub fn group(app: App, id: &'static str, title: impl Into<Words>, body: impl IntoView + 'static) -> AnyView {
    fn drawn(app: App, id: &'static str, title: Words, body: AnyView) -> AnyView {
        let title_id = format!("{id}-title");
        let labelled_by = title_id.clone();
        view! {
            <section class="group" data-part=id aria-labelledby=labelled_by>
                <h2 id=title_id>{app.say(title)}</h2>
                {body}
            </section>
        }
        .into_any()
    }
    drawn(app, id, title.into(), body.into_any())
}

/// Facts, a name and a value each; made of [`fact`] and [`wide_fact`].
pub fn facts(facts: impl IntoView + 'static) -> AnyView {
    view! { <dl class="facts">{facts.into_any()}</dl> }.into_any()
}

/// A fact whose value stands across from its name.
pub fn fact(app: App, name: impl Into<Words>, value: impl IntoView + 'static) -> AnyView {
    fact_as(app, "fact", name.into(), value.into_any())
}

/// A fact whose value has a line of its own.
pub fn wide_fact(app: App, name: impl Into<Words>, value: impl IntoView + 'static) -> AnyView {
    fact_as(app, "fact fact-wide", name.into(), value.into_any())
}

fn fact_as(app: App, class: &'static str, name: Words, value: AnyView) -> AnyView {
    view! { <div class=class><dt>{app.say(name)}</dt><dd>{value}</dd></div> }.into_any()
}

/// A fingerprint or another code that is compared letter by letter.
pub fn fingerprint(code: impl Fn() -> String + Send + Sync + 'static) -> AnyView {
    view! { <code class="fingerprint" dir="ltr">{code}</code> }.into_any()
}

/// A row that is being put together; [`Row::leads`] or [`Row::view`] makes it.
pub struct Row {
    title: Words,
    note: Option<Words>,
    value: Option<AnyView>,
    shape: Option<AnyView>,
}

impl Row {
    /// A row with its words.
    pub fn new(title: impl Into<Words>) -> Self {
        Self { title: title.into(), note: None, value: None, shape: None }
    }

    /// With a quieter line below.
    pub fn note(self, note: impl Into<Words>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// With something at its end: a value, a badge, a button.
    pub fn value(self, value: impl IntoView + 'static) -> Self {
        Self { value: Some(value.into_any()), ..self }
    }

    /// With an icon before it.
    pub fn icon(self, shape: impl IntoView + 'static) -> Self {
        Self { shape: Some(shape.into_any()), ..self }
    }

    /// The row as a button that leads to another screen.
    pub fn leads(self, app: App, action: &'static str, act: impl FnMut() + 'static) -> AnyView {
        fn drawn(app: App, row: Row, action: &'static str, mut act: Box<dyn FnMut()>) -> AnyView {
            view! {
                <li><button class="row" type="button" data-action=action on:click=move |_| act()>
                    {row.parts(app)}{icon::chevron()}
                </button></li>
            }
            .into_any()
        }
        drawn(app, self, action, Box::new(act))
    }

    /// The row as it stands, with nothing to press but what it holds.
    pub fn view(self, app: App) -> AnyView {
        view! { <li class="row">{self.parts(app)}</li> }.into_any()
    }

    fn parts(self, app: App) -> AnyView {
        let Self { title, note, value, shape } = self;
        view! {
            {shape}
            <span class="row-main">
                <span class="row-title">{app.say(title)}</span>
                {note.map(|note| view! { <span class="quiet small">{app.say(note)}</span> })}
            </span>
            {value.map(|value| view! { <span class="row-value">{value}</span> })}
        }
        .into_any()
    }
}

/// Rows in a card.
pub fn rows(rows: impl IntoView + 'static) -> AnyView {
    view! { <ul class="rows rows-boxed" role="list">{rows.into_any()}</ul> }.into_any()
}

/// Something folded up behind its words.
pub fn disclosure(app: App, action: &'static str, title: impl Into<Words>, body: impl IntoView + 'static) -> AnyView {
    let title: Words = title.into();
    view! {
        <details class="disclosure">
            <summary data-action=action><span>{app.say(title)}</span>{icon::chevron()}</summary>
            {body.into_any()}
        </details>
    }
    .into_any()
}
