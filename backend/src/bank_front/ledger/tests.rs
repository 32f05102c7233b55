//! The ledger against a plain model, over random histories.

use proptest::prelude::*;
use sqlx::Connection;

use super::*;
use crate::bank_front::MIGRATIONS;
use crate::bank_front::account::{self, AccountKind};

const NOW_MS: i64 = 1_795_000_000_000;

fn usd(minor: i64) -> Amount {
    Amount::new(minor, "USD".parse().unwrap())
}

fn holders() -> [AccountId; 3] {
    ["ann", "bob", "cho"].map(AccountId::of_cardholder)
}

/// A ledger in memory with three cardholders at 1,000 minor units each.
async fn ledger() -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    MIGRATIONS.run(&mut connection).await.unwrap();
    let opening = AccountId::opening(usd(0).currency());
    account::open(&mut connection, &opening, AccountKind::Opening, usd(0).currency(), NOW_MS).await.unwrap();
    for holder in holders() {
        account::open(&mut connection, &holder, AccountKind::Cardholder, usd(0).currency(), NOW_MS).await.unwrap();
        let movement = movement(&opening, &holder, 1_000);
        settle(&mut connection, &movement, NOW_MS).await.unwrap();
    }
    connection
}

fn movement(debit: &AccountId, credit: &AccountId, minor: i64) -> Movement {
    Movement { debit: debit.clone(), credit: credit.clone(), amount: usd(minor), purpose: "test".to_owned() }
}

#[tokio::test]
async fn a_hold_takes_from_what_is_available_and_a_void_gives_it_back() {
    let mut ledger = ledger().await;
    let [ann, bob, _] = holders();
    let held = hold(&mut ledger, &movement(&ann, &bob, 400), NOW_MS).await.unwrap();
    assert_eq!(account::available(&mut ledger, &ann).await.unwrap(), Some(usd(600)));
    assert_eq!(account::available(&mut ledger, &bob).await.unwrap(), Some(usd(1_000)), "pending in is not spendable");
    void(&mut ledger, &held, NOW_MS).await.unwrap();
    assert_eq!(account::available(&mut ledger, &ann).await.unwrap(), Some(usd(1_000)));
}

#[tokio::test]
async fn a_step_is_followed_once_and_only_by_what_may_follow() {
    let mut ledger = ledger().await;
    let [ann, bob, _] = holders();
    let held = hold(&mut ledger, &movement(&ann, &bob, 400), NOW_MS).await.unwrap();
    assert!(matches!(undo(&mut ledger, &held, NOW_MS).await, Err(BankError::TransferPhase)));
    let posted = post(&mut ledger, &held, NOW_MS).await.unwrap();
    assert!(matches!(void(&mut ledger, &held, NOW_MS).await, Err(BankError::TransferPhase)));
    assert!(matches!(post(&mut ledger, &held, NOW_MS).await, Err(BankError::TransferPhase)));
    assert!(matches!(post(&mut ledger, &posted, NOW_MS).await, Err(BankError::TransferPhase)));
    undo(&mut ledger, &posted, NOW_MS).await.unwrap();
    assert!(matches!(undo(&mut ledger, &posted, NOW_MS).await, Err(BankError::TransferPhase)));
    assert_eq!(account::available(&mut ledger, &ann).await.unwrap(), Some(usd(1_000)));
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_follower_and_a_changed_sign() {
    let mut ledger = ledger().await;
    let [ann, bob, _] = holders();
    let posted = settle(&mut ledger, &movement(&ann, &bob, 1), NOW_MS).await.unwrap();
    undo(&mut ledger, &posted, NOW_MS).await.unwrap();
    let insert = |follows: &'static str, minor: i64| {
        sqlx::query(
            "INSERT INTO transfer SELECT $1, 'undone', $2, debit_account, credit_account, $3, currency, purpose,
             created_ms FROM transfer WHERE transfer_id = $4",
        )
        .bind("second")
        .bind(if follows.is_empty() { posted.as_str().to_owned() } else { follows.to_owned() })
        .bind(minor)
        .bind(posted.as_str().to_owned())
    };
    assert!(insert("", 1).execute(&mut ledger).await.is_err());
    assert!(insert("nobody", 1).execute(&mut ledger).await.is_err());
    assert!(insert("", -1).execute(&mut ledger).await.is_err());
}

#[tokio::test]
async fn what_makes_no_sense_moves_nothing() {
    let mut ledger = ledger().await;
    let [ann, bob, _] = holders();
    let before = LedgerView::read(&mut ledger).await.unwrap();
    for (wrong, minor) in [(&bob, 0), (&bob, -5), (&ann, 5)] {
        assert!(settle(&mut ledger, &movement(&ann, wrong, minor), NOW_MS).await.is_err());
    }
    let euros = Movement { amount: Amount::new(5, "EUR".parse().unwrap()), ..movement(&ann, &bob, 5) };
    let mut step = ledger.begin().await.unwrap();
    assert!(matches!(settle(&mut step, &euros, NOW_MS).await, Err(BankError::NoAccount(_))));
    step.rollback().await.unwrap();
    let mut step = ledger.begin().await.unwrap();
    assert!(matches!(settle(&mut step, &movement(&ann, &bob, 1_001), NOW_MS).await, Err(BankError::Overdrawn)));
    step.rollback().await.unwrap();
    assert_eq!(LedgerView::read(&mut ledger).await.unwrap(), before);
}

#[derive(Debug, Clone)]
enum Action {
    Hold(usize, usize, i64),
    Settle(usize, usize, i64),
    Post(prop::sample::Index),
    Void(prop::sample::Index),
    Undo(prop::sample::Index),
}

fn action() -> impl Strategy<Value = Action> {
    let amount = -2_i64..700;
    prop_oneof![
        (0..3_usize, 0..3_usize, amount.clone()).prop_map(|(from, to, minor)| Action::Hold(from, to, minor)),
        (0..3_usize, 0..3_usize, amount).prop_map(|(from, to, minor)| Action::Settle(from, to, minor)),
        any::<prop::sample::Index>().prop_map(Action::Post),
        any::<prop::sample::Index>().prop_map(Action::Void),
        any::<prop::sample::Index>().prop_map(Action::Undo),
    ]
}

/// What one step of the model is: who, whom, how much, and in which phase.
#[derive(Debug, Clone)]
struct ModelStep {
    id: TransferId,
    from: usize,
    to: usize,
    minor: i64,
    phase: Phase,
    followed: bool,
}

#[derive(Default)]
struct Model {
    steps: Vec<ModelStep>,
    posted: [i64; 3],
    held: [i64; 3],
}

impl Model {
    fn may_take(&self, from: usize, to: usize, minor: i64) -> bool {
        from != to && minor > 0 && self.posted[from] - self.held[from] >= minor
    }

    /// The step an action picked, if that action may follow it.
    fn followable(&self, index: prop::sample::Index, phase: Phase) -> Option<usize> {
        let at = (!self.steps.is_empty()).then(|| index.index(self.steps.len()))?;
        let step = &self.steps[at];
        // Undoing takes from whoever was paid, who may have spent it.
        let covered = phase != Phase::Posted || self.posted[step.to] - self.held[step.to] >= step.minor;
        (!step.followed && step.phase == phase && covered).then_some(at)
    }

    fn add(&mut self, id: TransferId, from: usize, to: usize, minor: i64, phase: Phase) {
        match phase {
            Phase::Pending => self.held[from] += minor,
            Phase::Posted => {
                self.posted[from] -= minor;
                self.posted[to] += minor;
            }
            Phase::Voided | Phase::Undone => unreachable!("only holds and posts are added"),
        }
        self.steps.push(ModelStep { id, from, to, minor, phase, followed: false });
    }

    fn follow(&mut self, at: usize, id: TransferId, phase: Phase) {
        let step = self.steps[at].clone();
        self.steps[at].followed = true;
        match phase {
            Phase::Posted => {
                self.held[step.from] -= step.minor;
                self.add(id, step.from, step.to, step.minor, Phase::Posted);
            }
            Phase::Voided => self.held[step.from] -= step.minor,
            Phase::Undone => {
                self.posted[step.from] += step.minor;
                self.posted[step.to] -= step.minor;
            }
            Phase::Pending => unreachable!("nothing is followed by a hold"),
        }
    }
}

/// What a successful action does to the model.
type OnModel = Box<dyn FnOnce(&mut Model, TransferId)>;

/// Does what the action asks, in a transaction of its own as the front does.
async fn act(ledger: &mut SqliteConnection, model: &mut Model, action: &Action) {
    let accounts = holders();
    let mut step = ledger.begin().await.unwrap();
    let (allowed, result, apply): (bool, _, OnModel) = match action.clone() {
        Action::Hold(from, to, minor) => (
            model.may_take(from, to, minor),
            hold(&mut step, &movement(&accounts[from], &accounts[to], minor), NOW_MS).await,
            Box::new(move |model, id| model.add(id, from, to, minor, Phase::Pending)),
        ),
        Action::Settle(from, to, minor) => (
            model.may_take(from, to, minor),
            settle(&mut step, &movement(&accounts[from], &accounts[to], minor), NOW_MS).await,
            Box::new(move |model, id| model.add(id, from, to, minor, Phase::Posted)),
        ),
        Action::Post(index) | Action::Void(index) | Action::Undo(index) => {
            let Some(picked) = (!model.steps.is_empty()).then(|| index.index(model.steps.len())) else { return };
            let id = model.steps[picked].id.clone();
            let (from, to, result) = match action {
                Action::Post(_) => (Phase::Pending, Phase::Posted, post(&mut step, &id, NOW_MS).await),
                Action::Void(_) => (Phase::Pending, Phase::Voided, void(&mut step, &id, NOW_MS).await),
                _ => (Phase::Posted, Phase::Undone, undo(&mut step, &id, NOW_MS).await),
            };
            let allowed = model.followable(index, from).is_some();
            (allowed, result, Box::new(move |model, id| model.follow(picked, id, to)))
        }
    };
    assert_eq!(result.is_ok(), allowed, "{action:?} gave {result:?}");
    match result {
        Ok(id) => {
            step.commit().await.unwrap();
            apply(model, id);
        }
        Err(_) => step.rollback().await.unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_history_sums_to_zero_and_loses_nothing(actions in prop::collection::vec(action(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let mut ledger = ledger().await;
            let mut model = Model { posted: [1_000; 3], ..Model::default() };
            for action in &actions {
                act(&mut ledger, &mut model, action).await;
                let view = LedgerView::read(&mut ledger).await.unwrap();
                assert_eq!(view.sums, [("USD".to_owned(), 0)].into());
                assert_eq!(view.accounts.iter().map(|account| account.pending_minor).sum::<i64>(), 0);
                for (at, holder) in holders().iter().enumerate() {
                    let available = account::available(&mut ledger, holder).await.unwrap().unwrap();
                    assert_eq!(available.minor(), model.posted[at] - model.held[at]);
                    assert!(available.minor() >= 0);
                }
            }
        });
    }
}
