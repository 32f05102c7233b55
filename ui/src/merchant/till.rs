//! What the merchant's screens know: the wallet's answers as last read, and what is being typed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::{Amount, Currency, RequestId};
use protocol::error::Problem;
use protocol::ipc::merchant::{
    Access, Catalogue, CatalogueItem, CounterQrView, Counters, DayClose, DayCloseView, Merchant, MerchantView, NewSale,
    Sale, SaleSummary, SaleView, Sales, Webhooks,
};
use protocol::ipc::{Command, ItemView};
use protocol::merchant_api::{AccessView, Scope, WebhookDeliveriesPage, WebhookView};

use super::cart::Cart;
use super::face::SaleFace;
use super::keypad::AmountEntry;
use super::period::{Day, Question};
use super::place::{SellPlace, SellScreen};
use super::vouchers::Vouchers;
use crate::format;
use crate::ipc::invoke;
use crate::place::{Place, Screen};
use crate::signal::RwSignal;
use crate::state::App;

/// How long somebody in front of the till has to pay, in seconds.
const TILL_LIFE_S: u32 = 5 * 60;
/// How long somebody who gets a message has to pay, in seconds.
const MESSAGE_LIFE_S: u32 = 24 * 60 * 60;

/// What was asked of the wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched<T> {
    /// The answer is on its way.
    Awaited,
    /// The answer.
    Here(T),
    /// There is none.
    Failed(Problem),
}

impl<T> Fetched<T> {
    /// The answer, if there is one.
    pub const fn here(&self) -> Option<&T> {
        match self {
            Self::Here(answer) => Some(answer),
            Self::Awaited | Self::Failed(_) => None,
        }
    }
}

impl<T> From<Result<T, Problem>> for Fetched<T> {
    fn from(answer: Result<T, Problem>) -> Self {
        match answer {
            Ok(answer) => Self::Here(answer),
            Err(problem) => Self::Failed(problem),
        }
    }
}

/// The sales that were read, and how to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesRead {
    /// Newest first.
    pub sales: Vec<SaleSummary>,
    /// For the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// Which of a sale's two codes is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// The link alone.
    Link,
    /// The merchant-presented QR of EMVCo.
    Emv,
}

/// A secret that is shown once: what it is of, and the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSecret {
    /// The name of what it belongs to.
    pub owner: String,
    /// The secret itself.
    pub secret: String,
}

/// A handle on everything the merchant's screens share.
#[derive(Clone, Copy)]
pub struct Till {
    /// The merchant this wallet takes payments for; none when it is a payer's only.
    pub merchant: RwSignal<Option<MerchantView>>,
    /// The currency that is sold in.
    pub currency: RwSignal<Option<Currency>>,
    /// The screen that sales are begun on: the keypad or the items.
    pub bench: RwSignal<SellScreen>,
    /// The amount typed.
    pub entry: RwSignal<AmountEntry>,
    /// Whom to ask, as typed; empty for a code alone.
    pub payer: RwSignal<String>,
    /// The counter whose printed code shall lead to the sale.
    pub at_counter: RwSignal<Option<String>>,
    /// The things that are sold with one tap.
    pub catalogue: RwSignal<Fetched<Vec<CatalogueItem>>>,
    /// What is being sold.
    pub cart: RwSignal<Cart>,
    /// The sale that is looked at, as last read.
    pub sale: RwSignal<Option<SaleView>>,
    /// Why the sale that is looked at could not be read.
    pub sale_problem: RwSignal<Option<Problem>>,
    /// The code that is shown of it.
    pub code: RwSignal<CodeKind>,
    /// Which sales are listed.
    pub question: RwSignal<Question>,
    /// The sales listed.
    pub sales: RwSignal<Fetched<SalesRead>>,
    /// The day that is closed; none for today.
    pub day: RwSignal<Option<Day>>,
    /// Its totals.
    pub day_close: RwSignal<Fetched<DayCloseView>>,
    /// The printed codes.
    pub counters: RwSignal<Fetched<Vec<CounterQrView>>>,
    /// The one that is looked at.
    pub counter: RwSignal<Option<String>>,
    /// The webhook endpoints.
    pub webhooks: RwSignal<Fetched<Vec<WebhookView>>>,
    /// The one that is looked at.
    pub webhook: RwSignal<Option<String>>,
    /// What was sent there.
    pub webhook_log: RwSignal<Fetched<WebhookDeliveriesPage>>,
    /// API keys and certificates.
    pub access: RwSignal<Fetched<AccessView>>,
    /// The merchant's own vouchers.
    pub vouchers: Vouchers,
    /// A secret that was just made.
    pub secret: RwSignal<Option<ShownSecret>>,
    /// How often the list of sales was asked for: an answer that is older than the last question is dropped.
    pub(super) asked: StoredValue<u64>,
}

impl Till {
    /// The state before anything was read.
    pub fn new() -> Self {
        Self {
            merchant: RwSignal::new(None),
            currency: RwSignal::new(None),
            bench: RwSignal::new(SellScreen::Keypad),
            entry: RwSignal::new(AmountEntry::EMPTY),
            payer: RwSignal::new(String::new()),
            at_counter: RwSignal::new(None),
            catalogue: RwSignal::new(Fetched::Awaited),
            cart: RwSignal::new(Cart::default()),
            sale: RwSignal::new(None),
            sale_problem: RwSignal::new(None),
            code: RwSignal::new(CodeKind::Link),
            question: RwSignal::new(Question::all()),
            sales: RwSignal::new(Fetched::Awaited),
            day: RwSignal::new(None),
            day_close: RwSignal::new(Fetched::Awaited),
            counters: RwSignal::new(Fetched::Awaited),
            counter: RwSignal::new(None),
            webhooks: RwSignal::new(Fetched::Awaited),
            webhook: RwSignal::new(None),
            webhook_log: RwSignal::new(Fetched::Awaited),
            access: RwSignal::new(Fetched::Awaited),
            vouchers: Vouchers::new(),
            secret: RwSignal::new(None),
            asked: StoredValue::new(0),
        }
    }

    /// The place of one of the merchant's screens.
    pub fn place(self, screen: SellScreen) -> SellPlace {
        let face = match screen {
            SellScreen::Pos(request_id) => self.face(request_id),
            _ => None,
        };
        SellPlace::of(screen, face)
    }

    /// The face of a sale, once it was read.
    pub fn face(self, request_id: RequestId) -> Option<SaleFace> {
        self.sale.with(|sale| {
            let sale = sale.as_ref().filter(|sale| sale.summary.request_id == request_id)?;
            Some(SaleFace::of(&sale.summary.state))
        })
    }

    /// Whether the wallet is a merchant's.
    pub fn is_till(self) -> bool {
        self.merchant.with(Option::is_some)
    }

    /// Whether the till may do something.
    pub fn may(self, scope: Scope) -> bool {
        self.merchant.with(|merchant| merchant.as_ref().is_some_and(|merchant| merchant.scopes.contains(&scope)))
    }

    /// The currencies that are sold in.
    pub fn currencies(self) -> Vec<Currency> {
        self.merchant.with(|merchant| {
            let codes = merchant.iter().flat_map(|merchant| &merchant.currencies);
            codes.filter_map(|code| code.parse().ok()).collect()
        })
    }

    /// Sells in another currency. What is in the cart is in the old one, and leaves it.
    pub fn choose_currency(self, currency: Currency) {
        if self.currency.get_untracked() != Some(currency) {
            self.currency.set(Some(currency));
            self.cart.set(Cart::default());
        }
    }

    /// What the sale on the bench comes to.
    pub fn due(self) -> Option<Amount> {
        let currency = self.currency.get()?;
        match self.bench.get() {
            SellScreen::Items => self.cart.with(|cart| cart.total(currency)).ok(),
            _ => Some(self.entry.get().amount(currency)),
        }
    }

    /// The sale on the bench; none while there is nothing to charge.
    pub fn new_sale(self) -> Option<NewSale> {
        let amount = self.due().filter(|amount| amount.is_payable())?;
        let items = match self.bench.get() {
            SellScreen::Items => self.cart.with(Cart::items),
            _ => Vec::new(),
        };
        let counter_id = self.at_counter.get();
        let payer = if counter_id.is_some() { String::new() } else { self.payer.get().trim().to_owned() };
        Some(sale_of(amount, items, payer, counter_id))
    }

    /// Nothing is typed or chosen any more.
    pub fn clear_bench(self) {
        self.entry.set(AmountEntry::EMPTY);
        self.cart.set(Cart::default());
        self.payer.set(String::new());
    }

    /// Puts a merchant's till together, or takes it apart.
    pub fn set_merchant(self, merchant: Option<MerchantView>) {
        self.currency.set(merchant.as_ref().and_then(|merchant| merchant.currency.parse().ok()));
        self.merchant.set(merchant);
    }
}

/// A sale with the time its payer needs: who stands at the till has less than who gets a message.
pub fn sale_of(amount: Amount, items: Vec<ItemView>, payer: String, counter_id: Option<String>) -> NewSale {
    let is_message = payer.contains('@') || payer.starts_with('+');
    let expires_s = if is_message { MESSAGE_LIFE_S } else { TILL_LIFE_S };
    NewSale { amount, items, order_number: String::new(), payer, counter_id, expires_s }
}

impl App {
    /// Reads whether this wallet is a till.
    pub async fn read_merchant(self) {
        // No answer reads as a payer's wallet; connecting a till says what is wrong.
        self.take_merchant(invoke(Merchant {}).await.ok().flatten());
    }

    /// Becomes a till, which opens on its keypad, or a payer's wallet.
    pub fn take_merchant(self, merchant: Option<MerchantView>) {
        let is_till = merchant.is_some();
        self.till.set_merchant(merchant);
        if is_till && self.screen.get_untracked() == Screen::Inbox {
            self.screen.set(Screen::Sell(SellScreen::Keypad));
        }
    }

    /// Reads again what is shown of the sales, after one of them changed.
    pub async fn follow_sales(self) {
        if !self.till.is_till() {
            // It may have become one from the command line.
            return self.read_merchant().await;
        }
        let Place::Sell(place) = self.place.get_untracked() else { return };
        if let Some(request_id) = place.sale() {
            self.read_sale(request_id).await;
        }
        match place {
            SellPlace::At(SellScreen::Sales | SellScreen::Sale(_)) => self.read_sales().await,
            SellPlace::At(SellScreen::Day) => self.read_day().await,
            SellPlace::At(SellScreen::Counters | SellScreen::Counter) => self.read_counters().await,
            _ => {}
        }
    }

    /// Reads one sale.
    pub async fn read_sale(self, request_id: RequestId) {
        match invoke(Sale { request_id }).await {
            Ok(sale) => self.take_sale(sale),
            Err(problem) => self.till.sale_problem.set(Some(problem)),
        }
    }

    /// Shows a newer view of a sale, on its own screen and in the list.
    pub fn take_sale(self, sale: SaleView) {
        self.set_clock(sale.now_ms);
        self.till.sales.update(|sales| {
            if let Fetched::Here(SalesRead { sales, .. }) = sales
                && let Some(known) = sales.iter_mut().find(|known| known.request_id == sale.summary.request_id)
            {
                *known = sale.summary.clone();
            }
        });
        // Setting it to the same would draw the screen again, and what is being typed there would be lost.
        if self.till.sale_problem.with_untracked(Option::is_some) {
            self.till.sale_problem.set(None);
        }
        self.till.sale.set(Some(sale));
    }

    /// Reads the sales the question asks for, as far as they were read before.
    pub async fn read_sales(self) {
        let till = self.till;
        till.asked.update_value(|asked| *asked += 1);
        let asked = till.asked.get_value();
        let filter = till.question.get_untracked().filter(format::today(), format::midnight_ms);
        let page = invoke(Sales { filter, cursor: None }).await;
        if till.asked.get_value() != asked {
            return;
        }
        let read = page.map(|page| SalesRead { sales: page.sales, next_cursor: page.next_cursor });
        set_unless_same(till.sales, Fetched::from(read));
    }

    /// Reads a day's totals.
    pub async fn read_day(self) {
        let date = self.till.day.get_untracked().map(|day| day.to_string()).unwrap_or_default();
        read(self.till.day_close, DayClose { date }).await;
    }

    /// Reads the things that are sold with one tap.
    pub async fn read_catalogue(self) {
        read(self.till.catalogue, Catalogue {}).await;
    }

    /// Reads the printed codes.
    pub async fn read_counters(self) {
        read(self.till.counters, Counters {}).await;
    }

    /// Reads the webhook endpoints.
    pub async fn read_webhooks(self) {
        read(self.till.webhooks, Webhooks {}).await;
    }

    /// Reads API keys and certificates.
    pub async fn read_access(self) {
        read(self.till.access, Access {}).await;
    }

    /// Shows one of the merchant's screens.
    pub fn sell(self, screen: SellScreen) {
        if matches!(screen, SellScreen::Keypad | SellScreen::Items) {
            self.till.bench.set(screen);
        }
        // A secret is shown once, on the screen that made it.
        self.till.secret.set(None);
        self.go(Screen::Sell(screen));
    }

    /// Begins the next sale where the last one was begun.
    pub fn next_sale(self) {
        self.sell(self.till.bench.get_untracked());
    }

    /// Looks at a sale.
    pub fn open_sale(self, screen: SellScreen, request_id: RequestId) {
        let is_known = self
            .till
            .sale
            .with_untracked(|sale| sale.as_ref().is_some_and(|sale| sale.summary.request_id == request_id));
        if !is_known {
            self.till.sale.set(None);
        }
        self.till.sale_problem.set(None);
        self.sell(screen);
        spawn_local(self.read_sale(request_id));
    }
}

pub(super) async fn read<C>(signal: RwSignal<Fetched<C::Answer>>, command: C)
where
    C: Command,
    C::Answer: Clone + PartialEq + Send + Sync + 'static,
{
    set_unless_same(signal, Fetched::from(invoke(command).await));
}

/// The same again is no news: what is open or focused stays as it is.
fn set_unless_same<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<Fetched<T>>, fetched: Fetched<T>) {
    if signal.with_untracked(|known| *known != fetched) {
        signal.set(fetched);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_a_message_has_longer_than_who_stands_at_the_till() {
        let amount = Amount::new(1280, "USD".parse().unwrap());
        let life = |payer: &str| sale_of(amount, Vec::new(), payer.to_owned(), None).expires_s;
        assert_eq!(life(""), TILL_LIFE_S);
        assert_eq!(life("4821773015"), TILL_LIFE_S, "a payment number is read out at the till");
        assert_eq!(life("ada@example.org"), MESSAGE_LIFE_S);
        assert_eq!(life("+49 30 1234567"), MESSAGE_LIFE_S);
    }
}
