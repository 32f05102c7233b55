//! Reading a card so that a vault can keep it: for nothing, and for one place in that vault.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use envelope::vault::NewCard;
use envelope::{KeptCard, place_hash};
use payment::{Amount, AttemptHash, Currency};
use protocol::ErrorCode;

use super::Listed;
use crate::card::{self, CardEvent, Presented, Terminal, Watcher};
use crate::error::{Result, WalletError};
use crate::readers::ReaderError;
use crate::wallet::Wallet;

/// A card that shall be read to be kept.
pub struct CardWish {
    /// The vault's id; the only one when none is named.
    pub vault_id: Option<String>,
    /// The reader; else the first that shows a card.
    pub reader: Option<String>,
    /// How long to wait for the card.
    pub wait: Duration,
    /// What its owner calls it; may be empty.
    pub label: String,
    /// The most one payment may take, in minor units of `currency`; zero for no bound but the bank's.
    pub limit_minor: u64,
    /// The limit's currency.
    pub currency: Currency,
}

/// Waits for a card and reads it. A chip must give a cryptogram, and a bank that is connected must answer for it.
pub(super) async fn read(wallet: &Wallet, wish: CardWish) -> Result<NewCard> {
    let keys = wallet.core.keys.refresh(&wallet.core.server).await?;
    let now_ms = wallet.core.server.now_ms();
    let listed = Listed::of(&keys, wish.vault_id.as_deref(), now_ms)?;
    let mut entry_id = [0; 16];
    getrandom::fill(&mut entry_id).expect("the operating system has randomness");
    let terminal = Terminal {
        // Zero: what the card signs is good for no payment.
        amount: Amount::new(0, wish.currency),
        country: wallet.core.config.terminal_country,
        attempt_hash: AttemptHash::from_bytes(place_hash(&listed.profile.vault_id, &entry_id)),
        merchant_name: listed.profile.display_name.clone(),
        now_ms,
        ca_keys: wallet.core.ca_keys.clone(),
    };
    let presented = present(wallet, wish.reader.as_deref(), wish.wait, terminal).await?;
    let card = KeptCard::of(presented.to_seal()?).map_err(|_| WalletError::Code(ErrorCode::CardUnusable))?;
    drop(presented);
    keys.bank_for(&card.card().pan.iin())?;
    let limit_currency = wish.currency.code().as_bytes().try_into().unwrap_or(*b"XXX");
    Ok(NewCard { entry_id, label: wish.label, limit_minor: wish.limit_minor, limit_currency, card })
}

/// Reads on a thread of its own; of several applications the card's first choice is taken.
async fn present(wallet: &Wallet, reader: Option<&str>, wait: Duration, terminal: Terminal) -> Result<Presented> {
    let places = wallet.core.readers.places(reader)?;
    let deadline = Instant::now() + wait;
    let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
    let watcher = Watcher { events, stop: Arc::new(AtomicBool::new(false)) };
    let reading = tokio::task::spawn_blocking(move || {
        // A card in its slot need not wait for a bank that is not asked.
        card::read_to_pay(&places, &terminal, deadline, &watcher).map(|(reading, _)| reading.read)
    });
    while let Some(event) = told.recv().await {
        if let CardEvent::Choose { answer, .. } = event {
            let _ = answer.send(0);
        }
    }
    reading.await.map_err(|_| ReaderError::Failed("the reading stopped".to_owned()))?
}
