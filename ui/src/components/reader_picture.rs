//! The pictures of a card and a reader, one for each way a card is presented; the card moves while it is read.

use leptos::prelude::*;

use crate::invitation::Invitation;
use crate::state::App;

/// The picture. `is_reading` moves the card to where it is read.
pub fn reader_picture(
    app: App,
    invitation: Invitation,
    is_reading: impl Fn() -> bool + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let shapes = match invitation {
        Invitation::Any | Invitation::Tap => tapped().into_any(),
        Invitation::Insert => inserted().into_any(),
        Invitation::Phone => at_phone().into_any(),
        Invitation::Swipe => swiped().into_any(),
    };
    view! {
        <svg class="reader-picture" class:reading=is_reading data-gesture=invitation.name() viewBox="0 8 280 184"
            fill="none" role="img" aria-label=app.t(invitation.picture())>
            {shapes}
        </svg>
    }
}

/// A card lying on its long side, its corner at this point.
fn lying_card() -> impl IntoView {
    view! {
        <rect class="picture-card-face" x="78" y="104" width="124" height="78" rx="10"/>
        <rect class="picture-chip" x="92" y="126" width="22" height="17" rx="4"/>
        <path class="picture-line" d="M92 163h44M92 171h26"/>
        <rect class="picture-mark-outer" x="172" y="152" width="18" height="18" rx="5"/>
        <rect class="picture-mark-inner" x="177.5" y="157.5" width="7" height="7" rx="2"/>
    }
}

/// The card slides under the reader's line.
fn tapped() -> impl IntoView {
    view! {
        <defs><clipPath id="below-line"><rect x="0" y="88" width="280" height="112"/></clipPath></defs>
        <g clip-path="url(#below-line)"><g class="picture-card">{lying_card()}</g></g>
        <g class="picture-reader">
            <rect class="picture-body" x="60" y="18" width="160" height="70" rx="14"/>
            <g class="picture-waves">
                <path d="M150 45a14 14 0 0 1-20 0"/>
                <path d="M158.4 53.4a26 26 0 0 1-36.8 0"/>
                <path d="M166.9 61.9a38 38 0 0 1-53.8 0"/>
            </g>
            <path class="picture-slot" d="M44 88h192"/>
        </g>
    }
}

/// The card stands upright, its chip ahead, and goes into the slot.
fn inserted() -> impl IntoView {
    view! {
        <defs><clipPath id="below-slot"><rect x="0" y="70" width="280" height="130"/></clipPath></defs>
        <g clip-path="url(#below-slot)">
            <g class="picture-card">
                <rect class="picture-card-face" x="106" y="82" width="68" height="108" rx="10"/>
                <rect class="picture-chip" x="130" y="93" width="20" height="24" rx="4"/>
                <path class="picture-chip" d="M130 105h20"/>
                <path class="picture-line" d="M120 138h34M120 148h20"/>
                <rect class="picture-mark-outer" x="148" y="166" width="14" height="14" rx="4"/>
                <rect class="picture-mark-inner" x="152" y="170" width="6" height="6" rx="2"/>
            </g>
        </g>
        <g class="picture-reader">
            <path class="picture-body" d="M60 70v-36a14 14 0 0 1 14-14h132a14 14 0 0 1 14 14v36z"/>
            <g class="picture-waves"><path d="M140 58V36M131 45l9-9 9 9"/></g>
            <path class="picture-slot" d="M60 70h34M186 70h34"/>
            <path class="picture-slot-gap" d="M100 70h80"/>
        </g>
    }
}

/// The card lies on the back of a phone, whose camera shows which side that is.
fn at_phone() -> impl IntoView {
    view! {
        <g class="picture-reader">
            <path class="picture-body" d="M88 200V36a20 20 0 0 1 20-20h64a20 20 0 0 1 20 20v164"/>
            <rect class="picture-camera" x="98" y="26" width="26" height="26" rx="9"/>
            <circle class="picture-camera" cx="111" cy="39" r="6"/>
            <g class="picture-waves">
                <path d="M150 69a14 14 0 0 0-20 0"/>
                <path d="M158.4 60.6a26 26 0 0 0-36.8 0"/>
            </g>
        </g>
        <g class="picture-card">{lying_card()}</g>
    }
}

/// The card stands in a groove, its stripe inside, and is pulled along.
fn swiped() -> impl IntoView {
    view! {
        <g class="picture-card">
            <rect class="picture-card-face" x="58" y="34" width="124" height="92" rx="10"/>
            <path class="picture-stripe" d="M58 100h124"/>
            <path class="picture-line" d="M74 54h44M74 64h26"/>
        </g>
        <g class="picture-reader">
            <rect class="picture-body" x="36" y="112" width="208" height="44" rx="12"/>
            <path class="picture-slot" d="M28 112h224"/>
            <g class="picture-waves"><path d="M104 174h72M167 166l9 8-9 8"/></g>
        </g>
    }
}
