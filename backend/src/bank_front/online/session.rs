//! Who is signed in to the page, or on the way there: in memory, known by the hash of a cookie, forgotten soon.
//!
//! A cookie is drawn anew at every step up, and after every change that was carried out. Beside it the page has a token that no
//! cookie carries: a call of another page has the one at most, and never the other.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How long somebody may do nothing, in milliseconds.
const SILENCE_MS_MAX: i64 = 5 * 60 * 1_000;
/// How long somebody is signed in at most, in milliseconds.
const SIGNED_IN_MS_MAX: i64 = 30 * 60 * 1_000;
/// How long a sign-in code can be used, in milliseconds.
pub(super) const CODE_LIFE_MS: i64 = 5 * 60 * 1_000;
/// How often a sign-in code may be typed wrongly.
pub(super) const CODE_TRIES_MAX: u8 = 3;
/// The most sessions at once; beyond that nobody signs in until some are over.
const SESSIONS_MAX: usize = 10_000;

/// How far somebody has come.
#[derive(Clone)]
pub(super) enum Stage {
    /// The password was right, and a code is on its way.
    Code {
        /// What the HMAC of the code is bound to.
        occasion: String,
        /// HMAC of the code.
        mac: String,
        /// Tries left.
        tries_left: u8,
    },
    /// Signed in.
    In,
}

/// A session.
#[derive(Clone)]
pub(super) struct Session {
    /// Whose.
    pub(super) customer: String,
    /// How far.
    pub(super) stage: Stage,
    token: [u8; 16],
    /// When the stage began, and when something was last done, in milliseconds since the Unix epoch.
    begun_ms: i64,
    heard_ms: i64,
}

impl Session {
    fn is_over(&self, now_ms: i64) -> bool {
        let (silence, whole) = match self.stage {
            Stage::Code { .. } => (CODE_LIFE_MS, CODE_LIFE_MS),
            Stage::In => (SILENCE_MS_MAX, SIGNED_IN_MS_MAX),
        };
        now_ms - self.heard_ms >= silence || now_ms - self.begun_ms >= whole
    }

    /// The token that the page sends with each call, in hexadecimal.
    pub(super) fn token(&self) -> String {
        hex::encode(self.token)
    }

    /// Whether this is its token.
    pub(super) fn has_token(&self, token: &str) -> bool {
        self.token().as_bytes().ct_eq(token.as_bytes()).into()
    }
}

/// What a browser is given to be known by.
pub(super) struct Cookie(Zeroizing<String>);

impl Cookie {
    /// Its value.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// All sessions, by the SHA-256 of their cookies.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    /// Begins a session, or its next stage; none when there are too many.
    pub(super) fn begin(&self, customer: &str, stage: Stage, now_ms: i64) -> Option<(Cookie, Session)> {
        let session =
            Session { customer: customer.to_owned(), stage, token: random(), begun_ms: now_ms, heard_ms: now_ms };
        self.insert(session, now_ms)
    }

    /// The same session under another cookie and with another token; the ones before are worth nothing.
    pub(super) fn rotate(&self, cookie: &str, now_ms: i64) -> Option<(Cookie, Session)> {
        let session = self.end(cookie)?;
        self.insert(Session { token: random(), ..session }, now_ms)
    }

    fn insert(&self, session: Session, now_ms: i64) -> Option<(Cookie, Session)> {
        let cookie = Cookie(Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<32>())));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SESSIONS_MAX {
            all.retain(|_, other| !other.is_over(now_ms));
        }
        if all.len() >= SESSIONS_MAX {
            return None;
        }
        all.insert(hash(cookie.expose()), session.clone());
        Some((cookie, session))
    }

    /// The session of a cookie, while it lasts; looking is doing something.
    pub(super) fn of(&self, cookie: &str, now_ms: i64) -> Option<Session> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = all.get_mut(&hash(cookie))?;
        if session.is_over(now_ms) {
            all.remove(&hash(cookie));
            return None;
        }
        session.heard_ms = now_ms;
        Some(session.clone())
    }

    /// Takes one try of a sign-in code: what is left afterwards. Two at once take two.
    pub(super) fn take_try(&self, cookie: &str) -> Option<u8> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Stage::Code { tries_left, .. } = &mut all.get_mut(&hash(cookie))?.stage else { return None };
        *tries_left = tries_left.checked_sub(1)?;
        Some(*tries_left)
    }

    /// Ends a session; what it was.
    pub(super) fn end(&self, cookie: &str) -> Option<Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(cookie))
    }

    /// Ends every session of a customer.
    pub(super) fn end_all_of(&self, customer: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, session| session.customer != customer);
    }
}

fn hash(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie).into()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn waiting() -> Stage {
        Stage::Code { occasion: "sign-in".to_owned(), mac: "00".to_owned(), tries_left: CODE_TRIES_MAX }
    }

    #[test]
    fn a_session_ends_by_silence_and_by_its_length() {
        let sessions = Sessions::default();
        let (cookie, _) = sessions.begin("ann", Stage::In, NOW_MS).unwrap();
        assert!(sessions.of(cookie.expose(), NOW_MS + SILENCE_MS_MAX - 1).is_some());
        assert!(sessions.of(cookie.expose(), NOW_MS + 2 * SILENCE_MS_MAX - 2).is_some(), "something was done");
        assert!(sessions.of(cookie.expose(), NOW_MS + 3 * SILENCE_MS_MAX).is_none());
        let (cookie, _) = sessions.begin("ann", Stage::In, NOW_MS).unwrap();
        for minute in 1..30 {
            assert!(sessions.of(cookie.expose(), NOW_MS + minute * 60_000).is_some(), "{minute}");
        }
        assert!(sessions.of(cookie.expose(), NOW_MS + SIGNED_IN_MS_MAX).is_none());
    }

    #[test]
    fn a_cookie_of_before_is_worth_nothing() {
        let sessions = Sessions::default();
        let (former, session) = sessions.begin("ann", Stage::In, NOW_MS).unwrap();
        let (cookie, rotated) = sessions.rotate(former.expose(), NOW_MS).unwrap();
        assert!(sessions.of(former.expose(), NOW_MS).is_none() && sessions.of(cookie.expose(), NOW_MS).is_some());
        assert!(rotated.has_token(&rotated.token()) && !rotated.has_token(&session.token()));
        sessions.end_all_of("ann");
        assert!(sessions.of(cookie.expose(), NOW_MS).is_none());
        assert!(sessions.of("a guess", NOW_MS).is_none());
    }

    #[test]
    fn a_code_has_three_tries_and_a_rotation_does_not_renew_the_length() {
        let sessions = Sessions::default();
        let (cookie, _) = sessions.begin("ann", waiting(), NOW_MS).unwrap();
        let tries: Vec<_> = (0..4).map(|_| sessions.take_try(cookie.expose())).collect();
        assert_eq!(tries, [Some(2), Some(1), Some(0), None]);
        let (cookie, _) = sessions.begin("ann", Stage::In, NOW_MS).unwrap();
        assert_eq!(sessions.take_try(cookie.expose()), None, "who is signed in types no sign-in code");
        let late_ms = NOW_MS + SILENCE_MS_MAX - 1;
        let (cookie, _) = sessions.rotate(cookie.expose(), late_ms).unwrap();
        assert!(sessions.of(cookie.expose(), NOW_MS + SIGNED_IN_MS_MAX).is_none());
    }
}
