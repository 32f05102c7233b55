//! The ways to pay: what stands now for each, or how to get it; each leads to a page of its own.

pub(super) mod alias;
pub(super) mod carrier;
pub(super) mod code;
pub(super) mod voucher;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::pay::Method;

use crate::components::group::rows;
use crate::components::icon;
use crate::i18n::Text;
use crate::methods;
use crate::place::{Screen, SettingsPage};
use crate::signal::Memo;
use crate::state::App;

/// The ways in the order they are shown: each with its page, and how to get it where nothing is set up.
const WAYS: [(payment::Method, SettingsPage, Text); 5] = [
    (payment::Method::Card, SettingsPage::Readers, Text::MethodCardNone),
    (payment::Method::Code, SettingsPage::WayCode, Text::WaysCode),
    (payment::Method::Alias, SettingsPage::WayAlias, Text::WaysAlias),
    (payment::Method::Voucher, SettingsPage::WayVoucher, Text::WaysVoucher),
    (payment::Method::Carrier, SettingsPage::WayCarrier, Text::WaysCarrier),
];

/// The page.
pub fn page(app: App) -> AnyView {
    // A reader may have come, or a keyset with more ways in it.
    spawn_local(async move {
        app.read_readers().await;
        app.read_methods().await;
    });
    let lines = WAYS.map(|(kind, page, how)| line(app, kind, page, how));
    view! { <p class="quiet">{app.t(Text::WaysLead)}</p>{rows(lines.into_iter().collect_view())} }.into_any()
}

fn line(app: App, kind: payment::Method, page: SettingsPage, how: Text) -> AnyView {
    let set_up = Memo::new(move |_| {
        app.methods
            .with(|all| all.iter().map(|view| &view.method).find(|it| it.kind() == kind && is_set_up(it)).cloned())
    });
    let now = move || match set_up.get() {
        Some(method) => methods::detail(app, &method),
        None => view! { <span>{app.t(how)}</span> }.into_any(),
    };
    view! {
        <li>
            <button class="row" type="button" data-action=page.id() data-way=kind.as_str()
                data-set-up=move || set_up.with(Option::is_some).to_string()
                on:click=move |_| app.go(Screen::SettingsPage(page))>
                {methods::shape(kind)}
                <span class="row-main">
                    <span class="row-title">{app.t(methods::name(kind))}</span>
                    <span class="quiet small">{now}</span>
                </span>
                {icon::chevron()}
            </button>
        </li>
    }
    .into_any()
}

/// Whether anything of it is kept here. Readers come and go by themselves.
const fn is_set_up(method: &Method) -> bool {
    match method {
        Method::Alias { kept } => kept.is_some(),
        Method::Card { .. } => true,
        Method::Code { identity_code } => identity_code.is_some(),
        // Of a voucher nothing is kept.
        Method::Voucher { .. } => false,
        Method::Carrier { bill } => bill.is_some(),
    }
}
