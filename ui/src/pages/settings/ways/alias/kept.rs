//! What a vault keeps under a name, for its owner who is signed in: cards, what lets them in, what was done.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use payment::Amount;
use protocol::ipc::alias::{AliasChange, AliasDeed, AliasDeskView, AliasExport, CARDS_MAX};
use protocol::ipc::means::TypedSecret;
use protocol::vault_api::{AliasEventView, KeptCardView};

use super::Page;
use super::set_up::{Limit, authenticator, card_reading};
use crate::components::button::{Button, ButtonKind, actions_row};
use crate::components::choice::switch;
use crate::components::field::{Field, FieldKind};
use crate::components::group::{Row, disclosure, fact, facts, group, rows};
use crate::components::icon;
use crate::components::words::Words;
use crate::format;
use crate::i18n::{Lang, Text};
use crate::ipc::invoke;
use crate::methods::alias::kept;
use crate::pages::alias::typed::{Code, Typed};
use crate::signal::{Memo, RwSignal};

/// What the person is about to change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    AddCard,
    Limit(u8),
    RemoveCard(u8),
    Password,
    Factor,
    RemoveAll,
}

/// What is kept, and what is about to be changed of it.
#[derive(Clone, Copy)]
struct Kept {
    page: Page,
    doing: RwSignal<Doing>,
}

impl Kept {
    fn change(self, deed: AliasDeed, code: TypedSecret, done: Text) {
        let app = self.page.app;
        app.while_busy(async move {
            match invoke(AliasChange { deed, code }).await {
                Ok(desk) => {
                    self.doing.try_set(Doing::Nothing);
                    self.page.take_desk(desk);
                    app.toasts.say(done);
                    app.read_methods().await;
                }
                Err(problem) => {
                    app.problem.set(Some(problem));
                    // Whoever is signed out by now is shown that.
                    self.page.read();
                }
            }
        });
    }

    /// A part of what is told, drawn anew only when it changes.
    fn part<T: PartialEq + Send + Sync + 'static>(self, part: fn(&AliasDeskView) -> Option<T>) -> Memo<Option<T>> {
        let desk = self.page.desk;
        Memo::new(move |_| desk.with(|desk| desk.as_ref().and_then(part)))
    }
}

/// The page of whoever is signed in.
pub(super) fn page(page: Page) -> AnyView {
    let app = page.app;
    let kept = Kept { page, doing: RwSignal::new(Doing::Nothing) };
    view! {
        {head(kept)}
        {cards(kept)}
        {remembering(page)}
        {deed(kept, Doing::Password, "alias-new-password", Text::AliasChangePassword, password_form)}
        {deed(kept, Doing::Factor, "alias-new-factor", Text::AliasChangeFactor, factor_form)}
        {group(app, "alias-export", Text::AliasExport, view! {
            <p class="quiet group-line">{app.t(Text::AliasExportLead)}</p>
            {actions_row(Button::plain("alias-export", Text::AliasExportSave).icon(icon::save())
                .off_while(move || app.busy.get()).on(app, move || app.export(AliasExport { path: None })))}
        })}
        {deed(kept, Doing::RemoveAll, "alias-remove-all", Text::AliasRemoveAll, remove_all_form)}
        {audit(kept)}
    }
    .into_any()
}

fn head(kept: Kept) -> AnyView {
    let app = kept.page.app;
    let name = kept.part(|desk| desk.alias.as_ref().map(|alias| (alias.name.clone(), alias.created_ms)));
    let (vault, until) = (kept.part(|desk| Some(desk.vault.name.clone())), kept.part(|desk| Some(desk.until_ms)));
    let time = move |at_ms: Option<u64>, of: fn(u64, Lang) -> String| {
        at_ms.map(|at_ms| of(at_ms, app.lang.get())).unwrap_or_default()
    };
    let leave = Button::plain("alias-leave", Text::AliasLeave).off_while(move || app.busy.get());
    let body = view! {
        {facts(view! {
            {fact(app, Text::AliasName, view! {
                <bdi data-part="alias-name">{move || name.get().map(|(name, _)| name)}</bdi>
            })}
            {fact(app, Text::AliasVault, view! { <bdi>{move || vault.get()}</bdi> })}
            {fact(app, Text::AliasSince, move || time(name.get().map(|(_, at_ms)| at_ms), format::full_date_time))}
            {fact(app, Text::AliasUntil, move || time(until.get(), format::time_of_day))}
        })}
        <p class="quiet small group-line">{app.t(Text::AliasCodeEach)}</p>
        {actions_row(leave.on(app, move || kept.page.leave()))}
    };
    group(app, "alias-head", Text::AliasSignedIn, body)
}

fn remembering(page: Page) -> AnyView {
    let app = page.app;
    let is_kept = Memo::new(move |_| {
        let name =
            page.desk.with(|desk| desk.as_ref().and_then(|it| it.alias.as_ref().map(|alias| alias.name.clone())));
        kept(app).map(|kept| kept.name) == name
    });
    let toggle = switch(
        app,
        "alias.remember",
        Text::AliasRemember,
        Some(Words::Text(Text::AliasRememberHint)),
        move || is_kept.get(),
        move |is| page.remember(is),
    );
    view! { <section class="group">{toggle}</section> }.into_any()
}

fn cards(kept: Kept) -> AnyView {
    let app = kept.page.app;
    let all = kept.part(|desk| desk.alias.as_ref().map(|alias| alias.cards.clone()));
    let list = move || {
        let cards = all.get().unwrap_or_default();
        let is_full = cards.len() >= usize::from(CARDS_MAX);
        let is_empty = cards.is_empty();
        view! {
            {is_empty.then(|| view! { <p class="quiet group-line">{app.t(Text::AliasNoCards)}</p> })}
            {rows(cards.into_iter().map(|card| card_row(kept, &card)).collect_view())}
            {is_full.then(|| view! { <p class="quiet small group-line">{app.t(Text::AliasFull)}</p> })}
        }
    };
    let has_read = kept.part(|desk| desk.card.clone());
    let adding = move || {
        if kept.doing.get() != Doing::AddCard {
            let begin = Button::plain("add-card", Text::AliasAddCard).icon(icon::plus());
            let is_off =
                move || app.busy.get() || all.with(|all| all.iter().flatten().count() >= usize::from(CARDS_MAX));
            return actions_row(begin.off_while(is_off).on(app, move || kept.doing.set(Doing::AddCard)));
        }
        match has_read.get() {
            None => card_reading(kept.page, way_out(kept)),
            Some(digits) => {
                let before = view! {
                    <p class="group-line" data-part="card-read">{app.fill(Text::AliasCardReadDigits, "digits", digits)}</p>
                };
                code_form(
                    kept,
                    (ButtonKind::Primary, "alias-add-card", Text::AliasAddCardDo),
                    before.into_any(),
                    Text::AliasCardAdded,
                    || Some(AliasDeed::AddCard),
                )
            }
        }
    };
    group(app, "alias-cards", Text::AliasCards, view! { {list}{adding} })
}

fn card_row(kept: Kept, card: &KeptCardView) -> AnyView {
    let app = kept.page.app;
    let place = card.place;
    let title = format!("{} •• {}", card.label, card.last_four).trim_start().to_owned();
    let (year, month) = card.expiry_yymm.split_at_checked(2).unwrap_or_default();
    let (until, limit) = (format!("{month}/{year}"), card.limit);
    let note = Words::made(move |lang| {
        let until = Text::AliasCardUntil.filled(lang, &[("month", &until)]);
        let limit = match limit {
            Some(limit) => Text::AliasCardLimit.filled(lang, &[("amount", &format::amount_text(limit, lang))]),
            None => Text::AliasCardUnlimited.in_language(lang).to_owned(),
        };
        format!("{until} · {limit}")
    });
    let button = move |action: &'static str, text: Text, doing: Doing| {
        Button::text(action, text).off_while(move || app.busy.get()).on(app, move || kept.doing.set(doing))
    };
    let buttons = move || {
        actions_row(view! {
            {button("card-limit", Text::AliasSetLimit, Doing::Limit(place))}
            {button("remove-card", Text::AliasRemoveCard, Doing::RemoveCard(place))}
        })
    };
    let below = move || {
        let doing = kept.doing.get();
        if doing == Doing::RemoveCard(place) {
            remove_card_form(kept, place)
        } else if doing == Doing::Limit(place) {
            limit_form(kept, place, limit)
        } else {
            buttons()
        }
    };
    view! {
        <li class="row row-tall" data-card=place.to_string()>
            {icon::card()}
            <span class="row-main">
                <bdi class="row-title">{title}</bdi>
                <span class="quiet small">{app.say(note)}</span>
                {below}
            </span>
        </li>
    }
    .into_any()
}

fn remove_card_form(kept: Kept, place: u8) -> AnyView {
    let app = kept.page.app;
    let before = view! { <p class="group-line">{app.t(Text::AliasRemoveCardBody)}</p> };
    let button = (ButtonKind::Danger, "confirm-remove-card", Text::AliasRemoveCard);
    let deed = move || Some(AliasDeed::RemoveCard { place });
    code_form(kept, button, before.into_any(), Text::AliasCardRemoved, deed)
}

fn limit_form(kept: Kept, place: u8, limit: Option<Amount>) -> AnyView {
    let limit = Limit::new(limit);
    let button = (ButtonKind::Primary, "alias-set-limit", Text::AliasSetLimit);
    let deed = move || Some(AliasDeed::SetLimit { place, limit: limit.typed().ok()? });
    code_form(kept, button, limit.view(kept.page.app), Text::AliasLimitSet, deed)
}

/// A change that is folded up behind its words.
fn deed(kept: Kept, doing: Doing, action: &'static str, title: Text, form: fn(Kept) -> AnyView) -> AnyView {
    let app = kept.page.app;
    let is_open = Memo::new(move |_| kept.doing.get() == doing);
    view! {
        <section class="group">
            <button class="lock-deed" type="button" data-action=action aria-expanded=move || is_open.get().to_string()
                on:click=move |_| kept.doing.set(if is_open.get_untracked() { Doing::Nothing } else { doing })>
                {app.t(title)}{icon::chevron()}
            </button>
            {move || is_open.get().then(|| form(kept))}
        </section>
    }
    .into_any()
}

fn way_out(kept: Kept) -> AnyView {
    let app = kept.page.app;
    Button::plain("cancel-change", Text::ActionCancel).on(app, move || {
        app.end_reader_test();
        kept.doing.set(Doing::Nothing);
    })
}

/// A change with its code. `deed` gives it, or nothing where something is missing.
fn code_form(
    kept: Kept,
    (kind, action, words): (ButtonKind, &'static str, Text),
    before: AnyView,
    done: Text,
    deed: impl Fn() -> Option<AliasDeed> + 'static,
) -> AnyView {
    let app = kept.page.app;
    let code = Code::new("alias-code");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !code.is_right() {
            return;
        }
        if let Some((deed, code)) = deed().and_then(|deed| Some((deed, code.take()?))) {
            kept.change(deed, code, done);
        }
    };
    let button = Button::new(kind, action, words).off_while(move || app.busy.get() || !app.online.get()).submit(app);
    view! {
        <form class="group-form" on:submit=submit novalidate>
            {before}
            {code.view(app, Text::AliasCode)}
            {actions_row(view! { {button}{way_out(kept)} })}
        </form>
    }
    .into_any()
}

fn password_form(kept: Kept) -> AnyView {
    let app = kept.page.app;
    let (typed, again) = (Typed::new(app, None), RwSignal::new(String::new()));
    let before = view! {
        {typed.password_field(FieldKind::NewSecret, Text::AliasNewPassword, Text::AliasNewPasswordHint)}
        {Field::new("alias-again", FieldKind::NewSecret, Text::AliasAgain).chars_max(64).view(app, again)}
    };
    let deed = move || {
        typed.has_new_password(again).then(|| {
            again.set(String::new());
            AliasDeed::SetPassword { password: typed.take_password() }
        })
    };
    let button = (ButtonKind::Primary, "alias-set-password", Text::AliasChangePassword);
    code_form(kept, button, before.into_any(), Text::AliasPasswordChanged, deed)
}

fn factor_form(kept: Kept) -> AnyView {
    let app = kept.page.app;
    let new_code = Code::new("alias-first-code");
    let before = view! {
        <p class="quiet group-line">{app.t(Text::AliasNewFactorLead)}</p>
        {authenticator(kept.page)}
        {new_code.view(app, Text::AliasFirstCode)}
    };
    let deed = move || Some(AliasDeed::SetFactor { new_code: new_code.take()? });
    let button = (ButtonKind::Primary, "alias-set-factor", Text::AliasChangeFactor);
    code_form(kept, button, before.into_any(), Text::AliasFactorChanged, deed)
}

fn remove_all_form(kept: Kept) -> AnyView {
    let app = kept.page.app;
    let before = view! { <p class="group-line">{app.t(Text::AliasRemoveAllBody)}</p> };
    let button = (ButtonKind::Danger, "confirm-remove-all", Text::AliasRemoveAllDo);
    code_form(kept, button, before.into_any(), Text::AliasRemovedAll, || Some(AliasDeed::Remove))
}

/// What was done, the newest first.
fn audit(kept: Kept) -> AnyView {
    let app = kept.page.app;
    let events = kept.part(|desk| desk.alias.as_ref().map(|alias| alias.audit.clone()));
    let row = move |event: AliasEventView| {
        let at_ms = event.at_ms;
        let words = Text::alias_event(&event.what).map_or(Words::Name(event.what), Words::Text);
        Row::new(words).note(Words::made(move |lang| format::full_date_time(at_ms, lang))).view(app)
    };
    let list = move || rows(events.get().unwrap_or_default().into_iter().map(row).collect_view());
    disclosure(app, "alias-audit", Text::AliasAudit, view! { {list} })
}
