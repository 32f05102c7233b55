//! The ledger against a plain model of it in memory, over random histories.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sqlx::Connection;

use super::super::*;
use super::{NOW_MS, assert_sound, holders, ledger, movement, shop, usd};
use crate::bank_front::account;

/// Accounts of the model: three cardholders, then the shop.
const ACCOUNTS: usize = 4;
const SHOP: usize = 3;

/// What a history does next. Steps are picked among all so far, fitting or not.
#[derive(Debug, Clone)]
pub enum Action {
    Hold { from: usize, to: usize, minor: i64, lasts_ms: i64 },
    Settle { from: usize, to: usize, minor: i64 },
    Post(prop::sample::Index),
    PostPart(prop::sample::Index, i64),
    Void(prop::sample::Index),
    Expire(prop::sample::Index),
    Undo(prop::sample::Index),
    Refund(prop::sample::Index, i64),
    Wait(i64),
}

/// Any next action.
pub fn action() -> impl Strategy<Value = Action> {
    let minor = || -2_i64..700;
    let step = || any::<prop::sample::Index>();
    prop_oneof![
        3 => (0..ACCOUNTS, 0..ACCOUNTS, minor(), 0..2_000_i64)
            .prop_map(|(from, to, minor, lasts_ms)| Action::Hold { from, to, minor, lasts_ms }),
        3 => (0..ACCOUNTS, 0..ACCOUNTS, minor()).prop_map(|(from, to, minor)| Action::Settle { from, to, minor }),
        1 => step().prop_map(Action::Post),
        2 => (step(), minor()).prop_map(|(at, minor)| Action::PostPart(at, minor)),
        1 => step().prop_map(Action::Void),
        1 => step().prop_map(Action::Expire),
        2 => step().prop_map(Action::Undo),
        3 => (step(), minor()).prop_map(|(at, minor)| Action::Refund(at, minor)),
        1 => (0..500_i64).prop_map(Action::Wait),
    ]
}

/// What a step of the model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hold { expires_ms: i64 },
    Post { left_minor: i64 },
    Refund { of: usize },
    End,
}

#[derive(Debug, Clone)]
struct ModelStep {
    from: usize,
    to: usize,
    minor: i64,
    kind: Kind,
    followed: bool,
}

/// A ledger as one would write it without a database: what each holds, and the steps so far.
#[derive(Debug, Clone)]
pub struct Model {
    steps: Vec<ModelStep>,
    posted: [i64; ACCOUNTS],
    held: [i64; ACCOUNTS],
    now_ms: i64,
}

impl Model {
    /// Three cardholders with 1,000 each, and a shop with nothing.
    pub fn new() -> Self {
        Self { steps: Vec::new(), posted: [1_000, 1_000, 1_000, 0], held: [0; ACCOUNTS], now_ms: NOW_MS }
    }

    fn available(&self, at: usize) -> i64 {
        self.posted[at] - self.held[at]
    }

    fn may_take(&self, from: usize, to: usize, minor: i64) -> bool {
        from != to && minor > 0 && (from == SHOP || self.available(from) >= minor)
    }

    fn pick(&self, index: prop::sample::Index) -> Option<usize> {
        (!self.steps.is_empty()).then(|| index.index(self.steps.len()))
    }

    fn push(&mut self, from: usize, to: usize, minor: i64, kind: Kind) {
        self.steps.push(ModelStep { from, to, minor, kind, followed: false });
    }

    fn shift(&mut self, from: usize, to: usize, minor: i64) {
        self.posted[from] -= minor;
        self.posted[to] += minor;
    }

    /// Does the action if it is allowed; whether it was.
    pub fn act(&mut self, action: &Action) -> bool {
        match *action {
            Action::Wait(ms) => {
                self.now_ms += ms;
                true
            }
            Action::Hold { from, to, minor, lasts_ms } => {
                let allowed = self.may_take(from, to, minor);
                if allowed {
                    self.held[from] += minor;
                    self.push(from, to, minor, Kind::Hold { expires_ms: self.now_ms + lasts_ms });
                }
                allowed
            }
            Action::Settle { from, to, minor } => {
                let allowed = self.may_take(from, to, minor);
                if allowed {
                    self.shift(from, to, minor);
                    self.push(from, to, minor, Kind::Post { left_minor: minor });
                }
                allowed
            }
            Action::Post(index) => self.end_hold(index, |held, is_over| (!is_over).then_some(held)),
            Action::PostPart(index, part) => {
                self.end_hold(index, |held, is_over| (!is_over && part > 0 && part <= held).then_some(part))
            }
            Action::Void(index) => self.end_hold(index, |_, _| Some(0)),
            Action::Expire(index) => self.end_hold(index, |_, is_over| is_over.then_some(0)),
            Action::Undo(index) => self.undo(index),
            Action::Refund(index, minor) => self.refund(index, minor),
        }
    }

    /// Ends a hold and moves what `moves` says of it.
    fn end_hold(&mut self, index: prop::sample::Index, moves: impl FnOnce(i64, bool) -> Option<i64>) -> bool {
        let Some(at) = self.pick(index) else { return false };
        let ModelStep { from, to, minor, kind: Kind::Hold { expires_ms }, followed: false } = self.steps[at] else {
            return false;
        };
        let Some(moved) = moves(minor, self.now_ms >= expires_ms) else { return false };
        self.steps[at].followed = true;
        self.held[from] -= minor;
        self.shift(from, to, moved);
        let kind = if moved > 0 { Kind::Post { left_minor: moved } } else { Kind::End };
        self.push(from, to, moved, kind);
        true
    }

    fn undo(&mut self, index: prop::sample::Index) -> bool {
        let Some(at) = self.pick(index) else { return false };
        let ModelStep { from, to, minor, kind, followed } = self.steps[at];
        let allowed = match kind {
            Kind::Post { left_minor } => left_minor == minor,
            Kind::Refund { .. } => true,
            Kind::Hold { .. } | Kind::End => false,
        };
        if followed || !allowed {
            return false;
        }
        self.steps[at].followed = true;
        if let Kind::Refund { of } = kind
            && let Kind::Post { left_minor } = &mut self.steps[of].kind
        {
            *left_minor += minor;
        }
        self.shift(to, from, minor);
        self.push(from, to, minor, Kind::End);
        true
    }

    fn refund(&mut self, index: prop::sample::Index, minor: i64) -> bool {
        let Some(at) = self.pick(index) else { return false };
        let ModelStep { from, to, kind: Kind::Post { left_minor }, followed: false, .. } = self.steps[at] else {
            return false;
        };
        if minor > left_minor || !self.may_take(to, from, minor) {
            return false;
        }
        self.steps[at].kind = Kind::Post { left_minor: left_minor - minor };
        self.shift(to, from, minor);
        self.push(to, from, minor, Kind::Refund { of: at });
        true
    }

    /// Asserts that the ledger holds what the model does, and that its books are sound.
    pub async fn assert_is(&self, ledger: &mut DbConnection) {
        for (at, account_id) in accounts().iter().enumerate() {
            let available = account::available(ledger, account_id).await.unwrap().unwrap();
            assert_eq!(available.minor(), self.available(at), "{account_id}");
        }
        assert_sound(ledger).await;
    }
}

fn accounts() -> [AccountId; ACCOUNTS] {
    let [ann, bob, cho] = holders();
    [ann, bob, cho, shop()]
}

/// Does what the action asks of the ledger; the new step. `ids` are those of the model's steps, in their order.
pub async fn act(
    ledger: &mut DbConnection,
    ids: &[TransferId],
    action: &Action,
    now_ms: i64,
) -> Result<Option<TransferId>, BankError> {
    let accounts = accounts();
    let id = |index: prop::sample::Index| {
        (!ids.is_empty()).then(|| &ids[index.index(ids.len())]).ok_or(BankError::TransferPhase)
    };
    Ok(Some(match *action {
        Action::Wait(_) => return Ok(None),
        Action::Hold { from, to, minor, lasts_ms } => {
            hold(ledger, &movement(&accounts[from], &accounts[to], minor), now_ms + lasts_ms, now_ms).await?
        }
        Action::Settle { from, to, minor } => {
            settle(ledger, &movement(&accounts[from], &accounts[to], minor), now_ms).await?
        }
        Action::Post(index) => post(ledger, id(index)?, now_ms).await?,
        Action::PostPart(index, minor) => post_part(ledger, id(index)?, usd(minor), now_ms).await?,
        Action::Void(index) => void(ledger, id(index)?, now_ms).await?,
        Action::Expire(index) => expire(ledger, id(index)?, now_ms).await?,
        Action::Undo(index) => undo(ledger, id(index)?, now_ms).await?,
        Action::Refund(index, minor) => refund(ledger, id(index)?, usd(minor), "refund", now_ms).await?,
    }))
}

/// Time as the model has it.
pub fn now_ms(model: &Model) -> i64 {
    model.now_ms
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_history_is_as_the_model_says_and_loses_nothing(actions in prop::collection::vec(action(), 1..250)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let mut ledger = ledger().await;
            let (mut model, mut ids) = (Model::new(), Vec::new());
            for action in &actions {
                let mut step = ledger.begin().await.unwrap();
                let now_ms = model.now_ms;
                let result = act(&mut step, &ids, action, now_ms).await;
                assert_eq!(result.is_ok(), model.act(action), "{action:?} gave {result:?}");
                match result {
                    Ok(id) => {
                        step.commit().await.unwrap();
                        ids.extend(id);
                    }
                    Err(_) => step.rollback().await.unwrap(),
                }
            }
            model.assert_is(&mut ledger).await;
            let view = LedgerView::read(&mut ledger).await.unwrap();
            assert_eq!(view.sums, BTreeMap::from([("USD".to_owned(), 0)]));
        });
    }
}
