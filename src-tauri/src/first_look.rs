//! What the window shows first, in one answer that the page fetches: every other call goes through the isolation frame, which is
//! there only after the page. Nothing else can be asked here, nothing is changed by it, and only the window's own pages
//! may read it.

use protocol::ipc::merchant::Merchant;
use protocol::ipc::{FirstLook, FirstLookInside, Inbox, Status, Watch};
use tauri::http::{Response, StatusCode, header};
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

/// The answer, or none where the wallet has none: what keeps it from answering is told by the commands themselves.
async fn look<R: Runtime>(app: &AppHandle<R>) -> Response<Vec<u8>> {
    let answer = ask(app).await.and_then(|look| serde_json::to_vec(&look).ok());
    let status = if answer.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = Response::new(answer.unwrap_or_default());
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, OWN_ORIGIN),
    ] {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}

async fn ask<R: Runtime>(app: &AppHandle<R>) -> Option<FirstLook> {
    let shell = || app.state::<Shell>();
    let status = status(shell(), Status {}).await.ok()?;
    let watch = watch(shell(), Watch { after: 0 }).await.ok()?;
    let (merchant, inbox) = tokio::join!(merchant::merchant(shell(), Merchant {}), inbox(shell(), Inbox {}));
    let inside = merchant.ok().zip(inbox.ok()).map(|(merchant, inbox)| FirstLookInside { merchant, inbox });
    Some(FirstLook { status, watch, inside })
}

#[cfg(test)]
mod tests {
    use protocol::{ErrorCode, Problem};
    use tauri::test::{mock_builder, mock_context, noop_assets};

    use super::*;

    #[tokio::test]
    async fn a_wallet_that_does_not_open_leaves_the_answer_to_its_commands_and_only_own_pages_read_it() {
        let app = mock_builder().build(mock_context(noop_assets())).unwrap();
        app.manage(Shell::new(Err(Problem::new(ErrorCode::KeysetInvalid))));
        let response = look(app.handle()).await;
        assert_eq!((response.status(), response.body().len()), (StatusCode::SERVICE_UNAVAILABLE, 0));
        assert_eq!(response.headers()["access-control-allow-origin"], OWN_ORIGIN);
        assert!(crate::is_own_page(&OWN_ORIGIN.parse().unwrap()));
    }
}
