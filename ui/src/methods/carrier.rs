//! Paying on a phone bill: which line, and setting one up.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::PhoneNumber;
use protocol::ipc::carrier::{PhoneBillView, PhoneBills};
use protocol::ipc::pay::{BillChoice, Method};

use crate::components::button::Button;
use crate::components::choice::select_field;
use crate::components::icon;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::place::Screen;
use crate::signal::RwSignal;
use crate::state::App;

/// Its picture.
pub fn shape() -> AnyView {
    icon::device().into_any()
}

/// The line that pays, if there is one.
pub fn detail(app: App, bill: Option<&BillChoice>) -> AnyView {
    match bill {
        Some(bill) => view! { <bdi>{line_name(app, bill)}</bdi> }.into_any(),
        None => view! { <span>{app.t(Text::MethodCarrierNone)}</span> }.into_any(),
    }
}

/// What it is, which lines there are, and a way to set one up.
pub fn choices(app: App, bill: Option<&BillChoice>) -> AnyView {
    let lines = RwSignal::new(Vec::new());
    spawn_local(async move {
        // Without an answer the line that is chosen stays the only one.
        if let Ok(bills) = invoke(PhoneBills {}).await {
            lines.try_set(bills);
        }
    });
    let set_up = if bill.is_some() { Text::MethodCarrierAnother } else { Text::MethodCarrierSetUp };
    let chosen = RwSignal::new(bill.map(|bill| bill.number.clone()).unwrap_or_default());
    Effect::new(move |before: Option<String>| {
        let number = chosen.get();
        if before.is_some_and(|before| before != number) {
            let picked = lines.with_untracked(|all| all.iter().find(|bill| bill.number == number).map(choice_of));
            app.choose_method(Method::Carrier { bill: picked });
        }
        number
    });
    // A single line needs no choosing.
    let list = move || {
        let options = move || {
            let name = |bill: &PhoneBillView| (bill.number.clone(), Words::Name(line_name(app, &choice_of(bill))()));
            lines.with(|all| all.iter().map(name).collect())
        };
        lines
            .with(|all: &Vec<_>| all.len() > 1)
            .then(|| select_field(app, "bill-line", Text::BillLines, options, chosen))
    };
    let enrol = move || app.go(Screen::BillEnrol(app.place.get_untracked().request_id()));
    view! {
        <p class="quiet small">{app.t(Text::MethodCarrierHelp)}</p>
        {list}
        {Button::text("set-up-bill", set_up).on(app, enrol)}
    }
    .into_any()
}

/// The line as it is chosen.
fn choice_of(bill: &PhoneBillView) -> BillChoice {
    let (operator, operator_name, number) = (bill.operator.clone(), bill.operator_name.clone(), bill.number.clone());
    BillChoice { operator, operator_name, number }
}

/// A line as its owner knows it: the operator, and the last digits of the number.
pub fn line_name(app: App, bill: &BillChoice) -> impl Fn() -> String + Clone + Send + Sync + use<> {
    let operator = bill.operator_name.clone();
    let number = bill.number.parse().map(|number: PhoneNumber| number.masked()).unwrap_or_default();
    move || Text::MethodCarrierDetail.filled(app.lang.get(), &[("operator", &operator), ("number", &number)])
}

impl App {
    /// The line that a payment on the phone bill goes to; none while none is set up.
    pub fn bill(self) -> Option<BillChoice> {
        self.methods.with_untracked(|all| {
            all.iter().find_map(|view| match &view.method {
                Method::Carrier { bill } => bill.clone(),
                Method::Alias { .. } | Method::Card { .. } | Method::Code { .. } | Method::Voucher { .. } => None,
            })
        })
    }
}
