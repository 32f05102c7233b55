//! How far something is. Never a spinner alone: every part here says in words what is being done.

use leptos::prelude::*;

use crate::components::pips;
use crate::components::words::Words;
use crate::signal::Memo;
use crate::state::App;

/// A stage in words, with squares for how many are done.
pub fn stage(app: App, words: impl Into<Words>, done: impl Fn() -> (u8, u8) + Send + Sync + 'static) -> AnyView {
    let words: Words = words.into();
    view! { <div class="stage" role="status">{pips(done)}<span>{app.say(words)}</span></div> }.into_any()
}

/// A share of something that is under way, of 100; none while nobody can say.
pub fn progress_bar(
    app: App,
    words: impl Into<Words>,
    percent: impl Fn() -> Option<u8> + Send + Sync + 'static,
) -> AnyView {
    let name = app.spoken(words.into());
    view! {
        <label class="progress"><span>{move || name.get()}</span>
            <progress max="100" value=move || percent().map(|percent| percent.to_string())></progress>
        </label>
    }
    .into_any()
}

/// Steps that follow one another, the present one marked; `now` counts from 0.
pub fn steps(
    app: App,
    label: impl Into<Words>,
    steps: Vec<Words>,
    now: impl Fn() -> usize + Send + Sync + Copy + 'static,
) -> AnyView {
    let label: Words = label.into();
    let step = |(index, words): (usize, Words)| {
        let state = move || match index.cmp(&now()) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "later",
        };
        view! {
            <li data-step=state aria-current=move || (now() == index).then_some("step")>{app.say(words)}</li>
        }
        .into_any()
    };
    let steps: Vec<AnyView> = steps.into_iter().enumerate().map(step).collect();
    view! { <ol class="steps steps-live" aria-label=app.spoken(label)>{steps}</ol> }.into_any()
}

/// Where in a short series the person is, as dots: three pictures, say. The words say the same.
pub fn page_dots(
    app: App,
    words: impl Into<Words>,
    here: impl Fn() -> usize + Send + Sync + 'static,
    count: usize,
) -> AnyView {
    let here = Memo::new(move |_| here());
    let dots: Vec<AnyView> = (0..count)
        .map(|index| view! { <i class="page-dot" class:page-dot-here=move || here.get() == index></i> }.into_any())
        .collect();
    view! { <p class="page-dots"><span class="unseen">{app.say(words.into())}</span><span aria-hidden="true">{dots}</span></p> }
        .into_any()
}
