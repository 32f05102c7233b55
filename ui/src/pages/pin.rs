//! PIN entry on a pad drawn by the wallet: this screen knows positions, never digits.
//!
//! The keys are pictures by default, in an order only the wallet knows. With standard keys the labels are text, for
//! keyboards and screen readers; what is entered is still told to the wallet by position, and no live region ever
//! holds a digit.

use std::collections::VecDeque;

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{
    CardStay, CheckoutStage, PinEntryView, PinErase, PinKeyView, PinLayout, PinPad, PinPadView, PinPress,
};

use crate::browser;
use crate::components::{back_button, icon, stop_button};
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::pages::card::{paying_line, pays_by_voucher, voucher_line};
use crate::signal::{Memo, RwSignal};
use crate::stage::{card_label, read_text};
use crate::state::App;

/// How many dots are drawn before more digits are entered: the shortest PIN (ISO 9564-1).
const DOTS_MIN: u8 = 4;
/// The most key presses that wait for the wallet; a person cannot be this far ahead of it.
const QUEUE_MAX: usize = 16;

/// A key that was pressed and not yet told to the wallet.
#[derive(Clone, Copy)]
enum Pressed {
    Position(u8),
    Erase,
}

/// PIN entry in progress.
#[derive(Clone, Copy)]
struct Entry {
    app: App,
    layout: RwSignal<PinLayout>,
    pad: RwSignal<Option<PinPadView>>,
    filled: RwSignal<PinEntryView>,
    /// Presses are told one after the other: two calls at once could arrive swapped.
    queue: StoredValue<VecDeque<Pressed>>,
    is_telling: StoredValue<bool>,
    /// Whether a pad is on its way. The wallet goes by the last pad it drew, so until that one is shown no key may
    /// be pressed and no other pad asked for.
    is_drawing: RwSignal<bool>,
}

const NOTHING: PinEntryView = PinEntryView { filled: 0, complete: false };

impl Entry {
    fn new(app: App) -> Self {
        let layout = app
            .status
            .with_untracked(|status| status.as_ref().map_or(PinLayout::default(), |it| it.settings.pin_layout));
        let entry = Self {
            app,
            layout: RwSignal::new(layout),
            pad: RwSignal::new(None),
            filled: RwSignal::new(NOTHING),
            queue: StoredValue::new(VecDeque::new()),
            is_telling: StoredValue::new(false),
            is_drawing: RwSignal::new(false),
        };
        entry.draw(layout);
        entry
    }

    /// Asks for a fresh pad, which forgets what was entered.
    fn draw(self, layout: PinLayout) {
        if self.is_drawing.get_untracked() {
            return;
        }
        self.is_drawing.set(true);
        spawn_local(self.drawn(layout));
    }

    /// The same for keys in another order. The focus leaves the button that did it, so that digits can be typed and
    /// Enter confirms.
    fn draw_anew(self, layout: PinLayout) {
        if self.is_drawing.get_untracked() {
            return;
        }
        self.is_drawing.set(true);
        spawn_local(async move {
            self.drawn(layout).await;
            browser::focus("main h1");
        });
    }

    async fn drawn(self, layout: PinLayout) {
        match invoke(PinPad { layout }).await {
            Ok(pad) => {
                self.layout.try_set(pad.layout);
                self.filled.try_set(NOTHING);
                self.pad.try_set(Some(pad));
            }
            Err(problem) => self.app.problem.set(Some(problem)),
        }
        self.is_drawing.try_set(false);
    }

    fn press(self, pressed: Pressed) {
        if self.is_drawing.get_untracked() {
            return;
        }
        let is_queued = self.queue.try_update_value(|queue| {
            let has_room = queue.len() < QUEUE_MAX;
            if has_room {
                queue.push_back(pressed);
            }
            has_room
        });
        if is_queued == Some(true) && self.is_telling.try_get_value() == Some(false) {
            self.is_telling.set_value(true);
            spawn_local(self.tell());
        }
    }

    async fn tell(self) {
        while let Some(Some(pressed)) = self.queue.try_update_value(VecDeque::pop_front) {
            let answer = match pressed {
                Pressed::Position(position) => invoke(PinPress { position }).await,
                Pressed::Erase => invoke(PinErase {}).await,
            };
            match answer {
                Ok(entry) => drop(self.filled.try_set(entry)),
                Err(problem) => self.app.problem.set(Some(problem)),
            }
        }
        self.is_telling.try_update_value(|is_telling| *is_telling = false);
    }

    fn confirm(self) {
        if self.filled.get_untracked().complete {
            self.app.submit_pin();
        }
    }

    /// Backspace erases and Enter confirms; with standard keys a digit is turned into its key's position.
    fn on_key(self, event: &KeyboardEvent) {
        match event.key().as_str() {
            "Backspace" => self.press(Pressed::Erase),
            // On a button that has the focus, Enter presses that button.
            "Enter" if !browser::is_there("button:focus") => self.confirm(),
            key => {
                let position = self.pad.with_untracked(|pad| pad.as_ref().and_then(|pad| position_labelled(pad, key)));
                if let Some(position) = position {
                    self.press(Pressed::Position(position));
                }
            }
        }
    }
}

/// The position whose text label is `key`; keys drawn as pictures have none.
fn position_labelled(pad: &PinPadView, key: &str) -> Option<u8> {
    pad.keys.iter().find(|candidate| candidate.label.as_deref() == Some(key)).map(|candidate| candidate.position)
}

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let entry = Entry::new(app);
    let listener = window_event_listener(leptos::ev::keydown, move |event| entry.on_key(&event));
    on_cleanup(move || listener.remove());
    let card = Memo::new(move |_| {
        app.checkout.with(|checkout| match checkout.as_ref().map(|it| &it.progress) {
            Some(CheckoutStage::Pin { card_label, card, read_ms }) => Some((card_label.clone(), *card, *read_ms)),
            _ => None,
        })
    });
    let by_voucher = pays_by_voucher(app);
    let is_bill = Memo::new(move |_| {
        app.checkout.with(|checkout| checkout.as_ref().is_some_and(|it| it.method == payment::Method::Carrier))
    });
    let card_line = move || {
        card.get().map(|(label, ..)| {
            if is_bill.get() { label } else { app.fill(Text::PinCard, "card", card_label(&label, app.lang.get()))() }
        })
    };
    let title = move || app.t(if is_bill.get() { Text::BillPinTitle } else { Text::PinTitle })();
    let stays = Memo::new(move |_| card.get().is_some_and(|(_, stay, _)| stay == CardStay::ShouldStay));
    let read_line = move || card.get().map(|(_, stay, read_ms)| read_text(stay, read_ms, app.lang.get()));
    let is_standard = move || entry.layout.get() == PinLayout::Standard;
    let note = move || if is_standard() { app.t(Text::PinKeyboard)() } else { app.t(Text::PinWhyScrambled)() };
    let toggle_text = move || if is_standard() { app.t(Text::PinScrambled)() } else { app.t(Text::PinStandard)() };
    let toggle = move |_| entry.draw_anew(if is_standard() { PinLayout::Scrambled } else { PinLayout::Standard });
    view! {
        <header class="page-head page-head-nav">{back_button(app)}{paying_line(app)}</header>
        <div class="centre checkout pin">
            <h1 tabindex="-1">{title}</h1>
            <p class="quiet" data-part="pin-of"><bdi>{card_line}</bdi></p>
            {move || if is_bill.get() {
                view! { <p class="quiet small">{app.t(Text::BillPinNote)}</p> }.into_any()
            } else {
                view! {
                    <p class="card-stay" class:card-stay-in=move || stays.get() data-part="card-stay" data-stays=move || stays.get().to_string()>
                        {move || if stays.get() { icon::card().into_any() } else { icon::check().into_any() }}
                        <span>{read_line}</span>
                    </p>
                }.into_any()
            }}
            {move || by_voucher.get().then(|| voucher_line(app))}
            {dots(entry)}
            {move || match entry.pad.get() {
                Some(pad) => keys(entry, pad).into_any(),
                None => view! { <p class="quiet" role="status">{app.t(Text::PinLoading)}</p> }.into_any(),
            }}
            <div class="actions">
                <button class="button button-primary button-large" type="button" data-action="confirm-pin"
                    disabled=move || !entry.filled.get().complete || app.busy.get()
                    on:click=move |_| entry.confirm()>{app.t(Text::PinConfirm)}</button>
                <button class="text-button" type="button" data-action="standard-keys"
                    aria-pressed=move || is_standard().to_string() disabled=move || entry.is_drawing.get()
                    on:click=toggle>{toggle_text}</button>
                {stop_button(app)}
            </div>
            <p class="quiet small">{note}</p>
        </div>
    }
}

/// One dot a digit. The count is said; the digits never are.
fn dots(entry: Entry) -> impl IntoView {
    let lang = entry.app.lang;
    let said = move || Text::PinEntered.filled(lang.get(), &[("count", &entry.filled.get().filled.to_string())]);
    let dots = move || {
        let filled = entry.filled.get().filled;
        (0..filled.max(DOTS_MIN)).map(|dot| view! { <i class="dot" class:dot-filled=dot < filled></i> }).collect_view()
    };
    view! {
        <p class="dots" data-filled=move || entry.filled.get().filled>
            <span aria-hidden="true" class="dots-row">{dots}</span>
            <span class="unseen" role="status">{said}</span>
        </p>
    }
}

fn keys(entry: Entry, pad: PinPadView) -> impl IntoView {
    let app = entry.app;
    let is_picture = pad.layout == PinLayout::Scrambled;
    let keys = pad.keys.into_iter().map(|key| pin_key(entry, key)).collect::<Vec<_>>();
    view! {
        <div class="pad" class:pad-pictures=is_picture role="group" aria-label=app.t(Text::PinPad)>
            {keys}
            <button class="key key-erase" type="button" data-action="erase" aria-label=app.t(Text::PinErase)
                on:keydown=move |event| on_arrow(ERASE, &event) on:click=move |_| entry.press(Pressed::Erase)>{icon::erase()}</button>
        </div>
    }
}

fn pin_key(entry: Entry, key: PinKeyView) -> impl IntoView {
    let position = key.position;
    let face = match (key.label.clone(), key.image) {
        (Some(label), _) => view! { <span>{label}</span> }.into_any(),
        (None, Some(image)) => view! { <img src=image alt="" draggable="false"/> }.into_any(),
        (None, None) => ().into_any(),
    };
    // A picture's key is named by where it is; positions count from 1 for people.
    let name = entry.app.fill(Text::PinKey, "position", (position + 1).to_string());
    let label = key.label;
    let name = move || label.clone().unwrap_or_else(&name);
    view! {
        <button class="key" type="button" data-position=position aria-label=name
            on:keydown=move |event| on_arrow(position, &event)
            on:click=move |_| entry.press(Pressed::Position(position))>{face}</button>
    }
}

/// The place of the erase key: beside the tenth.
const ERASE: u8 = 10;

/// Arrow keys move the focus as the eye would, from key to key.
fn on_arrow(place: u8, event: &KeyboardEvent) {
    if let Some(next) = neighbour(place, &event.key()) {
        event.prevent_default();
        browser::focus(&format!(".pad > .key:nth-child({})", next + 1));
    }
}

/// The key beside, above or below a key; the pad is three keys wide, and its last row has only the middle and the right
/// one.
fn neighbour(place: u8, arrow: &str) -> Option<u8> {
    // The place below the first column is empty: with it, rows are of three.
    let cell = if place >= 9 { place + 1 } else { place };
    let (row, column) = (cell / 3, cell % 3);
    let (row, column) = match arrow {
        "ArrowUp" => (row.checked_sub(1)?, column),
        "ArrowDown" => (row + 1, column),
        "ArrowLeft" => (row, column.checked_sub(1)?),
        "ArrowRight" => (row, column + 1),
        _ => return None,
    };
    match (row, column) {
        (0..=2, 0..=2) => Some(row * 3 + column),
        (3, 1..=2) => Some(8 + column),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_move_as_the_eye_would() {
        assert_eq!(neighbour(0, "ArrowRight"), Some(1));
        assert_eq!(neighbour(1, "ArrowDown"), Some(4));
        assert_eq!(neighbour(7, "ArrowDown"), Some(9));
        assert_eq!(neighbour(8, "ArrowDown"), Some(ERASE));
        assert_eq!(neighbour(9, "ArrowRight"), Some(ERASE));
        assert_eq!(neighbour(ERASE, "ArrowUp"), Some(8));
        assert_eq!(neighbour(9, "ArrowUp"), Some(7));
        for (place, arrow) in [(0, "ArrowUp"), (2, "ArrowRight"), (6, "ArrowDown"), (9, "ArrowLeft"), (9, "ArrowDown")]
        {
            assert_eq!(neighbour(place, arrow), None, "{place} {arrow}");
        }
    }

    fn pad(layout: PinLayout, labels: [Option<&str>; 3]) -> PinPadView {
        let keys = (0..).zip(labels).map(|(position, label)| PinKeyView {
            position,
            image: None,
            label: label.map(Into::into),
        });
        PinPadView { layout, keys: keys.collect(), digits_min: 4, digits_max: 12 }
    }

    #[test]
    fn typed_digits_become_positions_only_where_keys_are_labelled() {
        let standard = pad(PinLayout::Standard, [Some("7"), Some("2"), Some("9")]);
        assert_eq!(position_labelled(&standard, "2"), Some(1));
        assert_eq!(position_labelled(&standard, "5"), None);
        let scrambled = pad(PinLayout::Scrambled, [None, None, None]);
        assert_eq!(position_labelled(&scrambled, "2"), None);
    }
}
