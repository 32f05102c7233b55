//! Where the device's keys rest: never in the open, never somewhere else than asked.

use std::process::Command;

use wallet::{KeyStoreKind, Wallet};

use crate::stage::Stage;

/// Set where a secret service answers, such as inside `dbus-run-session` with gnome-keyring.
const KEYRING_EXPECTED: &str = "TAPSEAL_TEST_KEYRING";

fn key_files(stage: &Stage) -> usize {
    let names = std::fs::read_dir(stage.home()).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".key")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keyring_the_wallet_says_so_and_writes_no_key() {
    let stage = Stage::open().await;
    let output = Command::new(env!("CARGO_BIN_EXE_tapseal-wallet"))
        .args(["--json", "--key-store", "keyring", "register"])
        .arg("--home")
        .arg(stage.home())
        .arg("--trust")
        .arg(stage.trust())
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .env_remove("TAPSEAL_KEY_STORE")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let problem: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(problem["code"], "no_keyring");
    assert_eq!(problem["money_moved"], "no");
    assert_eq!(key_files(&stage), 0, "no fallback to a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_key_store_keeps_the_device() {
    let stage = Stage::open().await;
    let wallet = stage.wallet().await;
    assert_eq!(wallet.status().await.unwrap().key_store, "file");
    wallet.close().await;
    stage.wallet().await.sync().await.unwrap();
    assert_eq!(key_files(&stage), 1, "the same device again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyring_keeps_the_device() {
    if std::env::var_os(KEYRING_EXPECTED).is_none() {
        eprintln!("{KEYRING_EXPECTED} is not set: no secret service is expected here");
        return;
    }
    let stage = Stage::open().await;
    let mut config = stage.config();
    config.key_store = KeyStoreKind::Keyring;
    let first = Wallet::open(config.clone()).await.unwrap();
    first.sync().await.unwrap();
    let device = device_id(&stage).await;
    first.close().await;
    let second = Wallet::open(config).await.unwrap();
    assert_eq!(second.status().await.unwrap().key_store, "keyring");
    second.sync().await.unwrap();
    assert_eq!(device_id(&stage).await, device, "the keyring gave the same keys back");
    assert_eq!(key_files(&stage), 0);
}

async fn device_id(stage: &Stage) -> String {
    use sqlx::Connection;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(stage.home().join("wallet.db"));
    let mut database = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let (id,): (String,) =
        sqlx::query_as("SELECT value FROM setting WHERE name = 'device_id'").fetch_one(&mut database).await.unwrap();
    id
}
