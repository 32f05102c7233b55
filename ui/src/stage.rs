//! The stages of a checkout: their stable words, and what a screen reader is told of them.

use payment::AttemptId;
use protocol::error::{ErrorCode, MoneyMoved};
use protocol::ipc::{CheckoutStage, CheckoutView};

use crate::format;
use crate::i18n::{Lang, Text};

/// The stable word for tests and styles: the wire's tag.
pub const fn stage_name(stage: &CheckoutStage) -> &'static str {
    match stage {
        CheckoutStage::WaitingForCard => "waiting_for_card",
        CheckoutStage::Reading { .. } => "reading",
        CheckoutStage::Choose { .. } => "choose",
        CheckoutStage::Pin { .. } => "pin",
        CheckoutStage::Sealing => "sealing",
        CheckoutStage::Sending => "sending",
        CheckoutStage::AskingBank => "asking_bank",
        CheckoutStage::Paid { .. } => "paid",
        CheckoutStage::Unknown { .. } => "unknown",
        CheckoutStage::Refused { .. } => "refused",
    }
}

/// What a screen reader is told of a stage, and whether that is the result. No digit of a PIN is ever part of it.
pub fn spoken(checkout: &CheckoutView, lang: Lang) -> (String, bool) {
    let plain = |text: Text| text.in_language(lang).to_owned();
    match &checkout.progress {
        CheckoutStage::WaitingForCard => match checkout.notice {
            Some(notice) => (plain(Text::error_title(notice)), false),
            None => (plain(Text::CardWaiting), false),
        },
        CheckoutStage::Reading { step, steps, .. } => {
            let values = [("step", step.to_string()), ("steps", steps.to_string())];
            (Text::CardReading.filled(lang, &values.each_ref().map(|(name, value)| (*name, value.as_str()))), false)
        }
        CheckoutStage::Choose { .. } => (plain(Text::ChooseTitle), false),
        CheckoutStage::Pin { .. } => (plain(Text::PinCardMayGo), false),
        CheckoutStage::Sealing => (plain(Text::SealSealing), false),
        CheckoutStage::Sending => (plain(Text::SealSending), false),
        CheckoutStage::AskingBank => (plain(Text::SealBank), false),
        CheckoutStage::Paid { .. } => {
            let amount = format::amount_text(checkout.amount, lang);
            (format!("{}, {}", Text::PaidTitle.filled(lang, &[("amount", &amount)]), checkout.payee), true)
        }
        CheckoutStage::Unknown { .. } => (format!("{} {}", plain(Text::UnknownBody), plain(Text::UnknownDoNot)), true),
        CheckoutStage::Refused { code, money_moved, .. } => (spoken_refusal(*code, *money_moved, lang), true),
    }
}

fn spoken_refusal(code: ErrorCode, moved: MoneyMoved, lang: Lang) -> String {
    let money = Text::money(code, moved).map_or("", |text| text.in_language(lang));
    format!("{}. {money}", Text::error_title(code).in_language(lang))
}

/// The attempt whose receipt a checkout left, once paid.
pub fn paid_attempt(checkout: &CheckoutView) -> Option<AttemptId> {
    match checkout.progress {
        CheckoutStage::Paid { attempt_id, .. } => Some(attempt_id),
        _ => None,
    }
}
