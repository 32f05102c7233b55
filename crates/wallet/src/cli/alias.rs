//! `alias` and `pay --alias`: what a vault keeps, looked after; password and code are typed, or lines of standard input.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use envelope::SecretBytes;
use envelope::vault::{FactorSecret, NewCard};
use payment::{Amount, Currency};
use protocol::vault_api::AliasView;
use protocol::{ErrorCode, Problem};
use serde_json::json;

use super::by_code::line;
use super::{Cli, print};
use crate::checkout::AliasWish;
use crate::vault::{CardWish, Owner, set_up};
use crate::wallet::Wallet;

/// What to do with an alias.
#[derive(Subcommand)]
pub(super) enum AliasCommand {
    /// Opens an alias: reads a card, shows what sets the second factor up, and takes a password and a first code.
    Enrol {
        /// The name: 3 to 64 letters and digits of any script; never a card number.
        name: String,
        #[command(flatten)]
        vault: VaultArgs,
        #[command(flatten)]
        card: CardArgs,
    },
    /// Shows what the vault keeps, and what was done with it.
    Show(NameArgs),
    /// Writes the same into a file.
    Export {
        #[command(flatten)]
        name: NameArgs,
        /// The file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Has the vault keep one more card.
    AddCard {
        #[command(flatten)]
        name: NameArgs,
        #[command(flatten)]
        card: CardArgs,
    },
    /// Has the vault forget a card.
    RemoveCard {
        #[command(flatten)]
        name: NameArgs,
        /// Which, by its number.
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..))]
        place: u8,
    },
    /// Sets another limit for a card.
    Limit {
        #[command(flatten)]
        name: NameArgs,
        /// Which, by its number.
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..))]
        place: u8,
        /// The most one payment may take, in minor units; zero for no bound but the bank's.
        #[arg(long)]
        limit_minor: u32,
        /// The limit's currency.
        #[arg(long, default_value = "USD")]
        limit_currency: Currency,
    },
    /// Sets another password: one line more.
    Password(NameArgs),
    /// Sets another second factor: a code of the new one is one line more.
    Factor(NameArgs),
    /// Has the vault forget the alias and all its cards.
    Remove(NameArgs),
}

impl AliasCommand {
    /// The card that is read, where one is.
    fn card(&self) -> Option<&CardArgs> {
        match self {
            Self::Enrol { card, .. } | Self::AddCard { card, .. } => Some(card),
            Self::Show(_)
            | Self::Export { .. }
            | Self::RemoveCard { .. }
            | Self::Limit { .. }
            | Self::Password(_)
            | Self::Factor(_)
            | Self::Remove(_) => None,
        }
    }
}

/// Which vault.
#[derive(Args)]
pub(super) struct VaultArgs {
    /// The vault's id, when the operator lists more than one.
    #[arg(long, value_name = "ID")]
    vault: Option<String>,
}

/// Whose alias. Password and code are asked for, or read from standard input, a line each.
#[derive(Args)]
pub(super) struct NameArgs {
    /// The alias.
    name: String,
    #[command(flatten)]
    vault: VaultArgs,
}

/// A card to be kept.
#[derive(Args)]
pub(super) struct CardArgs {
    /// The reader, as `pay` takes it; else the first that shows a card.
    #[arg(long, env = "TAPSEAL_READER")]
    reader: Option<String>,
    /// How long to wait for the card, in seconds.
    #[arg(long, default_value_t = 60)]
    card_wait_s: u64,
    /// What you call the card.
    #[arg(long, default_value = "")]
    label: String,
    /// The most one payment may take, in minor units; no bound but the bank's when absent.
    #[arg(long, default_value_t = 0)]
    limit_minor: u64,
    /// The limit's currency.
    #[arg(long, default_value = "USD")]
    limit_currency: Currency,
}

/// Paying by alias.
#[derive(Args)]
pub(super) struct PayByAlias {
    /// Pays with a card that a vault keeps under this name. Password and code are asked for, or read from standard input,
    /// a line each.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["pin_stdin", "code", "voucher"])]
    pub(super) alias: Option<String>,
    /// The vault's id, when the operator lists more than one.
    #[arg(long, value_name = "ID", requires = "alias")]
    vault: Option<String>,
    /// Which of the cards, by its number.
    #[arg(long, value_name = "NUMBER", requires = "alias", default_value_t = 0)]
    alias_card: u8,
}

impl PayByAlias {
    /// What pays, once password and code are typed.
    pub(super) async fn wish(&self, name: &str, as_json: bool) -> Result<AliasWish, Problem> {
        let owner = owner(name, self.vault.clone(), as_json).await?;
        Ok(AliasWish { owner, place: self.alias_card })
    }
}

pub(super) async fn run(cli: &Cli, command: &AliasCommand) -> Result<(), Problem> {
    let mut config = cli.place.config()?;
    // No reader is opened by a name that was not configured.
    config.readers.extend(command.card().and_then(|card| card.reader.clone()));
    let wallet = cli.place.open_with(config).await?;
    wallet.sync().await?;
    match command {
        AliasCommand::Enrol { name, vault, card } => enrol(cli, &wallet, name, vault, card).await,
        AliasCommand::Show(name) => show(cli, &wallet.alias_show(name.owner(cli).await?).await?),
        AliasCommand::Export { name, out } => {
            let view = wallet.alias_show(name.owner(cli).await?).await?;
            write_out(cli, &view, out)
        }
        AliasCommand::AddCard { name, card } => {
            let card = card.read(&wallet, name.vault.vault.clone()).await?;
            told_card(cli);
            show(cli, &wallet.alias_add_card(name.owner(cli).await?, card).await?)
        }
        AliasCommand::RemoveCard { name, place } => {
            show(cli, &wallet.alias_remove_card(name.owner(cli).await?, *place).await?)
        }
        AliasCommand::Limit { name, place, limit_minor, limit_currency } => {
            let limit = (*limit_minor > 0).then(|| Amount::new(i64::from(*limit_minor), *limit_currency));
            show(cli, &wallet.alias_set_limit(name.owner(cli).await?, *place, limit).await?)
        }
        AliasCommand::Password(name) => {
            let owner = name.owner(cli).await?;
            let password = secret("New password: ", cli.json).await?;
            show(cli, &wallet.alias_set_password(owner, password).await?)
        }
        AliasCommand::Factor(name) => factor(cli, &wallet, name).await,
        AliasCommand::Remove(name) => {
            wallet.alias_remove(name.owner(cli).await?).await?;
            if cli.json {
                print::json(&json!({ "forgotten": true }));
            } else {
                println!("The vault has forgotten {} and every card.", name.name);
            }
            Ok(())
        }
    }
}

async fn enrol(cli: &Cli, wallet: &Wallet, name: &str, vault: &VaultArgs, card: &CardArgs) -> Result<(), Problem> {
    let vault_id = wallet.vault_id(vault.vault.as_deref()).await?;
    let card = card.read(wallet, Some(vault_id.clone())).await?;
    told_card(cli);
    let factor = FactorSecret::draw();
    told_factor(cli, &set_up(&vault_id, name, &factor));
    let owner = owner(name, Some(vault_id), cli.json).await?;
    show(cli, &wallet.alias_enrol(owner, factor, card).await?)
}

async fn factor(cli: &Cli, wallet: &Wallet, name: &NameArgs) -> Result<(), Problem> {
    let owner = name.owner(cli).await?;
    let vault_id = wallet.vault_id(name.vault.vault.as_deref()).await?;
    let factor = FactorSecret::draw();
    told_factor(cli, &set_up(&vault_id, &name.name, &factor));
    let code = secret("Code of the new one: ", cli.json).await?;
    show(cli, &wallet.alias_set_factor(owner, factor, code).await?)
}

impl NameArgs {
    async fn owner(&self, cli: &Cli) -> Result<Owner, Problem> {
        owner(&self.name, self.vault.vault.clone(), cli.json).await
    }
}

impl CardArgs {
    async fn read(&self, wallet: &Wallet, vault_id: Option<String>) -> Result<Box<NewCard>, Problem> {
        let wish = CardWish {
            vault_id,
            label: self.label.clone(),
            limit_minor: self.limit_minor,
            currency: self.limit_currency,
        };
        wallet.vault_card(wish, self.reader.as_deref(), Duration::from_secs(self.card_wait_s)).await
    }
}

async fn owner(name: &str, vault_id: Option<String>, as_json: bool) -> Result<Owner, Problem> {
    let password = secret("Password: ", as_json).await?;
    let code = secret("Code: ", as_json).await?;
    Ok(Owner { vault_id, name: name.to_owned(), password, code })
}

async fn secret(prompt: &'static str, as_json: bool) -> Result<SecretBytes, Problem> {
    let typed = line(prompt, !as_json && io::stdin().is_terminal()).await?;
    Ok(SecretBytes::copy_of(typed.trim_end().as_bytes()))
}

fn told_card(cli: &Cli) {
    if cli.json {
        print::json(&json!({ "stage": "card_read" }));
    } else {
        println!("The card is read; you may take it.");
    }
}

fn told_factor(cli: &Cli, address: &str) {
    if cli.json {
        print::json(&json!({ "stage": "second_factor", "address": address }));
    } else {
        println!("Set your authenticator up with this; it is shown once:\n{address}");
    }
}

fn write_out(cli: &Cli, view: &AliasView, out: &Path) -> Result<(), Problem> {
    let failed = |error: io::Error| Problem::new(ErrorCode::ExportFailed).with_detail(error.to_string());
    let text = serde_json::to_string_pretty(view).map_err(|error| failed(error.into()))?;
    std::fs::write(out, text + "\n").map_err(failed)?;
    if cli.json {
        print::json(&json!({ "file": out }));
    } else {
        println!("Written to {}.", out.display());
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "it ends every command alike")]
fn show(cli: &Cli, view: &AliasView) -> Result<(), Problem> {
    if cli.json {
        print::json(view);
        return Ok(());
    }
    println!("{}, since {}", view.name, print::time(view.created_ms));
    for card in &view.cards {
        let limit = card.limit.map_or_else(String::new, |limit| format!(", at most {limit} a payment"));
        let (year, month) = card.expiry_yymm.split_at_checked(2).unwrap_or_default();
        println!("{}  ••{} to {month}/{year} {}{limit}", card.place, card.last_four, card.label);
    }
    for event in &view.audit {
        let attempt = event.attempt_id.map_or_else(String::new, |id| format!(" for attempt {id}"));
        println!("   {} {}{attempt}", print::time(event.at_ms), event.what);
    }
    Ok(())
}
