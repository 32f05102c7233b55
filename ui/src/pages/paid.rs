//! Paid: the bank approved and the receipt verified. The stamp lands once.

use leptos::prelude::*;
use protocol::ipc::CheckoutStage;

use crate::components::button::Button;
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
        let order_number = untrack(|| app.request(checkout.request_id)).map(|request| request.order_number);
        let is_bill = checkout.method == payment::Method::Carrier;
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
                    <p class="quiet facts-line" data-part="reference">
                        <span>{move || format::time_of_day(decided_ms, lang.get())}</span>
                        {order_number.map(|number| view! { <span>{app.fill(Text::RequestOrderNumber, "number", number)}</span> })}
                        {(!is_bill).then(|| view! { <span>{app.fill(Text::PaidApproval, "code", approval_code.clone())}</span> })}
                    </p>
                    {is_bill.then(|| view! {
                        <p data-part="confirmation">{app.fill(Text::BillConfirmation, "number", approval_code.clone())}</p>
                        <p class="quiet small" data-part="confirmation-for">{app.t(Text::BillConfirmationFor)}</p>
                    })}
                })}
                <div class="actions actions-bottom">
                    {Button::main("done", Text::ActionDone).on(app, move || app.finish_checkout())}
                    {attempt_id.map(|attempt_id| Button::plain("receipt", Text::PaidReceipt)
                        .on(app, move || app.after_checkout(Screen::Receipt(attempt_id))))}
                </div>
            </div>
        }
    })
}
