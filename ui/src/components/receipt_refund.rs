//! On a receipt: what its merchant gave back since, which no receipt can hold.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::AttemptId;
use protocol::ipc::RequestView;
use protocol::ipc::pay::RequestOfReceipt;

use crate::components::refund_note::refund_note;
use crate::ipc::invoke;
use crate::state::App;

/// The note; nothing while nothing came back, and for receipts of other people.
pub fn receipt_refund(app: App, attempt_id: AttemptId) -> AnyView {
    let request = RwSignal::new(None::<RequestView>);
    // Read again when the inbox is: money may come back while the receipt is looked at.
    Effect::new(move || {
        app.inbox.track();
        spawn_local(async move {
            // Without an answer the receipt stands as it is.
            if let Ok(Some(view)) = invoke(RequestOfReceipt { attempt_id }).await {
                request.try_set(Some(view));
            }
        });
    });
    let came_back = Memo::new(move |_| request.get().filter(|request| request.refunded_minor > 0));
    (move || came_back.get().and_then(|request| refund_note(app, &request))).into_any()
}
