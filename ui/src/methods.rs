//! The ways to pay as a person is shown them. A way is a module here and a line in each `match`.

pub mod alias;
pub mod card;
pub mod carrier;
pub mod code;
pub mod voucher;

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::ipc::pay::{ChooseMethod, Method, MethodView, PaymentMethods};

use crate::feedback;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::place::Screen;
use crate::state::App;

/// The name of a way.
pub const fn name(method: payment::Method) -> Text {
    match method {
        payment::Method::Alias => Text::MethodAlias,
        payment::Method::Card => Text::MethodCard,
        payment::Method::Carrier => Text::MethodCarrier,
        payment::Method::Code => Text::MethodCode,
        payment::Method::Voucher => Text::MethodVoucher,
    }
}

/// The stable word for tests.
pub const fn id(method: &Method) -> &'static str {
    method.kind().as_str()
}

/// The picture of a way.
pub fn shape(method: payment::Method) -> AnyView {
    match method {
        payment::Method::Alias => alias::shape(),
        payment::Method::Card => card::shape(),
        payment::Method::Carrier => carrier::shape(),
        payment::Method::Code => code::shape(),
        payment::Method::Voucher => voucher::shape(),
    }
}

/// What is set for it, or why it cannot be used now.
pub fn detail(app: App, method: &Method) -> AnyView {
    match method {
        Method::Alias { kept } => alias::detail(app, kept.as_ref()),
        Method::Card { .. } => card::detail(app),
        Method::Code { identity_code } => code::detail(app, identity_code.as_deref()),
        Method::Voucher { .. } => voucher::detail(app),
        Method::Carrier { bill } => carrier::detail(app, bill.as_ref()),
    }
}

/// What can be set for it.
pub fn choices(app: App, method: &Method) -> AnyView {
    match method {
        Method::Alias { kept } => alias::choices(app, kept.as_ref()),
        Method::Card { .. } => card::choices(app),
        Method::Code { identity_code } => code::choices(app, identity_code.clone()),
        Method::Voucher { .. } => voucher::choices(app),
        Method::Carrier { bill } => carrier::choices(app, bill.as_ref()),
    }
}

/// Where something is typed to pay in a way.
pub const fn screen_of(request_id: RequestId, method: payment::Method) -> Screen {
    match method {
        // A card is not typed, and a phone bill's PIN on the pad.
        payment::Method::Card | payment::Method::Carrier => Screen::Request(request_id),
        payment::Method::Alias => Screen::PayAlias(request_id),
        payment::Method::Code => Screen::PayCode(request_id),
        payment::Method::Voucher => Screen::PayVoucher(request_id),
    }
}

impl App {
    /// Reads the ways to pay, and takes over what was set for the chosen one.
    pub async fn read_methods(self) {
        // Without an answer a card is offered, as a wallet that was never asked does.
        if let Ok(methods) = invoke(PaymentMethods {}).await {
            self.take_methods(methods);
        }
    }

    /// Takes over what the wallet says of the ways to pay.
    pub fn take_methods(self, methods: Vec<MethodView>) {
        for view in &methods {
            match &view.method {
                Method::Card { reader } => self.reader.set(reader.clone()),
                Method::Alias { .. } | Method::Carrier { .. } | Method::Code { .. } | Method::Voucher { .. } => {}
            }
        }
        self.methods.set(methods);
    }

    /// The way to pay something that may be paid in these ways: the one the person chose last, or the first that both
    /// sides have.
    pub fn method(self, allowed: &[payment::Method]) -> Option<Method> {
        self.methods.with(|all| {
            let fits = |view: &&MethodView| allowed.contains(&view.method.kind());
            let chosen = all.iter().filter(fits).find(|view| view.chosen);
            let found = chosen.or_else(|| all.iter().find(fits)).map(|view| view.method.clone());
            // A wallet that has not answered has a card reader, as far as anybody knows.
            let is_unread = all.is_empty() && allowed.contains(&payment::Method::Card);
            found.or_else(|| is_unread.then_some(Method::Card { reader: None }))
        })
    }

    /// Remembers how the person wants to pay.
    pub fn choose_method(self, method: Method) {
        spawn_local(self.keep_method(method));
    }

    /// The same, done when this returns.
    pub async fn keep_method(self, method: Method) {
        // What could not be remembered still counts for this payment.
        if let Ok(methods) = invoke(ChooseMethod { method }).await {
            self.take_methods(methods);
        }
    }

    /// Begins to pay a request in a way.
    pub fn pay(self, request_id: RequestId, method: &Method) {
        match method {
            Method::Card { .. } => self.pay_with_card(request_id),
            Method::Carrier { .. } => self.pay_on_bill(request_id),
            Method::Alias { .. } | Method::Code { .. } | Method::Voucher { .. } => {
                // A web view lets a page sound only after a person did something on it: this is the moment.
                feedback::prepare();
                self.problem.set(None);
                self.go(screen_of(request_id, method.kind()));
            }
        }
    }
}
