//! The bank's channels: admitted by their certificates, dismissed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::table::{Column, table};
use super::{Folder, print};
use crate::bank_front::account::AcquirerId;
use crate::bank_front::channel::admission::{Channel, ChannelKind};
use crate::bank_front::error::BankError;
use crate::bank_front::open_database;
use crate::clock::{now_ms, signed_ms};

/// What to do with channels.
#[derive(Debug, Subcommand)]
pub enum ChannelCommand {
    /// Lets one of the bank's own systems speak for customers, by its certificate; another certificate takes the place of
    /// the one before.
    Admit(AdmitOptions),
    /// Lets it in no more, at once.
    Dismiss {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The channel's name.
        name: String,
    },
    /// Every channel.
    List(Folder),
}

/// A channel to be.
#[derive(Debug, Args)]
pub struct AdmitOptions {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// Its name, as the journal will have it: letters, digits and -.
    name: String,
    /// Its certificate in PEM, signed by the authority of --channel-ca.
    #[arg(long)]
    certificate: PathBuf,
    /// It is a network of terminals, whose card checks come under this acquirer's code (DE 32). Without it, it is one that
    /// authenticates customers by itself, such as online banking.
    #[arg(long, value_parser = acquirer)]
    terminals_of: Option<AcquirerId>,
}

fn acquirer(code: &str) -> Result<AcquirerId, &'static str> {
    AcquirerId::parse(code).ok_or("an acquirer has 1 to 11 digits")
}

pub(super) async fn run(command: ChannelCommand) -> Result<(), BankError> {
    match command {
        ChannelCommand::Admit(AdmitOptions { folder, name, certificate, terminals_of }) => {
            let pem = std::fs::read(&certificate).map_err(|source| BankError::file(&certificate, source))?;
            let kind = terminals_of.map_or(ChannelKind::Online, ChannelKind::Terminal);
            let at_ms = signed_ms(now_ms());
            (open_database(&folder.home()).await?)
                .write(move |db_tx| Box::pin(async move { Channel::admit(db_tx, &name, &kind, &pem, at_ms).await }))
                .await?;
            list(&folder).await
        }
        ChannelCommand::Dismiss { folder, name } => {
            (open_database(&folder.home()).await?)
                .write(move |db_tx| Box::pin(async move { Channel::dismiss(db_tx, &name).await }))
                .await?;
            list(&folder).await
        }
        ChannelCommand::List(folder) => list(&folder).await,
    }
}

async fn list(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let channels = Channel::all(&mut *db.reader().acquire().await?).await?;
    let rows: Vec<_> = channels
        .iter()
        .map(|channel| {
            let kind = match &channel.kind {
                ChannelKind::Online => "online".to_owned(),
                ChannelKind::Terminal(acquirer) => format!("terminals of {acquirer}"),
            };
            let stands = if channel.is_admitted { "admitted" } else { "dismissed" };
            [channel.name.clone(), kind, stands.to_owned(), channel.fingerprint.clone()]
        })
        .collect();
    let columns =
        [Column::Left("channel"), Column::Left("kind"), Column::Left("stands"), Column::Left("certificate (SHA-256)")];
    print(folder, &json!(channels), || table(&columns, &rows));
    Ok(())
}
