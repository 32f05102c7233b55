//! The visitor that takes pictures.

use std::path::Path;

use super::{Extent, Look, Walk};

impl Walk<'_> {
    pub(super) async fn take_pictures(&self, name: &str, out: &Path, widths: &[u32], extent: Extent) {
        let looks = widths.iter().flat_map(|width| Look::at(*width));
        for look in looks.filter(|look| extent == Extent::Whole || look.is_kept()) {
            self.wear(look).await;
            let file = out.join(format!("{name}-{}.webp", look.suffix()));
            std::fs::write(file, self.browser.webp().await).expect("the picture can be written");
        }
        self.wear(Look::first()).await;
    }
}
