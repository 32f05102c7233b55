//! A merchant's server that gets webhooks: it keeps every call, and answers what a test wants.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::watch;

/// How long a message may take to come.
const MESSAGE_WAIT: Duration = Duration::from_mins(1);

/// One call as it came.
#[derive(Clone, Debug)]
pub struct Message {
    /// The `webhook-id` header.
    pub id: String,
    /// The `webhook-timestamp` header.
    pub timestamp: String,
    /// The `webhook-signature` header.
    pub signature: String,
    /// The body, byte for byte.
    pub body: String,
    /// What it was answered with.
    pub answered: u16,
}

impl Message {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a webhook's body is JSON")
    }

    /// The event's type.
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// The request it is about.
    pub fn request_id(&self) -> String {
        self.json()["data"]["id"].as_str().unwrap_or_default().to_owned()
    }
}

struct Shared {
    messages: watch::Sender<Vec<Message>>,
    answers: Mutex<VecDeque<u16>>,
    usual: Mutex<u16>,
    holding: watch::Sender<bool>,
}

/// A server on this machine.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// A server that answers 204 to everything.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            messages: watch::Sender::new(Vec::new()),
            answers: Mutex::default(),
            usual: Mutex::new(204),
            holding: watch::Sender::new(false),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let app = Router::new().fallback(take).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, shared }
    }

    /// Where it listens, as a webhook's address.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Answers the next calls so, and then as usual.
    pub fn answer_next(&self, statuses: &[u16]) {
        locked(&self.shared.answers).extend(statuses);
    }

    /// Answers everything so from now on.
    pub fn answer_always(&self, status: u16) {
        *locked(&self.shared.usual) = status;
    }

    /// Takes calls and does not answer them, until [`Self::release`].
    pub fn hold(&self) {
        self.shared.holding.send_replace(true);
    }

    /// Answers again.
    pub fn release(&self) {
        self.shared.holding.send_replace(false);
    }

    /// Every call so far.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.messages.borrow().clone()
    }

    /// Waits until the calls so far are what a test waits for, and gives them.
    ///
    /// # Panics
    /// When they are not within a minute.
    pub async fn until(&self, what: &str, holds: impl Fn(&[Message]) -> bool) -> Vec<Message> {
        let started = Instant::now();
        let mut news = self.shared.messages.subscribe();
        let waited = tokio::time::timeout(MESSAGE_WAIT, news.wait_for(|messages| holds(messages))).await;
        let Ok(messages) = waited else {
            panic!("waited {:?} until: {what}; {:#?}", started.elapsed(), self.messages());
        };
        messages.expect("the receiver lives").clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let next = locked(&shared.answers).pop_front();
    let answered = next.unwrap_or(*locked(&shared.usual));
    let message = Message {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
        body,
        answered,
    };
    shared.messages.send_modify(|messages| messages.push(message));
    // A sender that lives as long as the receiver does not go away.
    let _ = shared.holding.subscribe().wait_for(|holding| !holding).await;
    let status = StatusCode::from_u16(answered).expect("tests answer with HTTP's statuses");
    // Where a redirect would lead, if it were followed: back here, so that it would be seen.
    (status, [(header::LOCATION, "/followed")]).into_response()
}
