//! Keeps the screen private while a card or a PIN is on it, and the PIN pad readable for whoever listens to it.
//!
//! Rust does both by itself for what it asks for: a window that could ask for them could also undo them. The window's own
//! word about what is typed on its pages can only add to that.

use std::time::Duration;

use protocol::ipc::shell::OnScreen;
use protocol::ipc::{CheckoutStage, CheckoutView, PinLayout};
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_card_reader::{CardReaderExt, ScreenPrivacy, ScreenReader};

use crate::shell::Shell;

/// How often an unopened wallet, or a screen that refused, is tried again.
pub(crate) const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Follows the checkout for as long as the program runs.
pub(crate) async fn follow<R: Runtime>(app: AppHandle<R>) {
    let mut privacy = ScreenPrivacy::Open;
    let mut seen = 0;
    loop {
        let Ok(wallet) = app.state::<Shell>().even_locked().await else {
            tokio::time::sleep(TRY_AGAIN).await;
            continue;
        };
        let Ok(view) = wallet.watch(seen).await else {
            tokio::time::sleep(TRY_AGAIN).await;
            continue;
        };
        seen = view.seq;
        let wanted = wanted(view.checkout.as_ref(), wallet.on_screen());
        if wanted == privacy {
            continue;
        }
        match app.card_reader().secure_screen(wanted).await {
            Ok(()) => privacy = wanted,
            Err(error) => {
                tracing::warn!(%error, "the screen's privacy did not change");
                seen = 0;
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    }
}

/// The layout that the person can use: a screen reader says nothing of keys that are pictures.
pub(crate) async fn layout_for<R: Runtime>(app: &AppHandle<R>, asked: PinLayout) -> PinLayout {
    match app.card_reader().screen_reader().await {
        Ok(ScreenReader::On) => PinLayout::Standard,
        Ok(ScreenReader::Off | ScreenReader::Unknown) | Err(_) => asked,
    }
}

/// Private while a secret is typed, and from the wait for the card until card and PIN are sealed. What the bank says may be
/// shown to others.
fn wanted(checkout: Option<&CheckoutView>, on_screen: OnScreen) -> ScreenPrivacy {
    match on_screen {
        OnScreen::Secret => ScreenPrivacy::Private,
        OnScreen::Plain => wanted_for(checkout),
    }
}

fn wanted_for(checkout: Option<&CheckoutView>) -> ScreenPrivacy {
    let Some(checkout) = checkout else { return ScreenPrivacy::Open };
    match checkout.progress {
        CheckoutStage::WaitingForCard
        | CheckoutStage::Reading { .. }
        | CheckoutStage::Choose { .. }
        | CheckoutStage::Pin { .. }
        | CheckoutStage::Sealing => ScreenPrivacy::Private,
        CheckoutStage::Sending
        | CheckoutStage::AskingBank
        | CheckoutStage::Paid { .. }
        | CheckoutStage::Unknown { .. }
        | CheckoutStage::Refused { .. } => ScreenPrivacy::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ipc::CardStay;
    use serde_json::json;
    use tauri::test::{mock_builder, mock_context, noop_assets};

    fn checkout(progress: &CheckoutStage) -> CheckoutView {
        let view = json!({
            "request_id": "0193a5c0-0000-7000-8000-000000000001",
            "method": "card",
            "amount": { "minor": 1, "currency": "EUR" },
            "payee": "Shop",
            "progress": progress,
        });
        serde_json::from_value(view).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_card_and_a_pin_are_for_one_pair_of_eyes() {
        let pin = CheckoutStage::Pin { card_label: "visa ••0050".to_owned(), card: CardStay::MayGo, read_ms: 420 };
        for stage in [CheckoutStage::WaitingForCard, pin, CheckoutStage::Sealing] {
            assert_eq!(wanted(Some(&checkout(&stage)), OnScreen::Plain), ScreenPrivacy::Private, "{stage:?}");
        }
        for stage in [CheckoutStage::Sending, CheckoutStage::Unknown { deadline_ms: 1 }] {
            assert_eq!(wanted(Some(&checkout(&stage)), OnScreen::Plain), ScreenPrivacy::Open, "{stage:?}");
        }
        assert_eq!(wanted(None, OnScreen::Plain), ScreenPrivacy::Open);
        // Where something is typed before there is a payment, the window says so; it cannot take the rest back.
        assert_eq!(wanted(None, OnScreen::Secret), ScreenPrivacy::Private);
    }

    #[tokio::test]
    async fn where_nobody_tells_of_a_screen_reader_the_person_chooses() {
        let app = mock_builder()
            .plugin(tauri_plugin_card_reader::init())
            .build(mock_context(noop_assets()))
            .unwrap_or_else(|error| panic!("{error}"));
        for asked in [PinLayout::Scrambled, PinLayout::Standard] {
            assert_eq!(layout_for(app.handle(), asked).await, asked);
        }
    }
}
