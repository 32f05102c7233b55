//! Reading a card so that a vault can keep it: for nothing, and for one place in that vault.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use envelope::vault::NewCard;
use envelope::{KeptCard, place_hash};
use payment::{Amount, AttemptHash, Currency};
use protocol::ErrorCode;
use protocol::ipc::TestedCardView;

use super::Listed;
use crate::card::{self, CardEvent, Presented, Terminal, Watcher};
use crate::error::{Result, WalletError};
use crate::keyset::Keys;
use crate::reader_test::{Look, Seen};
use crate::readers::ReaderError;
use crate::wallet::Wallet;

/// A card that shall be read to be kept.
pub struct CardWish {
    /// The vault's id; the only one when none is named.
    pub vault_id: Option<String>,
    /// What its owner calls it; may be empty.
    pub label: String,
    /// The most one payment may take, in minor units of `currency`; zero for no bound but the bank's.
    pub limit_minor: u64,
    /// The limit's currency.
    pub currency: Currency,
}

/// A place in a vault that was drawn for a card, and what the card is told.
pub(crate) struct Berth {
    wish: CardWish,
    entry_id: [u8; 16],
    terminal: Terminal,
    keys: Arc<Keys>,
}

impl Berth {
    /// Draws a place in a vault that the operator lists.
    pub(crate) async fn draw(wallet: &Wallet, wish: CardWish) -> Result<Self> {
        let keys = wallet.core.keys.refresh(&wallet.core.server).await?;
        let now_ms = wallet.core.server.now_ms();
        let mut entry_id = [0; 16];
        getrandom::fill(&mut entry_id).expect("the operating system has randomness");
        let profile = Listed::of(&keys, wish.vault_id.as_deref(), now_ms)?.profile;
        let terminal = Terminal {
            // Zero: what the card signs is good for no payment.
            amount: Amount::new(0, wish.currency),
            country: wallet.core.config.terminal_country,
            attempt_hash: AttemptHash::from_bytes(place_hash(&profile.vault_id, &entry_id)),
            merchant_name: profile.display_name.clone(),
            now_ms,
            ca_keys: wallet.core.ca_keys.clone(),
        };
        Ok(Self { wish, entry_id, terminal, keys })
    }

    /// What is handed over of a card that was read. A chip must have given a cryptogram, and a bank that is connected must
    /// answer for it.
    fn take(self, presented: &Presented) -> Result<NewCard> {
        let card = KeptCard::of(presented.to_seal()?).map_err(|_| WalletError::Code(ErrorCode::CardUnusable))?;
        self.keys.bank_for(&card.card().pan.iin())?;
        let CardWish { label, limit_minor, currency, .. } = self.wish;
        let limit_currency = currency.code().as_bytes().try_into().unwrap_or(*b"XXX");
        Ok(NewCard { entry_id: self.entry_id, label, limit_minor, limit_currency, card })
    }

    /// The look that reads a card for this place, and hands it on.
    pub(crate) fn look(self, keep: impl FnOnce(Box<NewCard>, &str) -> Result<()> + Send + 'static) -> Look {
        Box::new(move |places, deadline, watcher| {
            // A card in its slot need not wait for a bank that is not asked.
            let (reading, _) = card::read_to_pay(places, &self.terminal, deadline, watcher)?;
            let presented = reading.read;
            let digits = presented.card_number().expose_digits();
            let last_four = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default().to_owned();
            keep(Box::new(self.take(&presented)?), &last_four)?;
            let exchanges = presented.exchanges();
            let card = TestedCardView { scheme: None, label: String::new(), last_four: Some(last_four) };
            Ok(Seen { reader: reading.reader, took: reading.took, exchanges, trouble: None, card })
        })
    }
}

/// Waits for a card and reads it, for whoever has no window.
pub(super) async fn read(wallet: &Wallet, wish: CardWish, reader: Option<&str>, wait: Duration) -> Result<NewCard> {
    let berth = Berth::draw(wallet, wish).await?;
    let presented = present(wallet, reader, wait, berth.terminal.clone()).await?;
    berth.take(&presented)
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
