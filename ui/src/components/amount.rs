//! An amount of money, with its sign smaller and raised where the language puts it.

use leptos::prelude::*;
use payment::Amount;

use crate::format::{AmountPiece, amount_pieces, amount_text};
use crate::state::App;

/// How large an amount is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountSize {
    /// The one thing on the screen.
    Hero,
    /// A heading.
    Title,
    /// In a line.
    Line,
}

/// The amount. A screen reader gets it as one text.
pub fn amount(app: App, amount: Amount, size: AmountSize) -> AnyView {
    let lang = app.lang;
    let text = move || amount_text(amount, lang.get());
    let pieces = move || {
        let pieces = amount_pieces(amount, lang.get()).into_iter();
        pieces
            .map(|piece| match piece {
                AmountPiece::Sign(sign) => view! { <span class="amount-sign">{sign}</span> }.into_any(),
                AmountPiece::Digits(digits) => view! { <span>{digits}</span> }.into_any(),
            })
            .collect_view()
    };
    let class = move || class_of(size, text().chars().count());
    view! {
        <bdi class=class data-amount=amount.to_decimal() data-currency=amount.currency().code()>
            <span class="unseen">{text}</span>
            <span class="amount-pieces" aria-hidden="true">{pieces}</span>
        </bdi>
    }
    .into_any()
}

/// Long amounts shrink and never wrap.
const fn class_of(size: AmountSize, chars: usize) -> &'static str {
    match (size, chars) {
        (AmountSize::Hero, 0..=8) => "amount amount-hero",
        (AmountSize::Hero, 9..=11) => "amount amount-hero amount-long",
        (AmountSize::Hero, 12..=15) => "amount amount-hero amount-longer",
        (AmountSize::Hero, _) => "amount amount-hero amount-longest",
        (AmountSize::Title, _) => "amount amount-title",
        (AmountSize::Line, _) => "amount",
    }
}
