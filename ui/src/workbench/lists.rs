//! What belongs together: facts, rows, and what is folded up.

use leptos::prelude::*;

use super::state;
use crate::components::group::{Row, disclosure, fact, facts, fingerprint, group, rows, wide_fact};
use crate::components::help::help;
use crate::components::message::{Tone, badge, count_badge};
use crate::components::words::Words;
use crate::components::{icon, verified_badge};
use crate::i18n::Text;
use crate::state::App;

/// A payee's name of 32 letters.
pub const LONG_NAME: &str = "Donaudampfschifffahrt & Söhne KG";
/// The same in Chinese.
pub const LONG_NAME_ZH: &str = "北京市朝阳区建国门外大街蓝门咖啡烘焙与甜品连锁餐饮管理有限责任公司";

/// A card of facts, rows that lead on and rows that do not, something folded up.
pub fn groups(app: App) -> AnyView {
    let told = facts(view! {
        {fact(app, Text::WorkbenchVersion, "0.6.0")}
        {fact(app, Text::WorkbenchReader, view! { <bdi>{LONG_NAME}</bdi> })}
        {wide_fact(app, Text::WorkbenchFingerprint, fingerprint(|| "9F2A 41C0 77B1 0C5E 9F2A 41C0 77B1 0C5E".to_owned()))}
    });
    let lines = rows(view! {
        {Row::new(Text::WorkbenchReader).note(Text::WorkbenchReaderNote).icon(icon::reader()).leads(app, "reader", || ())}
        {Row::new(Text::WorkbenchLook).icon(icon::contrast()).value(app.say(Text::WorkbenchDark.into())).leads(app, "look", || ())}
        {Row::new(Words::Name(LONG_NAME_ZH.to_owned())).value(badge(app, Tone::Good, Text::WorkbenchPaid)).view(app)}
        {Row::new(Words::Name(LONG_NAME.to_owned())).value(count_badge(|| 120)).view(app)}
    });
    view! {
        {state("group", group(app, "facts", Text::WorkbenchMore, told))}
        {state("rows", lines)}
        {state("disclosure", disclosure(app, "items", Text::WorkbenchItems, view! { <p class="quiet">{LONG_NAME_ZH}</p> }))}
        {state("verified_badge", verified_badge(app, Text::WorkbenchGood))}
    }
    .into_any()
}

/// A word of help.
pub fn helps(app: App) -> AnyView {
    view! { <p>{app.t(Text::WorkbenchMatch)}{help(app, "help-match", Text::WorkbenchMatch, Text::WorkbenchHelp)}</p> }
        .into_any()
}
