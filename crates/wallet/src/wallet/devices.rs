//! The person's devices, and what this one still answers for.
//!
//! The payment server knows which identifiers reach which device. What it says replaces what was remembered here: an
//! identifier that another device ended is kept by name, so that the person learns it and can claim it again.

use std::collections::BTreeSet;

use payment::DeviceId;
use protocol::Problem;
use protocol::ipc::WalletStatus;
use protocol::ipc::keep::{DeviceLine, FormerReason};
use protocol::merchant_api::PayerIdentifier;
use protocol::wallet_api::{DescribeDevice, DeviceView, Platform};

use super::Wallet;
use crate::clock;
use crate::error::Result;

/// The setting that says which device told the server what it runs on.
const SETTING_DESCRIBED: &str = "described_device";

/// The system this program was built for.
pub(crate) const fn platform() -> Option<Platform> {
    if cfg!(target_os = "linux") {
        Some(Platform::Linux)
    } else if cfg!(target_os = "windows") {
        Some(Platform::Windows)
    } else if cfg!(target_os = "macos") {
        Some(Platform::Macos)
    } else if cfg!(target_os = "android") {
        Some(Platform::Android)
    } else if cfg!(target_os = "ios") {
        Some(Platform::Ios)
    } else {
        None
    }
}

impl Wallet {
    /// This device first, then the person's others.
    pub async fn devices(&self) -> std::result::Result<Vec<DeviceLine>, Problem> {
        let own = self.core.device.id();
        let devices = self.core.server.devices().await?;
        let (mut lines, others): (Vec<_>, Vec<_>) =
            devices.into_iter().map(|device| line(own, device)).partition(|line| line.is_own);
        lines.extend(others);
        Ok(lines)
    }

    /// Names a device.
    pub async fn device_rename(
        &self,
        device_id: DeviceId,
        name: String,
    ) -> std::result::Result<Vec<DeviceLine>, Problem> {
        let description = DescribeDevice { name: Some(name), platform: None };
        self.core.server.describe_device(device_id, &description).await?;
        self.devices().await
    }

    /// A device answers no more for what it shares with this one; this one, for nothing at all.
    pub async fn device_remove(&self, device_id: DeviceId) -> std::result::Result<Vec<DeviceLine>, Problem> {
        self.core.server.remove_device(device_id).await?;
        self.sync_claims().await?;
        self.devices().await
    }

    /// Does not offer an identifier of earlier any more.
    pub async fn former_dismiss(&self, identifier: String) -> std::result::Result<WalletStatus, Problem> {
        self.core.store.forget_former_identifier(&identifier).await?;
        self.core.changes.inbox_changed();
        self.status().await
    }

    /// Tells the server once what this device runs on.
    pub(crate) async fn describe_own(&self) -> Result<()> {
        let core = &self.core;
        let id = core.device.id();
        if core.store.setting(SETTING_DESCRIBED).await?.as_deref() == Some(&id.to_string()) {
            return Ok(());
        }
        if let Some(platform) = platform() {
            let description = DescribeDevice { name: None, platform: Some(platform) };
            core.server.describe_device(id, &description).await?;
        }
        core.store.save_setting(SETTING_DESCRIBED, &id.to_string()).await
    }

    /// Takes over what the server says this device answers for; what it ended is kept by name.
    pub(crate) async fn sync_claims(&self) -> Result<()> {
        let store = &self.core.store;
        let there: BTreeSet<String> = self.core.server.claims().await?.into_iter().map(text).collect();
        let here: BTreeSet<String> = store.identifiers().await?.into_iter().collect();
        let mut renamed: Vec<&String> = there.difference(&here).collect();
        for gone in here.difference(&there) {
            store.forget_identifier(gone).await?;
            // The server writes an identifier in its one form, which may not be what was typed.
            let same_kind = renamed.iter().position(|other| other.contains('@') == gone.contains('@'));
            match same_kind {
                Some(place) => store.save_identifier(renamed.swap_remove(place), clock::now_ms()).await?,
                None => store.keep_former_identifier(gone, FormerReason::Ended).await?,
            }
        }
        for other in renamed {
            store.save_identifier(other, clock::now_ms()).await?;
        }
        if here != there {
            self.core.changes.inbox_changed();
        }
        Ok(())
    }

    /// The same after a claim, where it may wait: the claim counts already.
    pub(crate) async fn take_over_identifiers(&self) {
        if let Err(error) = self.sync_claims().await {
            tracing::info!(%error, "claimed identifiers could not be compared with the server's");
        }
    }
}

fn text(identifier: PayerIdentifier) -> String {
    match identifier {
        PayerIdentifier::Email(text)
        | PayerIdentifier::Phone(text)
        | PayerIdentifier::PaymentNumber(text)
        | PayerIdentifier::Counter(text) => text,
    }
}

fn line(own: DeviceId, device: DeviceView) -> DeviceLine {
    DeviceLine {
        is_own: device.device_id == own,
        device_id: device.device_id,
        name: device.name,
        platform: device.platform,
        since_ms: device.since_ms,
        seen_ms: device.seen_ms,
        identifiers: device.identifiers.into_iter().map(text).collect(),
    }
}
