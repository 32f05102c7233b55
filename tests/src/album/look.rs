//! How a page is looked at: its width, its colours, its language.

use serde_json::json;

use super::Walk;

/// A phone, a tablet that stands on a counter, and a desktop, in CSS pixels.
pub const WIDTHS: [u32; 3] = [390, 834, 1_280];

/// The longest a page may move after it was changed, in milliseconds. What moves for ever does not count.
const MOTION_MS_MAX: u32 = 1_500;

/// Light, dark, and the two with the most contrast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shade {
    /// Ink on paper.
    Light,
    /// The other way round.
    Dark,
    /// Ink on paper for who asked the system for more contrast.
    LightContrast,
    /// The same, the other way round.
    DarkContrast,
}

impl Shade {
    /// Its name in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::LightContrast => "light-contrast",
            Self::DarkContrast => "dark-contrast",
        }
    }

    const fn scheme(self) -> &'static str {
        match self {
            Self::Light | Self::LightContrast => "light",
            Self::Dark | Self::DarkContrast => "dark",
        }
    }

    const fn contrast(self) -> &'static str {
        match self {
            Self::Light | Self::Dark => "no-preference",
            Self::LightContrast | Self::DarkContrast => "more",
        }
    }
}

/// A language of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
    /// English in disguise, a third longer; the workbench's bundle speaks it.
    Pseudo,
}

impl Tongue {
    /// Its name in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
            Self::Pseudo => "pseudo",
        }
    }

    /// What a browser calls it.
    const fn tag(self) -> &'static str {
        match self {
            Self::English => "en-GB",
            Self::Chinese => "zh-CN",
            Self::Pseudo => "en-XA",
        }
    }

    /// What the page calls it when it has changed over.
    const fn page_tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
            Self::Pseudo => "en-XA",
        }
    }
}

/// Which way lines run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As the language does.
    LeftToRight,
    /// Forced: no language of ours does, and the next one may.
    RightToLeft,
}

/// A way to look at a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// In CSS pixels.
    pub width: u32,
    /// The colours.
    pub shade: Shade,
    /// The language.
    pub tongue: Tongue,
    /// Which way lines run.
    pub direction: Direction,
}

impl Look {
    /// The look of every page between two stops.
    pub const fn first() -> Self {
        Self { width: WIDTHS[0], shade: Shade::Light, tongue: Tongue::English, direction: Direction::LeftToRight }
    }

    /// Light and dark in both languages, at one width.
    pub fn at(width: u32) -> impl Iterator<Item = Self> {
        let shades = [Shade::Light, Shade::Dark].into_iter();
        let tongues = [Tongue::English, Tongue::Chinese];
        shades.flat_map(move |shade| tongues.map(|tongue| Self { width, shade, tongue, ..Self::first() }))
    }

    /// Whether its picture is kept with the project: every look of a phone, and of wider windows the two that differ
    /// most, so that the whole stays small.
    pub const fn is_kept(self) -> bool {
        let is_phone = self.width == WIDTHS[0];
        is_phone
            || matches!((self.shade, self.tongue), (Shade::Light, Tongue::English) | (Shade::Dark, Tongue::Chinese))
    }

    /// The height that goes with the width.
    pub const fn height(self) -> u32 {
        match self.width {
            ..=599 => 844,
            600..=999 => 1_112,
            1_000.. => 800,
        }
    }

    /// What a file's name ends with.
    pub fn suffix(self) -> String {
        let mirrored = match self.direction {
            Direction::LeftToRight => "",
            Direction::RightToLeft => "-mirrored",
        };
        format!("{}-{}-{}{mirrored}", self.width, self.shade.name(), self.tongue.name())
    }
}

impl Walk<'_> {
    /// Makes the page look so, where it stands: the system's colours and language change under it.
    pub(super) async fn wear(&self, look: Look) {
        let worn = self.worn.lock().expect("no walk panicked").replace(look);
        let changes = |part: fn(Look) -> u64| worn.is_none_or(|worn| part(worn) != part(look));
        if changes(|look| u64::from(look.width)) {
            let metrics =
                json!({ "width": look.width, "height": look.height(), "deviceScaleFactor": 1, "mobile": false });
            self.browser.tell_chromium("Emulation.setDeviceMetricsOverride", &metrics).await;
        }
        if changes(|look| look.shade as u64) {
            let features = json!({ "features": [
                { "name": "prefers-color-scheme", "value": look.shade.scheme() },
                { "name": "prefers-contrast", "value": look.shade.contrast() },
            ] });
            self.browser.tell_chromium("Emulation.setEmulatedMedia", &features).await;
            // The screens are told by an event, and follow.
            let followed = match look.shade {
                Shade::Light | Shade::Dark => "html:not([data-contrast])",
                Shade::LightContrast | Shade::DarkContrast => "html[data-contrast=\"more\"]",
            };
            self.browser.wait_for(followed).await;
        }
        if changes(|look| look.tongue as u64) {
            let tongue = "Object.defineProperty(navigator, 'language', { value: arguments[0], configurable: true }); \
                window.dispatchEvent(new Event('languagechange'));";
            self.browser.driver().execute(tongue, vec![json!(look.tongue.tag())]).await.expect("the language changes");
            self.browser.wait_for(&format!("html[lang=\"{}\"]", look.tongue.page_tag())).await;
        }
        if changes(|look| look.direction as u64) {
            let direction = match look.direction {
                Direction::LeftToRight => "document.documentElement.removeAttribute('dir')",
                Direction::RightToLeft => "document.documentElement.setAttribute('dir', 'rtl')",
            };
            self.browser.driver().execute(direction, Vec::new()).await.expect("the direction changes");
        }
        self.settle().await;
    }

    /// Waits until the page is painted and nothing on it moves but what moves for ever.
    pub(super) async fn settle(&self) {
        let settle = format!(
            "const done = arguments[0];
            const frame = () => new Promise(requestAnimationFrame);
            const ends = (motion) => motion.effect?.getComputedTiming().iterations !== Infinity;
            (async () => {{
              await frame();
              // What the screens do when they are told of a change, they do after this.
              await new Promise((resolve) => setTimeout(resolve));
              const motions = document.getAnimations().filter(ends).map((motion) => motion.finished);
              const pictures = [...document.images].filter((image) => !image.complete).map((image) => image.decode());
              if (motions.length + pictures.length > 0) {{
                const late = new Promise((resolve) => setTimeout(resolve, {MOTION_MS_MAX}));
                await Promise.race([Promise.allSettled([...motions, ...pictures]), late]);
                await frame();
              }}
              done();
            }})();"
        );
        self.browser.driver().execute_async(settle, Vec::new()).await.expect("the page settles");
    }
}
