//! The two squares that close around a payment, inner first, and the stamp they become.

use leptos::prelude::*;

/// How far the seals have closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealStage {
    /// The inner square is closing.
    Inner,
    /// Both are closed, and on their way.
    Outer,
    /// The bank has them.
    Bank,
}

impl SealStage {
    const fn name(self) -> &'static str {
        match self {
            Self::Inner => "sealing",
            Self::Outer => "sending",
            Self::Bank => "bank",
        }
    }
}

/// The squares, closing.
pub fn seal_picture(stage: impl Fn() -> SealStage + Send + Sync + 'static) -> AnyView {
    view! {
        <svg class="seal-picture" viewBox="0 0 160 160" fill="none" aria-hidden="true" data-seals=move || stage().name()>
            <rect class="seal-track" x="22" y="34" width="104" height="104" rx="28"/>
            <rect class="seal-outer" x="22" y="34" width="104" height="104" rx="28" pathLength="100"/>
            <rect class="seal-track" x="50" y="62" width="48" height="48" rx="12"/>
            <rect class="seal-inner" x="50" y="62" width="48" height="48" rx="12" pathLength="100"/>
            <path class="seal-tap" d="M108 14a40 40 0 0 1 38 38"/>
        </svg>
    }
    .into_any()
}

/// The stamp of a paid payment. It lands once, when it is first drawn; nothing else looks like it.
pub fn stamp() -> AnyView {
    view! {
        <svg class="stamp" viewBox="0 0 160 160" fill="none" aria-hidden="true">
            <rect class="stamp-outer" x="22" y="34" width="104" height="104" rx="28"/>
            <rect class="stamp-inner" x="50" y="62" width="48" height="48" rx="12"/>
            <path class="stamp-check" d="M62 86l9 9 16-18"/>
            <path class="stamp-tap" d="M108 14a40 40 0 0 1 38 38"/>
        </svg>
    }
    .into_any()
}
