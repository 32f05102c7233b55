//! Bank certificates: another bank's root, old, expired, too long-lived, and card ranges.

use envelope::jws::{TYP_BANK_CERTIFICATE, TYP_KEYSET, peek_payload_unverified, sign};
use envelope::keyset::{BANK_EPOCH_MS_MAX, BankCertificate, BankTrust, Dated, FrontKind, IinRange, KeysetError};
use envelope::{BankOutcome, BankRoot, BankSealingKeySecret, JwsError, OperatorRoot, SigningKey};

const NOW_MS: i64 = 1_795_000_000_000;
const HOUR_MS: i64 = 3_600_000;

fn range(from: &str, to: &str) -> IinRange {
    IinRange { from: from.to_owned(), to: to.to_owned() }
}

fn epoch(not_before_ms: i64) -> Dated<envelope::BankSealingKey> {
    Dated {
        key: BankSealingKeySecret::generate().public().clone(),
        not_before_ms,
        not_after_ms: not_before_ms + BANK_EPOCH_MS_MAX,
    }
}

fn certificate() -> BankCertificate {
    BankCertificate {
        bank_id: "river-bank".to_owned(),
        bank_name: "River Bank".to_owned(),
        kind: FrontKind::Bank,
        version: 3,
        issued_ms: NOW_MS - HOUR_MS,
        expires_ms: NOW_MS + 24 * HOUR_MS,
        iin_ranges: vec![range("476134", "476135"), range("51234500", "51234549")],
        sealing_keys: vec![epoch(NOW_MS - 20 * HOUR_MS), epoch(NOW_MS - HOUR_MS)],
        outcome_keys: vec![Dated {
            key: SigningKey::<BankOutcome>::generate().public().clone(),
            not_before_ms: NOW_MS - HOUR_MS,
            not_after_ms: NOW_MS + HOUR_MS,
        }],
    }
}

fn trust(bank_id: &str, root: &SigningKey<BankRoot>) -> BankTrust {
    BankTrust { bank_id: bank_id.to_owned(), key: root.public().clone() }
}

/// What a wallet that pins the right root says to a certificate that was changed before it was signed.
fn check(change: impl FnOnce(&mut BankCertificate)) -> Result<BankCertificate, KeysetError> {
    let root = SigningKey::<BankRoot>::generate();
    let mut certificate = certificate();
    change(&mut certificate);
    let roots = [trust("river-bank", &root)];
    BankCertificate::verify(&certificate.sign(&root), &roots, NOW_MS, 3)
}

#[test]
fn the_unchanged_one_is_accepted_and_comes_back() {
    let root = SigningKey::<BankRoot>::generate();
    let certificate = certificate();
    let roots = [trust("river-bank", &root)];
    assert_eq!(BankCertificate::verify(&certificate.sign(&root), &roots, NOW_MS, 3), Ok(certificate));
}

#[test]
fn another_banks_root() {
    let (river, hill) = (SigningKey::<BankRoot>::generate(), SigningKey::<BankRoot>::generate());
    let roots = [trust("river-bank", &river), trust("hill-bank", &hill)];
    let jws = certificate().sign(&hill);
    assert_eq!(BankCertificate::verify(&jws, &roots, NOW_MS, 0), Err(KeysetError::WrongBank));
    assert_eq!(BankCertificate::verify_at(&jws, &roots, NOW_MS), Err(KeysetError::WrongBank));
    assert_eq!(BankCertificate::verify(&jws, &roots[..1], NOW_MS, 0), Err(KeysetError::UnknownRoot));
}

#[test]
fn the_operators_root_does_not_certify_banks() {
    let root = SigningKey::<BankRoot>::generate();
    let roots = [trust("river-bank", &root)];
    let payload = peek_payload_unverified(&certificate().sign(&root)).unwrap();
    let operator = SigningKey::<OperatorRoot>::from_bytes(root.expose_bytes());
    let forged = sign(&operator, TYP_BANK_CERTIFICATE, &payload);
    assert_eq!(BankCertificate::verify(&forged, &roots, NOW_MS, 0), Err(KeysetError::UnknownRoot));
    let other_typ = sign(&root, TYP_KEYSET, &payload);
    assert_eq!(BankCertificate::verify(&other_typ, &roots, NOW_MS, 0), Err(KeysetError::Jws(JwsError::WrongType)));
}

#[test]
fn old_expired_or_early() {
    assert_eq!(
        check(|certificate| certificate.version = 2),
        Err(KeysetError::VersionBelowFloor { found: 2, floor: 3 })
    );
    assert_eq!(check(|certificate| certificate.expires_ms = NOW_MS), Err(KeysetError::Expired));
    assert_eq!(check(|certificate| certificate.issued_ms = NOW_MS + HOUR_MS), Err(KeysetError::NotYetValid));
}

#[test]
fn a_sealing_key_of_more_than_a_day() {
    assert_eq!(
        check(|certificate| certificate.sealing_keys[0].not_after_ms += 1),
        Err(KeysetError::Malformed("a sealing key of more than 24 hours"))
    );
}

#[test]
fn periods_that_would_overflow() {
    for (from_ms, until_ms) in [(i64::MIN, i64::MAX), (0, i64::MAX), (i64::MAX, i64::MIN), (5, 5)] {
        assert!(matches!(
            check(|certificate| {
                certificate.sealing_keys[0].not_before_ms = from_ms;
                certificate.sealing_keys[0].not_after_ms = until_ms;
            }),
            Err(KeysetError::Malformed(_))
        ));
    }
}

#[test]
fn a_key_that_occurs_twice() {
    assert_eq!(
        check(|certificate| certificate.sealing_keys.push(certificate.sealing_keys[0].clone())),
        Err(KeysetError::DuplicateKid)
    );
    assert_eq!(
        check(|certificate| certificate.outcome_keys.push(certificate.outcome_keys[0].clone())),
        Err(KeysetError::DuplicateKid)
    );
}

#[test]
fn a_key_of_another_role() {
    let root = SigningKey::<BankRoot>::generate();
    let payload = peek_payload_unverified(&certificate().sign(&root)).unwrap();
    let server = envelope::PaymentServerSealingKeySecret::generate();
    let merchant = SigningKey::<envelope::Merchant>::generate();
    for (member, jwk) in [
        ("sealing_keys", server.public().to_jwk()),
        ("sealing_keys", merchant.public().to_jwk()),
        ("outcome_keys", merchant.public().to_jwk()),
        ("outcome_keys", server.public().to_jwk()),
    ] {
        let mut json: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        json[member][0]["key"] = serde_json::to_value(jwk).unwrap();
        let jws = sign(&root, TYP_BANK_CERTIFICATE, json.to_string().as_bytes());
        assert_eq!(
            BankCertificate::verify(&jws, &[trust("river-bank", &root)], NOW_MS, 0),
            Err(KeysetError::Malformed("the JSON")),
            "{member}"
        );
    }
}

#[test]
fn malformed_ranges_and_names() {
    for wrong in [
        range("47613", "47614"),
        range("476135", "476134"),
        range("476134", "47613499"),
        range("47613a", "47613b"),
        range("", ""),
        range("476134000", "476134999"),
    ] {
        assert_eq!(
            check(|certificate| certificate.iin_ranges.push(wrong)),
            Err(KeysetError::Malformed("a card range"))
        );
    }
    assert!(matches!(
        check(|certificate| certificate.bank_name = "River\u{202E}Bank".to_owned()),
        Err(KeysetError::Malformed("the bank's name"))
    ));
    let too_many = vec![range("476134", "476134"); 1001];
    assert!(matches!(
        check(|certificate| certificate.iin_ranges = too_many),
        Err(KeysetError::Malformed("the number of card ranges"))
    ));
}

#[test]
fn cards_in_and_out_of_the_ranges() {
    let certificate = certificate();
    for inside in ["476134", "476135", "47613400", "47613599", "51234500", "51234549", "5123454"] {
        // The last has seven digits and stands for …40 to …49.
        assert!(certificate.covers(inside), "{inside}");
    }
    for outside in [
        "476133",
        "476136",
        "47613399",
        "47613600",
        "51234550",
        "512345",
        "5123455",
        "",
        "47613",
        "476134000",
        "47613x",
    ] {
        assert!(!certificate.covers(outside), "{outside}");
    }
}

#[test]
fn lookups_answer_only_for_valid_keys() {
    let certificate = certificate();
    let newest = &certificate.sealing_keys[1];
    assert_eq!(certificate.sealing_key_at(NOW_MS), Some(&newest.key));
    assert_eq!(certificate.sealing_key_at(NOW_MS - 2 * HOUR_MS), Some(&certificate.sealing_keys[0].key));
    assert_eq!(certificate.sealing_key_at(newest.not_after_ms), None);
    assert_eq!(certificate.sealing_key_at(0), None);
    let outcome = &certificate.outcome_keys[0];
    let kid = outcome.key.kid();
    assert_eq!(certificate.outcome_key(kid, NOW_MS), Some(&outcome.key));
    assert_eq!(certificate.outcome_key(kid, outcome.not_after_ms), None);
    assert_eq!(certificate.outcome_key(newest.key.kid(), NOW_MS), None);
}

#[test]
fn a_receipt_is_judged_at_its_own_time() {
    let root = SigningKey::<BankRoot>::generate();
    let roots = [trust("river-bank", &root)];
    let jws = certificate().sign(&root);
    let later_ms = NOW_MS + 365 * 24 * HOUR_MS;
    assert_eq!(BankCertificate::verify(&jws, &roots, later_ms, 0), Err(KeysetError::Expired));
    assert!(BankCertificate::verify_at(&jws, &roots, NOW_MS).is_ok());
}
