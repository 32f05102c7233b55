//! Random histories of payments, repeats, reversals, inquiries and restarts: money is where the outcomes say.

use std::collections::BTreeMap;

use iso8583::Mti;
use payment::outcome::BankResult;
use proptest::prelude::*;

use super::support::{Bench, HOLDER, Sent, Told, usd};

const OPENING: i64 = 100_000;

#[derive(Debug, Clone)]
enum Action {
    /// A new order and an attempt to pay it.
    Pay {
        minor: i64,
        right_pin: bool,
    },
    /// Another attempt at an earlier order.
    PayAgain(prop::sample::Index),
    /// An attempt that is made now and sent later, if ever.
    Prepare {
        minor: i64,
    },
    /// Sends an earlier attempt's message once more, or for the first time.
    Send(prop::sample::Index),
    /// Reverses an earlier attempt, whether it was sent or not.
    Reverse(prop::sample::Index),
    /// Asks what became of one.
    Inquire(prop::sample::Index),
    Restart,
}

fn action() -> impl Strategy<Value = Action> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (1_i64..60_000, prop::bool::weighted(0.8))
            .prop_map(|(minor, right_pin)| Action::Pay { minor, right_pin }),
        1 => index().prop_map(Action::PayAgain),
        1 => (1_i64..10_000).prop_map(|minor| Action::Prepare { minor }),
        3 => index().prop_map(Action::Send),
        3 => index().prop_map(Action::Reverse),
        2 => index().prop_map(Action::Inquire),
        1 => Just(Action::Restart),
    ]
}

/// The bank, the attempts so far, and the last outcome told of each.
struct History {
    bench: Bench,
    attempts: Vec<Sent>,
    told: BTreeMap<usize, BankResult>,
}

impl History {
    async fn act(&mut self, action: &Action) {
        match action {
            Action::Pay { minor, right_pin } => {
                self.prepare(*minor, if *right_pin { "1234" } else { "4321" });
                self.send(self.attempts.len() - 1, Mti::FINANCIAL_REQUEST).await;
            }
            Action::PayAgain(index) => {
                let Some(at) = self.pick(*index) else { return };
                let order = self.attempts[at].order.clone();
                let attempt = self.bench.attempt(&order, "1234");
                self.attempts.push(attempt);
                self.send(self.attempts.len() - 1, Mti::FINANCIAL_REQUEST).await;
            }
            Action::Prepare { minor } => self.prepare(*minor, "1234"),
            Action::Send(index) => {
                let Some(at) = self.pick(*index) else { return };
                self.send(at, Mti::FINANCIAL_REPEAT).await;
            }
            Action::Reverse(index) => {
                let Some(at) = self.pick(*index) else { return };
                let answer = self.bench.send(self.attempts[at].about(Mti::REVERSAL_ADVICE)).await.unwrap();
                assert_eq!(answer.text(39).unwrap(), "00");
                let undone = Told::of(&self.bench, &answer).outcome.map(|outcome| outcome.decision);
                if let Some(decision) = undone {
                    assert!(!matches!(decision, BankResult::Approved { .. }));
                    self.told.insert(at, decision);
                }
            }
            Action::Inquire(index) => {
                let Some(at) = self.pick(*index) else { return };
                let answer = self.bench.send(self.attempts[at].about(Mti::INQUIRY)).await.unwrap();
                let told = Told::of(&self.bench, &answer).outcome.map(|outcome| outcome.decision);
                assert_eq!(told.as_ref(), self.told.get(&at));
            }
            Action::Restart => self.bench.restart().await,
        }
    }

    fn pick(&self, index: prop::sample::Index) -> Option<usize> {
        (!self.attempts.is_empty()).then(|| index.index(self.attempts.len()))
    }

    fn prepare(&mut self, minor: i64, pin: &str) {
        let order = self.bench.order(usd(minor));
        let attempt = self.bench.attempt(&order, pin);
        self.attempts.push(attempt);
    }

    async fn send(&mut self, at: usize, mti: Mti) {
        let answer = self.bench.send(self.attempts[at].message().with_mti(mti)).await.unwrap();
        let decision = Told::of(&self.bench, &answer).outcome.unwrap().decision;
        match self.told.get(&at) {
            // A repeat gets its stored answer, even after a reversal; what stands is what was told last.
            Some(BankResult::Reversed) => assert!(matches!(decision, BankResult::Approved { .. })),
            Some(stands) => assert_eq!(&decision, stands),
            None => {
                self.told.insert(at, decision);
            }
        }
    }

    /// The holder has what the outcomes that stand leave, and no request is paid twice.
    async fn check(&self) {
        let approved: Vec<&Sent> = self
            .told
            .iter()
            .filter(|(_, decision)| matches!(decision, BankResult::Approved { .. }))
            .map(|(at, _)| &self.attempts[*at])
            .collect();
        let spent: i64 = approved.iter().map(|attempt| attempt.order.amount.minor()).sum();
        assert_eq!(self.bench.posted(HOLDER).await, OPENING - spent);
        assert_eq!(self.bench.posted("merchant:blue-door").await, spent);
        let mut requests: Vec<_> = approved.iter().map(|attempt| attempt.order.request_id).collect();
        requests.sort_unstable();
        requests.dedup();
        assert_eq!(requests.len(), approved.len(), "a request was paid twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn money_is_where_the_outcomes_say(actions in prop::collection::vec(action(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut history =
                History { bench: Bench::new().await, attempts: Vec::new(), told: BTreeMap::new() };
            for action in &actions {
                history.act(action).await;
                history.check().await;
            }
        });
    }
}
