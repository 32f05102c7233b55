//! The scenes of the payer's settings: the list, every page, a second device, a backup that is made and restored.

use protocol::ipc::keep::{DeviceRename, Devices};

use super::pay_album::servers;
use crate::album::{Cut, Tour, Walk};
use crate::remote::RemoteWallet;
use crate::system::{Ask, free_port};

/// What opens the backup of the scenes.
const PASSPHRASE: &str = "amber lantern orbit";
/// The address that both devices answer for.
const ADDRESS: &str = "grace@example.org";

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let system = servers().await;
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:127.0.0.1:{}", free_port())).await;
    wallet.claim(&system, ADDRESS).await;
    let walk = tour.enter(&system, &wallet).await;
    missing(&walk).await;
    walk.open("inbox").await;
    walk.go("settings", "settings").await;
    walk.stop("settings").await;
    let pages = [
        "settings.identifiers",
        "settings.senders",
        "settings.pin-pad",
        "settings.language",
        "settings.appearance",
        "settings.keys",
        "settings.privacy",
        "settings.about",
    ];
    for page in pages {
        walk.go(page, page).await;
        walk.stop(if page == "settings.senders" { "settings.senders-none" } else { page }).await;
        walk.go("settings", "settings").await;
    }
    notices(&walk).await;
    identifiers(&walk).await;
    devices(&walk).await;
    readers(&walk).await;
    backup(&walk).await;
    about(&walk).await;
    senders(&walk).await;
    walk.end().await;
}

/// The part of the screens with the settings did not come.
async fn missing(walk: &Walk<'_>) {
    let cut = walk.cut(Cut::SettingsLost).await;
    walk.open("inbox").await;
    walk.go("settings", "settings").await;
    walk.browser.wait_for("[data-action=\"try-again\"]").await;
    walk.stop("settings-missing").await;
    walk.mend(cut).await;
}

/// What notifications tell: nothing of the request, all of it, or there is none.
async fn notices(walk: &Walk<'_>) {
    walk.go("settings.notifications", "settings.notifications").await;
    walk.stop("settings.notifications").await;
    walk.choose("notices.full").await;
    walk.browser.wait_for("[data-setting=\"notices.full\"]:checked").await;
    walk.stop("settings.notifications-full").await;
    walk.choose("notices.off").await;
    walk.browser.wait_for("[data-part=\"notice\"] p.quiet").await;
    walk.stop("settings.notifications-off").await;
    walk.choose("notices.discreet").await;
    walk.go("settings", "settings").await;
}

/// A second address, whose code is on its way, and the first one as it would be given up.
async fn identifiers(walk: &Walk<'_>) {
    walk.go("settings.identifiers", "settings.identifiers").await;
    walk.type_into("identifier", "g.hopper@example.org").await;
    walk.act_until("send-code", "[data-field=\"code\"]").await;
    walk.stop("settings.identifiers-code").await;
    walk.act_until("cancel-claim", "[data-field=\"identifier\"]").await;
    walk.act_until("release", "[data-part=\"confirm-release\"][open]").await;
    walk.stop("settings.identifiers-release").await;
    walk.browser.press("[data-part=\"confirm-release\"] [data-action=\"cancel\"]").await;
    walk.go("settings", "settings").await;
}

/// A second device claims the same address, gets a name, and would be removed.
async fn devices(walk: &Walk<'_>) {
    let phone = RemoteWallet::start(walk.system, "phone", &format!("simulated:127.0.0.1:{}", free_port())).await;
    phone.claim(walk.system, ADDRESS).await;
    let devices = walk.wallet.call(&Devices {}).await.expect("devices can be listed");
    let other = devices.iter().find(|device| !device.is_own).expect("the other device is a sibling").device_id;
    let name = "Grace's old laptop".to_owned();
    walk.wallet.call(&DeviceRename { device_id: other, name }).await.expect("a sibling can be named");
    walk.go("settings.devices", "settings.devices").await;
    walk.browser.wait_for("[data-own=\"false\"]").await;
    walk.stop("settings.devices").await;
    walk.browser.act("remove-device").await;
    walk.stop("settings.devices-remove").await;
    walk.browser.act("cancel").await;
    walk.go("settings", "settings").await;
}

async fn readers(walk: &Walk<'_>) {
    walk.go("settings.readers", "settings.readers").await;
    walk.browser.act("diagnose-readers").await;
    walk.browser.wait_for("[data-part=\"diagnosis\"]").await;
    walk.browser.wait_for("[data-action=\"copy-report\"]").await;
    walk.stop("settings.readers-diagnosis").await;
    walk.go("settings", "settings").await;
}

/// A backup is made, and restored into the same wallet: nothing is new.
async fn backup(walk: &Walk<'_>) {
    walk.go("settings.backup", "settings.backup").await;
    walk.stop("settings.backup").await;
    for field in ["backup-passphrase", "backup-again"] {
        walk.type_into(field, PASSPHRASE).await;
    }
    walk.browser.act("make-backup").await;
    walk.browser.wait_for("[data-banner=\"backup-made\"]").await;
    walk.stop("settings.backup-made").await;
    walk.type_into("restore-passphrase", PASSPHRASE).await;
    walk.browser.act("restore-backup").await;
    walk.browser.wait_for("[data-banner=\"restored\"]").await;
    walk.stop("settings.backup-restored").await;
    walk.go("settings", "settings").await;
}

async fn about(walk: &Walk<'_>) {
    walk.go("settings.about", "settings.about").await;
    walk.browser.act("make-report").await;
    walk.browser.wait_for("[data-part=\"report\"]").await;
    walk.browser.act("licences").await;
    walk.browser.wait_for("[data-part=\"licences\"]").await;
    walk.stop("settings.about-licences").await;
    walk.go("settings", "settings").await;
}

async fn senders(walk: &Walk<'_>) {
    walk.open_new_request(&Ask::default()).await;
    walk.browser.act("block").await;
    walk.stop("request-block").await;
    walk.go("confirm-block", "inbox").await;
    walk.go("settings", "settings").await;
    walk.go("settings.senders", "settings.senders").await;
    walk.browser.wait_for("[data-action=\"unblock\"]").await;
    walk.stop("settings.senders").await;
}
