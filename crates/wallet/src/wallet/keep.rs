//! What a person may ask of their own wallet: whom it trusts, what is wrong with it, what it keeps, what it is made of.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use payment::MerchantId;
use protocol::ipc::RequestView;
use protocol::ipc::keep::{
    BankRoot, DiagnosisView, Exported, LicenceView, PackageLine, ReaderDiagnosisView, TrustView,
};
use protocol::ipc::payer::SenderName;
use protocol::{ErrorCode, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Wallet, devices};
use crate::clock;
use crate::error::{Result, WalletError};
use crate::readers::diagnosis;
use crate::store::Snapshot;

/// The packages and their licences, as `cargo xtask licences` wrote them.
const LICENCES: &[u8] = include_bytes!("../../assets/licences.json");
/// The name of an export without a chosen place.
const EXPORT_NAME: &str = "Tapseal-export.json";

/// What [`LICENCES`] holds.
#[derive(Deserialize)]
struct Licences {
    packages: Vec<Package>,
    texts: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    licence: String,
    texts: Vec<usize>,
}

fn licences() -> Licences {
    serde_json::from_slice(LICENCES).expect("the asset is what `cargo xtask licences` wrote")
}

#[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
impl Wallet {
    /// Whom this wallet trusts, and what others know it by.
    pub async fn trust(&self) -> std::result::Result<TrustView, Problem> {
        let core = &self.core;
        let bank = |bank: &envelope::keyset::BankTrust| BankRoot {
            bank_id: bank.bank_id.clone(),
            fingerprint: bank.key.fingerprint(),
        };
        Ok(TrustView {
            device_id: core.device.id(),
            device_fingerprint: core.device.keys()?.signing().public().fingerprint(),
            key_store: core.config.key_store.to_string(),
            server: core.trust.server_host().to_owned(),
            operator: core.trust.operator_fingerprints(),
            banks: core.trust.banks.iter().map(bank).collect(),
        })
    }

    /// Merchants whose requests come straight.
    pub async fn accepted(&self) -> std::result::Result<Vec<SenderName>, Problem> {
        let accepted = self.core.store.accepted_merchants().await?;
        Ok(self.named(accepted).await?)
    }

    /// Never shows requests of this merchant again.
    pub async fn sender_block(&self, merchant_id: MerchantId) -> std::result::Result<Vec<SenderName>, Problem> {
        self.block(&merchant_id).await?;
        self.blocked().await
    }

    /// Looks for what keeps a reader from working.
    pub async fn reader_diagnosis(&self) -> std::result::Result<ReaderDiagnosisView, Problem> {
        let readers = self.readers().await?;
        let listed = readers.clone();
        let checks = tokio::task::spawn_blocking(move || diagnosis::checks(Path::new("/"), &listed)).await;
        let readers = readers.into_iter().map(|reader| (reader.name, reader.kind, reader.trouble)).collect();
        let checks = checks.map_err(|_| Problem::new(ErrorCode::Internal))?;
        Ok(ReaderDiagnosisView { platform: devices::platform(), checks, readers })
    }

    /// The state of program, readers and wallet. No card data, no identifier, no key and no id is in it.
    pub async fn diagnosis(&self) -> std::result::Result<DiagnosisView, Problem> {
        let readers = self.reader_diagnosis().await?;
        let core = &self.core;
        let (receipts, _) = core.store.count_receipts(0).await?;
        let unsettled = core.store.unsettled_attempts().await?.len();
        let mut report =
            format!("Tapseal {} on {} {}\n", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        let reach = if core.changes.now().online { "reached" } else { "not reached" };
        let mut line = |text: String| writeln!(report, "{text}").expect("a text takes lines");
        line(format!("payment server {}: {reach}", core.trust.server_host()));
        line(format!("keys: {}", core.config.key_store));
        line(format!("receipts: {receipts}; payments of unknown end: {unsettled}"));
        for check in readers.checks {
            let names = check.names.join(", ");
            line(format!("reader check {:?}: {:?} {names}", check.check, check.finding).trim_end().to_owned());
        }
        for (name, kind, trouble) in readers.readers {
            let trouble = trouble.map_or("no trouble", ErrorCode::as_str);
            line(format!("reader {name} ({kind:?}): {trouble}"));
        }
        Ok(DiagnosisView { report })
    }

    /// Forgets ended requests that nothing was tried for.
    pub async fn clear_ended(&self) -> std::result::Result<Vec<RequestView>, Problem> {
        self.core.store.clear_ended().await?;
        self.core.changes.inbox_changed();
        self.inbox().await
    }

    /// Writes everything the wallet keeps as JSON that anybody can read.
    pub async fn export_all(&self, path: Option<String>) -> std::result::Result<Exported, Problem> {
        let chosen = path.is_some();
        let mut path = self.place(path, ErrorCode::BackupNotWritten)?;
        if !chosen {
            path.set_file_name(EXPORT_NAME);
        }
        let mut snapshot = self.core.store.snapshot().await?;
        let bytes = export(&mut snapshot, &path).await?;
        Ok(Exported { path: path.display().to_string(), bytes })
    }

    /// The packages this program is made of.
    pub async fn licences(&self) -> std::result::Result<Vec<PackageLine>, Problem> {
        let line =
            |package: Package| PackageLine { name: package.name, version: package.version, licence: package.licence };
        Ok(licences().packages.into_iter().map(line).collect())
    }

    /// A package's licence in full.
    pub async fn licence_text(&self, name: String, version: String) -> std::result::Result<LicenceView, Problem> {
        let all = licences();
        let found = all.packages.iter().find(|package| package.name == name && package.version == version);
        let package = found.ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
        let texts = package.texts.iter().filter_map(|place| all.texts.get(*place)).map(String::as_str);
        Ok(LicenceView { text: texts.collect::<Vec<_>>().join("\n\n") })
    }
}

/// Writes the file page by page; its size.
async fn export(snapshot: &mut Snapshot, path: &Path) -> Result<u64> {
    let failed = |error: std::io::Error| WalletError::Detailed(ErrorCode::BackupNotWritten, error.to_string());
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(path).map_err(failed)?);
    let settings = snapshot.setting(super::SETTING_CHOICES).await?.and_then(|text| serde_json::from_str(&text).ok());
    let head = json!({
        "program": env!("CARGO_PKG_VERSION"),
        "made_ms": clock::now_ms(),
        "settings": settings.unwrap_or(Value::Null),
        "identifiers": snapshot.identifiers().await?,
        "senders": snapshot.senders().await?.into_iter().map(|(merchant_id, decision, since_ms)| {
            json!({ "merchant_id": merchant_id, "decision": decision, "since_ms": since_ms })
        }).collect::<Vec<_>>(),
    });
    let head = head.to_string();
    let open = head.strip_suffix('}').expect("an object ends with a brace");
    file.write_all(open.as_bytes()).map_err(failed)?;
    let mut after = String::new();
    let mut list = List::begin(&mut file, "requests").map_err(failed)?;
    loop {
        let page = snapshot.requests(&after).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.request_id);
        for row in page {
            let order = envelope::jws::peek_payload_unverified(&row.order_jws).ok();
            let order: Option<Value> = order.and_then(|order| serde_json::from_slice(&order).ok());
            let row = json!({ "request": row, "order": order });
            list.add(&mut file, &row).map_err(failed)?;
        }
    }
    List::end(&mut file).map_err(failed)?;
    let mut list = List::begin(&mut file, "receipts").map_err(failed)?;
    after.clear();
    loop {
        let page = snapshot.receipts(&after).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.attempt_id);
        for row in page {
            let receipt: Option<Value> = serde_json::from_str(&row.receipt).ok();
            let row = json!({ "attempt_id": row.attempt_id, "decided_ms": row.decided_ms, "receipt": receipt });
            list.add(&mut file, &row).map_err(failed)?;
        }
    }
    List::end(&mut file).and_then(|()| file.write_all(b"\n}\n")).map_err(failed)?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(file.metadata().map_err(failed)?.len())
}

/// A JSON array that is written entry by entry.
struct List {
    is_empty: bool,
}

impl List {
    fn begin(file: &mut impl Write, name: &str) -> std::io::Result<Self> {
        write!(file, ",\n\"{name}\": [")?;
        Ok(Self { is_empty: true })
    }

    fn add(&mut self, file: &mut impl Write, entry: &Value) -> std::io::Result<()> {
        let before = if self.is_empty { "\n" } else { ",\n" };
        self.is_empty = false;
        write!(file, "{before}{entry}")
    }

    fn end(file: &mut impl Write) -> std::io::Result<()> {
        file.write_all(b"\n]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_a_licence_and_its_text() {
        let all = licences();
        assert!(all.packages.len() > 100, "{}", all.packages.len());
        for package in &all.packages {
            assert!(!package.licence.is_empty(), "{}", package.name);
            assert!(!package.texts.is_empty(), "{} has no text", package.name);
            assert!(package.texts.iter().all(|place| *place < all.texts.len()), "{}", package.name);
        }
    }
}
