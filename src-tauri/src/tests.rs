//! The window's fences: the three lists of commands agree, what is not listed is refused, and failures are told.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::ipc::COMMAND_NAMES;
use protocol::{ErrorCode, Problem};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

use wallet::{KeyStoreKind, WalletConfig};

use crate::shell::Shell;
use crate::window;

fn protocol_names() -> BTreeSet<String> {
    COMMAND_NAMES.iter().map(|name| (*name).to_owned()).collect()
}

/// A window with the real permissions. Without an event loop Tauri runs no set-up and opens no configured window, so
/// both are done here.
fn app(config: Result<WalletConfig, Problem>) -> (App<MockRuntime>, WebviewWindow<MockRuntime>) {
    let app = window(mock_builder()).build(tauri::generate_context!()).unwrap();
    app.manage(Shell::new(config));
    let window = WebviewWindowBuilder::new(&app, "main", WebviewUrl::default()).build().unwrap();
    (app, window)
}

/// Why no wallet can open.
fn no_wallet() -> Result<WalletConfig, Problem> {
    Err(Problem::new(ErrorCode::InvalidInput).with_detail("TAPSEAL_KEY_STORE: set wrong on purpose"))
}

fn call(window: &WebviewWindow<MockRuntime>, command: &str, payload: Value) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: "tauri://localhost".parse().unwrap(),
        body: InvokeBody::Json(payload),
        headers: tauri::http::HeaderMap::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|answer| answer.deserialize().unwrap())
}

/// Arguments that deserialize for each command, so that a refusal is the wallet's and not the parser's.
fn arguments(command: &str) -> Value {
    let id = "0193a5c0-0000-7000-8000-000000000001";
    let settings = protocol::ipc::Settings::default();
    match command {
        "watch" => json!({ "after": 0 }),
        "show" | "reject" | "postpone" | "block_merchant" => json!({ "request_id": id }),
        "claim_transfer" => json!({ "identifier": "a@example.com", "code": "000000" }),
        "claim_release" => json!({ "identifier": "a@example.com" }),
        "payment_number_create" => json!({ "max": null, "merchant_id": null, "minutes": 10 }),
        "payment_number_revoke" => json!({ "id": id }),
        "accept_sender" | "bring_back" => json!({ "request_id": id }),
        "choose_method" => json!({ "method": { "kind": "card", "reader": null } }),
        "postpone_until" => json!({ "request_id": id, "until_ms": 1 }),
        "request_of_receipt" => json!({ "attempt_id": id }),
        "unblock" => json!({ "merchant_id": "blue-door" }),
        "report_request" => json!({ "request_id": id, "reason": "other", "note": null }),
        "open_link" => json!({ "link": "tapseal://r/abc" }),
        "reader_test_start" => json!({ "reader": null }),
        "checkout_start" => json!({ "request_id": id, "reader": null }),
        "checkout_choose" => json!({ "index": 0 }),
        "pin_pad" => json!({ "layout": "scrambled" }),
        "pin_press" => json!({ "position": 9 }),
        "show_receipt" => json!({ "attempt_id": id }),
        "claim_start" => json!({ "identifier": "a@example.com" }),
        "claim_confirm" => json!({ "identifier": "a@example.com", "code": "000000" }),
        "save_settings" => json!({ "settings": settings }),
        "history" => json!({ "query": {} }),
        "history_lines" => json!({ "query": {}, "from": 0, "count": 10 }),
        "history_export" => json!({ "query": {}, "format": "csv", "language": "en", "path": "list.csv" }),
        "receipt_export" => json!({ "attempt_id": id, "format": "pdf", "language": "en", "path": "receipt.pdf" }),
        "check_receipt" => json!({ "given": { "kind": "text", "text": "{}" } }),
        "presence" => json!({ "sign": "used" }),
        "start_anew" => json!({ "word": "" }),
        "unlock" | "lock_turn_on" => json!({ "passphrase": "" }),
        "lock_change" => json!({ "present": "", "passphrase": "" }),
        "lock_turn_off" => json!({ "present": "" }),
        _ => merchants_arguments(command),
    }
}

/// The same for the commands of a merchant's till.
fn merchants_arguments(command: &str) -> Value {
    let id = "0193a5c0-0000-7000-8000-000000000001";
    let amount = json!({ "minor": 1280, "currency": "USD" });
    let filter = json!({ "text": "", "status": "", "from_ms": null, "to_ms": null });
    let sale = json!({
        "amount": amount, "items": [], "order_number": "", "payer": "", "counter_id": null, "expires_s": 300,
    });
    match command {
        "merchant_connect" => json!({ "path": "access.json" }),
        "sell" => json!({ "sale": sale }),
        "sale" | "sale_cancel" => json!({ "request_id": id }),
        "sales" => json!({ "filter": filter, "cursor": null }),
        "sales_csv" => json!({ "filter": filter }),
        "sale_resend" => json!({ "request_id": id, "channel": "email" }),
        "sale_refund" => json!({ "request_id": id, "amount": amount, "reason": "" }),
        "day_close" => json!({ "date": "" }),
        "save_catalogue" => json!({ "items": [] }),
        "counter_create" => json!({ "name": "Till 2" }),
        "webhook_create" => json!({ "url": "https://shop.example/hook", "events": [] }),
        "webhook_rotate" | "webhook_delete" | "webhook_test" => json!({ "webhook_id": "1" }),
        "webhook_deliveries" => json!({ "webhook_id": "1", "cursor": null }),
        "webhook_redeliver" => json!({ "webhook_id": "1", "delivery_id": "2" }),
        "api_key_create" => json!({ "name": "Shop", "scopes": ["requests:read"] }),
        "api_key_revoke" => json!({ "key_id": "1" }),
        "scan_image" => json!({ "image": "" }),
        "haptic" => json!({ "touch": "done" }),
        _ => keeping_arguments(command),
    }
}

/// The same for the commands about what a person keeps.
fn keeping_arguments(command: &str) -> Value {
    let id = "0193a5c0-0000-7000-8000-000000000001";
    match command {
        "device_rename" => json!({ "device_id": id, "name": "Laptop" }),
        "device_remove" => json!({ "device_id": id }),
        "former_dismiss" => json!({ "identifier": "a@example.com" }),
        "sender_block" => json!({ "merchant_id": "blue-door" }),
        "backup_make" | "backup_restore" => json!({ "passphrase": "amber lantern orbit", "path": "a.tapseal-backup" }),
        "export_all" => json!({ "path": "export.json" }),
        "licence_text" => json!({ "name": "serde", "version": "1" }),
        "voucher_pay" => json!({ "request_id": id, "bank_id": "first", "number": "1", "code": "1" }),
        "code_begin" => json!({ "request_id": id, "identity_code": "1", "password": "1" }),
        "code_entry" => json!({ "request_id": id }),
        "code_send" => json!({ "terminal": 0, "account": 0, "address": null }),
        "bill_ask" => json!({ "operator": "o", "number": "+12025550143", "name": "Ada", "typed": "1" }),
        "bill_forget" => json!({ "operator": "o", "number": "+12025550143" }),
        "bill_pay" => json!({ "request_id": id, "operator": "o", "number": "+12025550143" }),
        "bill_find" => json!({ "confirmation": "1" }),
        "screen_holds" => json!({ "holds": "secret" }),
        "code_confirm" | "code_pay" | "bill_enrol" | "alias_enrol" => json!({ "code": "000000" }),
        "alias_pay" => json!({
            "request_id": id, "vault_id": "v", "name": "Ada", "password": "1", "code": "1", "place": 0
        }),
        "alias_begin" => json!({ "vault_id": "v", "name": "Ada", "password": "1" }),
        "alias_read_card" => json!({ "label": "", "limit": null, "reader": null }),
        "alias_sign_in" => json!({ "vault_id": "v", "name": "Ada", "password": "1", "code": "1" }),
        "alias_change" => json!({ "deed": { "deed": "remove" }, "code": "1" }),
        "alias_export" => json!({ "path": "x" }),
        "alias_remember" => json!({ "is_remembered": false }),
        "voucher_bank_key" => json!({ "file": "" }),
        "voucher_batch_make" => json!({
            "batch": "420001", "lots": [], "large_from": { "minor": 50_000, "currency": "USD" }, "bank_key": ""
        }),
        "voucher_batch_save" => json!({ "batch": "420001", "path": "batch.json" }),
        "voucher_check" => json!({ "number": "1", "code": "1" }),
        "voucher_reconcile" => json!({ "batch": "420001", "file": "" }),
        _ => json!({}),
    }
}

#[test]
fn the_capability_grants_the_protocols_commands_and_nothing_else() {
    let capability: Value = serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
    let granted: Vec<&str> =
        capability["permissions"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    let expected: Vec<String> = COMMAND_NAMES.iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
    assert_eq!(granted, expected);
    assert!(capability.get("remote").is_none(), "a remote page must get nothing");
    assert_eq!(capability["windows"], json!(["main"]));
}

#[test]
fn the_isolation_page_lets_the_same_commands_through() {
    let page = include_str!("../isolation/index.js");
    let list = page.split_once("const COMMANDS = new Set([").unwrap().1.split_once("])").unwrap().0;
    let names: BTreeSet<String> = list.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(names, protocol_names());
}

#[test]
fn the_configuration_keeps_its_fences() {
    let config: Value = serde_json::from_str(include_str!("../tauri.conf.json")).unwrap();
    let security = &config["app"]["security"];
    assert_eq!(config["app"]["withGlobalTauri"], json!(false));
    assert_eq!(security["pattern"]["use"], json!("isolation"));
    assert_eq!(security["freezePrototype"], json!(true));
    assert_eq!(security["capabilities"], json!(["main"]));
    let policy = security["csp"].to_string();
    for hole in ["unsafe-inline", "'unsafe-eval'", "*", "https:"] {
        assert!(!policy.contains(hole), "{hole} in {policy}");
    }
}

/// Tauri styles the isolation frame away with an inline sheet, but lists its hash only in the frame's own policy: without
/// the hash in ours the frame shows as an empty box below the page.
#[test]
fn the_policy_lets_tauri_hide_the_isolation_frame() {
    let config: Value = serde_json::from_str(include_str!("../tauri.conf.json")).unwrap();
    let digest = Sha256::digest(tauri::utils::pattern::isolation::IFRAME_STYLE);
    let expected = format!("'self' 'sha256-{}'", STANDARD.encode(digest));
    assert_eq!(config["app"]["security"]["csp"]["style-src"], json!(expected));
}

#[test]
fn every_command_is_there_and_tells_why_the_wallet_did_not_open() {
    let (_app, window) = app(no_wallet());
    for name in COMMAND_NAMES {
        let answer = call(&window, name, json!({ "args": arguments(name) }));
        let problem = answer.expect_err("there is no wallet");
        assert_eq!(problem["code"], json!("invalid_input"), "{name}: {problem}");
        assert_eq!(problem["money_moved"], json!("no"), "{name}: {problem}");
        assert_eq!(problem["detail"], json!("TAPSEAL_KEY_STORE: set wrong on purpose"), "{name}");
    }
}

#[test]
fn a_wallet_that_was_told_whom_to_trust_by_nobody_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = WalletConfig::new(folder.path().join("wallet"));
    config.key_store = KeyStoreKind::File;
    let (_app, window) = app(Ok(config));
    // Asking again tries again, and must not turn the failure into something else.
    for command in ["status", "inbox", "status"] {
        let problem = call(&window, command, json!({ "args": {} })).expect_err("there is no trust file");
        assert_eq!(problem["code"], json!("keyset_invalid"), "{command}: {problem}");
    }
}

#[test]
fn arguments_that_are_not_the_commands_are_refused() {
    let (_app, window) = app(no_wallet());
    for (command, args) in [
        ("pin_press", json!({ "position": 256 })),
        ("pin_press", json!({ "digit": 4 })),
        ("show", json!({ "request_id": "1" })),
        ("status", json!({ "verbose": true })),
    ] {
        let refusal = call(&window, command, json!({ "args": args })).expect_err("malformed arguments");
        assert!(refusal.as_str().is_some_and(|text| text.contains("invalid args")), "{command}: {refusal}");
    }
}

#[test]
fn what_the_window_was_not_granted_is_refused() {
    let (_app, window) = app(no_wallet());
    let foreign = [
        "plugin:card-reader|open",
        "plugin:card-reader|transceive",
        "plugin:card-reader|close",
        "plugin:event|listen",
        "plugin:window|create",
        "plugin:webview|create_webview_window",
        "plugin:path|resolve_directory",
        "plugin:notification|notify",
        "plugin:notification|is_permission_granted",
        "plugin:deep-link|register",
        "plugin:deep-link|get_current",
        "plugin:window-state|save_window_state",
        "refused_by_isolation",
    ];
    for command in foreign {
        let refusal = call(&window, command, json!({ "args": {} })).expect_err(command);
        let text = refusal.as_str().unwrap_or_default();
        assert!(text.contains("not allowed") || text.contains("not found"), "{command}: {refusal}");
    }
}

#[test]
fn the_window_stays_on_its_own_pages() {
    let stays = |url: &str| crate::is_own_page(&url.parse().unwrap());
    assert!(stays("tauri://localhost/"));
    for url in [
        "https://evil.example/",
        "http://localhost/",
        "tauri://evil.example/",
        "file:///etc/passwd",
        "data:text/html,x",
    ] {
        assert!(!stays(url), "{url}");
    }
}
