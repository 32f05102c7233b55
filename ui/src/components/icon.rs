//! The icons, drawn for Tapseal on a 24 px grid in the ink of the text around them.

use leptos::prelude::*;

/// The mark: two nested rounded squares, the inner one filled, and the arc of a tap.
pub fn mark() -> AnyView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" fill="none" aria-hidden="true">
            <rect class="mark-outer" x="3" y="7" width="22" height="22" rx="6" stroke="currentColor" stroke-width="3"/>
            <rect class="mark-inner" x="9" y="13" width="10" height="10" rx="2.5" fill="currentColor"/>
            <path class="mark-tap" d="M21 2.5a9 9 0 0 1 8.5 8.5" stroke="currentColor" stroke-width="3" stroke-linecap="round"/>
        </svg>
    }
    .into_any()
}

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {
        $(
            $(#[$doc])*
            pub fn $name() -> AnyView {
                drawn(stringify!($name), $path)
            }
        )*

        /// Every icon by its name, for the catalogue.
        #[cfg(feature = "workbench")]
        pub const ALL: &[(&str, fn() -> AnyView)] = &[$((stringify!($name), $name)),*];
    };
}

/// What points along the line of reading points the other way when that is mirrored.
const MIRRORED: [&str; 6] = ["back", "chevron", "erase", "hook", "send", "undo"];

fn drawn(name: &'static str, path: &'static str) -> AnyView {
    let class = if MIRRORED.contains(&name) { "icon icon-mirrors" } else { "icon" };
    view! {
        <svg class=class viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true">
            <path d=path/>
        </svg>
    }
    .into_any()
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
    /// A till.
    sell = "M6 4h12v6H6zM4 10h16v10H4zM8 13.5h.1M12 13.5h.1M16 13.5h.1M8 16.7h.1M12 16.7h.1M16 16.7h.1";
    /// What was sold.
    sales = "M4 6h16M4 12h16M4 18h10";
    /// A shop, and what belongs to it.
    shop = "M4 10v10h16V10M3 10l2-6h14l2 6a3 3 0 0 1-6 0a3 3 0 0 1-6 0a3 3 0 0 1-6 0zM9.5 20v-5h5v5";
    /// One more.
    plus = "M12 5v14M5 12h14";
    /// One less.
    minus = "M5 12h14";
    /// Removes something.
    bin = "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5";
    /// Moves something up.
    up = "M12 19V6M6 12l6-6 6 6";
    /// Moves something down.
    down = "M12 5v13M6 12l6 6 6-6";
    /// A printer.
    print = "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z";
    /// Codes to scan.
    code = "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.5v2.5H14zM19.9 14h.1M14 19.9h.1M17.5 17.5H20V20h-2.5z";
    /// Events that are sent on.
    hook = "M4 12h9M10 8l4 4-4 4M14 4h6v16h-6";
    /// Once more.
    again = "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.4M20 4v5.4h-5.4";
    /// A key.
    key = "M14.5 4.5a5 5 0 1 1-3.2 8.8L5 19.5H3.5V17l2-.5.5-2 2-.5 1-2.2A5 5 0 0 1 14.5 4.5zM15.8 8.2h.1";
    /// A day's totals.
    day = "M5 5.5h14V20H5zM5 10h14M9 3v4M15 3v4M9 15l2 2 4-4";
    /// A copy.
    copy = "M9 9h11v11H9zM5 15H4V4h11v1";
    /// Looks for something.
    search = "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM15.5 15.5L20.5 20.5";
    /// Shows what is hidden.
    show = "M2.5 12S6 5.5 12 5.5S21.5 12 21.5 12S18 18.5 12 18.5S2.5 12 2.5 12zM12 9.3a2.7 2.7 0 1 0 0 5.4a2.7 2.7 0 0 0 0-5.4z";
    /// Hides what is shown.
    hide = "M4 4l16 16M9.5 6A9 9 0 0 1 12 5.5C18 5.5 21.5 12 21.5 12a17 17 0 0 1-2.7 3.4M6 8.1A17 17 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 3.5-.7";
    /// Something to know.
    info = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.6v.1";
    /// What is not understood yet.
    question = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17zM9.6 9.6a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2 1-1.2 2M12 16.7v.1";
    /// Lesser actions.
    more = "M5 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0M11.4 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0M17.8 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0";
    /// A lock, closed.
    lock = "M5.5 10.5h13V20h-13zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5M12 14.5v2";
    /// A bell.
    bell = "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4M12 5V3.5";
    /// A language, or the world it is spoken in.
    language = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17zM3.5 12h17M12 3.5c-4.7 5.3-4.7 11.7 0 17M12 3.5c4.7 5.3 4.7 11.7 0 17";
    /// What is kept private.
    shield = "M12 3.5l7 2.5v5.5c0 4.3-2.8 7.5-7 9c-4.2-1.5-7-4.7-7-9V6zM9 12l2.2 2.2L15 10.4";
    /// A device.
    device = "M7.5 3h9v18h-9zM11 18h2";
    /// A computer.
    computer = "M3.5 5h17v11h-17zM8 20h8M12 16v4";
    /// A person, or where they are reached.
    person = "M12 4a4 4 0 1 0 0 8a4 4 0 0 0 0-8zM4.5 20.5a7.5 7.5 0 0 1 15 0";
    /// Sends something on.
    share = "M12 14.5V3.5M8 7l4-4l4 4M6 11v9.5h12V11";
    /// Saves something here.
    save = "M12 3.5v11M8 11l4 4l4-4M5 20h14";
    /// Kept apart, and safely.
    vault = "M4 5h16v13.5H4zM6.5 18.5v2M17.5 18.5v2M12 9a2.7 2.7 0 1 0 0 5.4a2.7 2.7 0 0 0 0-5.4zM14.7 11.7h2";
    /// Narrows a list.
    filter = "M4 6h16M7 12h10M10 18h4";
    /// A prepaid voucher: a slip with a place to tear.
    voucher = "M3.5 6.5h17v3.6a2 2 0 0 0 0 3.8v3.6h-17v-3.6a2 2 0 0 0 0-3.8zM14 7v1.5M14 11.2v1.6M14 15.5V17";
    /// A message that comes by another way.
    message = "M4 5h16v11h-8.5L7 20v-4H4zM8 9h8M8 12h5";
    /// A camera.
    camera = "M4 7.5h3.5L9 5h6l1.5 2.5H20V19H4zM12 9.8a3.4 3.4 0 1 0 0 6.8a3.4 3.4 0 0 0 0-6.8z";
    /// Money that comes back.
    undo = "M8.5 5L4 9.5L8.5 14M4 9.5h10a5.5 5.5 0 0 1 0 11h-4";
    /// Sent off.
    send = "M4 12h15M13 6l6 6l-6 6";
    /// How things look: half ink, half paper.
    contrast = "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17zM12 3.5v17M15 5v14M18 7.5v9";
    /// A finger's print.
    finger = "M7 19.5c1-2 1.5-4 1.5-7a3.5 3.5 0 0 1 7 0c0 3-.3 5.2-1.2 8M12 12.5c0 3.2-.5 5.7-1.7 8M5 16c.5-1.2.7-2.3.7-3.5a6.3 6.3 0 0 1 12.6 0c0 2-.1 3.5-.4 5";
    /// A sound.
    sound = "M4 9.5h3.5L12 5.5v13l-4.5-4H4zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11";
}
