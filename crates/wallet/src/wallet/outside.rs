//! What comes from outside the window, and what the wallet can do there where no program surrounds it.

use std::result::Result;
use std::sync::PoisonError;

use payment::RequestId;
use protocol::ipc::RequestView;
use protocol::ipc::shell::{AbilitiesView, OnScreen, OpenedBy, Touch};
use protocol::{ErrorCode, Problem};

use super::{Core, Wallet};

impl Wallet {
    /// Opens a link that came from outside the window, which is then asked to show the request, or why there is none.
    /// One that comes while the wallet is locked waits for the lock to be opened.
    pub async fn open_link_from_outside(&self, link: String) -> Result<RequestView, Problem> {
        if self.unlocked().is_err() {
            return Err(self.keep_link(link));
        }
        let opened = self.open_link(link).await;
        match &opened {
            Ok(view) => self.core.changes.asked_for(view.request_id, OpenedBy::Link),
            Err(problem) => self.core.changes.link_failed(problem.code),
        }
        opened
    }

    /// Asks the window to show a request whose notification was pressed.
    pub fn ask_to_show(&self, request_id: RequestId) {
        self.core.changes.asked_for(request_id, OpenedBy::Notice);
    }

    /// What the surrounding program can do.
    #[allow(clippy::unused_async, reason = "a command as all others")]
    pub async fn abilities(&self) -> Result<AbilitiesView, Problem> {
        Ok(self.core.config.abilities)
    }

    /// A wallet by itself has no camera: the program around it may.
    #[allow(clippy::unused_async, reason = "a command as all others")]
    pub async fn scan_camera(&self) -> Result<RequestView, Problem> {
        Err(Problem::new(ErrorCode::CameraUnavailable))
    }

    /// Nothing is looked at, so nothing ends.
    #[allow(clippy::unused_async, reason = "a command as all others")]
    pub async fn scan_camera_stop(&self) -> Result<(), Problem> {
        Ok(())
    }

    /// A wallet by itself moves nothing.
    #[allow(clippy::unused_async, reason = "a command as all others")]
    pub async fn haptic(&self, _touch: Touch) -> Result<(), Problem> {
        Ok(())
    }

    /// Remembers what is on the screen, for the program around the wallet: see [`Wallet::on_screen`].
    #[allow(clippy::unused_async, reason = "a command as all others")]
    pub async fn screen_holds(&self, holds: OnScreen) -> Result<(), Problem> {
        self.core.set_on_screen(holds);
        Ok(())
    }

    /// What the window last said of its screen. `watch` answers when it changed.
    pub fn on_screen(&self) -> OnScreen {
        *self.core.on_screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A wallet by itself shows no notifications.
    #[allow(clippy::unused_async, reason = "a command as all others")]
    pub async fn notice_example(&self) -> Result<(), Problem> {
        Ok(())
    }
}

impl Core {
    /// Remembers what is on the screen, and tells whoever watches.
    pub(crate) fn set_on_screen(&self, holds: OnScreen) {
        let before = std::mem::replace(&mut *self.on_screen.lock().unwrap_or_else(PoisonError::into_inner), holds);
        if before != holds {
            self.changes.checkout_moved();
        }
    }
}
