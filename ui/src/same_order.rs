//! Requests for one and the same order: a shop that asked twice is paid once.

use payment::RequestId;
use protocol::ipc::{RequestPhase, RequestView};

use crate::phase::PhaseView as _;

/// Whether two requests ask for the same: merchant, order number and amount agree.
fn is_same(one: &RequestView, other: &RequestView) -> bool {
    one.merchant_id == other.merchant_id && one.order_number == other.order_number && one.amount == other.amount
}

/// A pending request, and how many ask for its order with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The one that is shown: the first of them.
    pub request: RequestView,
    /// How many they are.
    pub asked: usize,
}

/// The pending requests, one for each order, in the order they came in.
pub fn pending(all: &[RequestView]) -> Vec<Pending> {
    let mut shown: Vec<Pending> = Vec::new();
    for request in all.iter().filter(|request| request.phase.is_pending()) {
        match shown.iter_mut().find(|it| request.phase.is_payable() && is_same(&it.request, request)) {
            Some(known) => known.asked += 1,
            None => shown.push(Pending { request: request.clone(), asked: 1 }),
        }
    }
    shown
}

/// What the other requests for the same order mean for whoever wants to pay this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The order is paid already, or may be.
    Settled(RequestId, RequestPhase),
    /// The shop asked for it so many times.
    Asked(usize),
}

/// The twin of a request, if there is one.
pub fn twin(request: &RequestView, all: &[RequestView]) -> Option<Twin> {
    let others = || all.iter().filter(|it| it.request_id != request.request_id && is_same(it, request));
    let settled =
        |it: &&RequestView| matches!(it.phase, RequestPhase::Paid | RequestPhase::Paying | RequestPhase::Unknown);
    // Money that came back was not paid in the end.
    let kept = |it: &&RequestView| it.refunded_minor < it.amount.minor();
    if let Some(it) = others().filter(settled).find(kept) {
        return Some(Twin::Settled(it.request_id, it.phase));
    }
    let asked = others().filter(|it| it.phase.is_payable()).count();
    (asked > 0).then_some(Twin::Asked(asked + 1))
}

#[cfg(test)]
mod tests {
    use payment::Amount;

    use super::*;

    fn request(number: u8, order: &str, minor: i64, phase: RequestPhase) -> RequestView {
        RequestView {
            request_id: format!("0193a5c0-0000-7000-8000-0000000000{number:02}").parse().unwrap(),
            merchant_id: "blue-door".parse().unwrap(),
            amount: Amount::new(minor, "USD".parse().unwrap()),
            payee: "Blue Door".to_owned(),
            first_contact: false,
            new_sender: false,
            order_number: order.to_owned(),
            items: Vec::new(),
            methods: Vec::new(),
            match_words: ["amber".to_owned(), "lantern".to_owned()],
            match_words_zh: ["a".to_owned(), "b".to_owned()],
            created_ms: 0,
            expires_ms: 1,
            now_ms: 0,
            phase,
            postponed_until_ms: None,
            elsewhere: false,
            doubt: None,
            asked: None,
            deadline_ms: None,
            receipt: None,
            refunded_minor: 0,
            refunded_ms: None,
        }
    }

    #[test]
    fn an_order_that_was_asked_for_twice_is_shown_once() {
        let all = [
            request(1, "A-1", 1_280, RequestPhase::Open),
            request(2, "A-1", 1_280, RequestPhase::Open),
            request(3, "A-1", 990, RequestPhase::Open),
            request(4, "A-1", 1_280, RequestPhase::Paid),
        ];
        let shown: Vec<(usize, usize)> =
            pending(&all).iter().map(|it| (all.iter().position(|one| *one == it.request).unwrap(), it.asked)).collect();
        assert_eq!(shown, [(0, 2), (2, 1)], "another amount is another order, and what is paid does not wait");
    }

    #[test]
    fn a_payment_in_doubt_hides_the_second_request_and_is_never_hidden() {
        let unknown = request(1, "A-1", 1_280, RequestPhase::Unknown);
        let open = request(2, "A-1", 1_280, RequestPhase::Open);
        let other = request(3, "A-1", 1_280, RequestPhase::Paying);
        let shown = pending(&[unknown.clone(), other.clone(), open.clone()]);
        assert_eq!(shown.iter().map(|it| it.asked).collect::<Vec<_>>(), [2, 1]);
        let settled = Some(Twin::Settled(unknown.request_id, RequestPhase::Unknown));
        assert_eq!(twin(&open, &[unknown, other, open.clone()]), settled);
    }

    #[test]
    fn what_was_given_back_can_be_paid_again() {
        let open = request(1, "A-1", 1_280, RequestPhase::Open);
        let mut paid = request(2, "A-1", 1_280, RequestPhase::Paid);
        assert!(matches!(twin(&open, &[open.clone(), paid.clone()]), Some(Twin::Settled(..))));
        paid.refunded_minor = 1_280;
        assert_eq!(twin(&open, &[open.clone(), paid]), None);
        assert_eq!(twin(&open, &[open.clone(), request(3, "A-1", 1_280, RequestPhase::Open)]), Some(Twin::Asked(2)));
    }
}
