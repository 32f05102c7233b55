//! A change that a customer asks for by a channel: proposed, confirmed by codes, carried out.
//!
//! ```text
//! waiting ──every code right──► done
//!    ├──────tries out─────────► spoilt
//!    └──────another change────► replaced
//! ```
//!
//! Whatever is changed needs a code that came to a terminal the bank knew before; and a terminal is registered only when a
//! code that was sent to it came back. So neither a stolen session nor a channel alone can move codes elsewhere, and nobody
//! registers a number that is not in its hand. Ending needs no code: whoever wants to stop must not be kept from it.
//!
//! **Invariant:** the deed, its journal entry, the events and notices, and the change's end are one step.
//!
//! **Invariant:** a customer has one change that waits; whose codes were guessed at three times in a day has none until
//! the next.

use serde::Serialize;

use super::journal::JournalEntry;
use super::notice::{Notice, Said};
use super::{Address, Payer};
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::bank_front::gateways::Sending;
use crate::bank_front::hsm::Hsm;
use crate::storage::DbConnection;

mod check;
mod deed;
mod proof;
mod record;
mod refused;
pub(in crate::bank_front) mod text;
mod texted;

use check::{check, check_pace};
pub use deed::Deed;
pub use proof::{Proof, Purpose};
use proof::{confirmer, is_code, occasion, proofs};
pub use refused::ChangeRefused;
pub(in crate::bank_front) use texted::note_texts;

/// How long a change waits for its codes, in milliseconds.
pub const CHANGE_LIFE_MS: i64 = 10 * 60 * 1_000;

/// How a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// It waits for codes.
    Waiting,
    /// It was carried out.
    Done,
    /// A code was typed wrongly too often.
    Spoilt,
    /// The customer asked for another one.
    Replaced,
    /// Its codes did not come in time.
    Expired,
}

impl ChangeState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Spoilt => "spoilt",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
        }
    }

    /// What a stored state is now; what waited too long has expired.
    fn of(stored: &str, is_over: bool) -> Result<Self, BankError> {
        let state = [Self::Waiting, Self::Done, Self::Spoilt, Self::Replaced]
            .into_iter()
            .find(|state| state.as_str() == stored)
            .ok_or(BankError::Stored("payer_change.state"))?;
        Ok(if state == Self::Waiting && is_over { Self::Expired } else { state })
    }
}

/// A change, as its customer may see it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Change {
    /// Its id, which the channel made.
    pub change_id: String,
    /// What is changed.
    pub what: String,
    /// How it stands.
    pub state: ChangeState,
    /// Until when its codes are taken, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// The codes it waits for.
    pub proofs: Vec<Proof>,
    #[serde(skip)]
    #[schema(ignore)]
    digest: String,
    #[serde(skip)]
    #[schema(ignore)]
    customer: String,
    #[serde(skip)]
    #[schema(ignore)]
    channel: String,
    #[serde(skip)]
    #[schema(ignore)]
    deed: Option<String>,
}

/// What a channel brings.
pub struct Proposal {
    /// The id that the channel made: the same once more is the same change.
    pub change_id: String,
    /// Which channel.
    pub channel: String,
    /// A keyed hash of what the channel sent.
    pub digest: String,
    /// What is to be done.
    pub deed: Deed,
    /// Which of the registered terminals confirms it; the first when none is named.
    pub confirm_at: Option<i64>,
}

impl Change {
    /// The change with this id, if it is this customer's.
    pub async fn find(
        connection: &mut DbConnection,
        customer: &str,
        change_id: &str,
        now_ms: i64,
    ) -> Result<Option<Self>, BankError> {
        Ok(Self::any(connection, change_id, now_ms).await?.filter(|change| change.customer == customer))
    }

    /// The change of a customer that waits for codes, if there is one.
    pub async fn waiting(
        connection: &mut DbConnection,
        customer: &str,
        now_ms: i64,
    ) -> Result<Option<Self>, BankError> {
        let id: Option<String> = sqlx::query_scalar(
            "SELECT change_id FROM payer_change WHERE customer = $1 AND state = 'waiting' AND expires_ms > $2",
        )
        .bind(customer)
        .bind(now_ms)
        .fetch_optional(&mut *connection)
        .await?;
        match id {
            Some(id) => Self::any(connection, &id, now_ms).await,
            None => Ok(None),
        }
    }

    /// What was proposed under an id before: the same change, or another one, which is refused.
    pub async fn proposed_before(
        connection: &mut DbConnection,
        customer: &str,
        (change_id, digest): (&str, &str),
        now_ms: i64,
    ) -> Result<Option<Result<Self, ChangeRefused>>, BankError> {
        let found = Self::any(connection, change_id, now_ms).await?;
        Ok(found.map(|change| {
            let is_same = change.customer == customer && change.digest == digest;
            if is_same { Ok(change) } else { Err(ChangeRefused::Differs) }
        }))
    }

    /// Proposes a change: checks it, draws its codes, and stores it; what has to be sent. One that needs no code is
    /// carried out.
    ///
    /// # Errors
    /// When the database fails; the inner one says why the bank does not do it.
    pub(in crate::bank_front) async fn propose(
        db_tx: &mut DbConnection,
        hsm: &Hsm,
        customer: &Customer,
        proposal: Proposal,
        now_ms: i64,
    ) -> Result<Result<(Self, Vec<Sending>), ChangeRefused>, BankError> {
        let named = (proposal.change_id.as_str(), proposal.digest.as_str());
        // A repeat may have overtaken this call on its way to the writer.
        if let Some(before) = Self::proposed_before(db_tx, &customer.name, named, now_ms).await? {
            return Ok(before.map(|change| (change, Vec::new())));
        }
        let payer = Payer::bound_to(db_tx, &customer.name).await?;
        let Proposal { change_id, channel, digest, deed, confirm_at } = proposal;
        let currency = match check(db_tx, customer, payer.as_ref(), &deed).await? {
            Ok(currency) => currency,
            Err(refused) => return Ok(Err(refused)),
        };
        if !matches!(deed, Deed::End)
            && let Err(refused) = check_pace(db_tx, &customer.name, now_ms).await?
        {
            return Ok(Err(refused));
        }
        let terminals = match &payer {
            Some(payer) => payer.terminals(db_tx).await?,
            None => Vec::new(),
        };
        let confirmer = match confirmer(customer, &deed, &terminals, confirm_at) {
            Ok(confirmer) => confirmer,
            Err(refused) => return Ok(Err(refused)),
        };
        let (proofs, sendings) = proofs(hsm, &change_id, &deed, confirmer, (currency, &customer.language));
        if !note_texts(db_tx, sendings.iter().map(Sending::to), now_ms).await? {
            return Ok(Err(ChangeRefused::TooManyTexts));
        }
        sqlx::query(
            "UPDATE payer_change SET state = 'replaced', deed = NULL WHERE customer = $1 AND state = 'waiting'",
        )
        .bind(&customer.name)
        .execute(&mut *db_tx)
        .await?;
        let mut change = Self {
            change_id,
            what: deed.what().to_owned(),
            state: ChangeState::Waiting,
            expires_ms: now_ms.saturating_add(CHANGE_LIFE_MS),
            proofs,
            digest,
            customer: customer.name.clone(),
            channel,
            deed: Some(deed.to_text()),
        };
        change.insert(db_tx, now_ms).await?;
        if change.proofs.is_empty() {
            change.carry_out(db_tx, customer, now_ms).await?;
        }
        Ok(Ok((change, sendings)))
    }

    /// Takes a code. With the last one the change is carried out; a wrong one costs a try, and the last try the change.
    ///
    /// # Errors
    /// When the database fails, or the bank cannot do any more what it was asked to do: then nothing is counted. The
    /// inner one says what is wrong with the code.
    pub(in crate::bank_front) async fn type_code(
        db_tx: &mut DbConnection,
        hsm: &Hsm,
        customer: &Customer,
        (change_id, number, code): (&str, i64, &str),
        now_ms: i64,
    ) -> Result<Result<Self, ChangeRefused>, BankError> {
        let Some(mut change) = Self::find(db_tx, &customer.name, change_id, now_ms).await? else {
            return Ok(Err(ChangeRefused::Unknown));
        };
        match change.state {
            ChangeState::Waiting => {}
            // Whoever did not hear the answer asks again.
            ChangeState::Done => return Ok(Ok(change)),
            ChangeState::Spoilt | ChangeState::Replaced | ChangeState::Expired => return Ok(Err(ChangeRefused::Over)),
        }
        let Some(at) = change.proofs.iter().position(|proof| proof.number == number) else {
            return Ok(Err(ChangeRefused::Malformed("proof")));
        };
        if change.proofs[at].is_proved {
            return Ok(Ok(change));
        }
        let proof = &mut change.proofs[at];
        if !is_code(db_tx, hsm, &customer.name, (change_id, proof, code), now_ms).await? {
            let wrong_mac = hsm.code_mac(&occasion(change_id, number), code);
            if proof.wrong_mac.as_ref() == Some(&wrong_mac) {
                // The answer was lost and the code came again, or it was typed again: it is the same try.
                return Ok(Err(ChangeRefused::WrongCode(proof.tries_left)));
            }
            proof.wrong_mac = Some(wrong_mac);
            proof.tries_left -= 1;
            let left = proof.tries_left;
            change.store_proof(db_tx, at).await?;
            if left > 0 {
                return Ok(Err(ChangeRefused::WrongCode(left)));
            }
            change.end(db_tx, ChangeState::Spoilt).await?;
            tell_of_guessing(db_tx, customer, now_ms).await?;
            let by = (change.channel.as_str(), customer.name.as_str());
            JournalEntry::append(db_tx, by, ("codes_guessed", &change.what), now_ms).await?;
            return Ok(Err(ChangeRefused::Over));
        }
        proof.is_proved = true;
        change.store_proof(db_tx, at).await?;
        if change.proofs.iter().all(|proof| proof.is_proved) {
            change.carry_out(db_tx, customer, now_ms).await?;
        }
        Ok(Ok(change))
    }

    async fn carry_out(&mut self, db_tx: &mut DbConnection, customer: &Customer, now_ms: i64) -> Result<(), BankError> {
        let deed = Deed::parse(&self.what, self.deed.as_deref().ok_or(BankError::Stored("payer_change.deed"))?)?;
        deed.carry_out(db_tx, customer, now_ms).await?;
        let is_told = deed.registers().contains(&customer.telephone);
        if matches!(deed, Deed::Open { .. }) && !is_told {
            Notice::queue(db_tx, &customer.telephone, &customer.language, Said::BoundElsewhere, now_ms).await?;
        }
        let by = (self.channel.as_str(), customer.name.as_str());
        JournalEntry::append(db_tx, by, (deed.what(), &deed.detail()), now_ms).await?;
        self.end(db_tx, ChangeState::Done).await
    }
}

/// Whoever has the terminals is told that somebody guesses at codes.
async fn tell_of_guessing(db_tx: &mut DbConnection, customer: &Customer, now_ms: i64) -> Result<(), BankError> {
    let terminals = match Payer::bound_to(db_tx, &customer.name).await? {
        Some(payer) => payer.terminals(db_tx).await?,
        None => Vec::new(),
    };
    let mut told: Vec<&Address> = terminals.iter().filter_map(|terminal| terminal.address.as_ref()).collect();
    if !told.contains(&&customer.telephone) {
        told.push(&customer.telephone);
    }
    for address in told {
        Notice::queue(db_tx, address, &customer.language, Said::CodesGuessed, now_ms).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
