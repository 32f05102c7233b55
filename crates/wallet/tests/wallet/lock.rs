//! The lock: what is locked opens with its passphrase only, whatever happens in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use envelope::passphrase::Cost;
use payment::{AttemptId, AttemptState, Order, WalletNonce};
use protocol::ipc::lock::{LockState, PresenceSign};
use protocol::ipc::passphrase::Passphrase;
use protocol::ipc::{ANSWERED_WHILE_LOCKED, COMMAND_NAMES, LockAfter, RequestPhase, Settings};
use protocol::wallet_api::InboxEvent;
use protocol::{ErrorCode, Problem};
use serde_json::{Value, json};
use wallet::{Clock, Moment, Upkeep, Wallet, WalletConfig, bridge};

use crate::stage::{Stage, attempt_view, order, sealed_to};

const WORDS: &str = "amber lantern boat";

fn words(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

/// A clock in the test's hand, in milliseconds, and how often it was looked at.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>, Arc<AtomicU64>);

impl Hand {
    fn forward(&self, seconds: u64) {
        self.0.fetch_add(1_000 * seconds, Ordering::Relaxed);
    }

    /// Goes forward, and waits until the wallet has looked at the new time.
    async fn forward_and_seen(&self, seconds: u64) {
        self.forward(seconds);
        let looks = self.1.load(Ordering::Relaxed);
        let started = std::time::Instant::now();
        while self.1.load(Ordering::Relaxed) < looks + 2 {
            assert!(started.elapsed().as_secs() < 20, "nobody looks at the clock");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    fn clock(&self) -> Clock {
        let (hand, looks) = (self.0.clone(), self.1.clone());
        Clock::made_of(move || {
            looks.fetch_add(1, Ordering::Relaxed);
            let now = hand.load(Ordering::Relaxed);
            Moment { steady_ms: now, wall_ms: 1_700_000_000_000 + now }
        })
    }
}

fn config(stage: &Stage, hand: &Hand) -> WalletConfig {
    let mut config = stage.config();
    config.clock = hand.clock();
    config.lock_cost = Cost::LEAST;
    config
}

async fn locked(stage: &Stage, hand: &Hand) -> Wallet {
    let wallet = Wallet::open(config(stage, hand)).await.unwrap();
    wallet.sync().await.unwrap();
    wallet.lock_turn_on(words(WORDS)).await.unwrap();
    wallet.lock_now().await.unwrap();
    wallet
}

fn code<T>(answer: Result<T, Problem>) -> Option<ErrorCode> {
    answer.err().map(|problem| problem.code)
}

async fn until(wallet: &Wallet, state: LockState) {
    let mut after = 0;
    let seen = async {
        loop {
            let seen = wallet.watch(after).await.unwrap();
            if seen.lock == state {
                return;
            }
            after = seen.seq;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), seen).await.expect("the lock moves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_wallet_answers_nothing_but_that_it_is_locked() {
    let (stage, hand) = (Stage::open().await, Hand::default());
    let wallet = locked(&stage, &hand).await;
    for name in COMMAND_NAMES.iter().filter(|name| !ANSWERED_WHILE_LOCKED.contains(*name)) {
        assert_eq!(code(bridge::dispatch(&wallet, name, Value::Null).await), Some(ErrorCode::Locked), "{name}");
    }
    for name in ["status", "watch", "lock", "presence"] {
        let args = match name {
            "watch" => json!({ "after": 0 }),
            "presence" => json!({ "sign": "used" }),
            _ => Value::Null,
        };
        assert_eq!(code(bridge::dispatch(&wallet, name, args).await), None, "{name}");
    }
    let status = wallet.status().await.unwrap();
    assert_eq!((status.lock, status.identifiers.len()), (LockState::Locked, 0));
    // Even what asks the wallet itself finds no key.
    assert_eq!(code(wallet.sync().await), Some(ErrorCode::Locked));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_survives_a_restart_and_the_same_device_comes_back() {
    let (stage, hand) = (Stage::open().await, Hand::default());
    locked(&stage, &hand).await.close().await;
    let device = stage.script.lock().unwrap().device.clone();
    let wallet = Wallet::open(config(&stage, &hand)).await.unwrap();
    assert_eq!(wallet.status().await.unwrap().lock, LockState::Locked);
    assert_eq!(code(wallet.unlock(words("amber lantern bo")).await), Some(ErrorCode::PassphraseWrong));
    assert_eq!(wallet.unlock(words(WORDS)).await.unwrap().state, LockState::Unlocked);
    wallet.sync().await.unwrap();
    assert_eq!(stage.script.lock().unwrap().device.clone().map(|it| it.signing_key), device.map(|it| it.signing_key));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passphrases_make_the_next_wait_even_after_a_restart_and_erase_nothing() {
    let (stage, hand) = (Stage::open().await, Hand::default());
    let wallet = locked(&stage, &hand).await;
    for _ in 0..5 {
        assert_eq!(code(wallet.unlock(words("something else")).await), Some(ErrorCode::PassphraseWrong));
    }
    wallet.close().await;
    let wallet = Wallet::open(config(&stage, &hand)).await.unwrap();
    let too_soon = wallet.unlock(words(WORDS)).await.unwrap_err();
    assert_eq!((too_soon.code, too_soon.retry_after_s), (ErrorCode::PassphraseWait, Some(30)));
    let view = wallet.lock().await.unwrap();
    assert_eq!((view.wrong_tries, view.wait_ms), (5, 30_000), "a try that is not taken does not count");
    hand.forward(30);
    assert_eq!(wallet.unlock(words(WORDS)).await.unwrap().wrong_tries, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_and_turning_off_need_the_present_passphrase() {
    let (stage, hand) = (Stage::open().await, Hand::default());
    let wallet = locked(&stage, &hand).await;
    wallet.unlock(words(WORDS)).await.unwrap();
    assert_eq!(code(wallet.lock_turn_off(words("no")).await), Some(ErrorCode::PassphraseWrong));
    assert_eq!(code(wallet.lock_change(words("no"), words("青灯古渡夜行船")).await), Some(ErrorCode::PassphraseWrong));
    assert_eq!(code(wallet.lock_change(words(WORDS), words("password1")).await), Some(ErrorCode::PassphraseWeak));
    assert_eq!(code(wallet.lock_turn_on(words(WORDS)).await), Some(ErrorCode::LockUnfit));
    wallet.lock_change(words(WORDS), words("青灯古渡夜行船")).await.unwrap();
    wallet.lock_now().await.unwrap();
    assert_eq!(code(wallet.unlock(words(WORDS)).await), Some(ErrorCode::PassphraseWrong));
    wallet.unlock(words("青灯古渡夜行船")).await.unwrap();
    assert_eq!(wallet.lock_turn_off(words("青灯古渡夜行船")).await.unwrap().state, LockState::None);
    wallet.close().await;
    stage.wallet().await.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_wallet_locks_it_after_the_time_that_was_chosen() {
    let (stage, hand) = (Stage::open().await, Hand::default());
    let mut config = config(&stage, &hand);
    config.upkeep = Upkeep::Continuous;
    let wallet = Wallet::open(config).await.unwrap();
    wallet.save_settings(Settings { lock_after: LockAfter::Minute, ..Settings::default() }).await.unwrap();
    wallet.lock_turn_on(words(WORDS)).await.unwrap();
    // Less than a look's lateness each time, so that nothing takes it for sleep.
    for _ in 0..4 {
        hand.forward_and_seen(20).await;
        assert_eq!(wallet.presence(PresenceSign::Used).await.unwrap(), LockState::Unlocked);
    }
    for _ in 0..3 {
        hand.forward_and_seen(20).await;
    }
    until(&wallet, LockState::Locked).await;

    wallet.unlock(words(WORDS)).await.unwrap();
    assert_eq!(wallet.presence(PresenceSign::Left).await.unwrap(), LockState::Unlocked);
    wallet.save_settings(Settings { lock_after: LockAfter::Leaving, ..Settings::default() }).await.unwrap();
    assert_eq!(wallet.presence(PresenceSign::Left).await.unwrap(), LockState::Locked);

    wallet.unlock(words(WORDS)).await.unwrap();
    wallet.save_settings(Settings { lock_after: LockAfter::Restart, ..Settings::default() }).await.unwrap();
    hand.forward(60);
    until(&wallet, LockState::Locked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_it_is_locked_is_known_and_not_opened() {
    let (stage, hand) = (Stage::open().await, Hand::default());
    let mut config = config(&stage, &hand);
    config.upkeep = Upkeep::Continuous;
    let first = order(|_| {});
    let link = stage.deliver(first.request_id, &stage.parties.sign_order(&first));
    let wallet = Wallet::open(config).await.unwrap();
    wallet.lock_turn_on(words(WORDS)).await.unwrap();
    wallet.lock_now().await.unwrap();
    assert!(!wallet.lock().await.unwrap().came);
    assert_eq!(code(wallet.open_link_from_outside(link).await), Some(ErrorCode::Locked));
    let seen = wallet.watch(0).await.unwrap();
    assert!(seen.came_while_locked && seen.opened.is_none() && seen.checkout.is_none());
    wallet.unlock(words(WORDS)).await.unwrap();
    let mut after = 0;
    let opened = async {
        loop {
            let seen = wallet.watch(after).await.unwrap();
            if let Some(opened) = seen.opened {
                return opened;
            }
            after = seen.seq;
        }
    };
    let opened = tokio::time::timeout(std::time::Duration::from_secs(20), opened).await.expect("the link is opened");
    assert_eq!(opened, first.request_id);
}

/// Waits until the wallet has taken in a request.
async fn until_taken_in(wallet: &Wallet, asked: &Order) {
    let mut after = 0;
    let taken_in = async {
        while !wallet.inbox().await.unwrap().iter().any(|view| view.request_id == asked.request_id) {
            after = wallet.watch(after).await.unwrap().seq;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), taken_in).await.expect("the request is taken in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_to_a_locked_wallet_waits_unopened() {
    let (stage, hand) = (Stage::open().await, Hand::default());
    let mut config = config(&stage, &hand);
    config.upkeep = Upkeep::Continuous;
    let wallet = Wallet::open(config).await.unwrap();
    wallet.sync().await.unwrap();
    let device = stage.script.lock().unwrap().device.clone().unwrap();
    let letter = |seq, asked: &Order| {
        let order_jws = stage.parties.sign_order(asked);
        let letter = sealed_to(&device, seq, asked.request_id, &order_jws);
        stage.script(|script| script.stream.push(InboxEvent::Request(letter)));
    };
    let (before, meanwhile) = (order(|_| {}), order(|_| {}));
    letter(1, &before);
    // The stream is open: what comes next comes over it.
    until_taken_in(&wallet, &before).await;
    wallet.lock_turn_on(words(WORDS)).await.unwrap();
    wallet.lock_now().await.unwrap();
    letter(2, &meanwhile);
    let mut after = 0;
    let came = async {
        loop {
            let seen = wallet.watch(after).await.unwrap();
            if seen.came_while_locked {
                return;
            }
            after = seen.seq;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), came).await.expect("it is known to have come");
    assert_eq!(code(wallet.show(meanwhile.request_id).await), Some(ErrorCode::NotFound), "and nothing of it is kept");
    wallet.unlock(words(WORDS)).await.unwrap();
    until_taken_in(&wallet, &meanwhile).await;
    assert!(!wallet.lock().await.unwrap().came);
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_anew_erases_keys_and_records_and_names_what_is_in_doubt_first() {
    let (stage, hand) = (Stage::open().await, Hand::default());
    let asked = order(|_| {});
    let link = stage.deliver(asked.request_id, &stage.parties.sign_order(&asked));
    let wallet = Wallet::open(config(&stage, &hand)).await.unwrap();
    wallet.sync().await.unwrap();
    wallet.introduced().await.unwrap();
    wallet.open_link(link).await.unwrap();
    let attempt = AttemptId::from_bytes([3; 16]);
    crate::recovery::insert_attempt(&stage, &asked, attempt, WalletNonce::from_bytes([4; 32])).await;
    stage.script(|script| {
        script.attempts.insert(attempt, attempt_view(&asked, attempt, AttemptState::Inquiring, None));
    });
    wallet.sync().await.unwrap();
    assert_eq!(wallet.show(asked.request_id).await.unwrap().phase, RequestPhase::Unknown);
    let before = stage.script.lock().unwrap().device.clone().unwrap();
    assert_eq!(code(wallet.start_anew("ERASE".to_owned()).await), Some(ErrorCode::LockUnfit), "it can be opened");
    wallet.lock_turn_on(words(WORDS)).await.unwrap();
    wallet.lock_now().await.unwrap();
    let doubt = wallet.lock().await.unwrap().in_doubt;
    assert_eq!(doubt.iter().map(|doubt| doubt.reference.as_str()).collect::<Vec<_>>(), ["0303"]);
    assert_eq!(code(wallet.start_anew("erase?".to_owned()).await), Some(ErrorCode::InvalidInput));

    let status = wallet.start_anew(" 清除 ".to_owned()).await.unwrap();
    assert_eq!((status.lock, status.is_new), (LockState::None, true));
    assert!(wallet.inbox().await.unwrap().is_empty());
    wallet.sync().await.unwrap();
    let after = stage.script.lock().unwrap().device.clone().unwrap();
    assert_ne!(before.device_id, after.device_id);
    let left: Vec<String> = std::fs::read_dir(stage.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(&before.device_id.to_string()))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    wallet.close().await;
    let again = Wallet::open(config(&stage, &hand)).await.unwrap();
    assert_eq!(again.status().await.unwrap().lock, LockState::None);
    assert_eq!(stage.script.lock().unwrap().device.clone().unwrap().device_id, after.device_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_new_until_it_was_introduced() {
    let stage = Stage::open().await;
    let wallet = stage.wallet().await;
    assert!(wallet.status().await.unwrap().is_new);
    assert!(!wallet.introduced().await.unwrap().is_new);
    wallet.close().await;
    assert!(!stage.wallet().await.status().await.unwrap().is_new);
}

fn cli(stage: &Stage, arguments: &[&str], input: &str) -> (Option<i32>, Value) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_tapseal-wallet"))
        .args(["--json", "--key-store", "file", "--passphrase-fd", "0", "--home"])
        .arg(stage.home())
        .arg("--trust")
        .arg(stage.trust())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that asks for nothing closes the pipe first.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_asks_a_locked_wallets_passphrase_for_every_command() {
    let stage = Stage::open().await;
    let run = |arguments: &'static [&'static str], input: &'static str| {
        tokio::task::block_in_place(|| cli(&stage, arguments, input))
    };
    assert_eq!(run(&["lock"], "amber lantern boat\n").1["state"], "unlocked");
    assert_eq!(run(&["register"], "").1["code"], "locked", "nobody gave a passphrase");
    assert_eq!(run(&["register"], "amber lantern\n").1["code"], "passphrase_wrong");
    assert_eq!(run(&["register"], "amber lantern boat\n").1["lock"], "unlocked");
    assert_eq!(run(&["passphrase"], "amber lantern boat\nshort\n").1["code"], "passphrase_weak");
    assert_eq!(run(&["passphrase"], "amber lantern boat\nlantern boat amber\n").0, Some(0));
    assert_eq!(run(&["unlock"], "lantern boat amber\n").1["state"], "none");
    assert_eq!(run(&["register"], "").1["lock"], "none");
}
