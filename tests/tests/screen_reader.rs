//! A person who does not see pays in the wallet's own window: amount, payee and result are read over AT-SPI, and every
//! button is found by its role and name and pressed by its action.

use e2e::card::Card;
use e2e::payer::PIN;
use e2e::screen_reader::{Role, ScreenReader};
use e2e::system::{Ask, System, Wishes};
use e2e::till::path;

fn environment(system: &System, reader: &str) -> Vec<(&'static str, String)> {
    let home = system.folder().join("window-home");
    std::fs::create_dir_all(&home).expect("a folder for the window");
    vec![
        ("HOME", path(&home).to_owned()),
        ("XDG_DATA_HOME", path(&home.join("data")).to_owned()),
        ("XDG_CONFIG_HOME", path(&home.join("config")).to_owned()),
        ("XDG_CACHE_HOME", path(&home.join("cache")).to_owned()),
        ("TAPSEAL_HOME", path(&home.join("wallet")).to_owned()),
        ("TAPSEAL_TRUST", path(&system.trust()).to_owned()),
        ("TAPSEAL_KEY_STORE", "file".into()),
        ("TAPSEAL_READER", reader.into()),
        ("LANG", "en_US.UTF-8".into()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_does_not_see_pays() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let created = system.ask(&Ask::default()).await;
    let id = created["id"].as_str().expect("a created request has an id");
    let link = created["link"].as_str().expect("a link");
    let reader = ScreenReader::listen(&[link], &environment(&system, &card.reader), &system.log("window")).await;

    reader.hears(&["Blue Door Café"]).await;
    reader.press("Look at the request").await;
    let said = reader.hears(&["$12.80", "Blue Door Café", "Pay $12.80"]).await;
    let words = created["match_words"].as_array().expect("two match words");
    assert!(words.iter().filter_map(serde_json::Value::as_str).all(|word| said.contains(word)), "{said}");
    let things = reader.things().await;
    let is_heading = |name: &str| things.iter().any(|thing| thing.role == Role::Heading && thing.name.contains(name));
    assert!(is_heading("Blue Door Café"), "the screen's heading names the payee: {things:?}");

    reader.press("Pay $12.80").await;
    reader.hears(&["Enter your PIN"]).await;
    reader.press("Standard keys").await;
    for digit in PIN.chars() {
        reader.press(&digit.to_string()).await;
    }
    reader.press("Confirm and pay").await;
    reader.hears(&["Paid $12.80", "Blue Door Café"]).await;
    reader.press("Done").await;
    system.wait_for_status(id, "paid").await;
    system.assert_merchant_received(1280).await;
}
