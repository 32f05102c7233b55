//! Paid: the bank approved and the receipt verified. The stamp lands once.

use leptos::prelude::*;
use protocol::ipc::CheckoutStage;

use crate::components::seal_picture::stamp;
use crate::format;
use crate::i18n::Text;
use crate::place::Screen;
use crate::stage::paid_attempt;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    // Read once: the result does not change while it is shown, and the stamp must not land again.
    app.checkout.get_untracked().map(|checkout| {
        let lang = app.lang;
        let attempt_id = paid_attempt(&checkout);
        let sum = checkout.amount;
        let title = move || Text::PaidTitle.filled(lang.get(), &[("amount", &format::amount_text(sum, lang.get()))]);
        let details = match checkout.progress {
            CheckoutStage::Paid { approval_code, decided_ms, .. } => Some((approval_code, decided_ms)),
            _ => None,
        };
        view! {
            <div class="centre result">
                {stamp()}
                <h1 tabindex="-1" class="result-title" data-amount=sum.to_decimal() data-currency=sum.currency().code()>{title}</h1>
                <p><bdi class="payee">{checkout.payee}</bdi></p>
                {details.map(|(approval_code, decided_ms)| view! {
                    <p class="quiet">
                        {move || format::time_of_day(decided_ms, lang.get())}" · "
                        {app.fill(Text::PaidApproval, "code", approval_code)}
                    </p>
                })}
                <div class="actions actions-bottom">
                    <button class="button button-primary button-large" type="button" data-action="done"
                        on:click=move |_| app.finish_checkout()>{app.t(Text::ActionDone)}</button>
                    {attempt_id.map(|attempt_id| view! {
                        <button class="button" type="button" data-action="receipt"
                            on:click=move |_| app.after_checkout(Screen::Receipt(attempt_id))>{app.t(Text::PaidReceipt)}</button>
                    })}
                </div>
            </div>
        }
    })
}
