//! What a person can do: every button's command, one at a time, with its problem shown.

use std::future::Future;
use std::pin::Pin;

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::error::ErrorCode;
use protocol::ipc::carrier::{BillPay, BillStop};
use protocol::ipc::means::CodeStop;
use protocol::ipc::merchant::ScanImage;
use protocol::ipc::pay::{BillChoice, BringBack, Method, PostponeUntil};
use protocol::ipc::payer::{AcceptSender, ReportRequest};
use protocol::ipc::{
    BlockMerchant, CheckoutChoose, CheckoutDone, CheckoutStage, CheckoutStart, CheckoutStop, CheckoutView, Command,
    Inbox, OpenLink, PinSubmit, Postpone, ReaderTestStart, ReaderTestStop, Reject, RequestView, SaveSettings, Settings,
};
use protocol::wallet_api::ReportReason;

use crate::components::words::Words;
use crate::feedback;
use crate::format;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::methods::screen_of;
use crate::place::{Place, Screen, SettingsPage};
use crate::readers;
use crate::remedy::Remedy;
use crate::state::App;

impl App {
    /// Does one thing at a time: what is pressed meanwhile is dropped, and the buttons show it.
    pub fn while_busy(self, work: impl Future<Output = ()> + 'static) {
        self.do_alone(Box::pin(work));
    }

    /// Of one type for all work, so that the module holds it once.
    fn do_alone(self, work: Pin<Box<dyn Future<Output = ()>>>) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.problem.set(None);
        spawn_local(async move {
            work.await;
            self.busy.set(false);
            // Who wanted to stop while another command ran is not made to press again.
            if self.is_stopping.get_untracked() {
                self.stop_now();
            }
        });
    }

    /// The same for work that puts the checkout away, whose passing states are not shown.
    fn while_closing(self, work: impl Future<Output = ()> + 'static) {
        self.while_busy(async move {
            self.is_closing.set_value(true);
            work.await;
            self.is_closing.set_value(false);
        });
    }

    /// A command's answer, or nothing and its problem shown.
    pub async fn ask<C: Command>(self, command: C) -> Option<C::Answer> {
        match invoke(command).await {
            Ok(answer) => Some(answer),
            Err(problem) => {
                self.problem.set(Some(problem));
                None
            }
        }
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
        self.while_busy(async move {
            let Some(view) = self.ask(OpenLink { link }).await else { return };
            let request_id = view.request_id;
            self.renew(view);
            then();
            // Whoever pastes a link means to look at what it brings; a new sender is pointed out there.
            self.open_introduced(request_id);
        });
    }

    /// Finds a request in a picture of a code, base64, and shows it.
    pub fn scan(self, image: String) {
        self.while_busy(async move {
            let Some(view) = self.ask(ScanImage { image }).await else { return };
            let request_id = view.request_id;
            self.renew(view);
            self.open_introduced(request_id);
        });
    }

    /// Puts a request off until a time, or to the end of the list; it can be brought back at once.
    pub fn put_off(self, request_id: RequestId, until_ms: Option<u64>) {
        self.while_busy(async move {
            let put_off = match until_ms {
                Some(until_ms) => self.ask(PostponeUntil { request_id, until_ms }).await,
                None => self.ask(Postpone { request_id }).await,
            };
            let Some(view) = put_off else { return };
            let payee = view.payee.clone();
            self.renew(view);
            self.go(Screen::Inbox);
            let said = Words::made(move |lang| match until_ms {
                Some(at_ms) => {
                    let time = format::date_time(at_ms, lang);
                    Text::LaterDone.filled(lang, &[("payee", &payee), ("time", &time)])
                }
                None => Text::LaterDoneLast.filled(lang, &[("payee", &payee)]),
            });
            self.toasts.offer(said, Text::LaterBack, move || self.bring_back(request_id));
        });
    }

    /// Brings a request back that was put off.
    pub fn bring_back(self, request_id: RequestId) {
        self.while_busy(async move {
            if let Some(view) = self.ask(BringBack { request_id }).await {
                self.renew(view);
                self.sort_inbox().await;
            }
        });
    }

    /// Reads the requests again: their order is the wallet's.
    async fn sort_inbox(self) {
        if let Some(inbox) = self.ask(Inbox {}).await {
            self.set_inbox(inbox);
        }
    }

    /// Refuses a request.
    pub fn refuse(self, request_id: RequestId) {
        self.leave_request(Reject { request_id });
    }

    fn leave_request(self, command: impl Command<Answer = RequestView> + 'static) {
        self.while_busy(async move {
            let Some(view) = self.ask(command).await else { return };
            self.renew(view);
            self.go(Screen::Inbox);
        });
    }

    /// Blocks the sender of a request.
    pub fn block(self, request_id: RequestId) {
        self.while_busy(async move {
            let Some(inbox) = self.ask(BlockMerchant { request_id }).await else { return };
            self.set_inbox(inbox);
            self.go(Screen::Inbox);
        });
    }

    /// Accepts the sender of a request that came by itself, and shows the request.
    pub fn accept_sender(self, request_id: RequestId) {
        self.while_busy(async move {
            let Some(view) = self.ask(AcceptSender { request_id }).await else { return };
            self.renew(view);
            self.open_introduced(request_id);
        });
    }

    /// Reports a request as fraud, and blocks its sender.
    pub fn report(self, request_id: RequestId, reason: ReportReason, note: Option<String>) {
        self.while_busy(async move {
            let Some(inbox) = self.ask(ReportRequest { request_id, reason, note }).await else { return };
            self.set_inbox(inbox);
            self.go(Screen::Inbox);
        });
    }

    /// Starts paying a request with a card.
    pub fn pay_with_card(self, request_id: RequestId) {
        // A web view lets a page sound only after a person did something on it: this is the moment.
        feedback::prepare();
        self.while_busy(self.start_checkout(request_id));
    }

    async fn start_checkout(self, request_id: RequestId) {
        let watched = self.watched.get_value();
        let chosen = self.reader.get_untracked();
        // A reader that was chosen once and is unplugged now is not waited for.
        let reader = self.readers.with_untracked(|all| match all {
            Some(all) => readers::listed(all, chosen.as_deref()).map(str::to_owned),
            None => chosen.clone(),
        });
        match invoke(CheckoutStart { request_id, reader }).await {
            Ok(checkout) => {
                self.take_checkout(watched, checkout);
                self.go(Screen::Checkout);
                self.read_readers().await;
            }
            Err(problem) if Remedy::exists(problem.code) => {
                self.checkout.set(None);
                self.go(Screen::CardProblem(request_id, problem.code));
            }
            Err(problem) => self.problem.set(Some(problem)),
        }
    }

    /// Starts paying a request on the phone bill. Where no line is set up, one is first.
    pub fn pay_on_bill(self, request_id: RequestId) {
        // A web view lets a page sound only after a person did something on it: this is the moment.
        feedback::prepare();
        self.while_busy(self.start_on_bill(request_id));
    }

    async fn start_on_bill(self, request_id: RequestId) {
        let Some(BillChoice { operator, number, .. }) = self.bill() else {
            return self.go(Screen::BillEnrol(Some(request_id)));
        };
        let watched = self.watched.get_value();
        if let Some(checkout) = self.ask(BillPay { request_id, operator, number }).await {
            self.take_checkout(watched, checkout);
            self.go(Screen::Checkout);
        } else {
            // The problem stays in sight.
            self.screen.set(Screen::Request(request_id));
            self.checkout.set(None);
        }
    }

    /// Starts a checkout that does not wait for a card.
    pub fn begin_checkout(self, command: impl Command<Answer = CheckoutView> + 'static) {
        self.while_busy(async move {
            let watched = self.watched.get_value();
            if let Some(checkout) = self.ask(command).await {
                self.take_checkout(watched, checkout);
                self.go(Screen::Checkout);
            }
        });
    }

    /// Forgets what was begun to pay by code, and goes back to the request.
    pub fn leave_code(self, request_id: RequestId) {
        self.go(Screen::Request(request_id));
        // What could not be forgotten now is, when its time is over.
        spawn_local(async move { drop(invoke(CodeStop {}).await) });
    }

    /// Forgets what was begun to set up a phone bill, and goes back to where it was begun.
    pub fn leave_bill(self, request_id: Option<RequestId>) {
        self.go(request_id.map_or(Screen::SettingsPage(SettingsPage::WayCarrier), Screen::Request));
        // What could not be forgotten now is, when its time is over.
        spawn_local(async move { drop(invoke(BillStop {}).await) });
    }

    /// Takes a command's view of the checkout, unless `watch` brought a newer one since `watched`.
    fn take_checkout(self, watched: u64, checkout: CheckoutView) {
        if self.watched.get_value() == watched {
            self.checkout.set(Some(checkout));
        }
    }

    /// Chooses an application of the card.
    pub fn choose_application(self, index: usize) {
        self.advance(CheckoutChoose { index });
    }

    /// Ends PIN entry and pays.
    pub fn submit_pin(self) {
        self.advance(PinSubmit {});
    }

    fn advance(self, command: impl Command<Answer = CheckoutView> + 'static) {
        self.while_busy(async move {
            let watched = self.watched.get_value();
            if let Some(checkout) = self.ask(command).await {
                self.take_checkout(watched, checkout);
            }
        });
    }

    /// The request of the checkout.
    fn paying(self) -> Option<RequestId> {
        self.checkout.with_untracked(|checkout| checkout.as_ref().map(|checkout| checkout.request_id))
    }

    /// Waits for the card at another reader, or at any: wherever the payment stands, it goes on there.
    pub fn change_reader(self, reader: Option<String>) {
        let is_voucher = |checkout: &Option<CheckoutView>| {
            checkout.as_ref().is_some_and(|checkout| checkout.method == payment::Method::Voucher)
        };
        // A card beside a voucher is waited for at every reader, and must never become what pays.
        if self.busy.get_untracked() || self.checkout.with_untracked(is_voucher) {
            return;
        }
        self.reader.set(reader.clone());
        self.choose_method(Method::Card { reader });
        match (self.place.get_untracked(), self.paying()) {
            (Place::CardProblem(request_id, _), _) => self.pay_with_card(request_id),
            (Place::CardError, Some(request_id)) => self.try_again(request_id),
            (_, Some(request_id)) => self.while_closing(async move {
                if self.stop().await {
                    self.start_checkout(request_id).await;
                }
            }),
            (_, None) => {}
        }
    }

    /// The same payment again, after a card or a reader failed.
    pub fn remedy(self, request_id: RequestId, remedy: Remedy) {
        let has_slot = self.readers.with_untracked(|all| {
            let chosen = self.reader.get_untracked();
            readers::places(all.as_deref().unwrap_or_default(), chosen.as_deref()).any(readers::may_insert)
        });
        if remedy == Remedy::InsertInstead && !has_slot {
            self.reader.set(None);
        }
        match self.place.get_untracked() {
            Place::CardError => self.try_again(request_id),
            _ => self.pay_with_card(request_id),
        }
    }

    /// Stops the checkout and goes back to its request: at once, or as soon as a command that runs was answered.
    pub fn stop_checkout(self) {
        if !self.place.get_untracked().can_stop() {
            return;
        }
        self.is_stopping.set(true);
        if !self.busy.get_untracked() {
            self.stop_now();
        }
    }

    fn stop_now(self) {
        let request_id = self.paying().filter(|_| self.place.get_untracked().can_stop());
        let Some(request_id) = request_id else { return self.is_stopping.set(false) };
        self.while_closing(async move {
            if self.stop().await {
                self.go(Screen::Request(request_id));
                self.checkout.set(None);
            }
            self.is_stopping.set(false);
        });
    }

    /// Forgets a checkout that ended without a payment and goes back to its request.
    pub fn leave_checkout(self) {
        let request_id = self.paying();
        self.after_checkout(request_id.map_or(Screen::Inbox, Screen::Request));
    }

    /// Stops the checkout and forgets it; false when it cannot be stopped any more.
    async fn stop(self) -> bool {
        self.ask(CheckoutStop {}).await.is_some() && self.forget().await
    }

    /// Forgets a finished checkout.
    async fn forget(self) -> bool {
        let inbox = self.ask(CheckoutDone {}).await;
        let is_forgotten = inbox.is_some();
        if let Some(inbox) = inbox {
            self.set_inbox(inbox);
        }
        is_forgotten
    }

    /// Forgets a finished checkout and goes to the requests.
    pub fn finish_checkout(self) {
        self.after_checkout(Screen::Inbox);
    }

    /// Forgets a finished checkout and goes to a screen.
    pub fn after_checkout(self, screen: Screen) {
        self.while_closing(async move {
            if self.forget().await {
                self.go(screen);
                self.checkout.set(None);
            }
        });
    }

    /// Pays the same request again in the same way. What was typed is typed again.
    pub fn try_again(self, request_id: RequestId) {
        let ended = self.checkout.with_untracked(|checkout| checkout.as_ref().map(Ended::of));
        let Ended { method, is_code_good } = ended.unwrap_or_default();
        self.while_closing(async move {
            if !self.forget().await {
                return;
            }
            match method {
                payment::Method::Card => return self.start_checkout(request_id).await,
                payment::Method::Carrier => return self.start_on_bill(request_id).await,
                payment::Method::Alias | payment::Method::Code | payment::Method::Voucher => {}
            }
            if !is_code_good {
                // What could not be forgotten now is, when its time is over.
                drop(invoke(CodeStop {}).await);
            }
            self.go(screen_of(request_id, method));
            self.checkout.set(None);
        });
    }

    /// Looks at a card, to see whether a reader works.
    pub fn test_reader(self, reader: Option<String>) {
        self.reader_test.set(None);
        self.go(Screen::ReaderTest);
        // What the test is at is told by `watch`.
        self.while_busy(async move { drop(self.ask(ReaderTestStart { reader }).await) });
    }

    /// Ends the test of a reader, and forgets what it saw.
    pub fn end_reader_test(self) {
        spawn_local(async move {
            if let Some(readers) = self.ask(ReaderTestStop {}).await {
                self.set_readers(readers);
            }
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
            if let Some(status) = self.ask(SaveSettings { settings }).await {
                self.status.set(Some(status));
            }
        });
    }
}

/// What a checkout that ended without a payment leaves for the next try.
struct Ended {
    method: payment::Method,
    /// Whether the code that was sent still pays, once it is typed right.
    is_code_good: bool,
}

impl Ended {
    fn of(checkout: &CheckoutView) -> Self {
        let mistyped = ErrorCode::Declined(payment::DeclineCode::WrongCode);
        let is_code_good = matches!(checkout.progress, CheckoutStage::Refused { code, .. } if code == mistyped);
        Self { method: checkout.method, is_code_good }
    }
}

impl Default for Ended {
    fn default() -> Self {
        Self { method: payment::Method::Card, is_code_good: false }
    }
}
