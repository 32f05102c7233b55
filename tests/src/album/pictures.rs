//! The visitor that takes pictures.

use std::path::Path;

use super::{Look, Walk};

impl Walk<'_> {
    pub(super) async fn take_pictures(&self, name: &str, out: &Path, widths: &[u32]) {
        for look in widths.iter().flat_map(|width| Look::at(*width)) {
            self.wear(look).await;
            self.browser.screenshot(&out.join(format!("{name}-{}.png", look.suffix()))).await;
        }
        self.wear(Look::first()).await;
    }
}
