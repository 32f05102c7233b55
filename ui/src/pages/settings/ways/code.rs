//! Paying by code: what is remembered of it, where codes go, and what only the bank does.

use leptos::prelude::*;
use protocol::ipc::means::{CodeForget, CodeTerminals};
use protocol::ipc::pay::Method;
use protocol::wallet_api::{CodeTerminalKind, CodeTerminalView};

use crate::components::button::{Button, actions_row};
use crate::components::group::{Row, group};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::pages::code::kind_text;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// How many digits of an identity code are shown.
const SHOWN_DIGITS: usize = 4;

/// The page.
pub fn page(app: App) -> AnyView {
    let known = Memo::new(move |_| {
        app.methods.with(|all| {
            all.iter().find_map(|view| match &view.method {
                Method::Code { identity_code } => identity_code.clone(),
                Method::Alias { .. } | Method::Card { .. } | Method::Carrier { .. } | Method::Voucher { .. } => None,
            })
        })
    });
    let terminals = RwSignal::new(None::<Vec<CodeTerminalView>>);
    let forget = move || {
        app.while_busy(async move {
            if let Some(methods) = app.ask(CodeForget {}).await {
                app.take_methods(methods);
                app.toasts.say(Text::CodePageForgotten);
            }
        });
    };
    let look_up = move || {
        app.while_busy(async move {
            if let Some(listed) = app.ask(CodeTerminals {}).await {
                terminals.try_set(Some(listed));
            }
        });
    };
    let remembered = move || match known.get() {
        None => view! { <p class="quiet group-line">{app.t(Text::CodePageNone)}</p> }.into_any(),
        Some(code) => {
            let masked = format!("••{}", &code[code.len().saturating_sub(SHOWN_DIGITS)..]);
            let is_busy = move || app.busy.get();
            let buttons = view! {
                {Button::plain("look-up-terminals", Text::CodePageLookUp).off_while(is_busy).on(app, look_up)}
                {Button::text("forget-identity", Text::MethodCodeForget).off_while(is_busy).on(app, forget)}
            };
            view! {
                <p data-part="identity-known"><bdi>{app.fill(Text::MethodCodeKnown, "code", masked)}</bdi></p>
                {move || terminals.get().map(|listed| terminal_list(app, listed))}
                {actions_row(buttons)}
            }
            .into_any()
        }
    };
    view! {
        <p class="quiet">{app.t(Text::MethodCodeHelp)}</p>
        {group(app, "identity", Text::CodeIdentity, remembered)}
        {group(app, "at-the-bank", Text::WayAtBank, view! {
            <p>{app.t(Text::CodePageBound)}</p>
            <p class="quiet small">{app.t(Text::CodePageChange)}</p>
        })}
    }
    .into_any()
}

/// Where codes go, shown in part as the bank gives it.
fn terminal_list(app: App, listed: Vec<CodeTerminalView>) -> AnyView {
    let row = |terminal: CodeTerminalView| {
        let kind = kind_text(terminal.kind);
        let name = match terminal.kind {
            CodeTerminalKind::Device => Words::Text(Text::CodeDevice),
            CodeTerminalKind::Sms | CodeTerminalKind::Mail => Words::Name(terminal.masked),
        };
        Row::new(name).note(kind).view(app)
    };
    let rows = listed.into_iter().map(row).collect_view();
    view! { <ul class="rows" role="list" data-part="terminals">{rows}</ul> }.into_any()
}
