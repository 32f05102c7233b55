//! Keysets: forged, old, expired, inconsistent.

use envelope::jws::{TYP_BANK_CERTIFICATE, TYP_KEYSET, sign};
use envelope::keyset::{
    Dated, ISSUED_SKEW_MS_MAX, KEYSET_KEYS_MAX, Keyset, KeysetEntry, KeysetError, KeysetKey, MerchantProfile,
    TrustRoots, VaultProfile,
};
use envelope::{
    BankRoot, JwsError, KeyError, Merchant, OperatorRoot, PaymentServerSealingKeySecret, SigningKey,
    VaultSealingKeySecret, VerifyingKey,
};

const NOW_MS: i64 = 1_795_000_000_000;
const HOUR_MS: i64 = 3_600_000;

fn entry(key: KeysetKey) -> KeysetEntry {
    Dated { key, not_before_ms: NOW_MS - HOUR_MS, not_after_ms: NOW_MS + HOUR_MS }
}

fn profile() -> MerchantProfile {
    MerchantProfile {
        merchant_id: "tea-house".to_owned(),
        display_name: "山茶 Tea House".to_owned(),
        mcc: "5812".to_owned(),
        country: "CN".to_owned(),
        methods: Some(vec!["card".to_owned(), "voucher".to_owned()]),
    }
}

fn vault() -> VaultProfile {
    VaultProfile {
        vault_id: "card-vault".to_owned(),
        display_name: "Card Vault".to_owned(),
        url: "https://vault.example:8444".to_owned(),
        tls_ca_pem: "-----BEGIN CERTIFICATE-----".to_owned(),
    }
}

fn merchant(profile: MerchantProfile) -> KeysetKey {
    KeysetKey::Merchant { key: SigningKey::<Merchant>::generate().public().clone(), profile }
}

fn payment_server() -> KeysetKey {
    KeysetKey::PaymentServer(PaymentServerSealingKeySecret::generate().public().clone())
}

fn keyset() -> Keyset {
    Keyset {
        version: 7,
        issued_ms: NOW_MS - HOUR_MS,
        expires_ms: NOW_MS + HOUR_MS,
        keys: vec![
            entry(payment_server()),
            entry(KeysetKey::Vault { key: VaultSealingKeySecret::generate().public().clone(), profile: vault() }),
            entry(merchant(profile())),
        ],
    }
}

/// What a wallet that pins the right root says to a keyset that was changed before it was signed.
fn check(change: impl FnOnce(&mut Keyset)) -> Result<Keyset, KeysetError> {
    let root = SigningKey::<OperatorRoot>::generate();
    let mut keyset = keyset();
    change(&mut keyset);
    Keyset::verify(&keyset.sign(&root), &[root.public().clone()], NOW_MS, 7)
}

#[test]
fn the_unchanged_one_is_accepted_and_comes_back() {
    let root = SigningKey::<OperatorRoot>::generate();
    let other = SigningKey::<OperatorRoot>::generate();
    let keyset = keyset();
    let roots = [other.public().clone(), root.public().clone()];
    assert_eq!(Keyset::verify(&keyset.sign(&root), &roots, NOW_MS, 7), Ok(keyset));
}

#[test]
fn a_forged_root() {
    let root = SigningKey::<OperatorRoot>::generate();
    let forger = SigningKey::<OperatorRoot>::generate();
    let roots = [root.public().clone()];
    let forged = keyset().sign(&forger);
    assert_eq!(Keyset::verify(&forged, &roots, NOW_MS, 0), Err(KeysetError::UnknownRoot));
    assert_eq!(Keyset::verify(&forged, &[], NOW_MS, 0), Err(KeysetError::UnknownRoot));
    // The right header and payload, the forger's signature.
    let right = keyset().sign(&root);
    let (signed, _) = right.rsplit_once('.').unwrap();
    let (_, signature) = forged.rsplit_once('.').unwrap();
    assert_eq!(
        Keyset::verify(&format!("{signed}.{signature}"), &roots, NOW_MS, 0),
        Err(KeysetError::Jws(JwsError::Signature))
    );
}

#[test]
fn a_bank_root_or_a_merchant_does_not_sign_keysets() {
    let root = SigningKey::<OperatorRoot>::generate();
    let roots = [root.public().clone()];
    let jws = keyset().sign(&root);
    let payload = envelope::jws::peek_payload_unverified(&jws).unwrap();
    let bank = SigningKey::<BankRoot>::from_bytes(root.expose_bytes());
    let merchant = SigningKey::<Merchant>::from_bytes(root.expose_bytes());
    for forged in [sign(&bank, TYP_KEYSET, &payload), sign(&merchant, TYP_KEYSET, &payload)] {
        assert_eq!(Keyset::verify(&forged, &roots, NOW_MS, 0), Err(KeysetError::UnknownRoot));
    }
    let other_typ = sign(&root, TYP_BANK_CERTIFICATE, &payload);
    assert_eq!(Keyset::verify(&other_typ, &roots, NOW_MS, 0), Err(KeysetError::Jws(JwsError::WrongType)));
}

#[test]
fn a_version_below_the_floor() {
    let found = |found| Err(KeysetError::VersionBelowFloor { found, floor: 7 });
    assert_eq!(check(|keyset| keyset.version = 6), found(6));
    assert_eq!(check(|keyset| keyset.version = 0), found(0));
    assert!(check(|keyset| keyset.version = 7).is_ok());
    assert!(check(|keyset| keyset.version = 8).is_ok());
}

#[test]
fn expired_or_not_valid_yet() {
    assert_eq!(check(|keyset| keyset.expires_ms = NOW_MS), Err(KeysetError::Expired));
    assert!(check(|keyset| keyset.expires_ms = NOW_MS + 1).is_ok());
    assert_eq!(check(|keyset| keyset.issued_ms = NOW_MS + ISSUED_SKEW_MS_MAX + 1), Err(KeysetError::NotYetValid));
    assert!(check(|keyset| keyset.issued_ms = NOW_MS + ISSUED_SKEW_MS_MAX).is_ok());
    assert!(matches!(check(|keyset| keyset.expires_ms = keyset.issued_ms), Err(KeysetError::Malformed(_))));
    assert!(matches!(check(|keyset| keyset.issued_ms = -1), Err(KeysetError::Malformed(_))));
}

#[test]
fn a_receipt_is_judged_at_its_own_time() {
    let root = SigningKey::<OperatorRoot>::generate();
    let roots = [root.public().clone()];
    let jws = keyset().sign(&root);
    let later_ms = NOW_MS + 365 * 24 * HOUR_MS;
    assert_eq!(Keyset::verify(&jws, &roots, later_ms, 0), Err(KeysetError::Expired));
    assert!(Keyset::verify_at(&jws, &roots, NOW_MS).is_ok());
    assert_eq!(Keyset::verify_at(&jws, &roots, later_ms), Err(KeysetError::Expired));
    assert_eq!(Keyset::verify_at(&jws, &[], NOW_MS), Err(KeysetError::UnknownRoot));
}

#[test]
fn a_key_identifier_that_occurs_twice() {
    assert_eq!(check(|keyset| keyset.keys.push(keyset.keys[0].clone())), Err(KeysetError::DuplicateKid));
    assert_eq!(
        check(|keyset| {
            // The same merchant key for two merchants.
            let mut second = keyset.keys[2].clone();
            if let KeysetKey::Merchant { profile, .. } = &mut second.key {
                profile.merchant_id = "other".to_owned();
            }
            keyset.keys.push(second);
        }),
        Err(KeysetError::DuplicateKid)
    );
}

#[test]
fn malformed_merchants() {
    let cases: [fn(&mut MerchantProfile); 18] = [
        |profile| profile.merchant_id.clear(),
        |profile| profile.merchant_id = "x".repeat(65),
        |profile| profile.merchant_id = "tea house".to_owned(),
        |profile| profile.display_name.clear(),
        |profile| profile.display_name = "x".repeat(65),
        |profile| profile.display_name = " Tea".to_owned(),
        |profile| profile.display_name = "Tea\nHouse".to_owned(),
        // Text that would be shown in another order, and text that would not be seen.
        |profile| profile.display_name = "Tea\u{202E}esuoH".to_owned(),
        |profile| profile.display_name = "Tea\u{200B}House".to_owned(),
        |profile| profile.mcc = "581".to_owned(),
        |profile| profile.mcc = "58a2".to_owned(),
        |profile| profile.country = "cn".to_owned(),
        |profile| profile.country = "CHN".to_owned(),
        |profile| profile.country.clear(),
        |profile| profile.methods = Some(Vec::new()),
        |profile| profile.methods = Some(vec!["voucher".to_owned(), "card".to_owned()]),
        |profile| profile.methods = Some(vec!["card".to_owned(), "card".to_owned()]),
        |profile| profile.methods = Some(vec!["Card".to_owned()]),
    ];
    for (index, change) in cases.into_iter().enumerate() {
        let mut profile = profile();
        change(&mut profile);
        assert!(
            matches!(check(|keyset| keyset.keys.push(entry(merchant(profile)))), Err(KeysetError::Malformed(_))),
            "{index}"
        );
    }
    let renamed = MerchantProfile { display_name: "Tea Horse".to_owned(), ..profile() };
    assert_eq!(
        check(|keyset| keyset.keys.push(entry(merchant(renamed)))),
        Err(KeysetError::Malformed("two profiles of one merchant"))
    );
    assert!(check(|keyset| keyset.keys.push(entry(merchant(profile())))).is_ok());
}

#[test]
fn a_key_with_an_empty_period() {
    assert!(matches!(
        check(|keyset| keyset.keys[0].not_after_ms = keyset.keys[0].not_before_ms),
        Err(KeysetError::Malformed(_))
    ));
}

#[test]
fn too_many_keys() {
    let key = payment_server();
    assert_eq!(
        check(|keyset| keyset.keys = vec![entry(key); KEYSET_KEYS_MAX + 1]),
        Err(KeysetError::Malformed("the number of keys"))
    );
}

/// What a wallet says to a payload that the root signed but that we would not write.
fn check_json(change: impl FnOnce(&mut serde_json::Value)) -> Result<Keyset, KeysetError> {
    let root = SigningKey::<OperatorRoot>::generate();
    let payload = envelope::jws::peek_payload_unverified(&keyset().sign(&root)).expect("a payload");
    let mut json: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
    change(&mut json);
    let jws = sign(&root, TYP_KEYSET, json.to_string().as_bytes());
    Keyset::verify(&jws, &[root.public().clone()], NOW_MS, 0)
}

#[test]
fn entries_whose_role_use_curve_or_kid_disagree() {
    assert!(check_json(|_| ()).is_ok());
    let wrong_role = Err(KeysetError::Key(KeyError::WrongRole));
    for (place, member, value) in [
        (0, "use", "sig"),
        (0, "crv", "Ed25519"),
        (0, "kty", "RSA"),
        (0, "role", "vault"),
        (1, "role", "payment_server"),
        (2, "use", "enc"),
        (2, "crv", "X25519"),
        (2, "role", "payment_server"),
        (2, "kid", "merchant.AAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        assert_eq!(
            check_json(|json| json["keys"][place][member] = value.into()),
            wrong_role,
            "{place} {member} {value}"
        );
    }
    // Another key under the old identifier.
    let other = PaymentServerSealingKeySecret::generate().public().to_base64url();
    assert_eq!(check_json(|json| json["keys"][0]["x"] = other.into()), wrong_role);
    for x in ["", "AAAA", "not base64!", &"A".repeat(44)] {
        assert_eq!(
            check_json(|json| json["keys"][0]["x"] = x.into()),
            Err(KeysetError::Key(KeyError::Encoding)),
            "{x}"
        );
    }
}

#[test]
fn a_vault_that_nobody_could_reach_or_trust() {
    let of = |change: fn(&mut VaultProfile)| {
        check(|keyset| {
            if let KeysetKey::Vault { profile, .. } = &mut keyset.keys[1].key {
                change(profile);
            }
        })
    };
    assert!(of(|_| ()).is_ok());
    let changes: [fn(&mut VaultProfile); 8] = [
        |vault| vault.vault_id = String::new(),
        |vault| vault.vault_id = "Card Vault".to_owned(),
        |vault| vault.display_name = String::new(),
        |vault| vault.url = "http://vault.example".to_owned(),
        |vault| vault.url = "https://".to_owned(),
        |vault| vault.url = "https://vault.example/path".to_owned(),
        |vault| vault.tls_ca_pem = String::new(),
        |vault| vault.tls_ca_pem = "x".repeat(9_000),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert!(matches!(of(change), Err(KeysetError::Malformed(_))), "{number}");
    }
    let unnamed = check_json(|json| drop(json["keys"][1].as_object_mut().unwrap().remove("url")));
    assert!(matches!(unnamed, Err(KeysetError::Malformed(_))));
}

#[test]
fn json_of_another_shape() {
    for change in [
        (|json| json["version"] = "7".into()) as fn(&mut serde_json::Value),
        |json| json["version"] = (-1).into(),
        |json| json["keys"] = serde_json::Value::Null,
        |json| json["keys"][2]["role"] = "root".into(),
        |json| json["issued_ms"] = 1.5.into(),
        |json| *json = serde_json::Value::Array(Vec::new()),
        |json| drop(json["keys"][2].as_object_mut().unwrap().remove("mcc")),
        |json| drop(json.as_object_mut().unwrap().remove("expires_ms")),
    ] {
        assert!(matches!(check_json(change), Err(KeysetError::Malformed(_))));
    }
}

#[test]
fn lookups_answer_only_for_valid_keys() {
    let mut keyset = keyset();
    let newer = Dated { not_before_ms: NOW_MS - 1, ..entry(payment_server()) };
    let future = Dated { not_before_ms: NOW_MS + 1, ..entry(payment_server()) };
    keyset.keys.extend([newer.clone(), future]);
    let KeysetKey::PaymentServer(newest) = &newer.key else { unreachable!("made above") };
    assert_eq!(keyset.payment_server_sealing_key(NOW_MS), Some(newest));
    assert_eq!(keyset.payment_server_sealing_key(NOW_MS + HOUR_MS), None);
    assert_eq!(keyset.payment_server_sealing_key(NOW_MS - 2 * HOUR_MS), None);
    assert_eq!(keyset.vault(Some("card-vault"), NOW_MS).map(|(_, found)| found), Some(&vault()));
    assert_eq!(keyset.vault(Some("other-vault"), NOW_MS), None);
    assert_eq!(keyset.vault(None, NOW_MS + HOUR_MS), None);
    let of = |vault_id: &str| {
        let profile = VaultProfile { vault_id: vault_id.to_owned(), ..vault() };
        let key = VaultSealingKeySecret::generate().public().clone();
        Dated { not_before_ms: NOW_MS, ..entry(KeysetKey::Vault { key, profile }) }
    };
    let (newer, other) = (of("card-vault"), of("other-vault"));
    keyset.keys.push(newer.clone());
    assert_eq!(keyset.vault(None, NOW_MS).map(|(key, _)| key.kid()), Some(newer.key.kid()));
    keyset.keys.push(other);
    assert_eq!(keyset.vault(None, NOW_MS), None, "nobody guesses between two");
    assert_eq!(keyset.vault(Some("card-vault"), NOW_MS).map(|(key, _)| key.kid()), Some(newer.key.kid()));

    let kid = keyset.keys[2].key.kid().to_owned();
    let (key, found) = keyset.merchant_key(&kid, NOW_MS).unwrap();
    assert_eq!((key.kid(), found), (kid.as_str(), &profile()));
    assert!(keyset.merchant_key(&kid, NOW_MS + HOUR_MS).is_none());
    assert!(keyset.merchant_key(&kid, NOW_MS - HOUR_MS - 1).is_none());
    let server_kid = keyset.keys[0].key.kid().to_owned();
    assert!(keyset.merchant_key(&server_kid, NOW_MS).is_none());
    assert_eq!(keyset.merchant("tea-house"), Some(&profile()));
    assert_eq!(keyset.merchant("tea-house "), None);
}

#[test]
fn a_trust_file_of_another_shape() {
    let roots = TrustRoots {
        operator: vec![SigningKey::<OperatorRoot>::generate().public().clone()],
        banks: vec![envelope::keyset::BankTrust {
            bank_id: "bank".to_owned(),
            key: SigningKey::<BankRoot>::generate().public().clone(),
        }],
    };
    let json = roots.to_json();
    assert_eq!(TrustRoots::from_json(&json).as_ref(), Ok(&roots));
    let fingerprints = roots.fingerprints();
    assert_eq!(fingerprints[0], ("operator", roots.operator[0].fingerprint()));
    assert_eq!(fingerprints[1], ("bank", roots.banks[0].key.fingerprint()));

    let kid = roots.operator[0].kid();
    let bank: VerifyingKey<BankRoot> = SigningKey::generate().public().clone();
    for wrong in [
        json.replace(kid, roots.banks[0].key.kid()),
        json.replace(&roots.operator[0].to_base64url(), &bank.to_base64url()),
        json.replace("\"sig\"", "\"enc\""),
        json.replace("\"operator\"", "\"operators\""),
        json[..json.len() - 1].to_owned(),
        String::new(),
    ] {
        assert_eq!(TrustRoots::from_json(&wrong), Err(KeysetError::Malformed("the trust file")));
    }
}
