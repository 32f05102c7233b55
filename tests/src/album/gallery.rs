//! The page beside the pictures that shows them, screen by screen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

/// What the page says before the pictures.
const HEAD: &str = "# The screens in pictures

Taken by `cargo xtask screenshots` on real servers with a real wallet; this page is written with them. A picture is called
`NAME-WIDTH-SHADE-LANGUAGE.webp`: NAME is the screen's `data-screen` ([screens.md](../screens.md)), and after a dash its
state. Kept here are a phone (390 px) light and dark in both languages, and a tablet (834) and a desktop (1280) light in
English and dark in Chinese; `cargo xtask screenshots --every-look --out DIR` takes the others too.
";
/// The pictures of a row, and how wide they are drawn, in CSS pixels.
const SHOWN: [(&str, u32); 3] = [("390-light-en", 150), ("390-dark-zh", 150), ("1280-light-en", 400)];

/// Writes `README.md` into a folder of pictures, about all that lie there.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn write_page(folder: &Path) -> io::Result<()> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        names.extend(stop_of(&entry?.file_name().to_string_lossy()).map(str::to_owned));
    }
    fs::write(folder.join("README.md"), page(&names))
}

/// The name of the stop a picture was taken at; none for what is no picture.
fn stop_of(file: &str) -> Option<&str> {
    let parts = file.strip_suffix(".webp")?.rsplitn(4, '-').collect::<Vec<_>>();
    let [_language, _shade, _width, name] = parts[..] else { return None };
    Some(name)
}

/// The screens whose names have a dash of their own.
const DASHED: [&str; 8] = [
    "bank.add-account",
    "bank.add-terminal",
    "bank.remove-terminal",
    "bank.sign-in",
    "first-contact",
    "first-run",
    "link-opened",
    "settings.pin-pad",
];

/// The screen a stop is at: its name up to the state.
fn screen_of(name: &str) -> &str {
    let own = DASHED.into_iter().find(|screen| name.starts_with(screen)).map_or(0, str::len);
    name[own..].find('-').map_or(name, |at| &name[..own + at])
}

/// The page's text.
fn page(names: &BTreeSet<String>) -> String {
    let mut screens = BTreeMap::<&str, Vec<&str>>::new();
    for name in names {
        screens.entry(screen_of(name)).or_default().push(name);
    }
    let mut page = HEAD.to_owned();
    for (screen, names) in screens {
        let _ = write!(page, "\n## {screen}\n\n| | phone, light | phone, dark | desktop |\n|---|---|---|---|\n");
        for name in names {
            let pictures = SHOWN.map(|(look, width)| {
                format!("<img src=\"{name}-{look}.webp\" width=\"{width}\" alt=\"{name}, {look}\">")
            });
            let _ = writeln!(page, "| `{name}` | {} |", pictures.join(" | "));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_found_under_its_screen() {
        assert_eq!(stop_of("card.error-mag-stripe-mode-390-dark-zh.webp"), Some("card.error-mag-stripe-mode"));
        assert_eq!(stop_of("README.md"), None);
        assert_eq!(stop_of("mark.webp"), None);
        for (name, screen) in
            [("first-run-restore", "first-run"), ("first-run.idea", "first-run.idea"), ("card-reading", "card")]
        {
            assert_eq!(screen_of(name), screen);
        }
        let names = ["card", "card-reading", "card.choose"].map(str::to_owned).into();
        let page = page(&names);
        assert!(page.contains("## card\n") && page.contains("## card.choose\n"), "{page}");
        assert!(!page.contains("## card-reading"), "{page}");
        assert!(page.contains("src=\"card-reading-390-dark-zh.webp\""), "{page}");
    }
}
