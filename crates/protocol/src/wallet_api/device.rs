//! A person's devices: those that share a proved identifier.

use payment::DeviceId;
use serde::{Deserialize, Serialize};

use crate::merchant_api::PayerIdentifier;

/// The longest name of a device, in characters.
pub const DEVICE_NAME_CHARS_MAX: usize = 40;

/// A system that a wallet runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Platform {
    /// A Linux computer.
    Linux,
    /// A Windows computer.
    Windows,
    /// A Mac.
    Macos,
    /// An Android phone or tablet.
    Android,
    /// An iPhone or iPad.
    Ios,
}

impl Platform {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::Macos => "macos",
            Self::Android => "android",
            Self::Ios => "ios",
        }
    }

    /// The platform of a stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Linux, Self::Windows, Self::Macos, Self::Android, Self::Ios].into_iter().find(|it| it.name() == name)
    }
}

/// Body of `PUT /v1/devices/{id}`: what is given replaces what was kept.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DescribeDevice {
    /// What the person calls it: at most forty characters, without control characters; empty for no name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The system it runs on. Only the device itself says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<Platform>,
}

/// A device that shares an identifier with the caller, or the caller itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceView {
    /// The device.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub device_id: DeviceId,
    /// What the person calls it; empty when they did not.
    pub name: String,
    /// The system it runs on, once it said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<Platform>,
    /// Since when it answers for an identifier of the caller's; none when it answers for none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since_ms: Option<u64>,
    /// When it was last in touch, to the hour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seen_ms: Option<u64>,
    /// The identifiers that both it and the caller answer for.
    pub identifiers: Vec<PayerIdentifier>,
}

/// Answer of `GET /v1/devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DevicesView {
    /// The caller first, then the others, the latest first.
    pub devices: Vec<DeviceView>,
}

/// Answer of `GET /v1/claims`: what the calling device answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimsView {
    /// The identifiers.
    pub identifiers: Vec<PayerIdentifier>,
}
