//! Where the code goes: one of the registered terminals, and what is set beside it.

use leptos::prelude::*;
use protocol::wallet_api::CodeTerminalView;

use super::{Entry, kind_text, terminal_name};
use crate::components::choice::select_field;
use crate::components::field::{Field, FieldKind};
use crate::components::icon;
use crate::components::words::Words;
use crate::i18n::Text;

/// Accounts that can be named. Which ones there are, only the bank knows.
const ACCOUNTS_MAX: u8 = 8;
/// The longest address, in characters.
const ADDRESS_CHARS_MAX: u16 = 254;

/// The form.
pub(super) fn form(entry: Entry) -> AnyView {
    let app = entry.app;
    let terminals =
        move || entry.view.with(|view| view.as_ref().map(|view| view.terminals.clone()).unwrap_or_default());
    let rows = move || terminals().into_iter().map(|terminal| row(entry, terminal)).collect_view();
    let accounts = || {
        let other =
            |number: u8| (number.to_string(), Words::Filled(Text::CodeAccountOther, "number", number.to_string()));
        std::iter::once(("0".to_owned(), Text::CodeAccountUsual.into())).chain((1..=ACCOUNTS_MAX).map(other)).collect()
    };
    let address = Field::new("code-address", FieldKind::Email, Text::CodeAddress)
        .hint(Text::CodeAddressHint)
        .chars_max(ADDRESS_CHARS_MAX);
    let stage = move || app.busy.get().then(|| app.t(Text::CodeSending)());
    view! {
        <h1 tabindex="-1" id="choose-terminal">{app.t(Text::CodeChooseTitle)}</h1>
        <p class="quiet" id="choose-terminal-body">{app.t(Text::CodeChooseBody)}</p>
        <ul class="rows rows-boxed" role="list" aria-labelledby="choose-terminal" aria-describedby="choose-terminal-body">
            {rows}
        </ul>
        <p class="quiet small" role="status">{stage}</p>
        <details class="disclosure">
            <summary data-action="further"><span>{app.t(Text::CodeFurther)}</span>{icon::chevron()}</summary>
            <div class="means-form">
                {select_field(app, "code-account", Text::CodeAccount, accounts, entry.account)}
                {address.view(app, entry.address)}
            </div>
        </details>
    }
    .into_any()
}

fn row(entry: Entry, terminal: CodeTerminalView) -> impl IntoView {
    let app = entry.app;
    let (place, kind) = (terminal.place, terminal.kind);
    let name = move || terminal_name(&terminal, app.lang.get());
    let choose = move || {
        app.while_busy(async move {
            entry.send(place).await;
        });
    };
    view! {
        <li>
            <button class="row" type="button" data-action="choose-terminal" data-terminal=place.to_string()
                disabled=move || app.busy.get() on:click=move |_| choose()>
                {icon::message()}
                <span class="row-main">
                    <bdi class="row-title">{name}</bdi>
                    <span class="quiet small">{app.t(kind_text(kind))}</span>
                </span>
                {icon::chevron()}
            </button>
        </li>
    }
}
