//! Setting an alias up in three steps (name and password, the card, the second factor), and signing in to one.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::{Amount, Currency};
use protocol::ipc::alias::{
    AliasBegin, AliasDeskView, AliasEnrol, AliasFactor, AliasReadCard, AliasSignIn, FactorView,
};
use protocol::ipc::{Command, ReaderTestStage};

use super::{Page, Wish, reading};
use crate::browser;
use crate::components::button::{Button, ButtonKind, actions_row, copy_button};
use crate::components::choice::{checkbox, select_field};
use crate::components::field::{Field, FieldKind};
use crate::components::group::group;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::merchant::money_text::amount_of;
use crate::methods::alias::kept;
use crate::pages::alias::typed::{Code, Typed};
use crate::pages::reader_test::{at_reader, problem};
use crate::signal::{Memo, RwSignal};
use crate::stage::ReadStep;
use crate::state::App;

/// The longest label, in characters.
const LABEL_CHARS_MAX: u16 = 64;
/// The longest amount, in characters.
const LIMIT_CHARS_MAX: u16 = 16;
/// The currencies offered for a limit.
const CURRENCIES: [&str; 6] = ["USD", "EUR", "CNY", "GBP", "JPY", "KWD"];

fn typed(page: Page) -> Typed {
    let typed = Typed::new(page.app, untrack(|| kept(page.app)).as_ref());
    typed
        .take_vaults(page.state.with_untracked(|state| state.as_ref().map(|it| it.vaults.clone()).unwrap_or_default()));
    typed
}

/// Asks the wallet, and shows what is begun then.
fn begin(page: Page, command: impl Command<Answer = AliasDeskView> + 'static, then: impl FnOnce() + 'static) {
    page.app.while_busy(async move {
        if let Some(desk) = page.app.ask(command).await {
            page.take_desk(Some(desk));
            page.app.read_methods().await;
            then();
        }
    });
}

fn cancel(page: Page) -> AnyView {
    let app = page.app;
    Button::plain("cancel-alias", Text::ActionCancel).off_while(move || app.busy.get()).on(app, move || {
        page.wish.set(Wish::Nothing);
        page.leave();
    })
}

/// A form with its heading; `action` and its words send it.
fn form(
    page: Page,
    (part, title, lead): (&'static str, Text, Text),
    (action, words): (&'static str, Text),
    fields: AnyView,
    send: impl Fn() + 'static,
) -> AnyView {
    let app = page.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        send();
    };
    let button = Button::primary(action, words).off_while(move || app.busy.get() || !app.online.get()).submit(app);
    let body = view! {
        <p class="quiet group-line">{app.t(lead)}</p>
        <form class="group-form" on:submit=submit novalidate>
            {fields}
            {actions_row(view! { {button}{cancel(page)} })}
        </form>
    };
    group(app, part, title, body)
}

/// The first step: the name, and what it is to be entered with.
pub(super) fn name(page: Page) -> AnyView {
    let app = page.app;
    let (typed, again) = (typed(page), RwSignal::new(String::new()));
    let fields = view! {
        {typed.vault_field()}
        {typed.name_field()}
        {typed.password_field(FieldKind::NewSecret, Text::AliasNewPassword, Text::AliasNewPasswordHint)}
        {Field::new("alias-again", FieldKind::NewSecret, Text::AliasAgain).chars_max(64).view(app, again)}
    };
    let send = move || {
        if !typed.has_name() || !typed.has_new_password(again) {
            return;
        }
        again.set(String::new());
        let (vault_id, name) = (typed.vault_id.get_untracked(), typed.trimmed_name());
        begin(page, AliasBegin { vault_id, name, password: typed.take_password() }, || ());
    };
    form(
        page,
        ("alias-name-step", Text::AliasStepName, Text::AliasStepNameLead),
        ("go-on", Text::AliasGoOn),
        fields.into_any(),
        send,
    )
}

/// Signing in to look after an alias.
pub(super) fn sign_in(page: Page) -> AnyView {
    let app = page.app;
    let typed = typed(page);
    let fields = view! {
        {typed.vault_field()}
        {typed.name_field()}
        {typed.password_field(FieldKind::Secret, Text::AliasPassword, Text::AliasPasswordHint)}
        {typed.code.view(app, Text::AliasCode)}
    };
    let send = move || {
        if !typed.has_name() || !typed.has_password() {
            return;
        }
        let Some(code) = typed.code.take() else { return };
        let (vault_id, name) = (typed.vault_id.get_untracked(), typed.trimmed_name());
        begin(page, AliasSignIn { vault_id, name, password: typed.take_password(), code }, || ());
    };
    form(
        page,
        ("alias-sign-in", Text::AliasSignIn, Text::AliasSignInLead),
        ("alias-sign-in", Text::AliasSignIn),
        fields.into_any(),
        send,
    )
}

/// The second step: the card is read.
pub(super) fn card(page: Page) -> AnyView {
    let body = view! {
        <p class="quiet group-line">{page.app.t(Text::AliasStepCardLead)}</p>
        {card_reading(page, cancel(page))}
    };
    group(page.app, "alias-card-step", Text::AliasStepCard, body)
}

/// What the card is called and how much it may pay, and then the reader. Nothing is sent.
pub(super) fn card_reading(page: Page, way_out: AnyView) -> AnyView {
    let app = page.app;
    let (label, limit) = (RwSignal::new(String::new()), Limit::new(None));
    let read = move || {
        let Ok(limit) = limit.typed() else { return };
        let (label, reader) = (label.get_untracked(), app.reader.get_untracked());
        app.while_busy(async move {
            // What it is at is told by `watch`.
            if app.ask(AliasReadCard { label, limit, reader }).await.is_some() {
                app.read_readers().await;
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        read();
    };
    let look = Memo::new(move |_| reading(app));
    // The form is away while a card is waited for: the focus goes along.
    let is_looking = Memo::new(move |_| look.with(Option::is_some));
    Effect::new(move |before: Option<bool>| {
        let is = is_looking.get();
        if before.is_some_and(|before| before != is) {
            let to = if is { "[data-action=\"stop-reading\"]" } else { "[data-action=\"read-card\"]" };
            request_animation_frame(move || browser::focus(to));
        }
        is
    });
    let at_card = move || look.get().map(|look| view_of_look(page, &look, read));
    view! {
        <div hidden=move || is_looking.get()>
        <form class="group-form" on:submit=submit novalidate>
            {Field::new("alias-label", FieldKind::Text, Text::AliasLabel).hint(Text::AliasLabelHint)
                .chars_max(LABEL_CHARS_MAX).view(app, label)}
            {limit.view(app)}
            {actions_row(view! {
                {Button::primary("read-card", Text::AliasReadCard).off_while(move || app.busy.get()).submit(app)}
                {way_out}
            })}
        </form>
        </div>
        {at_card}
    }
    .into_any()
}

/// How far the reading is, in the pictures a payment has.
fn view_of_look(page: Page, look: &protocol::ipc::ReaderTestView, again: impl Fn() + Copy + 'static) -> AnyView {
    let app = page.app;
    let stop = Button::plain("stop-reading", Text::ActionCancel).on(app, move || app.end_reader_test());
    let (shown, again) = match look.progress {
        ReaderTestStage::WaitingForCard { notice } => {
            let stage = view! { <span>{app.t(Text::CardWaiting)}</span> }.into_any();
            let trouble = notice.map(|code| problem(app, code));
            (view! { {at_reader(app, look, None, stage)}{trouble} }.into_any(), None)
        }
        ReaderTestStage::Reading { step, steps, phase } => {
            let (step, came) = (ReadStep { step, steps, phase }, look.gesture);
            let stage = view! { <span>{move || step.named(came, app.lang.get())}</span> }.into_any();
            (at_reader(app, look, Some(step), stage).into_any(), None)
        }
        ReaderTestStage::Read { .. } => (view! { <p class="stage">{app.t(Text::AliasCardRead)}</p> }.into_any(), None),
        ReaderTestStage::Failed { code } => {
            let again = Button::primary("read-again", Text::TestAgain).off_while(move || app.busy.get()).on(app, again);
            (problem(app, code).into_any(), Some(again))
        }
    };
    view! {
        <div class="centre checkout reader-test" data-part="reading">
            {shown}
            <div class="actions">{again}{stop}</div>
        </div>
    }
    .into_any()
}

/// The most that a payment may take, as it is being typed.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    text: RwSignal<String>,
    currency: RwSignal<String>,
    is_wrong: RwSignal<bool>,
}

impl Limit {
    /// The one that is set.
    pub(super) fn new(limit: Option<Amount>) -> Self {
        let currency = limit.map_or(CURRENCIES[0], |limit| limit.currency().code()).to_owned();
        Self {
            text: RwSignal::new(limit.map(Amount::to_decimal).unwrap_or_default()),
            currency: RwSignal::new(currency),
            is_wrong: RwSignal::new(false),
        }
    }

    pub(super) fn view(self, app: App) -> AnyView {
        let own = self.currency.get_untracked();
        let currencies = move || {
            // A limit in a currency that is not offered keeps it.
            let other = Some(own.as_str()).filter(|own| !CURRENCIES.contains(own));
            CURRENCIES.into_iter().chain(other).map(|code| (code.to_owned(), Words::Name(code.to_owned()))).collect()
        };
        view! {
            {Field::new("alias-limit", FieldKind::Decimal, Text::AliasLimit).hint(Text::AliasLimitHint)
                .chars_max(LIMIT_CHARS_MAX).problem(move || self.is_wrong.get().then_some(Text::NumbersMaxBad))
                .view(app, self.text)}
            {select_field(app, "alias-currency", Text::NumbersCurrency, currencies, self.currency)}
        }
        .into_any()
    }

    /// The limit, which may be that there is none; an error, and the focus there, when it is no amount.
    pub(super) fn typed(self) -> Result<Option<Amount>, ()> {
        let text = self.text.with_untracked(|text| text.trim().to_owned());
        let currency: Option<Currency> = self.currency.with_untracked(|code| code.parse().ok());
        let limit = currency.and_then(|currency| amount_of(&text, currency));
        let is_wrong = limit.is_none() && !text.is_empty();
        self.is_wrong.set(is_wrong);
        if is_wrong {
            browser::focus("#alias-limit");
        }
        if is_wrong { Err(()) } else { Ok(limit) }
    }
}

/// The last step: the authenticator is set up, proved by a first code, and only then the card goes to the vault.
pub(super) fn factor(page: Page) -> AnyView {
    let app = page.app;
    let code = Code::new("alias-first-code");
    let is_remembered = RwSignal::new(true);
    let send = move || {
        let Some(code) = code.take() else { return };
        let shall_remember = is_remembered.get_untracked();
        begin(page, AliasEnrol { code }, move || {
            app.toasts.say(Text::AliasDone);
            if shall_remember {
                // The command before it has ended only after this.
                spawn_local(async move {
                    if app.ask(protocol::ipc::alias::AliasRemember { is_remembered: true }).await.is_some() {
                        app.read_methods().await;
                    }
                });
            }
        });
    };
    let remember = checkbox(
        app,
        "alias.remember",
        Text::AliasRemember,
        Some(Words::Text(Text::AliasRememberHint)),
        move || is_remembered.get(),
        move |is| is_remembered.set(is),
    );
    let digits = page.desk.with_untracked(|desk| desk.as_ref().and_then(|desk| desk.card.clone()));
    let fields = view! {
        <p class="group-line" data-part="card-read">
            {app.fill(Text::AliasCardReadDigits, "digits", digits.unwrap_or_default())}
        </p>
        {authenticator(page)}
        {code.view(app, Text::AliasFirstCode)}
        {remember}
        <p class="quiet small">{app.t(Text::AliasLostShort)}</p>
    };
    form(
        page,
        ("alias-factor-step", Text::AliasStepFactor, Text::AliasStepFactorLead),
        ("alias-enrol", Text::AliasEnrol),
        fields.into_any(),
        send,
    )
}

/// What sets an authenticator up: a picture to scan, and the secret to type. Both leave the page with it.
pub(super) fn authenticator(page: Page) -> AnyView {
    let app = page.app;
    let factor = RwSignal::new(None::<FactorView>);
    spawn_local(async move {
        if let Some(drawn) = app.ask(AliasFactor {}).await {
            factor.try_set(Some(drawn));
        }
    });
    let shown = move || {
        factor.with(|factor| {
            factor.as_ref().map(|FactorView { qr_svg, secret }| {
                let (copied, secret) = (secret.replace(' ', ""), secret.clone());
                view! {
                    <img class="number-qr" src=browser::svg_url(qr_svg) alt=app.t(Text::AliasFactorQr)/>
                    <p class="quiet small">{app.t(Text::AliasFactorType)}</p>
                    <code class="fingerprint" dir="ltr" data-part="factor-secret">{secret}</code>
                    {copy_button(app, ButtonKind::Text, "copy-factor", Text::AliasFactorCopy, move || copied.clone())}
                }
            })
        })
    };
    view! { <div class="factor">{shown}</div> }.into_any()
}
