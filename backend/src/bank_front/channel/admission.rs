//! Which systems are let in as channels: by the certificate they show, each with what it may do.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Serialize;

use crate::bank_front::account::AcquirerId;
use crate::bank_front::error::BankError;
use crate::peer_certificate::fingerprint;
use crate::storage::DbConnection;

/// The most characters of a channel's name.
const NAME_CHARACTERS_MAX: usize = 32;
/// Names that the journal gives to others.
const TAKEN: [&str; 2] = [crate::bank_front::binding::COUNTER, crate::bank_front::online::PAGE];

/// What a channel may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "acquirer")]
pub enum ChannelKind {
    /// It authenticates customers by itself, and speaks for any of them.
    Online,
    /// It speaks for whoever has just shown a card and its PIN at one of its terminals, under this acquirer's code.
    Terminal(AcquirerId),
}

/// A channel.
#[derive(Debug, Clone, Serialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What it may do.
    #[serde(flatten)]
    pub kind: ChannelKind,
    /// SHA-256 of its certificate, in hexadecimal.
    pub fingerprint: String,
    /// Whether it is let in.
    pub is_admitted: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    kind: String,
    fingerprint: String,
    acquirer: Option<String>,
    is_admitted: i64,
}

impl TryFrom<Row> for Channel {
    type Error = BankError;

    fn try_from(row: Row) -> Result<Self, BankError> {
        let kind = match (row.kind.as_str(), row.acquirer.as_deref().and_then(AcquirerId::parse)) {
            ("online", None) => ChannelKind::Online,
            ("terminal", Some(acquirer)) => ChannelKind::Terminal(acquirer),
            _ => return Err(BankError::Stored("channel.kind")),
        };
        Ok(Self { name: row.name, kind, fingerprint: row.fingerprint, is_admitted: row.is_admitted == 1 })
    }
}

impl Channel {
    /// Admits a channel by its certificate in PEM, or gives one that there is another certificate.
    ///
    /// # Errors
    /// [`BankError::Malformed`] for a name or a certificate that is none; [`BankError::ChannelKnown`] when another channel
    /// has the certificate.
    pub async fn admit(
        db_tx: &mut DbConnection,
        name: &str,
        kind: &ChannelKind,
        certificate: &[u8],
        now_ms: i64,
    ) -> Result<(), BankError> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(1..=NAME_CHARACTERS_MAX).contains(&name.len()) || !name.bytes().all(is_letter) || TAKEN.contains(&name) {
            return Err(BankError::Malformed("the channel's name: 1 to 32 letters, digits and -, and not one of ours"));
        }
        let certificate = CertificateDer::from_pem_slice(certificate)
            .map_err(|_| BankError::Malformed("the channel's certificate: PEM"))?;
        let fingerprint = fingerprint(&certificate);
        if Self::shown(db_tx, &fingerprint).await?.is_some_and(|other| other.name != name) {
            return Err(BankError::ChannelKnown);
        }
        let (kind, acquirer) = match kind {
            ChannelKind::Online => ("online", None),
            ChannelKind::Terminal(acquirer) => ("terminal", Some(acquirer.as_str())),
        };
        sqlx::query(
            "INSERT INTO channel (name, kind, fingerprint, acquirer, is_admitted, admitted_ms)
             VALUES ($1, $2, $3, $4, 1, $5)
             ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, fingerprint = excluded.fingerprint,
             acquirer = excluded.acquirer, is_admitted = 1, admitted_ms = excluded.admitted_ms",
        )
        .bind(name)
        .bind(kind)
        .bind(fingerprint)
        .bind(acquirer)
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    /// Lets a channel in no more.
    ///
    /// # Errors
    /// [`BankError::NoChannel`] when there is none of this name.
    pub async fn dismiss(db_tx: &mut DbConnection, name: &str) -> Result<(), BankError> {
        let dismissed =
            sqlx::query("UPDATE channel SET is_admitted = 0 WHERE name = $1").bind(name).execute(db_tx).await?;
        if dismissed.rows_affected() == 1 { Ok(()) } else { Err(BankError::NoChannel) }
    }

    /// Every channel.
    pub async fn all(connection: &mut DbConnection) -> Result<Vec<Self>, BankError> {
        const CHANNELS_MAX: i64 = 1_000;
        let rows: Vec<Row> =
            sqlx::query_as("SELECT name, kind, fingerprint, acquirer, is_admitted FROM channel ORDER BY name LIMIT $1")
                .bind(CHANNELS_MAX)
                .fetch_all(connection)
                .await?;
        rows.into_iter().map(Self::try_from).collect()
    }

    /// The channel that shows the certificate with this fingerprint, whether it is let in or not.
    pub(super) async fn shown(connection: &mut DbConnection, fingerprint: &str) -> Result<Option<Self>, BankError> {
        let row: Option<Row> =
            sqlx::query_as("SELECT name, kind, fingerprint, acquirer, is_admitted FROM channel WHERE fingerprint = $1")
                .bind(fingerprint)
                .fetch_optional(connection)
                .await?;
        row.map(Self::try_from).transpose()
    }
}
