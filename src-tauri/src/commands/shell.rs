//! The commands about what surrounds the wallet: camera, haptics, notifications.

use protocol::ipc::shell as ipc;
use tauri::{AppHandle, Runtime, State};

use super::Answer;
use crate::shell::Shell;
use crate::{camera, surroundings};

#[tauri::command]
pub(crate) async fn abilities(shell: State<'_, Shell>, args: ipc::Abilities) -> Answer<ipc::Abilities> {
    let ipc::Abilities {} = args;
    shell.wallet().await?;
    Ok(surroundings::abilities().await)
}

#[tauri::command]
pub(crate) async fn scan_camera<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::ScanCamera,
) -> Answer<ipc::ScanCamera> {
    let ipc::ScanCamera {} = args;
    shell.wallet().await?.open_link(camera::scan(&app).await?).await
}

#[tauri::command]
pub(crate) async fn scan_camera_stop<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::ScanCameraStop,
) -> Answer<ipc::ScanCameraStop> {
    let ipc::ScanCameraStop {} = args;
    shell.wallet().await?;
    camera::stop(&app).await
}

#[tauri::command]
pub(crate) async fn haptic<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::Haptic,
) -> Answer<ipc::Haptic> {
    let feedback = shell.wallet().await?.status().await?.settings.feedback;
    surroundings::feel(&app, args.touch, feedback);
    Ok(())
}

#[tauri::command]
pub(crate) async fn screen_holds(shell: State<'_, Shell>, args: ipc::ScreenHolds) -> Answer<ipc::ScreenHolds> {
    let ipc::ScreenHolds { holds } = args;
    shell.wallet().await?.screen_holds(holds).await
}

#[tauri::command]
pub(crate) async fn notice_example<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::NoticeExample,
) -> Answer<ipc::NoticeExample> {
    let ipc::NoticeExample {} = args;
    surroundings::notice_example(&app, shell.wallet().await?.status().await?.settings.language);
    Ok(())
}
