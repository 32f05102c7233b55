//! A small torture in every test run; `cargo xtask torture` takes longer.

use e2e::torture::{self, Torture};

#[tokio::test]
async fn servers_killed_again_and_again_lose_and_double_nothing() {
    let torture = Torture { seed: 20_261_387, kills: 10, payers: 4 };
    let verdict = torture::run(torture, |line| println!("{line}")).await;
    assert!(verdict.findings.is_empty(), "{:#?}", verdict.findings);
    assert_eq!((verdict.lost, verdict.doubled), (0, 0));
    assert!(verdict.paid > 10, "the run paid too little to say anything: {verdict:?}");
    for way in ["card", "voucher", "code", "alias", "carrier"] {
        assert!(verdict.ways.contains_key(way), "nothing was paid by {way}: {:?}", verdict.ways);
    }
    let ended: usize = verdict.ends.values().sum();
    assert_eq!(ended, verdict.requests);
}
