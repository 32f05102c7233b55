//! Paying by code, step by step: who pays, where the code goes, the code. What was typed waits in the wallet, not here.

mod begin;
mod choose;
mod typed;

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::Problem;
use protocol::ipc::means::{CodeEntry, CodeEntryView, CodeSend, CodeStep, CodeStop};
use protocol::wallet_api::{CodeTerminalKind, CodeTerminalView};

use crate::browser;
use crate::components::pay_head::pay_head;
use crate::i18n::{Lang, Text};
use crate::ipc::invoke;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// A payment by code as this screen knows it.
#[derive(Clone, Copy)]
struct Entry {
    app: App,
    request_id: RequestId,
    /// What was begun; none before that.
    view: RwSignal<Option<CodeEntryView>>,
    /// Whether the wallet said what was begun.
    is_read: RwSignal<bool>,
    /// Which account pays; zero for the usual one.
    account: RwSignal<String>,
    /// An address that is not registered.
    address: RwSignal<String>,
}

/// Which form is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Reading,
    Begin,
    Choose,
    Confirm,
    Type,
}

impl Entry {
    fn form(self) -> Form {
        if !self.is_read.get() {
            return Form::Reading;
        }
        self.view.with(|view| match view.as_ref().map(|view| &view.step) {
            None => Form::Begin,
            Some(CodeStep::Choose) => Form::Choose,
            Some(CodeStep::Confirm { .. }) => Form::Confirm,
            Some(CodeStep::Sent { .. }) => Form::Type,
        })
    }

    /// Looks whether something was begun: a code that was mistyped is typed again.
    fn read(self) {
        spawn_local(async move {
            // Without an answer it is begun anew.
            let known = invoke(CodeEntry { request_id: self.request_id }).await.unwrap_or_default();
            self.view.try_set(known);
            self.is_read.try_set(true);
        });
    }

    /// Has a code sent to a registered terminal, or to the address once that terminal has confirmed it. Whether it was.
    async fn send(self, terminal: u8) -> bool {
        let account = self.account.with_untracked(|text| text.parse().unwrap_or(0));
        let address = self.address.with_untracked(|text| text.trim().to_owned());
        let address = (!address.is_empty()).then_some(address);
        match invoke(CodeSend { terminal, account, address }).await {
            Ok(view) => {
                self.view.try_set(Some(view));
                true
            }
            Err(problem) => {
                self.fail(problem);
                false
            }
        }
    }

    /// Shows a problem; what the wallet forgot over it is begun anew.
    fn fail(self, problem: Problem) {
        self.app.problem.set(Some(problem));
        self.read();
    }

    /// Begins anew: what was typed is wiped.
    fn begin_anew(self) {
        self.app.while_busy(async move {
            // What could not be forgotten now is, when its time is over.
            drop(invoke(CodeStop {}).await);
            self.view.try_set(None);
        });
    }
}

/// A terminal as its owner knows it.
fn terminal_name(terminal: &CodeTerminalView, lang: Lang) -> String {
    match terminal.kind {
        CodeTerminalKind::Sms | CodeTerminalKind::Mail => terminal.masked.clone(),
        CodeTerminalKind::Device => Text::CodeDevice.in_language(lang).to_owned(),
    }
}

/// What kind of terminal it is.
pub const fn kind_text(kind: CodeTerminalKind) -> Text {
    match kind {
        CodeTerminalKind::Sms => Text::CodeKindSms,
        CodeTerminalKind::Mail => Text::CodeKindMail,
        CodeTerminalKind::Device => Text::CodeKindDevice,
    }
}

/// The screen.
pub fn page(app: App, request_id: RequestId) -> impl IntoView {
    let entry = Entry {
        app,
        request_id,
        view: RwSignal::new(None),
        is_read: RwSignal::new(false),
        account: RwSignal::new("0".to_owned()),
        address: RwSignal::new(String::new()),
    };
    entry.read();
    let form = Memo::new(move |_| entry.form());
    // Each form is a page of its own to whoever hears it.
    Effect::new(move |before: Option<Form>| {
        let form = form.get();
        if before.is_some_and(|before| before != form) {
            request_animation_frame(|| browser::focus("main h1"));
        }
        form
    });
    let shown = move || match form.get() {
        Form::Reading => view! { <h1 class="unseen" tabindex="-1">{app.t(Text::CodeTitle)}</h1> }.into_any(),
        Form::Begin => begin::form(entry),
        Form::Choose => choose::form(entry),
        Form::Confirm => typed::confirm_form(entry),
        Form::Type => typed::pay_form(entry),
    };
    view! {
        {pay_head(app, request_id)}
        <div class="means">{shown}</div>
    }
}
