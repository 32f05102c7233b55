//! The commands around an alias: paying by it, setting it up with a card that is read here, and looking after it.
//!
//! Name and password wait in the wallet for a few minutes between the steps; the second factor's code is typed for each,
//! since a vault takes a code once.

use payment::{Amount, RequestId};
use serde::{Deserialize, Serialize};

use super::history::ExportView;
use super::means::{FrontView, TypedSecret, means_commands};
use super::{CheckoutView, Command, ReaderTestView};
use crate::vault_api::AliasView;

/// The most cards that a vault keeps under one name.
pub const CARDS_MAX: u8 = 8;

means_commands! {
    /// Pays a request by alias. The vault is asked at once, so it cannot be stopped.
    AliasPay {
        /// Which request.
        request_id: RequestId,
        /// The vault that keeps the cards.
        vault_id: String,
        /// The name.
        name: String,
        /// Its password.
        password: TypedSecret,
        /// The second factor's code of now.
        code: TypedSecret,
        /// Which of the cards, by its number; zero for the first.
        place: u8,
    } = "alias_pay" -> CheckoutView;
    /// The vaults there are, and what is being done about an alias.
    AliasState {} = "alias_state" -> AliasStateView;
    /// Begins to set an alias up. Nothing is sent yet; the password waits here, ten minutes at most.
    AliasBegin {
        /// The vault that shall keep the cards.
        vault_id: String,
        /// The name.
        name: String,
        /// The password it shall have.
        password: TypedSecret,
    } = "alias_begin" -> AliasDeskView;
    /// Waits for a card and reads it for the alias that is being set up or looked after. What it is at, `watch` tells.
    AliasReadCard {
        /// What its owner calls it; may be empty.
        label: String,
        /// The most one payment may take; none for no bound but the bank's.
        limit: Option<Amount>,
        /// The reader's id; none for the first that shows a card.
        reader: Option<String>,
    } = "alias_read_card" -> ReaderTestView;
    /// Draws a second factor, or shows the one that was drawn and not handed over yet.
    AliasFactor {} = "alias_factor" -> FactorView;
    /// Has the vault open the alias with the card that was read. Its owner is signed in then.
    AliasEnrol {
        /// The first code of the second factor.
        code: TypedSecret,
    } = "alias_enrol" -> AliasDeskView;
    /// Signs in to look after an alias. The password waits here, five minutes at most.
    AliasSignIn {
        /// The vault.
        vault_id: String,
        /// The name.
        name: String,
        /// Its password.
        password: TypedSecret,
        /// The second factor's code of now.
        code: TypedSecret,
    } = "alias_sign_in" -> AliasDeskView;
    /// Has the vault do something. None when the alias is no more.
    AliasChange {
        /// What.
        deed: AliasDeed,
        /// The second factor's code of now.
        code: TypedSecret,
    } = "alias_change" -> Option<AliasDeskView>;
    /// Keeps what the vault has, as it last told, as a file.
    AliasExport {
        /// Where; none to be asked, or to be given the file where there is nobody to ask.
        path: Option<String>,
    } = "alias_export" -> ExportView;
    /// Remembers the name of the alias that is looked after, or forgets whichever is remembered.
    AliasRemember {
        /// Whether it shall be.
        is_remembered: bool,
    } = "alias_remember" -> ();
    /// Signs out, or stops setting up: what was typed is wiped.
    AliasLeave {} = "alias_leave" -> ();
}

/// What a vault can be asked to do for whoever is signed in.
#[derive(Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum AliasDeed {
    /// Keeps the card that was read.
    AddCard,
    /// Forgets a card.
    RemoveCard {
        /// Which, by its number.
        place: u8,
    },
    /// Sets another limit for a card.
    SetLimit {
        /// Which, by its number.
        place: u8,
        /// The most one payment may take; none for no bound but the bank's.
        limit: Option<Amount>,
    },
    /// Sets another password.
    SetPassword {
        /// The new one.
        password: TypedSecret,
    },
    /// Sets the second factor that was drawn.
    SetFactor {
        /// Its first code.
        new_code: TypedSecret,
    },
    /// Forgets the alias and all its cards.
    Remove,
}

/// The vaults, and what is being done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasStateView {
    /// The vaults that the operator lists.
    pub vaults: Vec<FrontView>,
    /// The alias that is being set up or looked after.
    pub desk: Option<AliasDeskView>,
}

/// An alias that is being set up or looked after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasDeskView {
    /// The vault.
    pub vault: FrontView,
    /// The name.
    pub name: String,
    /// When what was typed is forgotten, ms since the Unix epoch by the server's clock.
    pub until_ms: u64,
    /// The last four digits of a card that was read and not handed over yet.
    pub card: Option<String>,
    /// What the vault keeps; none while the alias is being set up.
    pub alias: Option<AliasView>,
}

/// What sets an authenticator up. It is shown, and leaves the page with the screen: so it has no `Debug` and no `Clone`.
#[derive(Serialize, Deserialize)]
pub struct FactorView {
    /// The address to scan.
    pub qr_svg: String,
    /// The secret to type, in groups of four.
    pub secret: String,
}

/// What a wallet remembers of an alias, where that was asked for. It pays nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAlias {
    /// The vault.
    pub vault_id: String,
    /// The name.
    pub name: String,
    /// The card that paid last, by its number; zero for the first.
    pub place: u8,
    /// Its cards, as the vault last told.
    pub cards: Vec<AliasCard>,
}

/// A card of an alias, to be chosen by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasCard {
    /// Its number.
    pub place: u8,
    /// What its owner calls it; may be empty.
    pub label: String,
    /// Its last four digits.
    pub last_four: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_names_itself_on_the_wire_and_a_long_secret_is_none() {
        let json = r#"{"deed":{"deed":"remove_card","place":2},"code":"12345678"}"#;
        let change: AliasChange = serde_json::from_str(json).unwrap();
        assert!(matches!(change.deed, AliasDeed::RemoveCard { place: 2 }));
        assert_eq!(change.code.expose(), "12345678");
        let long = serde_json::json!({ "deed": { "deed": "set_password", "password": "x".repeat(257) }, "code": "1" });
        assert!(serde_json::from_value::<AliasChange>(long).is_err());
    }
}
