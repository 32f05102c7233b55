//! The picture of a card held to a reader: the card slides under the reader while it is read.

use leptos::prelude::*;

use crate::i18n::Text;
use crate::state::App;

/// The picture. `is_reading` moves the card under the reader.
pub fn reader_picture(app: App, is_reading: impl Fn() -> bool + Copy + Send + Sync + 'static) -> impl IntoView {
    view! {
        <svg class="reader-picture" class:reading=is_reading viewBox="0 8 280 184" fill="none" role="img"
            aria-label=app.t(Text::CardPicture)>
            <defs>
                <clipPath id="under-reader"><rect x="0" y="88" width="280" height="112"/></clipPath>
            </defs>
            <g clip-path="url(#under-reader)">
                <g class="picture-card">
                    <rect class="picture-card-face" x="78" y="104" width="124" height="78" rx="10"/>
                    <rect class="picture-chip" x="92" y="126" width="22" height="17" rx="4"/>
                    <path class="picture-line" d="M92 163h44M92 171h26"/>
                    <rect class="picture-mark-outer" x="172" y="152" width="18" height="18" rx="5"/>
                    <rect class="picture-mark-inner" x="177.5" y="157.5" width="7" height="7" rx="2"/>
                </g>
            </g>
            <g class="picture-reader">
                <rect class="picture-body" x="60" y="18" width="160" height="70" rx="14"/>
                <g class="picture-waves">
                    <path d="M150 45a14 14 0 0 1-20 0"/>
                    <path d="M158.4 53.4a26 26 0 0 1-36.8 0"/>
                    <path d="M166.9 61.9a38 38 0 0 1-53.8 0"/>
                </g>
                <path class="picture-slot" d="M44 88h192"/>
            </g>
        </svg>
    }
}
