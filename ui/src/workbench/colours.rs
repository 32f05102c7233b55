//! Colours, sizes of type, and the icons.

use leptos::prelude::*;

use super::state;
use crate::components::icon;
use crate::components::seal_picture::{SealStage, seal_picture, stamp};
use crate::state::App;

/// The colours by name; the style sheet of the catalogue paints each.
const COLOURS: [&str; 16] = [
    "paper",
    "raised",
    "ink",
    "quiet",
    "line",
    "edge",
    "seal",
    "on-seal",
    "seal-wash",
    "good",
    "good-wash",
    "wait",
    "wait-wash",
    "bad",
    "bad-wash",
    "key",
];

/// The sizes of type by name.
const SIZES: [&str; 5] = ["small", "text", "lead", "title", "hero"];

/// Colours and type.
pub fn tokens(_app: App) -> AnyView {
    let colours = Vec::from(COLOURS.map(|name| view! { <li><i data-colour=name></i><code>{name}</code></li> }));
    let sizes = Vec::from(SIZES.map(|name| view! { <p data-size=name>"¥ 12.80 付 Ag"</p> }));
    view! { <ul class="workbench-colours" role="list">{colours}</ul><div class="workbench-sizes">{sizes}</div> }
        .into_any()
}

/// The icons and what is drawn larger.
pub fn icons(_app: App) -> AnyView {
    let icons =
        icon::ALL.iter().map(|(name, draw)| view! { <li>{draw()}<code>{*name}</code></li> }).collect::<Vec<_>>();
    view! {
        <ul class="workbench-icons" role="list">{icons}</ul>
        {state("mark", view! { <span class="workbench-mark">{icon::mark()}</span> })}
        {state("seal_picture", seal_picture(|| SealStage::Bank))}
        {state("stamp", stamp())}
    }
    .into_any()
}
