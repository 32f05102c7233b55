//! What the browser's `Intl` writes numbers and times by. Making one of its formatters takes up to a millisecond, which in a
//! list adds up, so each is made once and kept.

use std::cell::RefCell;

use js_sys::{Array, Date, Function, Object, Reflect};
use payment::Currency;
use wasm_bindgen::{JsCast, JsValue};

use crate::i18n::Lang;

/// One minute, in milliseconds.
const MINUTE_MS: f64 = 60_000.0;

/// The fields of a date, by `Intl`'s names.
pub(super) type Fields = &'static [(&'static str, &'static str)];

/// How something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// An amount with all of its currency's decimals.
    Amount(Currency),
    /// A whole number.
    Count,
    /// These fields of a date, in a calendar without a time zone.
    Date(Fields),
}

/// A formatter that was made.
struct Kept {
    pattern: Pattern,
    lang: Lang,
    formatter: JsValue,
}

thread_local! {
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

impl Pattern {
    /// The value in this language.
    pub(super) fn written(self, value: &JsValue, lang: Lang) -> Result<Option<String>, JsValue> {
        Ok(method(&self.formatter(lang)?, "format", value)?.as_string())
    }

    /// The same in pieces, each with its `type` and its `value`.
    pub(super) fn parts(self, value: &JsValue, lang: Lang) -> Result<Array, JsValue> {
        Ok(Array::from(&method(&self.formatter(lang)?, "formatToParts", value)?))
    }

    fn formatter(self, lang: Lang) -> Result<JsValue, JsValue> {
        let is_it = |kept: &&Kept| kept.pattern == self && kept.lang == lang;
        if let Some(formatter) = KEPT.with_borrow(|kept| Some(kept.iter().find(is_it)?.formatter.clone())) {
            return Ok(formatter);
        }
        let formatter = self.make(lang)?;
        KEPT.with_borrow_mut(|kept| kept.push(Kept { pattern: self, lang, formatter: formatter.clone() }));
        Ok(formatter)
    }

    /// British English, so that days come before months.
    fn make(self, lang: Lang) -> Result<JsValue, JsValue> {
        let options = Object::new();
        let set = |name: &str, value: JsValue| Reflect::set(&options, &name.into(), &value);
        let (class, tag) = match self {
            Self::Amount(currency) => {
                set("style", "currency".into())?;
                set("currency", currency.code().into())?;
                set("minimumFractionDigits", currency.exponent().into())?;
                set("maximumFractionDigits", currency.exponent().into())?;
                ("NumberFormat", "en")
            }
            Self::Count => ("NumberFormat", "en"),
            Self::Date(fields) => {
                for (name, value) in fields {
                    set(name, (*value).into())?;
                }
                set("timeZone", "UTC".into())?;
                ("DateTimeFormat", "en-GB")
            }
        };
        let namespace = Reflect::get(&js_sys::global(), &"Intl".into())?;
        let class: Function = Reflect::get(&namespace, &class.into())?.dyn_into()?;
        Reflect::construct(&class, &Array::of2(&lang.or_english(tag).into(), &options))
    }
}

/// A time of the Unix epoch as the same time of day in a calendar without a time zone, as the device's clocks show it now:
/// a formatter that is kept would otherwise stay in the zone it was made in.
pub(super) fn on_the_clock(at_ms: u64) -> JsValue {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay far below 2^53")]
    let at_ms = at_ms as f64;
    let date = Date::new(&at_ms.into());
    (at_ms - date.get_timezone_offset() * MINUTE_MS).into()
}

fn method(object: &JsValue, name: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(object, &name.into())?.dyn_into()?;
    method.call1(object, argument)
}
