//! What a merchant gave back of a payment: how much, when, and what is left of it.

use leptos::prelude::*;
use payment::Amount;
use protocol::ipc::RequestView;

use crate::components::icon;
use crate::format;
use crate::i18n::{Lang, Text};
use crate::state::App;

/// The note; nothing where nothing came back.
pub fn refund_note(app: App, request: &RequestView) -> Option<AnyView> {
    let back = Amount::new(request.refunded_minor, request.amount.currency());
    came_back(app, request.amount, back, request.refunded_ms)
}

/// The note about so much of a total; when it came back is ms since the Unix epoch, where it is known.
pub fn came_back(app: App, total: Amount, back: Amount, at_ms: Option<u64>) -> Option<AnyView> {
    let is_whole = back.minor() >= total.minor();
    let lang = app.lang;
    (back.minor() > 0).then(|| {
        view! {
            <section class="notice notice-plain" data-part="refunded" data-amount=back.to_decimal() data-whole=is_whole.to_string()>
                {icon::undo()}
                <div>
                    <p class="problem-title">{move || headline(back, total, lang.get())}</p>
                    {at_ms.map(|at_ms| view! {
                        <p class="quiet small">{move || {
                            let time = format::full_date_time(at_ms, lang.get());
                            Text::CameBackWhen.filled(lang.get(), &[("time", &time)])
                        }}</p>
                    })}
                    <p class="small">{move || rest(back, total, lang.get())}</p>
                </div>
            </section>
        }
        .into_any()
    })
}

fn headline(back: Amount, total: Amount, lang: Lang) -> String {
    let text = if back.minor() >= total.minor() { Text::CameBackWhole } else { Text::CameBackPart };
    text.filled(lang, &[("back", &format::amount_text(back, lang))])
}

/// What is still paid, and where the money comes back to.
fn rest(back: Amount, total: Amount, lang: Lang) -> String {
    let left = Amount::new(total.minor() - back.minor(), total.currency());
    if left.minor() <= 0 {
        return Text::CameBackWhere.in_language(lang).to_owned();
    }
    let [left, total] = [left, total].map(|amount| format::amount_text(amount, lang));
    Text::CameBackLeft.filled(lang, &[("left", &left), ("total", &total)])
}
