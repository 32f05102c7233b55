//! Commands around paying a request: the ways to pay, putting it off, and what became of it afterwards.

use payment::{AttemptId, RequestId};
use serde::{Deserialize, Serialize};

pub use super::alias::{AliasCard, KeptAlias};
use super::{Command, RequestView};
use crate::error::ErrorCode;

commands! {
    /// The ways to pay that this wallet has. The one the person chose last is marked.
    PaymentMethods {} = "payment_methods" -> Vec<MethodView>;
    /// Remembers how the person wants to pay, from now on. Starts nothing.
    ChooseMethod {
        /// The way to pay.
        method: Method,
    } = "choose_method" -> Vec<MethodView>;
    /// Puts a request off until a time; then it comes back by itself.
    PostponeUntil {
        /// Which.
        request_id: RequestId,
        /// When it comes back, ms since the Unix epoch.
        until_ms: u64,
    } = "postpone_until" -> RequestView;
    /// Brings a request back that was put off.
    BringBack {
        /// Which.
        request_id: RequestId,
    } = "bring_back" -> RequestView;
    /// The request that a receipt is of, as it stands now; none when it is not kept any more.
    RequestOfReceipt {
        /// The attempt the receipt proves.
        attempt_id: AttemptId,
    } = "request_of_receipt" -> Option<RequestView>;
}

/// A way to pay, and what the person set for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Method {
    /// A name that stands for cards which a vault keeps.
    Alias {
        /// What is remembered of it, if it shall be.
        kept: Option<KeptAlias>,
    },
    /// A payment card at a reader.
    Card {
        /// The reader's id; none for the first that shows a card.
        reader: Option<String>,
    },
    /// A code that comes by another channel.
    Code {
        /// Who pays, if it shall be remembered.
        identity_code: Option<String>,
    },
    /// A prepaid voucher.
    Voucher {
        /// The bank that sold the last one.
        bank_id: Option<String>,
    },
    /// On the bill of a telephone line.
    Carrier {
        /// Which line; none while this wallet is enrolled with no operator.
        bill: Option<BillChoice>,
    },
}

/// A telephone line whose bill pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillChoice {
    /// The operator's id.
    pub operator: String,
    /// Its name.
    pub operator_name: String,
    /// The number, in international form.
    pub number: String,
}

impl Method {
    /// Which way it is, whatever was set for it.
    pub const fn kind(&self) -> payment::Method {
        match self {
            Self::Alias { .. } => payment::Method::Alias,
            Self::Card { .. } => payment::Method::Card,
            Self::Code { .. } => payment::Method::Code,
            Self::Voucher { .. } => payment::Method::Voucher,
            Self::Carrier { .. } => payment::Method::Carrier,
        }
    }
}

/// A way to pay that is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodView {
    /// The way, as it was set last.
    pub method: Method,
    /// Whether it is the one to pay with unless the person says otherwise.
    pub chosen: bool,
    /// Why it cannot be used now, such as `no_reader`.
    pub trouble: Option<ErrorCode>,
}

/// What is being done about a payment whose outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The bank is asked what became of it.
    Asking,
    /// The bank is told to undo it.
    Undoing,
    /// People look at it.
    Checking,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_names_its_kind_on_the_wire() {
        let method = Method::Card { reader: Some("pcsc:ACR1252".to_owned()) };
        let json = serde_json::to_string(&method).unwrap();
        assert_eq!(json, r#"{"kind":"card","reader":"pcsc:ACR1252"}"#);
        assert_eq!(serde_json::from_str::<Method>(&json).unwrap(), method);
    }
}
