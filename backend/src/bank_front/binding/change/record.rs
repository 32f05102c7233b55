//! Changes and their codes as rows.

use super::{Change, ChangeState, Proof, Purpose};
use crate::bank_front::binding::TerminalKind;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

impl Change {
    /// The change with this id, whoever's it is.
    pub(super) async fn any(
        connection: &mut DbConnection,
        change_id: &str,
        now_ms: i64,
    ) -> Result<Option<Self>, BankError> {
        #[derive(sqlx::FromRow)]
        struct Row {
            customer: String,
            channel: String,
            digest: String,
            state: String,
            what: String,
            deed: Option<String>,
            expires_ms: i64,
        }
        let row: Option<Row> = sqlx::query_as(
            "SELECT customer, channel, digest, state, what, deed, expires_ms FROM payer_change WHERE change_id = $1",
        )
        .bind(change_id)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            change_id: change_id.to_owned(),
            state: ChangeState::of(&row.state, row.expires_ms <= now_ms)?,
            proofs: proofs_of(connection, change_id).await?,
            what: row.what,
            expires_ms: row.expires_ms,
            digest: row.digest,
            customer: row.customer,
            channel: row.channel,
            deed: row.deed,
        }))
    }

    /// Stores a new change with the codes that it waits for.
    pub(super) async fn insert(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<(), BankError> {
        sqlx::query(
            "INSERT INTO payer_change (change_id, customer, channel, digest, state, what, deed, proposed_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&self.change_id)
        .bind(&self.customer)
        .bind(&self.channel)
        .bind(&self.digest)
        .bind(self.state.as_str())
        .bind(&self.what)
        .bind(&self.deed)
        .bind(now_ms)
        .bind(self.expires_ms)
        .execute(&mut *db_tx)
        .await?;
        for proof in &self.proofs {
            sqlx::query(
                "INSERT INTO payer_change_proof (change_id, number, purpose, kind, masked, place, code_mac, tries_left,
                 is_proved) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
            )
            .bind(&self.change_id)
            .bind(proof.number)
            .bind(proof.purpose.as_str())
            .bind(proof.kind.as_str())
            .bind(&proof.masked)
            .bind(proof.place)
            .bind(&proof.code_mac)
            .bind(proof.tries_left)
            .execute(&mut *db_tx)
            .await?;
        }
        Ok(())
    }

    /// Stores how one of its codes stands.
    pub(super) async fn store_proof(&self, db_tx: &mut DbConnection, at: usize) -> Result<(), BankError> {
        let proof = &self.proofs[at];
        sqlx::query(
            "UPDATE payer_change_proof SET tries_left = $3, is_proved = $4, wrong_mac = $5
             WHERE change_id = $1 AND number = $2",
        )
        .bind(&self.change_id)
        .bind(proof.number)
        .bind(proof.tries_left)
        .bind(i64::from(proof.is_proved))
        .bind(&proof.wrong_mac)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    /// Ends a change that waits.
    pub(super) async fn end(&mut self, db_tx: &mut DbConnection, state: ChangeState) -> Result<(), BankError> {
        let ended =
            sqlx::query("UPDATE payer_change SET state = $2, deed = NULL WHERE change_id = $1 AND state = 'waiting'")
                .bind(&self.change_id)
                .bind(state.as_str())
                .execute(db_tx)
                .await?;
        if ended.rows_affected() != 1 {
            return Err(BankError::Conflict("a change"));
        }
        (self.state, self.deed) = (state, None);
        Ok(())
    }
}

async fn proofs_of(connection: &mut DbConnection, change_id: &str) -> Result<Vec<Proof>, BankError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        number: i64,
        purpose: String,
        kind: String,
        masked: String,
        place: Option<i64>,
        code_mac: Option<String>,
        wrong_mac: Option<String>,
        tries_left: i64,
        is_proved: i64,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT number, purpose, kind, masked, place, code_mac, wrong_mac, tries_left, is_proved FROM payer_change_proof
         WHERE change_id = $1 ORDER BY number",
    )
    .bind(change_id)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let purpose = [Purpose::Confirm, Purpose::Register].into_iter().find(|it| it.as_str() == row.purpose);
            Ok(Proof {
                number: row.number,
                purpose: purpose.ok_or(BankError::Stored("payer_change_proof.purpose"))?,
                kind: TerminalKind::parse(&row.kind)?,
                masked: row.masked,
                tries_left: row.tries_left,
                is_proved: row.is_proved == 1,
                place: row.place,
                code_mac: row.code_mac,
                wrong_mac: row.wrong_mac,
            })
        })
        .collect()
}
