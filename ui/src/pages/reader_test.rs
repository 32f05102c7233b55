//! A test of a reader: a card is looked at, and every step that works or does not is named. Nothing is paid.

use leptos::prelude::*;
use protocol::error::ErrorCode;
use protocol::ipc::{ReaderTestStage, ReaderTestView};

use crate::components::reader_picture::reader_picture;
use crate::components::{back_button, icon, pips};
use crate::format;
use crate::i18n::Text;
use crate::invitation::Invitation;
use crate::reader_check::{Check, Finding, findings};
use crate::signal::Memo;
use crate::stage::ReadStep;
use crate::state::App;

/// The screen. Leaving it, whichever way, ends the test.
pub fn page(app: App) -> impl IntoView {
    on_cleanup(move || app.end_reader_test());
    let reader = Memo::new(move |_| app.reader_test.with(|test| test.as_ref().and_then(|test| test.reader.clone())));
    let name = move || reader.get().and_then(|id| app.reader_name(&id));
    view! {
        <header class="page-head page-head-nav">
            {back_button(app)}
            <h1 tabindex="-1" class="nav-title">{app.t(Text::TestTitle)}</h1>
        </header>
        <div class="centre checkout reader-test" data-part="test" data-test=move || stage_name(app)>
            <bdi class="row-title">{name}</bdi>
            {move || app.reader_test.get().map(|test| outcome(app, &test))}
            {checks(app)}
            <div class="actions">
                {move || is_over(app).then(|| again(app, reader.get_untracked()))}
                <button class="button" type="button" data-action="done" on:click=move |_| app.back()>
                    {app.t(Text::ActionDone)}
                </button>
            </div>
            <p class="quiet small">{app.t(Text::TestBody)}</p>
        </div>
    }
}

fn stage_name(app: App) -> &'static str {
    app.reader_test.with(|test| match test.as_ref().map(|test| test.progress) {
        None | Some(ReaderTestStage::WaitingForCard { .. }) => "waiting_for_card",
        Some(ReaderTestStage::Reading { .. }) => "reading",
        Some(ReaderTestStage::Read { .. }) => "read",
        Some(ReaderTestStage::Failed { .. }) => "failed",
    })
}

fn is_over(app: App) -> bool {
    matches!(stage_name(app), "read" | "failed")
}

/// The picture and the stage, or how the test ended.
fn outcome(app: App, test: &ReaderTestView) -> AnyView {
    match test.progress {
        ReaderTestStage::WaitingForCard { notice } => {
            let stage = view! { <span>{app.t(Text::CardWaiting)}</span> }.into_any();
            let problem = notice.map(|code| problem(app, code));
            view! { {at_reader(app, test, None, stage)} {problem} }.into_any()
        }
        ReaderTestStage::Reading { step, steps, phase } => {
            let (step, came) = (ReadStep { step, steps, phase }, test.gesture);
            let stage = view! { <span>{move || step.named(came, app.lang.get())}</span> }.into_any();
            at_reader(app, test, Some(step), stage).into_any()
        }
        ReaderTestStage::Read { read_ms, exchanges, trouble } => {
            let title = if trouble.is_none() { Text::TestWorks } else { Text::TestWorksNotCard };
            let values = [("seconds", format::seconds(u64::from(read_ms))), ("exchanges", exchanges.to_string())];
            let read = move || {
                if exchanges == 0 {
                    return app.t(Text::TestBody)().to_owned();
                }
                let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                Text::TestRead.filled(app.lang.get(), &values)
            };
            view! {
                <div class="result-shape shape-good">{icon::check()}</div>
                <p class="stage-name" role="status">{app.t(title)}</p>
                {test.card.clone().map(|card| view! {
                    <p data-part="card">
                        {app.t(card.scheme.map_or(Text::ReaderKindStripe, |scheme| Text::scheme(&scheme)))}
                        {card.last_four.map(|digits| view! { " "<span class="digits" dir="ltr">"•••• "{digits}</span> })}
                        {(!card.label.is_empty()).then(|| view! { " · "<bdi class="quiet">{card.label}</bdi> })}
                    </p>
                })}
                <p class="quiet">{read}</p>
                {trouble.map(|code| problem(app, code))}
            }
            .into_any()
        }
        ReaderTestStage::Failed { code } => view! {
            <div class="result-shape shape-wait">{icon::reader()}</div>
            <p class="stage-name" role="status">{app.t(Text::TestFailed)}</p>
            {problem(app, code)}
        }
        .into_any(),
    }
}

/// The reader in its picture, and how far the card at it is.
pub fn at_reader(app: App, test: &ReaderTestView, step: Option<ReadStep>, stage: AnyView) -> impl IntoView + use<> {
    let invitation = app
        .readers
        .with(|all| Invitation::of(all.as_deref().unwrap_or_default(), test.reader.as_deref(), test.gesture));
    let hint = if step.is_some() { invitation.hold() } else { Some(invitation.place()) };
    let done = step.map(|step| pips(move || (step.step, step.steps)));
    view! {
        {reader_picture(app, invitation, move || step.is_some())}
        <p class="stage" data-part="stage">{done}{stage}</p>
        {hint.map(|hint| view! { <p class="quiet">{app.t(hint)}</p> })}
    }
}

/// What failed and what to do; that nothing is paid stands below.
pub fn problem(app: App, code: ErrorCode) -> impl IntoView {
    view! {
        <section class="refusal" data-code=code.as_str()>
            <p class="problem-title">{app.t(Text::error_title(code))}</p>
            <p class="problem-next">{app.t(Text::error_next(code))}</p>
        </section>
    }
}

fn checks(app: App) -> impl IntoView {
    let found = Memo::new(move |_| {
        let test = app.reader_test.get()?;
        let id = test.reader.clone();
        let kind = app.readers.with(|all| Some(all.as_ref()?.iter().find(|it| Some(&it.id) == id.as_ref())?.kind));
        Some(findings(&test, kind))
    });
    let lines =
        move || found.get().into_iter().flatten().map(|(check, finding)| line(app, check, finding)).collect_view();
    view! { <ul class="checks" role="list" data-part="checks" aria-label=app.t(Text::TestChecks)>{lines}</ul> }
}

fn line(app: App, check: Check, finding: Finding) -> impl IntoView {
    let shape = match finding {
        Finding::Good => icon::check().into_any(),
        Finding::Bad => icon::cross().into_any(),
        Finding::Waiting => icon::clock().into_any(),
        Finding::Skipped => icon::dash().into_any(),
    };
    view! {
        <li class="check" data-check=check.name() data-finding=finding.name()>
            {shape}<span>{app.t(check.text())}</span><span class="check-word small">{app.t(finding.text())}</span>
        </li>
    }
}

fn again(app: App, reader: Option<String>) -> impl IntoView {
    view! {
        <button class="button button-primary" type="button" data-action="test-again" disabled=move || app.busy.get()
            on:click=move |_| app.test_reader(reader.clone())>{app.t(Text::TestAgain)}</button>
    }
}
