//! Which sales are listed: a part of an order number, a state, and days of the person's own calendar.

use protocol::ipc::merchant::SalesFilter;

/// The days whose sales are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Every day.
    All,
    /// Today.
    Today,
    /// Yesterday.
    Yesterday,
    /// Today and the six days before.
    Week,
    /// Today and the 29 days before.
    Month,
    /// From one day to another.
    Chosen,
}

impl Period {
    /// Every choice.
    pub const ALL: [Self; 6] = [Self::All, Self::Today, Self::Yesterday, Self::Week, Self::Month, Self::Chosen];

    /// The stable word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::Week => "week",
            Self::Month => "month",
            Self::Chosen => "chosen",
        }
    }

    /// The choice of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.name() == name)
    }
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// The year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub number: u8,
}

impl Day {
    /// The day `YYYY-MM-DD` names.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let mut part = |length: usize| {
            let digits = parts.next().filter(|it| it.len() == length && it.bytes().all(|byte| byte.is_ascii_digit()));
            digits.and_then(|digits| digits.parse::<u16>().ok())
        };
        let (year, month, number) = (part(4)?, part(2)?, part(2)?);
        if parts.next().is_some() {
            return None;
        }
        let parsed = Self { year, month: u8::try_from(month).ok()?, number: u8::try_from(number).ok()? };
        parsed.exists().then_some(parsed)
    }

    fn exists(self) -> bool {
        (1970..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=self.days_of_month()).contains(&self.number)
    }

    const fn days_of_month(self) -> u8 {
        let is_leap = self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        match self.month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// The day after.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.number < self.days_of_month() {
            Self { number: self.number + 1, ..self }
        } else if self.month < 12 {
            Self { month: self.month + 1, number: 1, ..self }
        } else {
            Self { year: self.year + 1, month: 1, number: 1 }
        }
    }

    /// The day before.
    #[must_use]
    pub const fn previous(self) -> Self {
        if self.number > 1 {
            return Self { number: self.number - 1, ..self };
        }
        let month = if self.month > 1 {
            Self { month: self.month - 1, ..self }
        } else {
            Self { year: self.year - 1, month: 12, number: 1 }
        };
        Self { number: month.days_of_month(), ..month }
    }

    fn before(self, days: u8) -> Self {
        (0..days).fold(self, |day, _| day.previous())
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.number)
    }
}

/// What is asked for on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Part of an order number.
    pub text: String,
    /// A state's name, or nothing.
    pub status: String,
    /// Which days.
    pub period: Period,
    /// The first day, as typed.
    pub from: String,
    /// The last day, as typed.
    pub to: String,
}

impl Question {
    /// Every sale.
    pub const fn all() -> Self {
        Self { text: String::new(), status: String::new(), period: Period::All, from: String::new(), to: String::new() }
    }

    /// Whether it leaves nothing out.
    pub fn is_all(&self) -> bool {
        self.text.trim().is_empty()
            && self.status.is_empty()
            && self.days(Day { year: 1970, month: 1, number: 1 }) == (None, None)
    }

    /// The first and the last day. A day that is not typed yet, or no day at all, is no bound.
    fn days(&self, today: Day) -> (Option<Day>, Option<Day>) {
        match self.period {
            Period::All => (None, None),
            Period::Today => (Some(today), Some(today)),
            Period::Yesterday => (Some(today.previous()), Some(today.previous())),
            Period::Week => (Some(today.before(6)), Some(today)),
            Period::Month => (Some(today.before(29)), Some(today)),
            Period::Chosen => (Day::parse(&self.from), Day::parse(&self.to)),
        }
    }

    /// The wallet's filter. `midnight_ms` says when a day of the person's calendar begins.
    pub fn filter(&self, today: Day, midnight_ms: impl Fn(Day) -> u64) -> SalesFilter {
        let (first, last) = self.days(today);
        SalesFilter {
            text: self.text.trim().to_owned(),
            status: self.status.clone(),
            from_ms: first.map(&midnight_ms),
            to_ms: last.map(|day| midnight_ms(day.next())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    /// A calendar in which a day's midnight is its date read as a number.
    fn number(day: Day) -> u64 {
        u64::from(day.year) * 10_000 + u64::from(day.month) * 100 + u64::from(day.number)
    }

    fn bounds(period: Period, from: &str, to: &str) -> (Option<u64>, Option<u64>) {
        let question = Question { period, from: from.into(), to: to.into(), ..Question::all() };
        let filter = question.filter(day("2026-03-01"), number);
        (filter.from_ms, filter.to_ms)
    }

    #[test]
    fn days_are_read_strictly() {
        assert_eq!(day("2024-02-29"), Day { year: 2024, month: 2, number: 29 });
        for bad in [
            "",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "26-01-01",
            "2026-01-01-01",
            "2026/01/01",
            "+026-01-01",
        ] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn neighbouring_days_cross_months_and_years() {
        for (before, after) in [
            ("2026-02-28", "2026-03-01"),
            ("2024-02-29", "2024-03-01"),
            ("2025-12-31", "2026-01-01"),
            ("2100-02-28", "2100-03-01"),
        ] {
            assert_eq!(day(before).next(), day(after));
            assert_eq!(day(after).previous(), day(before));
        }
    }

    #[test]
    fn a_period_ends_when_the_day_after_its_last_begins() {
        assert_eq!(bounds(Period::All, "", ""), (None, None));
        assert_eq!(bounds(Period::Today, "", ""), (Some(20_260_301), Some(20_260_302)));
        assert_eq!(bounds(Period::Yesterday, "", ""), (Some(20_260_228), Some(20_260_301)));
        assert_eq!(bounds(Period::Week, "", ""), (Some(20_260_223), Some(20_260_302)));
        assert_eq!(bounds(Period::Month, "", ""), (Some(20_260_131), Some(20_260_302)));
        assert_eq!(bounds(Period::Chosen, "2026-01-05", "2026-01-31"), (Some(20_260_105), Some(20_260_201)));
    }

    #[test]
    fn a_day_half_typed_is_no_bound() {
        assert_eq!(bounds(Period::Chosen, "2026-01-05", "2026-0"), (Some(20_260_105), None));
        assert_eq!(bounds(Period::Chosen, "", ""), (None, None));
    }

    #[test]
    fn a_question_that_leaves_nothing_out_is_told_apart() {
        assert!(Question::all().is_all());
        assert!(Question { text: "  ".into(), ..Question::all() }.is_all());
        assert!(Question { period: Period::Chosen, ..Question::all() }.is_all());
        assert!(!Question { period: Period::Today, ..Question::all() }.is_all());
        assert!(!Question { status: "paid".into(), ..Question::all() }.is_all());
        assert!(!Question { text: "A-1".into(), ..Question::all() }.is_all());
    }

    #[test]
    fn periods_have_names() {
        for period in Period::ALL {
            assert_eq!(Period::from_name(period.name()), Some(period));
        }
        assert_eq!(Period::from_name("fortnight"), None);
    }
}
