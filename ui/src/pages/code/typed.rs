//! The code that came, typed back: the one that pays, or the one that confirms an address.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use protocol::ipc::means::{CodeConfirm, CodePay, CodeStep, TypedSecret};
use protocol::wallet_api::{CODE_LIFE_S, CodeTerminalKind};

use super::{Entry, terminal_name};
use crate::browser;
use crate::components::button::Button;
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::icon;
use crate::components::pay_head::pay_words;
use crate::components::time::countdown;
use crate::components::words::Words;
use crate::i18n::{Lang, Text};
use crate::ipc::invoke;
use crate::signal::{Memo, RwSignal};

/// The fewest and most digits of a code.
const CODE_DIGITS: std::ops::RangeInclusive<usize> = 6..=8;
/// The longest text of a code, with something between its digits.
const CODE_CHARS_MAX: u16 = 16;

/// A code on its way, as it is told of.
#[derive(Clone, PartialEq)]
struct OnItsWay {
    terminal: u8,
    /// Where it goes, or what confirms that it may; none for a device that makes it.
    to: Option<String>,
    address: Option<String>,
    expires_ms: u64,
    may_send: bool,
}

impl Entry {
    fn on_its_way(self, lang: Lang) -> Option<OnItsWay> {
        self.view.with(|view| {
            let view = view.as_ref()?;
            let (terminal, address, expires_ms) = match &view.step {
                CodeStep::Choose => return None,
                CodeStep::Confirm { terminal, address, expires_ms } => (*terminal, Some(address.clone()), *expires_ms),
                CodeStep::Sent { terminal, address, expires_ms } => (*terminal, address.clone(), *expires_ms),
            };
            let known = view.terminals.iter().find(|known| known.place == terminal);
            let to =
                known.filter(|known| known.kind != CodeTerminalKind::Device).map(|known| terminal_name(known, lang));
            Some(OnItsWay { terminal, to, address, expires_ms, may_send: view.may_send })
        })
    }
}

/// A code without what people put between its digits, if it has as many as one.
fn is_code(typed: &str) -> bool {
    let mut digits = 0;
    for letter in typed.chars().filter(|letter| !matches!(letter, ' ' | '-')) {
        if !letter.is_ascii_digit() {
            return false;
        }
        digits += 1;
    }
    CODE_DIGITS.contains(&digits)
}

/// The form of the code that pays.
pub(super) fn pay_form(entry: Entry) -> AnyView {
    let app = entry.app;
    let told = move |way: &OnItsWay, lang: Lang| match way.address.as_ref().or(way.to.as_ref()) {
        Some(to) => Text::CodeSentTo.filled(lang, &[("terminal", to)]),
        None => Text::CodeSentDevice.in_language(lang).to_owned(),
    };
    let pay = move |code: TypedSecret| app.begin_checkout(CodePay { code });
    let words = pay_words(app, entry.request_id);
    form(entry, Text::CodeSentTitle, Box::new(told), ("pay", words), Box::new(pay))
}

/// The form of the code that confirms an address.
pub(super) fn confirm_form(entry: Entry) -> AnyView {
    let app = entry.app;
    let told = move |way: &OnItsWay, lang: Lang| {
        let to = way.to.clone().unwrap_or_else(|| Text::CodeDevice.in_language(lang).to_owned());
        let address = way.address.clone().unwrap_or_default();
        Text::CodeConfirmTo.filled(lang, &[("terminal", &to), ("address", &address)])
    };
    let confirm = move |code: TypedSecret| {
        app.while_busy(async move {
            match invoke(CodeConfirm { code }).await {
                Ok(view) => drop(entry.view.try_set(Some(view))),
                Err(problem) => entry.fail(problem),
            }
        });
    };
    let words = Text::CodeConfirm.into();
    form(entry, Text::CodeConfirmTitle, Box::new(told), ("confirm-address", words), Box::new(confirm))
}

/// What is told of a code on its way.
type Told = Box<dyn Fn(&OnItsWay, Lang) -> String + Send + Sync>;
/// What is done with a code that was typed.
type Deed = Box<dyn Fn(TypedSecret)>;

fn form(entry: Entry, title: Text, told: Told, (action, words): (&'static str, Words), deed: Deed) -> AnyView {
    let app = entry.app;
    let way = Memo::new(move |_| entry.on_its_way(app.lang.get()));
    let (typed, problem) = (RwSignal::new(String::new()), RwSignal::new(None::<Text>));
    let is_over = Memo::new(move |_| way.with(|way| way.as_ref().is_none_or(|way| app.now_ms.get() >= way.expires_ms)));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if app.busy.get_untracked() || is_over.get_untracked() {
            return;
        }
        let is_good = typed.with_untracked(|text| is_code(text));
        problem.set((!is_good).then_some(Text::CodeFieldBad));
        if !is_good {
            return browser::focus("#code");
        }
        deed(TypedSecret::new(typed.try_update(std::mem::take).unwrap_or_default()));
    };
    let field = Field::new("code", FieldKind::Code, Text::CodeField)
        .hint(Text::CodeFieldHint)
        .chars_max(CODE_CHARS_MAX)
        .problem(move || problem.get());
    let sentence = move || way.with(|way| way.as_ref().map(|way| told(way, app.lang.get())));
    let expires_ms = Memo::new(move |_| way.with(|way| way.as_ref().map_or(0, |way| way.expires_ms)));
    let time = move || {
        let expires_ms = expires_ms.get();
        countdown(app, expires_ms.saturating_sub(CODE_LIFE_S * 1_000), expires_ms)
    };
    let over = move || {
        is_over.get().then(|| {
            view! { <p class="notice" data-part="code-over" role="status">{icon::clock()}<span>{app.t(Text::CodeOver)}</span></p> }
        })
    };
    view! {
        <h1 tabindex="-1">{app.t(title)}</h1>
        <p data-part="on-its-way">{sentence}</p>
        <p class="means-time" data-part="code-time"><span>{app.t(Text::CodeTime)}</span>{time}</p>
        {over}
        {form_of("means-form", view! {
            {field.view(app, typed)}
            {Button::main(action, words).off_while(move || app.busy.get() || is_over.get() || !app.online.get()).submit(app)}
        }, submit)}
        {again(entry, way)}
    }
    .into_any()
}

/// Another code: to the same place while the password is still known, else from the beginning.
fn again(entry: Entry, way: Memo<Option<OnItsWay>>) -> AnyView {
    let app = entry.app;
    let resend = move || {
        let Some(before) = way.with_untracked(Clone::clone) else { return };
        // An address is confirmed anew, and that form says so itself.
        let is_plain = before.address.is_none();
        entry.address.set(before.address.clone().unwrap_or_default());
        app.while_busy(async move {
            let to = before.address.or(before.to).filter(|_| is_plain);
            let was_sent = entry.send(before.terminal).await;
            let Some(to) = to.filter(|_| was_sent) else { return };
            app.toasts.say(Words::Filled(Text::CodeAgainDone, "terminal", to));
        });
    };
    let may_send = Memo::new(move |_| way.with(|way| way.as_ref().is_some_and(|way| way.may_send)));
    let is_device = Memo::new(move |_| way.with(|way| way.as_ref().is_some_and(|way| way.to.is_none())));
    let buttons = move || {
        let again = (may_send.get() && !is_device.get())
            .then(|| Button::text("send-again", Text::CodeAgain).off_while(move || app.busy.get()).on(app, resend));
        // Where there is one terminal nothing was chosen yet: another account or address still can be.
        let elsewhere = may_send.get().then(|| {
            let choose =
                move || entry.view.update(|view| view.iter_mut().for_each(|view| view.step = CodeStep::Choose));
            Button::text("elsewhere", Text::CodeElsewhere).off_while(move || app.busy.get()).on(app, choose)
        });
        let anew = Button::text("begin-anew", Text::CodeAnew)
            .off_while(move || app.busy.get())
            .on(app, move || entry.begin_anew());
        view! { {again}{elsewhere}{anew} }
    };
    view! { <div class="actions-row actions-quiet">{buttons}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_to_eight_digits_and_nothing_else() {
        for good in ["123456", "123 456", "1234-5678", " 1234567"] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "12345", "123456789", "12345a", "１２３４５６"] {
            assert!(!is_code(bad), "{bad}");
        }
    }
}
