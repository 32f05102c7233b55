//! The ways to pay as a person is shown them. A way is a module here and a line in each `match`.

pub mod card;

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::ipc::pay::{ChooseMethod, Method, MethodView, PaymentMethods};

use crate::i18n::Text;
use crate::ipc::invoke;
use crate::state::App;

/// The name of a way.
pub const fn name(method: &Method) -> Text {
    match method {
        Method::Card { .. } => Text::MethodCard,
    }
}

/// The stable word for tests.
pub const fn id(method: &Method) -> &'static str {
    match method {
        Method::Card { .. } => "card",
    }
}

/// Its picture.
pub fn shape(method: &Method) -> AnyView {
    match method {
        Method::Card { .. } => card::shape(),
    }
}

/// What is set for it, or why it cannot be used now.
pub fn detail(app: App, method: &Method) -> AnyView {
    match method {
        Method::Card { .. } => card::detail(app),
    }
}

/// What can be set for it.
pub fn choices(app: App, method: &Method) -> AnyView {
    match method {
        Method::Card { .. } => card::choices(app),
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

    fn take_methods(self, methods: Vec<MethodView>) {
        if let Some(chosen) = methods.iter().find(|view| view.chosen) {
            match &chosen.method {
                Method::Card { reader } => self.reader.set(reader.clone()),
            }
        }
        self.methods.set(methods);
    }

    /// The way to pay unless the person says otherwise.
    pub fn method(self) -> Method {
        let chosen = self.methods.with(|all| all.iter().find(|view| view.chosen).map(|view| view.method.clone()));
        chosen.unwrap_or(Method::Card { reader: None })
    }

    /// Remembers how the person wants to pay.
    pub fn choose_method(self, method: Method) {
        spawn_local(async move {
            // What could not be remembered still counts for this payment.
            if let Ok(methods) = invoke(ChooseMethod { method }).await {
                self.take_methods(methods);
            }
        });
    }

    /// Starts paying a request in the chosen way.
    pub fn pay(self, request_id: RequestId) {
        match self.method() {
            Method::Card { .. } => self.pay_with_card(request_id),
        }
    }
}
