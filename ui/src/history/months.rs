//! Months over the lines: where each begins.

use protocol::ipc::history::{HistoryView, MonthView};

use crate::components::virtual_list::Shape;

/// The list's shape: the first line of each month has the month above it.
pub fn shape(view: &HistoryView) -> Shape {
    let mut next = 0;
    let mut tall = Vec::with_capacity(view.months.len());
    for month in &view.months {
        tall.push(next);
        next += month.count as usize;
    }
    Shape { count: view.count as usize, tall }
}

/// The month whose first line this is.
pub fn beginning<'a>(view: &'a HistoryView, shape: &Shape, index: usize) -> Option<&'a MonthView> {
    view.months.get(shape.tall.binary_search(&index).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(month: u8, count: u32) -> MonthView {
        MonthView { year: 2026, month, count, sums: Vec::new() }
    }

    #[test]
    fn every_month_stands_above_its_first_line() {
        let months = vec![month(12, 3), month(11, 1), month(9, 2)];
        let view = HistoryView { count: 6, months, ..HistoryView::default() };
        let shape = shape(&view);
        assert_eq!(shape, Shape { count: 6, tall: vec![0, 3, 4] });
        assert_eq!(beginning(&view, &shape, 3).map(|month| month.month), Some(11));
        assert_eq!(beginning(&view, &shape, 5), None);
    }
}
