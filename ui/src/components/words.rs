//! What a component says: a text of the locale files, a text with a value in it, or a name from elsewhere.

use std::sync::Arc;

use leptos::prelude::*;

use crate::i18n::{Lang, Text};
use crate::state::App;

/// Words in whatever language is shown.
#[derive(Clone)]
pub enum Words {
    /// As it stands in the locale files.
    Text(Text),
    /// With its one placeholder filled.
    Filled(Text, &'static str, String),
    /// A name or a value, the same in every language and in whatever script it has.
    Name(String),
    /// Made anew for each language, and whenever what it was made of changes.
    Made(Arc<dyn Fn(Lang) -> String + Send + Sync>),
}

impl Words {
    /// Words that are made anew.
    pub fn made(of: impl Fn(Lang) -> String + Send + Sync + 'static) -> Self {
        Self::Made(Arc::new(of))
    }

    /// Whether they are nobody's to translate.
    pub const fn is_name(&self) -> bool {
        matches!(self, Self::Name(_))
    }

    /// The words in a language.
    pub fn in_language(&self, lang: Lang) -> String {
        match self {
            Self::Text(text) => text.in_language(lang).to_owned(),
            Self::Filled(text, name, value) => text.filled(lang, &[(name, value)]),
            Self::Name(name) => name.clone(),
            Self::Made(of) => of(lang),
        }
    }
}

impl From<Text> for Words {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl App {
    /// Words as they stand in a line. A name is kept apart from the direction of what surrounds it.
    pub fn say(self, words: Words) -> AnyView {
        let is_name = words.is_name();
        let text = self.spoken(words);
        if is_name { view! { <bdi>{text}</bdi> }.into_any() } else { text.into_any() }
    }

    /// Words as an attribute takes them.
    pub fn spoken(self, words: Words) -> Signal<String> {
        let lang = self.lang;
        Signal::derive(move || words.in_language(lang.get()))
    }
}
