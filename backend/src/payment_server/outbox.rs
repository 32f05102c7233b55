//! The outbox: what has to be delivered is stored with the change it tells of, and workers deliver it.
//!
//! ```text
//! plan: which deliveries a request gets   lease: a worker takes what is due   handover: one try
//! record: how it ended, and what follows  reminder: once, if nobody looked
//! ```
//!
//! Several servers may share one outbox. A worker *leases* a delivery in a write step that also counts the try, and only
//! then hands it over. So a delivery that was handed over but not recorded is known to be in doubt: when its lease has run
//! out it is tried once more, and never a third time.
//!
//! **Invariant:** of one delivery, at most two tries may have reached the person: a try counts as in doubt from before it is
//! made until it is known not to have been taken.

use std::time::Duration;

use payment::{MerchantId, RequestId};
use protocol::ErrorCode;
use protocol::merchant_api::{Channel, DeliveryStatus, DeliveryView, PayerIdentifier};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::claims::ClaimingDevice;
use super::{App, Error};
use crate::clock::{now_ms, signed_ms};
use crate::storage::DbConnection;

mod handover;
mod lease;
pub(super) mod plan;
mod record;
mod reminder;
mod report;
pub(super) mod resend;

pub(super) use record::seen;
pub(super) use reminder::run as remind;
pub(super) use report::{Report, report, report_by, report_part};

/// How many deliveries of one channel are made at once.
const AT_ONCE_MAX: usize = 32;
/// How often the outbox is looked at without being woken.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a delivery is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A request's first way to its payer.
    Request,
    /// The same once more, because nobody has looked.
    Reminder,
    /// The same once more, because the merchant asked.
    Resend,
    /// A code that proves a claim.
    Claim,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Reminder => "reminder",
            Self::Resend => "resend",
            Self::Claim => "claim",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Request, Self::Reminder, Self::Resend, Self::Claim].into_iter().find(|purpose| purpose.name() == name)
    }
}

/// Whether a request's merchant may know of a delivery before the payer has opened the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It says nothing that the merchant does not know: the address is the merchant's own.
    AtOnce,
    /// It would say that somebody claimed the identifier.
    OnceSeen,
}

/// A delivery to be stored.
pub(super) struct NewDelivery {
    request: Option<(RequestId, MerchantId)>,
    purpose: Purpose,
    channel: Channel,
    target: String,
    language: String,
    secret: Option<Zeroizing<String>>,
    told: Told,
}

impl NewDelivery {
    /// A request into a device's inbox.
    pub(super) fn to_device(request: (RequestId, MerchantId), device: &ClaimingDevice, told: Told) -> Self {
        Self {
            request: Some(request),
            purpose: Purpose::Request,
            channel: Channel::Device,
            target: device.id.clone(),
            language: device.language.clone(),
            secret: None,
            told,
        }
    }

    /// A claim code, to where the identifier leads; none for an identifier that nothing can be sent to.
    pub(super) fn claim_code(identifier: &PayerIdentifier, language: &str, code: Zeroizing<String>) -> Option<Self> {
        let (channel, target) = address(identifier)?;
        Some(Self {
            request: None,
            purpose: Purpose::Claim,
            channel,
            target: target.to_owned(),
            language: language.to_owned(),
            secret: Some(code),
            told: Told::OnceSeen,
        })
    }
}

/// The channel that an identifier names, and the address on it.
const fn address(identifier: &PayerIdentifier) -> Option<(Channel, &String)> {
    match identifier {
        PayerIdentifier::Email(address) => Some((Channel::Email, address)),
        PayerIdentifier::Phone(number) => Some((Channel::Sms, number)),
        PayerIdentifier::Counter(_) | PayerIdentifier::PaymentNumber(_) => None,
    }
}

/// Stores a delivery, inside the step that calls for it.
pub(super) async fn insert(
    db_tx: &mut DbConnection,
    delivery: &NewDelivery,
    now_ms: u64,
) -> Result<DeliveryView, Error> {
    let id = uuid::Builder::from_unix_timestamp_millis(now_ms, &crate::keys::random()).into_uuid().to_string();
    let (request_id, merchant_id) = delivery
        .request
        .as_ref()
        .map_or((None, ""), |(request, merchant)| (Some(request.to_string()), merchant.as_str()));
    sqlx::query(
        "INSERT INTO delivery (id, request_id, merchant_id, purpose, told, channel, target, language, secret, status, \
         tries, due_ms, created_ms, changed_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', 0, $10, $10, $10)",
    )
    .bind(&id)
    .bind(request_id)
    .bind(merchant_id)
    .bind(delivery.purpose.name())
    .bind(i64::from(delivery.told == Told::AtOnce))
    .bind(delivery.channel.name())
    .bind(&delivery.target)
    .bind(&delivery.language)
    .bind(delivery.secret.as_ref().map(|secret| secret.as_str()))
    .bind(signed_ms(now_ms))
    .execute(db_tx)
    .await?;
    Ok(DeliveryView {
        id,
        channel: delivery.channel,
        status: DeliveryStatus::Queued,
        tries: 0,
        changed_ms: now_ms,
        reason: None,
    })
}

/// Wakes the workers of this process; those of others look by themselves.
#[derive(Default)]
pub(super) struct Wake([Notify; 3]);

impl Wake {
    /// Something may be due.
    pub(super) fn notify_one(&self) {
        self.0.iter().for_each(Notify::notify_one);
    }

    fn of(&self, channel: Channel) -> &Notify {
        &self.0[match channel {
            Channel::Device => 0,
            Channel::Email => 1,
            Channel::Sms => 2,
        }]
    }
}

/// Delivers what is due on one channel until the server stops.
pub(super) async fn run(app: App, channel: Channel) {
    let mut turns = lease::Turns::new(channel);
    let mut under_way = JoinSet::new();
    loop {
        while under_way.try_join_next().is_some() {}
        let free = AT_ONCE_MAX - under_way.len();
        let taken =
            if free == 0 || app.shutdown.is_cancelled() { Vec::new() } else { take(&app, &mut turns, free).await };
        let all_busy = taken.len() == free;
        for due in taken {
            let app = app.clone();
            under_way.spawn(async move { deliver(&app, due).await });
        }
        tokio::select! {
            () = app.shutdown.cancelled() => break,
            Some(_) = under_way.join_next(), if all_busy => {}
            () = app.outbox_wake.of(channel).notified(), if !all_busy => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    // What is under way ends within its deadline, and is recorded.
    while under_way.join_next().await.is_some() {}
}

async fn take(app: &App, turns: &mut lease::Turns, most: usize) -> Vec<lease::Due> {
    turns.take(app, most).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the outbox could not be read");
        Vec::new()
    })
}

async fn deliver(app: &App, due: lease::Due) {
    let verdict = handover::hand_over(app, &due).await;
    let id = due.id.clone();
    if let Err(error) = record::record(app, due, verdict).await {
        tracing::error!(%error, delivery = id, "a delivery could not be recorded");
    }
}

/// How many gateways a channel has, so that one can stand in for another.
fn routes(app: &App, channel: Channel) -> usize {
    match channel {
        Channel::Device => 1,
        Channel::Email => app.channels.mail.len(),
        Channel::Sms => app.channels.sms.len(),
    }
}

/// A code is of no use any longer, in milliseconds after it was made: ten minutes.
const CODE_LIFE_MS: u64 = 10 * 60 * 1_000;

/// Why a delivery was not made: its request has ended meanwhile.
fn why_moot(error: &Error) -> Option<&'static str> {
    match error {
        Error::Refused(ErrorCode::RequestClosed) => Some("request_closed"),
        Error::Refused(_) | Error::Row(_) => Some("undeliverable"),
        _ => None,
    }
}

fn is_too_old(due: &lease::Due) -> bool {
    due.purpose == Purpose::Claim && now_ms() > due.created_ms + CODE_LIFE_MS
}
