//! The stages of a checkout: their stable words, what is read of a card, and what a screen reader is told.

use payment::AttemptId;
use protocol::error::{ErrorCode, MoneyMoved};
use protocol::ipc::{CardGesture, CardStay, CheckoutStage, CheckoutView, ReadPhase};

use crate::components::doubt::Asked;
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

/// How far the reading of a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadStep {
    /// From 1.
    pub step: u8,
    /// How many there will be.
    pub steps: u8,
    /// What is read.
    pub phase: ReadPhase,
}

impl ReadStep {
    /// The stage by its name, such as `Reading chip, 3 of 5: records`; a stripe has no steps.
    pub fn named(self, came: Option<CardGesture>, lang: Lang) -> String {
        if came == Some(CardGesture::Swipe) {
            return Text::CardReadingStripe.in_language(lang).to_owned();
        }
        let phase = phase_text(self.phase).in_language(lang);
        let (step, steps) = (self.step.to_string(), self.steps.to_string());
        Text::CardReading.filled(lang, &[("step", &step), ("steps", &steps), ("phase", phase)])
    }
}

const fn phase_text(phase: ReadPhase) -> Text {
    match phase {
        ReadPhase::Directory => Text::CardPhaseDirectory,
        ReadPhase::Application => Text::CardPhaseApplication,
        ReadPhase::Options => Text::CardPhaseOptions,
        ReadPhase::Records => Text::CardPhaseRecords,
        ReadPhase::Cryptogram => Text::CardPhaseCryptogram,
    }
}

/// The card's label with its scheme by name: `visa ••0050` becomes `Visa ••0050`.
pub fn card_label(label: &str, lang: Lang) -> String {
    match label.rsplit_once(' ') {
        Some((scheme, digits)) => format!("{} {digits}", Text::scheme(&scheme.replace(' ', "_")).in_language(lang)),
        // A username shows no digit of its card.
        None => Text::known_scheme(label).map_or_else(|| label.to_owned(), |text| text.in_language(lang).to_owned()),
    }
}

/// Whether a label is a phone bill's, and its bank a telephone operator.
pub fn is_phone_bill(label: &str) -> bool {
    label.starts_with("phone bill ")
}

/// How long the card was read, and whether it may be taken away now.
pub fn read_text(card: CardStay, read_ms: u32, lang: Lang) -> String {
    let text = match card {
        CardStay::MayGo => Text::PinReadGo,
        CardStay::ShouldStay => Text::PinReadStay,
    };
    text.filled(lang, &[("seconds", &format::seconds(u64::from(read_ms)))])
}

/// What a screen reader is told of a stage, and whether that is the result. No digit of a PIN is ever part of it.
pub fn spoken(checkout: &CheckoutView, lang: Lang) -> (String, bool) {
    let plain = |text: Text| text.in_language(lang).to_owned();
    match &checkout.progress {
        CheckoutStage::WaitingForCard => match checkout.notice {
            Some(notice) => (plain(Text::error_title(notice)), false),
            None => (plain(Text::CardWaiting), false),
        },
        // Said once: the steps follow each other faster than they can be spoken.
        CheckoutStage::Reading { .. } => (plain(Text::CardSaid), false),
        CheckoutStage::Choose { .. } => (plain(Text::ChooseTitle), false),
        CheckoutStage::Pin { .. } if checkout.method == payment::Method::Carrier => (plain(Text::BillPinTitle), false),
        CheckoutStage::Pin { card, read_ms, .. } => (read_text(*card, *read_ms, lang), false),
        CheckoutStage::Sealing => (plain(Text::SealSealing), false),
        CheckoutStage::Sending => (plain(Text::SealSending), false),
        CheckoutStage::AskingBank if checkout.method == payment::Method::Carrier => (plain(Text::BillAsking), false),
        CheckoutStage::AskingBank => (plain(Text::SealBank), false),
        CheckoutStage::Paid { .. } => {
            let amount = format::amount_text(checkout.amount, lang);
            (format!("{}, {}", Text::PaidTitle.filled(lang, &[("amount", &amount)]), checkout.payee), true)
        }
        CheckoutStage::Unknown { .. } => {
            let asked = Asked::of(checkout.asked.clone(), Some(checkout.method));
            (format!("{} {}", asked.first(Text::UnknownBody, lang), plain(Text::UnknownDoNot)), true)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_named_in_both_languages() {
        let step = ReadStep { step: 4, steps: 5, phase: ReadPhase::Records };
        let tapped = Some(CardGesture::Tap);
        assert_eq!(step.named(tapped, Lang::English), "Reading chip, 4 of 5: records");
        assert_eq!(step.named(tapped, Lang::Chinese), "正在读取芯片，第 4 步，共 5 步：记录");
        assert_eq!(step.named(Some(CardGesture::Swipe), Lang::English), "Reading the stripe");
    }

    #[test]
    fn a_label_names_its_scheme() {
        assert_eq!(card_label("amex ••0126", Lang::English), "American Express ••0126");
        assert_eq!(card_label("unionpay ••0050", Lang::Chinese), "银联 ••0050");
        assert_eq!(card_label("••0050", Lang::English), "••0050");
        assert_eq!(card_label("alias", Lang::Chinese), "用户名");
        assert_eq!(card_label("phone bill ••0143", Lang::Chinese), "话费账单 ••0143");
    }

    #[test]
    fn a_card_that_is_still_needed_is_not_sent_away() {
        let go = read_text(CardStay::MayGo, 420, Lang::English);
        assert_eq!(go, "Read in 0.4 s. You can take the card away.");
        let stay = read_text(CardStay::ShouldStay, 1_260, Lang::English);
        assert_eq!(stay, "Read in 1.3 s. Leave the card in until the bank has answered.");
    }
}
