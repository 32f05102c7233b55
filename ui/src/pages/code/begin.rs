//! Who pays: identity code and payment password.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use payment::IdentityCode;
use protocol::ipc::means::{CodeBegin, TypedSecret};
use protocol::ipc::pay::Method;

use super::Entry;
use crate::browser;
use crate::components::button::Button;
use crate::components::choice::checkbox;
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::methods::code::grouped;
use crate::signal::RwSignal;
use crate::state::App;

/// The longest text of an identity code, with something between its digits.
const IDENTITY_CHARS_MAX: u16 = 24;
/// The longest payment password, in characters.
const PASSWORD_CHARS_MAX: u16 = 64;

/// What is being typed.
#[derive(Clone, Copy)]
struct Typing {
    entry: Entry,
    identity: RwSignal<String>,
    password: RwSignal<String>,
    is_remembered: RwSignal<bool>,
    identity_problem: RwSignal<Option<Text>>,
    password_problem: RwSignal<Option<Text>>,
}

/// The identity code that is remembered on this device.
fn known_identity(app: App) -> Option<String> {
    app.methods.with_untracked(|all| {
        all.iter().find_map(|view| match &view.method {
            Method::Code { identity_code } => identity_code.clone(),
            Method::Alias { .. } | Method::Card { .. } | Method::Carrier { .. } | Method::Voucher { .. } => None,
        })
    })
}

impl Typing {
    fn go_on(self) {
        let identity = self.identity.with_untracked(|text| text.trim().parse::<IdentityCode>());
        self.identity_problem.set(identity.is_err().then_some(Text::CodeIdentitySlip));
        let Ok(identity) = identity else { return browser::focus("#code-identity") };
        let is_missing = self.password.with_untracked(String::is_empty);
        self.password_problem.set(is_missing.then_some(Text::CodePasswordMissing));
        if is_missing {
            return browser::focus("#code-password");
        }
        let entry = self.entry;
        let identity_code = identity.as_str().to_owned();
        let kept = self.is_remembered.get_untracked().then(|| identity_code.clone());
        // The field is empty from here on; what it held waits in the wallet.
        let password = TypedSecret::new(self.password.try_update(std::mem::take).unwrap_or_default());
        entry.app.while_busy(async move {
            let begun = invoke(CodeBegin { request_id: entry.request_id, identity_code, password }).await;
            let view = match begun {
                Ok(view) => view,
                Err(problem) => return entry.app.problem.set(Some(problem)),
            };
            entry.app.choose_method(Method::Code { identity_code: kept });
            match view.terminals.as_slice() {
                // There is nothing to choose.
                [only] => {
                    entry.send(only.place).await;
                }
                _ => {
                    entry.view.try_set(Some(view));
                }
            }
        });
    }
}

/// The form.
pub(super) fn form(entry: Entry) -> AnyView {
    let app = entry.app;
    let known = known_identity(app);
    let typing = Typing {
        entry,
        is_remembered: RwSignal::new(known.is_some()),
        identity: RwSignal::new(known.as_deref().map(grouped).unwrap_or_default()),
        password: RwSignal::new(String::new()),
        identity_problem: RwSignal::new(None),
        password_problem: RwSignal::new(None),
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        typing.go_on();
    };
    let identity = Field::new("code-identity", FieldKind::Digits, Text::CodeIdentity)
        .hint(Text::CodeIdentityHint)
        .chars_max(IDENTITY_CHARS_MAX)
        .problem(move || typing.identity_problem.get());
    let password = Field::new("code-password", FieldKind::Secret, Text::CodePassword)
        .hint(Text::CodePasswordHint)
        .chars_max(PASSWORD_CHARS_MAX)
        .problem(move || typing.password_problem.get());
    let remember = checkbox(
        app,
        "code.remember",
        Text::CodeRemember,
        Some(Words::Text(Text::CodeRememberHint)),
        move || typing.is_remembered.get(),
        move |is_on| typing.is_remembered.set(is_on),
    );
    let stage = move || app.busy.get().then(|| app.t(Text::CodeLooking)());
    view! {
        <h1 tabindex="-1">{app.t(Text::CodeTitle)}</h1>
        <p class="quiet">{app.t(Text::CodeBody)}</p>
        {form_of("means-form", view! {
            {identity.view(app, typing.identity)}
            {password.view(app, typing.password)}
            {remember}
            {Button::main("go-on", Text::CodeGoOn).off_while(move || app.busy.get() || !app.online.get()).submit(app)}
        }, submit)}
        <p class="quiet small" role="status">{stage}</p>
    }
    .into_any()
}
