//! Backup and restore: one file, one passphrase, and what the last one holds.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::keep::{BackupMade, BackupMake, BackupRestore, BackupState, BackupStatus, Restored};

use crate::components::button::{Button, actions_row};
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::group::{fact, facts, group};
use crate::components::message::{Tone, banner, banner_with};
use crate::components::problem::problem_here;
use crate::components::words::Words;
use crate::format;
use crate::i18n::{Lang, Text};
use crate::ipc::invoke;
use crate::place::{Screen, SettingsPage};
use crate::signal::RwSignal;
use crate::state::App;

/// The shortest passphrase, in characters; the wallet checks again.
const PASSPHRASE_CHARS_MIN: usize = 12;

/// The page.
pub fn page(app: App) -> AnyView {
    let state = RwSignal::new(BackupState::default());
    let read = move || {
        spawn_local(async move {
            if let Some(now) = app.ask(BackupStatus {}).await {
                state.try_set(now);
            }
        });
    };
    read();
    view! {
        <p class="quiet">{app.t(Text::BackupLead)}</p>
        {move || state.with(|state| state.is_due).then(|| {
            banner(app, Tone::Wait, "backup-due", Text::BackupDue, Some(Text::BackupDueBody.into()))
        })}
        {group(app, "backup", Text::BackupMake, making(app, state, read))}
        {group(app, "restore", Text::BackupRestore, restoring(app))}
    }
    .into_any()
}

/// When the last one was made, in words.
fn last(state: RwSignal<BackupState>) -> Words {
    Words::made(move |lang| match state.with(|state| state.last_ms) {
        None => Text::BackupNever.in_language(lang).to_owned(),
        Some(last_ms) => format::full_date_time(last_ms, lang),
    })
}

fn making(app: App, state: RwSignal<BackupState>, read: impl Fn() + Copy + Send + Sync + 'static) -> AnyView {
    let (passphrase, again) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let complaint = RwSignal::new(None::<Text>);
    let made = RwSignal::new(None::<BackupMade>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let secret = passphrase.get_untracked();
        if secret.chars().count() < PASSPHRASE_CHARS_MIN {
            return complaint.set(Some(Text::BackupShort));
        }
        if secret != again.get_untracked() {
            return complaint.set(Some(Text::BackupDiffers));
        }
        complaint.set(None);
        made.set(None);
        app.while_busy(async move {
            if let Some(Some(written)) = app.ask(BackupMake { passphrase: secret, path: None }).await {
                passphrase.try_set(String::new());
                again.try_set(String::new());
                made.try_set(Some(written));
                read();
            }
        });
    };
    let waiting = Words::made(move |lang| state.with(|state| counted(Text::BackupNew, state.new_receipts, lang)));
    let outcome = move || {
        made.get().map(|made| {
            let (receipts, size) = (made.receipts, made.bytes);
            let title = Words::made(move |lang| counted(Text::BackupMade, receipts, lang));
            let body = Words::made(move |lang| {
                let size = format::count(usize::try_from(size.div_ceil(1_024)).unwrap_or(usize::MAX), lang);
                Text::BackupMadeBody.filled(lang, &[("size", &size), ("path", &made.path)])
            });
            banner(app, Tone::Good, "backup-made", title, Some(body))
        })
    };
    let button = Button::primary(
        "make-backup",
        Words::made(move |lang| {
            if app.busy.get() { Text::BackupWriting } else { Text::BackupSave }.in_language(lang).to_owned()
        }),
    );
    view! {
        {facts(view! {
            {fact(app, Text::BackupLast, app.say(last(state)))}
            {fact(app, Text::BackupSince, app.say(waiting))}
        })}
        {form_of("group-form", view! {
            {Field::new("backup-passphrase", FieldKind::NewSecret, Text::BackupPassphrase).hint(Text::BackupPassphraseHint)
                .problem(move || complaint.get()).chars_max(256).view(app, passphrase)}
            {Field::new("backup-again", FieldKind::NewSecret, Text::BackupAgain).chars_max(256).view(app, again)}
            {actions_row(button.off_while(move || app.busy.get()).submit(app))}
        }, submit)}
        <div role="status">{outcome}</div>
        <p class="quiet small group-line">{app.t(Text::BackupHolds)}</p>
    }
    .into_any()
}

/// The form that takes a backup in; also where a wallet begins.
pub fn restoring(app: App) -> AnyView {
    let passphrase = RwSignal::new(String::new());
    let restored = RwSignal::new(None::<Restored>);
    // Where a wallet begins, this stands over the screen and its problems would not be seen there.
    let problem = RwSignal::new(None);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let secret = passphrase.get_untracked();
        if secret.is_empty() {
            return;
        }
        restored.set(None);
        problem.set(None);
        app.while_busy(async move {
            match invoke(BackupRestore { passphrase: secret, path: None }).await {
                Ok(Some(brought)) => {
                    passphrase.try_set(String::new());
                    restored.try_set(Some(brought));
                    app.read_status().await;
                }
                // No file was chosen.
                Ok(None) => {}
                Err(found) => drop(problem.try_set(Some(found))),
            }
        });
    };
    let outcome = move || restored.get().map(|brought| outcome(app, &brought));
    let is_off = move || app.busy.get() || passphrase.with(String::is_empty);
    view! {
        <p class="quiet group-line">{app.t(Text::RestoreLead)}</p>
        {form_of("group-form", view! {
            {Field::new("restore-passphrase", FieldKind::Secret, Text::BackupPassphrase).chars_max(256).view(app, passphrase)}
            {actions_row(Button::plain("restore-backup", Text::RestoreChoose).off_while(is_off).submit(app))}
        }, submit)}
        {problem_here(app, problem)}
        <div role="status">{outcome}</div>
    }
    .into_any()
}

fn outcome(app: App, brought: &Restored) -> AnyView {
    let (new, left_out, made_ms) = (brought.new_receipts, brought.left_out, brought.made_ms);
    let title = Words::made(move |lang| counted(Text::RestoreDone, new, lang));
    let body = Words::made(move |lang| {
        let made = format::full_date_time(made_ms, lang);
        let mut text = Text::RestoreMade.filled(lang, &[("date", &made)]);
        if left_out > 0 {
            text.push(' ');
            text.push_str(&counted(Text::RestoreLeftOut, left_out, lang));
        }
        text
    });
    let has_former = app.status.with(|status| status.as_ref().is_some_and(|status| !status.former.is_empty()));
    let claim = has_former.then(|| {
        Button::text("settings.identifiers", Text::RestoreClaim)
            .on(app, move || app.go(Screen::SettingsPage(SettingsPage::Identifiers)))
    });
    banner_with(app, Tone::Good, "restored", title, Some(body), claim)
}

/// A text with a count in it.
fn counted(text: Text, count: u64, lang: Lang) -> String {
    text.filled(lang, &[("count", &format::count(usize::try_from(count).unwrap_or(usize::MAX), lang))])
}
