//! The ways to pay, and the one the person chose last. A way is a module of its own and a line in each `match` here.

mod card;

use protocol::ipc::pay::{Method, MethodView};
use protocol::{ErrorCode, Problem};

use crate::error::Result;
use crate::wallet::Wallet;

/// The setting that keeps the choice.
const SETTING_METHOD: &str = "payment_method";

impl Wallet {
    /// The ways to pay that this wallet has. The one the person chose last is marked.
    pub async fn payment_methods(&self) -> std::result::Result<Vec<MethodView>, Problem> {
        let chosen = self.chosen_method().await?;
        let mut views = Vec::new();
        for method in [card::usual()] {
            let is_chosen = same_kind(&method, &chosen);
            let method = if is_chosen { chosen.clone() } else { method };
            views.push(MethodView { trouble: self.trouble_of(&method).await?, method, chosen: is_chosen });
        }
        Ok(views)
    }

    /// Remembers how the person wants to pay, from now on.
    pub async fn choose_method(&self, method: Method) -> std::result::Result<Vec<MethodView>, Problem> {
        let text = serde_json::to_string(&method).expect("a method is always JSON");
        self.core.store.save_setting(SETTING_METHOD, &text).await?;
        self.payment_methods().await
    }

    /// The choice, or a card at any reader.
    async fn chosen_method(&self) -> Result<Method> {
        let kept = self.core.store.setting(SETTING_METHOD).await?;
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(card::usual))
    }

    async fn trouble_of(&self, method: &Method) -> std::result::Result<Option<ErrorCode>, Problem> {
        match method {
            Method::Card { reader } => Ok(card::trouble(&self.readers().await?, reader.as_deref())),
        }
    }
}

/// Whether two are the same way, whatever was set for them.
fn same_kind(one: &Method, other: &Method) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}
