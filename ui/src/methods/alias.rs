//! Paying by a name that stands for cards which a vault keeps.

use leptos::prelude::*;
use protocol::ipc::pay::{AliasCard, KeptAlias, Method};

use crate::components::button::Button;
use crate::components::icon;
use crate::i18n::Text;
use crate::place::{Screen, SettingsPage};
use crate::state::App;

/// Its picture.
pub fn shape() -> AnyView {
    icon::person()
}

/// Whose, if that is remembered; else what it takes.
pub fn detail(app: App, kept: Option<&KeptAlias>) -> AnyView {
    match kept {
        Some(kept) => view! { <bdi>{kept.name.clone()}</bdi> }.into_any(),
        None => view! { <span>{app.t(Text::MethodAliasDetail)}</span> }.into_any(),
    }
}

/// What it is, and what is remembered for it.
pub fn choices(app: App, kept: Option<&KeptAlias>) -> AnyView {
    let known = kept.map(|kept| {
        let forget = move || app.choose_method(Method::Alias { kept: None });
        view! {
            <p class="small" data-part="alias-known">{app.fill(Text::MethodAliasKnown, "name", kept.name.clone())}</p>
            {Button::text("forget-alias", Text::AliasForget).on(app, forget)}
        }
    });
    let settings = move || app.go(Screen::SettingsPage(SettingsPage::WayAlias));
    view! {
        <p class="quiet small">{app.t(Text::MethodAliasHelp)}</p>
        {known}
        {Button::text("settings.alias", Text::MethodAliasSettings).on(app, settings)}
    }
    .into_any()
}

/// What is remembered of an alias on this device.
pub fn kept(app: App) -> Option<KeptAlias> {
    app.methods.with(|all| {
        all.iter().find_map(|view| match &view.method {
            Method::Alias { kept } => kept.clone(),
            Method::Card { .. } | Method::Carrier { .. } | Method::Code { .. } | Method::Voucher { .. } => None,
        })
    })
}

/// A card as its owner knows it.
pub fn card_name(card: &AliasCard) -> String {
    format!("{} •• {}", card.label, card.last_four).trim_start().to_owned()
}
