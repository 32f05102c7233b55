//! The key file, the epochs and the certificate.

use envelope::keyset::BankTrust;

use super::*;
use crate::bank_front::seed;
use crate::keys::BankEntry;

const NOW_MS: i64 = 1_795_000_000_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;

fn entry() -> BankEntry {
    "first".parse().unwrap()
}

fn bank() -> (tempfile::TempDir, Hsm) {
    let folder = tempfile::tempdir().unwrap();
    assert!(init(folder.path(), &entry(), seed::test_issuers().unwrap(), NOW_MS).unwrap());
    let hsm = Hsm::open(folder.path(), NOW_MS).unwrap();
    (folder, hsm)
}

fn certificate(hsm: &Hsm, now_ms: i64) -> BankCertificate {
    let trust = BankTrust { bank_id: "first".to_owned(), key: hsm.root.public().clone() };
    BankCertificate::verify(&hsm.certificate(now_ms).unwrap(), &[trust], now_ms, 0).unwrap()
}

#[test]
fn the_certificate_is_what_wallets_accept() {
    let (_folder, hsm) = bank();
    let certificate = certificate(&hsm, NOW_MS);
    assert!(certificate.covers("47613400") && certificate.covers("541333"));
    assert!(!certificate.covers("400000"));
    assert!(certificate.sealing_key_at(NOW_MS).is_some());
    assert_eq!(certificate.outcome_keys.len(), 1);
}

#[test]
fn keys_survive_a_restart_and_a_second_init() {
    let (folder, hsm) = bank();
    let before = certificate(&hsm, NOW_MS);
    assert!(!init(folder.path(), &entry(), Vec::new(), NOW_MS).unwrap());
    let again = Hsm::open(folder.path(), NOW_MS + HOUR_MS).unwrap();
    assert_eq!(certificate(&again, NOW_MS + HOUR_MS), before);
}

#[test]
fn epochs_overlap_and_old_ones_are_forgotten_on_disk_too() {
    let (folder, hsm) = bank();
    let first = certificate(&hsm, NOW_MS);
    let first_kid = first.sealing_keys[0].key.kid().to_owned();
    let half = NOW_MS + 13 * HOUR_MS;
    let second = certificate(&hsm, half);
    assert_eq!(second.sealing_keys.len(), 2);
    assert!(second.version > first.version);
    assert_ne!(second.sealing_key_at(half).unwrap().kid(), first_kid);
    assert!(hsm.epoch(&first_kid, half).is_some(), "capsules on their way still open");
    let over = NOW_MS + 25 * HOUR_MS;
    assert!(hsm.epoch(&first_kid, over).is_none());
    let third = certificate(&hsm, over);
    assert!(third.sealing_keys.iter().all(|dated| dated.key.kid() != first_kid));
    let stored = KeyFile::load(&folder.path().into()).unwrap().0;
    let kept: Vec<_> = stored.epochs.iter().map(|epoch| epoch.load().unwrap()).collect();
    assert!(kept.iter().all(|dated| dated.key.kid() != first_kid), "the secret is gone");
}

#[test]
fn rolling_forgets_every_key_at_once() {
    let (_folder, hsm) = bank();
    let before = certificate(&hsm, NOW_MS).sealing_keys[0].key.kid().to_owned();
    hsm.roll(NOW_MS + 1).unwrap();
    assert!(hsm.epoch(&before, NOW_MS + 1).is_none());
    assert_eq!(certificate(&hsm, NOW_MS + 1).sealing_keys.len(), 1);
}

#[test]
fn a_card_number_is_stored_as_a_reference_that_depends_on_the_key() {
    let (_folder, hsm) = bank();
    let (_other_folder, other) = bank();
    let pan = Pan::parse("4761340000000050").unwrap();
    let neighbour = Pan::parse("4761340000000051").unwrap();
    assert_eq!(hsm.reference(&pan), hsm.reference(&pan));
    assert_ne!(hsm.reference(&pan), hsm.reference(&neighbour));
    assert_ne!(hsm.reference(&pan), other.reference(&pan));
}

fn issuer(iin: &str, byte: u8) -> IssuerKey {
    IssuerKey::new(iin, &[byte; 16])
}

#[test]
fn a_new_issuer_is_durable_and_certified_and_a_known_one_keeps_its_key() {
    let (folder, hsm) = bank();
    let before = certificate(&hsm, NOW_MS);
    assert!(!before.covers("400000"));
    let two = vec![issuer("400000", 1), issuer("400000", 1), issuer("476134", 1)];
    assert!(matches!(add_issuers(folder.path(), two, NOW_MS), Err(BankError::IssuerKnown(iin)) if iin == "476134"));
    let test_cards = seed::test_issuers().unwrap().len();
    assert_eq!(Hsm::load(folder.path()).unwrap().issuers.len(), test_cards, "all or none");
    assert_eq!(add_issuers(folder.path(), vec![issuer("400000", 1), issuer("400000", 1)], NOW_MS).unwrap(), 1);
    assert_eq!(add_issuers(folder.path(), vec![issuer("400000", 1)], NOW_MS).unwrap(), 0);
    assert!(add_issuers(folder.path(), vec![issuer("400000", 2)], NOW_MS).is_err());
    let restarted = certificate(&Hsm::open(folder.path(), NOW_MS).unwrap(), NOW_MS);
    assert!(restarted.covers("400000") && restarted.covers("476134"));
    assert!(restarted.version > before.version);
}

#[test]
fn a_serving_bank_that_renews_its_epochs_keeps_issuers_added_meanwhile() {
    let (folder, hsm) = bank();
    add_issuers(folder.path(), vec![issuer("400000", 1)], NOW_MS).unwrap();
    let with_issuer = KeyFile::load(&folder.path().into()).unwrap().0.certificate_version;
    let renewed = certificate(&hsm, NOW_MS + 13 * HOUR_MS);
    assert!(renewed.version > with_issuer);
    let restarted = certificate(&Hsm::open(folder.path(), NOW_MS + 13 * HOUR_MS).unwrap(), NOW_MS + 13 * HOUR_MS);
    assert!(restarted.covers("400000"));
    assert_eq!(restarted.sealing_keys.len(), 2, "no epoch is lost");
}

#[test]
fn a_key_file_that_is_not_one_is_refused() {
    let (folder, _hsm) = bank();
    let keys = KeyFolder::from(folder.path());
    let (file, file_key) = KeyFile::load(&keys).unwrap();
    let good = serde_json::to_string(&file).unwrap();
    for (from, to) in [
        ("{", "{}"),
        ("\"pvv_key_index\":1", "\"pvv_key_index\":10"),
        ("\"iin\":\"476134\"", "\"iin\":\"4761\""),
        ("\"bank_name\"", "\"bank\""),
        // A key in another's place.
        ("\"kind\":\"pin_offset\"", "\"kind\":\"pin_verification\""),
        ("\"kind\":\"issuer_cryptogram\"", "\"kind\":\"card_verification\""),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        crate::bank_front::file::replace(&keys.key_file(), &file_key.seal(bad.as_bytes()).unwrap()).unwrap();
        assert!(Hsm::open(folder.path(), NOW_MS).is_err(), "{to}");
    }
}

#[test]
fn a_key_file_opens_with_its_passphrase_only_and_tells_nothing_without() {
    let (folder, hsm) = bank();
    let path = folder.path().join(FILE_NAME);
    let sealed = std::fs::read(&path).unwrap();
    for word in ["secret", "issuers", "476134", "First Bank"] {
        assert!(!sealed.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
    let passphrase = folder.path().join(PASSPHRASE_FILE_NAME);
    let right = std::fs::read(&passphrase).unwrap();
    crate::bank_front::file::replace(&passphrase, b"not the passphrase").unwrap();
    assert!(matches!(Hsm::load(folder.path()), Err(BankError::Passphrase)));
    assert!(matches!(add_issuers(folder.path(), Vec::new(), NOW_MS), Err(BankError::Passphrase)));
    // Whoever has it open needs the passphrase no more.
    hsm.roll(NOW_MS + 1).unwrap();
    crate::bank_front::file::replace(&passphrase, &right).unwrap();
    assert!(Hsm::open(folder.path(), NOW_MS + 1).is_ok());
}

#[test]
fn a_passphrase_is_changed_while_the_bank_serves() {
    let (folder, hsm) = bank();
    let before = certificate(&hsm, NOW_MS);
    let elsewhere = folder.path().join("new-passphrase");
    crate::bank_front::file::replace(&elsewhere, b"another passphrase\n").unwrap();
    change_passphrase(folder.path(), &elsewhere).unwrap();
    assert!(matches!(Hsm::load(folder.path()), Err(BankError::Passphrase)), "the old one");
    let keys = KeyFolder::from(folder.path()).with_passphrase_file(Some(&elsewhere));
    assert_eq!(certificate(&Hsm::open(keys, NOW_MS).unwrap(), NOW_MS), before);
    // The serving bank learns of it from its passphrase file, when it seals next.
    assert!(matches!(hsm.roll(NOW_MS + 1), Err(BankError::Passphrase)));
    std::fs::rename(&elsewhere, folder.path().join(PASSPHRASE_FILE_NAME)).unwrap();
    hsm.roll(NOW_MS + 1).unwrap();
    assert!(Hsm::open(folder.path(), NOW_MS + 1).is_ok());
}

#[test]
fn a_crash_while_the_key_file_is_sealed_leaves_the_old_one() {
    let (folder, hsm) = bank();
    let before = certificate(&hsm, NOW_MS);
    // What a crash leaves: a part of the new file beside the old one.
    let mut part = folder.path().join(FILE_NAME).into_os_string();
    part.push(".part");
    std::fs::write(&part, &std::fs::read(folder.path().join(FILE_NAME)).unwrap()[..40]).unwrap();
    let restarted = Hsm::open(folder.path(), NOW_MS).unwrap();
    assert_eq!(certificate(&restarted, NOW_MS), before);
    restarted.roll(NOW_MS + 1).unwrap();
    assert!(Hsm::open(folder.path(), NOW_MS + 1).is_ok());
    assert!(!std::path::Path::new(&part).exists());
}

#[test]
fn working_keys_are_durable_and_an_acquirer_is_added_once() {
    let shared = testing::Shared::new();
    let mac_key = testing::received(&shared.hsm, ZoneKeyKind::Mac);
    let mac = shared.hsm.mac("42", b"message").unwrap();
    assert!(shared.hsm.check_mac(testing::ACQUIRER, b"message", &mac));
    assert!(shared.hsm.mac("7", b"message").is_err() && !shared.hsm.check_mac("7", b"message", &mac));
    assert!(matches!(shared.hsm.new_zone_key("7", ZoneKeyKind::Mac), Err(BankError::NoZoneKey(_))));
    let again = ZoneSetup { acquirer: "0042", master: &mac_key };
    assert!(matches!(add_zone(shared.folder.path(), &again), Err(BankError::ZoneKnown(_))));
    // A key and another acquirer are added while the bank serves, and a renewal of the sealing keys keeps them.
    share_key(shared.folder.path(), testing::MODERN, &SharedKey::BaseAes(&[1; 16])).unwrap();
    add_zone(shared.folder.path(), &ZoneSetup { acquirer: "44", master: &mac_key }).unwrap();
    shared.hsm.roll(NOW_MS).unwrap();
    let restarted = Hsm::open(shared.folder.path(), NOW_MS).unwrap();
    assert_eq!(restarted.mac(testing::ACQUIRER, b"message").unwrap(), mac);
    assert!(restarted.new_zone_key("44", ZoneKeyKind::Pin).is_ok());
    assert!(restarted.zone(testing::MODERN).unwrap().base_aes.is_some());
}
