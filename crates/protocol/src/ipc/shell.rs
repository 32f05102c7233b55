//! Commands about what surrounds the wallet: a camera, a motor that can be felt, the system's notifications.
//!
//! What there is differs from system to system; [`Abilities`] says it, and nothing else is offered on a screen.

use serde::{Deserialize, Serialize};

use super::{Command, RequestView};

commands! {
    /// What this system lets the wallet do.
    Abilities {} = "abilities" -> AbilitiesView;
    /// Looks for a code with the camera, and shows the request it brings; never acts. Only where there is a camera.
    ScanCamera {} = "scan_camera" -> RequestView;
    /// Ends the look, and the camera with it.
    ScanCameraStop {} = "scan_camera_stop" -> ();
    /// Lets a result be felt. Does nothing where nothing can be felt, or where the person switched it off.
    Haptic {
        /// What it says.
        touch: Touch,
    } = "haptic" -> ();
    /// Says whether a secret is being typed on the screen that is shown. Phones then keep it out of recordings.
    ScreenHolds {
        /// What is on it.
        holds: OnScreen,
    } = "screen_holds" -> ();
    /// Shows a notification as one about a request would be, with nobody's name or amount in it.
    NoticeExample {} = "notice_example" -> ();
}

/// What this system lets the wallet do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AbilitiesView {
    /// Whether there is a camera that can look for codes.
    pub camera: bool,
    /// Whether results can be felt.
    pub haptics: bool,
    /// Whether somebody shows notifications.
    pub notices: bool,
}

/// What a screen of the window holds. What the wallet itself asks for, such as a PIN, it knows without being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnScreen {
    /// Nothing that is typed here is secret.
    #[default]
    Plain,
    /// A password, a PIN or a code.
    Secret,
}

/// What can be felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    /// A key or a switch took the press.
    Key,
    /// It is done: paid.
    Done,
    /// Nobody knows yet.
    Waiting,
    /// It is refused, or failed.
    Refused,
}

/// What brought the request that the window is asked to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenedBy {
    /// A link from outside: the request is introduced first.
    #[default]
    Link,
    /// A notification that the person pressed: it is one of the inbox.
    Notice,
}
