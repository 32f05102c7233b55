//! The payment page: a request paid in a browser, by a payer without a wallet. Served where the operator gave it its module.
//!
//! The page, its script, style and texts are in the program; the module that opens and seals is compiled for the web
//! (`cargo xtask page`) and read from a folder at the start. Every part is named by its hash, so that nothing on the way can
//! put another in its place. What this server could do itself stands in `docs/adr/0041-payment-page.md`.

use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use protocol::ErrorCode;

use super::{App, Error};
use crate::keys::{self, DataFolder, TrustFile};
use crate::web_page::{SCREEN, STYLE, hash, wants_chinese};

const PAGE: &str = include_str!("page/page.html");
const SCRIPT: &str = include_str!("page/page.js");
const TEXTS: &str = include_str!("page/texts.json");

/// The glue of the module and the module itself, as wasm-bindgen names them.
const MODULE_JS: &str = "payment_page.js";
const MODULE_WASM: &str = "payment_page_bg.wasm";
/// The largest of the two that is read, in bytes.
const MODULE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The page runs its own parts, talks to this server, and does nothing else; nobody may frame it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
);

/// Whether there is a page.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PageOptions {
    /// The folder of the payment page's module, as `cargo xtask page` makes it. Without it there is no payment page.
    #[arg(long, value_name = "FOLDER")]
    pub payment_page: Option<PathBuf>,
}

/// The page's parts, ready to be sent.
pub(super) struct PaymentPage {
    english: String,
    chinese: String,
    module_js: Vec<u8>,
    module_wasm: Vec<u8>,
    roots: String,
}

impl PaymentPage {
    /// Reads the module and names every part by its hash.
    pub(super) fn read(options: &PageOptions, data: &DataFolder) -> Result<Option<Self>, Error> {
        let Some(folder) = &options.payment_page else { return Ok(None) };
        let (module_js, module_wasm) = (part(folder, MODULE_JS)?, part(folder, MODULE_WASM)?);
        let trust: TrustFile = keys::read_json(&data.trust())?;
        let hashes = [
            ("{style}", hash(STYLE.as_bytes())),
            ("{screen}", hash(SCREEN.as_bytes())),
            ("{script}", hash(SCRIPT.as_bytes())),
            ("{texts}", hash(TEXTS.as_bytes())),
            ("{module}", hash(&module_js)),
            ("{wasm}", hash(&module_wasm)),
        ];
        let page = hashes.iter().fold(PAGE.to_owned(), |page, (mark, hash)| page.replace(mark, hash));
        Ok(Some(Self {
            english: page.replace("{lang}", "en"),
            chinese: page.replace("{lang}", "zh-Hans"),
            module_js,
            module_wasm,
            roots: trust.roots.to_json(),
        }))
    }
}

fn part(folder: &Path, name: &str) -> Result<Vec<u8>, Error> {
    let path = folder.join(name);
    if std::fs::metadata(&path)?.len() > MODULE_BYTES_MAX {
        return Err(Error::Io(std::io::Error::other(format!("{}: too large", path.display()))));
    }
    Ok(std::fs::read(&path)?)
}

/// The page. It is the same for every request: what it shows, it opens itself.
pub(super) async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, Error> {
    let page = app.page.as_ref().ok_or(ErrorCode::NotFound)?;
    let html = if wants_chinese(&headers) { &page.chinese } else { &page.english };
    let mut response = Html(html.clone()).into_response();
    let own = response.headers_mut();
    own.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    own.insert(header::VARY, HeaderValue::from_static("accept-language"));
    Ok(response)
}

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident = $kind:literal, $content:expr;)*) => {
        $(
            $(#[$doc])*
            pub(super) async fn $name(State(app): State<App>) -> Result<Response, Error> {
                let page = app.page.as_ref().ok_or(ErrorCode::NotFound)?;
                let content: fn(&PaymentPage) -> Vec<u8> = $content;
                Ok(([(header::CONTENT_TYPE, HeaderValue::from_static($kind))], content(page)).into_response())
            }
        )*
    };
}

parts! {
    /// Its script.
    script = "text/javascript; charset=utf-8", |_| SCRIPT.as_bytes().to_vec();
    /// What it is shown with.
    screen = "text/javascript; charset=utf-8", |_| SCREEN.as_bytes().to_vec();
    /// Its style.
    style = "text/css; charset=utf-8", |_| STYLE.as_bytes().to_vec();
    /// Its texts, in both languages.
    texts = "application/json", |_| TEXTS.as_bytes().to_vec();
    /// What stands between the script and the module.
    module_js = "text/javascript; charset=utf-8", |page| page.module_js.clone();
    /// The module.
    module_wasm = "application/wasm", |page| page.module_wasm.clone();
    /// The roots that this server's deployment pins.
    roots = "application/json", |page| page.roots.clone().into_bytes();
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn both_languages_say_the_same_things() {
        let texts: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(TEXTS).unwrap();
        let marks =
            |text: &str| text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect();
        let shape = |language: &str| -> BTreeMap<String, BTreeSet<String>> {
            texts[language].iter().map(|(key, text)| (key.clone(), marks(text))).collect()
        };
        assert_eq!(shape("en"), shape("zh-Hans"));
        let codes = texts["en"].keys().filter_map(|key| key.strip_prefix("error."));
        for code in codes.filter(|code| !["other", "offline"].contains(code)) {
            assert!(code.parse::<ErrorCode>().is_ok(), "{code} is no code of ours");
        }
    }

    #[test]
    fn what_the_script_says_is_among_the_texts() {
        let texts: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(TEXTS).unwrap();
        let scripts = [SCREEN, SCRIPT].concat();
        let said =
            scripts.split(" t('").chain(scripts.split("(t('")).skip(1).filter_map(|rest| rest.split('\'').next());
        let known = |key: &&str| texts["en"].contains_key(*key);
        let missing: Vec<_> = said.filter(|key| key.len() < 40 && !known(key)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn nothing_runs_that_is_not_named_by_its_hash() {
        assert_eq!(PAGE.matches("<script").count(), 1);
        assert!(PAGE.contains("integrity=\"{script}\"") && PAGE.contains("integrity=\"{style}\""));
        assert!(!PAGE.contains("style=") && !PAGE.contains("onclick=") && !SCRIPT.contains("innerHTML"));
    }
}
