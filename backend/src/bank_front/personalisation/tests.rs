//! A card the bank made is a card: it pays, by its chip, at the bank that made it.

use virtual_card::{Profile, VirtualCard};

use super::*;
use crate::bank_front::hsm;
use crate::bank_front::tests::support::{Bench, NOW_MS, usd};
use payment::DeclineCode;

const HOLDER: &str = "visa-0050";

fn new_card(scheme: Scheme) -> NewCard {
    NewCard {
        scheme,
        iin: None,
        account_id: AccountId::of_cardholder(HOLDER),
        expiry_yymm: "3011".to_owned(),
        pin: None,
        terms: Terms::default(),
    }
}

async fn issue(bench: &Bench, new: &NewCard) -> Made {
    let made = {
        let mut connection = bench.front.db().reader().acquire().await.unwrap();
        make(&mut connection, &bench.front.hsm, new).await.unwrap()
    };
    let card = made.card().clone();
    let is_new = bench.front.db().write(move |db_tx| Box::pin(async move { card.insert(db_tx).await })).await.unwrap();
    assert!(is_new);
    made
}

#[tokio::test]
async fn a_card_of_every_product_pays_with_its_own_pin_and_no_other() {
    let mut bench = Bench::new().await;
    for (scheme, _) in PRODUCTS {
        let made = issue(&bench, &new_card(scheme)).await;
        let profile = Profile::from_toml(&made.profile).unwrap();
        assert_eq!((profile.pin.as_str(), profile.scheme()), (made.pin.as_str(), scheme));
        let mut card = VirtualCard::new(profile).over(emv::Interface::Contactless);
        let order = bench.order(usd(100));
        let wrong = if made.pin.as_str() == "1111" { "2222" } else { "1111" };
        let attempt = bench.attempt_with(&mut card, &order, wrong, |_| {});
        bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::WrongPin);
        let attempt = bench.attempt_with(&mut card, &order, &made.pin, |_| {});
        bench.pay(&attempt).await.assert_approved(&attempt);
    }
}

#[tokio::test]
async fn a_profile_has_no_key_of_the_issuers_and_a_product_is_that_of_the_virtual_card() {
    let bench = Bench::new().await;
    for (scheme, product) in PRODUCTS {
        let made = issue(&bench, &new_card(scheme)).await;
        let built_in = Profile::built_in(scheme.code()).unwrap();
        let profile = made.profile.to_uppercase();
        assert!(!profile.contains(&built_in.issuer_master_key.to_uppercase()));
        assert!(!profile.contains(&built_in.card_verification_key.to_uppercase()));
        let (_, text) = virtual_card::BUILT_IN.iter().find(|(name, _)| *name == scheme.code()).unwrap();
        assert_eq!(product[product.find("[atr]").unwrap()..], text[text.find("[atr]").unwrap()..]);
    }
}

#[tokio::test]
async fn a_given_pin_is_taken_and_what_makes_no_card_is_refused() {
    let bench = Bench::new().await;
    let given = NewCard { pin: Some(Zeroizing::new("739182".to_owned())), ..new_card(Scheme::Visa) };
    assert_eq!(issue(&bench, &given).await.pin.as_str(), "739182");
    let mut connection = bench.front.db().reader().acquire().await.unwrap();
    for wrong in [
        NewCard { expiry_yymm: "3113".to_owned(), ..new_card(Scheme::Visa) },
        NewCard { pin: Some(Zeroizing::new("12".to_owned())), ..new_card(Scheme::Visa) },
        NewCard { account_id: AccountId::of_cardholder("nobody"), ..new_card(Scheme::Visa) },
        NewCard { iin: Some("400000".to_owned()), ..new_card(Scheme::Visa) },
        new_card(Scheme::Interac),
    ] {
        assert!(make(&mut connection, &bench.front.hsm, &wrong).await.is_err());
    }
    let empty = tempfile::tempdir().unwrap();
    hsm::init(empty.path(), &"first".parse().unwrap(), Vec::new(), NOW_MS).unwrap();
    let without_issuers = hsm::Hsm::load(empty.path()).unwrap();
    let refused = make(&mut connection, &without_issuers, &new_card(Scheme::Visa)).await;
    assert!(matches!(refused, Err(BankError::NoIssuer)));
}
