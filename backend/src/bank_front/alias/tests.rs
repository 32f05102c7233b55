//! Released cards at the bank: paid, and attacked from every side.

use std::sync::atomic::Ordering;

use emv::Interface;
use envelope::means::alias::{Alias, Release};
use envelope::means::{self, Means};
use envelope::{KeptCard, SigningKey, VaultRelease, VaultSealingKeySecret, place_hash};
use payment::{Amount, AttemptHash, DeclineCode, Order};

use super::{Keeper, KeeperState, allow, forbid};
use crate::bank_front::card::CardStatus;
use crate::bank_front::error::BankError;
use crate::bank_front::tests::support::{Bench, HOLDER, MERCHANT, NOW_MS, Sent, Told, card_data, read_card, usd};
use crate::keys::VaultEntry;
use crate::storage::DbConnection;

const VAULT: &str = "card-keeper";
const ENTRY: [u8; 16] = [7; 16];
const LIMIT_MINOR: i64 = 2_000;

/// A bank that believes a vault, whose card may be paid with, and the vault's key.
struct Kept {
    bench: Bench,
    key: SigningKey<VaultRelease>,
    card: KeptCard,
}

/// What a test wants otherwise in a release.
type Change = fn(&mut Release);

impl Kept {
    async fn new() -> Self {
        let mut bench = Bench::new().await;
        let key = SigningKey::generate();
        let card = enrolled(&mut bench, usd(0), &place_hash(VAULT, &ENTRY));
        let kept = Self { bench, key, card };
        kept.admit(&kept.key, VAULT).await;
        kept.allow(VAULT).await.unwrap();
        kept
    }

    async fn step<T: Send + 'static>(
        &self,
        step: impl for<'c> FnOnce(&'c mut DbConnection) -> futures::future::BoxFuture<'c, Result<T, BankError>>
        + Send
        + 'static,
    ) -> Result<T, BankError> {
        self.bench.front.db.write(step).await
    }

    async fn admit(&self, key: &SigningKey<VaultRelease>, vault_id: &str) {
        let entry = VaultEntry {
            vault_id: vault_id.to_owned(),
            display_name: "Card Keeper".to_owned(),
            url: "https://keeper.example".to_owned(),
            tls_ca_pem: String::new(),
            sealing_key: VaultSealingKeySecret::generate().public().clone(),
            release_key: key.public().clone(),
        };
        self.step(move |db_tx| Box::pin(async move { Keeper::admit(db_tx, &entry, NOW_MS).await })).await.unwrap();
    }

    async fn allow(&self, vault_id: &str) -> Result<(), BankError> {
        let (card, vault_id) = (self.bench.card().await.pan_reference, vault_id.to_owned());
        self.step(move |db_tx| Box::pin(async move { allow(db_tx, &card, &vault_id, LIMIT_MINOR, NOW_MS).await })).await
    }

    /// What the vault releases for an order, after `change`.
    fn released(&mut self, order: &Order, change: Change) -> Sent {
        let (key, card) = (&self.key, KeptCard::from_bytes(&self.card.to_bytes()).unwrap());
        let now_ms = self.bench.clock.load(Ordering::Relaxed);
        let amount = order.amount;
        self.bench.attempt_sealed(order, |hash, to| {
            let means = sign(key, "first", hash, card, &release(amount, now_ms, change));
            means::seal(to, hash.as_bytes(), &means).unwrap()
        })
    }

    async fn pay(&mut self, order: &Order, change: Change) -> (Sent, Told) {
        let sent = self.released(order, change);
        let told = self.bench.pay(&sent).await;
        (sent, told)
    }

    /// Asserts that a release is refused so, and that nothing moved.
    async fn refused(&mut self, change: Change, expected: DeclineCode) {
        let before = self.bench.posted(HOLDER).await;
        let order = self.bench.order(usd(1_280));
        let (sent, told) = self.pay(&order, change).await;
        told.assert_declined(&sent, expected);
        assert_eq!(told.outcome.unwrap().card_label, "alias");
        assert_eq!(self.bench.posted(HOLDER).await, before);
    }
}

/// Lets the bench's card be read as at an enrolment: for an amount, and what stands in an attempt's place.
fn enrolled(bench: &mut Bench, amount: Amount, place: &[u8; 32]) -> KeptCard {
    let read = read_card(&mut bench.visa, Interface::Contactless, amount, &AttemptHash::from_bytes(*place));
    KeptCard::of(card_data(&read)).unwrap()
}

fn release(amount: Amount, now_ms: i64, change: Change) -> Release {
    let mut release = Release {
        vault_id: VAULT.to_owned(),
        entry_id: ENTRY,
        release_id: [1; 16],
        amount_minor: u64::try_from(amount.minor()).unwrap(),
        currency: amount.currency().code().as_bytes().try_into().unwrap(),
        expires_ms: now_ms + 300_000,
    };
    change(&mut release);
    release
}

fn sign(key: &SigningKey<VaultRelease>, front: &str, hash: &AttemptHash, card: KeptCard, release: &Release) -> Means {
    Means::Alias(Box::new(Alias::sign(key, front, hash.as_bytes(), card, release.clone())))
}

const AS_IT_IS: Change = |_| ();

#[tokio::test]
async fn a_released_card_pays_and_its_receipt_shows_no_digit_of_it() {
    let mut kept = Kept::new().await;
    let order = kept.bench.order(usd(1_280));
    let (holder, merchant) = (kept.bench.posted(HOLDER).await, format!("merchant:{MERCHANT}"));
    let (sent, told) = kept.pay(&order, AS_IT_IS).await;
    told.assert_approved(&sent);
    assert_eq!(told.outcome.as_ref().unwrap().card_label, "alias");
    assert_eq!(kept.bench.posted(HOLDER).await, holder - 1_280);
    assert_eq!(kept.bench.posted(&merchant).await, 1_280);
    // The next order needs no other enrolment.
    let order = kept.bench.order(usd(500));
    let (sent, told) = kept.pay(&order, AS_IT_IS).await;
    told.assert_approved(&sent);
    // And a card that was kept pays by itself as before.
    let order = kept.bench.order(usd(100));
    let attempt = kept.bench.attempt(&order, "1234");
    kept.bench.pay(&attempt).await.assert_approved(&attempt);
}

#[tokio::test]
async fn a_release_pays_its_own_attempt_once() {
    let mut kept = Kept::new().await;
    let (order, other) = (kept.bench.order(usd(1_280)), kept.bench.order(usd(1_280)));
    let sent = kept.released(&order, AS_IT_IS);
    // The capsule under another order, or another attempt at the same: the seal does not open.
    let mut moved = kept.released(&other, AS_IT_IS);
    moved.capsule = sent.capsule.clone();
    kept.bench.pay(&moved).await.assert_declined(&moved, DeclineCode::OrderMismatch);
    let mut again = kept.released(&order, AS_IT_IS);
    again.capsule = sent.capsule.clone();
    kept.bench.pay(&again).await.assert_declined(&again, DeclineCode::OrderMismatch);
    kept.bench.pay(&sent).await.assert_approved(&sent);
    let repeated = Sent { stan: sent.stan + 500, ..sent.clone() };
    assert_eq!(kept.bench.pay(&repeated).await.code, DeclineCode::Replay.response_code());
    assert_eq!(kept.bench.posted(&format!("merchant:{MERCHANT}")).await, 1_280);
}

#[tokio::test]
async fn a_word_that_does_not_fit_the_payment_is_none() {
    let mut kept = Kept::new().await;
    kept.refused(|release| release.amount_minor -= 1, DeclineCode::OrderMismatch).await;
    kept.refused(|release| release.currency = *b"EUR", DeclineCode::OrderMismatch).await;
    kept.refused(|release| release.expires_ms = NOW_MS, DeclineCode::ReleaseOver).await;
    kept.refused(|release| release.expires_ms = i64::MAX, DeclineCode::ReleaseOver).await;
    // A place the card was not enrolled for, or another vault's.
    kept.refused(|release| release.entry_id[0] ^= 1, DeclineCode::Cryptogram).await;
    kept.refused(|release| release.vault_id = "other-keeper".to_owned(), DeclineCode::Cryptogram).await;
    let order = kept.bench.order(usd(LIMIT_MINOR + 1));
    let (sent, told) = kept.pay(&order, AS_IT_IS).await;
    told.assert_declined(&sent, DeclineCode::Limit);
}

#[tokio::test]
async fn a_vault_that_was_not_admitted_or_is_dismissed_is_not_believed() {
    let mut kept = Kept::new().await;
    let honest = std::mem::replace(&mut kept.key, SigningKey::generate());
    kept.refused(AS_IT_IS, DeclineCode::VaultUnknown).await;
    // Another vault's key under this one's name, though that vault is believed.
    let other = SigningKey::generate();
    kept.admit(&other, "other-keeper").await;
    kept.key = other;
    kept.refused(AS_IT_IS, DeclineCode::VaultUnknown).await;
    kept.key = honest;
    kept.step(|db_tx| Box::pin(Keeper::dismiss(db_tx, VAULT))).await.unwrap();
    kept.refused(AS_IT_IS, DeclineCode::VaultUnknown).await;
    assert!(matches!(kept.allow(VAULT).await, Err(BankError::NoKeeper)));
    let mut connection = kept.bench.front.db.reader().acquire().await.unwrap();
    let states: Vec<_> = Keeper::all(&mut connection).await.unwrap().iter().map(|keeper| keeper.state).collect();
    assert_eq!(states, [KeeperState::Dismissed, KeeperState::Admitted]);
}

#[tokio::test]
async fn a_vault_that_signs_for_a_card_nobody_enrolled_gets_nothing() {
    let mut kept = Kept::new().await;
    // Its holder never allowed it.
    let card = kept.bench.card().await.pan_reference;
    kept.step(move |db_tx| Box::pin(async move { forbid(db_tx, &card).await })).await.unwrap();
    kept.refused(AS_IT_IS, DeclineCode::NotPermitted).await;
    kept.allow(VAULT).await.unwrap();
    // The number is known, the card never was there: a cryptogram of a payment, of another amount, or of another card.
    let payment = enrolled(&mut kept.bench, usd(1_280), &place_hash(VAULT, &ENTRY));
    kept.card = payment;
    kept.refused(AS_IT_IS, DeclineCode::Cryptogram).await;
    let mut forged = enrolled(&mut kept.bench, usd(0), &place_hash(VAULT, &ENTRY)).to_bytes();
    // The last digit but one of the number, whose check digit no bank asks for here.
    forged[8 + 14] ^= 1;
    kept.card = KeptCard::from_bytes(&forged).unwrap();
    kept.refused(AS_IT_IS, DeclineCode::Cryptogram).await;
}

#[tokio::test]
async fn the_cryptogram_of_an_enrolment_pays_nothing_by_itself() {
    let mut kept = Kept::new().await;
    let order = kept.bench.order(usd(1_280));
    let sent = kept.bench.attempt_sealed(&order, |hash, to| {
        let card = KeptCard::from_bytes(&kept.card.to_bytes()).unwrap();
        let pin = envelope::Pin::from_ascii(b"1234").unwrap();
        envelope::inner::seal(to, hash.as_bytes(), card.card(), &pin, envelope::inner::PinKind::CardPin).unwrap()
    });
    kept.bench.pay(&sent).await.assert_declined(&sent, DeclineCode::Cryptogram);
}

#[tokio::test]
async fn a_card_that_may_not_be_used_may_not_be_used_by_alias_either() {
    let mut kept = Kept::new().await;
    let card = kept.bench.card().await;
    kept.step(move |db_tx| Box::pin(async move { card.set_status(db_tx, CardStatus::Blocked).await })).await.unwrap();
    kept.refused(AS_IT_IS, DeclineCode::CardBlocked).await;
}
