//! The person's devices: what each receives, its name, and how to end what it receives.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::DeviceId;
use protocol::ipc::keep::{DeviceLine, DeviceRemove, DeviceRename, Devices};
use protocol::wallet_api::{DEVICE_NAME_CHARS_MAX, Platform};

use crate::components::button::{Button, actions_row};
use crate::components::dialog::{Dialog, Question, question};
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::loading_list;
use crate::components::message::{Tone, badge};
use crate::components::words::Words;
use crate::format;
use crate::i18n::{Lang, Text};
use crate::signal::RwSignal;
use crate::state::App;

/// The page.
pub fn page(app: App) -> AnyView {
    let listed = RwSignal::new(None::<Vec<DeviceLine>>);
    spawn_local(async move {
        if let Some(devices) = app.ask(Devices {}).await {
            listed.try_set(Some(devices));
        } else {
            listed.try_set(Some(Vec::new()));
        }
    });
    let rows = move || match listed.get() {
        None => loading_list(app, Text::DevicesLoading).into_any(),
        Some(devices) => {
            let is_alone = devices.len() == 1;
            let rows = devices.into_iter().map(|device| device_row(app, listed, device)).collect_view();
            view! {
                <ul class="rows rows-boxed" role="list" data-part="devices">{rows}</ul>
                {is_alone.then(|| view! { <p class="quiet small">{app.t(Text::DevicesAlone)}</p> })}
            }
            .into_any()
        }
    };
    view! { <p class="quiet">{app.t(Text::DevicesLead)}</p> {rows} }.into_any()
}

/// What a device is called: its name, or what it runs on.
fn name_of(device: &DeviceLine) -> Words {
    if device.name.is_empty() { Words::Text(platform_text(device.platform)) } else { Words::Name(device.name.clone()) }
}

/// A platform in words.
pub fn platform_text(platform: Option<Platform>) -> Text {
    match platform {
        None => Text::DevicesPlatformOther,
        Some(Platform::Linux) => Text::DevicesPlatformLinux,
        Some(Platform::Windows) => Text::DevicesPlatformWindows,
        Some(Platform::Macos) => Text::DevicesPlatformMacos,
        Some(Platform::Android) => Text::DevicesPlatformAndroid,
        Some(Platform::Ios) => Text::DevicesPlatformIos,
    }
}

fn device_row(app: App, listed: RwSignal<Option<Vec<DeviceLine>>>, device: DeviceLine) -> AnyView {
    let is_own = device.is_own;
    let (dialog, renaming) = (Dialog::new(), RwSignal::new(false));
    let device_id = device.device_id;
    let name = name_of(&device);
    let platform = (!device.name.is_empty()).then(|| app.say(platform_text(device.platform).into()));
    let shared = device.identifiers.join(", ");
    let remove = move || {
        app.while_busy(async move {
            if let Some(devices) = app.ask(DeviceRemove { device_id }).await {
                listed.set(Some(devices));
            }
        });
    };
    let asked = Question {
        action: "confirm-remove-device",
        title: Words::made({
            let name = name.clone();
            move |lang| Text::DevicesRemoveTitle.filled(lang, &[("device", &name.in_language(lang))])
        }),
        body: Words::Filled(Text::DevicesRemoveBody, "identifiers", shared.clone()),
        confirm: Text::DevicesRemove.into(),
    };
    let buttons = move || {
        let rename = Button::text("rename-device", Text::DevicesRename).on(app, move || renaming.set(true));
        let remove = (!is_own).then(|| {
            Button::text("remove-device", Text::DevicesRemove)
                .off_while(move || app.busy.get())
                .on(app, move || dialog.open())
        });
        view! { {rename}{remove} }
    };
    let (typed, runs_on) = (device.name.clone(), device.platform);
    let facts = Words::made(move |lang| times(&device, lang));
    view! {
        <li class="row row-tall" data-device=device_id.to_string() data-own=is_own.to_string()>
            {super::shape_of_platform(runs_on)}
            <span class="row-main">
                <span class="row-title">{app.say(name)}" "{is_own.then(|| badge(app, Tone::Plain, Text::DevicesThis))}</span>
                <span class="facts-line quiet small">{platform}<span>{app.say(facts)}</span></span>
                {(!is_own && !shared.is_empty()).then(|| view! { <bdi class="quiet small">{shared.clone()}</bdi> })}
                {move || if renaming.get() {
                    rename_form(app, listed, device_id, typed.clone(), renaming)
                } else {
                    actions_row(buttons())
                }}
            </span>
            {(!is_own).then(|| question(app, dialog, asked, remove))}
        </li>
    }
    .into_any()
}

/// Since when it answers, and when it was last in touch.
fn times(device: &DeviceLine, lang: Lang) -> String {
    let mut parts = Vec::new();
    if let Some(since_ms) = device.since_ms {
        parts.push(Text::DevicesSince.filled(lang, &[("date", &format::date_time(since_ms, lang))]));
    }
    if let Some(seen_ms) = device.seen_ms.filter(|_| !device.is_own) {
        parts.push(Text::DevicesSeen.filled(lang, &[("date", &format::date_time(seen_ms, lang))]));
    }
    parts.join(" · ")
}

fn rename_form(
    app: App,
    listed: RwSignal<Option<Vec<DeviceLine>>>,
    device_id: DeviceId,
    before: String,
    renaming: RwSignal<bool>,
) -> AnyView {
    let name = RwSignal::new(before);
    let chars_max = u16::try_from(DEVICE_NAME_CHARS_MAX).unwrap_or(u16::MAX);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let name = name.get_untracked().trim().to_owned();
        app.while_busy(async move {
            if let Some(devices) = app.ask(DeviceRename { device_id, name }).await {
                listed.set(Some(devices));
            }
        });
    };
    view! {
        {form_of("group-form", view! {
            {Field::new("device-name", FieldKind::Text, Text::DevicesName).chars_max(chars_max).view(app, name)}
            {actions_row(view! {
                {Button::primary("save-device", Text::SettingsSave).submit(app)}
                {Button::plain("cancel-device", Text::ActionCancel).on(app, move || renaming.set(false))}
            })}
        }, submit)}
    }
    .into_any()
}
