//! A vault with its owners and its thieves: enrolled, paid from, guessed at, stolen, and given other keys meanwhile.

use std::net::IpAddr;
use std::sync::atomic::AtomicI64;

use base64::Engine;
use envelope::inner::{self, CardData, Content, EntryMode};
use envelope::keyset::{BankCertificate, BankTrust, Dated, FrontKind, IinRange};
use envelope::means::Means;
use envelope::vault::{self as seal, Call, Deed, FactorSecret, NewCard, ReleaseWish};
use envelope::{BankRoot, BankSealingKeySecret, Capsule, KeptCard, Pan, SecretBytes, SigningKey};
use payment::{Amount, AttemptHash, AttemptId, OrderHash, WalletNonce};
use protocol::vault_api::{AliasView, ReleasedView, SealedCall, VaultAnswer};
use protocol::{ErrorCode, SealedText};
use zeroize::Zeroizing;

use super::command::{NewVault, make};
use super::record::TRIES_MAX;
use super::*;
use crate::guard::FAILURES_OF_ONE;
use crate::keys::VaultEntry;
use crate::totp;

const NOW_MS: i64 = 1_795_000_000_000;
const NAME: &str = "王小明";
const PASSWORD: &str = "correct horse 77";
const PAN: &str = "4761340000000050";
const LABEL: &str = "everyday plastic";
const STEP_MS: i64 = 30_000;

fn here() -> IpAddr {
    "192.0.2.1".parse().unwrap()
}

/// A vault, a bank it pins, and an owner's second factor.
struct Bench {
    folder: tempfile::TempDir,
    vault: Arc<Vault>,
    entry: VaultEntry,
    clock: Arc<AtomicI64>,
    root: SigningKey<BankRoot>,
    bank: BankSealingKeySecret,
    factor: FactorSecret,
    from: IpAddr,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = SigningKey::generate();
        let banks = [BankTrust { bank_id: "first".to_owned(), key: root.public().clone() }];
        let new = NewVault {
            id: "card-keeper",
            name: "Card Keeper",
            url: "https://127.0.0.1:8444",
            hosts: &["127.0.0.1".to_owned()],
            banks: &banks,
        };
        let entry = make(&home(&folder), &new).await.unwrap();
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let vault = open(&folder, &clock).await;
        let (bank, factor) = (BankSealingKeySecret::generate(), FactorSecret::draw());
        Self { folder, vault, entry, clock, root, bank, factor, from: here() }
    }

    /// The same with an alias and a card.
    async fn enrolled() -> Self {
        let bench = Self::new().await;
        let view = bench.enrol(NAME, card(1, 0)).await.unwrap();
        assert_eq!((view.name.as_str(), view.cards.len()), (NAME, 1));
        bench.later(STEP_MS);
        bench
    }

    async fn restart(&mut self) {
        self.vault = open(&self.folder, &self.clock).await;
    }

    fn later(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    fn now_ms(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// What the owner's device shows now.
    fn code(&self) -> String {
        totp::shown(self.factor.expose(), self.now_ms())
    }

    fn certificate(&self, version: u64) -> String {
        self.certificate_by(&self.root, version)
    }

    fn certificate_by(&self, root: &SigningKey<BankRoot>, version: u64) -> String {
        let key = self.bank.public().clone();
        let (not_before_ms, not_after_ms) = (self.now_ms() - 1_000, self.now_ms() + 3_600_000);
        let certificate = BankCertificate {
            bank_id: "first".to_owned(),
            bank_name: "First Bank".to_owned(),
            kind: FrontKind::Bank,
            version,
            issued_ms: self.now_ms(),
            expires_ms: not_after_ms,
            iin_ranges: vec![IinRange { from: "476134".to_owned(), to: "476134".to_owned() }],
            sealing_keys: vec![Dated { key, not_before_ms, not_after_ms }],
            outcome_keys: Vec::new(),
        };
        certificate.sign(root)
    }

    /// What the vault answers, as a wallet reads it; and how long the sealed answer is.
    async fn answer(&self, call: &Call, certificates: Vec<String>) -> (VaultAnswer, usize) {
        let (capsule, key) = seal::seal(&self.entry.sealing_key, &self.entry.vault_id, call).unwrap();
        let call = serde_json::from_value(serde_json::to_value(&capsule).unwrap()).unwrap();
        let sealed = SealedCall { call, bank_certificates: certificates };
        let answer = match calls::answer(&self.vault, &sealed, self.from).await {
            Ok(answer) => answer.answer,
            Err(calls::Unsealed::Refused(code)) => panic!("{code}"),
            Err(calls::Unsealed::Failed(error)) => panic!("{error}"),
        };
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(answer).unwrap();
        (serde_json::from_slice(&key.open(&bytes).unwrap()).unwrap(), bytes.len())
    }

    async fn enrol(&self, name: &str, card: Box<NewCard>) -> Result<AliasView, ErrorCode> {
        let deed = Deed::Enrol { factor: self.factor.again(), card };
        view(self.answer(&said(name, PASSWORD, &self.code(), deed), Vec::new()).await.0)
    }

    /// What the owner asks for, with a code of its own.
    async fn ask(&self, deed: Deed) -> VaultAnswer {
        let certificates = vec![self.certificate(1)];
        let answer = self.answer(&said(NAME, PASSWORD, &self.code(), deed), certificates).await.0;
        self.later(STEP_MS);
        answer
    }

    async fn release(&self, wish: ReleaseWish) -> Result<ReleasedView, ErrorCode> {
        released(self.ask(Deed::Release(wish)).await)
    }

    /// Somebody tries with these; what the vault says.
    async fn tries(&self, name: &str, password: &str, code: &str) -> Option<ErrorCode> {
        match self.answer(&said(name, password, code, Deed::Show), Vec::new()).await.0 {
            VaultAnswer::Refused(problem) => Some(problem.code),
            _ => None,
        }
    }

    async fn audit(&self) -> Vec<String> {
        audit::newest(&self.vault.db, 1_000).await.unwrap().into_iter().map(|entry| entry.kind).collect()
    }

    /// Every byte of the database.
    fn database(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in ["vault.db", "vault.db-wal"] {
            bytes.extend(std::fs::read(self.folder.path().join(name)).unwrap_or_default());
        }
        bytes
    }
}

/// What a wallet says to the vault.
fn said(name: &str, password: &str, code: &str, deed: Deed) -> Call {
    let secret = |text: &str| SecretBytes::copy_of(text.as_bytes());
    Call { name: name.to_owned(), password: secret(password), code: secret(code), deed }
}

fn home(folder: &tempfile::TempDir) -> VaultHome {
    VaultHome::new(folder.path(), None)
}

async fn open(folder: &tempfile::TempDir, clock: &Arc<AtomicI64>) -> Arc<Vault> {
    let clock = Arc::clone(clock);
    Vault::open(&home(folder), Arc::new(move || clock.load(Ordering::Relaxed)), None).await.unwrap()
}

fn card(number: u8, limit_minor: u64) -> Box<NewCard> {
    let card = CardData {
        pan: Pan::parse(PAN).unwrap(),
        track2: None,
        expiry_yymm: *b"3112",
        psn: Some(1),
        aid: vec![0xA0, 0, 0, 0, 3, 0x10, 0x10],
        entry_mode: EntryMode::ContactlessChip,
        icc_data: Zeroizing::new(vec![0x9F, 0x26, 0x01, 0x00]),
    };
    let card = KeptCard::of(card).unwrap();
    Box::new(NewCard { entry_id: [number; 16], label: LABEL.to_owned(), limit_minor, limit_currency: *b"USD", card })
}

fn wish(number: u8) -> ReleaseWish {
    ReleaseWish {
        place: 0,
        order_hash: [number; 32],
        attempt_id: [number; 16],
        wallet_nonce: [3; 32],
        amount_minor: 1_280,
        currency: *b"USD",
    }
}

fn hash_of(wish: &ReleaseWish) -> AttemptHash {
    let (order, attempt) = (OrderHash::from_bytes(wish.order_hash), AttemptId::from_bytes(wish.attempt_id));
    AttemptHash::derive(&order, attempt, &WalletNonce::from_bytes(wish.wallet_nonce))
}

fn view(answer: VaultAnswer) -> Result<AliasView, ErrorCode> {
    match answer {
        VaultAnswer::Alias(view) => Ok(view),
        VaultAnswer::Refused(problem) => Err(problem.code),
        other => panic!("{other:?}"),
    }
}

fn released(answer: VaultAnswer) -> Result<ReleasedView, ErrorCode> {
    match answer {
        VaultAnswer::Released(view) => Ok(view),
        VaultAnswer::Refused(problem) => Err(problem.code),
        other => panic!("{other:?}"),
    }
}

fn capsule(text: &SealedText) -> Capsule {
    serde_json::from_value(serde_json::to_value(text).unwrap()).unwrap()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn an_owner_enrols_adds_looks_changes_and_takes_everything_away() {
    let bench = Bench::enrolled().await;
    let shown = view(bench.ask(Deed::AddCard(card(2, 5_000))).await).unwrap();
    let kept: Vec<_> = shown.cards.iter().map(|card| (card.place, card.last_four.as_str())).collect();
    assert_eq!(kept, [(1, "0050"), (2, "0050")]);
    assert_eq!(shown.cards[1].limit.map(Amount::minor), Some(5_000));
    assert_eq!((shown.cards[0].label.as_str(), shown.cards[0].expiry_yymm.as_str()), (LABEL, "3112"));
    // The name is one however it is typed; what was done is told, the newest first.
    let shown = view(bench.ask(Deed::RemoveCard { place: 1 }).await).unwrap();
    assert_eq!(shown.cards.iter().map(|card| card.place).collect::<Vec<_>>(), [2]);
    assert_eq!(
        shown.audit.iter().map(|event| event.what.as_str()).collect::<Vec<_>>(),
        ["card_removed", "card_added", "enrolled"]
    );
    assert!(
        matches!(bench.ask(Deed::RemoveCard { place: 1 }).await, VaultAnswer::Refused(problem) if problem.code == ErrorCode::NotFound)
    );

    let other = SecretBytes::copy_of(b"another horse 88");
    view(bench.ask(Deed::SetPassword(other)).await).unwrap();
    assert_eq!(bench.tries(NAME, PASSWORD, &bench.code()).await, Some(ErrorCode::AliasRefused));
    assert_eq!(bench.tries(NAME, "another horse 88", &bench.code()).await, None);
    bench.later(STEP_MS);
    let factor = FactorSecret::draw();
    let shown_by_it = totp::shown(factor.expose(), bench.now_ms());
    let wrong = Deed::SetFactor { factor: factor.again(), code: SecretBytes::copy_of(b"00000000") };
    let call = said(NAME, "another horse 88", &bench.code(), wrong);
    assert_eq!(view(bench.answer(&call, Vec::new()).await.0), Err(ErrorCode::AliasRefused));
    bench.later(STEP_MS);
    let code = SecretBytes::copy_of(totp::shown(factor.expose(), bench.now_ms()).as_bytes());
    let set = Deed::SetFactor { factor: factor.again(), code };
    let call = said(NAME, "another horse 88", &bench.code(), set);
    view(bench.answer(&call, Vec::new()).await.0).unwrap();
    bench.later(STEP_MS);
    assert_eq!(
        bench.tries(NAME, "another horse 88", &bench.code()).await,
        Some(ErrorCode::AliasRefused),
        "the old one"
    );
    assert_eq!(bench.tries(NAME, "another horse 88", &shown_by_it).await, Some(ErrorCode::AliasRefused), "too old");
    let now = totp::shown(factor.expose(), bench.now_ms());
    let call = said(NAME, "another horse 88", &now, Deed::RemoveAlias);
    assert_eq!(bench.answer(&call, Vec::new()).await.0, VaultAnswer::Forgotten);
    let left: i64 = sqlx::query_scalar("SELECT (SELECT COUNT(*) FROM alias) + (SELECT COUNT(*) FROM card)")
        .fetch_one(bench.vault.db.reader())
        .await
        .unwrap();
    assert_eq!(left, 0);
    // The name is free again.
    bench.later(STEP_MS);
    bench.enrol(NAME, card(9, 0)).await.unwrap();
}

#[tokio::test]
async fn a_card_is_released_to_its_own_bank_for_one_attempt() {
    let bench = Bench::enrolled().await;
    let wish = wish(1);
    let view = bench.release(wish).await.unwrap();
    assert_eq!(view.front, "first");
    let hash = hash_of(&wish);
    let opened = inner::open_any(&bench.bank, hash.as_bytes(), &capsule(&view.inner)).unwrap();
    let Content::Means(Means::Alias(alias)) = opened else { panic!("not a released card") };
    assert_eq!(alias.card.card().pan.expose_ascii(), PAN.as_bytes());
    let word = &alias.word;
    assert!(word.verify(&bench.entry.release_key, "first", hash.as_bytes()).is_ok());
    assert_eq!((word.release.amount_minor, word.release.entry_id), (1_280, [1; 16]));
    assert_eq!(u64::try_from(word.release.expires_ms).unwrap(), view.expires_ms);
    assert!(inner::open_any(&bench.bank, &[9; 32], &capsule(&view.inner)).is_err(), "another attempt");
    // Not twice for one attempt; the next attempt is another.
    assert_eq!(bench.release(wish).await, Err(ErrorCode::CapsuleReplayed));
    bench.release(self::wish(2)).await.unwrap();
    assert!(bench.audit().await.iter().filter(|kind| *kind == "released").count() == 2);
}

#[tokio::test]
async fn a_card_is_sealed_to_no_key_that_its_banks_root_did_not_certify() {
    let bench = Bench::enrolled().await;
    let forged = bench.certificate_by(&SigningKey::generate(), 5);
    let ask = async |certificates: Vec<String>, number: u8| {
        let call = said(NAME, PASSWORD, &bench.code(), Deed::Release(wish(number)));
        bench.later(STEP_MS);
        released(bench.answer(&call, certificates).await.0)
    };
    assert_eq!(ask(vec![forged.clone()], 1).await, Err(ErrorCode::NoBankForCard));
    assert_eq!(ask(Vec::new(), 2).await, Err(ErrorCode::NoBankForCard));
    ask(vec![forged, bench.certificate(3)], 3).await.unwrap();
    assert_eq!(ask(vec![bench.certificate(2)], 4).await, Err(ErrorCode::KeysetInvalid), "an older certificate");
    ask(vec![bench.certificate(3)], 5).await.unwrap();
}

#[tokio::test]
async fn an_owners_limit_holds() {
    let bench = Bench::new().await;
    bench.enrol(NAME, card(1, 1_280)).await.unwrap();
    bench.later(STEP_MS);
    bench.release(wish(1)).await.unwrap();
    assert_eq!(bench.release(ReleaseWish { amount_minor: 1_281, ..wish(2) }).await, Err(ErrorCode::AliasLimit));
    assert_eq!(bench.release(ReleaseWish { currency: *b"EUR", ..wish(3) }).await, Err(ErrorCode::AliasLimit));
    assert_eq!(bench.release(ReleaseWish { amount_minor: 0, ..wish(4) }).await, Err(ErrorCode::InvalidInput));
    assert_eq!(bench.release(ReleaseWish { place: 2, ..wish(5) }).await, Err(ErrorCode::NotFound));
    let set = |place, limit_minor| Deed::SetLimit { place, limit_minor, currency: *b"USD" };
    let shown = view(bench.ask(set(1, 1_300)).await).unwrap();
    assert_eq!((shown.cards[0].label.as_str(), shown.cards[0].limit.map(Amount::minor)), (LABEL, Some(1_300)));
    assert_eq!(shown.audit[0].what, "limit_set");
    bench.release(ReleaseWish { amount_minor: 1_300, ..wish(6) }).await.unwrap();
    assert_eq!(bench.release(ReleaseWish { amount_minor: 1_301, ..wish(7) }).await, Err(ErrorCode::AliasLimit));
    assert_eq!(view(bench.ask(set(1, 0)).await).unwrap().cards[0].limit, None);
    bench.release(ReleaseWish { amount_minor: 9_999, ..wish(8) }).await.unwrap();
    assert_eq!(view(bench.ask(set(2, 1)).await), Err(ErrorCode::NotFound));
}

/// Whoever looks for names learns none: the answer, its length, the work and the traces are the same.
#[tokio::test]
async fn an_unknown_name_a_wrong_password_a_wrong_code_and_a_lock_cannot_be_told_apart() {
    let bench = Bench::enrolled().await;
    let mut seen = Vec::new();
    let (right, wrong_code) = (bench.code(), "00000000");
    for (name, password, code) in [
        ("nobody here", PASSWORD, right.as_str()),
        ("x", PASSWORD, right.as_str()),
        (PAN, PASSWORD, right.as_str()),
        (NAME, "wrong horse 77", right.as_str()),
        (NAME, PASSWORD, wrong_code),
        (NAME, "wrong horse 77", wrong_code),
        (NAME, PASSWORD, wrong_code),
        (NAME, PASSWORD, wrong_code),
        (NAME, PASSWORD, right.as_str()),
    ] {
        let (hashed, noted) = (bench.vault.hashed.load(Ordering::Relaxed), refusals(&bench).await);
        let (answer, length) = bench.answer(&said(name, password, code, Deed::Show), Vec::new()).await;
        let work = bench.vault.hashed.load(Ordering::Relaxed) - hashed;
        seen.push((serde_json::to_string(&answer).unwrap(), length, work, refusals(&bench).await - noted));
    }
    assert!(bench.audit().await.contains(&"locked".to_owned()), "the last of them met a lock");
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    assert!(seen[0].0.contains("alias_refused") && seen[0].2 == 1 && seen[0].3 == 1);
}

async fn refusals(bench: &Bench) -> usize {
    bench.audit().await.iter().filter(|kind| *kind == "refused").count()
}

#[tokio::test]
async fn guessing_at_one_alias_locks_it_each_time_longer() {
    let mut bench = Bench::enrolled().await;
    let mut locked_ms = 15 * 60 * 1_000;
    for round in 0..3 {
        for address in 0..TRIES_MAX {
            // Each from elsewhere: the lock is the alias's.
            bench.from = format!("198.51.{round}.{address}").parse().unwrap();
            assert_eq!(bench.tries(NAME, PASSWORD, "00000000").await, Some(ErrorCode::AliasRefused));
        }
        bench.from = "203.0.113.9".parse().unwrap();
        bench.later(locked_ms - STEP_MS);
        assert_eq!(bench.tries(NAME, PASSWORD, &bench.code()).await, Some(ErrorCode::AliasRefused), "round {round}");
        bench.later(STEP_MS);
        locked_ms *= 2;
    }
    // It is over, and the right ones still are; then the count begins anew.
    assert_eq!(bench.tries(NAME, PASSWORD, &bench.code()).await, None);
    bench.restart().await;
    bench.later(STEP_MS);
    for _ in 0..TRIES_MAX - 1 {
        assert_eq!(bench.tries(NAME, "wrong horse 77", &bench.code()).await, Some(ErrorCode::AliasRefused));
    }
    assert_eq!(bench.tries(NAME, PASSWORD, &bench.code()).await, None);
}

#[tokio::test]
async fn one_password_tried_through_many_names_is_stopped_at_its_address() {
    let mut bench = Bench::enrolled().await;
    for number in 0..FAILURES_OF_ONE - 1 {
        let name = format!("payer {number}");
        assert_eq!(bench.tries(&name, PASSWORD, "12345678").await, Some(ErrorCode::AliasRefused), "{number}");
    }
    let hashed = bench.vault.hashed.load(Ordering::Relaxed);
    assert_eq!(bench.tries(NAME, PASSWORD, &bench.code()).await, None);
    bench.later(STEP_MS);
    for _ in 0..2 {
        bench.tries("payer x", PASSWORD, "12345678").await;
    }
    assert_eq!(bench.tries(NAME, PASSWORD, &bench.code()).await, Some(ErrorCode::RateLimited));
    assert_eq!(bench.enrol("somebody else", card(4, 0)).await, Err(ErrorCode::RateLimited));
    assert!(bench.vault.hashed.load(Ordering::Relaxed) - hashed <= 3, "nothing is hashed for it any more");
    bench.from = "192.0.2.77".parse().unwrap();
    assert_eq!(bench.tries(NAME, PASSWORD, &bench.code()).await, None, "its owner is elsewhere");
}

#[tokio::test]
async fn a_code_opens_once_and_a_captured_call_opens_nothing() {
    let bench = Bench::enrolled().await;
    let call = said(NAME, PASSWORD, &bench.code(), Deed::Show);
    view(bench.answer(&call, Vec::new()).await.0).unwrap();
    assert_eq!(view(bench.answer(&call, Vec::new()).await.0), Err(ErrorCode::AliasRefused));
}

#[tokio::test]
async fn a_name_is_its_owners_and_no_card_number() {
    let bench = Bench::enrolled().await;
    // The answer was lost and the same call comes again.
    bench.later(-STEP_MS);
    assert_eq!(bench.enrol(NAME, card(1, 0)).await.unwrap().cards.len(), 1);
    bench.later(STEP_MS);
    assert_eq!(bench.enrol(NAME, card(2, 0)).await, Err(ErrorCode::AliasNameTaken));
    let other = Bench { factor: FactorSecret::draw(), ..bench };
    let taken =
        said(NAME, "another horse 88", &other.code(), Deed::Enrol { factor: other.factor.again(), card: card(1, 0) });
    assert_eq!(view(other.answer(&taken, Vec::new()).await.0), Err(ErrorCode::AliasNameTaken));
    for name in [PAN, "４７６１ ３４００ ００００ ００５０", "no", "a\u{202E}bc"] {
        assert_eq!(other.enrol(name, card(3, 0)).await, Err(ErrorCode::AliasNameInvalid), "{name}");
    }
    let short =
        said("somebody", "12345678", &other.code(), Deed::Enrol { factor: other.factor.again(), card: card(3, 0) });
    assert_eq!(view(other.answer(&short, Vec::new()).await.0), Err(ErrorCode::PasswordUnfit));
    let not_set_up =
        said("somebody", PASSWORD, "00000000", Deed::Enrol { factor: other.factor.again(), card: card(3, 0) });
    assert_eq!(view(other.answer(&not_set_up, Vec::new()).await.0), Err(ErrorCode::AliasRefused));
}

#[tokio::test]
async fn a_stolen_database_gives_neither_names_nor_cards_nor_what_opens_them() {
    let bench = Bench::enrolled().await;
    bench.release(wish(1)).await.unwrap();
    let database = bench.database();
    assert!(database.len() > 8_192);
    let secret = bench.factor.expose();
    let texts = [PAN, NAME, LABEL, PASSWORD];
    let clear =
        texts.map(|text| text.as_bytes().to_vec()).into_iter().chain([secret.to_vec(), hex::decode(PAN).unwrap()]);
    for needle in clear.flat_map(|bytes| [hex::encode(&bytes).into_bytes(), bytes]) {
        assert!(!contains(&database, &needle), "{}", String::from_utf8_lossy(&needle));
    }
    // The search finds what is there; and with another vault's keys nothing of it opens.
    assert!(contains(&database, b"released"));
    let thief = Bench::new().await;
    std::fs::copy(bench.folder.path().join("vault.db"), thief.folder.path().join("stolen.db")).unwrap();
    let mut connection = bench.vault.db.reader().acquire().await.unwrap();
    let name = name::AliasName::parse(NAME).unwrap();
    let ring = bench.vault.keys.ring();
    let alias = record::Alias::find(&mut connection, &ring, &name).await.unwrap().unwrap();
    let others = thief.vault.keys.ring();
    assert!(record::Alias::find(&mut connection, &others, &name).await.unwrap().is_none(), "not even by its name");
    assert!(alias.factor(&others).is_err());
    let cards = alias.cards(&mut connection).await.unwrap();
    assert!(cards.iter().all(|card| card.open(&others).is_err() && card.open(&ring).is_ok()));
}

#[tokio::test]
async fn a_row_in_anothers_place_does_not_open() {
    let bench = Bench::enrolled().await;
    view(bench.ask(Deed::AddCard(card(2, 0))).await).unwrap();
    let swap = "UPDATE card SET wrapped_key = (SELECT wrapped_key FROM card AS other WHERE other.place <> card.place), \
                sealed = (SELECT sealed FROM card AS other WHERE other.place <> card.place)";
    bench
        .vault
        .db
        .write(move |db_tx| {
            Box::pin(async move { sqlx::query(swap).execute(db_tx).await.map(drop).map_err(VaultError::from) })
        })
        .await
        .unwrap();
    let call = said(NAME, PASSWORD, &bench.code(), Deed::Show);
    let (capsule, _) = seal::seal(&bench.entry.sealing_key, &bench.entry.vault_id, &call).unwrap();
    let call = serde_json::from_value(serde_json::to_value(&capsule).unwrap()).unwrap();
    let answered = calls::answer(&bench.vault, &SealedCall { call, bank_certificates: Vec::new() }, here()).await;
    assert!(matches!(answered, Err(calls::Unsealed::Failed(VaultError::Stored("row")))));
}

/// Another master key while cards are released: nobody waits, nothing is lost, and the old key opens nothing any more.
#[tokio::test]
async fn the_master_key_changes_while_payments_go_on() {
    let bench = Bench::enrolled().await;
    for number in 2..=7 {
        view(bench.ask(Deed::AddCard(card(number, 0))).await).unwrap();
    }
    let old_keys = std::fs::read(bench.folder.path().join("vault.keys")).unwrap();
    assert_eq!(key_ring::rotate(&home(&bench.folder)).unwrap(), 2);
    let rotating = rotation::turn(&bench.vault);
    let paying = async {
        for number in 10..16 {
            bench.release(wish(number)).await.unwrap();
        }
    };
    let (rotated, ()) = futures::join!(rotating, paying);
    rotated.unwrap();
    bench.release(wish(20)).await.unwrap();
    assert_eq!(bench.vault.keys.ring().versions(), [2]);
    let versions: Vec<i64> = sqlx::query_scalar("SELECT key_version FROM card UNION SELECT key_version FROM alias")
        .fetch_all(bench.vault.db.reader())
        .await
        .unwrap();
    assert_eq!(versions, [2]);
    let audit = bench.audit().await;
    assert!(audit.contains(&"key_rotated".to_owned()) && audit.contains(&"key_destroyed".to_owned()));
    rotation::turn(&bench.vault).await.unwrap();
    assert_eq!(bench.audit().await, audit, "nothing is left to be done");
    // The key file of before, with the database of now.
    let now_keys = std::fs::read(bench.folder.path().join("vault.keys")).unwrap();
    private_file(&bench, &old_keys);
    let old = key_ring::KeyRing::open(&home(&bench.folder)).unwrap().ring();
    private_file(&bench, &now_keys);
    let mut connection = bench.vault.db.reader().acquire().await.unwrap();
    let name = name::AliasName::parse(NAME).unwrap();
    let alias = record::Alias::find(&mut connection, &old, &name).await.unwrap().unwrap();
    assert!(alias.factor(&old).is_err(), "what is wrapped anew does not open with a copy of the old key");
}

fn private_file(bench: &Bench, bytes: &[u8]) {
    crate::private_file::replace(&bench.folder.path().join("vault.keys"), bytes).unwrap();
}

#[tokio::test]
async fn a_change_of_keys_that_was_cut_off_goes_on_at_the_next_start() {
    let mut bench = Bench::enrolled().await;
    key_ring::rotate(&home(&bench.folder)).unwrap();
    key_ring::rotate(&home(&bench.folder)).unwrap();
    bench.restart().await;
    assert_eq!(bench.vault.keys.ring().versions(), [1, 2, 3]);
    bench.release(wish(1)).await.unwrap();
    rotation::turn(&bench.vault).await.unwrap();
    assert_eq!(bench.vault.keys.ring().versions(), [3]);
    bench.release(wish(2)).await.unwrap();
}

#[tokio::test]
async fn a_changed_or_missing_entry_breaks_the_audit_log() {
    let mut bench = Bench::enrolled().await;
    bench.release(wish(1)).await.unwrap();
    bench.restart().await;
    for change in ["UPDATE audit SET kind = 'shown' WHERE seq = 2", "DELETE FROM audit WHERE seq = 1"] {
        bench
            .vault
            .db
            .write(move |db_tx| {
                Box::pin(async move { sqlx::query(change).execute(db_tx).await.map(drop).map_err(VaultError::from) })
            })
            .await
            .unwrap();
        assert!(matches!(audit::verify_chain(&bench.vault.db).await, Err(VaultError::Audit(_))), "{change}");
    }
    let clock = Arc::clone(&bench.clock);
    let opened = Vault::open(&home(&bench.folder), Arc::new(move || clock.load(Ordering::Relaxed)), None).await;
    assert!(matches!(opened, Err(VaultError::Audit(1))));
}

#[tokio::test]
async fn another_passphrase_opens_nothing_and_one_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new().await;
    let passphrase = bench.folder.path().join("vault-passphrase");
    crate::private_file::replace(&passphrase, b"another passphrase\n").unwrap();
    assert!(matches!(key_ring::KeyRing::open(&home(&bench.folder)), Err(VaultError::Passphrase)));
    std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(key_ring::KeyRing::open(&home(&bench.folder)), Err(VaultError::PassphraseExposed(_))));
    let home = home(&bench.folder);
    let again = make(&home, &NewVault { id: "x", name: "x", url: "https://x", hosts: &[], banks: &[] });
    assert!(matches!(again.await, Err(VaultError::Exists(_))));
}
