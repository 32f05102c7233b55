//! Links: the sealed letter behind a token. Opening one changes nothing, so that mail scanners may.

use std::sync::LazyLock;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use payment::RequestId;
use protocol::wallet_api::{RequestLetter, SealedRequest};
use protocol::{ErrorCode, Problem, SealedText};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{App, Error};
use crate::keys;
use crate::storage::DbConnection;

/// Bytes of a token.
const TOKEN_BYTES: usize = 16;

/// The page behind a link opened in a browser. It is the same for every link and loads nothing; its one script, which
/// puts what stands behind the `#` into the button, may run because the policy has its hash.
const PAGE: &str = include_str!("links/page.html");

/// The page may run and show what stands in it and load nothing at all, and nobody may frame it.
static PAGE_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        inline_hash("<script>", "</script>"),
        inline_hash("<style>", "</style>"),
    );
    HeaderValue::from_str(&policy).expect("hashes are plain text")
});

/// The hash that lets one inline element of the page be used (Content Security Policy Level 3, section 6.7.3.3).
fn inline_hash(opens: &str, closes: &str) -> String {
    let content =
        PAGE.split_once(opens).and_then(|(_, rest)| rest.split_once(closes)).map_or("", |(content, _)| content);
    format!("sha256-{}", STANDARD.encode(Sha256::digest(content)))
}

/// The name of a letter: it says nothing and cannot be guessed.
pub(super) fn new_token() -> String {
    URL_SAFE_NO_PAD.encode(keys::random::<TOKEN_BYTES>())
}

/// The plaintext of a letter.
pub(super) fn letter(order_jws: &str) -> Zeroizing<Vec<u8>> {
    let letter = RequestLetter { order: order_jws.to_owned() };
    Zeroizing::new(serde_json::to_vec(&letter).expect("a string is always JSON"))
}

/// Stores a letter behind its token.
pub(super) async fn insert(
    db_tx: &mut DbConnection,
    token: &str,
    request_id: RequestId,
    sealed: &str,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO link (token, request_id, sealed) VALUES ($1, $2, $3)")
        .bind(token)
        .bind(request_id.to_string())
        .bind(sealed)
        .execute(db_tx)
        .await?;
    Ok(())
}

/// The link for a browser. The key stands behind the `#` and so is never sent to the server.
pub(super) fn https_link(public_url: &str, token: &str, fragment: &str) -> String {
    format!("{public_url}/r/{token}#{fragment}")
}

/// The link for a wallet, which names the server too.
pub(super) fn deep_link(public_url: &str, token: &str, fragment: &str) -> String {
    let server = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    format!("tapseal://r/{token}?s={server}#{fragment}")
}

/// The sealed letter behind a link.
#[utoipa::path(get, path = "/v1/links/{token}", tag = "public", params(("token" = String, Path)),
    responses((status = 200, body = SealedRequest), (status = 404, body = Problem)))]
pub(super) async fn show(State(app): State<App>, Path(token): Path<String>) -> Result<Json<SealedRequest>, Error> {
    let row: Option<(String, String)> = sqlx::query_as("SELECT request_id, sealed FROM link WHERE token = $1")
        .bind(token)
        .fetch_optional(app.db.reader())
        .await?;
    let (request_id, sealed) = row.ok_or(ErrorCode::NotFound)?;
    let request_id = request_id.parse().map_err(|_| Error::Row("link"))?;
    let sealed: SealedText = serde_json::from_str(&sealed).map_err(|_| Error::Row("link"))?;
    Ok(Json(SealedRequest { seq: 0, request_id, sealed }))
}

/// What a person sees who opens a link in a browser.
pub(super) async fn page(State(app): State<App>) -> Response {
    let browser = if app.page.is_some() { "on" } else { "off" };
    let mut response = Html(PAGE.replace("{browser}", browser)).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY.clone());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_has_the_hashes_of_what_stands_in_the_page() {
        assert_eq!(PAGE.matches("<script").count(), 1);
        assert_eq!(PAGE.matches("<style").count(), 1);
        let policy = PAGE_POLICY.to_str().unwrap();
        let of_nothing = STANDARD.encode(Sha256::digest(""));
        assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
        assert!(!policy.contains(&of_nothing) && !policy.contains("unsafe"), "{policy}");
        assert!(!PAGE.contains("style=") && !PAGE.contains("onclick="), "the policy allows no inline attributes");
    }

    #[test]
    fn both_links_keep_the_key_behind_the_hash() {
        assert_eq!(https_link("https://127.0.0.1:8443", "tok", "key"), "https://127.0.0.1:8443/r/tok#key");
        assert_eq!(deep_link("https://127.0.0.1:8443", "tok", "key"), "tapseal://r/tok?s=127.0.0.1:8443#key");
    }
}
