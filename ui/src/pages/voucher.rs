//! Paying with a voucher: its number and its code. What was mistyped is told before anything is sent.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use payment::voucher::{CODE_DIGITS, VoucherNumberError};
use payment::{RequestId, VoucherNumber};
use protocol::ipc::means::{FrontView, TypedSecret, VoucherBanks, VoucherPay};
use protocol::ipc::pay::Method;

use crate::browser;
use crate::components::button::Button;
use crate::components::choice::select_field;
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::pay_head::{pay_head, pay_words};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::signal::RwSignal;
use crate::state::App;

/// The longest text of a number, with something between its digits.
pub const NUMBER_CHARS_MAX: u16 = 32;
/// The longest text of a code, likewise.
pub const CODE_CHARS_MAX: u16 = 20;

/// A voucher that is being typed.
#[derive(Clone, Copy)]
struct Typing {
    app: App,
    request_id: RequestId,
    number: RwSignal<String>,
    code: RwSignal<String>,
    banks: RwSignal<Vec<FrontView>>,
    bank_id: RwSignal<String>,
    number_problem: RwSignal<Option<Text>>,
    code_problem: RwSignal<Option<Text>>,
}

/// Why a text is no voucher's number.
pub const fn number_text(error: VoucherNumberError) -> Text {
    match error {
        VoucherNumberError::Digits => Text::VoucherNumberDigits,
        VoucherNumberError::CheckDigits => Text::VoucherNumberSlip,
        VoucherNumberError::CardNumber => Text::VoucherNumberCard,
    }
}

/// Why a text is not the code of this voucher; none when it may be.
pub fn code_text(number: &VoucherNumber, typed: &str) -> Option<Text> {
    if number.may_have_code(typed) {
        return None;
    }
    let digits = typed.bytes().filter(u8::is_ascii_digit).count();
    Some(if digits == CODE_DIGITS { Text::VoucherCodeSlip } else { Text::VoucherCodeDigits })
}

impl Typing {
    /// Reads which banks there are; the one that sold the last voucher is chosen.
    fn read_banks(self) {
        leptos::task::spawn_local(async move {
            match invoke(VoucherBanks {}).await {
                Ok(banks) => {
                    let before = self.app.methods.with_untracked(|all| {
                        all.iter().find_map(|view| match &view.method {
                            Method::Voucher { bank_id } => bank_id.clone(),
                            Method::Alias { .. }
                            | Method::Card { .. }
                            | Method::Carrier { .. }
                            | Method::Code { .. } => None,
                        })
                    });
                    let known = before.filter(|id| banks.iter().any(|bank| bank.id == *id));
                    let first = banks.first().map(|bank| bank.id.clone());
                    self.bank_id.try_set(known.or(first).unwrap_or_default());
                    self.banks.try_set(banks);
                }
                Err(problem) => self.app.problem.set(Some(problem)),
            }
        });
    }

    fn pay(self) {
        let number = self.number.with_untracked(|text| text.trim().parse::<VoucherNumber>());
        self.number_problem.set(number.as_ref().err().copied().map(number_text));
        let Ok(number) = number else { return browser::focus("#voucher-number") };
        let slip = self.code.with_untracked(|text| code_text(&number, text.trim()));
        self.code_problem.set(slip);
        if slip.is_some() {
            return browser::focus("#voucher-code");
        }
        let bank_id = self.bank_id.get_untracked();
        // The field is empty from here on; what it held is wiped with the command.
        let code = TypedSecret::new(self.code.try_update(std::mem::take).unwrap_or_default());
        let (app, request_id) = (self.app, self.request_id);
        app.choose_method(Method::Voucher { bank_id: Some(bank_id.clone()) });
        app.begin_checkout(VoucherPay { request_id, bank_id, number: number.as_str().to_owned(), code });
    }
}

/// The screen.
pub fn page(app: App, request_id: RequestId) -> impl IntoView {
    let typing = Typing {
        app,
        request_id,
        number: RwSignal::new(String::new()),
        code: RwSignal::new(String::new()),
        banks: RwSignal::new(Vec::new()),
        bank_id: RwSignal::new(String::new()),
        number_problem: RwSignal::new(None),
        code_problem: RwSignal::new(None),
    };
    typing.read_banks();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        typing.pay();
    };
    let is_off = move || app.busy.get() || !app.online.get() || typing.banks.with(Vec::is_empty);
    let bank = move || {
        let options =
            move || typing.banks.get().into_iter().map(|bank| (bank.id, Words::Name(bank.name))).collect::<Vec<_>>();
        // Where there is one bank, it sold it.
        typing
            .banks
            .with(|banks| banks.len() > 1)
            .then(|| select_field(app, "voucher-bank", Text::VoucherBank, options, typing.bank_id))
    };
    let number = Field::new("voucher-number", FieldKind::Digits, Text::VoucherNumber)
        .hint(Text::VoucherNumberHint)
        .chars_max(NUMBER_CHARS_MAX)
        .problem(move || typing.number_problem.get());
    let code = Field::new("voucher-code", FieldKind::SecretDigits, Text::VoucherCode)
        .hint(Text::VoucherCodeHint)
        .chars_max(CODE_CHARS_MAX)
        .problem(move || typing.code_problem.get());
    view! {
        {pay_head(app, request_id)}
        <div class="means">
            <h1 tabindex="-1">{app.t(Text::VoucherTitle)}</h1>
            <p class="quiet">{app.t(Text::VoucherBody)}</p>
            {form_of("means-form", view! {
                {number.view(app, typing.number)}
                {code.view(app, typing.code)}
                {bank}
                {Button::main("pay", pay_words(app, request_id)).off_while(is_off).submit(app)}
            }, submit)}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_named_for_what_it_is() {
        let number = VoucherNumber::from_parts(&"420001".parse().unwrap(), 12_345_678).unwrap();
        let parts = number.as_str()[..14].bytes().chain(*b"27182818");
        let code = format!("27182818{:02}", payment::voucher::check_digits(parts).unwrap());
        assert_eq!(code_text(&number, &code), None);
        assert_eq!(code_text(&number, &code.replace('8', "9")), Some(Text::VoucherCodeSlip));
        assert_eq!(code_text(&number, &code[1..]), Some(Text::VoucherCodeDigits));
    }
}
