//! A sale in front of its payer: the code, how long, two words, and what the payer is doing.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use payment::{RequestId, RequestState};
use protocol::ipc::merchant::{SaleQr, SaleSummary, SaleView};

use super::parts::missing;
use crate::browser;
use crate::components::amount::{AmountSize, amount};
use crate::components::ring::expiry_ring;
use crate::components::seal_picture::{SealStage, seal_picture};
use crate::components::{back_button, icon, pips};
use crate::i18n::Text;
use crate::merchant::face::SaleFace;
use crate::merchant::till::CodeKind;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The steps from a request to its payment: asked, sent, opened, paying.
const STEPS: u8 = 4;

/// The screen.
pub fn page(app: App, request_id: RequestId) -> impl IntoView {
    // What the payer does is followed by its own parts; the screen is drawn again only when the rest changed.
    let sale = Memo::new(move |_| {
        let sale = app.till.sale.get().filter(|sale| sale.summary.request_id == request_id)?;
        Some(still(sale))
    });
    move || match (sale.get(), app.till.sale_problem.get()) {
        (Some(sale), _) => shown(app, &sale).into_any(),
        (None, Some(problem)) => view! {
            <header class="page-head page-head-nav">{back_button(app)}</header>
            {missing(app, &problem, move || leptos::task::spawn_local(app.read_sale(request_id)))}
        }
        .into_any(),
        (None, None) => view! { <p class="quiet" role="status">{app.t(Text::SaleLoading)}</p> }.into_any(),
    }
}

/// A sale without what moves: its clock, its state, its code and what follows from them.
fn still(sale: SaleView) -> SaleView {
    let amount = sale.summary.amount;
    let summary =
        SaleSummary { state: RequestState::Created, order_number: String::new(), refunded: amount, ..sale.summary };
    SaleView {
        summary,
        items: Vec::new(),
        now_ms: 0,
        qr: None,
        deliveries: Vec::new(),
        refunds: Vec::new(),
        refundable: amount,
        timeline: Vec::new(),
        deadline_ms: None,
        method: None,
        ..sale
    }
}

fn face(app: App) -> Option<SaleFace> {
    app.till.sale.with(|sale| sale.as_ref().map(|sale| SaleFace::of(&sale.summary.state)))
}

fn shown(app: App, sale: &SaleView) -> impl IntoView + use<> {
    let summary = &sale.summary;
    let request_id = summary.request_id;
    let is_open = move || face(app).is_some_and(SaleFace::is_open);
    let expires_ms = sale.expires_ms;
    let made_ms = summary.created_ms;
    view! {
        <div class="pos" data-sale-shown=request_id.to_string() data-face=move || face(app).map_or("", SaleFace::name)>
            <header class="pos-head">
                <h1 class="unseen" tabindex="-1">{app.t(Text::PosTitle)}</h1>
                <div class="pos-amount">{amount(app, summary.amount, AmountSize::Hero)}</div>
                {expiry_ring(app, made_ms, expires_ms)}
            </header>
            {code_or_payment(app)}
            <div class="pos-side">
                {match_words(app, sale)}
                {progress(app)}
                {move || is_open().then(|| tell(app, request_id))}
            </div>
            <footer class="pos-actions">
                <button class="button" type="button" data-action="cancel-sale" disabled=move || app.busy.get() || !is_open()
                    on:click=move |_| app.cancel_sale(request_id)>{app.t(Text::PosCancel)}</button>
                <button class="button" type="button" data-action="new-sale" on:click=move |_| app.next_sale()>{app.t(Text::PosNew)}</button>
            </footer>
        </div>
    }
}

/// The code, until somebody pays: then nobody else is to scan it.
fn code_or_payment(app: App) -> impl IntoView {
    let qr = Memo::new(move |_| app.till.sale.with(|sale| sale.as_ref().and_then(|sale| sale.qr.clone())));
    let has_code = Memo::new(move |_| qr.with(Option::is_some));
    let is_paying = Memo::new(move |_| face(app) == Some(SaleFace::Paying));
    move || match (is_paying.get(), has_code.get()) {
        (true, _) => view! {
            <section class="pos-code pos-code-paying">
                {seal_picture(|| SealStage::Bank)}
                <p class="lead">{app.t(Text::PosPayingBody)}</p>
            </section>
        }
        .into_any(),
        (false, true) => code(app, qr).into_any(),
        (false, false) => view! {
            <section class="pos-code pos-code-none">
                <p class="lead">{app.t(Text::PosNoCode)}</p>
                <p class="quiet">{app.t(Text::PosNoCodeBody)}</p>
            </section>
        }
        .into_any(),
    }
}

/// The code: dark on white with its quiet zone, whatever the theme.
fn code(app: App, qr: Memo<Option<SaleQr>>) -> impl IntoView {
    let name = move || app.till.merchant.with(|it| it.as_ref().map(|it| it.display_name.clone()));
    let kind = app.till.code;
    let is_emv = move || kind.get() == CodeKind::Emv;
    let source = move || {
        let svg = |qr: &SaleQr| browser::svg_url(if is_emv() { &qr.emv_svg } else { &qr.link_svg });
        qr.with(|qr| qr.as_ref().map(svg))
    };
    let alt = move || app.t(if is_emv() { Text::PosCodeEmv } else { Text::PosCodeLink })();
    let choice = move |of: CodeKind, action: &'static str, text: Text| {
        view! {
            <button class="tab" type="button" data-action=action aria-pressed=move || (kind.get() == of).to_string()
                on:click=move |_| kind.set(of)>{app.t(text)}</button>
        }
    };
    view! {
        <section class="pos-code">
            <p class="pos-name"><bdi>{name}</bdi></p>
            <figure class="pos-qr" data-code=move || if is_emv() { "emv" } else { "link" }><img src=source alt=alt/></figure>
            <div class="tabs" role="group" aria-label=app.t(Text::PosCodeChoice)>
                {choice(CodeKind::Link, "code-link", Text::PosTabLink)}
                {choice(CodeKind::Emv, "code-emv", Text::PosTabEmv)}
            </div>
        </section>
    }
}

/// The two words that the payer's wallet shows too.
pub fn match_words(app: App, sale: &SaleView) -> impl IntoView + use<> {
    let (english, chinese) = (sale.match_words.clone(), sale.match_words_zh.clone());
    let words = move || {
        let words = app.lang.get().pick(&english, &chinese).clone();
        words.map(|word| view! { <b class="match-word" translate="no">{word}</b> }).collect_view()
    };
    view! {
        <section class="pos-words" data-part="match-words">
            <p class="match-words">{words}</p>
            <p class="quiet small">{app.t(Text::PosWordsHelp)}</p>
        </section>
    }
}

/// What the payer is doing, in a word and in squares.
fn progress(app: App) -> impl IntoView {
    let now = Memo::new(move |_| face(app));
    let text = move || now.get().map(|face| app.t(face.text())());
    view! {
        <p class="pos-progress" data-part="progress">
            {pips(move || (now.get().map_or(0, SaleFace::steps), STEPS))}
            <span>{text}</span>
        </p>
    }
}

/// For a payer who cannot scan: by payment number, phone or e-mail.
fn tell(app: App, request_id: RequestId) -> impl IntoView {
    let payer = RwSignal::new(String::new());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let payer = payer.get_untracked().trim().to_owned();
        if !payer.is_empty() {
            app.tell_payer(request_id, payer);
        }
    };
    let is_empty = move || payer.with(|payer| payer.trim().is_empty());
    view! {
        <form class="pos-tell" on:submit=submit novalidate>
            <label class="quiet small" for="tell">{app.t(Text::PosTell)}</label>
            <span class="form-line">
                <span class="field"><input id="tell" data-field="tell" type="text" inputmode="email" autocomplete="off" spellcheck="false"
                    dir="ltr" maxlength="254" placeholder=app.t(Text::SellPayerHint) bind:value=payer/></span>
                <button class="button" type="submit" data-action="tell" disabled=move || is_empty() || app.busy.get()>
                    {icon::chevron()}<span class="unseen">{app.t(Text::PosTellSend)}</span>
                </button>
            </span>
        </form>
    }
}
