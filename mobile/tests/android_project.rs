//! What the Android app asks of a phone, read from the manifests that its build merges: the app's and the plugin's.

const APP: &str = include_str!("../../src-tauri/gen/android/app/src/main/AndroidManifest.xml");
const PLUGIN: &str = include_str!("../android/src/main/AndroidManifest.xml");
const BACKUP: &str = include_str!("../../src-tauri/gen/android/app/src/main/res/xml/data_extraction_rules.xml");
const PROGUARD: &str = include_str!("../android/consumer-rules.pro");
const KOTLIN: &str = include_str!("../android/src/main/java/org/tapseal/cardreader/CardReaderPlugin.kt");

/// The values of an attribute, in the elements of this name.
fn values<'a>(manifest: &'a str, element: &str, attribute: &str) -> Vec<&'a str> {
    let opening = format!("<{element}");
    let elements =
        manifest.split(opening.as_str()).skip(1).map(|rest| rest.split_once('>').map_or(rest, |(own, _)| own));
    let attribute = format!("{attribute}=\"");
    elements.filter_map(|own| own.split_once(attribute.as_str())?.1.split_once('"')).map(|(value, _)| value).collect()
}

#[test]
fn the_app_may_use_the_network_and_nfc_and_nothing_else() {
    let asked = [values(APP, "uses-permission", "android:name"), values(PLUGIN, "uses-permission", "android:name")];
    assert_eq!(asked.concat(), ["android.permission.INTERNET", "android.permission.NFC"]);
}

#[test]
fn a_phone_without_nfc_may_have_the_app() {
    assert_eq!(values(PLUGIN, "uses-feature", "android:name"), ["android.hardware.nfc"]);
    assert_eq!(values(PLUGIN, "uses-feature", "android:required"), ["false"]);
}

#[test]
fn no_card_brings_the_app_up() {
    for manifest in [APP, PLUGIN] {
        assert!(!manifest.contains("android.nfc.action"), "a tag must not start the app");
    }
    // A person starts it, or opens one of its links; the third is the second's name on Chrome OS.
    let started = ["android.intent.action.MAIN", "android.intent.action.VIEW", "org.chromium.arc.intent.action.VIEW"];
    assert_eq!(values(APP, "action", "android:name"), started);
    assert_eq!(values(APP, "data", "android:scheme"), ["tapseal"]);
    // Only what the launcher starts may be started from outside.
    assert_eq!(values(APP, "activity", "android:exported"), ["true"]);
    for part in ["<service", "<receiver", "<provider"] {
        assert!(!APP.contains(part) && !PLUGIN.contains(part), "{part}");
    }
}

#[test]
fn nothing_of_the_wallet_leaves_the_phone_in_a_backup() {
    assert_eq!(values(APP, "application", "android:allowBackup"), ["false"]);
    assert_eq!(values(APP, "application", "android:dataExtractionRules"), ["@xml/data_extraction_rules"]);
    for way in ["cloud-backup", "device-transfer"] {
        let (_, rest) = BACKUP.split_once(&format!("<{way}>")).unwrap_or_else(|| panic!("{way}"));
        let (rules, _) = rest.split_once(&format!("</{way}>")).unwrap_or_else(|| panic!("{way}"));
        assert_eq!(values(rules, "exclude", "domain"), ["root", "file", "database", "sharedpref", "external"]);
    }
}

/// The release build shrinks names; what is called or filled in by name must be kept.
#[test]
fn what_tauri_calls_by_name_keeps_its_name() {
    let arguments = KOTLIN.split("@InvokeArg\ninternal class ").skip(1);
    let mut names: Vec<&str> = arguments.map(|rest| rest.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    names.push("CardReaderPlugin");
    for name in names {
        assert!(PROGUARD.contains(&format!("-keep class org.tapseal.cardreader.{name} {{ *; }}")), "{name}");
    }
}
