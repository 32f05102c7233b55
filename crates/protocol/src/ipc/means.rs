//! The commands that pay without a card, and those that carry what a person types for it.
//!
//! **Invariant:** a [`TypedSecret`] has no `Debug`, `Display`, `Clone` or `==`, and its memory is wiped when it is dropped.

use payment::RequestId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use super::pay::MethodView;
use super::{CheckoutView, Command};
use crate::wallet_api::CodeTerminalView;

/// The longest secret that is typed to pay, in bytes of UTF-8: a payment password of 64 characters.
pub const TYPED_BYTES_MAX: usize = 256;

/// A payment password, or a code, as the person typed it.
pub struct TypedSecret(Zeroizing<String>);

impl TypedSecret {
    /// Takes over a text; the caller keeps no copy.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for whoever seals it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Serialize for TypedSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TypedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        if text.len() > TYPED_BYTES_MAX {
            text.zeroize();
            return Err(serde::de::Error::custom("what was typed is too long"));
        }
        Ok(Self::new(text))
    }
}

/// Commands that may carry a secret: they can be neither printed nor copied.
macro_rules! means_commands {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? } = $wire:literal -> $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

            impl Command for $name {
                const NAME: &'static str = $wire;
                type Answer = $answer;
            }
        )*

        /// The names of this module's commands.
        pub(super) const NAMES: &[&str] = &[$($wire),*];
    };
}

pub(super) use means_commands;

means_commands! {
    /// The banks that can have sold a voucher.
    VoucherBanks {} = "voucher_banks" -> Vec<FrontView>;
    /// Pays a request with a voucher. Sealing begins at once, so it cannot be stopped.
    VoucherPay {
        /// Which request.
        request_id: RequestId,
        /// The bank that sold it.
        bank_id: String,
        /// Its number; groups may have spaces or hyphens between them.
        number: String,
        /// Its payment code, likewise.
        code: TypedSecret,
    } = "voucher_pay" -> CheckoutView;
    /// Begins to pay a request by code: looks up where a code can go. Nothing is sent there yet.
    CodeBegin {
        /// Which request.
        request_id: RequestId,
        /// Who pays; groups may have spaces or hyphens between them.
        identity_code: String,
        /// That it is them.
        password: TypedSecret,
    } = "code_begin" -> CodeEntryView;
    /// What was begun for a request and is not over; none when nothing was.
    CodeEntry {
        /// Which request.
        request_id: RequestId,
    } = "code_entry" -> Option<CodeEntryView>;
    /// Has the bank send a code. A later code takes the place of an earlier one.
    CodeSend {
        /// The number of a registered terminal.
        terminal: u8,
        /// Which of the payer's accounts pays, from one; zero for the usual one.
        account: u8,
        /// An address that is not registered, for the code that pays; the terminal confirms it first.
        address: Option<String>,
    } = "code_send" -> CodeEntryView;
    /// Confirms an address that is not registered by the code that came to the registered terminal.
    CodeConfirm {
        /// That code.
        code: TypedSecret,
    } = "code_confirm" -> CodeEntryView;
    /// Pays with the code that came. Sealing begins at once, so it cannot be stopped.
    CodePay {
        /// The code.
        code: TypedSecret,
    } = "code_pay" -> CheckoutView;
    /// Forgets what was begun, and wipes what was typed.
    CodeStop {} = "code_stop" -> ();
    /// Remembers no identity code any more.
    CodeForget {} = "code_forget" -> Vec<MethodView>;
    /// Where codes of the remembered identity code can go.
    CodeTerminals {} = "code_terminals" -> Vec<CodeTerminalView>;
}

/// A bank or operator that decides about a way to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontView {
    /// Its id.
    pub id: String,
    /// Its name, as its own root certified it.
    pub name: String,
}

/// A payment by code that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeEntryView {
    /// The request.
    pub request_id: RequestId,
    /// Where a code can go, in the payer's order.
    pub terminals: Vec<CodeTerminalView>,
    /// How far it is.
    #[serde(flatten)]
    pub step: CodeStep,
    /// Whether another code can be sent without the password being typed again.
    pub may_send: bool,
}

/// How far a payment by code is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum CodeStep {
    /// No code was sent yet.
    Choose,
    /// A code that confirms an address is on its way to a registered terminal.
    Confirm {
        /// That terminal's number.
        terminal: u8,
        /// What it confirms.
        address: String,
        /// When the code's time is over, ms since the Unix epoch by the server's clock.
        expires_ms: u64,
    },
    /// A code that pays is on its way.
    Sent {
        /// The number of the terminal that it goes to, or that confirmed the address.
        terminal: u8,
        /// The address that it goes to, when that is no terminal's.
        address: Option<String>,
        /// When its time is over, ms since the Unix epoch by the server's clock.
        expires_ms: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_well_on_the_wire() {
        let view = CodeEntryView {
            request_id: RequestId::from_bytes([7; 16]),
            terminals: Vec::new(),
            step: CodeStep::Sent { terminal: 1, address: None, expires_ms: 9 },
            may_send: true,
        };
        let json = serde_json::to_string(&view).unwrap();
        assert!(json.contains(r#""step":"sent","terminal":1,"address":null,"expires_ms":9"#), "{json}");
        assert_eq!(serde_json::from_str::<CodeEntryView>(&json).unwrap(), view);
    }

    #[test]
    fn a_secret_of_absurd_length_is_refused_when_it_is_read() {
        let long = serde_json::json!({ "code": "0".repeat(TYPED_BYTES_MAX + 1) });
        assert!(serde_json::from_value::<CodePay>(long).is_err());
        let right = serde_json::json!({ "code": " 1 2 " });
        assert_eq!(serde_json::from_value::<CodePay>(right).unwrap().code.expose(), " 1 2 ");
    }
}
