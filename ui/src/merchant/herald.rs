//! What a till says aloud of the sale in front of it: every step quietly, the end at once and with a sound.

use leptos::prelude::*;
use payment::RequestId;

use super::face::SaleFace;
use super::place::SellScreen;
use crate::feedback::{self, Feeling};
use crate::format;
use crate::i18n::{Lang, Text};
use crate::place::Screen;
use crate::state::App;

/// How an end sounds; nothing where it is none, or the merchant's own doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sound {
    Paid,
    NotPaid,
    Silence,
}

const fn sound_of(face: SaleFace) -> Sound {
    match face {
        SaleFace::Paid => Sound::Paid,
        SaleFace::Unknown | SaleFace::Review | SaleFace::Rejected | SaleFace::Declined => Sound::NotPaid,
        SaleFace::Reversed | SaleFace::Unreached | SaleFace::Expired => Sound::NotPaid,
        SaleFace::Asking | SaleFace::Sent | SaleFace::Seen | SaleFace::Paying | SaleFace::Cancelled => Sound::Silence,
    }
}

/// Follows the sale on the screen and tells of it once a step.
pub fn follow(app: App) {
    let told = StoredValue::new(None::<(RequestId, SaleFace)>);
    Effect::new(move || {
        let Screen::Sell(SellScreen::Pos(request_id)) = app.screen.get() else { return };
        let Some(face) = app.till.face(request_id) else { return };
        let lang = app.lang.get();
        let before = told.get_value();
        if before == Some((request_id, face)) {
            return;
        }
        told.set_value(Some((request_id, face)));
        let amount = app.till.sale.with_untracked(|sale| {
            sale.as_ref().map(|sale| format::amount_text(sale.summary.amount, lang)).unwrap_or_default()
        });
        let text = spoken(face, &amount, lang);
        if face.is_waiting() {
            return app.polite.set(text);
        }
        app.assertive.set(text);
        // A sale that is looked at again does not sound again.
        if before.is_some_and(|(before, _)| before == request_id) {
            match sound_of(face) {
                Sound::Paid => feedback::give(app, Feeling::Paid),
                Sound::NotPaid => feedback::give(app, Feeling::NotPaid),
                Sound::Silence => {}
            }
        }
    });
}

fn spoken(face: SaleFace, amount: &str, lang: Lang) -> String {
    let word = face.text().in_language(lang);
    match face {
        SaleFace::Paid => Text::PosPaidSaid.filled(lang, &[("amount", amount)]),
        SaleFace::Unknown | SaleFace::Review => Text::PosUnknownSaid.filled(lang, &[("amount", amount)]),
        SaleFace::Asking => Text::PosAskingSaid.filled(lang, &[("amount", amount)]),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_payment_sounds_like_one() {
        assert_eq!(sound_of(SaleFace::Paid), Sound::Paid);
        for face in [SaleFace::Unknown, SaleFace::Review, SaleFace::Declined, SaleFace::Paying, SaleFace::Cancelled] {
            assert_ne!(sound_of(face), Sound::Paid, "{face:?}");
        }
    }

    #[test]
    fn what_is_said_of_doubt_says_not_to_charge_again() {
        assert!(spoken(SaleFace::Unknown, "$12.80", Lang::English).contains("again"));
        assert!(spoken(SaleFace::Paid, "$12.80", Lang::English).contains("$12.80"));
    }
}
