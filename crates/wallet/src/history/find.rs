//! The commands that find and count.

use std::collections::BTreeMap;

use payment::Amount;
use protocol::Problem;
use protocol::ipc::history::{
    HistoryChoicesView, HistoryLine, HistoryQuery, HistoryView, LINES_MAX, MonthView, SumView,
};

use super::calendar;
use crate::error::Result;
use crate::store::{Find, MonthRow};
use crate::wallet::Wallet;

impl Wallet {
    /// How many receipts answer a query, by month, and what they come to.
    pub async fn history(&self, query: HistoryQuery) -> std::result::Result<HistoryView, Problem> {
        Ok(self.counted(&query).await?)
    }

    pub(super) async fn counted(&self, query: &HistoryQuery) -> Result<HistoryView> {
        let store = &self.core.store;
        let rows = store.history_months(&Find::new(query)).await?;
        Ok(HistoryView { waiting: store.history_waiting().await?, ..view_of(&rows) })
    }

    /// Some of their lines, newest first.
    pub async fn history_lines(
        &self,
        query: HistoryQuery,
        from: u32,
        count: u32,
    ) -> std::result::Result<Vec<HistoryLine>, Problem> {
        let rows = self.core.store.history_lines(&Find::new(&query), from, count.min(LINES_MAX)).await?;
        Ok(rows.into_iter().map(|row| row.line).collect())
    }

    /// What there is to filter by.
    pub async fn history_choices(&self) -> std::result::Result<HistoryChoicesView, Problem> {
        let store = &self.core.store;
        Ok(HistoryChoicesView {
            currencies: store.history_currencies().await?,
            payees: store.history_payees().await?,
            methods: store.history_methods().await?,
        })
    }
}

/// The months of the rows, which come by month with a currency each, and what they come to altogether.
fn view_of(rows: &[MonthRow]) -> HistoryView {
    let mut view = HistoryView::default();
    let mut sums: BTreeMap<&str, SumView> = BTreeMap::new();
    let mut number = None;
    for row in rows {
        if number != Some(row.month) {
            number = Some(row.month);
            let (year, month) = calendar::year_and_month(row.month);
            view.months.push(MonthView { year, month, count: 0, sums: Vec::new() });
        }
        let count = u32::try_from(row.count).unwrap_or(u32::MAX);
        view.count = view.count.saturating_add(count);
        let sum = SumView { paid: row.paid, refunded_minor: row.refunded_minor };
        if let Some(month) = view.months.last_mut() {
            month.count = month.count.saturating_add(count);
            month.sums.push(sum);
        }
        let currency = row.paid.currency();
        let none = SumView { paid: Amount::new(0, currency), refunded_minor: 0 };
        let total = sums.entry(currency.code()).or_insert(none);
        total.paid = Amount::new(total.paid.minor().saturating_add(row.paid.minor()), currency);
        total.refunded_minor = total.refunded_minor.saturating_add(row.refunded_minor);
    }
    view.sums = sums.into_values().collect();
    view
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(month: i64, count: i64, minor: i64, currency: &str) -> MonthRow {
        MonthRow { month, count, paid: Amount::new(minor, currency.parse().unwrap()), refunded_minor: minor / 10 }
    }

    #[test]
    fn months_hold_their_currencies_and_sums_hold_every_month() {
        let december = 2026 * 12 + 11;
        let rows = [row(december, 2, 100, "CNY"), row(december, 3, 50, "USD"), row(december - 1, 1, 20, "USD")];
        let view = view_of(&rows);
        assert_eq!(view.count, 6);
        let months: Vec<(u16, u8, u32)> = view.months.iter().map(|it| (it.year, it.month, it.count)).collect();
        assert_eq!(months, [(2026, 12, 5), (2026, 11, 1)]);
        let sums: Vec<(String, i64)> = view.sums.iter().map(|it| (it.paid.to_string(), it.refunded_minor)).collect();
        assert_eq!(sums, [("CNY 1.00".into(), 10), ("USD 0.70".into(), 7)]);
    }
}
