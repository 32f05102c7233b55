//! The settings: a list in groups, and a page for each of its lines.
//!
//! A new page is a variant of [`SettingsPage`], an arm of [`page`] and a file of its own; what its line in the list says
//! of it at a glance is an arm of [`glance`].

mod about;
pub mod backup;
pub(super) mod choices;
mod devices;
pub(super) mod identifiers;
mod keys;
mod notices;
mod privacy;
mod readers;
mod senders;
mod ways;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::lock::LockState;
use protocol::ipc::{Contrast, Language, Notices, PinLayout, Settings, Theme, WalletStatus};
use protocol::wallet_api::Platform;

use crate::components::{back_button, icon};
use crate::i18n::Text;
use crate::methods;
use crate::place::{GROUPS, Place, Screen, SettingsGroup, SettingsPage};
use crate::state::App;

pub use identifiers::ended_banner;

/// The list as a screen of its own.
pub fn list(app: App) -> impl IntoView {
    spawn_local(app.read_status());
    view! {
        <header class="page-head"><h1 tabindex="-1">{app.t(Text::SettingsTitle)}</h1></header>
        {groups(app)}
    }
}

/// The list beside an open page.
pub fn aside(app: App) -> impl IntoView {
    view! {
        <aside class="pane pane-side" aria-label=app.t(Text::SettingsTitle)>
            <header class="page-head"><h2 class="aside-title">{app.t(Text::SettingsTitle)}</h2></header>
            {groups(app)}
        </aside>
    }
}

/// One page, with the way back to the list.
pub fn page(app: App, page: SettingsPage) -> AnyView {
    let content = match page {
        SettingsPage::Identifiers => identifiers::page(app).into_any(),
        SettingsPage::Notices => notices::page(app).into_any(),
        SettingsPage::Devices => devices::page(app),
        SettingsPage::Senders => senders::page(app),
        SettingsPage::Ways => ways::page(app),
        SettingsPage::WayAlias => ways::alias::page(app),
        SettingsPage::WayCarrier => ways::carrier::page(app),
        SettingsPage::WayCode => ways::code::page(app),
        SettingsPage::WayVoucher => ways::voucher::page(app),
        SettingsPage::Readers => readers::page(app),
        SettingsPage::PinPad => choices::pin_pad(app).into_any(),
        SettingsPage::Language => choices::language(app).into_any(),
        SettingsPage::Appearance => choices::appearance(app).into_any(),
        SettingsPage::Backup => backup::page(app),
        SettingsPage::Privacy => privacy::page(app),
        SettingsPage::Lock => super::lock::settings::page(app).into_any(),
        SettingsPage::Keys => keys::page(app),
        SettingsPage::About => about::page(app),
    };
    // A page of the list itself needs no way back where the list stands beside it.
    let head =
        if page.parent().is_some() { "page-head page-head-nav" } else { "page-head page-head-nav settings-head" };
    view! {
        <header class=head>
            {back_button(app)}
            <h1 tabindex="-1" class="nav-title">{app.t(page.title())}</h1>
        </header>
        <div class="settings">{content}</div>
    }
    .into_any()
}

fn groups(app: App) -> impl IntoView {
    let groups = GROUPS.iter().map(|group| view_of_group(app, group)).collect_view();
    view! { <nav class="settings-list" aria-label=app.t(Text::SettingsTitle)>{groups}</nav> }
}

fn view_of_group(app: App, group: &'static SettingsGroup) -> impl IntoView {
    let lines = group.pages.iter().map(|page| line(app, *page)).collect_view();
    // A till is no page of the settings, but here is where a person looks for it.
    let till = (group.title == Text::SettingsGroupPay).then(|| super::merchant::take_payments(app));
    view! {
        <section>
            <h2 class="group-title">{app.t(group.title)}</h2>
            <ul class="rows rows-boxed" role="list">{lines}{till}</ul>
        </section>
    }
}

fn line(app: App, page: SettingsPage) -> impl IntoView {
    let is_here = move |open: SettingsPage| open == page || open.parent() == Some(page);
    let is_selected = move || matches!(app.place.get(), Place::SettingsPage(open) if is_here(open));
    let glance = move || glance(app, page).map(|text| view! { <bdi class="row-glance quiet small">{text}</bdi> });
    view! {
        <li>
            <button class="row" class:selected=is_selected type="button" data-action=page.id()
                aria-current=move || is_selected().then_some("page")
                on:click=move |_| app.go(Screen::SettingsPage(page))>
                {shape(page)}
                <span class="row-main"><span class="row-title">{app.t(page.title())}</span>{glance}</span>
                {icon::chevron()}
            </button>
        </li>
    }
}

fn shape(page: SettingsPage) -> AnyView {
    match page {
        SettingsPage::Notices => icon::bell().into_any(),
        SettingsPage::Identifiers => icon::person().into_any(),
        SettingsPage::Devices => icon::device().into_any(),
        SettingsPage::Senders => icon::requests().into_any(),
        SettingsPage::Ways => icon::card().into_any(),
        SettingsPage::WayAlias => methods::shape(payment::Method::Alias),
        SettingsPage::WayCarrier => methods::shape(payment::Method::Carrier),
        SettingsPage::WayCode => methods::shape(payment::Method::Code),
        SettingsPage::WayVoucher => methods::shape(payment::Method::Voucher),
        SettingsPage::Readers => icon::reader().into_any(),
        SettingsPage::PinPad => icon::code().into_any(),
        SettingsPage::Language => icon::language().into_any(),
        SettingsPage::Appearance => icon::contrast().into_any(),
        SettingsPage::Backup => icon::vault().into_any(),
        SettingsPage::Privacy => icon::shield().into_any(),
        SettingsPage::Lock => icon::lock().into_any(),
        SettingsPage::Keys => icon::key().into_any(),
        SettingsPage::About => icon::info().into_any(),
    }
}

/// The picture of a device.
fn shape_of_platform(platform: Option<Platform>) -> AnyView {
    match platform {
        Some(Platform::Android | Platform::Ios) => icon::device().into_any(),
        None | Some(Platform::Linux | Platform::Windows | Platform::Macos) => icon::computer().into_any(),
    }
}

/// What stands now, in a word or two, so that most questions need no page.
fn glance(app: App, page: SettingsPage) -> Option<String> {
    let words = |text: Text| Some(text.in_language(app.lang.get()).to_owned());
    let settings = settings_of(app);
    match page {
        SettingsPage::Identifiers => match of_status(app, |status| status.identifiers.clone()).as_slice() {
            [] => words(Text::SettingsGlanceNone),
            [only] => Some(only.clone()),
            [first, rest @ ..] => {
                let values = [("first", first.as_str()), ("count", &rest.len().to_string())];
                Some(Text::SettingsGlanceMore.filled(app.lang.get(), &values))
            }
        },
        SettingsPage::PinPad => words(match settings.pin_layout {
            PinLayout::Scrambled => Text::SettingsPinScrambled,
            PinLayout::Standard => Text::SettingsPinStandard,
        }),
        SettingsPage::Language => match settings.language {
            Language::System => words(Text::SettingsSystem),
            Language::English => Some(choices::ENGLISH.to_owned()),
            Language::Chinese => Some(choices::CHINESE.to_owned()),
        },
        SettingsPage::Appearance => words(match (settings.theme, settings.contrast) {
            (_, Contrast::More) => Text::SettingsContrastMore,
            (Theme::System, Contrast::System) => Text::SettingsSystem,
            (Theme::Light, Contrast::System) => Text::SettingsLight,
            (Theme::Dark, Contrast::System) => Text::SettingsDark,
        }),
        SettingsPage::Notices => words(match settings.notices {
            Notices::Off => Text::NoticesOff,
            Notices::Discreet => Text::NoticesDiscreet,
            Notices::Full => Text::NoticesFull,
        }),
        SettingsPage::Lock => words(match app.lock.get() {
            LockState::None => Text::LockLineOff,
            LockState::Unlocked | LockState::Locked => Text::LockLineOn,
        }),
        SettingsPage::About => Some(of_status(app, |status| status.version.clone())),
        SettingsPage::Devices | SettingsPage::Senders | SettingsPage::Ways | SettingsPage::Readers => None,
        SettingsPage::WayAlias | SettingsPage::WayCarrier | SettingsPage::WayCode | SettingsPage::WayVoucher => None,
        SettingsPage::Backup if of_status(app, |status| status.backup_due) => words(Text::BackupDue),
        SettingsPage::Backup | SettingsPage::Privacy | SettingsPage::Keys => None,
    }
}

/// The person's choices as last read.
fn settings_of(app: App) -> Settings {
    app.status.with(|status| status.as_ref().map_or_else(Settings::default, |status| status.settings))
}

/// A part of the wallet's status; its empty value until the wallet answered.
fn of_status<T: Default>(app: App, part: impl Fn(&WalletStatus) -> T) -> T {
    app.status.with(|status| status.as_ref().map(part).unwrap_or_default())
}
