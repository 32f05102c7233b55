//! The ways to pay, and the one the person chose last. A way is a line in each `match` here, and a module if it needs one.

mod alias;
mod card;

use payment::DeclineCode;
use protocol::ipc::pay::{BillChoice, Method, MethodView};
use protocol::{ErrorCode, Problem};

use crate::carrier::PhoneBill;
use crate::error::Result;
use crate::wallet::Wallet;

/// The setting that keeps the choice.
const SETTING_METHOD: &str = "payment_method";

impl Wallet {
    /// The ways to pay that this wallet has. The one the person chose last is marked.
    pub async fn payment_methods(&self) -> std::result::Result<Vec<MethodView>, Problem> {
        let chosen = self.chosen_method().await?;
        let mut ways = vec![card::usual(), Method::Code { identity_code: None }, Method::Voucher { bank_id: None }];
        if alias::is_offered(self).await? {
            ways.push(alias::usual());
        }
        let bills = self.bills().await?;
        if !bills.is_empty() || self.knows_operators().await? {
            ways.push(Method::Carrier { bill: None });
        }
        let mut views = Vec::new();
        for usual in ways {
            let is_chosen = usual.kind() == chosen.kind();
            let method = if is_chosen { chosen.clone() } else { self.kept_method(usual).await? };
            let method = as_it_stands(method, &bills);
            views.push(MethodView { trouble: self.trouble_of(&method).await?, method, chosen: is_chosen });
        }
        Ok(views)
    }

    /// Remembers how the person wants to pay, from now on, and what they set for it.
    pub async fn choose_method(&self, method: Method) -> std::result::Result<Vec<MethodView>, Problem> {
        let text = serde_json::to_string(&method).expect("a method is always JSON");
        self.core.store.save_setting(SETTING_METHOD, &text).await?;
        self.core.store.save_setting(&setting_of(method.kind()), &text).await?;
        self.payment_methods().await
    }

    /// Sets something for a way, whether or not it is the chosen one.
    pub(crate) async fn set_for_method(&self, method: &Method) -> Result<()> {
        let text = serde_json::to_string(method).expect("a method is always JSON");
        self.core.store.save_setting(&setting_of(method.kind()), &text).await?;
        if self.chosen_method().await?.kind() == method.kind() {
            self.core.store.save_setting(SETTING_METHOD, &text).await?;
        }
        Ok(())
    }

    /// The choice, or a card at any reader.
    async fn chosen_method(&self) -> Result<Method> {
        let kept = self.core.store.setting(SETTING_METHOD).await?;
        Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(card::usual))
    }

    /// What was set for a way when it was chosen last.
    async fn kept_method(&self, usual: Method) -> Result<Method> {
        let kept = self.core.store.setting(&setting_of(usual.kind())).await?;
        let kept: Option<Method> = kept.and_then(|text| serde_json::from_str(&text).ok());
        Ok(kept.filter(|method| method.kind() == usual.kind()).unwrap_or(usual))
    }

    async fn trouble_of(&self, method: &Method) -> std::result::Result<Option<ErrorCode>, Problem> {
        match method {
            Method::Card { reader } => Ok(card::trouble(&self.readers().await?, reader.as_deref())),
            Method::Carrier { bill: None } => Ok(Some(ErrorCode::Declined(DeclineCode::SubscriberKey))),
            Method::Alias { .. } | Method::Code { .. } | Method::Voucher { .. } | Method::Carrier { bill: Some(_) } => {
                Ok(None)
            }
        }
    }
}

/// A way as it was set, without a phone bill that is none any more: another one takes its place, or none.
fn as_it_stands(method: Method, bills: &[PhoneBill]) -> Method {
    let Method::Carrier { bill } = method else { return method };
    let choices = || bills.iter().map(PhoneBill::choice);
    let same = |choice: &BillChoice| {
        bill.as_ref().is_some_and(|bill| (&bill.operator, &bill.number) == (&choice.operator, &choice.number))
    };
    let bill = choices().find(same).or_else(|| choices().next());
    Method::Carrier { bill }
}

/// The setting that keeps what was set for a way.
fn setting_of(kind: payment::Method) -> String {
    format!("{SETTING_METHOD}.{kind}")
}
