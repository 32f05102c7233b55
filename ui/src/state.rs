//! What the screens know, and what they ask of the wallet.
//!
//! **Invariant:** what is shown comes from the wallet's views. One long poll (`watch`) tells when to read them
//! again. Only the readers, which come and go without the wallet's doing, are read every few seconds, and only while
//! they are shown.

use std::collections::HashSet;
use std::ops::Deref;
use std::time::Duration;

use futures::FutureExt as _;
use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::error::Problem;
use protocol::ipc::lock::LockState;
use protocol::ipc::pay::MethodView;
use protocol::ipc::{
    CheckoutStage, CheckoutView, FirstLook, FirstLookInside, Inbox, Language, LookFor, ReaderTestView, ReaderView,
    Readers, RequestView, Status, WalletStatus, Watch, WatchView,
};
use wasm_bindgen::JsValue;

use crate::browser;
use crate::components::message::Toasts;
use crate::confirmation::Confirmation;
use crate::format;
use crate::history::History;
use crate::i18n::{Lang, Text};
use crate::invitation::Invitation;
use crate::ipc::{ask_first_look, first_look, invoke};
use crate::merchant::place::{SellPlace, SellScreen};
use crate::merchant::till::Till;
use crate::phase::PhaseView as _;
use crate::place::{FirstStep, Place, Screen, SettingsPage};
use crate::readers;
use crate::signal::{Memo, RwSignal};
use crate::stage::{spoken, stage_name};

/// The longest pause before the next `watch` after one failed, in milliseconds.
const WATCH_PAUSE_MS_MAX: u32 = 15_000;
/// The first such pause, in milliseconds; it doubles up to [`WATCH_PAUSE_MS_MAX`].
const WATCH_PAUSE_MS_MIN: u32 = 500;
/// How often the readers are read while they are shown.
const READERS_PAUSE: Duration = Duration::from_secs(3);

/// A handle on everything the screens share, as small as closures need it to be.
#[derive(Clone, Copy)]
pub struct App(&'static Shared);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        self.0
    }
}

/// Everything the screens share.
pub struct Shared {
    /// What the person navigated to.
    pub screen: RwSignal<Screen>,
    /// What is shown, after the wallet's state is taken into account.
    pub place: Memo<Place>,
    /// The language of the screens.
    pub lang: Memo<Lang>,
    /// The wallet's status; none until it answered.
    pub status: RwSignal<Option<WalletStatus>>,
    /// Whether the wallet is locked.
    pub lock: RwSignal<LockState>,
    /// Whether something came while it was.
    pub came_while_locked: RwSignal<bool>,
    /// Whether the person says that they forgot the passphrase.
    pub is_forgotten: RwSignal<bool>,
    /// How far the first run is.
    pub first_step: RwSignal<FirstStep>,
    /// Whether a link from outside brought the person: the first run waits for another day.
    pub came_by_link: RwSignal<bool>,
    /// Why the wallet did not open.
    pub start_problem: RwSignal<Option<Problem>>,
    /// Whether the payment server is reachable.
    pub online: RwSignal<bool>,
    /// The requests; none until read.
    pub inbox: RwSignal<Option<Vec<RequestView>>>,
    /// What is known of the history.
    pub history: History,
    /// The running or finished checkout.
    pub checkout: RwSignal<Option<CheckoutView>>,
    /// How the payment was confirmed, as far as this window saw it.
    pub confirmation: RwSignal<Confirmation>,
    /// The running or finished test of a reader.
    pub reader_test: RwSignal<Option<ReaderTestView>>,
    /// The readers; none until read.
    pub readers: RwSignal<Option<Vec<ReaderView>>>,
    /// The reader to pay with; none for the first that shows a card.
    pub reader: RwSignal<Option<String>>,
    /// The ways to pay; none until read.
    pub methods: RwSignal<Vec<MethodView>>,
    /// The last command's problem, until dismissed or left behind.
    pub problem: RwSignal<Option<Problem>>,
    /// Whether a command that changes something is running.
    pub busy: RwSignal<bool>,
    /// Whether the person wants the payment stopped, and it is not yet.
    pub is_stopping: RwSignal<bool>,
    /// The server's clock as far as it is known, ms since the Unix epoch; ticks every second.
    pub now_ms: RwSignal<u64>,
    /// What a screen reader is told when it is free.
    pub polite: RwSignal<String>,
    /// What a screen reader is told at once: results only.
    pub assertive: RwSignal<String>,
    /// What was just done, and how to take it back.
    pub toasts: Toasts,
    /// What the merchant's screens know.
    pub till: Till,
    /// How often `watch` brought news of the checkout: a command's answer that is older than the news is dropped.
    pub watched: StoredValue<u64>,
    /// The version that requests and status were read at or after.
    read_at: StoredValue<Option<u64>>,
    /// Whether the checkout is being put away.
    pub is_closing: StoredValue<bool>,
    /// First-time senders whose requests were opened in this session.
    acquainted: RwSignal<HashSet<RequestId>>,
    /// How far the server's clock is ahead of the device's, ms.
    skew_ms: RwSignal<i64>,
}

impl App {
    /// The state before the wallet answered anything. There is one a page, and it lives as long as the page.
    pub fn new() -> Self {
        let system_language = RwSignal::new(browser::language());
        window_event_listener(leptos::ev::languagechange, move |_| system_language.set(browser::language()));
        Self::speaking(system_language)
    }

    /// The same where the system's language is this one, as a BCP 47 tag.
    pub fn speaking(system_language: RwSignal<String>) -> Self {
        let screen = RwSignal::new(Screen::Inbox);
        let status = RwSignal::new(None::<WalletStatus>);
        let start_problem = RwSignal::new(None::<Problem>);
        let (lock, is_forgotten) = (RwSignal::new(LockState::None), RwSignal::new(false));
        let (first_step, came_by_link) = (RwSignal::new(FirstStep::Language), RwSignal::new(false));
        let checkout = RwSignal::new(None::<CheckoutView>);
        let till = Till::new();
        let place = Memo::new(move |_| {
            if status.with(Option::is_none) {
                return if start_problem.with(Option::is_some) { Place::Broken } else { Place::Starting };
            }
            if lock.get() == LockState::Locked {
                return if is_forgotten.get() { Place::LockForgotten } else { Place::Lock };
            }
            let is_new = status.with(|status| status.as_ref().is_some_and(|status| status.is_new));
            if screen.get() == Screen::FirstRun || (is_new && screen.get() == Screen::Inbox && !came_by_link.get()) {
                return Place::FirstRun(first_step.get());
            }
            if let Screen::Sell(screen) = screen.get() {
                return Place::Sell(till.place(screen));
            }
            checkout.with(|checkout| Place::of(screen.get(), checkout.as_ref().map(|checkout| &checkout.progress)))
        });
        let lang = Memo::new(move |_| {
            let choice =
                status.with(|status| status.as_ref().map_or(Language::System, |status| status.settings.language));
            system_language.with(|tag| Lang::of(choice, tag))
        });
        Self(Box::leak(Box::new(Shared {
            screen,
            place,
            lang,
            status,
            lock,
            came_while_locked: RwSignal::new(false),
            is_forgotten,
            first_step,
            came_by_link,
            start_problem,
            online: RwSignal::new(true),
            inbox: RwSignal::new(None),
            history: History::new(),
            checkout,
            confirmation: RwSignal::new(Confirmation::Unseen),
            reader_test: RwSignal::new(None),
            readers: RwSignal::new(None),
            reader: RwSignal::new(None),
            methods: RwSignal::new(Vec::new()),
            problem: RwSignal::new(None),
            busy: RwSignal::new(false),
            is_stopping: RwSignal::new(false),
            now_ms: RwSignal::new(format::device_now_ms()),
            polite: RwSignal::new(String::new()),
            assertive: RwSignal::new(String::new()),
            toasts: Toasts::new(),
            till,
            watched: StoredValue::new(0),
            read_at: StoredValue::new(None),
            is_closing: StoredValue::new(false),
            acquainted: RwSignal::new(HashSet::new()),
            skew_ms: RwSignal::new(0),
        })))
    }

    /// Shows what the page asked of the wallet already, and keeps following it. What is here at once is in the first picture.
    pub fn start_with(self, asked: JsValue) {
        let mut look = Box::pin(first_look(asked));
        match look.as_mut().now_or_never() {
            Some(Some(look)) => self.begin(look),
            Some(None) => self.start(),
            None => spawn_local(async move {
                match look.await {
                    Some(look) => self.begin(look),
                    None => self.start(),
                }
            }),
        }
    }

    /// Reads the wallet and keeps following it.
    pub fn start(self) {
        self.start_problem.set(None);
        spawn_local(async move {
            match ask_first_look().await {
                Ok(look) => self.begin(look),
                Err(problem) => self.start_problem.set(Some(problem)),
            }
        });
    }

    /// Takes the first look as one, so that the first picture is the one that stays, and follows the wallet from there.
    fn begin(self, look: FirstLook) {
        let FirstLook { status, watch, inside } = look;
        match inside {
            Some(FirstLookInside { merchant, inbox }) => {
                self.take_merchant(merchant);
                self.set_inbox(inbox);
                self.read_at.set_value(Some(watch.inbox_version));
            }
            // Unlocking reads what is inside.
            None if status.lock == LockState::Locked => {}
            None => spawn_local(self.read_merchant()),
        }
        self.online.set(status.online);
        self.lock.set(status.lock);
        self.status.set(Some(status));
        spawn_local(self.read_methods());
        spawn_local(self.follow(watch));
    }

    /// Reads the wallet's status again: an identifier may have been claimed elsewhere.
    pub async fn read_status(self) {
        // Without an answer the last known status stays; the next call says what is wrong.
        if let Ok(status) = invoke(Status {}).await {
            self.online.try_set(status.online);
            self.set_lock(status.lock);
            self.status.try_set(Some(status));
        }
    }

    /// The long poll, from its first look on: ends with the page.
    async fn follow(self, first: WatchView) {
        self.take(&first, None).await;
        let mut seen = first;
        let mut pause_ms = WATCH_PAUSE_MS_MIN;
        loop {
            if let Ok(view) = invoke(Watch { after: seen.seq }).await {
                pause_ms = WATCH_PAUSE_MS_MIN;
                self.take(&view, Some(&seen)).await;
                seen = view;
            } else {
                self.online.set(false);
                browser::pause(pause_ms).await;
                pause_ms = (pause_ms * 2).min(WATCH_PAUSE_MS_MAX);
            }
        }
    }

    async fn take(self, view: &WatchView, before: Option<&WatchView>) {
        self.online.set(view.online);
        self.came_while_locked.set(view.came_while_locked);
        self.set_lock(view.lock);
        if view.lock == LockState::Locked {
            return;
        }
        if before.is_none() && view.checkout.is_some() {
            // The window was opened, or reloaded, in the middle of a payment.
            self.screen.set(Screen::Checkout);
        } else if let (None, Some(look)) = (before, &view.reader_test) {
            self.screen.set(match look.purpose {
                LookFor::Test => Screen::ReaderTest,
                LookFor::Vault => Screen::SettingsPage(SettingsPage::WayAlias),
            });
        }
        if self.reader_test.with_untracked(|test| *test != view.reader_test) {
            self.reader_test.set(view.reader_test.clone());
        }
        let is_news = self.checkout.with_untracked(|checkout| *checkout != view.checkout);
        // A checkout that is being put away passes through states nobody asked to see.
        if is_news && !self.is_closing.get_value() {
            self.watched.update_value(|watched| *watched += 1);
            self.checkout.set(view.checkout.clone());
        }
        if self.read_at.get_value() != Some(view.inbox_version) {
            self.read_at.set_value(Some(view.inbox_version));
            self.read_lists().await;
            // What reaches this device may have changed too.
            self.read_status().await;
        }
        if before.is_none_or(|before| before.history_version != view.history_version) {
            self.history.version.set(view.history_version);
        }
        if before.is_some_and(|before| before.sales_version != view.sales_version) {
            self.follow_sales().await;
        }
        self.take_from_outside(view, before);
        let waits_for_card =
            matches!(view.checkout.as_ref().map(|it| &it.progress), Some(CheckoutStage::WaitingForCard));
        let is_at_reader = view.checkout.is_some() || view.reader_test.is_some();
        let are_unread = is_at_reader && self.readers.with_untracked(Option::is_none);
        if waits_for_card || are_unread || self.place.get_untracked().shows_readers() {
            self.read_readers().await;
        }
    }

    /// Reads requests again.
    pub async fn read_lists(self) {
        match invoke(Inbox {}).await {
            Ok(inbox) => self.set_inbox(inbox),
            Err(problem) => self.problem.set(Some(problem)),
        }
    }

    /// Reads the readers again.
    pub async fn read_readers(self) {
        // No answer reads as no reader: the screen then says what to do.
        self.set_readers(invoke(Readers {}).await.unwrap_or_default());
    }

    /// Shows newer readers. The same ones again are no news: an open list stays as it is.
    pub fn set_readers(self, readers: Vec<ReaderView>) {
        if self.readers.with_untracked(|known| known.as_ref() != Some(&readers)) {
            self.readers.set(Some(readers));
        }
    }

    /// Reads the readers every few seconds while they are shown.
    pub fn follow_readers(self) {
        let is_reading = StoredValue::new(false);
        set_interval(
            move || {
                if is_reading.get_value() || !self.place.get_untracked().shows_readers() {
                    return;
                }
                is_reading.set_value(true);
                spawn_local(async move {
                    self.read_readers().await;
                    is_reading.set_value(false);
                });
            },
            READERS_PAUSE,
        );
    }

    /// The reader the checkout waits at or reads from; none while any may take the card.
    pub fn reader_in_use(self) -> Option<String> {
        self.checkout.with(|checkout| checkout.as_ref().and_then(|it| it.reader.clone())).or_else(|| self.reader.get())
    }

    /// How the card of the checkout is to be presented.
    pub fn invitation(self) -> Invitation {
        let came = self.checkout.with(|checkout| checkout.as_ref().and_then(|it| it.gesture));
        let id = self.reader_in_use();
        self.readers.with(|all| Invitation::of(all.as_deref().unwrap_or_default(), id.as_deref(), came))
    }

    /// The name of a reader, as it was last listed.
    pub fn reader_name(self, id: &str) -> Option<String> {
        self.readers.with(|all| readers::places(all.as_deref()?, Some(id)).next().map(|it| it.name.clone()))
    }

    /// Shows newer requests, and the clock they were read at.
    pub fn set_inbox(self, inbox: Vec<RequestView>) {
        if let Some(view) = inbox.first() {
            self.set_clock(view.now_ms);
        }
        self.inbox.set(Some(inbox));
    }

    /// Follows the wallet's clock.
    pub fn set_clock(self, wallet_now_ms: u64) {
        self.skew_ms.set(wallet_now_ms.cast_signed() - format::device_now_ms().cast_signed());
        self.tick();
    }

    /// Moves the shown clock on.
    pub fn tick(self) {
        self.now_ms.set(format::device_now_ms().saturating_add_signed(self.skew_ms.get_untracked()));
    }

    /// Shows another screen.
    pub fn go(self, screen: Screen) {
        self.problem.set(None);
        self.screen.set(screen);
    }

    /// Opens a request, past its introduction when the sender is new.
    pub fn open(self, request_id: RequestId) {
        // What has ended asks for nothing, and needs no introduction.
        let request = self.request(request_id).filter(|it| it.phase.is_payable());
        let (is_new, waits) = request.map_or((false, false), |it| (it.first_contact, it.new_sender));
        let introduced = self.acquainted.with_untracked(|known| known.contains(&request_id));
        self.go(if waits || (is_new && !introduced) {
            Screen::FirstContact(request_id)
        } else {
            Screen::Request(request_id)
        });
    }

    /// Opens a request whose new sender the person has read about.
    pub fn open_introduced(self, request_id: RequestId) {
        self.acquainted.update(|known| {
            known.insert(request_id);
        });
        self.go(Screen::Request(request_id));
    }

    /// Whether a request is shown without its details: its sender is new, and it was not opened yet.
    pub fn is_quarantined(self, request: &RequestView) -> bool {
        request.first_contact
            && request.phase.is_payable()
            && !self.acquainted.with(|known| known.contains(&request.request_id))
    }

    /// The request as last read.
    pub fn request(self, request_id: RequestId) -> Option<RequestView> {
        self.inbox.with(|inbox| inbox.iter().flatten().find(|request| request.request_id == request_id).cloned())
    }

    /// Goes one step back, or stops a checkout that can still be stopped.
    pub fn back(self) {
        match self.place.get_untracked() {
            Place::Card | Place::CardChoose | Place::Pin => self.stop_checkout(),
            Place::Paid | Place::Unknown | Place::Refused => self.finish_checkout(),
            // The payment is on its way: there is no way back, and none is offered.
            Place::Sealing | Place::Starting | Place::Broken | Place::Inbox | Place::Lock => {}
            Place::LockForgotten => self.is_forgotten.set(false),
            Place::FirstRun(step) => {
                if let Some(before) = step.before() {
                    self.first_step.set(before);
                }
            }
            Place::CardError => self.leave_checkout(),
            Place::CardProblem(request_id, _) | Place::PayAlias(request_id) | Place::PayVoucher(request_id) => {
                self.go(Screen::Request(request_id));
            }
            Place::PayCode(request_id) => self.leave_code(request_id),
            Place::BillEnrol(request_id) => self.leave_bill(request_id),
            Place::ReaderTest => self.go(Screen::SettingsPage(SettingsPage::Readers)),
            Place::SettingsPage(page) => self.go(page.parent().map_or(Screen::Settings, Screen::SettingsPage)),
            Place::FirstContact(_) | Place::LinkOpened(_) | Place::Request(_) => self.go(Screen::Inbox),
            Place::History | Place::Settings | Place::Numbers => self.go(Screen::Inbox),
            Place::Receipt(_) | Place::Verify => self.go(Screen::History),
            Place::Sell(SellPlace::At(SellScreen::Connect)) => self.go(Screen::Settings),
            Place::Sell(place) => {
                if let Some(screen) = place.back() {
                    self.sell(screen);
                }
            }
        }
    }

    /// Moves the focus to the screen's heading, as a page load would; where something is to be typed, to that.
    pub fn focus_screen(self) {
        browser::focus(if self.place.get_untracked() == Place::Lock { "main input" } else { "main h1" });
    }

    /// The checkout's stage while its screens are shown, as the wallet names it.
    pub fn stage(self) -> Option<&'static str> {
        if self.screen.get() != Screen::Checkout {
            return None;
        }
        self.checkout.with(|checkout| checkout.as_ref().map(|checkout| stage_name(&checkout.progress)))
    }

    /// A text that follows the language.
    pub fn t(self, text: Text) -> impl Fn() -> &'static str + Copy + Send + Sync + 'static {
        let lang = self.lang;
        move || text.in_language(lang.get())
    }

    /// A text with one value in it that follows the language.
    pub fn fill(
        self,
        text: Text,
        name: &'static str,
        value: impl Into<String>,
    ) -> impl Fn() -> String + Clone + Send + Sync + 'static {
        let (lang, value) = (self.lang, value.into());
        move || text.filled(lang.get(), &[(name, &value)])
    }

    /// Remembers how the payment is confirmed: a stage that has passed is not told again.
    pub fn follow_confirmation(self) {
        Effect::new(move || {
            let before = self.confirmation.get_untracked();
            let now = self.checkout.with(|checkout| before.at(checkout.as_ref().map(|it| &it.progress)));
            if now != before {
                self.confirmation.set(now);
            }
        });
    }

    /// Announces the checkout's stages and, once, its result.
    pub fn announce(self) {
        let announced = RwSignal::new(String::new());
        Effect::new(move || {
            let lang = self.lang.get();
            let Some(checkout) = self.checkout.get() else { return announced.set(String::new()) };
            let (text, is_result) = spoken(&checkout, lang);
            if announced.get_untracked() == text {
                return;
            }
            announced.set(text.clone());
            if is_result { self.assertive.set(text) } else { self.polite.set(text) }
        });
    }
}
