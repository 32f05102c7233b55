//! Wrong passphrases: each is counted before it is tried, and the more there were, the longer the next one waits. The
//! count survives a restart, and nothing is ever erased because of it.

use std::time::Duration;

use crate::error::Result;
use crate::store::Store;

/// The setting that keeps the count and when the last wrong one was tried.
const SETTING_TRIES: &str = "lock_tries";

/// Wrong passphrases since the last right one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub wrong: u32,
    last_ms: u64,
}

impl Tries {
    /// Those that were counted.
    pub async fn read(store: &Store) -> Result<Self> {
        let kept = store.setting(SETTING_TRIES).await?;
        Ok(kept.and_then(|text| Self::parse(&text)).unwrap_or_default())
    }

    /// Counts one before it is tried: whoever ends the program meanwhile has used it all the same.
    pub async fn count(self, store: &Store, now_ms: u64) -> Result<()> {
        Self { wrong: self.wrong.saturating_add(1), last_ms: now_ms }.save(store).await
    }

    /// Keeps the count as it is.
    pub async fn save(self, store: &Store) -> Result<()> {
        store.save_setting(SETTING_TRIES, &format!("{} {}", self.wrong, self.last_ms)).await
    }

    /// The right one: all is forgotten.
    pub async fn forget(store: &Store) -> Result<()> {
        Self::default().save(store).await
    }

    /// How long until the next one is taken.
    pub fn wait(self, now_ms: u64) -> Duration {
        let whole = wait_after(self.wrong);
        // A clock that was set back makes nobody wait longer than the whole, and nobody less.
        let waited = Duration::from_millis(now_ms.saturating_sub(self.last_ms));
        whole.saturating_sub(waited)
    }

    fn parse(text: &str) -> Option<Self> {
        let (wrong, last_ms) = text.split_once(' ')?;
        Some(Self { wrong: wrong.parse().ok()?, last_ms: last_ms.parse().ok()? })
    }
}

/// The wait after so many wrong ones.
fn wait_after(wrong: u32) -> Duration {
    match wrong {
        0..=4 => Duration::ZERO,
        5 => Duration::from_secs(30),
        6 => Duration::from_mins(1),
        7 => Duration::from_mins(5),
        8 => Duration::from_mins(15),
        _ => Duration::from_hours(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_few_are_free_and_the_wait_grows_to_an_hour() {
        let wait = |wrong, now_ms| Tries { wrong, last_ms: 1_000_000 }.wait(now_ms).as_secs();
        assert_eq!(
            [0, 4, 5, 6, 7, 8, 9, 5_000].map(|wrong| wait(wrong, 1_000_000)),
            [0, 0, 30, 60, 300, 900, 3_600, 3_600]
        );
        assert_eq!((wait(5, 1_010_000), wait(5, 1_030_000)), (20, 0));
        assert_eq!(wait(5, 0), 30, "a clock that was set back");
    }

    #[tokio::test]
    async fn the_count_survives_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).await.unwrap();
        Tries::read(&store).await.unwrap().count(&store, 7).await.unwrap();
        store.close().await;
        let store = Store::open(home.path()).await.unwrap();
        assert_eq!(Tries::read(&store).await.unwrap(), Tries { wrong: 1, last_ms: 7 });
        Tries::forget(&store).await.unwrap();
        assert_eq!(Tries::read(&store).await.unwrap(), Tries::default());
    }
}
