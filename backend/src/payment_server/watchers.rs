//! Who waits for news of one thing: an attempt's decision, a device's inbox.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Waiters by what they wait for. News carry no content: whoever is woken reads the database.
pub(super) struct Watchers<K>(Mutex<HashMap<K, watch::Sender<()>>>);

impl<K> Default for Watchers<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Eq + Hash> Watchers<K> {
    /// Starts to listen. To miss nothing, listen first and read the database then.
    pub(super) fn listen(&self, key: K) -> watch::Receiver<()> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asks for a place clears away those nobody listens to any more, when it is worth it.
        if waiting.len() >= 64 && waiting.len().is_power_of_two() {
            waiting.retain(|_, sender| sender.receiver_count() > 0);
        }
        waiting.entry(key).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Wakes whoever listens.
    #[allow(clippy::needless_pass_by_value, reason = "a key is an id, handed over as it is to `listen`")]
    pub(super) fn tell(&self, key: K) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nobody = waiting.get(&key).is_some_and(|sender| sender.send(()).is_err());
        if nobody {
            waiting.remove(&key);
        }
    }

    /// Wakes everybody.
    pub(super) fn tell_all(&self) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, sender| sender.send(()).is_ok());
    }

    /// Whether nobody listens to anything.
    pub(super) fn is_idle(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_between_listening_and_waiting_are_not_missed() {
        let watchers = Watchers::default();
        let mut news = watchers.listen(1);
        watchers.tell(1);
        news.changed().await.unwrap();
        drop(news);
        watchers.tell(1);
        assert!(watchers.is_idle());
    }

    #[test]
    fn places_nobody_listens_to_are_cleared() {
        let watchers = Watchers::default();
        for key in 0..1_000 {
            drop(watchers.listen(key));
        }
        assert!(watchers.0.lock().unwrap().len() <= 128);
    }
}
