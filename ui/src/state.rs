//! What the screens know, and what they ask of the wallet.
//!
//! **Invariant:** what is shown comes from the wallet's views. One long poll (`watch`) tells when to read them
//! again; there is no other polling.

use std::collections::HashSet;
use std::ops::Deref;

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::error::{ErrorCode, Problem};
use protocol::ipc::{
    BlockMerchant, CheckoutChoose, CheckoutDone, CheckoutStage, CheckoutStart, CheckoutStop, CheckoutView, Command,
    Inbox, Language, OpenLink, PinSubmit, Postpone, ReaderView, Readers, ReceiptSummary, Receipts, Reject, RequestView,
    SaveSettings, Settings, Status, WalletStatus, Watch, WatchView,
};

use crate::browser;
use crate::format;
use crate::i18n::{Lang, Text};
use crate::ipc::invoke;
use crate::phase::PhaseView as _;
use crate::place::{Place, Screen};
use crate::stage::{spoken, stage_name};

/// The longest pause before the next `watch` after one failed, in milliseconds.
const WATCH_PAUSE_MS_MAX: u32 = 15_000;
/// The first such pause, in milliseconds; it doubles up to [`WATCH_PAUSE_MS_MAX`].
const WATCH_PAUSE_MS_MIN: u32 = 500;

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
    /// Why the wallet did not open.
    pub start_problem: RwSignal<Option<Problem>>,
    /// Whether the payment server is reachable.
    pub online: RwSignal<bool>,
    /// The requests; none until read.
    pub inbox: RwSignal<Option<Vec<RequestView>>>,
    /// The receipts; none until read.
    pub receipts: RwSignal<Option<Vec<ReceiptSummary>>>,
    /// The running or finished checkout.
    pub checkout: RwSignal<Option<CheckoutView>>,
    /// The readers; none until read.
    pub readers: RwSignal<Option<Vec<ReaderView>>>,
    /// The reader to pay with; none for the first that shows a card.
    pub reader: RwSignal<Option<String>>,
    /// The last command's problem, until dismissed or left behind.
    pub problem: RwSignal<Option<Problem>>,
    /// Whether a command that changes something is running.
    pub busy: RwSignal<bool>,
    /// The server's clock as far as it is known, ms since the Unix epoch; ticks every second.
    pub now_ms: RwSignal<u64>,
    /// What a screen reader is told when it is free.
    pub polite: RwSignal<String>,
    /// What a screen reader is told at once: results only.
    pub assertive: RwSignal<String>,
    /// First-time senders whose requests were opened in this session.
    acquainted: RwSignal<HashSet<RequestId>>,
    /// How far the server's clock is ahead of the device's, ms.
    skew_ms: RwSignal<i64>,
}

impl App {
    /// The state before the wallet answered anything. There is one a page, and it lives as long as the page.
    pub fn new() -> Self {
        let system_language = browser::language();
        let screen = RwSignal::new(Screen::Inbox);
        let status = RwSignal::new(None::<WalletStatus>);
        let start_problem = RwSignal::new(None::<Problem>);
        let checkout = RwSignal::new(None::<CheckoutView>);
        let place = Memo::new(move |_| {
            if status.with(Option::is_none) {
                return if start_problem.with(Option::is_some) { Place::Broken } else { Place::Starting };
            }
            checkout.with(|checkout| Place::of(screen.get(), checkout.as_ref().map(|checkout| &checkout.progress)))
        });
        let lang = Memo::new(move |_| {
            let choice =
                status.with(|status| status.as_ref().map_or(Language::System, |status| status.settings.language));
            Lang::of(choice, &system_language)
        });
        Self(Box::leak(Box::new(Shared {
            screen,
            place,
            lang,
            status,
            start_problem,
            online: RwSignal::new(true),
            inbox: RwSignal::new(None),
            receipts: RwSignal::new(None),
            checkout,
            readers: RwSignal::new(None),
            reader: RwSignal::new(None),
            problem: RwSignal::new(None),
            busy: RwSignal::new(false),
            now_ms: RwSignal::new(format::device_now_ms()),
            polite: RwSignal::new(String::new()),
            assertive: RwSignal::new(String::new()),
            acquainted: RwSignal::new(HashSet::new()),
            skew_ms: RwSignal::new(0),
        })))
    }

    /// Reads the wallet and keeps following it.
    pub fn start(self) {
        spawn_local(async move {
            self.start_problem.set(None);
            match invoke(Status {}).await {
                Ok(status) => {
                    self.online.set(status.online);
                    self.status.set(Some(status));
                }
                Err(problem) => return self.start_problem.set(Some(problem)),
            }
            self.follow().await;
        });
    }

    /// The long poll: ends with the page.
    async fn follow(self) {
        let mut seen: Option<WatchView> = None;
        let mut pause_ms = WATCH_PAUSE_MS_MIN;
        loop {
            let after = seen.as_ref().map_or(0, |view| view.seq);
            if let Ok(view) = invoke(Watch { after }).await {
                pause_ms = WATCH_PAUSE_MS_MIN;
                self.take(&view, seen.as_ref()).await;
                seen = Some(view);
            } else {
                self.online.set(false);
                browser::pause(pause_ms).await;
                pause_ms = (pause_ms * 2).min(WATCH_PAUSE_MS_MAX);
            }
        }
    }

    async fn take(self, view: &WatchView, before: Option<&WatchView>) {
        self.online.set(view.online);
        if before.is_none_or(|before| before.inbox_version != view.inbox_version) {
            self.read_lists().await;
        }
        if before.is_none() && view.checkout.is_some() {
            // The window was opened, or reloaded, in the middle of a payment.
            self.screen.set(Screen::Checkout);
        }
        if self.checkout.with_untracked(|checkout| *checkout != view.checkout) {
            self.checkout.set(view.checkout.clone());
        }
        let opened_before = before.and_then(|before| before.opened);
        match view.opened {
            Some(opened) if Some(opened) != opened_before && view.checkout.is_none() => {
                self.go(Screen::LinkOpened(opened));
            }
            Some(_) | None => {}
        }
        let waits_for_card =
            matches!(view.checkout.as_ref().map(|it| &it.progress), Some(CheckoutStage::WaitingForCard));
        if waits_for_card || self.place.get_untracked() == Place::Settings {
            self.read_readers().await;
        }
    }

    /// Reads requests and receipts again.
    pub async fn read_lists(self) {
        match invoke(Inbox {}).await {
            Ok(inbox) => self.set_inbox(inbox),
            Err(problem) => self.problem.set(Some(problem)),
        }
        match invoke(Receipts {}).await {
            Ok(receipts) => self.receipts.set(Some(receipts)),
            Err(problem) => self.problem.set(Some(problem)),
        }
    }

    /// Reads the readers again.
    pub async fn read_readers(self) {
        // No answer reads as no reader: the screen then says what to do.
        self.readers.set(Some(invoke(Readers {}).await.unwrap_or_default()));
    }

    fn set_inbox(self, inbox: Vec<RequestView>) {
        if let Some(view) = inbox.first() {
            self.set_clock(view.now_ms);
        }
        self.inbox.set(Some(inbox));
    }

    fn set_clock(self, wallet_now_ms: u64) {
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
        let is_new = self.request(request_id).is_some_and(|request| request.first_contact);
        let introduced = self.acquainted.with_untracked(|known| known.contains(&request_id));
        self.go(if is_new && !introduced { Screen::FirstContact(request_id) } else { Screen::Request(request_id) });
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
            Place::Sealing | Place::Starting | Place::Broken | Place::Inbox => {}
            Place::CardProblem(request_id) => self.go(Screen::Request(request_id)),
            Place::FirstContact(_) | Place::LinkOpened(_) | Place::Request(_) => self.go(Screen::Inbox),
            Place::History | Place::Settings => self.go(Screen::Inbox),
            Place::Receipt(_) | Place::Verify => self.go(Screen::History),
        }
    }

    /// Runs a command that changes something: one at a time, its problem shown.
    fn run<C: Command + 'static>(self, command: C, then: impl FnOnce(C::Answer) + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.problem.set(None);
        spawn_local(async move {
            let answer = invoke(command).await;
            self.busy.set(false);
            match answer {
                Ok(answer) => then(answer),
                Err(problem) => self.problem.set(Some(problem)),
            }
        });
    }

    /// Puts a newer view of a request into the list.
    fn renew(self, view: RequestView) {
        self.set_clock(view.now_ms);
        self.inbox.update(|inbox| {
            let inbox = inbox.get_or_insert_default();
            match inbox.iter_mut().find(|request| request.request_id == view.request_id) {
                Some(known) => *known = view,
                None => inbox.insert(0, view),
            }
        });
    }

    /// Opens a pasted link and shows its request.
    pub fn open_link(self, link: String, then: impl FnOnce() + 'static) {
        self.run(OpenLink { link }, move |view| {
            let request_id = view.request_id;
            self.renew(view);
            then();
            // Whoever pastes a link means to look at what it brings; a new sender is pointed out there.
            self.open_introduced(request_id);
        });
    }

    /// Puts a request off.
    pub fn postpone(self, request_id: RequestId) {
        self.run(Postpone { request_id }, move |view| self.leave_request(view));
    }

    /// Refuses a request.
    pub fn refuse(self, request_id: RequestId) {
        self.run(Reject { request_id }, move |view| self.leave_request(view));
    }

    fn leave_request(self, view: RequestView) {
        self.renew(view);
        self.go(Screen::Inbox);
    }

    /// Blocks the sender of a request.
    pub fn block(self, request_id: RequestId) {
        self.run(BlockMerchant { request_id }, move |inbox| {
            self.set_inbox(inbox);
            self.go(Screen::Inbox);
        });
    }

    /// Starts paying a request with a card.
    pub fn pay(self, request_id: RequestId) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.problem.set(None);
        let start = CheckoutStart { request_id, reader: self.reader.get_untracked() };
        spawn_local(async move {
            let answer = invoke(start).await;
            self.busy.set(false);
            match answer {
                Ok(checkout) => {
                    self.checkout.set(Some(checkout));
                    self.go(Screen::Checkout);
                    self.read_readers().await;
                }
                Err(problem) if matches!(problem.code, ErrorCode::NoReader | ErrorCode::ReaderFailed) => {
                    self.go(Screen::CardProblem(request_id));
                    self.problem.set(Some(problem));
                }
                Err(problem) => self.problem.set(Some(problem)),
            }
        });
    }

    /// Waits for the card on another reader.
    pub fn change_reader(self, reader: Option<String>) {
        self.reader.set(reader);
        let Some(request_id) = self.checkout.with_untracked(|checkout| checkout.as_ref().map(|it| it.request_id))
        else {
            return;
        };
        self.end_checkout(move || self.pay(request_id));
    }

    /// Chooses an application of the card.
    pub fn choose_application(self, index: usize) {
        self.run(CheckoutChoose { index }, move |checkout| self.checkout.set(Some(checkout)));
    }

    /// Ends PIN entry and pays.
    pub fn submit_pin(self) {
        self.run(PinSubmit {}, move |checkout| self.checkout.set(Some(checkout)));
    }

    /// Stops the checkout and goes back to its request.
    pub fn stop_checkout(self) {
        let Some(request_id) = self.checkout.with_untracked(|checkout| checkout.as_ref().map(|it| it.request_id))
        else {
            return self.go(Screen::Inbox);
        };
        self.end_checkout(move || {
            self.go(Screen::Request(request_id));
            self.checkout.set(None);
        });
    }

    /// Stops the checkout and forgets it.
    fn end_checkout(self, then: impl FnOnce() + 'static) {
        self.run(CheckoutStop {}, move |_| {
            self.run(CheckoutDone {}, move |inbox| {
                self.set_inbox(inbox);
                then();
            });
        });
    }

    /// Forgets a finished checkout and goes to the requests.
    pub fn finish_checkout(self) {
        self.after_checkout(Screen::Inbox);
    }

    /// Forgets a finished checkout and goes to a screen.
    pub fn after_checkout(self, screen: Screen) {
        self.run(CheckoutDone {}, move |inbox| {
            self.set_inbox(inbox);
            self.go(screen);
            self.checkout.set(None);
        });
    }

    /// Starts the same payment again.
    pub fn try_again(self, request_id: RequestId) {
        self.run(CheckoutDone {}, move |inbox| {
            self.set_inbox(inbox);
            self.pay(request_id);
        });
    }

    /// Keeps the person's choices, and shows them at once.
    pub fn save_settings(self, settings: Settings) {
        self.status.update(|status| {
            if let Some(status) = status {
                status.settings = settings;
            }
        });
        spawn_local(async move {
            match invoke(SaveSettings { settings }).await {
                Ok(status) => self.status.set(Some(status)),
                Err(problem) => self.problem.set(Some(problem)),
            }
        });
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
