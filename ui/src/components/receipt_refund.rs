//! On a receipt: what its merchant gave back since, which no receipt can hold.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::Amount;
use protocol::ipc::pay::RequestOfReceipt;
use protocol::ipc::{ReceiptView, RequestView};

use crate::components::refund_note::{came_back, refund_note};
use crate::ipc::invoke;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The note; nothing while nothing came back. The request knows when it did; where there is none any more, the history
/// knows how much.
pub fn receipt_refund(app: App, receipt: &ReceiptView) -> AnyView {
    let (attempt_id, total) = (receipt.summary.attempt_id, receipt.summary.amount);
    let kept = receipt.refunded_minor.map(|minor| Amount::new(minor, total.currency()));
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
    let known = Memo::new(move |_| request.get().filter(|request| request.refunded_minor > 0));
    let note = move || match known.get() {
        Some(request) => refund_note(app, &request),
        None => kept.and_then(|back| came_back(app, total, back, None)),
    };
    note.into_any()
}
