//! An alias between the steps of setting it up or looking after it in the window. It lies on a
//! [`Desk`](crate::desk::Desk), for a few minutes.

use std::time::Duration;

use envelope::vault::{FactorSecret, NewCard};
use envelope::{KeptCard, SecretBytes};
use protocol::ipc::alias::{AliasCard, AliasDeskView, KeptAlias};
use protocol::ipc::means::FrontView;
use protocol::vault_api::AliasView;

use super::Owner;

/// How long an alias may take to be set up: a card is looked for, and an authenticator set up.
pub(crate) const SET_UP_LIFE: Duration = Duration::from_mins(10);
/// How long its owner stays signed in.
pub(crate) const SIGNED_IN_LIFE: Duration = Duration::from_mins(5);

/// An alias that is being set up or looked after. It holds secrets, so it has no `Debug`.
pub(crate) struct AliasEntry {
    pub(crate) vault: FrontView,
    pub(crate) name: String,
    pub(crate) password: SecretBytes,
    /// When it is forgotten, by the server's clock.
    pub(crate) until_ms: u64,
    /// What the vault told last; none while it is being set up.
    pub(crate) told: Option<AliasView>,
    /// A card that was read and not handed over yet, and its last four digits.
    pub(crate) card: Option<(Box<NewCard>, String)>,
    /// A second factor that was drawn and not handed over yet.
    pub(crate) factor: Option<FactorSecret>,
}

impl AliasEntry {
    pub(crate) fn view(&self) -> AliasDeskView {
        AliasDeskView {
            vault: self.vault.clone(),
            name: self.name.clone(),
            until_ms: self.until_ms,
            card: self.card.as_ref().map(|(_, last_four)| last_four.clone()),
            alias: self.told.clone(),
        }
    }

    /// Its owner, with the code that was typed.
    pub(crate) fn owner(&self, code: SecretBytes) -> Owner {
        Owner {
            vault_id: Some(self.vault.id.clone()),
            name: self.name.clone(),
            password: SecretBytes::copy_of(self.password.expose()),
            code,
        }
    }

    /// The card once more, so that a code that was mistyped does not cost another reading.
    pub(crate) fn card_again(&self) -> Option<Box<NewCard>> {
        let (NewCard { entry_id, label, limit_minor, limit_currency, card }, _) =
            self.card.as_ref().map(|(card, last_four)| (card.as_ref(), last_four))?;
        let card = KeptCard::from_bytes(&card.to_bytes())?;
        let (entry_id, limit_minor, limit_currency) = (*entry_id, *limit_minor, *limit_currency);
        Some(Box::new(NewCard { entry_id, label: label.clone(), limit_minor, limit_currency, card }))
    }

    /// What may be remembered of it; none while it is being set up.
    pub(crate) fn to_keep(&self) -> Option<KeptAlias> {
        let view = self.told.as_ref()?;
        let card = |card: &protocol::vault_api::KeptCardView| AliasCard {
            place: card.place,
            label: card.label.clone(),
            last_four: card.last_four.clone(),
        };
        let cards = view.cards.iter().map(card).collect();
        Some(KeptAlias { vault_id: self.vault.id.clone(), name: view.name.clone(), place: 0, cards })
    }
}
