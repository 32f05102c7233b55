//! The style sheets in one file: a window asks its program for each file by itself, and draws nothing before the last.

use std::fs;
use std::path::Path;

use super::{WebError, at};

/// What a page's link to a style sheet begins and ends with.
const LINK: (&str, &str) = (r#"<link rel="stylesheet" href=""#, r#"">"#);
/// The one file.
const JOINED: &str = "screens.css";

/// Puts the style sheets that the bundle's page links to into one, in the page's order and those of `further` after them,
/// and links to that. They are read from `sources`.
pub fn join(sources: &Path, further: &[&str], dist: &Path) -> Result<(), WebError> {
    let page = dist.join("index.html");
    let (html, linked) = relinked(&fs::read_to_string(&page).map_err(at(&page))?);
    let mut joined = String::new();
    for sheet in linked.iter().map(String::as_str).chain(further.iter().copied()) {
        let path = sources.join(sheet);
        joined.push_str(&fs::read_to_string(&path).map_err(at(&path))?);
    }
    let sheet = dist.join(JOINED);
    fs::write(&sheet, joined).map_err(at(&sheet))?;
    fs::write(&page, html).map_err(at(&page))
}

/// The page with one link in the place of the first, and what the links led to.
fn relinked(html: &str) -> (String, Vec<String>) {
    let mut sheets = Vec::new();
    let mut lines = Vec::new();
    for line in html.lines() {
        let sheet = line.trim().strip_prefix(LINK.0).and_then(|rest| rest.strip_suffix(LINK.1));
        let Some(sheet) = sheet else {
            lines.push(line.to_owned());
            continue;
        };
        if sheets.is_empty() {
            lines.push(line.replace(sheet, JOINED));
        }
        sheets.push(sheet.to_owned());
    }
    (lines.join("\n") + "\n", sheets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheets_are_one_in_the_pages_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let (sources, dist) = (folder.path().join("ui"), folder.path().join("dist"));
        let write = |folder: &Path, name: &str, text: &str| {
            fs::create_dir_all(folder).expect("a folder can be made");
            fs::write(folder.join(name), text).expect("it is writable");
        };
        for (name, text) in [("b.css", "@layer b, a;\n"), ("a.css", "@layer a {}\n"), ("more.css", "@layer c {}\n")] {
            write(&sources, name, text);
        }
        let page =
            "<head>\n  <link rel=\"stylesheet\" href=\"b.css\">\n  <link rel=\"stylesheet\" href=\"a.css\">\n</head>\n";
        write(&dist, "index.html", page);
        join(&sources, &["more.css"], &dist).expect("the sheets are there");
        let read = |name: &str| fs::read_to_string(dist.join(name)).expect("it is there");
        assert_eq!(read("screens.css"), "@layer b, a;\n@layer a {}\n@layer c {}\n");
        assert_eq!(read("index.html"), "<head>\n  <link rel=\"stylesheet\" href=\"screens.css\">\n</head>\n");
    }
}
