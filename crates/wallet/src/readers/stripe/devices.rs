//! Which stripe readers are plugged in: HID devices by their report descriptor, keyboards by the name their maker gave
//! them.

use std::fs;
use std::path::Path;

use super::{STDIN, hid};

/// How many readers are listed.
const DEVICES_MAX: usize = 8;

/// What the names of stripe readers that type hold. A keyboard with another name must be configured.
const TYPING_READERS: [&str; 7] = ["magtek", "mag-tek", "id_tech", "idtech", "magnetic", "msr", "swipe"];

/// The device files of the readers under this root folder.
pub(super) fn found(root: &Path) -> Vec<String> {
    let mut found = with_reports(root);
    found.extend(typing(root));
    found.truncate(DEVICES_MAX);
    found
}

fn with_reports(root: &Path) -> Vec<String> {
    let named = names_in(&root.join("sys/class/hidraw"));
    let is_reader = |name: &String| {
        let descriptor = fs::read(root.join("sys/class/hidraw").join(name).join("device/report_descriptor"));
        descriptor.is_ok_and(|descriptor| hid::is_stripe_reader(&descriptor))
    };
    named.into_iter().filter(is_reader).map(|name| format!("/dev/{name}")).collect()
}

fn typing(root: &Path) -> Vec<String> {
    let is_reader = |name: &String| {
        let lower = name.to_ascii_lowercase();
        lower.ends_with("-event-kbd") && TYPING_READERS.iter().any(|words| lower.contains(words))
    };
    let named = names_in(&root.join("dev/input/by-id"));
    named.into_iter().filter(is_reader).map(|name| format!("/dev/input/by-id/{name}")).collect()
}

/// In a fixed order; none when there is no such folder.
fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// A name for people.
pub(super) fn name_of(place: &str) -> String {
    if place == STDIN {
        return "Standard input".to_owned();
    }
    let file = place.rsplit('/').next().unwrap_or(place);
    let model = file.trim_start_matches("usb-").trim_end_matches("-event-kbd").replace('_', " ");
    format!("Stripe reader {model}")
}

/// Whether this person may read the device file.
pub(super) fn may_read(place: &str) -> bool {
    rustix::fs::access(place, rustix::fs::Access::READ_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_found_and_keyboards_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let by_id = root.path().join("dev/input/by-id");
        fs::create_dir_all(&by_id).unwrap();
        for name in [
            "usb-Mag-Tek_USB_Swipe_Reader-event-kbd",
            "usb-Logitech_USB_Keyboard-event-kbd",
            "usb-Mag-Tek_USB_Swipe_Reader-event-mouse",
        ] {
            fs::write(by_id.join(name), "").unwrap();
        }
        for (name, descriptor) in [("hidraw0", [0x05, 0x01, 0x09, 0x06]), ("hidraw1", [0x05, 0x8D, 0x09, 0x01])] {
            let device = root.path().join("sys/class/hidraw").join(name).join("device");
            fs::create_dir_all(&device).unwrap();
            fs::write(device.join("report_descriptor"), descriptor).unwrap();
        }
        let expected = ["/dev/hidraw1", "/dev/input/by-id/usb-Mag-Tek_USB_Swipe_Reader-event-kbd"];
        assert_eq!(found(root.path()), expected);
        assert_eq!(found(&root.path().join("nothing")), [] as [&str; 0]);
        assert_eq!(name_of(expected[1]), "Stripe reader Mag-Tek USB Swipe Reader");
    }
}
