//! What pages that are served to people have in common: their look, the hashes of their parts, and which language is shown
//! first.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The look of every page.
pub(crate) const STYLE: &str = include_str!("web_page/style.css");

/// What every page is shown with.
pub(crate) const SCREEN: &str = include_str!("web_page/screen.js");

/// A hash as `integrity` takes it (Subresource Integrity, section 3.1).
pub(crate) fn hash(bytes: &[u8]) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(bytes)))
}

/// Whether a person would rather read Chinese: of the two languages there are, the one named first (RFC 9110, section
/// 12.5.4). Weights are not looked at: browsers send the languages in their order.
pub(crate) fn wants_chinese(headers: &HeaderMap) -> bool {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut tags = wanted.split(',').map(|tag| tag.trim().to_ascii_lowercase());
    tags.find_map(|tag| match tag {
        tag if tag.starts_with("zh") => Some(true),
        tag if tag.starts_with("en") => Some(false),
        _ => None,
    })
    .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_language_that_there_is_is_shown() {
        let asks = |wanted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(wanted));
            wants_chinese(&headers)
        };
        assert!(asks("zh-CN,zh;q=0.9,en;q=0.8") && asks("fr, zh-Hans;q=0.5"));
        assert!(!asks("en-GB,en;q=0.9,zh;q=0.1") && !asks("fr") && !wants_chinese(&HeaderMap::new()));
    }
}
