//! The merchant's own tool: builds and signs an order, and talks to the payment server's merchant API.

use std::path::PathBuf;

use envelope::{Merchant, SigningKey, jws};
use payment::order::OrderDraft;
use payment::{Amount, Currency, MerchantId, Method, Order, OrderItem, RequestId};
use protocol::Problem;
use protocol::merchant_api::{CreatePaymentRequest, PayerIdentifier, PaymentRequestView};
use reqwest::{Certificate, Client, RequestBuilder};
use zeroize::Zeroizing;

use crate::clock::now_ms;
use crate::keys::{self, DataFolder, KeysError, MerchantFacts};

mod access;
mod calls;
mod export;
mod refund;
mod vouchers;

pub use self::vouchers::VouchersCommand;
pub use access::AccessOptions;
pub use calls::CallCommand;
pub use export::ExportOptions;
pub use refund::RefundOptions;

/// How long one call may take.
const CALL_DEADLINE: std::time::Duration = std::time::Duration::from_secs(20);

/// Why the tool failed.
#[derive(Debug, thiserror::Error)]
pub enum MerchantToolError {
    /// A key or profile could not be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The order breaks a rule.
    #[error(transparent)]
    Order(#[from] payment::OrderError),
    /// The refund order breaks a rule.
    #[error(transparent)]
    Refund(#[from] payment::RefundError),
    /// An argument is malformed.
    #[error("{0}")]
    Argument(String),
    /// The server could not be reached, or its answer could not be read.
    #[error("the payment server cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// The server refused.
    #[error("{0}")]
    Refused(Box<Problem>),
}

/// Where the merchant's files are, and the server.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// The data folder with the merchant's keys.
    #[arg(long)]
    data: PathBuf,
    /// Which merchant.
    #[arg(long)]
    merchant: MerchantId,
    /// The payment server's address; by default the one in the data folder.
    #[arg(long)]
    server: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What the tool does.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Signs an order and asks for its payment.
    Request(RequestOptions),
    /// Shows a request.
    Show {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// The request.
        id: RequestId,
    },
    /// Withdraws a request.
    Cancel {
        #[command(flatten)]
        /// Where.
        place: Place,
        /// The request.
        id: RequestId,
    },
    /// Signs a refund order and gives back of a paid request.
    Refund(RefundOptions),
    /// Writes what was paid on some days, for `tapseal reconcile`.
    Export(ExportOptions),
    /// Writes the secret file that makes a wallet this merchant's till.
    Access(AccessOptions),
    /// Prepaid vouchers of its own.
    #[command(subcommand)]
    Vouchers(VouchersCommand),
    /// Further calls of the merchant API.
    #[command(flatten)]
    Call(CallCommand),
}

/// A new order.
#[derive(Debug, clap::Args)]
pub struct RequestOptions {
    #[command(flatten)]
    place: Place,
    /// How much, as a decimal number such as 12.80.
    #[arg(long)]
    amount: String,
    /// ISO 4217 code; by default the merchant's own currency.
    #[arg(long)]
    currency: Option<Currency>,
    /// The merchant's reference.
    #[arg(long)]
    order: String,
    /// A line of the order, as name:quantity:total.
    #[arg(long = "item")]
    items: Vec<String>,
    /// Whom to ask, by e-mail.
    #[arg(long, conflicts_with_all = ["phone", "payment_number"])]
    email: Option<String>,
    /// Whom to ask, by phone number (E.164).
    #[arg(long)]
    phone: Option<String>,
    /// Whom to ask, by a one-time payment number that the payer told.
    #[arg(long, conflicts_with = "phone")]
    payment_number: Option<String>,
    /// How long it can be paid, in seconds.
    #[arg(long, default_value_t = 300)]
    expires_s: u64,
    /// A way it may be paid, such as card; may be given several times. By default every way that the merchant takes.
    #[arg(long = "method")]
    methods: Vec<Method>,
}

/// Runs a command and prints the answer.
pub async fn run(command: Command) -> Result<(), MerchantToolError> {
    let (place, view) = match command {
        Command::Request(options) => {
            let view = request(&options).await?;
            (options.place, view)
        }
        Command::Show { place, id } => {
            let view = Caller::of(&place)?.show(id).await?;
            (place, view)
        }
        Command::Cancel { place, id } => {
            let view = Caller::of(&place)?.cancel(id).await?;
            (place, view)
        }
        Command::Refund(options) => {
            let view = refund::refund(&options).await?;
            if options.place.json {
                println!("{}", serde_json::to_string(&view).expect("a view is always JSON"));
            } else {
                refund::print(&view);
            }
            return Ok(());
        }
        Command::Export(options) => return export::export(&options).await,
        Command::Access(options) => return access::write(&options),
        Command::Vouchers(command) => return vouchers::run(command),
        Command::Call(command) => return calls::run(command).await,
    };
    if place.json {
        println!("{}", serde_json::to_string(&view).expect("a view is always JSON"));
    } else {
        print(&view);
    }
    Ok(())
}

fn print(view: &PaymentRequestView) {
    println!("{}  {}  {}  {}", view.id, view.order_number, view.amount, view.state.name());
    println!("match words: {} ({})", view.match_words.join(" "), view.match_words_zh.join(" "));
    if let (Some(link), Some(deep_link)) = (&view.link, &view.deep_link) {
        println!("link: {link}\ndeep link: {deep_link}");
    }
}

async fn request(options: &RequestOptions) -> Result<PaymentRequestView, MerchantToolError> {
    let (id, body) = signed_order(options)?;
    Caller::of(&options.place)?.create(&body, &id.to_string()).await
}

/// A new order, signed, as the body that asks for its payment.
fn signed_order(options: &RequestOptions) -> Result<(RequestId, CreatePaymentRequest), MerchantToolError> {
    let folder = DataFolder::new(&options.place.data);
    let merchant = &options.place.merchant;
    let facts: MerchantFacts = keys::read_json(&folder.merchant(merchant, "profile.json"))?;
    let seed = keys::read_key(&folder.merchant(merchant, "signing.key"))?;
    let key: SigningKey<Merchant> = SigningKey::from_bytes(&seed);
    let currency = options.currency.unwrap_or(facts.currency);
    let created_ms = now_ms();
    let order = Order::new(OrderDraft {
        request_id: RequestId::from_parts(created_ms, &keys::random()),
        merchant_id: facts.merchant_id,
        order_number: options.order.clone(),
        amount: Amount::new(minor_units(&options.amount, currency)?, currency),
        created_ms,
        expires_ms: created_ms.saturating_add(options.expires_s.saturating_mul(1_000)),
        payee_name: facts.display_name,
        items: options.items.iter().map(|text| item(text, currency)).collect::<Result<_, _>>()?,
        methods: (!options.methods.is_empty()).then(|| options.methods.iter().copied().collect()),
    })?;
    let email = options.email.clone().map(PayerIdentifier::Email);
    let phone = options.phone.clone().map(PayerIdentifier::Phone);
    let payer = email.or(phone).or(options.payment_number.clone().map(PayerIdentifier::PaymentNumber));
    let body = CreatePaymentRequest { order: jws::sign(&key, jws::TYP_ORDER, &order.canonical()), payer };
    Ok((order.request_id, body))
}

/// Minor units of a decimal number, whose fraction has at most the currency's digits.
fn minor_units(text: &str, currency: Currency) -> Result<i64, MerchantToolError> {
    let malformed = |_| MerchantToolError::Argument(format!("{text}: not an amount of {currency}"));
    Ok(Amount::from_decimal(text, currency).map_err(malformed)?.minor())
}

fn item(text: &str, currency: Currency) -> Result<OrderItem, MerchantToolError> {
    let malformed = || MerchantToolError::Argument(format!("{text}: an item is name:quantity:total"));
    let mut parts = text.rsplitn(3, ':');
    let (Some(total), Some(quantity), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed());
    };
    Ok(OrderItem {
        name: name.to_owned(),
        quantity: quantity.parse().map_err(|_| malformed())?,
        total_minor: minor_units(total, currency)?,
    })
}

/// The merchant API, called with one merchant's key.
struct Caller {
    client: Client,
    server: String,
    api_key: Zeroizing<String>,
}

impl Caller {
    fn of(place: &Place) -> Result<Self, MerchantToolError> {
        let folder = DataFolder::new(&place.data);
        let ca = Certificate::from_pem(keys::read_text(&folder.tls_ca())?.as_bytes())?;
        let server = match &place.server {
            Some(server) => server.clone(),
            None => keys::read_text(&folder.payment_server("public-url"))?,
        };
        Ok(Self {
            client: Client::builder().tls_certs_only([ca]).https_only(true).timeout(CALL_DEADLINE).build()?,
            server: server.trim().trim_end_matches('/').to_owned(),
            api_key: Zeroizing::new(keys::read_text(&folder.merchant(&place.merchant, "api-key"))?.trim().to_owned()),
        })
    }

    async fn create(&self, body: &CreatePaymentRequest, key: &str) -> Result<PaymentRequestView, MerchantToolError> {
        let call = self.client.post(format!("{}/v1/payment-requests", self.server));
        self.send(call.header("idempotency-key", key).json(body)).await
    }

    async fn show(&self, id: RequestId) -> Result<PaymentRequestView, MerchantToolError> {
        self.send(self.client.get(format!("{}/v1/payment-requests/{id}", self.server))).await
    }

    async fn cancel(&self, id: RequestId) -> Result<PaymentRequestView, MerchantToolError> {
        let call = self.client.post(format!("{}/v1/payment-requests/{id}/cancel", self.server));
        self.send(call.header("idempotency-key", format!("cancel-{id}"))).await
    }

    async fn send<T: serde::de::DeserializeOwned>(&self, call: RequestBuilder) -> Result<T, MerchantToolError> {
        let answer = call.bearer_auth(self.api_key.as_str()).send().await?;
        if answer.status().is_success() {
            return Ok(answer.json().await?);
        }
        Err(MerchantToolError::Refused(Box::new(answer.json().await?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_may_have_colons_in_its_name() {
        let item = item("Menu: lunch:2:9.80", "USD".parse().unwrap()).unwrap();
        assert_eq!((item.name.as_str(), item.quantity, item.total_minor), ("Menu: lunch", 2, 980));
    }
}
