//! What a connection must hold, whichever database it is to.

use sqlx::{Connection, Row};

use super::*;
use crate::storage::testing::Base;

/// A connection to a database of its own, which goes after it.
async fn connection() -> (DbConnection, Base) {
    let base = Base::new().await;
    let mut connection = base.connection().await;
    connection.command("CREATE TABLE entry (n BIGINT PRIMARY KEY, note TEXT UNIQUE, seal BYTEA)").await.unwrap();
    (connection, base)
}

async fn insert(connection: &mut DbConnection, n: i64, note: Option<&str>) -> Result<u64, Error> {
    let inserted = sqlx::query("INSERT INTO entry (n, note) VALUES ($1, $2)").bind(n).bind(note).execute(connection);
    Ok(inserted.await?.rows_affected())
}

async fn count(connection: &mut DbConnection) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM entry").fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn a_parameter_is_found_by_its_number_wherever_it_stands() {
    let (mut connection, _base) = connection().await;
    let found: (i64, String, i64) = sqlx::query_as("SELECT $3, $2, $3 + $1")
        .bind(1_i64)
        .bind("two")
        .bind(30_i64)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(found, (30, "two".to_owned(), 31));
}

#[tokio::test]
async fn a_missing_argument_is_an_error_and_not_null() {
    let (mut connection, _base) = connection().await;
    let answer: Result<Option<i64>, Error> =
        sqlx::query_scalar("SELECT $2").bind(1_i64).fetch_one(&mut connection).await;
    assert!(answer.is_err());
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let (mut connection, _base) = connection().await;
    sqlx::query("INSERT INTO entry (n, note, seal) VALUES ($1, $2, $3)")
        .bind(i64::MIN)
        .bind(Some("Café 蓝门".to_owned()))
        .bind(vec![0_u8, 255])
        .execute(&mut connection)
        .await
        .unwrap();
    let row = sqlx::query("SELECT * FROM entry").fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.try_get::<i64, _>("n").unwrap(), i64::MIN);
    assert_eq!(row.try_get::<Option<String>, _>("note").unwrap().as_deref(), Some("Café 蓝门"));
    assert_eq!(row.try_get::<Vec<u8>, _>("seal").unwrap(), [0, 255]);
    // A number that does not fit and a type that is another are refused, not bent.
    assert!(row.try_get::<u32, _>("n").is_err());
    assert!(row.try_get::<i64, _>("note").is_err());
    assert!(row.try_get::<i64, _>("other").is_err());
}

#[tokio::test]
async fn null_is_none_and_nothing_else() {
    let (mut connection, _base) = connection().await;
    insert(&mut connection, 1, None).await.unwrap();
    let note: Option<String> = sqlx::query_scalar("SELECT note FROM entry").fetch_one(&mut connection).await.unwrap();
    assert_eq!(note, None);
    let note: Result<String, Error> = sqlx::query_scalar("SELECT note FROM entry").fetch_one(&mut connection).await;
    assert!(note.is_err());
}

#[tokio::test]
async fn a_statement_says_how_many_rows_it_changed() {
    let (mut connection, _base) = connection().await;
    for n in 0..5 {
        assert_eq!(insert(&mut connection, n, None).await.unwrap(), 1);
    }
    let changed = sqlx::query("UPDATE entry SET note = n WHERE n >= $1").bind(2_i64).execute(&mut connection).await;
    assert_eq!(changed.unwrap().rows_affected(), 3);
    let changed = sqlx::query("DELETE FROM entry WHERE n = 99").execute(&mut connection).await;
    assert_eq!(changed.unwrap().rows_affected(), 0);
}

#[tokio::test]
async fn returning_changes_every_row_even_when_one_is_read() {
    let (mut connection, _base) = connection().await;
    for n in 0..3 {
        insert(&mut connection, n, None).await.unwrap();
    }
    let first: Option<i64> =
        sqlx::query_scalar("UPDATE entry SET note = n RETURNING n").fetch_optional(&mut connection).await.unwrap();
    assert_eq!(first, Some(0));
    let left: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM entry WHERE note IS NULL").fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_violated_constraint_is_known_by_kind_and_columns() {
    let (mut connection, _base) = connection().await;
    insert(&mut connection, 1, Some("a")).await.unwrap();
    let Err(Error::Database(error)) = insert(&mut connection, 2, Some("a")).await else { panic!("it is refused") };
    assert!(error.is_unique_violation() && error.message().contains("entry.note"));
    let Err(Error::Database(error)) = insert(&mut connection, 1, None).await else { panic!("it is refused") };
    assert!(error.is_unique_violation() && error.message().contains("entry.n"));
}

#[tokio::test]
async fn several_statements_in_one_text_are_refused() {
    let (mut connection, _base) = connection().await;
    let answer = sqlx::query("DELETE FROM entry; INSERT INTO entry (n) VALUES (7)").execute(&mut connection).await;
    assert!(answer.is_err());
    assert_eq!(count(&mut connection).await, 0);
}

#[tokio::test]
async fn what_is_not_committed_is_undone() {
    let (mut connection, _base) = connection().await;
    let mut db_tx = connection.begin().await.unwrap();
    insert(&mut db_tx, 1, None).await.unwrap();
    {
        let mut nested = db_tx.begin().await.unwrap();
        insert(&mut nested, 2, None).await.unwrap();
    }
    assert_eq!(count(&mut db_tx).await, 1);
    db_tx.commit().await.unwrap();
    let mut db_tx = connection.begin().await.unwrap();
    insert(&mut db_tx, 3, None).await.unwrap();
    db_tx.rollback().await.unwrap();
    drop(connection.begin().await.unwrap());
    assert_eq!(count(&mut connection).await, 1);
}
