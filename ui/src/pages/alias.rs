//! Paying by alias: name, password, the second factor's code, and which of the cards. The vault is asked at once.

pub mod typed;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::ipc::alias::{AliasPay, AliasState, CARDS_MAX};
use protocol::ipc::pay::{AliasCard, KeptAlias, Method};

use self::typed::Typed;
use crate::components::button::Button;
use crate::components::choice::{checkbox, select_field};
use crate::components::field::FieldKind;
use crate::components::group::disclosure;
use crate::components::pay_head::{pay_head, pay_words};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::methods::alias::{card_name, kept};
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// What is being typed to pay.
#[derive(Clone, Copy)]
struct Paying {
    request_id: RequestId,
    typed: Typed,
    /// The number of the card that pays; zero for the first.
    place: RwSignal<String>,
    is_remembered: RwSignal<bool>,
    /// What is remembered; of this name the cards are known.
    known: RwSignal<Option<KeptAlias>>,
}

impl Paying {
    /// The cards of the name that is typed, as far as they are known here.
    fn cards(self) -> Vec<AliasCard> {
        let is_same = |kept: &&KeptAlias| {
            self.typed.name.with(|name| name.trim() == kept.name) && self.typed.vault_id.with(|id| *id == kept.vault_id)
        };
        self.known.with(|known| known.as_ref().filter(is_same).map(|kept| kept.cards.clone()).unwrap_or_default())
    }

    fn pay(self) {
        if !self.typed.has_name() || !self.typed.has_password() {
            return;
        }
        let Some(code) = self.typed.code.take() else { return };
        let (app, request_id) = (self.typed.app, self.request_id);
        let (vault_id, name) = (self.typed.vault_id.get_untracked(), self.typed.trimmed_name());
        let cards = untrack(|| self.cards());
        let place = self.place.with_untracked(|place| place.parse().unwrap_or(0));
        let kept = KeptAlias { vault_id: vault_id.clone(), name: name.clone(), place, cards };
        app.choose_method(Method::Alias { kept: self.is_remembered.get_untracked().then_some(kept) });
        let password = self.typed.take_password();
        app.begin_checkout(AliasPay { request_id, vault_id, name, password, code, place });
    }
}

/// The screen.
pub fn page(app: App, request_id: RequestId) -> impl IntoView {
    let known = untrack(|| kept(app));
    let typed = Typed::new(app, known.as_ref());
    let paying = Paying {
        request_id,
        typed,
        place: RwSignal::new(known.as_ref().map_or(0, |kept| kept.place).to_string()),
        is_remembered: RwSignal::new(known.is_some()),
        known: RwSignal::new(known),
    };
    spawn_local(async move {
        if let Some(state) = app.ask(AliasState {}).await {
            typed.take_vaults(state.vaults);
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        paying.pay();
    };
    let is_off = move || app.busy.get() || !app.online.get() || typed.vaults.with(Vec::is_empty);
    let remember = checkbox(
        app,
        "alias.remember",
        Text::AliasRemember,
        Some(Words::Text(Text::AliasRememberHint)),
        move || paying.is_remembered.get(),
        move |is| paying.is_remembered.set(is),
    );
    view! {
        {pay_head(app, request_id)}
        <div class="means">
            <h1 tabindex="-1">{app.t(Text::AliasPayTitle)}</h1>
            <p class="quiet">{app.t(Text::AliasPayBody)}</p>
            <form class="means-form" on:submit=submit novalidate>
                {typed.name_field()}
                {typed.password_field(FieldKind::Secret, Text::AliasPassword, Text::AliasPasswordHint)}
                {typed.code.view(app, Text::AliasCode)}
                {typed.vault_field()}
                {card_choice(app, paying)}
                {remember}
                {Button::main("pay", pay_words(app, request_id)).off_while(is_off).submit(app)}
            </form>
        </div>
    }
}

/// Which card: by its label where the cards are known here, else by its number, which its owner has to know.
fn card_choice(app: App, paying: Paying) -> AnyView {
    let cards = Memo::new(move |_| paying.cards());
    let of_known = move || {
        let named = |card: AliasCard| (card.place.to_string(), Words::Name(card_name(&card)));
        let mut options: Vec<_> = cards.get().into_iter().map(named).collect();
        // Where none was chosen before, it is the first.
        if let Some((place, _)) = options.first_mut().filter(|_| paying.place.with(|place| place == "0")) {
            "0".clone_into(place);
        }
        options
    };
    let of_number = || {
        let numbered =
            |place: u8| (place.to_string(), Words::Filled(Text::AliasCardNumber, "number", place.to_string()));
        std::iter::once(("0".to_owned(), Words::Text(Text::AliasCardFirst)))
            .chain((1..=CARDS_MAX).map(numbered))
            .collect()
    };
    let choice = move || match cards.with(Vec::len) {
        0 => disclosure(
            app,
            "further",
            Text::AliasFurther,
            select_field(app, "alias-card", Text::AliasCard, of_number, paying.place),
        ),
        1 => ().into_any(),
        _ => select_field(app, "alias-card", Text::AliasCard, of_known, paying.place),
    };
    view! { {choice} }.into_any()
}
