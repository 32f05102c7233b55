//! Calls that come back, and everything that must not open as one.

use super::*;
use crate::kept_card::testing::card;
use crate::secret::SecretBytes;

const VAULT: &str = "card-vault";

fn call(deed: Deed) -> Call {
    let secret = |text: &str| SecretBytes::copy_of(text.as_bytes());
    Call { name: "王小明".to_owned(), password: secret("correct horse"), code: secret("12345678"), deed }
}

fn new_card() -> Box<NewCard> {
    let label = "everyday".to_owned();
    Box::new(NewCard { entry_id: [4; 16], label, limit_minor: 10_000, limit_currency: *b"USD", card: card() })
}

fn wish() -> ReleaseWish {
    ReleaseWish {
        place: 2,
        order_hash: [1; 32],
        attempt_id: [2; 16],
        wallet_nonce: [3; 32],
        amount_minor: 1_280,
        currency: *b"USD",
    }
}

fn deeds() -> Vec<Deed> {
    vec![
        Deed::Enrol { factor: FactorSecret::draw(), card: new_card() },
        Deed::Show,
        Deed::Release(wish()),
        Deed::AddCard(new_card()),
        Deed::RemoveCard { place: 1 },
        Deed::SetLimit { place: 1, limit_minor: 5_000, currency: *b"EUR" },
        Deed::RemoveAlias,
        Deed::SetPassword(SecretBytes::copy_of(b"another horse")),
        Deed::SetFactor { factor: FactorSecret::draw(), code: SecretBytes::copy_of(b"87654321") },
    ]
}

#[test]
fn every_call_comes_back_and_all_are_of_one_size() {
    let vault = VaultSealingKeySecret::generate();
    let mut sizes = Vec::new();
    for deed in deeds() {
        let kind = std::mem::discriminant(&deed);
        let (capsule, wallets) = seal(vault.public(), VAULT, &call(deed)).unwrap();
        sizes.push(capsule.to_bytes().len());
        let (opened, vaults) = open(&vault, VAULT, &capsule).unwrap();
        assert_eq!((opened.name.as_str(), opened.password.expose()), ("王小明", b"correct horse".as_slice()));
        assert_eq!(std::mem::discriminant(&opened.deed), kind);
        match opened.deed {
            Deed::Release(found) => assert_eq!(found, wish()),
            Deed::Enrol { card, .. } | Deed::AddCard(card) => {
                assert_eq!((card.label.as_str(), card.limit_minor), ("everyday", 10_000));
                assert_eq!(card.card.card().pan.last_four(), "0050");
            }
            _ => {}
        }
        let answer = vaults.seal(b"done").unwrap();
        assert_eq!(wallets.open(&answer).unwrap().as_slice(), b"done");
        assert_eq!(answer.len(), vaults.seal(b"").unwrap().len());
    }
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
}

#[test]
fn a_call_opens_for_its_vault_only_and_is_answered_by_it_only() {
    let vault = VaultSealingKeySecret::generate();
    let (capsule, key) = seal(vault.public(), VAULT, &call(Deed::Show)).unwrap();
    assert!(open(&vault, "other-vault", &capsule).is_err());
    assert!(matches!(open(&VaultSealingKeySecret::generate(), VAULT, &capsule), Err(OpenError::UnknownKid)));
    for at in (0..capsule.ciphertext.len()).step_by(97) {
        let mut changed = capsule.clone();
        changed.ciphertext[at] ^= 1;
        assert!(open(&vault, VAULT, &changed).is_err(), "byte {at}");
    }
    let (other, _) = seal(vault.public(), VAULT, &call(Deed::Show)).unwrap();
    let (_, others) = open(&vault, VAULT, &other).unwrap();
    assert!(key.open(&others.seal(b"done").unwrap()).is_err(), "the answer to another call");
    assert!(key.open(b"done").is_err());
}

#[test]
fn what_is_no_call_is_not_sealed() {
    let vault = VaultSealingKeySecret::generate();
    let refused = |change: fn(&mut Call)| {
        let mut call = call(Deed::Show);
        change(&mut call);
        seal(vault.public(), VAULT, &call).is_err()
    };
    assert!(!refused(|_| ()));
    assert!(refused(|call| call.name = String::new()));
    assert!(refused(|call| call.name = "x".repeat(NAME_LEN_MAX + 1)));
    assert!(refused(|call| call.password = SecretBytes::copy_of(b"")));
    assert!(refused(|call| call.code = SecretBytes::copy_of(b"1234567")));
    assert!(refused(|call| call.code = SecretBytes::copy_of(b"1234567x")));
    assert!(refused(|call| call.deed = Deed::Release(ReleaseWish { currency: *b"usd", ..wish() })));
}

#[test]
fn the_longest_call_fits() {
    let vault = VaultSealingKeySecret::generate();
    let mut card = new_card();
    card.label = "x".repeat(LABEL_LEN_MAX);
    let mut longest = call(Deed::Enrol { factor: FactorSecret::draw(), card });
    longest.name = "x".repeat(NAME_LEN_MAX);
    longest.password = SecretBytes::copy_of(&[b'x'; 256]);
    assert!(seal(vault.public(), VAULT, &longest).is_ok());
}
