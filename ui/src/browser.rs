//! What the screens need of the web view besides drawing: language, focus, clipboard, files.

use js_sys::{Array, Function, JsString, Promise};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, Document, FileReader, HtmlAnchorElement, HtmlElement, Url, Window};

fn window() -> Option<Window> {
    web_sys::window()
}

fn document() -> Option<Document> {
    window()?.document()
}

/// The system's language as a BCP 47 tag; empty when unknown.
pub fn language() -> String {
    window().and_then(|window| window.navigator().language()).unwrap_or_default()
}

/// Says on `<html>` which language and colours are shown.
pub fn set_root(attribute: &str, value: Option<&str>) {
    let Some(root) = document().and_then(|document| document.document_element()) else { return };
    // An attribute of the root that cannot be set leaves the screens readable in the defaults.
    let _ = match value {
        Some(value) => root.set_attribute(attribute, value),
        None => root.remove_attribute(attribute),
    };
}

/// Moves the focus to the first element that matches, without scrolling to it.
pub fn focus(selector: &str) {
    let element = document().and_then(|document| document.query_selector(selector).ok().flatten());
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // An element that cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}

/// Scrolls the first element that matches to its top.
pub fn scroll_to_top(selector: &str) {
    if let Some(element) = document().and_then(|document| document.query_selector(selector).ok().flatten()) {
        element.set_scroll_top(0);
    }
}

/// Whether an element matches.
pub fn is_there(selector: &str) -> bool {
    document().and_then(|document| document.query_selector(selector).ok().flatten()).is_some()
}

/// The query part of the page's address.
#[cfg(feature = "workbench")]
pub fn query() -> String {
    let location = window().and_then(|window| js_sys::Reflect::get(&window, &"location".into()).ok());
    let search = location.and_then(|location| js_sys::Reflect::get(&location, &"search".into()).ok());
    search.and_then(|search| search.as_string()).unwrap_or_default()
}

/// Tells whether a media query holds, now and whenever that changes. Where the web view cannot say, it does not hold.
pub fn follow_media(query: &str, mut tell: impl FnMut(bool) + 'static) {
    let Some(list) = window().and_then(|window| window.match_media(query).ok().flatten()) else { return tell(false) };
    tell(list.matches());
    let asked = list.clone();
    let on_change = Closure::<dyn FnMut()>::new(move || tell(asked.matches()));
    list.set_onchange(Some(on_change.as_ref().unchecked_ref()));
    // It is followed for as long as the page lives.
    on_change.forget();
}

/// Whether the element with this id has the focus.
pub fn is_focused(id: &str) -> bool {
    document().and_then(|document| document.active_element()).is_some_and(|element| element.id() == id)
}

/// Whether the screens are mirrored: read from right to left.
pub fn is_mirrored() -> bool {
    is_there(":root[dir=\"rtl\"]")
}

/// Whether the page is out of sight: another window covers it, or another app is in front.
pub fn is_hidden() -> bool {
    document().is_some_and(|document| document.hidden())
}

/// Waits.
pub async fn pause(ms: u32) {
    let promise = Promise::new(&mut |resolve: Function, _reject: Function| {
        if let Some(window) = window() {
            // A window without timers is closing.
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms.cast_signed());
        }
    });
    // A timer's promise is never rejected.
    let _ = JsFuture::from(promise).await;
}

/// Puts a text on the clipboard; false when the web view does not allow it.
pub async fn copy(text: &str) -> bool {
    let Some(window) = window() else { return false };
    // Outside a secure context there is no clipboard object, and calling it would throw.
    let clipboard = js_sys::Reflect::get(&window.navigator(), &"clipboard".into());
    if clipboard.is_ok_and(|clipboard| clipboard.is_undefined()) {
        return false;
    }
    JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}

/// Prints the page, as the style sheet's `print` rules leave it.
pub fn print() {
    if let Some(window) = window() {
        // A web view that cannot print does nothing.
        let _ = window.print();
    }
}

/// Offers a text as a file of a media type to save.
pub fn save(name: &str, text: &str, media_type: &str) -> Result<(), JsValue> {
    let parts = Array::of1(&JsValue::from_str(text));
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    offer(name, &Blob::new_with_str_sequence_and_options(&parts, &options)?)
}

/// Offers a file to save.
fn offer(name: &str, file: &Blob) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(file)?;
    let document = document().ok_or(JsValue::NULL)?;
    let link: HtmlAnchorElement = document.create_element("a")?.dyn_into()?;
    link.set_href(&url);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&url)
}

/// Offers bytes, given in base64, as a file of a media type to save.
pub fn save_bytes(name: &str, base64: &str, media_type: &str) -> Result<(), JsValue> {
    let window = window().ok_or(JsValue::NULL)?;
    // Every character of what comes back is a byte.
    let bytes: Vec<u8> = window.atob(base64)?.chars().map(|letter| letter as u8).collect();
    let parts = Array::of1(&js_sys::Uint8Array::from(bytes.as_slice()));
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    offer(name, &Blob::new_with_u8_array_sequence_and_options(&parts, &options)?)
}

/// A file's bytes in base64.
///
/// # Errors
/// When the web view cannot read it.
pub async fn base64_of(file: &Blob) -> Result<String, JsValue> {
    let reader = FileReader::new()?;
    let loaded = Promise::new(&mut |resolve: Function, reject: Function| {
        reader.set_onload(Some(&resolve));
        reader.set_onerror(Some(&reject));
    });
    reader.read_as_data_url(file)?;
    JsFuture::from(loaded).await?;
    let url = reader.result()?.as_string().unwrap_or_default();
    url.split_once(";base64,").map(|(_, bytes)| bytes.to_owned()).ok_or(JsValue::NULL)
}

/// A picture's `data:` URL from its SVG text.
pub fn svg_url(svg: &str) -> String {
    let encoded: JsString = js_sys::encode_uri_component(svg);
    format!("data:image/svg+xml,{}", String::from(encoded))
}
