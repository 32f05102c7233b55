//! Paying by a code that the bank sends by another way than this window.

use leptos::prelude::*;
use payment::IdentityCode;
use protocol::ipc::pay::Method;

use crate::components::button::Button;
use crate::components::icon;
use crate::i18n::Text;
use crate::state::App;

/// Its picture.
pub fn shape() -> AnyView {
    icon::message().into_any()
}

/// Who pays, if that is remembered; else what it takes.
pub fn detail(app: App, identity_code: Option<&str>) -> AnyView {
    match identity_code {
        Some(code) => view! { <bdi>{app.fill(Text::MethodCodeDetailKnown, "code", grouped(code))}</bdi> }.into_any(),
        None => view! { <span>{app.t(Text::MethodCodeDetail)}</span> }.into_any(),
    }
}

/// What it is, and what is remembered for it.
pub fn choices(app: App, identity_code: Option<String>) -> AnyView {
    let known = identity_code.map(|code| {
        let forget = move || app.choose_method(Method::Code { identity_code: None });
        view! {
            <p class="small" data-part="identity-known">{app.fill(Text::MethodCodeKnown, "code", grouped(&code))}</p>
            {Button::text("forget-identity", Text::MethodCodeForget).on(app, forget)}
        }
    });
    view! { <p class="quiet small">{app.t(Text::MethodCodeHelp)}</p>{known} }.into_any()
}

/// An identity code as people read it.
pub fn grouped(code: &str) -> String {
    code.parse().map_or_else(|_| code.to_owned(), |code: IdentityCode| code.grouped())
}
