//! What a merchant sets at the till: the catalogue, which stays here, and webhooks and keys, which the server keeps.

use protocol::ipc::merchant::CatalogueItem;
use protocol::merchant_api::{
    AccessView, ApiKeyView, CreateApiKey, CreateWebhook, Scope, WebhookDeliveriesPage, WebhookView, WebhooksView,
};
use protocol::{ErrorCode, Problem};
use serde::Serialize;

use super::new_key;
use crate::error::WalletError;
use crate::wallet::Wallet;

/// The setting that keeps the catalogue.
const SETTING_CATALOGUE: &str = "catalogue";
/// The most things that are sold with one tap.
const CATALOGUE_MAX: usize = 200;

type Answer<T> = std::result::Result<T, Problem>;

impl Wallet {
    /// The things that are sold with one tap.
    pub async fn catalogue(&self) -> Answer<Vec<CatalogueItem>> {
        let kept = self.core.store.setting(SETTING_CATALOGUE).await?;
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Keeps the things that are sold with one tap, in this order.
    pub async fn save_catalogue(&self, items: Vec<CatalogueItem>) -> Answer<Vec<CatalogueItem>> {
        self.till()?;
        let sellable = |item: &CatalogueItem| {
            let name = item.name.trim();
            !name.is_empty() && name.chars().count() <= payment::order::NAME_CHARS_MAX && item.price.is_payable()
        };
        if items.len() > CATALOGUE_MAX || !items.iter().all(sellable) {
            let why = format!("at most {CATALOGUE_MAX} things, each with a name and a price");
            return Err(WalletError::Detailed(ErrorCode::InvalidInput, why).into());
        }
        let text = serde_json::to_string(&items).expect("wire types are always JSON");
        self.core.store.save_setting(SETTING_CATALOGUE, &text).await?;
        Ok(items)
    }

    /// The webhook endpoints.
    pub async fn webhooks(&self) -> Answer<Vec<WebhookView>> {
        let answer: WebhooksView = self.till()?.api.get("/v1/webhooks", &[]).await?;
        Ok(answer.webhooks)
    }

    /// Makes an endpoint; its secret is in this answer only.
    pub async fn webhook_create(&self, url: String, events: Vec<String>) -> Answer<WebhookView> {
        let body = bytes(&CreateWebhook { url: url.trim().to_owned(), events });
        Ok(self.till()?.api.post("/v1/webhooks", &new_key(), &body).await?)
    }

    /// Gives an endpoint another secret, which is in this answer only.
    pub async fn webhook_rotate(&self, webhook_id: String) -> Answer<WebhookView> {
        let path = format!("/v1/webhooks/{}/rotate", named(&webhook_id)?);
        Ok(self.till()?.api.post(&path, &new_key(), &[]).await?)
    }

    /// Removes an endpoint.
    pub async fn webhook_delete(&self, webhook_id: String) -> Answer<Vec<WebhookView>> {
        self.till()?.api.delete(&format!("/v1/webhooks/{}", named(&webhook_id)?)).await?;
        self.webhooks().await
    }

    /// Sends a test event to an endpoint.
    pub async fn webhook_test(&self, webhook_id: String) -> Answer<WebhookDeliveriesPage> {
        let path = format!("/v1/webhooks/{}/test", named(&webhook_id)?);
        self.till()?.api.post::<serde_json::Value>(&path, &new_key(), &[]).await?;
        self.webhook_deliveries(webhook_id, None).await
    }

    /// An endpoint's deliveries, newest first.
    pub async fn webhook_deliveries(
        &self,
        webhook_id: String,
        cursor: Option<String>,
    ) -> Answer<WebhookDeliveriesPage> {
        let path = format!("/v1/webhooks/{}/deliveries", named(&webhook_id)?);
        let query: Vec<(&str, String)> = cursor.map(|cursor| ("cursor", cursor)).into_iter().collect();
        Ok(self.till()?.api.get(&path, &query).await?)
    }

    /// Delivers a message again.
    pub async fn webhook_redeliver(&self, webhook_id: String, delivery_id: String) -> Answer<WebhookDeliveriesPage> {
        let path = format!("/v1/webhooks/{}/deliveries/{}/redeliver", named(&webhook_id)?, named(&delivery_id)?);
        self.till()?.api.post::<serde_json::Value>(&path, &new_key(), &[]).await?;
        self.webhook_deliveries(webhook_id, None).await
    }

    /// API keys and certificates.
    pub async fn access(&self) -> Answer<AccessView> {
        Ok(self.till()?.api.get("/v1/access", &[]).await?)
    }

    /// Makes an API key; the key itself is in this answer only.
    pub async fn api_key_create(&self, name: String, scopes: Vec<Scope>) -> Answer<ApiKeyView> {
        let body = bytes(&CreateApiKey { name: name.trim().to_owned(), scopes });
        Ok(self.till()?.api.post("/v1/api-keys", &new_key(), &body).await?)
    }

    /// Ends an API key at once.
    pub async fn api_key_revoke(&self, key_id: String) -> Answer<AccessView> {
        self.till()?.api.delete(&format!("/v1/api-keys/{}", named(&key_id)?)).await?;
        self.access().await
    }
}

fn bytes<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).expect("wire types are always JSON")
}

/// An id as it may stand in a path.
fn named(id: &str) -> Result<&str, WalletError> {
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if plain && id.len() <= 128 { Ok(id) } else { Err(WalletError::Code(ErrorCode::NotFound)) }
}
