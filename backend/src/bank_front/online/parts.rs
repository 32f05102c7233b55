//! The page itself: one document, its style, its script and its texts, each named by its hash. Nothing of anybody else's.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use crate::web_page::{self, SCREEN, hash, wants_chinese};

const PAGE: &str = include_str!("page/page.html");
const SCRIPT: &str = include_str!("page/page.js");
const TEXTS: &str = include_str!("page/texts.json");
/// What every page looks like, and what only this one has.
static STYLE: LazyLock<String> = LazyLock::new(|| [web_page::STYLE, include_str!("page/page.css")].concat());

/// The page runs its own parts, talks to this server, and does nothing else; nobody may frame it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
);

/// What every answer says besides.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Adds what every answer says besides.
pub(super) async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().extend(HEADERS);
    response
}

/// The page, in the language that the browser asks for first.
pub(super) async fn page(headers: HeaderMap) -> Response {
    let lang = if wants_chinese(&headers) { "zh-Hans" } else { "en" };
    let marks = [
        ("{lang}", lang.to_owned()),
        ("{style}", hash(STYLE.as_bytes())),
        ("{screen}", hash(SCREEN.as_bytes())),
        ("{script}", hash(SCRIPT.as_bytes())),
        ("{texts}", hash(TEXTS.as_bytes())),
    ];
    let page = marks.iter().fold(PAGE.to_owned(), |page, (mark, text)| page.replace(mark, text));
    let mut response = Html(page).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

/// Its script.
pub(super) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}

/// What it is shown with.
pub(super) async fn screen() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCREEN)
}

/// Its style.
pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE.as_str())
}

/// Its texts, in both languages.
pub(super) async fn texts() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXTS)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn texts() -> BTreeMap<String, BTreeMap<String, String>> {
        serde_json::from_str(TEXTS).unwrap()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let marks =
            |text: &str| text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect();
        let shape = |language: &str| -> BTreeMap<String, BTreeSet<String>> {
            texts()[language].iter().map(|(key, text)| (key.clone(), marks(text))).collect()
        };
        assert_eq!(shape("en"), shape("zh-Hans"));
    }

    #[test]
    fn what_the_script_says_is_among_the_texts() {
        let texts = texts();
        let scripts = [SCREEN, SCRIPT].concat();
        let said = scripts
            .split(" t('")
            .skip(1)
            .chain(scripts.split("(t('").skip(1))
            .filter_map(|rest| rest.split('\'').next());
        let missing: Vec<_> = said.filter(|key| key.len() < 40 && !texts["en"].contains_key(*key)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn every_refusal_has_its_words() {
        let texts = texts();
        let source = [include_str!("../channel/refusal.rs"), include_str!("../binding/change/refused.rs")].concat();
        let codes = source.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next());
        // What the page cannot meet: it is no channel, it names no id, and its members are well formed.
        let never = ["not_admitted", "not_for_this_channel", "visit_unknown", "change_differs", "change_unknown"];
        let missing: Vec<_> =
            codes.filter(|code| !never.contains(code) && !texts["en"].contains_key(&format!("error.{code}"))).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn nothing_runs_that_is_not_named_by_its_hash() {
        assert_eq!(PAGE.matches("<script").count(), 1);
        assert!(PAGE.contains("integrity=\"{script}\"") && PAGE.contains("integrity=\"{style}\""));
        assert!(PAGE.contains("integrity=\"{screen}\""));
        assert!(
            !PAGE.contains("style=") && !PAGE.contains("onclick=") && ![SCREEN, SCRIPT].concat().contains("innerHTML")
        );
        for other in ["http:", "https:", "//cdn"] {
            assert!(!PAGE.contains(other) && !STYLE.contains(other), "{other}");
        }
    }
}
