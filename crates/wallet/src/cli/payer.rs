//! The commands about the payer themself: identifiers, payment numbers, and who may ask them for money.

use clap::{Args, Subcommand, ValueEnum};
use payment::{Amount, Currency, MerchantId, RequestId};
use protocol::ipc::payer::{NumberView, SenderName};
use protocol::wallet_api::{PaymentNumberStatus, ReportReason};
use protocol::{ErrorCode, Problem};

use super::{Cli, print, synced};

/// What is done with payment numbers.
#[derive(Subcommand)]
pub(super) enum NumbersCommand {
    /// Makes one and shows it.
    Create {
        /// The most that may be asked for under it, in minor units such as cents.
        #[arg(long, requires = "currency", value_name = "MINOR")]
        max: Option<i64>,
        /// The currency of that.
        #[arg(long, requires = "max")]
        currency: Option<Currency>,
        /// The only merchant that may use it; without, the first one that does.
        #[arg(long)]
        merchant: Option<MerchantId>,
        /// How long it can be used: 1 to 60.
        #[arg(long, default_value_t = 10)]
        minutes: u32,
    },
    /// Lists those of the last day.
    List,
    /// Takes one back.
    Revoke {
        /// Its id.
        id: String,
    },
}

/// What to report.
#[derive(Args)]
pub(super) struct ReportArgs {
    /// The request.
    id: RequestId,
    /// What is wrong with it.
    #[arg(long, value_enum)]
    reason: Reason,
    /// More about it, for the operator.
    #[arg(long)]
    note: Option<String>,
}

/// A reason's name on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Reason {
    /// You have nothing to do with this merchant.
    NotExpected,
    /// It gives itself out as somebody else.
    Impersonation,
    /// You were told another amount or another thing.
    Misleading,
    /// Something else.
    Other,
}

impl From<Reason> for ReportReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NotExpected => Self::NotExpected,
            Reason::Impersonation => Self::Impersonation,
            Reason::Misleading => Self::Misleading,
            Reason::Other => Self::Other,
        }
    }
}

pub(super) async fn release(cli: &Cli, identifier: &str) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    print::status(cli.json, &wallet.claim_release(identifier.to_owned()).await?);
    Ok(())
}

pub(super) async fn numbers(cli: &Cli, command: &NumbersCommand) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    match command {
        NumbersCommand::Create { max, currency, merchant, minutes } => {
            let max = max.zip(*currency).map(|(minor, currency)| Amount::new(minor, currency));
            let made = wallet.payment_number_create(max, merchant.clone(), *minutes).await?;
            number(cli.json, &made);
        }
        NumbersCommand::List => list(cli.json, &wallet.payment_numbers().await?),
        NumbersCommand::Revoke { id } => list(cli.json, &wallet.payment_number_revoke(id.clone()).await?),
    }
    Ok(())
}

pub(super) async fn accept_sender(cli: &Cli, id: RequestId) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    print::request(cli.json, &wallet.accept_sender(id).await?);
    Ok(())
}

pub(super) async fn block(cli: &Cli, id: RequestId) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    print::requests(cli.json, &wallet.block_merchant(id).await?);
    Ok(())
}

pub(super) async fn unblock(cli: &Cli, merchant: &MerchantId) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    merchants(cli.json, &wallet.unblock(merchant.clone()).await?);
    Ok(())
}

pub(super) async fn blocked(cli: &Cli) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    merchants(cli.json, &wallet.blocked().await?);
    Ok(())
}

pub(super) async fn report(cli: &Cli, args: &ReportArgs) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    print::requests(cli.json, &wallet.report_request(args.id, args.reason.into(), args.note.clone()).await?);
    Ok(())
}

fn number(as_json: bool, number: &NumberView) {
    if as_json {
        return print::json(number);
    }
    match &number.number {
        Some(digits) => println!("{digits}"),
        None => println!("{}", Problem::new(ErrorCode::Internal).title),
    }
    let scope = number.max.map_or_else(|| "any amount".to_owned(), |max| format!("at most {max}"));
    let payee = number.payee.as_deref().unwrap_or("the first shop to use it");
    println!("  {scope}, {payee}, until {}", print::time(number.expires_ms));
    println!("  id {}", number.id);
}

fn list(as_json: bool, numbers: &[NumberView]) {
    if as_json {
        return print::json(&numbers);
    }
    if numbers.is_empty() {
        println!("No payment numbers.");
    }
    for number in numbers {
        let status = match number.status {
            PaymentNumberStatus::Open => "open",
            PaymentNumberStatus::Used => "used",
            PaymentNumberStatus::Expired => "expired",
            PaymentNumberStatus::Revoked => "taken back",
        };
        let payee = number.payee.as_deref().unwrap_or("-");
        println!("{status:<10}  {payee:<28} {}  {}", print::time(number.expires_ms), number.id);
    }
}

fn merchants(as_json: bool, merchants: &[SenderName]) {
    if as_json {
        return print::json(&merchants);
    }
    if merchants.is_empty() {
        println!("Nobody.");
    }
    for merchant in merchants {
        println!("{:<28} {}", merchant.name, merchant.merchant_id);
    }
}
