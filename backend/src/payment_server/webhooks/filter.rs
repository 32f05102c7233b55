//! Which events an endpoint wants: types such as `request.paid`, or prefixes such as `request.*`.

use protocol::{ErrorCode, Problem};

use crate::payment_server::Error;

/// The most types and prefixes of one endpoint.
const EVENTS_MAX: usize = 32;
/// The longest type, in characters.
const EVENT_CHARS_MAX: usize = 64;

/// The types and prefixes as their row holds them.
pub(super) fn to_row(events: &[String]) -> Result<String, Error> {
    if events.len() > EVENTS_MAX || !events.iter().all(|event| is_event(event)) {
        let detail = "events are types such as request.paid, or prefixes such as request.*";
        return Err(Error::RefusedWith(Box::new(Problem::new(ErrorCode::InvalidInput).with_detail(detail))));
    }
    Ok(events.join(" "))
}

/// The same from the row.
pub(super) fn from_row(row: &str) -> Vec<String> {
    row.split_whitespace().map(str::to_owned).collect()
}

/// Whether an endpoint wants events of this type.
pub(super) fn wants(row: &str, kind: &str) -> bool {
    row.is_empty()
        || row.split_whitespace().any(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => kind.starts_with(prefix),
            None => kind == wanted,
        })
}

fn is_event(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let parts = text.split_once('.');
    text.len() <= EVENT_CHARS_MAX && parts.is_some_and(|(noun, what)| is_word(noun) && (what == "*" || is_word(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_prefixes_choose() {
        let row = to_row(&["request.paid".to_owned(), "refund.*".to_owned()]).unwrap();
        assert_eq!(from_row(&row), ["request.paid", "refund.*"]);
        assert!(wants(&row, "request.paid") && wants(&row, "refund.refunded"));
        assert!(!wants(&row, "request.paid_twice") && !wants(&row, "attempt.approved"));
        assert!(wants("", "attempt.approved"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for bad in ["", "*", "paid", "request.", ".paid", "request paid", "Request.paid", "request.paid*", "a.b.c"] {
            assert!(to_row(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(to_row(&vec!["request.paid".to_owned(); EVENTS_MAX + 1]).is_err());
    }
}
