//! Commands about what a person keeps: devices, senders, trust, readers that trouble, backups, exports.

use payment::{DeviceId, MerchantId};
use serde::{Deserialize, Serialize};

use super::payer::SenderName;
use super::{Command, ReaderKind, RequestView, WalletStatus};
use crate::error::ErrorCode;
use crate::wallet_api::Platform;

commands! {
    /// This device first, then the person's others: those that share an identifier with it.
    Devices {} = "devices" -> Vec<DeviceLine>;
    /// Names a device.
    DeviceRename {
        /// Which.
        device_id: DeviceId,
        /// At most forty characters; empty for no name.
        name: String,
    } = "device_rename" -> Vec<DeviceLine>;
    /// A device answers no more for what it shares with this one.
    DeviceRemove {
        /// Which.
        device_id: DeviceId,
    } = "device_remove" -> Vec<DeviceLine>;
    /// Does not offer an identifier of earlier any more.
    FormerDismiss {
        /// One of [`WalletStatus::former`].
        identifier: String,
    } = "former_dismiss" -> WalletStatus;
    /// Merchants whose requests come straight.
    Accepted {} = "accepted" -> Vec<SenderName>;
    /// Never shows requests of this merchant again.
    SenderBlock {
        /// Whose.
        merchant_id: MerchantId,
    } = "sender_block" -> Vec<SenderName>;
    /// Whom this wallet trusts, and what others know it by.
    Trust {} = "trust" -> TrustView;
    /// Looks for what keeps a reader from working.
    ReaderDiagnosis {} = "reader_diagnosis" -> ReaderDiagnosisView;
    /// The state of program, readers and wallet, for whoever helps: no card data, no identifier, no key.
    Diagnosis {} = "diagnosis" -> DiagnosisView;
    /// When the last backup was made, and whether it is time for one.
    BackupStatus {} = "backup_status" -> BackupState;
    /// Writes a backup and opens it again; none when no place was chosen.
    BackupMake {
        /// What opens it: twelve characters at least.
        passphrase: String,
        /// Where; chosen by the person when none.
        path: Option<String>,
    } = "backup_make" -> Option<BackupMade>;
    /// Merges a backup into this wallet; none when no file was chosen.
    BackupRestore {
        /// What it was made with.
        passphrase: String,
        /// Which file; chosen by the person when none.
        path: Option<String>,
    } = "backup_restore" -> Option<Restored>;
    /// Writes everything the wallet keeps as JSON that anybody can read; none when no place was chosen.
    ExportAll {
        /// Where; chosen by the person when none.
        path: Option<String>,
    } = "export_all" -> Option<Exported>;
    /// Forgets ended requests that nothing was tried for.
    ClearEnded {} = "clear_ended" -> Vec<RequestView>;
    /// The packages this program is made of.
    Licences {} = "licences" -> Vec<PackageLine>;
    /// A package's licence in full.
    LicenceText {
        /// A package's name.
        name: String,
        /// Its version.
        version: String,
    } = "licence_text" -> LicenceView;
}

/// A device of the person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLine {
    /// The device.
    pub device_id: DeviceId,
    /// Whether it is this one.
    pub is_own: bool,
    /// What the person calls it; empty when they did not.
    pub name: String,
    /// The system it runs on, once it said so.
    pub platform: Option<Platform>,
    /// Since when it answers for an identifier of this device's, ms since the Unix epoch.
    pub since_ms: Option<u64>,
    /// When it was last in touch, to the hour, ms since the Unix epoch.
    pub seen_ms: Option<u64>,
    /// What it shares with this device.
    pub identifiers: Vec<String>,
}

/// An identifier that reached this person, and does not reach this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerIdentifier {
    /// An e-mail address or a phone number.
    pub identifier: String,
    /// Why it is none of this device's.
    pub why: FormerReason,
}

/// Why an identifier does not reach this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormerReason {
    /// A backup named it; a code claims it again.
    Backup,
    /// Another device ended it.
    Ended,
}

/// Whom this wallet trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustView {
    /// This device's id at the payment server.
    pub device_id: DeviceId,
    /// The fingerprint of the key that signs its calls, grouped for reading.
    pub device_fingerprint: String,
    /// Where its keys are kept: `keyring` or `file`.
    pub key_store: String,
    /// The payment server's host.
    pub server: String,
    /// Fingerprints of the operator's roots.
    pub operator: Vec<String>,
    /// The banks and the fingerprints of their roots.
    pub banks: Vec<BankRoot>,
}

/// A bank's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankRoot {
    /// The bank's id.
    pub bank_id: String,
    /// Its root's fingerprint, grouped for reading.
    pub fingerprint: String,
}

/// What can keep a reader from working, in the order it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderCheck {
    /// Something is plugged in.
    Plugged,
    /// The smart-card service runs.
    Service,
    /// This program may use it.
    Permission,
    /// The service has a driver for what is plugged in.
    Driver,
    /// No other program holds the reader.
    Free,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderFinding {
    /// It is as it must be.
    Good,
    /// It is not.
    Bad,
    /// This system does not tell, or it does not matter here.
    Unknown,
}

/// One check and its finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderCheckView {
    /// What was looked at.
    pub check: ReaderCheck,
    /// What was found.
    pub finding: ReaderFinding,
    /// Names that belong to it: devices, or programs.
    pub names: Vec<String>,
}

/// What keeps a reader from working.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderDiagnosisView {
    /// The system, for advice that fits it.
    pub platform: Option<Platform>,
    /// Every check.
    pub checks: Vec<ReaderCheckView>,
    /// Every reader: its name, its kind, its trouble.
    pub readers: Vec<(String, ReaderKind, Option<ErrorCode>)>,
}

/// A report to copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosisView {
    /// Lines of plain text.
    pub report: String,
}

/// Whether it is time for a backup.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BackupState {
    /// When the last one was made, ms since the Unix epoch.
    pub last_ms: Option<u64>,
    /// How many receipts are kept.
    pub receipts: u64,
    /// How many of them are in no backup.
    pub new_receipts: u64,
    /// Whether the last one is old and much has come since.
    pub is_due: bool,
    /// What a file made now would be called.
    pub file_name: String,
}

/// A backup that was written and opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupMade {
    /// The file.
    pub path: String,
    /// When it was made, ms since the Unix epoch.
    pub made_ms: u64,
    /// Its size.
    pub bytes: u64,
    /// How many receipts are in it.
    pub receipts: u64,
    /// How many requests are in it.
    pub requests: u64,
}

/// What a restored backup brought.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restored {
    /// When the backup was made, ms since the Unix epoch.
    pub made_ms: u64,
    /// How many receipts it holds that verify.
    pub receipts: u64,
    /// How many of them were not here yet.
    pub new_receipts: u64,
    /// How many requests were not here yet.
    pub new_requests: u64,
    /// Receipts that did not verify and were left out.
    pub left_out: u64,
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The file.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// A package this program is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageLine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, an SPDX expression.
    pub licence: String,
}

/// A licence in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceView {
    /// The text, with its copyright lines.
    pub text: String,
}
