//! Folders that are made, completed and left alone.

use super::*;

fn options(dir: &Path) -> InitOptions {
    InitOptions {
        dir: dir.to_owned(),
        hosts: vec!["127.0.0.1".into(), "localhost".into()],
        merchants: vec!["blue-door:Blue Door Café:5814:US:USD".parse().unwrap()],
        banks: vec!["first".parse().unwrap()],
        operators: Vec::new(),
        public_url: "https://127.0.0.1:8443/".into(),
        json: false,
    }
}

#[test]
fn a_complete_folder_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    assert!(init(&options(folder.path())).unwrap());
    let before = std::fs::read(folder.path().join("payment-server/sealing.json")).unwrap();
    assert!(!init(&options(folder.path())).unwrap());
    assert_eq!(std::fs::read(folder.path().join("payment-server/sealing.json")).unwrap(), before);
    let mut other = options(folder.path());
    other.merchants.push("red-door:Red Door:5814:US:USD".parse().unwrap());
    assert!(matches!(init(&other), Err(KeysError::Complete(_))));
}

#[test]
fn a_complete_folder_takes_another_bank_and_trusts_its_root() {
    let dir = tempfile::tempdir().unwrap();
    init(&options(dir.path())).unwrap();
    let folder = DataFolder::new(dir.path());
    let before: TrustFile = read_json(&folder.trust()).unwrap();
    let mut more = options(dir.path());
    more.banks.push("second".parse().unwrap());
    assert!(init(&more).unwrap());
    assert!(!init(&more).unwrap(), "it has both now");
    assert!(!init(&options(dir.path())).unwrap(), "naming fewer banks takes none away");
    let trust: TrustFile = read_json(&folder.trust()).unwrap();
    assert_eq!(folder.banks().unwrap(), ["first".parse().unwrap(), "second".parse().unwrap()]);
    assert_eq!(trust.roots.banks[0], before.roots.banks[0]);
    assert_eq!((trust.server_url, trust.tls_ca_pem), (before.server_url, before.tls_ca_pem));
    let home = folder.bank_home(&"second".parse().unwrap());
    let root: SigningKey<BankRoot> = signing_key(&home.file("root.key")).unwrap();
    assert_eq!(&trust.roots.banks[1].key, root.public());
    let first = read_text(&folder.bank_home(&BankId::first()).file("merchants.json")).unwrap();
    assert_eq!(read_text(&home.file("merchants.json")).unwrap(), first);
    assert!(home.tls_identity().certificate.exists() && home.dir().ends_with("banks/second"));
}

#[test]
fn an_operator_is_a_front_of_its_own_and_no_bank() {
    let dir = tempfile::tempdir().unwrap();
    let mut with_operator = options(dir.path());
    with_operator.operators.push("north:North Telecom".parse().unwrap());
    assert!(init(&with_operator).unwrap() && !init(&with_operator).unwrap());
    let folder = DataFolder::new(dir.path());
    let north = "north".parse().unwrap();
    assert_eq!(folder.banks().unwrap(), [BankId::first()]);
    assert_eq!(folder.operators().unwrap(), [BankId::clone(&north)]);
    let home = folder.operator_home(&north);
    assert!(home.tls_identity().certificate.exists() && home.file("merchants.json").exists());
    let mut clash = options(dir.path());
    clash.banks.push("north".parse().unwrap());
    assert!(matches!(init(&clash), Err(KeysError::FrontTaken(_))));
}

#[test]
fn the_keyset_verifies_under_the_trust_file_and_secrets_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    init(&options(dir.path())).unwrap();
    let folder = DataFolder::new(dir.path());
    let trust: TrustFile = read_json(&folder.trust()).unwrap();
    assert_eq!(trust.server_url, "https://127.0.0.1:8443");
    let jws = read_text(&folder.payment_server("keyset.jws")).unwrap();
    let keyset = Keyset::verify(&jws, &trust.roots.operator, signed_ms(now_ms()), 0).unwrap();
    assert_eq!(keyset.merchant("blue-door").unwrap().display_name, "Blue Door Café");
    let sealing = sealing_keys(&folder).unwrap();
    assert_eq!(keyset.payment_server_sealing_key(signed_ms(now_ms())).unwrap(), sealing[0].public());
    let mode = std::fs::metadata(folder.payment_server("sealing.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
