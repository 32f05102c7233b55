//! Limits of a card: shown and set.

use clap::{Args, Subcommand};

use super::card::{self, CardName};
use super::print;
use crate::bank_front::card::{Card, Limits, StripeUse, Velocity};
use crate::bank_front::error::BankError;
use crate::bank_front::open_database;

/// What to do with limits.
#[derive(Debug, Subcommand)]
pub enum LimitCommand {
    /// Shows a card's limits.
    Show(CardName),
    /// Sets those that are named, and leaves the others. Amounts are minor units of the card's currency.
    Set(Box<LimitOptions>),
}

/// Which limits to set.
#[derive(Debug, Args)]
pub struct LimitOptions {
    /// Which card.
    #[command(flatten)]
    card: CardName,
    /// The most one payment may take.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    payment_minor: Option<i64>,
    /// The most one UTC day may take.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    day_minor: Option<i64>,
    /// The most one payment may take without a PIN, where the card is a phone or a watch.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    device_minor: Option<i64>,
    /// The most one swipe may take.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    stripe_minor: Option<i64>,
    /// What a swipe is worth: never, `without_chip` or fallback.
    #[arg(long, value_parser = stripe_use)]
    stripe_use: Option<StripeUse>,
    /// The most payments within a time, as PAYMENTS/SECONDS such as 5/3600; none lifts the bound.
    #[arg(long, value_parser = velocity)]
    velocity: Option<VelocityChange>,
}

/// What is set of a card's velocity.
#[derive(Debug, Clone, Copy)]
struct VelocityChange(Option<Velocity>);

fn stripe_use(name: &str) -> Result<StripeUse, String> {
    let known = [StripeUse::Never, StripeUse::WithoutChip, StripeUse::Fallback];
    known.into_iter().find(|usage| usage.as_str() == name).ok_or_else(|| "never, without_chip or fallback".to_owned())
}

fn velocity(text: &str) -> Result<VelocityChange, String> {
    if text == "none" {
        return Ok(VelocityChange(None));
    }
    let positive = |part: &str| part.parse::<u32>().ok().filter(|value| *value > 0);
    let parts = text.split_once('/').and_then(|(payments, window)| Some((positive(payments)?, positive(window)?)));
    let (payments, window_s) = parts.ok_or_else(|| "PAYMENTS/SECONDS such as 5/3600, or none".to_owned())?;
    Ok(VelocityChange(Some(Velocity { payments, window_s })))
}

pub(super) async fn run(command: LimitCommand) -> Result<(), BankError> {
    match command {
        LimitCommand::Show(name) => show(&name).await,
        LimitCommand::Set(options) => set(*options).await,
    }
}

async fn show(name: &CardName) -> Result<(), BankError> {
    let db = open_database(&name.folder.home()).await?;
    let account_id = name.account_id();
    let card = Card::named(&mut *db.reader().acquire().await?, &name.last_four, account_id.as_ref()).await?;
    print(&name.folder, &card::view(&card), || {
        format!("{} ••{}: {}", card.scheme, card.last_four, card::limits(&card))
    });
    Ok(())
}

async fn set(options: LimitOptions) -> Result<(), BankError> {
    let name = &options.card;
    let limits = Limits {
        payment_minor: options.payment_minor,
        day_minor: options.day_minor,
        device_minor: options.device_minor,
        stripe_minor: options.stripe_minor,
        stripe_use: options.stripe_use,
        velocity: options.velocity.map(|change| change.0),
    };
    let (last_four, account_id) = (name.last_four.clone(), name.account_id());
    (open_database(&name.folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move {
                let card = Card::named(db_tx, &last_four, account_id.as_ref()).await?;
                card.set_limits(db_tx, limits).await
            })
        })
        .await?;
    show(name).await
}
