//! What this wallet trusts, what others know it by, and how a person compares it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::keep::{Trust, TrustView};

use crate::components::button::{ButtonKind, copy_button};
use crate::components::group::{fact, facts, fingerprint, group, wide_fact};
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The page.
pub fn page(app: App) -> AnyView {
    let trust = RwSignal::new(None::<TrustView>);
    spawn_local(async move {
        if let Some(view) = app.ask(Trust {}).await {
            trust.try_set(Some(view));
        }
    });
    let shown = move || trust.get().map(|view| groups(app, view));
    view! { <p class="quiet">{app.t(Text::KeysLead)}</p> <div class="settings" data-part="trust">{shown}</div> }
        .into_any()
}

fn groups(app: App, view: TrustView) -> AnyView {
    let TrustView { device_id, device_fingerprint, key_store, server, operator, banks } = view;
    let store = if key_store == "keyring" { Text::SettingsKeyStoreKeyring } else { Text::SettingsKeyStoreFile };
    let store_help = if key_store == "keyring" { Text::KeysKeyringHelp } else { Text::KeysFileHelp };
    let copied = operator.join("\n");
    let roots = operator.into_iter().map(|code| fingerprint(move || code.clone())).collect_view();
    let of_banks = banks
        .into_iter()
        .map(|bank| {
            let code = bank.fingerprint;
            view! { <div class="fact fact-wide"><dt><bdi>{bank.bank_id}</bdi></dt><dd>{fingerprint(move || code.clone())}</dd></div> }
        })
        .collect_view();
    let this_device = view! {
        {facts(view! {
            {fact(app, Text::SettingsKeyStore, app.t(store))}
            {wide_fact(app, Text::KeysDevice, fingerprint(move || device_fingerprint.clone()))}
            {wide_fact(app, Text::KeysDeviceId, view! { <code class="fingerprint" dir="ltr">{device_id.to_string()}</code> })}
        })}
        <p class="quiet small group-line">{app.t(store_help)}</p>
    };
    view! {
        {group(app, "operator", Text::SettingsFingerprint, view! {
            <p class="group-line"><bdi>{server}</bdi></p>
            {roots}
            <p class="quiet small group-line">{app.t(Text::SettingsFingerprintHelp)}" "{app.t(Text::KeysDiffer)}</p>
            {copy_button(app, ButtonKind::Text, "copy-fingerprint", Text::KeysCopy, move || copied.clone())}
        })}
        {group(app, "banks", Text::KeysBanks, view! {
            {facts(of_banks)}
            <p class="quiet small group-line">{app.t(Text::KeysBanksHelp)}</p>
        })}
        {group(app, "device", Text::KeysThisDevice, this_device)}
    }
    .into_any()
}
