//! The program, its version, the server it talks to, what it is made of, and how to report a problem.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::keep::{Diagnosis, LicenceText, Licences, PackageLine};

use super::of_status;
use crate::components::button::{Button, ButtonKind, actions_row, copy_button};
use crate::components::dialog::Dialog;
use crate::components::group::{fact, facts, group};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::place::FirstStep;
use crate::signal::RwSignal;
use crate::state::App;

/// The licences one may choose from, as SPDX writes them.
const LICENCE: &str = env!("CARGO_PKG_LICENSE");

/// The page.
pub fn page(app: App) -> AnyView {
    let reach = move || app.t(if app.online.get() { Text::SettingsOnline } else { Text::SettingsOffline })();
    view! {
        <section class="group" data-part="program">
            {facts(view! {
                {fact(app, Text::SettingsVersion, move || format!("{} {}", app.t(Text::AppName)(), of_status(app, |status| status.version.clone())))}
                {fact(app, Text::SettingsServer, view! { <bdi>{move || of_status(app, |status| status.server.clone())}</bdi>" · "{reach} })}
                {fact(app, Text::AboutLicence, view! { <span translate="no">{LICENCE}</span> })}
            })}
        </section>
        {reporting(app)}
        {licences(app)}
        <button class="button" type="button" data-action="first-run" on:click=move |_| app.first_run(FirstStep::Language)>
            {app.t(Text::FirstAgain)}
        </button>
    }
    .into_any()
}

fn reporting(app: App) -> AnyView {
    let report = RwSignal::new(None::<String>);
    let make = move || {
        app.while_busy(async move {
            if let Some(view) = app.ask(Diagnosis {}).await {
                report.try_set(Some(view.report));
            }
        });
    };
    let shown = move || {
        report.get().map(|text| {
            let copied = text.clone();
            view! {
                <pre class="report" tabindex="0" dir="ltr" translate="no" data-part="report">{text}</pre>
                {copy_button(app, ButtonKind::Plain, "copy-report", Text::ReadersCopy, move || copied.clone())}
            }
        })
    };
    let body = view! {
        <p class="quiet group-line">{app.t(Text::AboutReportHelp)}</p>
        {actions_row(Button::plain("make-report", Text::AboutReport).off_while(move || app.busy.get()).on(app, make))}
        <div>{shown}</div>
    };
    group(app, "problem-report", Text::AboutReportHead, body)
}

fn licences(app: App) -> AnyView {
    let packages = RwSignal::new(None::<Vec<PackageLine>>);
    let dialog = Dialog::new();
    let (title, text) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let open = move || {
        spawn_local(async move {
            if let Some(all) = app.ask(Licences {}).await {
                packages.try_set(Some(all));
            }
        });
    };
    let read = move |package: PackageLine| {
        let PackageLine { name, version, .. } = package;
        title.set(format!("{name} {version}"));
        app.while_busy(async move {
            if let Some(view) = app.ask(LicenceText { name, version }).await {
                text.try_set(view.text);
                dialog.open();
            }
        });
    };
    let list = move || match packages.get() {
        None => actions_row(Button::plain("licences", Text::AboutLicencesShow).on(app, open)),
        Some(all) => {
            let rows = all.into_iter().map(|package| {
                let (name, licence) = (format!("{} {}", package.name, package.version), package.licence.clone());
                view! {
                    <li><button class="row row-slim" type="button" data-action="licence-text" on:click=move |_| read(package.clone())>
                        <span class="row-main"><bdi class="row-title">{name}</bdi><span class="quiet small" dir="ltr" translate="no">{licence}</span></span>
                    </button></li>
                }
            });
            view! { <ul class="rows licences" role="list" data-part="licences">{rows.collect_view()}</ul> }.into_any()
        }
    };
    let body = view! {
        <p class="quiet group-line">{app.t(Text::AboutLicencesHelp)}</p>
        {list}
        {dialog.view(app, "licence", Words::made(move |_| title.get()), view! {
            <pre class="report" tabindex="0" dir="ltr" translate="no">{move || text.get()}</pre>
            {actions_row(Button::plain("close-licence", Text::ActionDone).on(app, move || dialog.close()))}
        })}
    };
    group(app, "packages", Text::AboutLicences, body)
}
