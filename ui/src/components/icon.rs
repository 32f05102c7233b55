//! The icons, drawn for Tapseal on a 24 px grid in the ink of the text around them.

use leptos::prelude::*;

/// The mark: two nested rounded squares, the inner one filled, and the arc of a tap.
pub fn mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" fill="none" aria-hidden="true">
            <rect class="mark-outer" x="3" y="7" width="22" height="22" rx="6" stroke="currentColor" stroke-width="3"/>
            <rect class="mark-inner" x="9" y="13" width="10" height="10" rx="2.5" fill="currentColor"/>
            <path class="mark-tap" d="M21 2.5a9 9 0 0 1 8.5 8.5" stroke="currentColor" stroke-width="3" stroke-linecap="round"/>
        </svg>
    }
}

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {
        $(
            $(#[$doc])*
            pub fn $name() -> impl IntoView {
                view! {
                    <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
                        stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
                        <path d=$path/>
                    </svg>
                }
            }
        )*
    };
}

icons! {
    /// Points back; mirrored in right-to-left layouts by the style sheet.
    back = "M15 5l-7 7 7 7";
    /// Points on.
    chevron = "M9 5l7 7-7 7";
    /// Verified.
    check = "M4.5 12.5l5 5 10-11";
    /// Refused.
    cross = "M6 6l12 12M18 6L6 18";
    /// Not tried.
    dash = "M7 12h10";
    /// A time that runs.
    clock = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17zM12 7.5v5l3.5 2";
    /// Something to be careful of.
    caution = "M12 4l9 16H3zM12 10v4.5M12 17.2v.1";
    /// Takes the last key back.
    erase = "M8.5 5H21v14H8.5L2.5 12zM12 9.5l5 5M17 9.5l-5 5";
    /// The requests.
    requests = "M4 13l2.5-8h11L20 13v6H4zM4 13h4.5a3.5 3.5 0 0 0 7 0H20";
    /// The history.
    history = "M6 3.5h12V21l-3-2-3 2-3-2-3 2zM9.5 8.5h5M9.5 12.5h5";
    /// The settings.
    settings = "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5";
    /// A link.
    link = "M10 14a4 4 0 0 0 5.7 0l3.3-3.3a4 4 0 0 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0L5 13.3A4 4 0 0 0 10.7 19l1.3-1.3";
    /// No connection.
    offline = "M4 4l16 16M8.5 16a5 5 0 0 1 7 0M5 12.5a10 10 0 0 1 4-2.3M12 20v.1M13.5 8.2a10 10 0 0 1 5.5 4.3";
    /// A card reader with a card in it.
    reader = "M6 3h12v10H6zM4 13h16M8 13v8h8v-8M10.5 6.5h3";
    /// Something folded up.
    fold = "M6 9l6 6 6-6";
    /// A card.
    card = "M3 6.5h18v11H3zM3 10.5h18M6.5 14.5h3";
    /// A file to open or save.
    file = "M6 3h8l4 4v14H6zM14 3v4h4M12 11v6M9.5 14.5L12 17l2.5-2.5";
    /// A copy.
    copy = "M9 9h11v11H9zM5 15H4V4h11v1";
}
