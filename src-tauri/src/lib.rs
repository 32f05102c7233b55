//! The wallet window: a thin shell around the wallet crate.
//!
//! **Invariant:** the window holds no key, no card data and no PIN digit; it sees views and sends the protocol's
//! commands, and nothing else of Tauri or of the card reader is granted to it.

#![cfg_attr(target_os = "ios", allow(missing_docs, reason = "Tauri's entry point for iOS is public and says nothing"))]

use std::path::Path;
use std::sync::Arc;

use tauri::async_runtime::block_on;
use tauri::{App, Builder, Manager, RunEvent, Runtime, Url};
use tracing_subscriber::EnvFilter;
use wallet::config::SYSTEM_TRUST;

mod camera;
mod chooser;
mod commands;
#[cfg(desktop)]
mod curtain;
mod first_look;
mod leaving;
mod links;
#[cfg(desktop)]
mod notices;
mod phone_reader;
mod screen;
mod settings;
mod shell;
mod standing_call;
mod surroundings;
#[cfg(target_os = "linux")]
mod switches;
#[cfg(desktop)]
mod waiting;

use phone_reader::PhoneReader;
use shell::Shell;

/// Runs the window until it is closed.
///
/// # Panics
///
/// When the system can show no window at all.
#[cfg_attr(mobile, tauri::mobile_entry_point)]
pub fn run() {
    #[cfg(target_os = "linux")]
    switches::set();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    #[cfg_attr(mobile, allow(unused_mut, reason = "only a desk has windows that can be hidden"))]
    let mut context = tauri::generate_context!();
    #[cfg(desktop)]
    curtain::draw(&mut context);
    let app = window(desk(Builder::default())).build(context).expect("the system shows a window");
    #[cfg(desktop)]
    if let Some(code) = links::register_if_asked(app.handle()) {
        app.cleanup_before_exit();
        std::process::exit(code);
    }
    app.run(|app, event| {
        if matches!(event, RunEvent::Exit) {
            block_on(app.state::<Shell>().close());
        }
    });
}

/// What a window on a desk has beside that, and a test's has not: it is the only one, and stays where it was put.
fn desk<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    #[cfg(desktop)]
    let builder = {
        use tauri_plugin_window_state::{Builder as WindowState, StateFlags};
        let kept = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED | StateFlags::FULLSCREEN;
        links::one_window(builder).plugin(WindowState::default().with_state_flags(kept).build())
    };
    builder
}

/// Everything of the window but its context, so that tests run the same one without a display.
#[expect(clippy::too_many_lines, reason = "the list of the commands")]
fn window<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    let builder = first_look::plugin(camera::plugin(links::plugin(chooser::plugin(builder))));
    #[cfg(desktop)]
    let builder = curtain::plugin(notices::plugin(builder));
    builder
        .plugin(tauri_plugin_card_reader::init())
        .plugin(at_home())
        .invoke_handler(tauri::generate_handler![
            commands::status,
            commands::watch,
            commands::inbox,
            commands::show,
            commands::open_link,
            commands::reject,
            commands::postpone,
            commands::block_merchant,
            commands::readers,
            commands::reader_test_start,
            commands::reader_test_stop,
            commands::checkout_start,
            commands::checkout_choose,
            commands::pin_pad,
            commands::pin_press,
            commands::pin_erase,
            commands::pin_submit,
            commands::checkout_stop,
            commands::checkout_done,
            commands::show_receipt,
            commands::claim_start,
            commands::claim_confirm,
            commands::save_settings,
            commands::payer::claim_transfer,
            commands::payer::claim_release,
            commands::payer::payment_numbers,
            commands::payer::payment_number_create,
            commands::payer::payment_number_revoke,
            commands::payer::accept_sender,
            commands::payer::senders,
            commands::payer::blocked,
            commands::payer::unblock,
            commands::payer::report_request,
            commands::merchant::merchant,
            commands::merchant::merchant_connect,
            commands::merchant::merchant_disconnect,
            commands::merchant::sell,
            commands::merchant::sale,
            commands::merchant::sales,
            commands::merchant::sales_csv,
            commands::merchant::sale_cancel,
            commands::merchant::sale_resend,
            commands::merchant::sale_refund,
            commands::merchant::day_close,
            commands::merchant::catalogue,
            commands::merchant::save_catalogue,
            commands::merchant::counters,
            commands::merchant::counter_create,
            commands::merchant::webhooks,
            commands::merchant::webhook_create,
            commands::merchant::webhook_rotate,
            commands::merchant::webhook_delete,
            commands::merchant::webhook_test,
            commands::merchant::webhook_deliveries,
            commands::merchant::webhook_redeliver,
            commands::merchant::access,
            commands::merchant::api_key_create,
            commands::merchant::api_key_revoke,
            commands::merchant::scan_image,
            commands::pay::payment_methods,
            commands::pay::choose_method,
            commands::pay::postpone_until,
            commands::pay::bring_back,
            commands::pay::request_of_receipt,
            commands::shell::abilities,
            commands::shell::scan_camera,
            commands::shell::scan_camera_stop,
            commands::shell::haptic,
            commands::shell::screen_holds,
            commands::shell::notice_example,
            commands::keep::devices,
            commands::keep::device_rename,
            commands::keep::device_remove,
            commands::keep::former_dismiss,
            commands::keep::accepted,
            commands::keep::sender_block,
            commands::keep::trust,
            commands::keep::reader_diagnosis,
            commands::keep::diagnosis,
            commands::keep::backup_status,
            commands::keep::backup_make,
            commands::keep::backup_restore,
            commands::keep::export_all,
            commands::keep::clear_ended,
            commands::keep::licences,
            commands::keep::licence_text,
            commands::history::history,
            commands::history::history_lines,
            commands::history::history_choices,
            commands::history::history_export,
            commands::history::receipt_export,
            commands::history::check_receipt,
            commands::lock::lock,
            commands::lock::lock_now,
            commands::lock::presence,
            commands::lock::start_anew,
            commands::lock::introduced,
            commands::lock::unlock,
            commands::lock::lock_turn_on,
            commands::lock::lock_change,
            commands::lock::lock_turn_off,
            commands::means::voucher_banks,
            commands::means::voucher_pay,
            commands::means::code_begin,
            commands::means::code_entry,
            commands::means::code_send,
            commands::means::code_confirm,
            commands::means::code_pay,
            commands::means::code_stop,
            commands::alias::alias_pay,
            commands::alias::alias_state,
            commands::alias::alias_begin,
            commands::alias::alias_read_card,
            commands::alias::alias_factor,
            commands::alias::alias_enrol,
            commands::alias::alias_sign_in,
            commands::alias::alias_change,
            commands::alias::alias_export,
            commands::alias::alias_remember,
            commands::alias::alias_leave,
            commands::means::code_forget,
            commands::means::code_terminals,
            commands::carrier::operators,
            commands::carrier::phone_bills,
            commands::carrier::bill_ask,
            commands::carrier::bill_entry,
            commands::carrier::bill_again,
            commands::carrier::bill_enrol,
            commands::carrier::bill_stop,
            commands::carrier::bill_forget,
            commands::carrier::bill_pay,
            commands::carrier::bill_find,
            commands::vouchers::voucher_batches,
            commands::vouchers::voucher_bank_key,
            commands::vouchers::voucher_batch_make,
            commands::vouchers::voucher_batch_save,
            commands::vouchers::voucher_check,
            commands::vouchers::voucher_reconcile
        ])
        .on_window_event(leaving::on_window_event)
        .setup(|app| {
            open_wallet(app);
            Ok(())
        })
}

/// Keeps the window on its own pages: whatever a text on the screen holds, it leads nowhere else.
fn at_home<R: Runtime>() -> tauri::plugin::TauriPlugin<R> {
    tauri::plugin::Builder::new("at-home").on_navigation(|_webview, url| is_own_page(url)).build()
}

fn is_own_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Windows and Android serve the app's own pages under this reserved name.
        "http" | "https" => cfg!(any(windows, target_os = "android")) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

/// Opens the wallet beside the window, and then the link the program was started with, or is handed later.
fn open_wallet<R: Runtime>(app: &App<R>) {
    let mut config = settings::wallet_config(|name| std::env::var_os(name), platform_home(app));
    if let Ok(config) = &mut config
        && cfg!(mobile)
    {
        config.own_readers.push(Arc::new(PhoneReader::new(app.handle().clone())));
    }
    if cfg!(target_os = "linux") {
        config = config.map(|config| config.or_trust_of(Path::new(SYSTEM_TRUST)));
    }
    app.manage(Shell::new(config));
    let app = app.handle().clone();
    #[cfg(any(target_os = "macos", mobile))]
    links::hear(&app);
    tauri::async_runtime::spawn(screen::follow(app.clone()));
    #[cfg(desktop)]
    tauri::async_runtime::spawn(curtain::open_at_last(app.clone()));
    #[cfg(desktop)]
    tauri::async_runtime::spawn(notices::follow(app.clone()));
    tauri::async_runtime::spawn(links::follow(app));
}

/// Where this platform keeps a program's data: on phones only Tauri knows.
fn platform_home<R: Runtime>(app: &App<R>) -> Option<std::path::PathBuf> {
    if cfg!(mobile) { app.path().app_data_dir().ok() } else { wallet::WalletConfig::default_home() }
}

#[cfg(test)]
mod tests;
