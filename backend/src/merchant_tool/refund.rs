//! Giving back: signs a refund order and sends it.

use envelope::{Merchant, SigningKey, jws};
use payment::refund::RefundDraft;
use payment::{Amount, RefundId, RefundOrder, RequestId};
use protocol::merchant_api::{CreateRefund, RefundView};

use super::{Caller, MerchantToolError, Place, minor_units};
use crate::clock::now_ms;
use crate::keys::{self, DataFolder};

/// What is given back.
#[derive(Debug, clap::Args)]
pub struct RefundOptions {
    #[command(flatten)]
    pub(super) place: Place,
    /// The request.
    id: RequestId,
    /// How much, as a decimal number such as 3.00; by default all that was asked for.
    #[arg(long)]
    amount: Option<String>,
    /// Why, for your own books.
    #[arg(long)]
    reason: Option<String>,
    /// The refund's id, to repeat a call whose answer was lost; by default a new one, which is printed first.
    #[arg(long)]
    refund_id: Option<RefundId>,
}

/// Signs and sends the refund order.
pub(super) async fn refund(options: &RefundOptions) -> Result<RefundView, MerchantToolError> {
    let caller = Caller::of(&options.place)?;
    let request = caller.show(options.id).await?;
    let currency = request.amount.currency();
    let minor = match &options.amount {
        Some(text) => minor_units(text, currency)?,
        None => request.amount.minor(),
    };
    let created_ms = now_ms();
    let refund_id = options.refund_id.unwrap_or_else(|| RefundId::from_parts(created_ms, &keys::random()));
    let order = RefundOrder::new(RefundDraft {
        refund_id,
        request_id: options.id,
        merchant_id: options.place.merchant.clone(),
        amount: Amount::new(minor, currency),
        created_ms,
        reason: options.reason.clone(),
    })?;
    if !options.place.json {
        println!("refund {refund_id}");
    }
    let folder = DataFolder::new(&options.place.data);
    let seed = keys::read_key(&folder.merchant(&options.place.merchant, "signing.key"))?;
    let key: SigningKey<Merchant> = SigningKey::from_bytes(&seed);
    let body = CreateRefund { refund: jws::sign(&key, jws::TYP_REFUND, &order.canonical()) };
    let call = caller.client.post(format!("{}/v1/payment-requests/{}/refunds", caller.server, options.id));
    caller.send(call.header("idempotency-key", refund_id.to_string()).json(&body)).await
}

/// Prints a refund for a person.
pub(super) fn print(view: &RefundView) {
    println!("{}  {}  {}", view.id, view.amount, view.status.name());
}
