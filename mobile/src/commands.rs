//! The three calls as Tauri commands; no window is granted them by default.

use tauri::{AppHandle, Runtime};

use crate::CardReaderExt;
use crate::error::Result;
use crate::models::{Apdu, ApduText, OpenCard, OpenedCard};

#[tauri::command]
pub(crate) async fn open<R: Runtime>(app: AppHandle<R>, args: OpenCard) -> Result<OpenedCard> {
    app.card_reader().open(args).await
}

#[tauri::command]
pub(crate) async fn transceive<R: Runtime>(app: AppHandle<R>, args: ApduText) -> Result<ApduText> {
    let answer = app.card_reader().transceive(&Apdu::try_from(args)?).await?;
    Ok(ApduText::from(&answer))
}

#[tauri::command]
pub(crate) async fn close<R: Runtime>(app: AppHandle<R>) -> Result<()> {
    app.card_reader().close().await
}
