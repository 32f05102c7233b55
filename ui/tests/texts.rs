//! No text stands in a view: what a person reads comes from `locales/`.

use std::path::{Path, PathBuf};

/// Attributes that are read out or shown.
const SPOKEN: &[&str] = &[
    "aria-label",
    "aria-description",
    "aria-roledescription",
    "aria-valuetext",
    "placeholder",
    "title",
    "alt",
    "label",
];

/// What a view's text is made of, as far as this test must know.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A literal's text.
    Literal(String),
    /// A name: letters, digits, `_` and `-`.
    Name(String),
    /// Anything else that is no space.
    Sign(char),
}

/// The tokens of some Rust; comments are left out.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut letters = source.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => {
                let _ = letters.by_ref().find(|letter| *letter == '\n');
            }
            '"' => {
                let mut text = String::new();
                while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                    // An escape is no letter that a person reads.
                    if letter == '\\' {
                        letters.next();
                    } else {
                        text.push(letter);
                    }
                }
                tokens.push(Token::Literal(text));
            }
            // A character, not a lifetime.
            '\'' => {
                let rest: Vec<char> = letters.clone().take(3).collect();
                let length = match rest[..] {
                    ['\\', _, '\''] => 3,
                    [_, '\'', ..] => 2,
                    _ => 0,
                };
                letters.by_ref().take(length).for_each(drop);
            }
            _ if letter.is_alphanumeric() || letter == '_' => {
                let mut name = String::from(letter);
                while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '-')) {
                    name.push(next);
                }
                tokens.push(Token::Name(name));
            }
            _ if letter.is_whitespace() => {}
            _ => tokens.push(Token::Sign(letter)),
        }
    }
    tokens
}

/// The literals in the `view!`s of some Rust that a person would read.
fn texts_in_views(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut is_view = false;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Name(name) if name == "view" && tokens.get(at + 1) == Some(&Token::Sign('!')) => is_view = true,
            Token::Sign('{') if is_view || depth > 0 => {
                is_view = false;
                depth += 1;
            }
            Token::Sign('}') if depth > 0 => depth -= 1,
            Token::Literal(text) if depth > 0 && has_words(text) && is_read(&tokens[..at]) => {
                found.push(text.clone());
            }
            Token::Literal(_) | Token::Name(_) | Token::Sign(_) => {}
        }
    }
    found
}

/// Whether there is something to translate: the beginning of every address is the same in every language.
fn has_words(text: &str) -> bool {
    text != "https://" && text.chars().any(char::is_alphabetic)
}

/// Whether a literal after these tokens is a child of an element, or the value of an attribute that is read.
fn is_read(before: &[Token]) -> bool {
    match before {
        [.., Token::Name(name), Token::Sign('=')] => SPOKEN.contains(&name.as_str()),
        // `<p>"text"` and `<p>{"text"}`; an arrow is no end of a tag.
        [.., before, Token::Sign('>')] | [.., before, Token::Sign('>'), Token::Sign('{')] => {
            !matches!(before, Token::Sign('=' | '-'))
        }
        [.., Token::Sign('}') | Token::Literal(_)] => true,
        _ => false,
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn no_text_stands_in_a_view() {
    let mut found = Vec::new();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        // The catalogue's own page is for who builds the screens.
        if path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("workbench")) {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a source");
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        found.extend(texts_in_views(source).into_iter().map(|text| format!("{}: {text:?}", path.display())));
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn what_is_read_is_told_from_what_is_not() {
    let view = r#"view! { <p class="quiet" aria-label="Close it">"Pay now"<b>{"Later"}</b>{app.t(Text::Pay)}</p> }"#;
    assert_eq!(texts_in_views(view), ["Close it", "Pay now", "Later"]);
    let view =
        r#"let a = "A"; view! { <i class=move || if x { "good" } else { "bad" } data-a="x" title=app.t(T)/>" · " }"#;
    assert_eq!(texts_in_views(view), [""; 0]);
}
