//! Aliases and cards as rows: sealed on the way in, opened on the way out.

use envelope::KeptCard;
use envelope::vault::{FactorSecret, NewCard};
use payment::Amount;
use protocol::vault_api::{AliasView, KeptCardView};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::at_rest::{AtRest, Place};
use super::audit;
use super::error::VaultError;
use super::key_ring::Ring;
use super::name::AliasName;
use crate::clock::unsigned_ms;
use crate::password::PasswordVerifier;
use crate::storage::DbConnection;

/// Wrong tries after which an alias is locked for a while.
pub(super) const TRIES_MAX: i64 = 5;
/// How long the first lock lasts, in milliseconds; each that follows without a right try between lasts twice as long.
const LOCK_MS: i64 = 15 * 60 * 1_000;
/// How long a lock lasts at most, in milliseconds.
const LOCK_MS_MAX: i64 = 24 * 60 * 60 * 1_000;
/// The most cards of one alias.
pub(super) const CARDS_MAX: usize = 8;

/// An alias.
pub(super) struct Alias {
    pub(super) id: String,
    at_rest: AtRest,
    pub(super) password: PasswordVerifier,
    pub(super) last_step: i64,
    tries_left: i64,
    locks: i64,
    locked_until_ms: i64,
    created_ms: i64,
}

#[derive(sqlx::FromRow)]
struct AliasRow {
    alias_id: String,
    key_version: i64,
    wrapped_key: String,
    sealed: String,
    password: String,
    last_step: i64,
    tries_left: i64,
    locks: i64,
    locked_until_ms: i64,
    created_ms: i64,
}

impl TryFrom<AliasRow> for Alias {
    type Error = VaultError;

    fn try_from(row: AliasRow) -> Result<Self, VaultError> {
        Ok(Self {
            at_rest: AtRest { key_version: row.key_version, wrapped_key: row.wrapped_key, sealed: row.sealed },
            password: PasswordVerifier::parse(&row.password).ok_or(VaultError::Stored("alias.password"))?,
            id: row.alias_id,
            last_step: row.last_step,
            tries_left: row.tries_left,
            locks: row.locks,
            locked_until_ms: row.locked_until_ms,
            created_ms: row.created_ms,
        })
    }
}

/// What is sealed of an alias: its name, and the second factor's secret in hexadecimal.
#[derive(Serialize, Deserialize)]
struct AliasContent {
    name: String,
    factor: Zeroizing<String>,
}

impl AliasContent {
    fn to_json(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(self).expect("two strings are always JSON"))
    }

    fn factor(&self) -> Result<FactorSecret, VaultError> {
        let bytes = hex::decode(&*self.factor).map(Zeroizing::new).map_err(|_| WRONG)?;
        FactorSecret::from_bytes(&bytes).ok_or(WRONG)
    }
}

const WRONG: VaultError = VaultError::Stored("alias");

/// An alias to be.
pub(super) struct NewAlias<'a> {
    pub(super) name: &'a AliasName,
    pub(super) password: &'a PasswordVerifier,
    pub(super) factor: &'a FactorSecret,
    /// The step whose code showed that the second factor is set up.
    pub(super) step: i64,
}

impl Alias {
    /// The alias with this name, if there is one.
    pub(super) async fn find(
        db_tx: &mut DbConnection,
        ring: &Ring,
        name: &AliasName,
    ) -> Result<Option<Self>, VaultError> {
        let row: Option<AliasRow> = sqlx::query_as("SELECT * FROM alias WHERE name_mac = $1")
            .bind(ring.name_mac(name))
            .fetch_optional(db_tx)
            .await?;
        row.map(Self::try_from).transpose()
    }

    /// The same alias as it is stored now.
    pub(super) async fn again(&self, db_tx: &mut DbConnection) -> Result<Self, VaultError> {
        let row: AliasRow =
            sqlx::query_as("SELECT * FROM alias WHERE alias_id = $1").bind(&self.id).fetch_one(db_tx).await?;
        row.try_into()
    }

    /// Stores a new one.
    pub(super) async fn insert(
        db_tx: &mut DbConnection,
        ring: &Ring,
        new: &NewAlias<'_>,
        now_ms: i64,
    ) -> Result<String, VaultError> {
        let alias_id = hex::encode(crate::keys::random::<16>());
        let factor = Zeroizing::new(hex::encode(new.factor.expose()));
        let content = AliasContent { name: new.name.shown().to_owned(), factor };
        let at_rest = AtRest::seal(ring, Place::Alias(&alias_id), &content.to_json())?;
        sqlx::query(
            "INSERT INTO alias (alias_id, name_mac, key_version, wrapped_key, sealed, password, last_step, tries_left, locks, \
             locked_until_ms, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9)",
        )
        .bind(&alias_id)
        .bind(ring.name_mac(new.name))
        .bind(at_rest.key_version)
        .bind(at_rest.wrapped_key)
        .bind(at_rest.sealed)
        .bind(new.password.to_text())
        .bind(new.step)
        .bind(TRIES_MAX)
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(alias_id)
    }

    /// Whether nothing is compared for it now.
    pub(super) fn is_locked(&self, now_ms: i64) -> bool {
        now_ms < self.locked_until_ms
    }

    /// What its second factor's codes are made of.
    pub(super) fn factor(&self, ring: &Ring) -> Result<FactorSecret, VaultError> {
        self.content(ring)?.factor()
    }

    fn content(&self, ring: &Ring) -> Result<AliasContent, VaultError> {
        let json = self.at_rest.open(ring, Place::Alias(&self.id))?;
        serde_json::from_slice(&json).map_err(|_| WRONG)
    }

    /// Its owner was there: the code of this step is taken, and every try forgiven.
    pub(super) async fn let_in(&self, db_tx: &mut DbConnection, step: i64) -> Result<(), VaultError> {
        let stored = sqlx::query(
            "UPDATE alias SET last_step = $2, tries_left = $3, locks = 0, locked_until_ms = 0 \
             WHERE alias_id = $1 AND last_step < $2",
        )
        .bind(&self.id)
        .bind(step)
        .bind(TRIES_MAX)
        .execute(db_tx)
        .await?;
        expect_one(stored.rows_affected())
    }

    /// Somebody tried in vain; whether that locked it.
    pub(super) async fn wrong_try(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<bool, VaultError> {
        let locks_now = self.tries_left <= 1;
        let (tries_left, locks, until_ms) = if locks_now {
            let lasts_ms =
                LOCK_MS.checked_shl(u32::try_from(self.locks).unwrap_or(u32::MAX).min(16)).unwrap_or(i64::MAX);
            (TRIES_MAX, self.locks + 1, now_ms + lasts_ms.clamp(LOCK_MS, LOCK_MS_MAX))
        } else {
            (self.tries_left - 1, self.locks, self.locked_until_ms)
        };
        let stored =
            sqlx::query("UPDATE alias SET tries_left = $2, locks = $3, locked_until_ms = $4 WHERE alias_id = $1")
                .bind(&self.id)
                .bind(tries_left)
                .bind(locks)
                .bind(until_ms)
                .execute(db_tx)
                .await?;
        expect_one(stored.rows_affected())?;
        Ok(locks_now)
    }

    /// The vault's staff let it in again.
    pub(super) async fn unlock(&self, db_tx: &mut DbConnection) -> Result<(), VaultError> {
        sqlx::query("UPDATE alias SET tries_left = $2, locks = 0, locked_until_ms = 0 WHERE alias_id = $1")
            .bind(&self.id)
            .bind(TRIES_MAX)
            .execute(db_tx)
            .await?;
        Ok(())
    }

    /// Sets another password.
    pub(super) async fn set_password(
        &self,
        db_tx: &mut DbConnection,
        password: &PasswordVerifier,
    ) -> Result<(), VaultError> {
        let stored = sqlx::query("UPDATE alias SET password = $2 WHERE alias_id = $1")
            .bind(&self.id)
            .bind(password.to_text())
            .execute(db_tx)
            .await?;
        expect_one(stored.rows_affected())
    }

    /// Sets another second factor, whose code of this step was shown.
    pub(super) async fn set_factor(
        &self,
        db_tx: &mut DbConnection,
        ring: &Ring,
        factor: &FactorSecret,
        step: i64,
    ) -> Result<(), VaultError> {
        let mut content = self.content(ring)?;
        content.factor = Zeroizing::new(hex::encode(factor.expose()));
        let at_rest = AtRest::seal(ring, Place::Alias(&self.id), &content.to_json())?;
        let stored = sqlx::query(
            "UPDATE alias SET key_version = $2, wrapped_key = $3, sealed = $4, last_step = $5 WHERE alias_id = $1",
        )
        .bind(&self.id)
        .bind(at_rest.key_version)
        .bind(at_rest.wrapped_key)
        .bind(at_rest.sealed)
        .bind(step)
        .execute(db_tx)
        .await?;
        expect_one(stored.rows_affected())
    }

    /// Forgets it, and every card with its data key.
    pub(super) async fn remove(&self, db_tx: &mut DbConnection) -> Result<(), VaultError> {
        sqlx::query("DELETE FROM card WHERE alias_id = $1").bind(&self.id).execute(&mut *db_tx).await?;
        let removed = sqlx::query("DELETE FROM alias WHERE alias_id = $1").bind(&self.id).execute(db_tx).await?;
        expect_one(removed.rows_affected())
    }

    /// Its cards, by their numbers.
    pub(super) async fn cards(&self, db_tx: &mut DbConnection) -> Result<Vec<Card>, VaultError> {
        let rows: Vec<CardRow> = sqlx::query_as("SELECT * FROM card WHERE alias_id = $1 ORDER BY place")
            .bind(&self.id)
            .fetch_all(db_tx)
            .await?;
        rows.into_iter().map(Card::try_from).collect()
    }

    /// The card with this number.
    pub(super) async fn card(&self, db_tx: &mut DbConnection, place: u8) -> Result<Option<Card>, VaultError> {
        Ok(self.cards(db_tx).await?.into_iter().find(|card| card.place == place))
    }

    /// What is stored, for its owner.
    pub(super) async fn view(&self, db_tx: &mut DbConnection, ring: &Ring) -> Result<AliasView, VaultError> {
        let cards = self.cards(db_tx).await?;
        Ok(AliasView {
            name: self.content(ring)?.name,
            created_ms: unsigned_ms(self.created_ms),
            cards: cards.iter().map(|card| card.view(ring)).collect::<Result<_, _>>()?,
            audit: audit::of_alias(db_tx, &self.id).await?,
        })
    }
}

/// A card that is kept.
pub(super) struct Card {
    pub(super) entry_id: String,
    pub(super) place: u8,
    at_rest: AtRest,
    added_ms: i64,
}

#[derive(sqlx::FromRow)]
struct CardRow {
    entry_id: String,
    place: i64,
    key_version: i64,
    wrapped_key: String,
    sealed: String,
    added_ms: i64,
}

impl TryFrom<CardRow> for Card {
    type Error = VaultError;

    fn try_from(row: CardRow) -> Result<Self, VaultError> {
        Ok(Self {
            entry_id: row.entry_id,
            place: u8::try_from(row.place).map_err(|_| VaultError::Stored("card.place"))?,
            at_rest: AtRest { key_version: row.key_version, wrapped_key: row.wrapped_key, sealed: row.sealed },
            added_ms: row.added_ms,
        })
    }
}

/// A card that was opened.
pub(super) struct OpenedCard {
    pub(super) label: String,
    pub(super) limit: Option<Amount>,
    pub(super) card: KeptCard,
}

impl Card {
    /// Keeps a card under the first free number; false when there are as many as may be, or the place is another's.
    pub(super) async fn insert(
        db_tx: &mut DbConnection,
        ring: &Ring,
        alias_id: &str,
        new: &NewCard,
        now_ms: i64,
    ) -> Result<bool, VaultError> {
        let places: Vec<i64> = sqlx::query_scalar("SELECT place FROM card WHERE alias_id = $1 ORDER BY place")
            .bind(alias_id)
            .fetch_all(&mut *db_tx)
            .await?;
        let entry_id = hex::encode(new.entry_id);
        let taken: Option<i64> = sqlx::query_scalar("SELECT 1 FROM card WHERE entry_id = $1")
            .bind(&entry_id)
            .fetch_optional(&mut *db_tx)
            .await?;
        if places.len() >= CARDS_MAX || taken.is_some() {
            return Ok(false);
        }
        let place = (1..=i64::from(u8::MAX)).find(|place| !places.contains(place)).unwrap_or(1);
        let at_rest = AtRest::seal(ring, Place::Card(&entry_id), &content_of(new))?;
        sqlx::query(
            "INSERT INTO card (entry_id, alias_id, place, key_version, wrapped_key, sealed, added_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&entry_id)
        .bind(alias_id)
        .bind(place)
        .bind(at_rest.key_version)
        .bind(at_rest.wrapped_key)
        .bind(at_rest.sealed)
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(true)
    }

    /// Forgets it, with its data key.
    pub(super) async fn remove(&self, db_tx: &mut DbConnection) -> Result<(), VaultError> {
        let removed = sqlx::query("DELETE FROM card WHERE entry_id = $1").bind(&self.entry_id).execute(db_tx).await?;
        expect_one(removed.rows_affected())
    }

    /// Sets another limit, under a data key of its own as before.
    pub(super) async fn set_limit(
        &self,
        db_tx: &mut DbConnection,
        ring: &Ring,
        limit_minor: u64,
        currency: [u8; 3],
    ) -> Result<(), VaultError> {
        let mut content = self.at_rest.open(ring, Place::Card(&self.entry_id))?;
        let limit = [limit_minor.to_be_bytes().as_slice(), currency.as_slice()].concat();
        content.get_mut(..limit.len()).ok_or(VaultError::Stored("card"))?.copy_from_slice(&limit);
        let at_rest = AtRest::seal(ring, Place::Card(&self.entry_id), &content)?;
        let stored = sqlx::query("UPDATE card SET key_version = $2, wrapped_key = $3, sealed = $4 WHERE entry_id = $1")
            .bind(&self.entry_id)
            .bind(at_rest.key_version)
            .bind(at_rest.wrapped_key)
            .bind(at_rest.sealed)
            .execute(db_tx)
            .await?;
        expect_one(stored.rows_affected())
    }

    /// The sixteen bytes of its place.
    pub(super) fn entry(&self) -> Result<[u8; 16], VaultError> {
        let bytes = hex::decode(&self.entry_id).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or(VaultError::Stored("card.entry_id"))
    }

    /// The card in clear.
    pub(super) fn open(&self, ring: &Ring) -> Result<OpenedCard, VaultError> {
        let content = self.at_rest.open(ring, Place::Card(&self.entry_id))?;
        opened(&content).ok_or(VaultError::Stored("card"))
    }

    fn view(&self, ring: &Ring) -> Result<KeptCardView, VaultError> {
        let OpenedCard { label, limit, card } = self.open(ring)?;
        Ok(KeptCardView {
            place: self.place,
            label,
            last_four: card.card().pan.last_four(),
            expiry_yymm: String::from_utf8_lossy(&card.card().expiry_yymm).into_owned(),
            limit,
            added_ms: unsigned_ms(self.added_ms),
        })
    }
}

/// Limit, its currency, the label with its length, and the card.
fn content_of(new: &NewCard) -> Zeroizing<Vec<u8>> {
    let label_len = u16::try_from(new.label.len()).unwrap_or(u16::MAX).to_be_bytes();
    let card = new.card.to_bytes();
    let parts: [&[u8]; 5] =
        [&new.limit_minor.to_be_bytes(), &new.limit_currency, &label_len, new.label.as_bytes(), &card];
    Zeroizing::new(parts.concat())
}

/// The counterpart of [`content_of`].
fn opened(content: &[u8]) -> Option<OpenedCard> {
    let (limit_minor, rest) = content.split_first_chunk::<8>()?;
    let (currency, rest) = rest.split_first_chunk::<3>()?;
    let (label_len, rest) = rest.split_first_chunk::<2>()?;
    let (label, card) = rest.split_at_checked(usize::from(u16::from_be_bytes(*label_len)))?;
    let minor = i64::try_from(u64::from_be_bytes(*limit_minor)).ok()?;
    let currency = std::str::from_utf8(currency).ok()?.parse().ok()?;
    Some(OpenedCard {
        label: std::str::from_utf8(label).ok()?.to_owned(),
        limit: (minor > 0).then(|| Amount::new(minor, currency)),
        card: KeptCard::from_bytes(card)?,
    })
}

/// The row that was read a moment ago in the same step must be the one that is written.
fn expect_one(rows: u64) -> Result<(), VaultError> {
    if rows == 1 { Ok(()) } else { Err(VaultError::Conflict("a row")) }
}
