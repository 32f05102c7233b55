//! Three pictures of what Tapseal does, drawn in ink with the seal's colour where something is sealed.

use leptos::prelude::*;

/// A request with its payee's verified name and its amount.
pub fn ask() -> impl IntoView {
    view! {
        <svg class="first-picture" viewBox="0 0 96 72" fill="none" aria-hidden="true">
            <path class="first-sheet" d="M22 6h52v60l-6.5-4-6.5 4-6.5-4-6.5 4-6.5-4-6.5 4-6.5-4-6.5 4z"/>
            <path d="M31 18h22M31 26h13"/>
            <path class="first-thick" d="M31 44h34"/>
            <circle class="first-seal-fill" cx="65" cy="19" r="6"/>
            <path class="first-on-seal" d="M62 19l2.2 2.2L68 17"/>
        </svg>
    }
}

/// A card that is held to a reader.
pub fn tap() -> impl IntoView {
    view! {
        <svg class="first-picture" viewBox="0 0 96 72" fill="none" aria-hidden="true">
            <rect class="first-sheet" x="8" y="18" width="46" height="30" rx="4"/>
            <path d="M8 27h46M15 40h12"/>
            <path class="first-seal" d="M62 25a12 12 0 0 1 0 16M68 20a19 19 0 0 1 0 26"/>
            <path class="first-sheet" d="M78 14h10v38H78z"/>
            <path d="M12 60h72"/>
        </svg>
    }
}

/// Two seals, one within the other, and a bank's answer.
pub fn seal() -> impl IntoView {
    view! {
        <svg class="first-picture" viewBox="0 0 96 72" fill="none" aria-hidden="true">
            <rect class="first-seal" x="10" y="14" width="44" height="44" rx="10"/>
            <rect class="first-seal-fill" x="22" y="26" width="20" height="20" rx="5"/>
            <path d="M60 36h9M66 32l4 4-4 4"/>
            <path class="first-sheet" d="M74 32l9-6 9 6zM76 34v14M83 34v14M90 34v14M73 51h20"/>
        </svg>
    }
}
