//! The commands of the lock and the first run.

use protocol::ipc::{lock, passphrase};
use tauri::State;

use super::Answer;
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn lock(shell: State<'_, Shell>, args: lock::Lock) -> Answer<lock::Lock> {
    let lock::Lock {} = args;
    shell.even_locked().await?.lock().await
}

#[tauri::command]
pub(crate) async fn lock_now(shell: State<'_, Shell>, args: lock::LockNow) -> Answer<lock::LockNow> {
    let lock::LockNow {} = args;
    shell.even_locked().await?.lock_now().await
}

#[tauri::command]
pub(crate) async fn presence(shell: State<'_, Shell>, args: lock::Presence) -> Answer<lock::Presence> {
    let lock::Presence { sign } = args;
    shell.even_locked().await?.presence(sign).await
}

#[tauri::command]
pub(crate) async fn start_anew(shell: State<'_, Shell>, args: lock::StartAnew) -> Answer<lock::StartAnew> {
    let lock::StartAnew { word } = args;
    shell.even_locked().await?.start_anew(word).await
}

#[tauri::command]
pub(crate) async fn introduced(shell: State<'_, Shell>, args: lock::Introduced) -> Answer<lock::Introduced> {
    let lock::Introduced {} = args;
    shell.wallet().await?.introduced().await
}

#[tauri::command]
pub(crate) async fn unlock(shell: State<'_, Shell>, args: passphrase::Unlock) -> Answer<passphrase::Unlock> {
    let passphrase::Unlock { passphrase } = args;
    shell.even_locked().await?.unlock(passphrase).await
}

#[tauri::command]
pub(crate) async fn lock_turn_on(
    shell: State<'_, Shell>,
    args: passphrase::LockTurnOn,
) -> Answer<passphrase::LockTurnOn> {
    let passphrase::LockTurnOn { passphrase } = args;
    shell.wallet().await?.lock_turn_on(passphrase).await
}

#[tauri::command]
pub(crate) async fn lock_change(
    shell: State<'_, Shell>,
    args: passphrase::LockChange,
) -> Answer<passphrase::LockChange> {
    let passphrase::LockChange { present, passphrase } = args;
    shell.wallet().await?.lock_change(present, passphrase).await
}

#[tauri::command]
pub(crate) async fn lock_turn_off(
    shell: State<'_, Shell>,
    args: passphrase::LockTurnOff,
) -> Answer<passphrase::LockTurnOff> {
    let passphrase::LockTurnOff { present } = args;
    shell.wallet().await?.lock_turn_off(present).await
}
