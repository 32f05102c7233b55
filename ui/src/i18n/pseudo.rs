//! The pseudo-locale: English with accents, in brackets, and a third longer.
//!
//! What stands on a screen without brackets is not from the table of texts; a bracket that is cut off is a text without
//! room for a longer language. It is there with the feature `workbench` only, for a system whose language is [`TAG`].

use std::cell::RefCell;
use std::collections::HashMap;

/// The tag that others use for it as well (CLDR's private region XA).
pub const TAG: &str = "en-XA";

/// How much longer texts become, in hundredths. German is about so much longer than English.
const LONGER_PERCENT: usize = 35;

/// What texts are made longer with: words, so that they can wrap.
const FILLER: &str = " ẋẋẋẋ";

const PLAIN: &str = "AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz";
const ACCENTED: &str = "ÁáḂḃÇçĎďÉéḞḟĜĝĤĥÍíĴĵĶķĹĺḾḿÑñÓóṔṕɊɋŔŕŠšŤťÚúṼṽŴŵẊẋÝýŽž";

thread_local! {
    static MADE: RefCell<HashMap<&'static str, &'static str>> = RefCell::new(HashMap::new());
}

/// A text in disguise. Each is made once and kept: there are as many as the table has.
pub fn disguised(text: &'static str) -> &'static str {
    MADE.with_borrow_mut(|made| *made.entry(text).or_insert_with(|| disguise(text).leak()))
}

/// Words in the brackets of the pseudo-locale.
pub fn bracketed(words: &str) -> String {
    format!("⟦{words}⟧")
}

/// Placeholders stay as they are.
fn disguise(text: &str) -> String {
    let mut is_placeholder = false;
    let accented = text.chars().map(|letter| {
        is_placeholder = letter == '{' || (is_placeholder && letter != '}');
        let place = PLAIN.chars().position(|plain| plain == letter).filter(|_| !is_placeholder);
        place.and_then(|place| ACCENTED.chars().nth(place)).unwrap_or(letter)
    });
    let accented: String = accented.collect();
    let longer = (text.chars().count() * LONGER_PERCENT).div_ceil(100);
    let filler: String = FILLER.chars().cycle().take(longer).collect();
    bracketed(&(accented + filler.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_placeholders_and_grows() {
        let made = disguised("Pay {payee}");
        assert!(made.starts_with("⟦Ṕáý {payee} ẋ") && made.ends_with('⟧'), "{made}");
        assert!(made.chars().count() >= "Pay {payee}".len() * 4 / 3, "{made}");
    }

    #[test]
    fn every_letter_has_its_accent() {
        assert_eq!(PLAIN.chars().count(), ACCENTED.chars().count());
        assert!(PLAIN.chars().zip(ACCENTED.chars()).all(|(plain, accented)| plain != accented));
    }
}
