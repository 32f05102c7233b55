//! What is asked for on the screen: words, days of the person's own calendar, and what can be chosen.

use protocol::ipc::history::{HistoryQuery, RefundFilter};

use crate::format;
use crate::i18n::Text;
use crate::merchant::period::Day;
use crate::signal::{Memo, RwSignal};

/// Days to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Every day.
    All,
    /// This month.
    Month,
    /// The month before.
    LastMonth,
    /// This year.
    Year,
    /// The year before.
    LastYear,
    /// From one day to another.
    Chosen,
}

impl Days {
    /// Every choice.
    pub const ALL: [Self; 6] = [Self::All, Self::Month, Self::LastMonth, Self::Year, Self::LastYear, Self::Chosen];

    /// The stable word; nothing for every day.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Month => "month",
            Self::LastMonth => "last-month",
            Self::Year => "year",
            Self::LastYear => "last-year",
            Self::Chosen => "chosen",
        }
    }

    /// What it is called.
    pub const fn text(self) -> Text {
        match self {
            Self::All => Text::HistoryAllTime,
            Self::Month => Text::HistoryThisMonth,
            Self::LastMonth => Text::HistoryLastMonth,
            Self::Year => Text::HistoryThisYear,
            Self::LastYear => Text::HistoryLastYear,
            Self::Chosen => Text::HistoryChosenDays,
        }
    }

    /// The choice of that word.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|days| days.name() == name).unwrap_or(Self::All)
    }

    /// The first day, and the day after the last. A day that is not typed yet, or no day at all, is no bound.
    fn bounds(self, today: Day, from: &str, to: &str) -> (Option<Day>, Option<Day>) {
        let month = Day { number: 1, ..today };
        let year = Day { month: 1, number: 1, ..today };
        let before = |day: Day| Day { number: 1, ..day.previous() };
        match self {
            Self::All => (None, None),
            Self::Month => (Some(month), None),
            Self::LastMonth => (Some(before(month)), Some(month)),
            Self::Year => (Some(year), None),
            Self::LastYear => (Some(Day { month: 1, ..before(year) }), Some(year)),
            Self::Chosen => (Day::parse(from), Day::parse(to).map(Day::next)),
        }
    }
}

/// Refunds to choose from: the stable word, and what it is called.
pub const REFUNDS: [(&str, Text); 3] =
    [("", Text::HistoryAnyRefund), ("refunded", Text::HistoryRefunded), ("untouched", Text::HistoryUntouched)];

/// What is asked for; an empty text leaves it open.
#[derive(Clone, Copy)]
pub struct Asked {
    /// Words.
    pub text: RwSignal<String>,
    /// Which days: [`Days::name`].
    pub days: RwSignal<String>,
    /// The first day, as typed.
    pub from: RwSignal<String>,
    /// The last day, as typed.
    pub to: RwSignal<String>,
    /// A currency's code.
    pub currency: RwSignal<String>,
    /// A merchant's id.
    pub payee: RwSignal<String>,
    /// What was paid with.
    pub method: RwSignal<String>,
    /// By refunds: a word of [`REFUNDS`].
    pub refunds: RwSignal<String>,
}

impl Asked {
    /// Everything.
    pub fn new() -> Self {
        let open = || RwSignal::new(String::new());
        Self {
            text: open(),
            days: open(),
            from: open(),
            to: open(),
            currency: open(),
            payee: open(),
            method: open(),
            refunds: open(),
        }
    }

    /// The filters, apart from the words.
    pub const fn filters(self) -> [RwSignal<String>; 5] {
        [self.days, self.currency, self.payee, self.method, self.refunds]
    }

    /// How many filters are set.
    pub fn count(self) -> usize {
        self.filters().into_iter().filter(|filter| filter.with(|it| !it.is_empty())).count()
    }

    /// Takes every filter away, and the words.
    pub fn clear(self) {
        for signal in self.filters().into_iter().chain([self.text]) {
            if signal.with_untracked(|it| !it.is_empty()) {
                signal.set(String::new());
            }
        }
    }

    /// The wallet's query.
    pub fn query(self) -> Memo<HistoryQuery> {
        Memo::new(move |_| {
            let days = self.days.with(|name| Days::from_name(name));
            let typed = |signal: RwSignal<String>| if days == Days::Chosen { signal.get() } else { String::new() };
            let (first, after) = days.bounds(format::today(), &typed(self.from), &typed(self.to));
            HistoryQuery {
                text: self.text.with(|text| text.trim().to_owned()),
                from_ms: first.map(format::midnight_ms),
                to_ms: after.map(format::midnight_ms),
                currency: self.currency.with(|code| code.parse().ok()),
                payee: self.payee.with(|id| id.parse().ok()),
                method: self.method.with(|label| Some(label.clone()).filter(|label| !label.is_empty())),
                refunds: self.refunds.with(|word| refunds_of(word)),
            }
        })
    }
}

fn refunds_of(word: &str) -> RefundFilter {
    match word {
        "refunded" => RefundFilter::Refunded,
        "untouched" => RefundFilter::Untouched,
        _ => RefundFilter::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_in_the_persons_own_calendar() {
        let day = |text: &str| Day::parse(text).unwrap();
        let bounds = |days: Days| {
            let (first, after) = days.bounds(day("2026-01-15"), "2025-12-24", "2025-12-31");
            [first, after].map(|day| day.map(|day| day.to_string()).unwrap_or_default())
        };
        assert_eq!(bounds(Days::All), ["", ""]);
        assert_eq!(bounds(Days::Month), ["2026-01-01", ""]);
        assert_eq!(bounds(Days::LastMonth), ["2025-12-01", "2026-01-01"]);
        assert_eq!(bounds(Days::Year), ["2026-01-01", ""]);
        assert_eq!(bounds(Days::LastYear), ["2025-01-01", "2026-01-01"]);
        assert_eq!(bounds(Days::Chosen), ["2025-12-24", "2026-01-01"]);
        assert_eq!(Days::Chosen.bounds(day("2026-01-15"), "2025-12", ""), (None, None), "not typed yet");
    }

    #[test]
    fn choices_keep_their_words() {
        for days in Days::ALL {
            assert_eq!(Days::from_name(days.name()), days);
        }
        assert_eq!(REFUNDS.map(|(word, _)| refunds_of(word)).len(), 3);
        assert_eq!(refunds_of("refunded"), RefundFilter::Refunded);
    }
}
