//! Deliveries: how a request travels to its payer, channel by channel.

use serde::{Deserialize, Serialize};

/// The way a message takes to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Channel {
    /// Into a registered wallet's inbox.
    Device,
    /// By e-mail.
    Email,
    /// By text message.
    Sms,
}

impl Channel {
    /// The channel's stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The channel of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Device, Self::Email, Self::Sms].into_iter().find(|channel| channel.name() == name)
    }
}

/// How far one delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeliveryStatus {
    /// In the outbox.
    Queued,
    /// The channel took it.
    Sent,
    /// The channel says that it arrived.
    Delivered,
    /// The payer's wallet opened it.
    Seen,
    /// The channel refused it for good.
    Failed,
}

impl DeliveryStatus {
    /// The status's stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Seen => "seen",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Queued, Self::Sent, Self::Delivered, Self::Seen, Self::Failed]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// One delivery of a request over one channel. It never says where to: that would tell whether, and with how many
/// devices, an identifier is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryView {
    /// The delivery.
    pub id: String,
    /// Its channel.
    pub channel: Channel,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// How many tries were made.
    pub tries: u32,
    /// When the status last changed.
    pub changed_ms: u64,
    /// Why it failed or waits, as a stable code such as `address_refused`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// Answer of `GET /v1/payment-requests/{id}/deliveries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveriesView {
    /// Oldest first, at most a hundred.
    pub deliveries: Vec<DeliveryView>,
}

/// Body of `POST /v1/payment-requests/{id}/resend`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resend {
    /// The channel that the request was sent over, `email` or `sms`.
    pub channel: Channel,
}

/// Body of `POST /v1/sms-status`: what a gateway for text messages says of one that it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SmsStatus {
    /// It arrived.
    Delivered {
        /// The id it was handed over with.
        id: String,
    },
    /// It did not, and will not.
    Failed {
        /// The id it was handed over with.
        id: String,
    },
}
