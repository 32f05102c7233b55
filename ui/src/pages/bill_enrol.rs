//! Setting up a phone bill: whose line it is, then the code that only the line gets. What was typed waits in the wallet,
//! not here.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::{PhoneNumber, RequestId};
use protocol::Problem;
use protocol::ipc::carrier::{BillAgain, BillAsk, BillEnrol, BillEntry, BillEntryView, BillStop, Operators};
use protocol::ipc::means::{FrontView, TypedSecret};
use protocol::ipc::pay::{BillChoice, Method};

use crate::browser;
use crate::components::button::Button;
use crate::components::choice::select_field;
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::pay_head::pay_head;
use crate::components::words::Words;
use crate::components::{back_button, icon};
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::place::{Screen, SettingsPage};
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The longest text of a number, with something between its digits.
const NUMBER_CHARS_MAX: u16 = 32;
/// The longest name, in characters; no alphabet needs more bytes for them than an operator takes.
const NAME_CHARS_MAX: u16 = 32;
/// Fewest and most digits of a PIN.
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=8;
/// Digits of a code.
const CODE_DIGITS: std::ops::RangeInclusive<usize> = 6..=6;

/// A line that is being set up.
#[derive(Clone, Copy)]
struct Enrolling {
    app: App,
    request_id: Option<RequestId>,
    operators: RwSignal<Option<Vec<FrontView>>>,
    operator: RwSignal<String>,
    number: RwSignal<String>,
    name: RwSignal<String>,
    pin: RwSignal<String>,
    code: RwSignal<String>,
    /// What was begun; none before that.
    entry: RwSignal<Option<BillEntryView>>,
    /// What is wrong, and with which field.
    slip: RwSignal<Option<(&'static str, Text)>>,
}

/// Whether a text is so many digits, whatever people put between them.
fn is_digits(typed: &str, count: &std::ops::RangeInclusive<usize>) -> bool {
    let mut digits = typed.chars().filter(|letter| !matches!(letter, ' ' | '-'));
    let number = digits.clone().count();
    count.contains(&number) && digits.all(|digit| digit.is_ascii_digit())
}

impl Enrolling {
    /// Looks whether something was begun, and who can be chosen.
    fn read(self) {
        spawn_local(async move {
            // Without an answer it is begun anew.
            self.entry.try_set(invoke(BillEntry {}).await.unwrap_or_default());
            match invoke(Operators {}).await {
                Ok(operators) => {
                    self.operator.try_set(operators.first().map(|first| first.id.clone()).unwrap_or_default());
                    self.operators.try_set(Some(operators));
                }
                Err(problem) => self.app.problem.set(Some(problem)),
            }
        });
    }

    /// Tells a slip at its field. Nothing was sent.
    fn slipped(self, field: &'static str, text: Text) {
        self.slip.set(Some((field, text)));
        browser::focus(&format!("#{field}"));
    }

    fn slip_of(self, field: &'static str) -> Option<Text> {
        self.slip.get().filter(|(slipped, _)| *slipped == field).map(|(_, text)| text)
    }

    fn ask(self) {
        self.slip.set(None);
        let Ok(number) = self.number.with_untracked(|text| text.trim().parse::<PhoneNumber>()) else {
            return self.slipped("bill-number", Text::BillNumberSlip);
        };
        let name = self.name.with_untracked(|text| text.trim().to_owned());
        if name.is_empty() {
            return self.slipped("bill-name", Text::BillNameMissing);
        }
        if !self.pin.with_untracked(|text| is_digits(text, &PIN_DIGITS)) {
            return self.slipped("bill-pin", Text::BillPinDigits);
        }
        let (operator, number) = (self.operator.get_untracked(), number.to_string());
        // The field is empty from here on; what it held waits in the wallet.
        let typed = TypedSecret::new(self.pin.try_update(std::mem::take).unwrap_or_default());
        self.app.while_busy(async move {
            if let Some(entry) = self.app.ask(BillAsk { operator, number, name, typed }).await {
                self.entry.try_set(Some(entry));
            }
        });
    }

    fn enrol(self) {
        self.slip.set(None);
        if !self.code.with_untracked(|text| is_digits(text, &CODE_DIGITS)) {
            return self.slipped("bill-code", Text::BillCodeBad);
        }
        let code = TypedSecret::new(self.code.try_update(std::mem::take).unwrap_or_default());
        self.app.while_busy(async move {
            match invoke(BillEnrol { code }).await {
                Ok(bill) => {
                    let (operator, operator_name, number) = (bill.operator, bill.operator_name, bill.number);
                    self.done(BillChoice { operator, operator_name, number }).await;
                }
                Err(problem) => self.fail(problem).await,
            }
        });
    }

    /// Back to the request, which is paid on this bill now, or to the lines.
    async fn done(self, bill: BillChoice) {
        let app = self.app;
        if let Some(request_id) = self.request_id {
            app.keep_method(Method::Carrier { bill: Some(bill) }).await;
            app.go(Screen::Request(request_id));
        } else {
            app.toasts.say(Words::Filled(Text::BillDone, "number", bill.number));
            app.read_methods().await;
            app.go(Screen::SettingsPage(SettingsPage::WayCarrier));
        }
    }

    /// Shows a problem; what the wallet forgot over it is begun anew.
    async fn fail(self, problem: Problem) {
        self.app.problem.set(Some(problem));
        self.entry.try_set(invoke(BillEntry {}).await.unwrap_or_default());
    }

    fn send_again(self) {
        self.app.while_busy(async move {
            match invoke(BillAgain {}).await {
                Ok(entry) => {
                    self.entry.try_set(Some(entry));
                    self.app.toasts.say(Text::BillAgainDone);
                }
                Err(problem) => self.fail(problem).await,
            }
        });
    }

    /// Begins anew: what waits in the wallet is wiped.
    fn begin_anew(self) {
        self.app.while_busy(async move {
            // What could not be forgotten now is, when its time is over.
            drop(invoke(BillStop {}).await);
            self.entry.try_set(None);
        });
    }
}

/// The screen.
pub fn page(app: App, request_id: Option<RequestId>) -> AnyView {
    let text = || RwSignal::new(String::new());
    let enrolling = Enrolling {
        app,
        request_id,
        operators: RwSignal::new(None),
        operator: text(),
        number: text(),
        name: text(),
        pin: text(),
        code: text(),
        entry: RwSignal::new(None),
        slip: RwSignal::new(None),
    };
    enrolling.read();
    let is_begun = Memo::new(move |_| enrolling.entry.with(Option::is_some));
    // Each form is a page of its own to whoever hears it.
    Effect::new(move |before: Option<bool>| {
        let is_begun = is_begun.get();
        if before.is_some_and(|before| before != is_begun) {
            request_animation_frame(|| browser::focus("main h1"));
        }
        is_begun
    });
    let shown = move || if is_begun.get() { code_form(enrolling) } else { who_form(enrolling) };
    let head = match request_id {
        Some(request_id) => pay_head(app, request_id),
        None => view! { <header class="page-head page-head-nav">{back_button(app)}</header> }.into_any(),
    };
    view! { {head}<div class="means">{shown}</div> }.into_any()
}

/// Whose line it is.
fn who_form(enrolling: Enrolling) -> AnyView {
    let app = enrolling.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        enrolling.ask();
    };
    let is_off = move || app.busy.get() || !app.online.get() || enrolling.operator.with(String::is_empty);
    let operator = move || {
        if enrolling.operators.with(|all| all.as_ref().is_some_and(Vec::is_empty)) {
            return view! { <p data-part="no-operator">{app.t(Text::BillOperatorsNone)}</p> }.into_any();
        }
        let options = move || {
            let operators = enrolling.operators.get().unwrap_or_default();
            operators.into_iter().map(|one| (one.id, Words::Name(one.name))).collect()
        };
        select_field(app, "bill-operator", Text::BillOperator, options, enrolling.operator)
    };
    let field = |name: &'static str, kind: FieldKind, label: Text, hint: Text, chars_max: u16| {
        Field::new(name, kind, label).hint(hint).chars_max(chars_max).problem(move || enrolling.slip_of(name))
    };
    let number = field("bill-number", FieldKind::Phone, Text::BillNumber, Text::BillNumberHint, NUMBER_CHARS_MAX);
    let name = field("bill-name", FieldKind::Text, Text::BillName, Text::BillNameHint, NAME_CHARS_MAX);
    let pin = field("bill-pin", FieldKind::SecretDigits, Text::BillPin, Text::BillPinHint, NUMBER_CHARS_MAX);
    view! {
        <h1 tabindex="-1">{app.t(Text::BillTitle)}</h1>
        <p class="quiet">{app.t(Text::BillBody)}</p>
        {form_of("means-form", view! {
            {operator}
            {number.view(app, enrolling.number)}
            {name.view(app, enrolling.name)}
            {pin.view(app, enrolling.pin)}
            <p class="notice" data-part="key-note">{icon::key()}<span>{app.t(Text::BillKey)}</span></p>
            {Button::main("bill-ask", Text::BillGoOn).off_while(is_off).submit(app)}
        }, submit)}
    }
    .into_any()
}

/// The code that came, or that the counter printed.
fn code_form(enrolling: Enrolling) -> AnyView {
    let app = enrolling.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        enrolling.enrol();
    };
    let told = move || {
        enrolling.entry.with(|entry| {
            let entry = entry.as_ref()?;
            let values = [("operator", entry.operator_name.as_str()), ("number", entry.number.as_str())];
            Some(Text::BillCodeSent.filled(app.lang.get(), &values))
        })
    };
    let code = Field::new("bill-code", FieldKind::Code, Text::CodeField)
        .hint(Text::BillCodeHint)
        .chars_max(NUMBER_CHARS_MAX)
        .problem(move || enrolling.slip_of("bill-code"));
    let is_busy = move || app.busy.get();
    view! {
        <h1 tabindex="-1">{app.t(Text::BillCodeTitle)}</h1>
        <p data-part="on-its-way">{told}</p>
        {form_of("means-form", view! {
            {code.view(app, enrolling.code)}
            {Button::main("bill-enrol", Text::BillEnrol).off_while(move || is_busy() || !app.online.get()).submit(app)}
        }, submit)}
        <div class="actions-row actions-quiet">
            {Button::text("send-again", Text::BillAgain).off_while(is_busy).on(app, move || enrolling.send_again())}
            {Button::text("begin-anew", Text::BillAnew).off_while(is_busy).on(app, move || enrolling.begin_anew())}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_four_to_eight_digits_and_nothing_else() {
        for good in ["2580", "25 80", "12345678"] {
            assert!(is_digits(good, &PIN_DIGITS), "{good}");
        }
        for bad in ["", "258", "123456789", "258a", "２５８０"] {
            assert!(!is_digits(bad, &PIN_DIGITS), "{bad}");
        }
        assert!(is_digits("123 456", &CODE_DIGITS) && !is_digits("12345", &CODE_DIGITS));
    }
}
