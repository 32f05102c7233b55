//! Forms: fields, and what sending them does.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// A form with what it holds. `submit` keeps the page from being left, as a form would have it.
///
/// Of one type, whatever is done: each form written out would be compiled again.
pub fn form_of(class: &'static str, held: impl IntoView + 'static, submit: impl Fn(SubmitEvent) + 'static) -> AnyView {
    fn drawn(class: &'static str, held: AnyView, submit: Box<dyn Fn(SubmitEvent)>) -> AnyView {
        view! { <form class=class on:submit=submit novalidate>{held}</form> }.into_any()
    }
    drawn(class, held.into_any(), Box::new(submit))
}
