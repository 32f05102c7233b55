//! Why a reader does not work: what is plugged in, whether the smart-card service runs and may be used, whether it has a
//! driver, and who else holds a card.
//!
//! On Linux all of this can be read; elsewhere the readers' own troubles say what they can, and the rest is unknown.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use protocol::ErrorCode;
use protocol::ipc::keep::{ReaderCheck, ReaderCheckView, ReaderFinding};
use protocol::ipc::{ReaderKind, ReaderView};

/// USB's class of smart-card readers (CCID), as the kernel writes it.
const CLASS_SMART_CARD: &str = "0b";
/// Where the service of Linux listens.
const SERVICE_SOCKET: &str = "run/pcscd/pcscd.comm";
/// What every program that uses the service has loaded.
const SERVICE_LIBRARY: &str = "libpcsclite";
/// How many names are told of anything.
const NAMES_MAX: usize = 8;

/// Every check. `root` is where the system's own folders are.
pub fn checks(root: &Path, readers: &[ReaderView]) -> Vec<ReaderCheckView> {
    let by_service = || readers.iter().filter(|reader| reader.kind == ReaderKind::Pcsc);
    let has = |code: ErrorCode| readers.iter().any(|reader| reader.trouble == Some(code));
    let is_down = has(ErrorCode::ReaderServiceDown);
    let listed: Vec<String> =
        by_service().filter(|it| it.trouble != Some(ErrorCode::ReaderServiceDown)).map(|it| it.name.clone()).collect();
    let plugged = if cfg!(target_os = "linux") { Some(plugged_in(root)) } else { None };
    vec![
        plugged_check(plugged.as_ref(), readers),
        view(ReaderCheck::Service, if is_down { ReaderFinding::Bad } else { ReaderFinding::Good }, Vec::new()),
        permission_check(root, is_down),
        driver_check(plugged.as_ref(), &listed, is_down),
        free_check(root, has(ErrorCode::ReaderBusy), has(ErrorCode::ReaderClaimed)),
    ]
}

fn view(check: ReaderCheck, finding: ReaderFinding, names: Vec<String>) -> ReaderCheckView {
    ReaderCheckView { check, finding, names }
}

fn plugged_check(plugged: Option<&BTreeSet<String>>, readers: &[ReaderView]) -> ReaderCheckView {
    let usable = readers.iter().filter(|reader| reader.trouble != Some(ErrorCode::ReaderServiceDown));
    let mut names: BTreeSet<String> = usable.map(|reader| reader.name.clone()).collect();
    if names.is_empty() {
        names.extend(plugged.into_iter().flatten().cloned());
    }
    let finding = match (names.is_empty(), plugged) {
        (false, _) => ReaderFinding::Good,
        (true, Some(_)) => ReaderFinding::Bad,
        (true, None) => ReaderFinding::Unknown,
    };
    view(ReaderCheck::Plugged, finding, names.into_iter().take(NAMES_MAX).collect())
}

/// A service that listens and does not answer this program keeps it out.
fn permission_check(root: &Path, is_down: bool) -> ReaderCheckView {
    let is_listening = cfg!(target_os = "linux") && root.join(SERVICE_SOCKET).exists();
    let finding = match (is_down, is_listening) {
        (false, _) => ReaderFinding::Good,
        (true, true) => ReaderFinding::Bad,
        (true, false) => ReaderFinding::Unknown,
    };
    view(ReaderCheck::Permission, finding, Vec::new())
}

/// What is plugged in and not listed has no driver, or another driver took it.
fn driver_check(plugged: Option<&BTreeSet<String>>, listed: &[String], is_down: bool) -> ReaderCheckView {
    let plugged: Vec<String> = plugged.into_iter().flatten().take(NAMES_MAX).cloned().collect();
    let finding = match (is_down, listed.is_empty(), plugged.is_empty()) {
        (true, _, _) | (false, true, true) => ReaderFinding::Unknown,
        (false, true, false) => ReaderFinding::Bad,
        (false, false, _) => ReaderFinding::Good,
    };
    let names = if finding == ReaderFinding::Bad { plugged } else { Vec::new() };
    view(ReaderCheck::Driver, finding, names)
}

fn free_check(root: &Path, is_busy: bool, is_claimed: bool) -> ReaderCheckView {
    if is_claimed {
        return view(ReaderCheck::Free, ReaderFinding::Bad, vec!["pcscd".to_owned()]);
    }
    if !is_busy {
        return view(ReaderCheck::Free, ReaderFinding::Good, Vec::new());
    }
    let names = if cfg!(target_os = "linux") { programs_with_cards(root) } else { BTreeSet::new() };
    view(ReaderCheck::Free, ReaderFinding::Bad, names.into_iter().take(NAMES_MAX).collect())
}

/// The names of USB devices that are smart-card readers.
fn plugged_in(root: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let devices = root.join("sys/bus/usb/devices");
    for entry in fs::read_dir(&devices).into_iter().flatten().flatten() {
        let text = |name: &str| fs::read_to_string(entry.path().join(name)).map(|text| text.trim().to_owned());
        if text("bInterfaceClass").is_ok_and(|class| class == CLASS_SMART_CARD) {
            // `1-2:1.0` is an interface of the device `1-2`.
            let interface = entry.file_name().to_string_lossy().into_owned();
            let device = devices.join(interface.split(':').next().unwrap_or_default());
            let product = fs::read_to_string(device.join("product"));
            names.insert(product.map_or(interface, |product| product.trim().to_owned()));
        }
    }
    names
}

/// The other programs of this person that use the smart-card service.
fn programs_with_cards(root: &Path) -> BTreeSet<String> {
    let own = std::process::id().to_string();
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root.join("proc")).into_iter().flatten().flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        if id == own || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // Other people's programs cannot be looked into, and are left out.
        let uses = fs::read_to_string(entry.path().join("maps")).is_ok_and(|maps| maps.contains(SERVICE_LIBRARY));
        if uses && let Ok(name) = fs::read_to_string(entry.path().join("comm")) {
            names.insert(name.trim().to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use ReaderFinding::{Bad, Good, Unknown};

    use super::*;

    fn reader(kind: ReaderKind, trouble: Option<ErrorCode>) -> ReaderView {
        let gestures = Vec::new();
        ReaderView { id: "r".into(), name: "ACR1252".into(), kind, gestures, card_present: false, trouble }
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn system_with_a_reader() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "sys/bus/usb/devices/1-2/product", "ACR1252 Dual Reader\n");
        write(root.path(), "sys/bus/usb/devices/1-2:1.0/bInterfaceClass", "0b\n");
        write(root.path(), "sys/bus/usb/devices/1-3:1.0/bInterfaceClass", "03\n");
        root
    }

    fn found(root: &Path, readers: &[ReaderView]) -> Vec<ReaderFinding> {
        checks(root, readers).into_iter().map(|check| check.finding).collect()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn each_trouble_is_found_where_it_is() {
        let root = system_with_a_reader();
        let down = reader(ReaderKind::Pcsc, Some(ErrorCode::ReaderServiceDown));
        assert_eq!(found(root.path(), std::slice::from_ref(&down)), [Good, Bad, Unknown, Unknown, Good]);
        write(root.path(), SERVICE_SOCKET, "");
        assert_eq!(found(root.path(), &[down]), [Good, Bad, Bad, Unknown, Good], "it listens, and not to us");
        assert_eq!(found(root.path(), &[]), [Good, Good, Good, Bad, Good], "plugged in, and no driver");
        let works = reader(ReaderKind::Pcsc, None);
        assert_eq!(found(root.path(), &[works]), [Good; 5]);
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(found(empty.path(), &[]), [Bad, Good, Good, Unknown, Good]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_program_that_holds_the_card_is_named() {
        let root = system_with_a_reader();
        write(root.path(), "proc/4711/maps", "7f00 r-xp /usr/lib/libpcsclite.so.1\n");
        write(root.path(), "proc/4711/comm", "signing-tool\n");
        write(root.path(), "proc/4712/maps", "7f00 r-xp /usr/lib/libc.so.6\n");
        write(root.path(), "proc/4712/comm", "editor\n");
        let busy = reader(ReaderKind::Pcsc, Some(ErrorCode::ReaderBusy));
        let free = checks(root.path(), &[busy]).pop().unwrap();
        assert_eq!((free.finding, free.names), (Bad, vec!["signing-tool".to_owned()]));
    }
}
