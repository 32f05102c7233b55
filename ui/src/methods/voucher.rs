//! Paying with a prepaid voucher.

use leptos::prelude::*;

use crate::components::icon;
use crate::i18n::Text;
use crate::state::App;

/// Its picture.
pub fn shape() -> AnyView {
    icon::voucher().into_any()
}

/// What it takes.
pub fn detail(app: App) -> AnyView {
    view! { <span>{app.t(Text::MethodVoucherDetail)}</span> }.into_any()
}

/// What it is: nothing is set for it.
pub fn choices(app: App) -> AnyView {
    view! { <p class="quiet small">{app.t(Text::MethodVoucherHelp)}</p> }.into_any()
}
