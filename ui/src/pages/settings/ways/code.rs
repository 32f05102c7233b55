//! Paying by code: what it is.

use leptos::prelude::*;

use crate::i18n::Text;
use crate::state::App;

/// The page.
pub fn page(app: App) -> AnyView {
    view! { <p class="quiet">{app.t(Text::MethodCodeHelp)}</p> }.into_any()
}
