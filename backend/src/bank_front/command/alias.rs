//! Paying by alias, at the counter: vaults admitted, and cards whose holders want to pay so.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::card::CardName;
use super::table::{Column, table};
use super::{Folder, print};
use crate::bank_front::alias::{self, Keeper};
use crate::bank_front::card::Card;
use crate::bank_front::error::BankError;
use crate::bank_front::open_database;
use crate::clock::{now_ms, signed_ms};
use crate::keys::{self, VaultEntry};

/// What to do about paying by alias.
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// Believes a vault: its vault.json, whose fingerprint was compared with the vault by another way.
    Admit {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The file.
        file: PathBuf,
    },
    /// Believes a vault no more.
    Dismiss {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The vault's id.
        vault_id: String,
    },
    /// Every vault that was admitted.
    Vaults(Folder),
    /// Lets a card be paid with on a vault's word, up to so much a payment. Its holder asked for it.
    Allow {
        /// Which card.
        #[command(flatten)]
        card: CardName,
        /// The vault that keeps it.
        #[arg(long)]
        vault_id: String,
        /// The most one payment may take, in minor units of the account's currency.
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        limit_minor: i64,
    },
    /// Takes that back, for every vault.
    Forbid(CardName),
    /// Every card that may be paid with by alias.
    Cards(Folder),
}

pub(super) async fn run(command: AliasCommand) -> Result<(), BankError> {
    match command {
        AliasCommand::Admit { folder, file } => {
            let entry: VaultEntry = keys::read_json(&file)?;
            let at_ms = signed_ms(now_ms());
            (open_database(&folder.home()).await?)
                .write(move |db_tx| Box::pin(async move { Keeper::admit(db_tx, &entry, at_ms).await }))
                .await?;
            show_keepers(&folder).await
        }
        AliasCommand::Dismiss { folder, vault_id } => {
            (open_database(&folder.home()).await?)
                .write(move |db_tx| Box::pin(async move { Keeper::dismiss(db_tx, &vault_id).await }))
                .await?;
            show_keepers(&folder).await
        }
        AliasCommand::Vaults(folder) => show_keepers(&folder).await,
        AliasCommand::Allow { card, vault_id, limit_minor } => allow(&card, vault_id, limit_minor).await,
        AliasCommand::Forbid(card) => forbid(&card).await,
        AliasCommand::Cards(folder) => show_cards(&folder).await,
    }
}

async fn allow(name: &CardName, vault_id: String, limit_minor: i64) -> Result<(), BankError> {
    let (last_four, account_id, at_ms) = (name.last_four.clone(), name.account_id(), signed_ms(now_ms()));
    (open_database(&name.folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move {
                let card = Card::named(db_tx, &last_four, account_id.as_ref()).await?;
                alias::allow(db_tx, &card.pan_reference, &vault_id, limit_minor, at_ms).await
            })
        })
        .await?;
    show_cards(&name.folder).await
}

async fn forbid(name: &CardName) -> Result<(), BankError> {
    let (last_four, account_id) = (name.last_four.clone(), name.account_id());
    (open_database(&name.folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move {
                let card = Card::named(db_tx, &last_four, account_id.as_ref()).await?;
                alias::forbid(db_tx, &card.pan_reference).await
            })
        })
        .await?;
    show_cards(&name.folder).await
}

async fn show_keepers(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let keepers = Keeper::all(&mut *db.reader().acquire().await?).await?;
    let told = keepers.iter().map(|keeper| {
        let Keeper { vault_id, display_name, release_key, state } = keeper;
        json!({
            "vault_id": vault_id, "name": display_name, "state": state, "kid": release_key.kid(),
            "fingerprint": release_key.fingerprint(),
        })
    });
    let json: Value = told.collect();
    let columns = [Column::Left("id"), Column::Left("name"), Column::Left("state"), Column::Left("fingerprint")];
    let rows: Vec<_> = keepers
        .iter()
        .map(|keeper| {
            let Keeper { vault_id, display_name, release_key, state } = keeper;
            [vault_id.clone(), display_name.clone(), state.as_str().to_owned(), release_key.fingerprint()]
        })
        .collect();
    print(folder, &json, || table(&columns, &rows));
    Ok(())
}

async fn show_cards(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let allowed = alias::allowed(&mut *db.reader().acquire().await?).await?;
    let columns = [Column::Left("card"), Column::Left("kept by"), Column::Right("at most")];
    let rows: Vec<_> = allowed
        .iter()
        .map(|card| [format!("••{}", card.last_four), card.vault_id.clone(), card.limit_minor.to_string()])
        .collect();
    print(folder, &json!(allowed), || table(&columns, &rows));
    Ok(())
}
