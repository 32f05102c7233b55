//! One receipt, both of its seals checked afresh.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::AttemptId;
use protocol::error::Problem;
use protocol::ipc::{ReceiptView, ShowReceipt};

use crate::components::problem::problem_text;
use crate::components::receipt_refund::receipt_refund;
use crate::components::receipt_sheet::{Whose, receipt_sheet};
use crate::components::{back_button, loading_list};
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::signal::RwSignal;
use crate::state::App;

/// The screen.
pub fn page(app: App, attempt_id: AttemptId) -> impl IntoView {
    let receipt = RwSignal::new(None::<Result<ReceiptView, Problem>>);
    // Something may be given back while it is open.
    Effect::new(move || {
        app.history.version.track();
        spawn_local(async move {
            receipt.try_set(Some(invoke(ShowReceipt { attempt_id }).await));
        });
    });
    view! {
        <header class="page-head page-head-nav">{back_button(app)}<h1 class="nav-title" tabindex="-1">{app.t(Text::ReceiptTitle)}</h1></header>
        {move || match receipt.get() {
            None => loading_list(app, Text::ReceiptLoading).into_any(),
            Some(Ok(receipt)) => view! {
                {receipt_refund(app, &receipt)}
                {receipt_sheet(app, &receipt, Whose::Own)}
            }.into_any(),
            Some(Err(problem)) => view! {
                <div class="refusal" data-problem=problem.code.as_str()>{problem_text(app, &problem)}</div>
            }.into_any(),
        }}
    }
}
