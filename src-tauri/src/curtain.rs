//! Keeps the window hidden until its page is loaded. One that is shown earlier has nothing to show; and on Linux, where pages are painted
//! without a driver, WebKit lets it wait up to half a second for a picture that the page does not give before it is loaded
//! (docs/adr/0046-start.md).

use std::time::Duration;

use tauri::webview::PageLoadEvent;
use tauri::{AppHandle, Builder, Context, Manager, Runtime};

/// How long a window stays hidden whose page does not come: one that never appears would be worse than an empty one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hides every window that is still to be made.
pub(crate) fn draw<R: Runtime>(context: &mut Context<R>) {
    for window in &mut context.config_mut().app.windows {
        window.visible = false;
    }
}

/// The window, shown when its page is loaded.
pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.on_page_load(|webview, load| {
        if load.event() == PageLoadEvent::Finished {
            open(webview.app_handle());
        }
    })
}

/// Shows the window in a while, whatever became of its page.
pub(crate) async fn open_at_last<R: Runtime>(app: AppHandle<R>) {
    tokio::time::sleep(PATIENCE).await;
    open(&app);
}

fn open<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = app.get_webview_window("main") else { return };
    let opened = window.is_visible().and_then(|is_visible| if is_visible { Ok(()) } else { window.show() });
    if let Err(error) = opened {
        tracing::warn!(%error, "the window was not shown");
    }
}

#[cfg(test)]
mod tests {
    use tauri::test::MockRuntime;

    use super::*;

    #[test]
    fn no_window_is_shown_when_it_is_made() {
        let mut context: Context<MockRuntime> = tauri::generate_context!();
        assert!(context.config().app.windows.iter().any(|window| window.visible), "the curtain hides something");
        draw(&mut context);
        assert!(!context.config().app.windows.iter().any(|window| window.visible));
    }
}
