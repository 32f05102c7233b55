//! The catalogue: every component in all its states, without a wallet behind it.
//!
//! It is there with the feature `workbench` and at the address `?catalogue` only. What it looks like follows its address:
//! `theme`, `contrast`, `dir`, `lang`, `zoom`, and `only` for one section.

mod choices;
mod colours;
mod controls;
mod lists;
mod messages;
mod money;

use leptos::prelude::*;

use crate::browser;
use crate::components::message::toast_place;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The parameters of the address and what each can be; the first is what it is without it.
const TOGGLES: [(&str, &[&str]); 5] = [
    ("theme", &["system", "light", "dark"]),
    ("contrast", &["system", "more"]),
    ("dir", &["ltr", "rtl"]),
    ("lang", &["en", "zh-Hans"]),
    ("zoom", &["100", "150", "200"]),
];

/// What draws a section.
type Draw = fn(App) -> AnyView;

/// The sections: a component each, by the name of its module.
const SECTIONS: [(&str, Draw); 22] = [
    ("tokens", colours::tokens),
    ("icon", colours::icons),
    ("button", controls::buttons),
    ("icon_button", controls::icon_buttons),
    ("copy_button", controls::copy_buttons),
    ("menu", controls::menus),
    ("dialog", controls::dialogs),
    ("tabs", controls::tab_rows),
    ("field", controls::fields),
    ("search_field", controls::search),
    ("radio_list", choices::radios),
    ("segmented", choices::segments),
    ("switch", choices::switches),
    ("select_field", choices::selects),
    ("chip", choices::filters),
    ("stepper", choices::steppers),
    ("group", lists::groups),
    ("help", lists::helps),
    ("progress", messages::progress),
    ("message", messages::banners),
    ("empty", messages::empty),
    ("amount", money::amounts),
];

/// Whether the page's address asks for the catalogue instead of the wallet.
pub fn is_asked_for() -> bool {
    parameter("catalogue").is_some()
}

/// The page.
pub fn page() -> impl IntoView {
    let app = App::speaking(RwSignal::new(parameter("lang").unwrap_or_else(browser::language)));
    browser::set_root("lang", Some(app.lang.get_untracked().tag()));
    for (attribute, name) in
        [("data-theme", "theme"), ("data-contrast", "contrast"), ("dir", "dir"), ("data-zoom", "zoom")]
    {
        browser::set_root(attribute, parameter(name).filter(|value| value != "system").as_deref());
    }
    let only = parameter("only");
    let shown = SECTIONS.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name));
    let sections: Vec<AnyView> = shown.map(|(name, draw)| section(app, name, *draw)).collect();
    view! {
        <div class="workbench">
            <main data-screen="catalogue">
                <header class="page-head"><h1 tabindex="-1">{app.t(Text::WorkbenchTitle)}</h1></header>
                {toggles()}
                <div class="workbench-sections">{sections}</div>
            </main>
            {toast_place(app)}
        </div>
    }
}

fn section(app: App, name: &'static str, draw: Draw) -> AnyView {
    let id = format!("section-{name}");
    let labelled_by = id.clone();
    view! {
        <section class="workbench-section" data-component=name aria-labelledby=labelled_by>
            <h2 id=id><code>{name}</code></h2>
            {draw(app)}
        </section>
    }
    .into_any()
}

/// A state of a component under its name in the code.
fn state(name: &'static str, body: impl IntoView + 'static) -> AnyView {
    view! { <div class="workbench-state"><code class="quiet">{name}</code><div>{body.into_any()}</div></div> }
        .into_any()
}

/// Links to the same page in another look: the address says it all.
fn toggles() -> impl IntoView {
    let toggle = |(name, values): (&'static str, &'static [&'static str])| {
        let now = parameter(name).unwrap_or_else(|| values[0].to_owned());
        let link = |value: &&'static str| {
            let here = (now == *value).then_some("true");
            view! { <a href=address_with(name, value) aria-current=here><code>{*value}</code></a> }
        };
        let links = values.iter().map(link).collect::<Vec<_>>();
        view! { <li><code class="quiet">{name}</code>{links}</li> }
    };
    view! { <ul class="workbench-toggles">{Vec::from(TOGGLES.map(toggle))}</ul> }
}

/// The page's own address with one parameter changed.
fn address_with(name: &str, value: &str) -> String {
    let others = TOGGLES.iter().map(|(other, _)| *other).chain(["only"]).filter(|other| *other != name);
    let kept = others.filter_map(|other| parameter(other).map(|value| format!("&{other}={value}"))).collect::<String>();
    format!("?catalogue&{name}={value}{kept}")
}

/// A parameter of the page's address; empty for one without a value.
fn parameter(name: &str) -> Option<String> {
    let query = browser::query();
    let mut pairs = query.trim_start_matches('?').split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}
