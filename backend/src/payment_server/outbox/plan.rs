//! Which deliveries a request gets: one to the identifier itself. Devices get theirs from [`recipients`] a moment later, so
//! that storing a request takes the same time whether or not anybody claimed the identifier.
//!
//! [`recipients`]: super::super::recipients

use payment::{MerchantId, RequestId};
use protocol::merchant_api::{DeliveryView, PayerIdentifier};
use zeroize::Zeroizing;

use super::super::claims;
use super::super::{Error, templates};
use super::reminder::remind_ms;
use super::{NewDelivery, Purpose, Told, address, insert};
use crate::clock::signed_ms;
use crate::storage::DbConnection;

/// A request that is to reach its payer.
pub(in super::super) struct Plan<'a> {
    /// The request.
    pub(in super::super) request_id: RequestId,
    /// Whose it is.
    pub(in super::super) merchant_id: &'a MerchantId,
    /// The merchant's country, which says the language when nothing else does.
    pub(in super::super) country: &'a str,
    /// Whom to reach.
    pub(in super::super) payer: &'a PayerIdentifier,
    /// When it was made, and when it ends.
    pub(in super::super) created_ms: u64,
    pub(in super::super) expires_ms: u64,
    /// After how long the payer is reminded, if the operator says; zero for never.
    pub(in super::super) remind_after_ms: Option<u64>,
    /// Token and key of the link, with `#` between them.
    pub(in super::super) link: Zeroizing<String>,
}

/// Stores the deliveries inside the step that stores the request. The answer is what the merchant may know: the same
/// whether or not anybody claimed the identifier.
pub(in super::super) async fn insert_all(db_tx: &mut DbConnection, plan: Plan<'_>) -> Result<Vec<DeliveryView>, Error> {
    let now_ms = plan.created_ms;
    let request = (plan.request_id, plan.merchant_id.clone());
    let language = claims::language_of(db_tx, plan.payer).await?;
    let mut views = Vec::new();
    if let Some((channel, target)) = address(plan.payer) {
        let language = language.unwrap_or_else(|| templates::language_for(plan.payer, plan.country).to_owned());
        let delivery = NewDelivery {
            request: Some(request),
            purpose: Purpose::Request,
            channel,
            target: target.clone(),
            language,
            secret: Some(plan.link),
            told: Told::AtOnce,
        };
        views.push(insert(db_tx, &delivery, now_ms).await?);
        sqlx::query("UPDATE payment_request SET remind_ms = $1 WHERE id = $2")
            .bind(remind_ms(plan.created_ms, plan.expires_ms, plan.remind_after_ms).map(signed_ms))
            .bind(plan.request_id.to_string())
            .execute(db_tx)
            .await?;
    }
    Ok(views)
}
