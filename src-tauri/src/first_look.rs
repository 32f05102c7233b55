//! What the window shows first, in one answer that the page fetches: every other call goes through the isolation frame, which is
//! there only after the page. Nothing else can be asked here, nothing is changed by it, and only the window's own pages
//! may read it.

use protocol::ipc::merchant::Merchant;
use protocol::ipc::{Inbox, Status, Watch};
use serde_json::json;
use tauri::http::{Response, header};
use tauri::{AppHandle, Builder, Manager, Runtime};

use crate::commands::{inbox, merchant, status, watch};
use crate::shell::Shell;

/// The scheme of its address.
const SCHEME: &str = "first";
/// The origin of the window's own pages; Windows and Android serve them under a reserved name.
const OWN_ORIGIN: &str =
    if cfg!(any(windows, target_os = "android")) { "http://tauri.localhost" } else { "tauri://localhost" };

/// The window with the first look.
pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.register_asynchronous_uri_scheme_protocol(SCHEME, |context, _request, responder| {
        let app = context.app_handle().clone();
        tauri::async_runtime::spawn(async move { responder.respond(look(&app).await) });
    })
}

/// The answers by their commands' names, each as `Ok` or `Err`. The long poll's comes first: the others are then as new as it
/// or newer, and need not be read again.
async fn look<R: Runtime>(app: &AppHandle<R>) -> Response<Vec<u8>> {
    let shell = || app.state::<Shell>();
    let watch = watch(shell(), Watch { after: 0 }).await;
    let (status, merchant, inbox) =
        tokio::join!(status(shell(), Status {}), merchant::merchant(shell(), Merchant {}), inbox(shell(), Inbox {}));
    let answers = json!({ "watch": watch, "status": status, "merchant": merchant, "inbox": inbox });
    let mut response = Response::new(answers.to_string().into_bytes());
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, OWN_ORIGIN),
    ] {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use protocol::{ErrorCode, Problem};
    use serde_json::Value;
    use tauri::test::{mock_builder, mock_context, noop_assets};

    use super::*;

    #[tokio::test]
    async fn a_wallet_that_does_not_open_is_the_answer_to_everything_and_only_own_pages_read_it() {
        let app = mock_builder().build(mock_context(noop_assets())).unwrap();
        app.manage(Shell::new(Err(Problem::new(ErrorCode::KeysetInvalid))));
        let response = look(app.handle()).await;
        let answers: Value = serde_json::from_slice(response.body()).unwrap();
        for command in ["watch", "status", "merchant", "inbox"] {
            assert_eq!(answers[command]["Err"]["code"], "keyset_invalid", "{command}");
        }
        assert_eq!(answers.as_object().unwrap().len(), 4);
        assert_eq!(response.headers()["access-control-allow-origin"], OWN_ORIGIN);
        assert!(crate::is_own_page(&OWN_ORIGIN.parse().unwrap()));
    }
}
