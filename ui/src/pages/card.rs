//! Waiting for a card and reading it: where to hold it, which reader takes it, how far the reading is.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::error::ErrorCode;
use protocol::ipc::{CheckoutStage, CheckoutView};

use crate::components::amount::{AmountSize, amount};
use crate::components::problem::money_sentence;
use crate::components::reader_picker::reader_picker;
use crate::components::reader_picture::reader_picture;
use crate::components::{back_button, icon, pips, stop_button};
use crate::format;
use crate::i18n::Text;
use crate::invitation::Invitation;
use crate::readers;
use crate::signal::{Memo, RwSignal};
use crate::stage::ReadStep;
use crate::state::App;

/// How often the time a card is held moves on.
const HOLD_TICK: Duration = Duration::from_millis(100);
/// From here on a card is called slow, in milliseconds.
const HOLD_SLOW_MS: u64 = 3_000;
/// How many squares stand for a reading that has not begun.
const STEPS: u8 = 5;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let step = Memo::new(move |_| app.checkout.with(|checkout| checkout.as_ref().and_then(step_of)));
    let trouble = Memo::new(move |_| if step.get().is_some() { None } else { trouble_of(app) });
    let lacks_reader = Memo::new(move |_| {
        let said_so = trouble.get() == Some(ErrorCode::NoReader);
        step.get().is_none() && app.readers.with(|readers| readers.as_ref().map_or(said_so, Vec::is_empty))
    });
    view! {
        <header class="page-head page-head-nav">{back_button(app)}{paying_line(app)}</header>
        <div class="centre checkout">
            {move || if lacks_reader.get() { guidance(app, trouble).into_any() } else { at_reader(app, step, trouble).into_any() }}
            {stop_button(app)}
        </div>
    }
}

/// How much and to whom, above every step of a payment.
pub fn paying_line(app: App) -> impl IntoView {
    let paying = Memo::new(move |_| app.checkout.with(|it| it.as_ref().map(|it| (it.amount, it.payee.clone()))));
    move || {
        paying.get().map(|(sum, payee)| {
            view! {
                <p class="paying-line">{amount(app, sum, AmountSize::Title)}<bdi class="quiet">{payee}</bdi></p>
            }
        })
    }
}

/// Whether a voucher pays, and the card beside it only shows who is there. It is waited for at every reader.
pub fn pays_by_voucher(app: App) -> Memo<bool> {
    let is_voucher = |checkout: &CheckoutView| checkout.method == payment::Method::Voucher;
    Memo::new(move |_| app.checkout.with(|checkout| checkout.as_ref().is_some_and(is_voucher)))
}

/// That no money leaves the card.
pub fn voucher_line(app: App) -> impl IntoView {
    view! { <p class="card-stay" data-part="card-shows">{icon::voucher()}<span>{app.t(Text::VoucherCardShows)}</span></p> }
}

fn step_of(checkout: &CheckoutView) -> Option<ReadStep> {
    match checkout.progress {
        CheckoutStage::Reading { step, steps, phase } => Some(ReadStep { step, steps, phase }),
        _ => None,
    }
}

/// Why no card was read so far, or can be: what the wallet said last, or what the listed readers say.
fn trouble_of(app: App) -> Option<ErrorCode> {
    let notice = app.checkout.with(|checkout| checkout.as_ref().and_then(|it| it.notice));
    notice.or_else(|| {
        let chosen = app.reader.get();
        app.readers.with(|all| readers::standing_trouble(all.as_deref()?, chosen.as_deref()))
    })
}

fn at_reader(app: App, step: Memo<Option<ReadStep>>, trouble: Memo<Option<ErrorCode>>) -> impl IntoView {
    let invitation = Memo::new(move |_| app.invitation());
    let is_reading = Memo::new(move |_| step.get().is_some());
    let held_ms = RwSignal::new(0);
    let by_voucher = pays_by_voucher(app);
    let hint = move || match (is_reading.get(), invitation.get()) {
        (true, invitation) => hold(app, held_ms, invitation).map(IntoAny::into_any),
        (false, invitation) => Some(view! { <p class="quiet">{app.t(invitation.place())}</p> }.into_any()),
    };
    let timer = move || is_reading.get().then(|| count(held_ms));
    view! {
        <h1 tabindex="-1">{move || app.t(invitation.get().title())()}</h1>
        {move || reader_picture(app, invitation.get(), move || is_reading.get())}
        {timer}
        {stage_line(app, step, held_ms)}
        {hint}
        {move || trouble.get().map(|code| notice_line(app, code))}
        {move || if by_voucher.get() { voucher_line(app).into_any() } else { reader_picker(app).into_any() }}
    }
}

/// The stage by its name, and how many of its steps are done.
fn stage_line(app: App, step: Memo<Option<ReadStep>>, held_ms: RwSignal<u64>) -> impl IntoView {
    let name = move || match step.get() {
        None => Text::CardWaiting.in_language(app.lang.get()).to_owned(),
        Some(step) => {
            let came = app.checkout.with(|checkout| checkout.as_ref().and_then(|it| it.gesture));
            step.named(came, app.lang.get())
        }
    };
    let done = move || step.get().map_or((0, STEPS), |step| (step.step, step.steps));
    let held = move || {
        let is_reading = step.get().is_some();
        is_reading.then(|| Text::CardHeld.filled(app.lang.get(), &[("seconds", &format::seconds(held_ms.get()))]))
    };
    // Screen readers are told once, when the reading begins; a time that runs would drown everything else.
    view! {
        <p class="stage" data-part="stage">
            <span class="stage-line" aria-hidden="true">{pips(done)}<span class="held" data-part="held">{held}</span></span>
            <span>{name}</span>
        </p>
    }
}

/// Counts how long the card is held, from now until it is no longer shown.
fn count(held_ms: RwSignal<u64>) {
    let since_ms = format::device_now_ms();
    held_ms.set(0);
    let tick = move || {
        held_ms.try_set(format::device_now_ms().saturating_sub(since_ms));
    };
    // Without a timer the time stands still, and the words say the rest.
    if let Ok(timer) = set_interval_with_handle(tick, HOLD_TICK) {
        on_cleanup(move || timer.clear());
    }
}

/// To hold the card still, and for how long; after a while, that this card is a slow one.
fn hold(app: App, held_ms: RwSignal<u64>, invitation: Invitation) -> Option<impl IntoView> {
    let usual = invitation.hold()?;
    let is_slow = Memo::new(move |_| held_ms.get() >= HOLD_SLOW_MS);
    let words = move || app.t(if is_slow.get() { Text::CardHoldSlow } else { usual })();
    Some(view! { <p class="hold" data-part="hold" class:hold-slow=move || is_slow.get()>{words}</p> })
}

/// What went wrong while a card is still waited for: what happened, whether money moved, what to do.
fn notice_line(app: App, code: ErrorCode) -> impl IntoView {
    // As a refusal it ends a payment; here it says what the payment goes on with.
    let is_asked = code == ErrorCode::Declined(payment::DeclineCode::VoucherCardRequired);
    let next = if is_asked { Text::VoucherCardWanted } else { Text::error_next(code) };
    view! {
        <section class="notice" data-notice=code.as_str()>
            {icon::caution()}
            <div>
                <p class="problem-title">{app.t(Text::error_title(code))}</p>
                <p>{app.t(next)}</p>
                {money_sentence(app, code, code.money_moved())}
            </div>
        </section>
    }
}

/// There is no reader: what to do, and a way to look again. A reader that is plugged in is found by itself.
fn guidance(app: App, trouble: Memo<Option<ErrorCode>>) -> impl IntoView {
    let advice = move || match trouble.get() {
        None | Some(ErrorCode::NoReader) => guidance_list(app).into_any(),
        Some(other) => notice_line(app, other).into_any(),
    };
    view! {
        <h1 tabindex="-1">{app.t(Text::CardNoneTitle)}</h1>
        <div class="picture-absent">{reader_picture(app, Invitation::Any, || false)}</div>
        {advice}
        <button class="button button-primary" type="button" data-action="look-again"
            on:click=move |_| spawn_local(app.read_readers())>{app.t(Text::CardLookAgain)}</button>
    }
}

/// How a person comes by a reader.
pub fn guidance_list(app: App) -> impl IntoView {
    view! {
        <ul class="guidance" data-part="no-reader">
            <li>{app.t(Text::CardNoneUsb)}</li>
            <li>{app.t(Text::CardNoneService)}</li>
            <li>{app.t(Text::CardNonePhone)}</li>
        </ul>
    }
}
