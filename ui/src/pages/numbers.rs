//! One-time payment numbers: what may be asked under a number, its digits in large, as QR and bar code, and taking it back.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::{Currency, MerchantId};
use protocol::ipc::payer::{NumberView, PaymentNumberCreate, PaymentNumberRevoke, PaymentNumbers, SenderName, Senders};
use protocol::wallet_api::PaymentNumberStatus;

use crate::browser;
use crate::components::back_button;
use crate::components::button::Button;
use crate::components::choice::{Choice, radio_list, select_field};
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::ring::expiry_ring;
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::merchant::money_text::amount_of;
use crate::place::Screen;
use crate::signal::RwSignal;
use crate::state::App;

/// The lives offered, in minutes.
const MINUTES: [&str; 4] = ["5", "10", "30", "60"];
/// The life that is chosen at first.
const MINUTES_AT_FIRST: &str = "10";
/// The longest amount, in characters.
const MAX_CHARS_MAX: u16 = 16;
/// The currencies offered for a largest amount.
const CURRENCIES: [&str; 6] = ["USD", "EUR", "CNY", "GBP", "JPY", "KWD"];

/// What the person chooses of a new number.
#[derive(Clone, Copy)]
struct Draft {
    app: App,
    max: RwSignal<String>,
    currency: RwSignal<String>,
    merchant: RwSignal<String>,
    minutes: RwSignal<&'static str>,
    numbers: RwSignal<Option<Vec<NumberView>>>,
    complaint: RwSignal<Option<Text>>,
}

impl Draft {
    fn make(self) {
        let text = self.max.get_untracked();
        let currency: Option<Currency> = self.currency.get_untracked().parse().ok();
        let max = currency.and_then(|currency| amount_of(text.trim(), currency));
        if !text.trim().is_empty() && max.is_none() {
            return self.complaint.set(Some(Text::NumbersMaxBad));
        }
        self.complaint.set(None);
        let merchant_id: Option<MerchantId> = self.merchant.get_untracked().parse().ok();
        let Ok(minutes) = self.minutes.get_untracked().parse() else { return };
        let app = self.app;
        app.while_busy(async move {
            let Some(made) = app.ask(PaymentNumberCreate { max, merchant_id, minutes }).await else { return };
            app.set_clock(made.now_ms);
            self.numbers.update(|numbers| numbers.get_or_insert_default().insert(0, made));
            self.max.set(String::new());
        });
    }

    async fn read(self) {
        if let Some(numbers) = self.app.ask(PaymentNumbers {}).await {
            self.numbers.try_set(Some(numbers));
        }
    }
}

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let draft = Draft {
        app,
        max: RwSignal::new(String::new()),
        currency: RwSignal::new(CURRENCIES[0].to_owned()),
        merchant: RwSignal::new(String::new()),
        minutes: RwSignal::new(MINUTES_AT_FIRST),
        numbers: RwSignal::new(None),
        complaint: RwSignal::new(None),
    };
    let senders = RwSignal::new(Vec::<SenderName>::new());
    spawn_local(async move {
        draft.read().await;
        if let Some(known) = app.ask(Senders {}).await {
            senders.try_set(known);
        }
    });
    // A number that was used brings a request: the inbox changes, and the list is read again.
    Effect::new(move |before: Option<()>| {
        app.inbox.track();
        if before.is_some() {
            spawn_local(draft.read());
        }
    });
    view! {
        <header class="page-head page-head-nav">
            {back_button(app)}
            <h1 tabindex="-1" class="nav-title">{app.t(Text::NumbersTitle)}</h1>
        </header>
        <p class="quiet page-lead">{app.t(Text::NumbersLead)}</p>
        <div class="settings numbers">
            {move || open_numbers(draft)}
            {form(draft, senders)}
            {move || earlier(draft)}
        </div>
    }
}

fn is_open(number: &NumberView) -> bool {
    number.status == PaymentNumberStatus::Open
}

fn open_numbers(draft: Draft) -> impl IntoView {
    let open = draft.numbers.with(|all| all.iter().flatten().filter(|it| is_open(it)).cloned().collect::<Vec<_>>());
    open.into_iter().map(|number| sheet(draft, number)).collect_view()
}

/// One open number, in large.
fn sheet(draft: Draft, number: NumberView) -> impl IntoView {
    let app = draft.app;
    let id = number.id.clone();
    let revoke = move |_| {
        let id = id.clone();
        app.while_busy(async move {
            if let Some(numbers) = app.ask(PaymentNumberRevoke { id }).await {
                draft.numbers.set(Some(numbers));
            }
        });
    };
    let picture = |svg: Option<String>, class: &'static str, text: Text| {
        svg.map(|svg| view! { <img class=class src=browser::svg_url(&svg) alt=app.t(text)/> })
    };
    let digits = match number.number {
        Some(digits) => view! {
            <p class="quiet small">{app.t(Text::NumbersSay)}</p>
            <p class="number-digits" dir="ltr" data-part="digits">{digits}</p>
        }
        .into_any(),
        None => view! { <p class="quiet">{app.t(Text::NumbersUnshown)}</p> }.into_any(),
    };
    let lang = app.lang;
    let scope = move || match number.max {
        Some(max) => Text::NumbersAtMost.filled(lang.get(), &[("amount", &format::amount_text(max, lang.get()))]),
        None => Text::NumbersAnyAmount.in_language(lang.get()).to_owned(),
    };
    let payee = match number.payee {
        Some(payee) => view! { <bdi>{payee}</bdi> }.into_any(),
        None => view! { <span>{app.t(Text::NumbersAnyShop)}</span> }.into_any(),
    };
    view! {
        <section class="group number-sheet" data-number=number.id data-status="open">
            {digits}
            {picture(number.qr_svg, "number-qr", Text::NumbersQr)}
            {picture(number.barcode_svg, "number-bars", Text::NumbersBarcode)}
            {expiry_ring(app, number.created_ms, number.expires_ms)}
            <p class="number-facts"><span>{scope}</span>{payee}</p>
            <button class="button" type="button" data-action="revoke-number" disabled=move || app.busy.get()
                on:click=revoke>{app.t(Text::NumbersRevoke)}</button>
        </section>
    }
}

fn form(draft: Draft, senders: RwSignal<Vec<SenderName>>) -> impl IntoView {
    let app = draft.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        draft.make();
    };
    let lives = MINUTES.map(|minutes| {
        let words = Words::Filled(Text::NumbersMinutesMany, "count", minutes.to_owned());
        Choice::new(minutes, words)
    });
    let currencies = || CURRENCIES.map(|code| (code.to_owned(), Words::Name(code.to_owned()))).into();
    let shops = move || {
        let anyone = (String::new(), Words::from(Text::NumbersWhoFirst));
        let known = senders.get().into_iter().map(|it| (it.merchant_id.to_string(), Words::Name(it.name)));
        std::iter::once(anyone).chain(known).collect()
    };
    view! {
        {form_of("number-form", view! {
            <section class="group number-limits">
                {Field::new("number-max", FieldKind::Decimal, Text::NumbersMax)
                    .chars_max(MAX_CHARS_MAX)
                    .problem(move || draft.complaint.get())
                    .view(app, draft.max)}
                {select_field(app, "number-currency", Text::NumbersCurrency, currencies, draft.currency)}
                {select_field(app, "number-merchant", Text::NumbersWho, shops, draft.merchant)}
            </section>
            {radio_list(app, "minutes", Text::NumbersMinutes, lives.into(), move || draft.minutes.get(),
                move |minutes| draft.minutes.set(minutes))}
            {Button::main("make-number", Text::NumbersMake).off_while(move || app.busy.get()).submit(app)}
        }, submit)}
    }
}

fn earlier(draft: Draft) -> impl IntoView {
    let app = draft.app;
    let ended = draft.numbers.with(|all| all.iter().flatten().filter(|it| !is_open(it)).cloned().collect::<Vec<_>>());
    (!ended.is_empty()).then(|| {
        let rows = ended.into_iter().map(|number| row(app, number)).collect_view();
        view! {
            <section class="group" aria-labelledby="numbers-earlier">
                <h2 id="numbers-earlier">{app.t(Text::NumbersEarlier)}</h2>
                <ul class="rows" role="list">{rows}</ul>
            </section>
        }
    })
}

fn row(app: App, number: NumberView) -> impl IntoView {
    let lang = app.lang;
    let (status, payee) = (number.status, number.payee.unwrap_or_default());
    let words = move || {
        let lang = lang.get();
        match status {
            PaymentNumberStatus::Open => Text::NumbersStatusOpen.in_language(lang).to_owned(),
            PaymentNumberStatus::Used => Text::NumbersStatusUsed.filled(lang, &[("payee", &payee)]),
            PaymentNumberStatus::Expired => Text::NumbersStatusExpired.in_language(lang).to_owned(),
            PaymentNumberStatus::Revoked => Text::NumbersStatusRevoked.in_language(lang).to_owned(),
        }
    };
    let made = move || format::date_time(number.created_ms, lang.get());
    view! {
        <li class="row" data-number=number.id>
            <span class="row-main"><span class="row-title">{words}</span><span class="quiet small">{made}</span></span>
            {number.request_id.filter(|id| app.request(*id).is_some()).map(|request_id| view! {
                <button class="button" type="button" data-action="see-request"
                    on:click=move |_| app.go(Screen::Request(request_id))>{app.t(Text::NumbersSeeRequest)}</button>
            })}
        </li>
    }
}
