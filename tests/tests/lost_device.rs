//! A device that was lost: removed from another one, and everything but its keys restored on a new one.

use e2e::card::Card;
use e2e::payer::{PIN, Payer, code};
use e2e::system::{Ask, System, Wishes};

const PHONE: &str = "+86 138 0013 8000";
const E164: &str = "+8613800138000";
const PASSPHRASE: &str = "amber lantern orbit\n";

async fn claim(system: &System, payer: &Payer, place: usize) {
    payer.wallet(&["claim", PHONE], "").await.success();
    let digits = system.texted_code(E164, place).await;
    payer.wallet(&["confirm", PHONE, &digits], "").await.success();
}

#[tokio::test]
async fn a_lost_device_is_removed_from_another_and_says_so() {
    let system = System::start(Wishes::default()).await;
    let (kept, lost) = (Payer::new(&system), Payer::new(&system));
    claim(&system, &kept, 0).await;
    let alone = kept.wallet(&["devices"], "").await.success();
    assert_eq!(alone.as_array().map(Vec::len), Some(1), "{alone}");
    claim(&system, &lost, 1).await;
    let devices = kept.wallet(&["devices"], "").await.success();
    let other = devices.as_array().and_then(|all| all.iter().find(|it| it["is_own"] == false)).expect("a sibling");
    assert_eq!((&other["platform"], &other["identifiers"][0]), (&"linux".into(), &E164.into()));
    let id = other["device_id"].as_str().expect("an id");
    let named = kept.wallet(&["devices", id, "--name", "Old phone"], "").await.success();
    assert!(named.to_string().contains("Old phone"), "{named}");

    let left = kept.wallet(&["devices", id, "--remove"], "").await.success();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    let ask = Ask { phone: Some(E164.into()), ..Ask::default() };
    let request = system.ask(&ask).await["id"].as_str().expect("a created request has an id").to_owned();
    let reaches = async || kept.wallet(&["inbox"], "").await.output.contains(&request);
    system.wait_until("the request is in the inbox", reaches).await;
    assert!(!lost.wallet(&["inbox"], "").await.output.contains(&request));
    let status = lost.wallet(&["register"], "").await.success();
    assert_eq!((&status["former"][0]["identifier"], &status["former"][0]["why"]), (&E164.into(), &"ended".into()));
    assert_eq!(status["identifiers"].as_array().map(Vec::len), Some(0), "{status}");
}

#[tokio::test]
async fn a_backup_brings_the_receipts_to_a_new_device() {
    let system = System::start(Wishes::default()).await;
    let (lost, card) = (Payer::new(&system), Card::present(&system, "visa"));
    claim(&system, &lost, 0).await;
    let request = lost.open(&system.ask(&Ask::default()).await).await;
    lost.pay(&request, &card, PIN).await.success();
    let file = system.folder().join("a.tapseal-backup");
    let file = file.to_str().expect("temporary paths are plain");
    let made = lost.wallet(&["backup", file, "--passphrase-stdin"], PASSPHRASE).await.success();
    assert_eq!(made["receipts"], 1, "{made}");

    let new = Payer::new(&system);
    let wrong = new.wallet(&["restore", file, "--passphrase-stdin"], "amber lantern\n").await;
    assert_eq!(code(&wrong), "backup_passphrase_wrong");
    let restored = new.wallet(&["restore", file, "--passphrase-stdin"], PASSPHRASE).await.success();
    assert_eq!((&restored["new_receipts"], &restored["left_out"]), (&1.into(), &0.into()));
    let listed = new.wallet(&["receipts"], "").await;
    assert!(listed.output.contains("Blue Door"), "{}", listed.output);
    assert_eq!(new.show(&request).await["phase"], "paid");
    let status = new.wallet(&["register"], "").await.success();
    assert_eq!(status["former"][0]["why"], "backup", "{status}");
    claim(&system, &new, 1).await;
    let status = new.wallet(&["register"], "").await.success();
    assert_eq!((&status["identifiers"][0], status["former"].as_array().map(Vec::len)), (&E164.into(), Some(0)));
}
