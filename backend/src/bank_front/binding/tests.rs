//! Binding and what becomes of it, in a database.

use super::*;
use crate::bank_front::error::BankError;
use crate::bank_front::tests::support::{Bench, HOLDER, NOW_MS};
use crate::password::{Password, PasswordVerifier};
use crate::storage::DbConnection;

/// A payer with two terminals, bound in the bench's bank.
async fn bound(bench: &Bench) -> Payer {
    let new = NewPayer {
        customer: "ann-0001".to_owned(),
        language: "en".to_owned(),
        accounts: vec![crate::bank_front::account::AccountId::named(HOLDER)],
        terminals: vec![Address::parse("+12025550143").unwrap(), Address::parse("ann@pager.example").unwrap()],
        password: PasswordVerifier::of(
            &Password::chosen("correct horse").ok().unwrap(),
            &bench.front.hsm.password_pepper(),
        ),
        payment_limit_minor: 5_000,
        day_limit_minor: 8_000,
    };
    write(bench, move |db_tx| Box::pin(async move { Payer::bind(db_tx, &new, NOW_MS).await })).await.ok().unwrap()
}

async fn write<T: Send + 'static>(
    bench: &Bench,
    work: impl for<'a> FnOnce(&'a mut DbConnection) -> futures::future::BoxFuture<'a, Result<T, BankError>> + Send + 'static,
) -> Result<T, BankError> {
    bench.front.db.write(work).await
}

async fn events(bench: &Bench, after: i64) -> Vec<serde_json::Value> {
    let mut connection = bench.front.db.reader().acquire().await.unwrap();
    let text = PayerEvents::after(&mut connection, after).await.unwrap();
    text.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn the_server_learns_of_a_binding_and_neither_account_nor_person_nor_address() {
    let bench = Bench::new().await;
    let payer = bound(&bench).await;
    let told = events(&bench, 0).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["payer"]["identity_code"], payer.identity_code.as_str());
    assert_eq!(told[0]["payer"]["terminals"][0]["masked"], "••43");
    let text = serde_json::to_string(&told).unwrap();
    for secret in ["ann-0001", HOLDER, "2025550143", "ann@", "5000"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let customer = payer.customer.clone();
    write(&bench, move |db_tx| {
        Box::pin(async move { Payer::of_customer(db_tx, &customer).await?.end(db_tx, NOW_MS).await })
    })
    .await
    .unwrap();
    let later = events(&bench, 1).await;
    assert_eq!((later.len(), &later[0]["sequence"], &later[0]["payer"]["pays"]), (1, &2.into(), &false.into()));
}

#[tokio::test]
async fn every_terminal_is_told_of_a_new_one_and_the_last_one_stays() {
    let bench = Bench::new().await;
    bound(&bench).await;
    let due = write(&bench, |db_tx| Box::pin(Notice::take_due(db_tx, NOW_MS))).await.ok().unwrap();
    assert_eq!(due.len(), 2, "both terminals are told of the binding");
    let place = write(&bench, |db_tx| {
        Box::pin(async move {
            let payer = Payer::of_customer(db_tx, "ann-0001").await?;
            payer.add_terminal(db_tx, Some(&Address::parse("+12025550199")?), NOW_MS).await
        })
    });
    assert_eq!(place.await.ok().unwrap(), 3);
    let due = write(&bench, |db_tx| Box::pin(Notice::take_due(db_tx, NOW_MS))).await.ok().unwrap();
    let told: Vec<_> = due.iter().map(|notice| notice.address.as_str()).collect();
    assert_eq!(told, ["+12025550143", "ann@pager.example", "+12025550199"]);
    let removed = write(&bench, |db_tx| {
        Box::pin(async move {
            let payer = Payer::of_customer(db_tx, "ann-0001").await?;
            payer.remove_terminal(db_tx, 1, NOW_MS).await?;
            payer.remove_terminal(db_tx, 2, NOW_MS).await?;
            payer.remove_terminal(db_tx, 3, NOW_MS).await
        })
    });
    assert!(matches!(removed.await, Err(BankError::LastTerminal)));
}

#[tokio::test]
async fn nobody_is_bound_twice_and_nobody_pays_from_a_merchants_account() {
    let bench = Bench::new().await;
    bound(&bench).await;
    let again = |accounts: &[&str], customer: &str| NewPayer {
        customer: customer.to_owned(),
        language: "en".to_owned(),
        accounts: accounts.iter().map(|name| crate::bank_front::account::AccountId::named(name)).collect(),
        terminals: vec![Address::parse("+12025550143").unwrap()],
        password: PasswordVerifier::of_nobody(),
        payment_limit_minor: 1,
        day_limit_minor: 1,
    };
    let bind =
        |new: NewPayer| write(&bench, move |db_tx| Box::pin(async move { Payer::bind(db_tx, &new, NOW_MS).await }));
    assert!(matches!(bind(again(&[HOLDER], "ann-0001")).await, Err(BankError::PayerKnown)));
    assert!(matches!(bind(again(&["merchant:blue-door"], "bob")).await, Err(BankError::NoAccount(_))));
    assert!(matches!(bind(again(&[], "bob")).await, Err(BankError::NoAccount(_))));
    // One telephone serves several persons, and an account several payers.
    assert!(bind(again(&[HOLDER], "bob")).await.is_ok());
}
