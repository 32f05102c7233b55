//! Signed calls that are not the call that was signed.

use envelope::http_signature::{HTTP_SIGNATURE_SKEW_MS_MAX, is_fresh, sign_http, verify_http};
use envelope::{Device, SignatureError, SigningKey};

const METHOD: &str = "POST";
const PATH: &str = "/v1/attempts?x=1";
const TIME_MS: i64 = 1_795_000_000_000;
const BODY: &[u8] = b"{\"a\":1}";

#[test]
fn any_other_call() {
    let key = SigningKey::<Device>::generate();
    let signature = sign_http(&key, METHOD, PATH, TIME_MS, BODY);
    let verify = |method, path, time_ms, body, signature: &str| {
        verify_http(key.public(), method, path, time_ms, body, signature)
    };
    assert_eq!(verify(METHOD, PATH, TIME_MS, BODY, &signature), Ok(()));
    let wrong = Err(SignatureError::Wrong);
    assert_eq!(verify("PUT", PATH, TIME_MS, BODY, &signature), wrong);
    assert_eq!(verify("post", PATH, TIME_MS, BODY, &signature), wrong);
    assert_eq!(verify(METHOD, "/v1/attempts", TIME_MS, BODY, &signature), wrong);
    assert_eq!(verify(METHOD, "/v1/attempts?x=2", TIME_MS, BODY, &signature), wrong);
    assert_eq!(verify(METHOD, PATH, TIME_MS + 1, BODY, &signature), wrong);
    assert_eq!(verify(METHOD, PATH, -TIME_MS, BODY, &signature), wrong);
    assert_eq!(verify(METHOD, PATH, TIME_MS, b"{\"a\":2}", &signature), wrong);
    assert_eq!(verify(METHOD, PATH, TIME_MS, b"", &signature), wrong);
    let other = SigningKey::<Device>::generate();
    assert_eq!(verify_http(other.public(), METHOD, PATH, TIME_MS, BODY, &signature), wrong);
    for text in ["", "AA", &signature[1..], &(signature.clone() + "=")] {
        assert_eq!(verify(METHOD, PATH, TIME_MS, BODY, text), Err(SignatureError::Malformed));
    }
}

#[test]
fn a_line_break_that_would_shift_the_fields() {
    let key = SigningKey::<Device>::generate();
    // Signed with the path inside the method: the text is the same, the call is not.
    let signature = sign_http(&key, "POST\n/v1/a", "/v1/b", TIME_MS, BODY);
    for (method, path) in [("POST\n/v1/a", "/v1/b"), ("POST", "/v1/a\n/v1/b"), ("POST\r", "/v1/a")] {
        assert_eq!(verify_http(key.public(), method, path, TIME_MS, BODY, &signature), Err(SignatureError::Malformed));
    }
}

#[test]
fn a_time_too_far_away() {
    assert!(is_fresh(TIME_MS, TIME_MS));
    assert!(is_fresh(TIME_MS, TIME_MS + HTTP_SIGNATURE_SKEW_MS_MAX));
    assert!(is_fresh(TIME_MS, TIME_MS - HTTP_SIGNATURE_SKEW_MS_MAX));
    assert!(!is_fresh(TIME_MS, TIME_MS + HTTP_SIGNATURE_SKEW_MS_MAX + 1));
    assert!(!is_fresh(TIME_MS, TIME_MS - HTTP_SIGNATURE_SKEW_MS_MAX - 1));
    assert!(!is_fresh(i64::MIN, i64::MAX));
}
