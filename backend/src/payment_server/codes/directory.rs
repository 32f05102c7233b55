//! Which bank an identity code pays by, as the banks tell it, event by event.

use hmac::{Hmac, KeyInit, Mac};
use payment::IdentityCode;
use protocol::wallet_api::{CodePayerView, CodeTerminalKind, CodeTerminalView};
use serde::Deserialize;
use sha2::Sha256;

use super::super::{App, Error};
use crate::keys::BankId;
use crate::storage::DbConnection;

/// The most terminals of one payer that are taken in.
const TERMINALS_MAX: usize = 8;
/// The most characters of a masked address.
const MASKED_CHARACTERS_MAX: usize = 64;

/// One event of a bank's.
#[derive(Deserialize)]
struct PayerEvent {
    sequence: i64,
    payer: TellsOf,
}

#[derive(Deserialize)]
struct TellsOf {
    identity_code: String,
    pays: bool,
    terminals: Vec<CodeTerminalView>,
}

impl TellsOf {
    fn is_sound(&self) -> bool {
        self.identity_code.parse::<IdentityCode>().is_ok_and(|code| code.as_str() == self.identity_code)
            && self.terminals.len() <= TERMINALS_MAX
            && self.terminals.iter().all(|terminal| terminal.masked.chars().count() <= MASKED_CHARACTERS_MAX)
    }
}

/// The number of the last event of a bank that was taken in.
pub(in super::super) async fn cursor(app: &App, bank: &BankId) -> Result<i64, Error> {
    let cursor: Option<i64> = sqlx::query_scalar("SELECT sequence FROM code_payer_cursor WHERE bank_id = $1")
        .bind(bank.as_str())
        .fetch_optional(app.db.reader())
        .await?;
    Ok(cursor.unwrap_or(0))
}

/// Takes in what a bank tells. An event that makes no sense, or comes again, changes nothing.
pub(in super::super) async fn take(app: &App, bank: &BankId, events: &str) -> Result<(), Error> {
    let events: Vec<PayerEvent> = serde_json::from_str(events).map_err(|_| Error::Row("a bank's payers"))?;
    tracing::info!(%bank, events = events.len(), "the bank tells of payers by code");
    let bank = bank.clone();
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                for event in &events {
                    take_one(db_tx, &bank, event).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await
}

async fn take_one(db_tx: &mut DbConnection, bank: &BankId, event: &PayerEvent) -> Result<(), Error> {
    let moved = sqlx::query(
        "INSERT INTO code_payer_cursor (bank_id, sequence) VALUES ($1, $2)
         ON CONFLICT (bank_id) DO UPDATE SET sequence = excluded.sequence
         WHERE code_payer_cursor.sequence < excluded.sequence",
    )
    .bind(bank.as_str())
    .bind(event.sequence)
    .execute(&mut *db_tx)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(());
    }
    if !event.payer.is_sound() {
        tracing::error!(%bank, sequence = event.sequence, "what a bank tells of a payer makes no sense");
        return Ok(());
    }
    // A code that another bank told of first stays that bank's: a bank cannot draw the payers of another to itself.
    sqlx::query(
        "INSERT INTO code_payer (identity_code, bank_id, pays, terminals) VALUES ($1, $2, $3, $4)
         ON CONFLICT (identity_code) DO UPDATE SET pays = excluded.pays, terminals = excluded.terminals
         WHERE code_payer.bank_id = excluded.bank_id",
    )
    .bind(&event.payer.identity_code)
    .bind(bank.as_str())
    .bind(i64::from(event.payer.pays))
    .bind(serde_json::to_string(&event.payer.terminals).map_err(|_| Error::Row("a bank's payers"))?)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// The payer with this code, or one that is made up.
pub(super) async fn find(app: &App, code: &IdentityCode) -> Result<CodePayerView, Error> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT bank_id, terminals FROM code_payer WHERE identity_code = $1 AND pays = 1")
            .bind(code.as_str())
            .fetch_optional(app.db.reader())
            .await?;
    let Some((bank_id, terminals)) = row else {
        let banks: Vec<_> = app.banks.iter().map(|(bank, _)| bank.as_str()).collect();
        return Ok(made_up(app.keys.claim_key(), &banks, code));
    };
    let terminals = serde_json::from_str(&terminals).map_err(|_| Error::Row("code payer"))?;
    Ok(CodePayerView { bank_id, terminals })
}

/// What is told of a code that nobody has: one of these banks and a telephone, the same each time.
fn made_up(key: &[u8; 32], banks: &[&str], code: &IdentityCode) -> CodePayerView {
    let keyed = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    let mac = keyed.chain_update(b"tapseal/1 no such payer").chain_update(code.as_str()).finalize().into_bytes();
    let bank_id = banks.get(usize::from(mac[0]) % banks.len().max(1)).copied().unwrap_or_default().to_owned();
    let masked = format!("••{:02}", mac[1] % 100);
    CodePayerView { bank_id, terminals: vec![CodeTerminalView { place: 1, kind: CodeTerminalKind::Sms, masked }] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment_server::MIGRATIONS;
    use crate::storage::Db;
    use crate::storage::testing::Base;

    const CODE: [u8; 11] = [3, 8, 2, 1, 7, 7, 3, 0, 1, 5, 9];

    fn told(sequence: i64, masked: &str) -> PayerEvent {
        let terminals = vec![CodeTerminalView { place: 1, kind: CodeTerminalKind::Sms, masked: masked.to_owned() }];
        let identity_code = IdentityCode::from_random(&CODE).as_str().to_owned();
        PayerEvent { sequence, payer: TellsOf { identity_code, pays: true, terminals } }
    }

    async fn take(db: &Db, bank: &str, event: PayerEvent) {
        let bank: BankId = bank.parse().unwrap();
        db.write(move |db_tx| Box::pin(async move { take_one(db_tx, &bank, &event).await })).await.unwrap();
    }

    async fn kept(db: &Db) -> (String, String) {
        sqlx::query_as("SELECT bank_id, terminals FROM code_payer").fetch_one(db.reader()).await.unwrap()
    }

    #[tokio::test]
    async fn a_payer_stays_with_its_bank_and_an_old_event_changes_nothing() {
        let base = Base::new().await;
        let db = base.open(&MIGRATIONS).await;
        take(&db, "first", told(2, "••43")).await;
        take(&db, "first", told(1, "••11")).await;
        take(&db, "second", told(9, "••99")).await;
        let (bank, terminals) = kept(&db).await;
        assert!(bank == "first" && terminals.contains("••43"), "{bank} {terminals}");
        take(&db, "first", told(3, &"x".repeat(MASKED_CHARACTERS_MAX + 1))).await;
        assert!(kept(&db).await.1.contains("••43"), "what makes no sense is passed over");
        take(&db, "first", told(4, "••44")).await;
        assert!(kept(&db).await.1.contains("••44"));
    }

    #[test]
    fn a_code_that_nobody_has_is_answered_alike_each_time_and_as_one_that_somebody_has() {
        let code = IdentityCode::from_random(&CODE);
        let (one, again) =
            (made_up(&[1; 32], &["first", "second"], &code), made_up(&[1; 32], &["first", "second"], &code));
        assert_eq!(one, again);
        assert!(["first", "second"].contains(&one.bank_id.as_str()) && one.terminals[0].masked.chars().count() == 4);
        let other = IdentityCode::from_random(&[5; 11]);
        assert_ne!(made_up(&[1; 32], &["first"], &other), made_up(&[2; 32], &["first"], &other), "it hangs on the key");
    }
}
