//! Tables for people: columns as wide as they must be, numbers to the right.

/// A column's heading, and to which side its cells go.
pub(super) enum Column {
    /// Words.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

impl Column {
    fn heading(&self) -> &'static str {
        match self {
            Self::Left(heading) | Self::Right(heading) => heading,
        }
    }

    fn cell(&self, text: &str, width: usize) -> String {
        match self {
            Self::Left(_) => format!("{text:<width$}"),
            Self::Right(_) => format!("{text:>width$}"),
        }
    }
}

/// The table as text, with its headings first.
pub(super) fn table<const N: usize>(columns: &[Column; N], rows: &[[String; N]]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.chain([columns[at].heading().chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let cells: Vec<String> =
            (columns.iter().zip(cells).zip(widths)).map(|((column, cell), width)| column.cell(cell, width)).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    let headings = line(std::array::from_fn(|at| columns[at].heading()));
    let lines = rows.iter().map(|row| line(std::array::from_fn(|at| row[at].as_str())));
    headings + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_line_ends_in_spaces() {
        let rows = [["müller".to_owned(), "1.00".to_owned()], ["x".to_owned(), "12.80".to_owned()]];
        let text = table(&[Column::Left("who"), Column::Right("owes")], &rows);
        assert_eq!(text, "who      owes\nmüller   1.00\nx       12.80\n");
    }
}
