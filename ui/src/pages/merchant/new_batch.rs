//! A new batch of vouchers: the bank's key, the six digits, how many of how much, and from where on an amount is large.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::{Amount, FixedPart};
use protocol::ipc::vouchers::{BATCH_VOUCHERS_MAX, BankKeyView, LOTS_MAX, LotView, VoucherBankKey};

use super::parts::head;
use crate::browser;
use crate::components::button::{Button, actions, actions_row};
use crate::components::field::{Field, FieldKind};
use crate::components::file_drop::{Wanted, file_drop};
use crate::components::form::form_of;
use crate::components::group::{fact, facts, fingerprint, group, wide_fact};
use crate::components::problem::problem_here;
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::merchant::money_text::amount_of;
use crate::merchant::vouchers::Typed;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The names of the fields of each lot.
const LOT_FIELDS: [(&str, &str); LOTS_MAX] = [
    ("lot-count-1", "lot-amount-1"),
    ("lot-count-2", "lot-amount-2"),
    ("lot-count-3", "lot-amount-3"),
    ("lot-count-4", "lot-amount-4"),
    ("lot-count-5", "lot-amount-5"),
    ("lot-count-6", "lot-amount-6"),
];
/// From where on an amount is large unless it is said, in major units.
const LARGE_FROM: &str = "500";
/// The longest count and the longest amount, in characters.
const COUNT_CHARS_MAX: u16 = 5;
const AMOUNT_CHARS_MAX: u16 = 16;

/// What is being typed.
#[derive(Clone, Copy)]
struct Draft {
    app: App,
    /// The bank's file, and what it says.
    key: RwSignal<Option<(String, BankKeyView)>>,
    key_problem: RwSignal<Option<protocol::error::Problem>>,
    digits: RwSignal<String>,
    counts: [RwSignal<String>; LOTS_MAX],
    amounts: [RwSignal<String>; LOTS_MAX],
    /// How many lots are shown.
    lots: RwSignal<usize>,
    large: RwSignal<String>,
    digits_problem: RwSignal<Option<Text>>,
    lots_problem: RwSignal<Option<Text>>,
    large_problem: RwSignal<Option<Text>>,
}

impl Draft {
    fn take_key(self, file: String) {
        self.key_problem.set(None);
        self.app.while_busy(async move {
            match invoke(VoucherBankKey { file: file.clone() }).await {
                Ok(view) => drop(self.key.try_set(Some((file, view)))),
                Err(problem) => drop(self.key_problem.try_set(Some(problem))),
            }
        });
    }

    /// A lot as it is typed; none where something of it is missing or wrong.
    fn lot(self, at: usize) -> Option<LotView> {
        let currency = self.app.till.currency.get()?;
        let count = self.counts[at].with(|text| text.trim().parse().ok()).filter(|count| *count > 0)?;
        Some(LotView { count, amount: self.amounts[at].with(|text| amount_of(text, currency))? })
    }

    /// The lots that are right, how many vouchers they are, and what these are worth together.
    fn sum(self) -> Option<(u32, Amount)> {
        let currency = self.app.till.currency.get()?;
        let mut sum = (0_u32, 0_i64);
        for lot in (0..self.lots.get()).filter_map(|at| self.lot(at)) {
            let worth = lot.amount.minor().checked_mul(i64::from(lot.count))?;
            sum = (sum.0.checked_add(lot.count)?, sum.1.checked_add(worth)?);
        }
        (sum.0 > 0).then(|| (sum.0, Amount::new(sum.1, currency)))
    }

    /// The six digits, once they are six.
    fn batch(self) -> Option<FixedPart> {
        self.digits.with(|text| text.trim().parse().ok())
    }

    /// From where on an amount is large, once it is one.
    fn large_from(self) -> Option<Amount> {
        self.app.till.currency.get().and_then(|currency| self.large.with(|text| amount_of(text, currency)))
    }

    /// What is wrong with the lots, until it is mended.
    fn slip(self) -> Option<Text> {
        let is_whole = (0..self.lots.get()).all(|at| self.lot(at).is_some());
        let is_too_many = self.sum().is_none_or(|(count, _)| count > BATCH_VOUCHERS_MAX);
        self.lots_problem.get().filter(|_| !is_whole || is_too_many)
    }

    /// What was typed, once all of it is right; the first that is not has the focus.
    fn typed(self) -> Option<Typed> {
        let batch = self.batch();
        self.digits_problem.set(batch.is_none().then_some(Text::BatchDigitsBad));
        let lots: Vec<_> = (0..self.lots.get()).map(|at| self.lot(at)).collect();
        let wrong = lots.iter().position(Option::is_none);
        let is_too_many = self.sum().is_none_or(|(count, _)| count > BATCH_VOUCHERS_MAX);
        self.lots_problem.set(match (wrong, is_too_many) {
            (Some(_), _) => Some(Text::BatchLotBad),
            (None, true) => Some(Text::BatchTooMany),
            (None, false) => None,
        });
        let large_from = self.large_from();
        self.large_problem.set(large_from.is_none().then_some(Text::BatchLargeBad));
        let focus = |css: &str| {
            browser::focus(css);
            None
        };
        let Some(batch) = batch else { return focus("#voucher-digits") };
        if wrong.is_some() || is_too_many {
            let (count, _) = LOT_FIELDS[wrong.unwrap_or(0)];
            return focus(&format!("#{count}"));
        }
        let Some(large_from) = large_from else { return focus("#large-from") };
        let (bank_key, _) = self.key.get()?;
        Some(Typed { batch, lots: lots.into_iter().flatten().collect(), large_from, bank_key })
    }
}

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let text = || RwSignal::new(String::new());
    let draft = Draft {
        app,
        key: RwSignal::new(None),
        key_problem: RwSignal::new(None),
        digits: text(),
        counts: LOT_FIELDS.map(|_| text()),
        amounts: LOT_FIELDS.map(|_| text()),
        lots: RwSignal::new(1),
        large: RwSignal::new(LARGE_FROM.to_owned()),
        digits_problem: RwSignal::new(None),
        lots_problem: RwSignal::new(None),
        large_problem: RwSignal::new(None),
    };
    // Who made one before finds the others beside it afterwards.
    spawn_local(app.read_batches());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(typed) = untrack(|| draft.typed()) {
            app.make_batch(typed);
        }
    };
    let is_off = move || app.busy.get() || draft.key.with(Option::is_none);
    let make = Words::made(move |lang| {
        if app.busy.get() { Text::BatchMaking } else { Text::BatchMake }.in_language(lang).to_owned()
    });
    let digits = Field::new("voucher-digits", FieldKind::Digits, Text::BatchDigits)
        .hint(Text::BatchDigitsHint)
        .chars_max(6)
        .problem(move || draft.digits_problem.get().filter(|_| draft.batch().is_none()));
    let large = Field::new("large-from", FieldKind::Decimal, Text::BatchLarge)
        .hint(Text::BatchLargeHint)
        .chars_max(AMOUNT_CHARS_MAX)
        .problem(move || draft.large_problem.get().filter(|_| draft.large_from().is_none()));
    view! {
        {head(app, Text::BatchMakeTitle)}
        {key(&draft)}
        {form_of("group group-form", view! {
            {digits.view(app, draft.digits)}
            {lots(&draft)}
            {large.view(app, draft.large)}
            <p class="batch-sum" role="status" data-part="batch-sum">{move || summary(&draft)}</p>
            {actions(Button::main("make-batch", make).off_while(is_off).submit(app))}
        }, submit)}
    }
}

/// The bank's key: a place to drop it on, then what it says.
fn key(draft: &Draft) -> AnyView {
    let draft = *draft;
    let app = draft.app;
    let has_key = Memo::new(move |_| draft.key.with(Option::is_some));
    let said = move |part: fn(&BankKeyView) -> String| {
        draft.key.with(|key| key.as_ref().map(|(_, view)| part(view)).unwrap_or_default())
    };
    let wanted = Wanted { action: "choose-bank-key", accept: "", lead: Text::BatchKeyDrop, button: Text::BatchKeyFile };
    let body = move || {
        if !has_key.get() {
            return file_drop(app, wanted, move |file| draft.take_key(file));
        }
        view! {
            {facts(view! {
                {fact(app, Text::BatchKeyBank, view! { <bdi>{move || said(|view| view.bank_name.clone())}</bdi> })}
                {wide_fact(app, Text::BatchKeyPrint, fingerprint(move || said(|view| view.fingerprint.clone())))}
            })}
            <p class="quiet small group-line">{app.t(Text::BatchKeyCompare)}</p>
            {actions_row(Button::text("other-bank-key", Text::BatchKeyOther).on(app, move || draft.key.set(None)))}
        }
        .into_any()
    };
    group(app, "bank-key", Text::BatchKey, view! { {body}{problem_here(app, draft.key_problem)} })
}

/// How many of how much, a line each.
fn lots(draft: &Draft) -> AnyView {
    let draft = *draft;
    let app = draft.app;
    let line = move |at: usize| {
        let (count, amount) = LOT_FIELDS[at];
        view! {
            <div class="lot">
                {Field::new(count, FieldKind::Digits, Text::BatchLotCount).chars_max(COUNT_CHARS_MAX).example(Words::Name("100".into())).view(app, draft.counts[at])}
                {Field::new(amount, FieldKind::Decimal, Text::BatchLotAmount).chars_max(AMOUNT_CHARS_MAX).example(Words::Name("50".into())).view(app, draft.amounts[at])}
            </div>
        }
    };
    // A line that was typed in stays as it is when another one comes.
    let later = move |at: usize| move || (draft.lots.get() > at).then(|| line(at));
    let another = move || {
        (draft.lots.get() < LOTS_MAX).then(|| {
            actions_row(
                Button::text("add-lot", Text::BatchLotAdd).on(app, move || draft.lots.update(|lots| *lots += 1)),
            )
        })
    };
    view! {
        <fieldset class="lots">
            <legend class="field-label">{app.t(Text::BatchLots)}</legend>
            {line(0)}
            {(1..LOTS_MAX).map(later).collect_view()}
            {another}
            <p class="field-bad" role="status" data-part="lots-problem">{move || draft.slip().map(|text| app.t(text)())}</p>
        </fieldset>
    }
    .into_any()
}

/// What the batch comes to, as far as it is typed.
fn summary(draft: &Draft) -> Option<String> {
    let draft = *draft;
    let (lang, (count, total)) = (draft.app.lang.get(), draft.sum()?);
    let (count, total) = (format::count(count as usize, lang), format::amount_text(total, lang));
    Some(Text::BatchSum.filled(lang, &[("count", &count), ("total", &total)]))
}
