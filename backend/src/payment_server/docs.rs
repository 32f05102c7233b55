//! The API's documents for people: made from its description, without a script and without anything from elsewhere.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payment::DeclineCode;
use protocol::{ErrorCode, MoneyMoved};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::openapi::DESCRIPTION;

/// How both pages look.
const STYLE: &str = include_str!("docs/style.css");

/// Nothing runs and nothing is loaded; this one style is known by its hash.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let text = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(text).expect("a hash in base64 is a header's text")
});

static CALLS: LazyLock<String> = LazyLock::new(|| page("Tapseal API", &calls()));
static ERRORS: LazyLock<String> = LazyLock::new(|| page("Tapseal API: errors", &errors()));

/// Every call.
pub(super) async fn show_calls() -> Response {
    answer(&CALLS)
}

/// Every error code.
pub(super) async fn show_errors() -> Response {
    answer(&ERRORS)
}

fn answer(page: &'static str) -> Response {
    let mut response = Html(page).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<nav><a href=\"/docs\">Calls</a> <a href=\"/docs/errors\">Errors</a> \
         <a href=\"/v1/openapi.json\">OpenAPI 3.1</a></nav>\n<main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Text as HTML; what stands between backticks is code.
fn html(text: &str) -> String {
    let mut escaped = String::new();
    for (n, part) in text.split('`').enumerate() {
        let part = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        if n % 2 == 1 {
            let _ = write!(escaped, "<code>{part}</code>");
        } else {
            escaped.push_str(&part);
        }
    }
    escaped
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn calls() -> String {
    let mut page = format!("<p>{}</p>\n", html(text(&DESCRIPTION["info"]["description"])));
    let tags = DESCRIPTION["tags"].as_array().map_or(&[][..], Vec::as_slice);
    for tag in tags {
        let name = text(&tag["name"]);
        let _ = write!(page, "<h2>{}</h2>\n<p>{}</p>\n", html(name), html(text(&tag["description"])));
        for (path, method, operation) in operations().filter(|(.., operation)| operation["tags"][0] == name) {
            write_call(&mut page, path, method, operation);
        }
    }
    page.push_str("<h2>Types</h2>\n");
    for (name, schema) in DESCRIPTION["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = write!(page, "<section id=\"{name}\"><h3>{name}</h3>\n<p>{}</p>\n", html(text(&schema["description"])));
        write_members(&mut page, schema);
        page.push_str("</section>\n");
    }
    page
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, call)| (path.as_str(), method.as_str(), call))
    })
}

fn write_call(page: &mut String, path: &str, method: &str, call: &'static Value) {
    let says = [&call["summary"], &call["description"]].map(text).join(" ");
    let _ = write!(
        page,
        "<details><summary><b>{}</b> <code>{}</code></summary>\n<p>{}</p>\n",
        method.to_uppercase(),
        html(path),
        html(&says)
    );
    let parameters = call["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        page.push_str("<table><tr><th>parameter<th>in<th>type<th>meaning\n");
        for parameter in parameters {
            let _ = writeln!(
                page,
                "<tr><td><code>{}</code>{}<td>{}<td>{}<td>{}",
                html(text(&parameter["name"])),
                if parameter["required"] == true { "" } else { " (optional)" },
                text(&parameter["in"]),
                kind(&parameter["schema"]),
                html(text(&parameter["description"]))
            );
        }
        page.push_str("</table>\n");
    }
    let body = &call["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let _ = writeln!(page, "<p>Body: {}</p>", kind(body));
    }
    page.push_str("<table><tr><th>answer<th>body<th>meaning\n");
    for (status, response) in call["responses"].as_object().into_iter().flatten() {
        let response = resolved(response);
        let media = response["content"].as_object().and_then(|content| content.iter().next());
        let body = media.map_or_else(String::new, |(media, content)| format!("{} ({media})", kind(&content["schema"])));
        let _ = writeln!(page, "<tr><td>{status}<td>{body}<td>{}", html(text(&response["description"])));
    }
    page.push_str("</table></details>\n");
}

/// What a reference stands for.
fn resolved(value: &'static Value) -> &'static Value {
    let pointer = text(&value["$ref"]).strip_prefix('#');
    pointer.and_then(|pointer| DESCRIPTION.pointer(pointer)).unwrap_or(value)
}

/// A type in a few words, with a link to where it is described.
fn kind(schema: &Value) -> String {
    if let Some(name) = text(&schema["$ref"]).strip_prefix("#/components/schemas/") {
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(|value| html(&format!("`{}`", text(value)))).collect::<Vec<_>>().join(", ");
    }
    let named = match &schema["type"] {
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        name => text(name).to_owned(),
    };
    if schema["items"].is_object() { format!("{named} of {}", kind(&schema["items"])) } else { html(&named) }
}

fn write_members(page: &mut String, schema: &Value) {
    let parts = schema["allOf"].as_array().or_else(|| schema["oneOf"].as_array());
    let parts: Vec<&Value> = parts.map_or_else(|| vec![schema], |parts| parts.iter().collect());
    for part in parts {
        let Some(members) = part["properties"].as_object() else {
            let _ = writeln!(page, "<p>{}</p>", kind(part));
            continue;
        };
        let required = part["required"].as_array().map_or(&[][..], Vec::as_slice);
        page.push_str("<table><tr><th>member<th>type<th>meaning\n");
        for (name, member) in members {
            let optional = if required.contains(&Value::from(name.as_str())) { "" } else { " (optional)" };
            let says = html(text(&member["description"]));
            let _ = writeln!(page, "<tr><td><code>{name}</code>{optional}<td>{}<td>{says}", kind(member));
        }
        page.push_str("</table>\n");
    }
}

fn errors() -> String {
    let mut page = String::from(
        "<p>Every refusal is <code>application/problem+json</code> (RFC 9457). <code>code</code> never changes its \
         meaning; <code>money_moved</code> says whether money moved; <code>retryable</code> says whether the same call \
         may succeed later; <code>errors</code> names members that are wrong by JSON Pointer; <code>call_id</code> \
         finds the call in the server's log.</p>\n\
         <table><tr><th>code<th>status<th>money moved<th>retry<th>meaning\n",
    );
    let declines = DeclineCode::ALL.iter().copied().map(ErrorCode::Declined);
    for code in ErrorCode::ALL.iter().copied().chain(declines) {
        let moved = match code.money_moved() {
            MoneyMoved::No => "no",
            MoneyMoved::Yes => "yes",
            MoneyMoved::Unknown => "not known yet",
        };
        let retry = if code.is_retryable() { "yes" } else { "no" };
        let (name, status, says) = (code.as_str(), code.http_status(), html(code.message()));
        let _ = writeln!(page, "<tr id=\"{name}\"><td><code>{name}</code><td>{status}<td>{moved}<td>{retry}<td>{says}");
    }
    page.push_str("</table>\n");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_type_and_code_has_its_place() {
        for (path, ..) in operations() {
            assert!(CALLS.contains(&html(&format!("`{path}`"))), "{path}");
        }
        let targets = CALLS.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
        for target in targets {
            assert!(CALLS.contains(&format!("id=\"{target}\"")), "{target}");
        }
        for code in ErrorCode::ALL {
            assert!(ERRORS.contains(&format!("<tr id=\"{code}\">")), "{code}");
        }
    }

    #[test]
    fn the_pages_run_nothing_and_load_nothing() {
        for page in [&*CALLS, &*ERRORS] {
            for word in ["<script", "<link", "<img", "http://", "https://", "style=\"", "onclick"] {
                assert!(!page.contains(word), "{word}");
            }
        }
        assert!(POLICY.to_str().unwrap().starts_with("default-src 'none'; style-src 'sha256-"));
    }

    #[test]
    fn text_is_never_markup() {
        assert_eq!(html("a <b> & `c<d`"), "a &lt;b&gt; &amp; <code>c&lt;d</code>");
    }
}
