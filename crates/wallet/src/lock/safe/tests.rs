//! What opens after the power failed at any write, and what does not.

use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::config::KeyStoreKind;

const DEVICE: DeviceId = DeviceId::from_bytes([7; 16]);
const SECRET: [u8; 64] = [0x5a; 64];
const TILL: [u8; 80] = [0xa5; 80];

fn words(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

/// A folder with a device's keys, and a till's, in the clear.
struct Drawer {
    home: tempfile::TempDir,
    keys: KeyStore,
}

impl Drawer {
    async fn plain() -> Self {
        let home = tempfile::tempdir().unwrap();
        let keys = KeyStore::new(KeyStoreKind::File, home.path());
        keys.save(SecretName::Device(DEVICE), Zeroizing::new(SECRET.to_vec())).await.unwrap();
        keys.save(SecretName::Till(DEVICE), Zeroizing::new(TILL.to_vec())).await.unwrap();
        Self { home, keys }
    }

    async fn locked() -> Self {
        let drawer = Self::plain().await;
        drawer.safe().turn_on(words("first")).await.unwrap();
        drawer
    }

    fn safe(&self) -> Safe<'_> {
        Safe::new(&self.keys, DEVICE, Cost::LEAST)
    }

    fn fails_after(&self, writes: usize) {
        self.keys.writes_left.store(writes, Relaxed);
    }

    /// Whether a byte of any secret lies in the clear.
    fn is_wrapped(&self) -> bool {
        std::fs::read_dir(self.home.path()).unwrap().all(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            ![SECRET[0], TILL[0]].iter().any(|byte| bytes.windows(16).any(|part| part == [*byte; 16]))
        })
    }

    async fn opens_with(&self, passphrase: &str) -> bool {
        match self.safe().open(words(passphrase)).await {
            Ok(Opened { device, till, .. }) => {
                assert_eq!(device.as_slice(), SECRET);
                assert_eq!(till.unwrap().as_slice(), TILL);
                true
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::PassphraseWrong);
                false
            }
        }
    }
}

#[tokio::test]
async fn a_lock_leaves_nothing_in_the_clear_and_opens_with_its_passphrase_only() {
    let drawer = Drawer::plain().await;
    assert!(!drawer.is_wrapped() && !drawer.safe().is_locked().await.unwrap());
    drawer.safe().turn_on(words("first")).await.unwrap();
    assert!(drawer.is_wrapped() && drawer.safe().is_locked().await.unwrap());
    assert!(drawer.opens_with("first").await);
    assert!(!drawer.opens_with("First").await);
    let without = drawer.safe().load(None, SecretName::Device(DEVICE)).await;
    assert_eq!(without.err().map(|error| error.code()), Some(ErrorCode::Locked));
}

#[tokio::test]
async fn a_changed_passphrase_makes_an_old_copy_of_the_lock_worthless() {
    let drawer = Drawer::locked().await;
    let old = drawer.keys.load(SecretName::Lock(DEVICE)).await.unwrap().unwrap();
    drawer.safe().change(words("first"), words("second")).await.unwrap();
    assert!(!drawer.opens_with("first").await && drawer.opens_with("second").await);
    drawer.keys.replace(SecretName::Lock(DEVICE), old).await.unwrap();
    let opened = drawer.safe().open(words("first")).await;
    assert_eq!(opened.err().map(|error| error.code()), Some(ErrorCode::StoreFailed), "it opens nothing kept now");
}

#[tokio::test]
async fn turning_off_needs_the_passphrase_and_brings_everything_back() {
    let drawer = Drawer::locked().await;
    assert!(drawer.safe().turn_off(words("other")).await.is_err());
    assert!(drawer.is_wrapped() && drawer.safe().is_locked().await.unwrap());
    drawer.safe().turn_off(words("first")).await.unwrap();
    assert!(!drawer.safe().is_locked().await.unwrap());
    let device = drawer.safe().load(None, SecretName::Device(DEVICE)).await.unwrap().unwrap();
    assert_eq!(device.as_slice(), SECRET);
}

#[tokio::test]
async fn power_that_fails_at_any_write_of_turning_on_costs_nothing() {
    for writes in 0..4 {
        let drawer = Drawer::plain().await;
        drawer.fails_after(writes);
        let done = drawer.safe().turn_on(words("first")).await.is_ok();
        assert_eq!(done, writes == 3, "the lock, the device's keys, the till's");
        drawer.fails_after(usize::MAX);
        if writes == 0 {
            assert!(!drawer.safe().is_locked().await.unwrap(), "nothing happened");
            continue;
        }
        assert!(drawer.safe().is_locked().await.unwrap(), "{writes}");
        assert!(!drawer.opens_with("other").await, "{writes}");
        assert!(drawer.opens_with("first").await, "{writes}");
        assert!(drawer.is_wrapped(), "{writes}: opening finished what was begun");
    }
}

#[tokio::test]
async fn power_that_fails_at_any_write_of_changing_leaves_one_passphrase_that_opens_everything() {
    for writes in 0..4 {
        let drawer = Drawer::locked().await;
        drawer.fails_after(writes);
        let changed = drawer.safe().change(words("first"), words("second")).await.is_ok();
        assert_eq!(changed, writes == 3);
        drawer.fails_after(usize::MAX);
        let (right, wrong) = if writes == 0 { ("first", "second") } else { ("second", "first") };
        assert!(!drawer.opens_with(wrong).await, "{writes}");
        assert!(drawer.opens_with(right).await, "{writes}");
        assert!(drawer.is_wrapped(), "{writes}");
        // The key before is needed no more: a second change begins from a finished one.
        drawer.safe().change(words(right), words("third")).await.unwrap();
        assert!(drawer.opens_with("third").await, "{writes}");
    }
}

#[tokio::test]
async fn power_that_fails_at_any_write_of_turning_off_leaves_the_lock_on() {
    for writes in 0..4 {
        let drawer = Drawer::locked().await;
        drawer.fails_after(writes);
        let done = drawer.safe().turn_off(words("first")).await.is_ok();
        assert_eq!(done, writes == 3);
        drawer.fails_after(usize::MAX);
        assert_eq!(drawer.safe().is_locked().await.unwrap(), !done, "{writes}");
        if !done {
            assert!(drawer.opens_with("first").await, "{writes}");
            assert!(drawer.is_wrapped(), "{writes}: opening took back what was begun");
        }
    }
}

#[tokio::test]
async fn a_lock_of_another_device_does_not_open() {
    let drawer = Drawer::locked().await;
    let other = DeviceId::from_bytes([8; 16]);
    for (from, to) in
        [(SecretName::Lock(DEVICE), SecretName::Lock(other)), (SecretName::Device(DEVICE), SecretName::Device(other))]
    {
        let kept = drawer.keys.load(from).await.unwrap().unwrap();
        drawer.keys.save(to, kept).await.unwrap();
    }
    let opened = Safe::new(&drawer.keys, other, Cost::LEAST).open(words("first")).await;
    assert_eq!(opened.err().map(|error| error.code()), Some(ErrorCode::PassphraseWrong));
}

#[tokio::test]
async fn the_keys_of_bills_and_vouchers_go_behind_the_lock_come_back_and_are_erased_with_the_others() {
    let drawer = Drawer::plain().await;
    let names = [SecretName::Bills(DEVICE), SecretName::Vouchers(DEVICE)];
    for name in names {
        drawer.keys.save(name, Zeroizing::new(SECRET.to_vec())).await.unwrap();
    }
    drawer.safe().turn_on(words("first")).await.unwrap();
    assert!(drawer.is_wrapped());
    drawer.safe().change(words("first"), words("second")).await.unwrap();
    assert!(drawer.is_wrapped() && drawer.opens_with("second").await);
    drawer.safe().turn_off(words("second")).await.unwrap();
    for name in names {
        assert_eq!(drawer.safe().load(None, name).await.unwrap().unwrap().as_slice(), SECRET);
    }
    drawer.safe().erase().await.unwrap();
    assert_eq!(std::fs::read_dir(drawer.home.path()).unwrap().count(), 0);
}
