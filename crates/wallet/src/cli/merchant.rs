//! `tapseal-wallet merchant`: the wallet as a merchant's till, without a window.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use payment::{Amount, Currency, RequestId};
use protocol::ipc::ItemView;
use protocol::ipc::merchant::{DayCloseView, NewSale, SaleSummary, SaleView, SalesFilter};
use protocol::merchant_api::Channel;
use protocol::{ErrorCode, Problem};

use super::{Cli, print};
use crate::merchant::trust_in;
use crate::trust::{TRUST_FILE, Trust};
use crate::wallet::Wallet;

/// How many pages of sales are listed at once.
const PAGES_MAX: usize = 20;

#[derive(Subcommand)]
pub(super) enum MerchantCommand {
    /// Makes this wallet a merchant's till, from an access file. A wallet that trusts nobody yet pins what the file does.
    Connect {
        /// The file of `tapseal merchant access`.
        file: PathBuf,
    },
    /// Says which merchant this wallet is a till of.
    Show,
    /// Forgets the merchant and its keys.
    Disconnect,
    /// Signs an order and asks for its payment.
    Sell(SellArgs),
    /// Shows one sale.
    Sale {
        /// Its request.
        id: RequestId,
    },
    /// Lists sales, newest first.
    Sales(FilterArgs),
    /// Writes the sales as a file for a spreadsheet.
    Csv {
        #[command(flatten)]
        filter: FilterArgs,
        /// Where to; by default standard output.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Withdraws a request.
    Cancel {
        /// Its request.
        id: RequestId,
    },
    /// Sends a request again.
    Resend {
        /// Its request.
        id: RequestId,
        /// `email` or `sms`.
        channel: String,
    },
    /// Gives money back, all or part.
    Refund {
        /// Its request.
        id: RequestId,
        /// How much, as a decimal number such as 12.80; by default all that is left.
        #[arg(long)]
        amount: Option<String>,
        /// Why, for the merchant's own books.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Closes a business day.
    Day {
        /// The local day, YYYY-MM-DD; by default today.
        #[arg(default_value = "")]
        date: String,
    },
    /// Lists printed counter codes, or makes one.
    Counters {
        /// The name of a new one, such as `Till 2`.
        #[arg(long)]
        new: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct SellArgs {
    /// How much, as a decimal number such as 12.80.
    #[arg(long)]
    amount: String,
    /// ISO 4217 code; by default the merchant's own currency.
    #[arg(long)]
    currency: Option<Currency>,
    /// The merchant's reference; by default the next number.
    #[arg(long, default_value = "")]
    order: String,
    /// A line of the order, as name:quantity:total.
    #[arg(long = "item")]
    items: Vec<String>,
    /// A phone number, an e-mail address or a payment number; by default only the code leads to the request.
    #[arg(long, default_value = "")]
    payer: String,
    /// The counter whose printed code shall lead to it.
    #[arg(long)]
    counter: Option<String>,
    /// How long it can be paid, in seconds.
    #[arg(long, default_value_t = 300)]
    expires_s: u32,
}

#[derive(Args)]
pub(super) struct FilterArgs {
    /// Part of an order number.
    #[arg(long, default_value = "")]
    text: String,
    /// A state's name, such as `paid`.
    #[arg(long, default_value = "")]
    status: String,
}

impl FilterArgs {
    fn filter(&self) -> SalesFilter {
        SalesFilter { text: self.text.clone(), status: self.status.clone(), from_ms: None, to_ms: None }
    }
}

/// Runs a command.
pub(super) async fn run(cli: &Cli, command: &MerchantCommand) -> Result<(), Problem> {
    if let MerchantCommand::Connect { file } = command {
        return connect(cli, file).await;
    }
    let wallet = cli.place.open().await?;
    match command {
        MerchantCommand::Connect { .. } => {}
        MerchantCommand::Show => print::json(&wallet.merchant().await?),
        MerchantCommand::Disconnect => wallet.merchant_disconnect().await?,
        MerchantCommand::Sell(args) => sale(cli, &wallet.sell(args.sale(&wallet).await?).await?),
        MerchantCommand::Sale { id } => sale(cli, &wallet.sale(*id).await?),
        MerchantCommand::Sales(filter) => sales(cli, &wallet, filter.filter()).await?,
        MerchantCommand::Csv { filter, out } => csv(&wallet, filter.filter(), out.as_deref()).await?,
        MerchantCommand::Cancel { id } => sale(cli, &wallet.sale_cancel(*id).await?),
        MerchantCommand::Resend { id, channel } => {
            let channel = Channel::from_name(channel).ok_or_else(|| invalid("the channel is `email` or `sms`"))?;
            sale(cli, &wallet.sale_resend(*id, channel).await?);
        }
        MerchantCommand::Refund { id, amount, reason } => {
            let known = wallet.sale(*id).await?;
            let amount = match amount {
                Some(text) => decimal(text, known.summary.amount.currency())?,
                None => known.refundable,
            };
            sale(cli, &wallet.sale_refund(*id, amount, reason.clone()).await?);
        }
        MerchantCommand::Day { date } => day(cli, &wallet.day_close(date.clone()).await?),
        MerchantCommand::Counters { new: Some(name) } => print::json(&wallet.counter_create(name.clone()).await?),
        MerchantCommand::Counters { new: None } => print::json(&wallet.counters().await?),
    }
    Ok(())
}

async fn connect(cli: &Cli, file: &Path) -> Result<(), Problem> {
    if cli.place.trust.is_none() && !cli.place.home()?.join(TRUST_FILE).exists() {
        Trust::pin(&cli.place.home()?, &trust_in(file)?)?;
    }
    let wallet = cli.place.open().await?;
    let path = file.to_str().ok_or_else(|| invalid("the file's name is not Unicode"))?;
    let merchant = wallet.merchant_connect(Some(path.to_owned())).await?;
    match merchant {
        Some(merchant) if !cli.json => {
            println!("This wallet takes payments for {}.", merchant.display_name);
            println!("Delete {}: it can ask for payments and give money back.", file.display());
        }
        merchant => print::json(&merchant),
    }
    Ok(())
}

impl SellArgs {
    async fn sale(&self, wallet: &Wallet) -> Result<NewSale, Problem> {
        let merchant = wallet.merchant().await?.ok_or_else(|| Problem::new(ErrorCode::NoMerchant))?;
        let own = || merchant.currency.parse().map_err(|_| invalid("the merchant's currency is not known"));
        let currency = self.currency.map_or_else(own, Ok)?;
        Ok(NewSale {
            amount: decimal(&self.amount, currency)?,
            items: self.items.iter().map(|text| item(text, currency)).collect::<Result<_, _>>()?,
            order_number: self.order.clone(),
            payer: self.payer.clone(),
            counter_id: self.counter.clone(),
            expires_s: self.expires_s,
        })
    }
}

fn invalid(why: &str) -> Problem {
    Problem::new(ErrorCode::InvalidInput).with_detail(why)
}

fn decimal(text: &str, currency: Currency) -> Result<Amount, Problem> {
    Amount::from_decimal(text, currency).map_err(|error| invalid(&format!("{text}: {error}")))
}

fn item(text: &str, currency: Currency) -> Result<ItemView, Problem> {
    let malformed = || invalid("an item is name:quantity:total");
    let mut parts = text.rsplitn(3, ':');
    let (Some(total), Some(quantity), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed());
    };
    Ok(ItemView {
        name: name.to_owned(),
        quantity: quantity.parse().map_err(|_| malformed())?,
        total: decimal(total, currency)?,
    })
}

async fn sales(cli: &Cli, wallet: &Wallet, filter: SalesFilter) -> Result<(), Problem> {
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let page = wallet.sales(filter.clone(), cursor).await?;
        for summary in &page.sales {
            line(cli, summary);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

fn line(cli: &Cli, summary: &SaleSummary) {
    if cli.json {
        return print::json(summary);
    }
    let (amount, state) = (summary.amount.to_string(), summary.state.name());
    println!("{amount:>14}  {:<24} {state:<20} {}", summary.order_number, summary.request_id);
}

async fn csv(wallet: &Wallet, filter: SalesFilter, out: Option<&Path>) -> Result<(), Problem> {
    let file = wallet.sales_csv(filter).await?;
    if let Some(path) = out {
        return std::fs::write(path, &file.text).map_err(|error| invalid(&error.to_string()));
    }
    print!("{}", file.text);
    Ok(())
}

fn sale(cli: &Cli, sale: &SaleView) {
    if cli.json {
        return print::json(sale);
    }
    let summary = &sale.summary;
    println!("{}  {}  {}", summary.amount, summary.order_number, summary.state.name());
    println!("  match words: {}", sale.match_words.join(" "));
    for refund in &sale.refunds {
        println!("  given back: {}", refund.amount);
    }
    if let Some(qr) = &sale.qr {
        println!("  link: {}", qr.link);
    }
    println!("  payable until {}", print::time(sale.expires_ms));
    println!("  id {}", summary.request_id);
}

fn day(cli: &Cli, day: &DayCloseView) {
    if cli.json {
        return print::json(day);
    }
    println!("{}", day.date);
    for total in &day.totals {
        println!("  {:>3} sales    {:>16}", total.sales, total.sold.to_string());
        println!("  {:>3} refunds  {:>16}", total.refunds, total.refunded.to_string());
        println!("      net      {:>16}", total.net.to_string());
    }
    println!("  {} can still be paid, {} not known yet", day.open, day.in_doubt);
}
