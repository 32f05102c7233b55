//! A backup: what it brings to a new wallet, what it leaves alone in an older one, and what a bad file changes (nothing).

use std::path::{Path, PathBuf};

use payment::{AttemptId, MerchantId, Order, RequestState, WalletNonce};
use protocol::ErrorCode;
use protocol::ipc::history::HistoryQuery;
use protocol::ipc::keep::FormerReason;
use protocol::ipc::{Language, RequestPhase, Settings};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use wallet::{Wallet, WalletConfig};

use crate::stage::{Parties, Stage, approved, now_ms, order, outcome_of};

const PASSPHRASE: &str = "amber lantern orbit";
const NONCE: WalletNonce = WalletNonce::from_bytes([4; 32]);
const PAID: AttemptId = AttemptId::from_bytes([3; 16]);
const SEALED: AttemptId = AttemptId::from_bytes([5; 16]);
const FORGED: AttemptId = AttemptId::from_bytes([6; 16]);

/// A wallet with a paid request, one under way, one whose receipt is a stranger's, a block and a claimed address.
struct Old {
    stage: Stage,
    paid: Order,
    under_way: Order,
    wallet: Wallet,
}

async fn database(home: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(home.join("wallet.db"));
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn insert_attempt(database: &mut SqliteConnection, stage: &Stage, order: &Order, id: AttemptId, state: &str) {
    let keys = stage.parties.keys(1);
    sqlx::query(
        "INSERT INTO attempt (attempt_id, request_id, wallet_nonce, keyset, bank_certificate, state, created_ms, changed_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(id.to_string())
    .bind(order.request_id.to_string())
    .bind(NONCE.to_string())
    .bind(keys.keyset)
    .bind(&keys.bank_certificates[0])
    .bind(state)
    .bind(now_ms())
    .execute(database)
    .await
    .unwrap();
}

async fn insert_receipt(database: &mut SqliteConnection, parties: &Parties, order: &Order, id: AttemptId) {
    let outcome = outcome_of(order, id, &NONCE, approved());
    let receipt = parties.receipt(order, id, NONCE, &outcome);
    sqlx::query("INSERT INTO receipt (attempt_id, request_id, receipt, decided_ms) VALUES ($1, $2, $3, $4)")
        .bind(id.to_string())
        .bind(order.request_id.to_string())
        .bind(serde_json::to_string(&receipt).unwrap())
        .bind(now_ms())
        .execute(database)
        .await
        .unwrap();
}

impl Old {
    async fn new() -> Self {
        let stage = Stage::open().await;
        let wallet = stage.wallet().await;
        let (paid, under_way, forged) = (order(|_| {}), order(|_| {}), order(|_| {}));
        for order in [&paid, &under_way, &forged] {
            wallet.open_link(stage.deliver(order.request_id, &stage.parties.sign_order(order))).await.unwrap();
        }
        let settings = Settings { language: Language::Chinese, ..Settings::default() };
        wallet.save_settings(settings).await.unwrap();
        let mut database = database(&stage.home()).await;
        insert_attempt(&mut database, &stage, &paid, PAID, "approved").await;
        insert_receipt(&mut database, &stage.parties, &paid, PAID).await;
        insert_attempt(&mut database, &stage, &under_way, SEALED, "sealed").await;
        insert_attempt(&mut database, &stage, &forged, FORGED, "approved").await;
        insert_receipt(&mut database, &Parties::new(), &forged, FORGED).await;
        sqlx::query("INSERT INTO blocked_merchant (merchant_id, blocked_ms) VALUES ('red-door', 1)")
            .execute(&mut database)
            .await
            .unwrap();
        sqlx::query("INSERT INTO identifier (identifier, claimed_ms) VALUES ('ann@example.org', 1)")
            .execute(&mut database)
            .await
            .unwrap();
        database.close().await.unwrap();
        stage.script(|script| {
            script.states.insert(paid.request_id, RequestState::Paid { attempt_id: PAID });
        });
        Self { stage, paid, under_way, wallet }
    }

    fn file(&self) -> PathBuf {
        self.stage.folder.path().join("a.tapseal-backup")
    }

    async fn back_up(&self) -> String {
        let path = self.file().to_str().unwrap().to_owned();
        let made = self.wallet.backup_make(PASSPHRASE.into(), Some(path.clone())).await.unwrap();
        assert_eq!((made.receipts, made.requests), (2, 3));
        path
    }

    /// Another wallet of the same operator.
    async fn other(&self, name: &str) -> Wallet {
        let mut config = self.stage.config();
        config.home = self.stage.folder.path().join(name);
        Wallet::open(config).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_wallet_gets_back_everything_but_the_keys() {
    let old = Old::new().await;
    let path = old.back_up().await;
    let new = old.other("new").await;
    let restored = new.backup_restore(PASSPHRASE.into(), Some(path.clone())).await.unwrap();
    assert_eq!((restored.receipts, restored.new_receipts, restored.new_requests, restored.left_out), (1, 1, 3, 1));
    new.sync().await.unwrap();

    while new.history(HistoryQuery::default()).await.unwrap().waiting > 0 {
        tokio::task::yield_now().await;
    }
    let receipts = new.history_lines(HistoryQuery::default(), 0, 10).await.unwrap();
    assert_eq!(receipts.iter().map(|receipt| receipt.attempt_id).collect::<Vec<_>>(), [PAID], "the forged one is not");
    assert!(new.show_receipt(PAID).await.unwrap().bank_seal);
    assert_eq!(new.show(old.paid.request_id).await.unwrap().phase, RequestPhase::Paid);
    // The old device's attempt is not for this one to see, and so never "not sent": the server's word decides.
    let in_flight = RequestState::InFlight { attempt_id: SEALED };
    old.stage.script(|script| {
        script.states.insert(old.under_way.request_id, in_flight);
    });
    new.sync().await.unwrap();
    assert_eq!(new.show(old.under_way.request_id).await.unwrap().phase, RequestPhase::Paying);
    assert_eq!(old.stage.script.lock().unwrap().submissions, 0);

    let status = new.status().await.unwrap();
    assert_eq!(status.settings.language, Language::Chinese);
    assert!(status.identifiers.is_empty(), "an identifier is proved again, never restored");
    assert_eq!((status.former[0].identifier.as_str(), status.former[0].why), ("ann@example.org", FormerReason::Backup));
    assert_eq!(new.blocked().await.unwrap().len(), 1);
    assert_ne!(new.trust().await.unwrap().device_id, old.wallet.trust().await.unwrap().device_id, "another device");

    let again = new.backup_restore(PASSPHRASE.into(), Some(path)).await.unwrap();
    assert_eq!((again.new_receipts, again.new_requests), (0, 0), "twice is once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replaced_by_what_is_older() {
    let old = Old::new().await;
    let path = old.back_up().await;
    let wallet = &old.wallet;
    let settings = Settings { language: Language::English, ..Settings::default() };
    wallet.save_settings(settings).await.unwrap();
    wallet.sync().await.unwrap();
    let mut database = database(&old.stage.home()).await;
    sqlx::query("DELETE FROM blocked_merchant").execute(&mut database).await.unwrap();
    sqlx::query("INSERT INTO accepted_merchant (merchant_id, accepted_ms) VALUES ('red-door', 2)")
        .execute(&mut database)
        .await
        .unwrap();
    wallet.backup_restore(PASSPHRASE.into(), Some(path)).await.unwrap();
    assert_eq!(wallet.status().await.unwrap().settings.language, Language::English);
    assert_eq!(wallet.show(old.paid.request_id).await.unwrap().phase, RequestPhase::Paid, "the server's later word");
    let red: MerchantId = "red-door".parse().unwrap();
    assert!(wallet.accepted().await.unwrap().iter().any(|sender| sender.merchant_id == red), "what was decided later");
    let sealed: String = sqlx::query_scalar("SELECT state FROM attempt WHERE attempt_id = $1")
        .bind(SEALED.to_string())
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_ne!(sealed, "elsewhere", "this device's own attempt stays its own");
    let requests: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM request").fetch_one(&mut database).await.unwrap();
    assert_eq!(requests, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_changes_nothing_and_says_why() {
    let old = Old::new().await;
    let path = old.back_up().await;
    let new = old.other("new").await;
    let short = new.backup_make("too short".into(), Some(path.clone())).await.unwrap_err();
    assert_eq!(short.code, ErrorCode::BackupPassphraseShort);
    let restore = async |wallet: &Wallet, passphrase: &str| {
        wallet.backup_restore(passphrase.into(), Some(path.clone())).await.unwrap_err().code
    };
    assert_eq!(restore(&new, "amber lantern orbits").await, ErrorCode::BackupPassphraseWrong);

    let foreign = Stage::open().await;
    let mut config = WalletConfig::new(foreign.home());
    config.trust = Some(foreign.trust());
    config.key_store = wallet::KeyStoreKind::File;
    config.upkeep = wallet::Upkeep::OnDemand;
    let stranger = Wallet::open(config).await.unwrap();
    assert_eq!(restore(&stranger, PASSPHRASE).await, ErrorCode::BackupForeign);

    let whole = std::fs::read(old.file()).unwrap();
    std::fs::write(old.file(), &whole[..whole.len() - 20]).unwrap();
    assert_eq!(restore(&new, PASSPHRASE).await, ErrorCode::BackupDamaged);
    std::fs::write(old.file(), b"not a backup at all").unwrap();
    assert_eq!(restore(&new, PASSPHRASE).await, ErrorCode::BackupUnreadable);
    assert_eq!(new.history(HistoryQuery::default()).await.unwrap().count, 0);
    assert!(new.status().await.unwrap().former.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_json_and_a_clearing_keeps_what_was_paid() {
    let old = Old::new().await;
    let path = old.stage.folder.path().join("export.json");
    let exported = old.wallet.export_all(Some(path.to_str().unwrap().to_owned())).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(exported.bytes, text.len() as u64);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((json["requests"].as_array().unwrap().len(), json["receipts"].as_array().unwrap().len()), (3, 2));
    assert_eq!(json["identifiers"][0], "ann@example.org");

    let gone = order(|_| {});
    let link = old.stage.deliver(gone.request_id, &old.stage.parties.sign_order(&gone));
    old.wallet.open_link(link).await.unwrap();
    old.stage.script(|script| {
        script.states.insert(gone.request_id, RequestState::Cancelled);
    });
    old.wallet.sync().await.unwrap();
    let left = old.wallet.clear_ended().await.unwrap();
    assert!(left.iter().all(|request| request.request_id != gone.request_id));
    assert!(old.wallet.show(old.paid.request_id).await.is_ok());
    let report = old.wallet.diagnosis().await.unwrap().report;
    for secret in ["ann@example.org", &old.wallet.trust().await.unwrap().device_id.to_string()] {
        assert!(!report.contains(secret), "{report}");
    }
}
