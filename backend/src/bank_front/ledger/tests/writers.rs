//! Many writers at once, and the bank reopened in between: whatever order the steps took, the model
//! that takes them in the same order ends the same.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::*;
use super::model::{Action, Model, act, action, now_ms};
use super::open_accounts;
use crate::bank_front::open_database;
use crate::keys::{BankId, DataFolder};
use crate::storage::Db;

/// Times the database is closed and opened again.
const OPENINGS: usize = 4;
/// Actions between two openings.
const ACTIONS_EACH: usize = 600;
/// Random bytes the histories are made of; another seed is another history.
const SEED: [u8; 32] = [42; 32];

/// The model and the ids of its steps, changed inside each step of the writer and so in its order.
type Shadow = Arc<Mutex<(Model, Vec<TransferId>)>>;

#[tokio::test]
async fn writers_at_once_and_reopenings_leave_what_their_order_says() {
    let folder = tempfile::tempdir().unwrap();
    let home = DataFolder::new(folder.path()).bank_home(&BankId::first());
    let db = open_database(&home).await.unwrap();
    db.write(|db_tx| Box::pin(open_accounts(db_tx))).await.unwrap();
    drop(db);
    let shadow: Shadow = Arc::new(Mutex::new((Model::new(), Vec::new())));
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for _ in 0..OPENINGS {
        let actions = prop::collection::vec(action(), ACTIONS_EACH).new_tree(&mut runner).unwrap().current();
        let db = open_database(&home).await.unwrap();
        let writes = actions.into_iter().map(|action| write(&db, Arc::clone(&shadow), action));
        futures::future::join_all(writes).await;
        let mut connection = db.reader().acquire().await.unwrap();
        let (model, ids) = shadow.lock().unwrap().clone();
        model.assert_is(&mut connection).await;
        assert!(ids.len() > ACTIONS_EACH / 10, "only {} steps were possible", ids.len());
    }
}

/// Does one action as one step of the writer. The ledger's answer must be the model's.
async fn write(db: &Db, shadow: Shadow, action: Action) {
    let done = db.write(move |db_tx| {
        Box::pin(async move {
            let (now_ms, ids) = {
                let shadow = shadow.lock().unwrap();
                (now_ms(&shadow.0), shadow.1.clone())
            };
            let result = act(db_tx, &ids, &action, now_ms).await;
            let mut shadow = shadow.lock().unwrap();
            assert_eq!(result.is_ok(), shadow.0.act(&action), "{action:?} gave {result:?}");
            let id = result?;
            shadow.1.extend(id);
            Ok::<_, BankError>(())
        })
    });
    if let Err(BankError::Database(error)) = done.await {
        panic!("the database failed: {error}");
    }
}
