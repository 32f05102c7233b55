//! Paying on a phone bill: which line, and setting one up.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::PhoneNumber;
use protocol::ipc::carrier::PhoneBills;
use protocol::ipc::pay::{BillChoice, Method};

use crate::components::button::Button;
use crate::components::icon;
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
    let chosen = bill.cloned();
    let row = move |bill: BillChoice| {
        let is_chosen = chosen.as_ref().is_some_and(|it| (&it.operator, &it.number) == (&bill.operator, &bill.number));
        let name = line_name(app, &bill);
        let number = bill.number.clone();
        let choose = move |_| app.choose_method(Method::Carrier { bill: Some(bill.clone()) });
        view! {
            <li>
                <button class="row" type="button" data-action="choose-bill" data-number=number
                    aria-pressed=is_chosen.to_string() on:click=choose>
                    <span class="row-main"><bdi class="row-title">{name}</bdi></span>
                    <span class="row-mark">{is_chosen.then(icon::check)}</span>
                </button>
            </li>
        }
    };
    // A single line needs no choosing.
    let list = move || {
        let bills = lines.get();
        (bills.len() > 1).then(|| {
            let rows = bills.into_iter().map(|bill| {
                let (operator, operator_name, number) = (bill.operator, bill.operator_name, bill.number);
                row(BillChoice { operator, operator_name, number })
            });
            view! { <ul class="rows rows-boxed" role="list" data-part="lines">{rows.collect_view()}</ul> }
        })
    };
    view! {
        <p class="quiet small">{app.t(Text::MethodCarrierHelp)}</p>
        {list}
        {Button::text("set-up-bill", set_up).on(app, move || app.go(Screen::BillEnrol(app.place.get_untracked().request_id())))}
    }
    .into_any()
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
