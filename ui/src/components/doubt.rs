//! What is being done about a payment whose outcome nobody knows yet, in steps, and by whom.

use leptos::prelude::*;
use payment::Method;
use protocol::ipc::pay::Doubt;

use crate::components::progress::steps;
use crate::components::words::Words;
use crate::i18n::{Lang, Text};
use crate::state::App;

/// Who decides about a payment, as a sentence names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By the name that their root certified.
    Named(String),
    /// A bank whose name is not known here.
    Bank,
    /// A telephone operator whose name is not known here.
    Operator,
}

impl Asked {
    /// By name, or as the way to pay tells; a bank where neither is known.
    pub fn of(name: Option<String>, method: Option<Method>) -> Self {
        match (name, method) {
            (Some(name), _) => Self::Named(name),
            (None, Some(Method::Carrier)) => Self::Operator,
            (None, Some(Method::Card | Method::Code | Method::Alias | Method::Voucher) | None) => Self::Bank,
        }
    }

    /// A text whose `{who}` begins a sentence.
    pub fn first(&self, text: Text, lang: Lang) -> String {
        let who = match self {
            Self::Named(name) => beside_chinese(name, lang),
            Self::Bank => Text::AskedBankFirst.in_language(lang).to_owned(),
            Self::Operator => Text::AskedOperatorFirst.in_language(lang).to_owned(),
        };
        text.filled(lang, &[("who", who.trim_start())])
    }

    /// A text whose `{who}` stands within a sentence.
    pub fn within(&self, text: Text, lang: Lang) -> String {
        let who = match self {
            Self::Named(name) => beside_chinese(name, lang),
            Self::Bank => Text::AskedBank.in_language(lang).to_owned(),
            Self::Operator => Text::AskedOperator.in_language(lang).to_owned(),
        };
        text.filled(lang, &[("who", &who)]).trim_start().to_owned()
    }
}

/// A name in other letters keeps a space from the Chinese ones around it.
fn beside_chinese(name: &str, lang: Lang) -> String {
    let is_chinese = lang.pick(false, true);
    let space = |letter: Option<char>| {
        let is_other = is_chinese && letter.is_some_and(|letter| letter.is_ascii_graphic());
        if is_other { " " } else { "" }
    };
    format!("{}{name}{}", space(name.chars().next()), space(name.chars().next_back()))
}

/// The steps, the present one marked.
pub fn doubt_steps(app: App, doubt: Option<Doubt>, asked: &Asked) -> AnyView {
    let doubt = doubt.unwrap_or(Doubt::Asking);
    let of = |text: Text| {
        let asked = asked.clone();
        Words::made(move |lang| asked.within(text, lang))
    };
    let last = match doubt {
        Doubt::Asking | Doubt::Undoing => of(Text::DoubtUndoing),
        Doubt::Checking => Text::DoubtChecking.into(),
    };
    let all = vec![of(Text::DoubtSent), of(Text::DoubtAsking), last, Text::DoubtKnown.into()];
    let now = match doubt {
        Doubt::Asking => 1,
        Doubt::Undoing | Doubt::Checking => 2,
    };
    view! { <div class="doubt" data-doubt=name(doubt)>{steps(app, Text::DoubtLabel, all, move || now)}</div> }
        .into_any()
}

/// The stable word for tests.
const fn name(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Asking => "asking",
        Doubt::Undoing => "undoing",
        Doubt::Checking => "checking",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_asked_is_named_and_an_operator_is_no_bank() {
        let named = Asked::of(Some("North Telecom".into()), Some(Method::Carrier));
        assert_eq!(named.first(Text::UnknownBody, Lang::English), "North Telecom has not answered.");
        assert_eq!(named.first(Text::UnknownBody, Lang::Chinese), "North Telecom 尚未答复。");
        assert_eq!(named.within(Text::DoubtAsking, Lang::Chinese), "正在向 North Telecom 查询结果");
        let chinese = Asked::of(Some("北方银行".into()), None);
        assert_eq!(chinese.within(Text::DoubtAsking, Lang::Chinese), "正在向北方银行查询结果");
        let unnamed = Asked::of(None, Some(Method::Carrier));
        assert_eq!(unnamed.first(Text::UnknownBody, Lang::English), "The operator has not answered.");
        assert_eq!(unnamed.within(Text::DoubtSent, Lang::English), "Payment sent to the operator");
        assert_eq!(Asked::of(None, Some(Method::Card)).first(Text::UnknownBody, Lang::Chinese), "银行尚未答复。");
        assert_eq!(Asked::of(None, None), Asked::Bank);
    }
}
