//! What of the inbox is news to a person who does not look at the window, and how it is told.

use std::collections::BTreeMap;

use protocol::ipc::{Notices, RequestPhase, RequestView};

use super::words::Words;

/// What a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Somebody asks for money.
    Asked,
    /// A payment whose outcome nobody knew is paid.
    Paid,
    /// It was undone or never made.
    Unpaid,
}

/// One piece of news, about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) kind: Kind,
    pub(crate) request: RequestView,
}

/// A notification's two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) title: String,
    pub(crate) body: String,
}

impl News {
    /// What the notification says. None where the person wants none.
    ///
    /// A new sender's name and amount are never told: whoever can write to the inbox could otherwise write on a locked
    /// screen.
    pub(crate) fn told(&self, notices: Notices, words: &Words) -> Option<Told> {
        let told = |title: &str, body: &str| Some(Told { title: title.to_owned(), body: body.to_owned() });
        let is_stranger = self.request.new_sender || self.request.first_contact;
        let full = |body: &str| {
            let body = body.replace("{amount}", &self.request.amount.to_string());
            Some(Told { title: self.request.payee.clone(), body: without_markup(&body) })
        };
        match (notices, self.kind) {
            (Notices::Off, _) => None,
            (_, Kind::Asked) if is_stranger => told(&words.stranger_title, &words.stranger_body),
            (Notices::Discreet, Kind::Asked) => told(&words.request_title, &words.request_body),
            (Notices::Discreet, Kind::Paid | Kind::Unpaid) => told(&words.outcome_title, &words.outcome_body),
            (Notices::Full, Kind::Asked) => full(&words.full_request_body),
            (Notices::Full, Kind::Paid) => full(&words.full_paid_body),
            (Notices::Full, Kind::Unpaid) => full(&words.full_unpaid_body),
        }
    }
}

/// A notification's body may be read as markup (Desktop Notifications Specification 1.2); its title never is.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What was in the inbox at the last look.
#[derive(Default)]
pub(crate) struct LastLook(Option<BTreeMap<String, RequestPhase>>);

impl LastLook {
    /// Takes another look. The first one makes no news: what was there before the program is on its first screen.
    pub(crate) fn news(&mut self, inbox: &[RequestView]) -> Vec<News> {
        let now = inbox.iter().map(|request| (request.request_id.to_string(), request.phase)).collect();
        let Some(before) = self.0.replace(now) else { return Vec::new() };
        let news = |request: &RequestView| {
            let kind = kind(before.get(&request.request_id.to_string()).copied(), request.phase)?;
            Some(News { kind, request: request.clone() })
        };
        inbox.iter().filter_map(news).collect()
    }
}

fn kind(before: Option<RequestPhase>, now: RequestPhase) -> Option<Kind> {
    use RequestPhase::{Cancelled, Closed, Expired, Open, Paid, Paying, Postponed, Rejected, Unknown};
    match (before, now) {
        (None, Open) => Some(Kind::Asked),
        (Some(Unknown), Paid) => Some(Kind::Paid),
        (Some(Unknown), Open | Postponed | Rejected | Cancelled | Expired | Closed) => Some(Kind::Unpaid),
        (Some(Unknown), Paying | Unknown) => None,
        (None, Postponed | Paying | Unknown | Paid | Rejected | Cancelled | Expired | Closed) => None,
        (Some(Open | Postponed | Paying | Paid | Rejected | Cancelled | Expired | Closed), _) => None,
    }
}

/// How many requests wait for the person.
pub(crate) fn waiting(inbox: &[RequestView]) -> u32 {
    let open = inbox.iter().filter(|request| request.phase == RequestPhase::Open).count();
    u32::try_from(open).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ipc::Language;
    use serde_json::json;

    fn request(id: u8, phase: RequestPhase) -> RequestView {
        let view = json!({
            "request_id": format!("0193a5c0-0000-7000-8000-0000000000{id:02}"),
            "amount": { "minor": 1280, "currency": "USD" },
            "merchant_id": "blue-door",
            "payee": "Café <b>&",
            "first_contact": false,
            "order_number": "A-1",
            "items": [],
            "match_words": ["amber", "lantern"],
            "match_words_zh": ["琥珀", "灯笼"],
            "created_ms": 1,
            "expires_ms": 2,
            "now_ms": 1,
            "phase": phase,
            "deadline_ms": null,
            "receipt": null,
        });
        serde_json::from_value(view).unwrap()
    }

    fn kinds(look: &mut LastLook, inbox: &[RequestView]) -> Vec<Kind> {
        look.news(inbox).into_iter().map(|news| news.kind).collect()
    }

    #[test]
    fn a_request_is_told_of_once_and_never_one_that_was_there_before() {
        let mut look = LastLook::default();
        let old = request(1, RequestPhase::Open);
        assert_eq!(kinds(&mut look, std::slice::from_ref(&old)), []);
        let inbox = [old, request(2, RequestPhase::Open), request(3, RequestPhase::Paid)];
        assert_eq!(kinds(&mut look, &inbox), [Kind::Asked]);
        assert_eq!(kinds(&mut look, &inbox), []);
        // Put off and taken up again: the person did that.
        assert_eq!(kinds(&mut look, &[request(2, RequestPhase::Postponed)]), []);
        assert_eq!(kinds(&mut look, &[request(2, RequestPhase::Open)]), []);
    }

    #[test]
    fn an_unknown_outcome_is_told_when_it_is_known() {
        for (end, told) in [
            (RequestPhase::Paid, Some(Kind::Paid)),
            (RequestPhase::Open, Some(Kind::Unpaid)),
            (RequestPhase::Expired, Some(Kind::Unpaid)),
            (RequestPhase::Unknown, None),
        ] {
            let mut look = LastLook::default();
            assert_eq!(kinds(&mut look, &[request(1, RequestPhase::Unknown)]), []);
            assert_eq!(kinds(&mut look, &[request(1, end)]).into_iter().next(), told, "{end:?}");
        }
    }

    #[test]
    fn a_discreet_notification_has_neither_name_nor_amount() {
        for language in [Language::English, Language::Chinese] {
            let words = Words::of(language, "");
            for kind in [Kind::Asked, Kind::Paid, Kind::Unpaid] {
                let news = News { kind, request: request(1, RequestPhase::Open) };
                assert_eq!(news.told(Notices::Off, &words), None);
                let told = news.told(Notices::Discreet, &words).unwrap();
                let all = format!("{} {}", told.title, told.body);
                assert!(!all.contains("Café") && !all.contains("12.80") && !all.contains("USD"), "{all}");
                let told = news.told(Notices::Full, &words).unwrap();
                assert_eq!(told.title, "Café <b>&");
                assert!(told.body.contains("12.80"), "{told:?}");
            }
        }
    }

    #[test]
    fn a_stranger_writes_nothing_on_the_desktop() {
        let words = Words::of(Language::English, "");
        let stranger = RequestView { new_sender: true, ..request(1, RequestPhase::Open) };
        let told = News { kind: Kind::Asked, request: stranger }.told(Notices::Full, &words).unwrap();
        assert_eq!(told, Told { title: words.stranger_title, body: words.stranger_body });
    }

    #[test]
    fn a_body_is_no_markup() {
        assert_eq!(without_markup("<a href=x>&"), "&lt;a href=x&gt;&amp;");
    }

    #[test]
    fn only_what_can_be_paid_now_is_counted() {
        assert_eq!(waiting(&[request(1, RequestPhase::Open), request(2, RequestPhase::Postponed)]), 1);
    }
}
