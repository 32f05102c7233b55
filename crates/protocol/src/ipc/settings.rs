//! The person's choices, and what each of them may be.

use serde::{Deserialize, Serialize};

/// The language of the screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// Follow the system.
    #[default]
    #[serde(rename = "system")]
    System,
    /// English.
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-Hans")]
    Chinese,
}

/// The colours of the screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Follow the system.
    #[default]
    System,
    /// Ink on paper.
    Light,
    /// Paper on ink.
    Dark,
}

/// How far ink stands from paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contrast {
    /// Follow the system.
    #[default]
    System,
    /// As far as can be, with every edge drawn.
    More,
}

/// When a wallet that has a lock closes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockAfter {
    /// As soon as the person turns to another window.
    Leaving,
    /// After one minute without a touch or a key.
    Minute,
    /// After five.
    #[default]
    FiveMinutes,
    /// After fifteen.
    QuarterHour,
    /// After sixty.
    Hour,
    /// Only when the program starts again.
    Restart,
}

/// What a notification of the system tells of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notices {
    /// There is none.
    Off,
    /// That something waits, and neither who asks nor how much.
    #[default]
    Discreet,
    /// Who asks and how much: whoever sees the screen reads it.
    Full,
}

/// Whether results can be heard and felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// A short sound, and on phones a tap.
    #[default]
    On,
    /// Neither.
    Off,
}

/// How the PIN pad's keys are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinLayout {
    /// Shuffled, drawn as images: a screen reader cannot say the digits.
    #[default]
    Scrambled,
    /// In the usual order with text labels, for keyboards and screen readers.
    Standard,
}

/// The person's choices. One that was never made has its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The language.
    pub language: Language,
    /// The colours.
    pub theme: Theme,
    /// How far ink stands from paper.
    pub contrast: Contrast,
    /// The PIN pad.
    pub pin_layout: PinLayout,
    /// When the wallet locks by itself.
    pub lock_after: LockAfter,
    /// What notifications tell.
    pub notices: Notices,
    /// Whether results can be heard and felt.
    pub feedback: Feedback,
}
