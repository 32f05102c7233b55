//! The card readers: what each is, a test of it, and what keeps one from working.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::error::ErrorCode;
use protocol::ipc::ReaderView;
use protocol::ipc::keep::{
    Diagnosis, ReaderCheck, ReaderCheckView, ReaderDiagnosis, ReaderDiagnosisView, ReaderFinding,
};
use protocol::wallet_api::Platform;

use crate::components::button::{Button, ButtonKind, actions_row, copy_button};
use crate::components::group::group;
use crate::components::icon;
use crate::components::reader_picker::facts;
use crate::i18n::Text;
use crate::pages::card::guidance_list;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The page.
pub fn page(app: App) -> AnyView {
    spawn_local(app.read_readers());
    let listed = Memo::new(move |_| app.readers.get());
    let rows = move || match listed.get() {
        Some(readers) if !readers.is_empty() => {
            let rows = readers.into_iter().map(|reader| row(app, reader)).collect_view();
            view! { <ul class="rows" role="list">{rows}</ul> }.into_any()
        }
        Some(_) => view! {
            <p class="group-line"><b>{app.t(Text::CardNoneTitle)}</b></p>
            {guidance_list(app)}
        }
        .into_any(),
        None => ().into_any(),
    };
    view! {
        <section class="group" data-part="readers">
            <div>{rows}</div>
            <button class="text-button" type="button" data-action="look-again"
                on:click=move |_| spawn_local(app.read_readers())>{app.t(Text::CardLookAgain)}</button>
        </section>
        {diagnosis(app)}
    }
    .into_any()
}

fn row(app: App, reader: ReaderView) -> impl IntoView {
    let shape = if reader.trouble.is_some() { icon::caution().into_any() } else { icon::reader().into_any() };
    let facts = facts(app, &reader);
    let label = app.fill(Text::ReaderTestName, "name", reader.name.clone());
    let (id, tested) = (reader.id.clone(), reader.id.clone());
    view! {
        <li class="row" data-reader=reader.id data-trouble=reader.trouble.map(ErrorCode::as_str)>
            {shape}
            <span class="row-main"><bdi class="row-title">{reader.name}</bdi>{facts}</span>
            <button class="button" type="button" data-action="test-reader" data-reader=tested aria-label=label
                disabled=move || app.busy.get() on:click=move |_| app.test_reader(Some(id.clone()))>
                {app.t(Text::ReaderTest)}
            </button>
        </li>
    }
}

/// Looks for the trouble, and says what to do about it on this system.
fn diagnosis(app: App) -> AnyView {
    let found = RwSignal::new(None::<ReaderDiagnosisView>);
    let report = RwSignal::new(String::new());
    let look = move || {
        app.while_busy(async move {
            if let Some(view) = app.ask(ReaderDiagnosis {}).await {
                found.set(Some(view));
            }
            if let Some(view) = app.ask(Diagnosis {}).await {
                report.set(view.report);
            }
        });
    };
    let lines = move || {
        found.get().map(|view| {
            let platform = view.platform;
            let lines = view.checks.into_iter().map(|check| line(app, platform, check)).collect_view();
            view! {
                <ul class="checks" role="list" data-part="diagnosis" aria-label=app.t(Text::ReadersDiagnosis)>{lines}</ul>
                <p class="quiet small group-line">{app.t(Text::ReadersReportHelp)}</p>
            }
        })
    };
    let body = view! {
        <p class="quiet group-line">{app.t(Text::ReadersDiagnosisHelp)}</p>
        <div role="status">{lines}</div>
        {actions_row(view! {
            {Button::plain("diagnose-readers", Text::ReadersDiagnose).off_while(move || app.busy.get()).on(app, look)}
            {move || (!report.with(String::is_empty)).then(|| {
                copy_button(app, ButtonKind::Text, "copy-report", Text::ReadersCopy, move || report.get_untracked())
            })}
        })}
    };
    group(app, "reader-diagnosis", Text::ReadersDiagnosis, body)
}

fn line(app: App, platform: Option<Platform>, view: ReaderCheckView) -> AnyView {
    let ReaderCheckView { check, finding, names } = view;
    let (shape, word, name) = match finding {
        ReaderFinding::Good => (icon::check().into_any(), Text::TestGood, "good"),
        ReaderFinding::Bad => (icon::cross().into_any(), Text::TestBad, "bad"),
        ReaderFinding::Unknown => (icon::dash().into_any(), Text::ReadersUnknown, "skipped"),
    };
    let advice =
        (finding == ReaderFinding::Bad).then(|| view! { <p class="small">{app.t(advice(check, platform))}</p> });
    let names = (!names.is_empty()).then(|| view! { <bdi class="quiet small">{names.join(", ")}</bdi> });
    view! {
        <li class="check" data-check=check_name(check) data-finding=name>
            {shape}
            <span class="row-main"><span>{app.t(check_text(check))}</span>{names}{advice}</span>
            <span class="check-word small">{app.t(word)}</span>
        </li>
    }
    .into_any()
}

const fn check_name(check: ReaderCheck) -> &'static str {
    match check {
        ReaderCheck::Plugged => "plugged",
        ReaderCheck::Service => "service",
        ReaderCheck::Permission => "permission",
        ReaderCheck::Driver => "driver",
        ReaderCheck::Free => "free",
    }
}

const fn check_text(check: ReaderCheck) -> Text {
    match check {
        ReaderCheck::Plugged => Text::ReadersCheckPlugged,
        ReaderCheck::Service => Text::ReadersCheckService,
        ReaderCheck::Permission => Text::ReadersCheckPermission,
        ReaderCheck::Driver => Text::ReadersCheckDriver,
        ReaderCheck::Free => Text::ReadersCheckFree,
    }
}

/// What to do, on this system.
const fn advice(check: ReaderCheck, platform: Option<Platform>) -> Text {
    match (check, platform) {
        (ReaderCheck::Plugged, _) => Text::ReadersAdvicePlugged,
        (ReaderCheck::Service, Some(Platform::Linux)) => Text::ReadersAdviceServiceLinux,
        (ReaderCheck::Service, Some(Platform::Windows)) => Text::ReadersAdviceServiceWindows,
        (ReaderCheck::Service, _) => Text::ReadersAdviceServiceOther,
        (ReaderCheck::Permission, _) => Text::ReadersAdvicePermission,
        (ReaderCheck::Driver, Some(Platform::Linux)) => Text::ReadersAdviceDriverLinux,
        (ReaderCheck::Driver, _) => Text::ReadersAdviceDriverOther,
        (ReaderCheck::Free, _) => Text::ReadersAdviceFree,
    }
}
