//! A username: setting one up with a card that a vault keeps, signing in, and looking after what is kept.
//!
//! Name and password wait in the wallet for a few minutes; a code is typed for every change. This page keeps no secret but
//! the second factor's, while it is shown to be set up.

mod kept;
mod set_up;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::alias::{AliasDeskView, AliasLeave, AliasRemember, AliasState, AliasStateView};
use protocol::ipc::{LookFor, ReaderTestStage, ReaderTestView};

use crate::browser;
use crate::components::button::{Button, actions_row};
use crate::components::group::{facts, group, wide_fact};
use crate::components::words::Words;
use crate::components::{icon, loading_list};
use crate::i18n::Text;
use crate::methods::alias::kept;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// How much later than the wallet this page takes the time to be over, so that it does not ask too early, in ms.
const GRACE_MS: u64 = 2_000;

/// What the person is about to do while nothing is begun.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Nothing,
    SetUp,
    SignIn,
}

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Reading,
    NoVault,
    Introduction,
    SetUp,
    SignIn,
    Card,
    Factor,
    Kept,
}

/// What the page knows.
#[derive(Clone, Copy)]
struct Page {
    app: App,
    state: RwSignal<Option<AliasStateView>>,
    wish: RwSignal<Wish>,
    /// What is begun, which is drawn anew only when it changes.
    desk: Memo<Option<AliasDeskView>>,
}

impl Page {
    fn read(self) {
        spawn_local(async move {
            if let Some(state) = self.app.ask(AliasState {}).await {
                self.state.try_set(Some(state));
            }
        });
    }

    fn take_desk(self, desk: Option<AliasDeskView>) {
        self.wish.try_set(Wish::Nothing);
        self.state.update(|state| {
            if let Some(state) = state {
                state.desk = desk;
            }
        });
    }

    fn shown(self) -> Shown {
        let has_vaults = self.state.with(|state| state.as_ref().map(|state| !state.vaults.is_empty()));
        let at_desk = self.desk.with(|desk| desk.as_ref().map(|desk| (desk.alias.is_some(), desk.card.is_some())));
        match (has_vaults, at_desk, self.wish.get()) {
            (None, _, _) => Shown::Reading,
            (Some(_), Some((true, _)), _) => Shown::Kept,
            (Some(_), Some((false, true)), _) => Shown::Factor,
            (Some(_), Some((false, false)), _) => Shown::Card,
            (Some(false), None, _) => Shown::NoVault,
            (Some(true), None, Wish::Nothing) => Shown::Introduction,
            (Some(true), None, Wish::SetUp) => Shown::SetUp,
            (Some(true), None, Wish::SignIn) => Shown::SignIn,
        }
    }

    /// Wipes what was typed, wherever it is.
    fn leave(self) {
        self.app.while_busy(async move {
            if self.app.ask(AliasLeave {}).await.is_some() {
                self.take_desk(None);
            }
        });
    }

    /// Remembers the name, or forgets it.
    fn remember(self, is_remembered: bool) {
        self.app.while_busy(async move {
            if self.app.ask(AliasRemember { is_remembered }).await.is_some() {
                self.app.read_methods().await;
            }
        });
    }
}

/// The page.
pub fn page(app: App) -> AnyView {
    let state = RwSignal::new(None::<AliasStateView>);
    let desk = Memo::new(move |_| state.with(|state| state.as_ref().and_then(|state| state.desk.clone())));
    let page = Page { app, state, wish: RwSignal::new(Wish::Nothing), desk };
    page.read();
    spawn_local(app.read_methods());
    let has_card =
        Memo::new(move |_| reading(app).is_some_and(|it| matches!(it.progress, ReaderTestStage::Read { .. })));
    let is_over = Memo::new(move |_| {
        let until_ms = desk.with(|desk| desk.as_ref().map(|desk| desk.until_ms));
        until_ms.is_some_and(|until_ms| app.now_ms.get() > until_ms.saturating_add(GRACE_MS))
    });
    Effect::new(move || {
        if has_card.get() || is_over.get() {
            page.read();
        }
        if has_card.get() {
            // What was read is at the desk; the look is over, and another card can be read.
            app.end_reader_test();
        }
    });
    on_cleanup(move || {
        if untrack(|| reading(app)).is_some() {
            app.end_reader_test();
        }
    });
    let shown = Memo::new(move |_| page.shown());
    Effect::new(move |before: Option<Shown>| {
        let shown = shown.get();
        if before.is_some_and(|before| before != shown && before != Shown::Reading) {
            request_animation_frame(|| browser::focus("main h1"));
        }
        shown
    });
    let content = move || match shown.get() {
        Shown::Reading => loading_list(app, Text::AliasLoading),
        Shown::NoVault => view! {
            <p class="quiet">{app.t(Text::AliasLead)}</p>
            <p class="notice" data-part="no-vault">{icon::info()}<span>{app.t(Text::AliasNoVault)}</span></p>
        }
        .into_any(),
        Shown::Introduction => introduction(page),
        Shown::SetUp => set_up::name(page),
        Shown::SignIn => set_up::sign_in(page),
        Shown::Card => set_up::card(page),
        Shown::Factor => set_up::factor(page),
        Shown::Kept => kept::page(page),
    };
    view! { {content} }.into_any()
}

/// The card that is being read for a vault.
fn reading(app: App) -> Option<ReaderTestView> {
    app.reader_test.with(|look| look.clone().filter(|look| look.purpose == LookFor::Vault))
}

/// What it is, who keeps the card, and what happens when the second factor is lost: before anybody decides.
fn introduction(page: Page) -> AnyView {
    let app = page.app;
    let keepers = page.state.with_untracked(|state| {
        let names = state.iter().flat_map(|state| &state.vaults).map(|vault| vault.name.clone());
        names.collect::<Vec<_>>().join(", ")
    });
    let said = |text: Text| app.say(Words::Filled(text, "vault", keepers.clone()));
    let known = Memo::new(move |_| kept(app).map(|kept| kept.name));
    let remembered = move || {
        known.get().map(|name| {
            group(
                app,
                "alias-known",
                Text::AliasKnownTitle,
                view! {
                    <p class="group-line" data-part="alias-name"><bdi>{name}</bdi></p>
                    <p class="quiet small group-line">{app.t(Text::AliasRememberHint)}</p>
                    {actions_row(Button::plain("forget-alias", Text::AliasForget)
                        .off_while(move || app.busy.get()).on(app, move || page.remember(false)))}
                },
            )
        })
    };
    view! {
        <p class="quiet">{app.t(Text::AliasLead)}</p>
        {remembered}
        {group(app, "alias-about", Text::AliasAbout, facts(view! {
            {wide_fact(app, Text::AliasWhoKeeps, said(Text::AliasWhoKeepsBody))}
            {wide_fact(app, Text::AliasBank, said(Text::AliasBankBody))}
            {wide_fact(app, Text::AliasLost, said(Text::AliasLostBody))}
        }))}
        {actions_row(view! {
            {Button::primary("alias-set-up", Text::AliasSetUp).on(app, move || page.wish.set(Wish::SetUp))}
            {Button::plain("alias-have-one", Text::AliasHaveOne).on(app, move || page.wish.set(Wish::SignIn))}
        })}
    }
    .into_any()
}
