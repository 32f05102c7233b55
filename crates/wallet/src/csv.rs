//! Files for a spreadsheet: CSV (RFC 4180) with a byte order mark, and no cell that a spreadsheet would compute.

/// Tells spreadsheets that the text is UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";
/// A time, with its distance from UTC.
pub const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%:z";
/// What a cell may not begin with: a spreadsheet takes it for a formula, or passes over it to find one.
const FORMULA_BEGINS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Adds one line, with the line break that RFC 4180 asks for.
pub fn line(text: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|content| cell(content)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A cell: what looks like a formula gets an apostrophe, and what could end the cell is quoted.
fn cell(content: &str) -> String {
    let safe = if content.starts_with(FORMULA_BEGINS) { format!("'{content}") } else { content.to_owned() };
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_text_stays_one_cell() {
        for (content, written) in [
            ("A-1042", "A-1042"),
            ("=1+1", "'=1+1"),
            ("+441", "'+441"),
            ("-3.20", "'-3.20"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("two, of them", "\"two, of them\""),
            ("the \"best\"", "\"the \"\"best\"\"\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
        ] {
            assert_eq!(cell(content), written);
        }
    }
}
