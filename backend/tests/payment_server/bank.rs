//! A scripted bank on real mutual TLS: it signs real outcomes, and misbehaves as told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use envelope::keyset::{BankCertificate, Dated, FrontKind, IinRange};
use envelope::{BankOutcome, BankRoot, BankSealingKeySecret, SigningKey, jws};
use iso8583::frame::{self, Decoder};
use iso8583::private::Composite;
use iso8583::{Message, Mti, Spec};
use payment::outcome::OUTCOME_VERSION;
use payment::{Amount, AttemptHash, AttemptId, BankResult, DeclineCode, Order, Outcome, WalletNonce};
use tapseal::keys::{self, BankId, DataFolder};
use tapseal::{clock, tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// The issuer prefix that the first bank answers for.
pub const IIN: &str = "476134";

/// What this bank says to every card: tag 91.
pub const ICC_RESPONSE: [u8; 12] = [0x91, 0x0A, 1, 2, 3, 4, 5, 6, 7, 8, b'0', b'0'];

/// What the bank does with a financial request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPayment {
    Approve,
    Decline(DeclineCode),
    /// It never arrived.
    Lose,
    /// Approved and stored, but the answer is lost.
    ApproveUnheard,
    /// Approved, and DE 4 of the answer is another amount.
    EchoAnotherAmount,
    /// Approved, and the signed outcome is about another amount.
    SignAnotherAmount,
    /// Approved with an outcome signed by a key nobody certified.
    SignWithAnotherKey,
    /// Approved without any signed outcome.
    ApproveUnsigned,
    /// The approval is sent only after the reversal was acknowledged.
    ApproveTooLate,
    /// Approved, with an outcome that this bank signs in the name of another.
    SignAsAnotherBank,
    /// Approved, with an outcome that says and proves that another bank decided: its key was lent.
    SignWithAnotherBanksKey,
    /// Approved, but nothing is answered until so many wait; then all are, the last first.
    ApproveTogether(usize),
}

/// What the bank does with an inquiry or a reversal advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFollowUp {
    Answer,
    Ignore,
}

/// What the bank says to a day's totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTotals {
    /// They are its own.
    Agree,
    /// It counted one debit more.
    Differ,
    /// It counted one more, and says that they agree.
    DifferAndAgree,
    /// It says nothing.
    Ignore,
}

struct State {
    on_totals: OnTotals,
    on_payment: OnPayment,
    on_inquiry: OnFollowUp,
    /// How many reversal advices are ignored before one is acknowledged.
    reversals_ignored: usize,
    messages: Vec<Message>,
    outcomes: HashMap<String, Outcome>,
    late: Option<(Message, Outcome)>,
    together: Vec<Message>,
    lent: Option<(String, SigningKey<BankOutcome>)>,
}

struct Shared {
    id: BankId,
    iin: &'static str,
    root: SigningKey<BankRoot>,
    outcome_key: SigningKey<BankOutcome>,
    stranger: SigningKey<BankOutcome>,
    certificate: String,
    state: Mutex<State>,
    seen: watch::Sender<usize>,
    /// How many handshakes failed.
    refusals: watch::Sender<usize>,
    /// How often somebody was taken in, with the right certificate.
    connections: AtomicUsize,
    /// What the bank says by itself, on its newest connection.
    saying: Mutex<Option<mpsc::UnboundedSender<Message>>>,
}

/// The running bank.
pub struct Bank {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    tls: Arc<rustls::ServerConfig>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Bank {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bank {
    pub async fn start(folder: &DataFolder) -> Self {
        Self::start_as(folder, "first", IIN).await
    }

    /// The bank of this id, which says that it answers for cards with this prefix.
    pub async fn start_as(folder: &DataFolder, id: &str, iin: &'static str) -> Self {
        let id: BankId = id.parse().unwrap();
        let home = folder.bank_home(&id);
        let root: SigningKey<BankRoot> = keys::signing_key(&home.file("root.key")).unwrap();
        let outcome_key = SigningKey::generate();
        let shared = Arc::new(Shared {
            certificate: certificate(&id, iin, &root, &outcome_key, 1),
            id,
            iin,
            root,
            outcome_key,
            stranger: SigningKey::generate(),
            state: Mutex::new(State {
                on_totals: OnTotals::Agree,
                on_payment: OnPayment::Approve,
                on_inquiry: OnFollowUp::Answer,
                reversals_ignored: 0,
                messages: Vec::new(),
                outcomes: HashMap::new(),
                late: None,
                together: Vec::new(),
                lent: None,
            }),
            seen: watch::channel(0).0,
            refusals: watch::channel(0).0,
            connections: AtomicUsize::new(0),
            saying: Mutex::default(),
        });
        let tls = tls::mutual_server(home.tls_identity(), &folder.tls_ca()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(accept(listener, TlsAcceptor::from(Arc::clone(&tls)), Arc::clone(&shared)));
        Self { addr, shared, tls, task }
    }

    /// Hangs up on everybody and listens no more.
    pub async fn go_away(&mut self) {
        self.task.abort();
        // Its connections end with the task, which holds them.
        let _ = (&mut self.task).await;
    }

    /// Listens again where it did.
    pub async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.addr).await.unwrap();
        let (acceptor, shared) = (TlsAcceptor::from(Arc::clone(&self.tls)), Arc::clone(&self.shared));
        self.task = tokio::spawn(accept(listener, acceptor, shared));
    }

    /// Gives another bank this bank's own signing key.
    pub fn lend_key_to(&self, other: &Self) {
        let key = SigningKey::from_bytes(self.shared.outcome_key.expose_bytes());
        other.shared.state.lock().unwrap().lent = Some((self.shared.id.to_string(), key));
    }

    pub fn on_payment(&self, behaviour: OnPayment) {
        self.shared.state.lock().unwrap().on_payment = behaviour;
    }

    pub fn on_totals(&self, behaviour: OnTotals) {
        self.shared.state.lock().unwrap().on_totals = behaviour;
    }

    pub fn on_inquiry(&self, behaviour: OnFollowUp) {
        self.shared.state.lock().unwrap().on_inquiry = behaviour;
    }

    pub fn ignore_reversals(&self, count: usize) {
        self.shared.state.lock().unwrap().reversals_ignored = count;
    }

    /// Every message of this type so far.
    pub fn messages(&self, mti: Mti) -> Vec<Message> {
        let state = self.shared.state.lock().unwrap();
        state.messages.iter().filter(|message| message.mti() == mti).cloned().collect()
    }

    /// Forgets the messages of this type so far.
    pub fn forget(&self, mti: Mti) {
        self.shared.state.lock().unwrap().messages.retain(|message| message.mti() != mti);
    }

    /// Waits until so many handshakes have failed.
    pub async fn has_refused(&self, count: usize) {
        let mut refusals = self.shared.refusals.subscribe();
        crate::in_time(refusals.wait_for(|refusals| *refusals >= count)).await.unwrap();
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Asks the server something by itself: a 0800 with this DE 70.
    pub fn ask(&self, code: &str) {
        let message = Message::new(Mti::NETWORK_REQUEST)
            .with_text(7, "1125120000")
            .with_text(11, "000001")
            .with_text(41, "BANK0001")
            .with_text(70, code);
        self.shared.saying.lock().unwrap().as_ref().unwrap().send(message).unwrap();
    }

    /// Waits until so many messages of this type have come.
    pub async fn has_seen(&self, mti: Mti, count: usize) {
        let mut seen = self.shared.seen.subscribe();
        while self.messages(mti).len() < count {
            crate::in_time(seen.changed()).await.unwrap();
        }
    }
}

fn certificate(
    id: &BankId,
    iin: &str,
    root: &SigningKey<BankRoot>,
    outcome_key: &SigningKey<BankOutcome>,
    version: u64,
) -> String {
    const HOUR_MS: i64 = 60 * 60 * 1_000;
    let now_ms = clock::signed_ms(clock::now_ms());
    let (not_before_ms, not_after_ms) = (now_ms - HOUR_MS, now_ms + HOUR_MS);
    let certificate = BankCertificate {
        bank_id: id.to_string(),
        bank_name: format!("Bank {id}"),
        kind: FrontKind::Bank,
        version,
        issued_ms: now_ms,
        expires_ms: not_after_ms,
        iin_ranges: vec![IinRange { from: iin.into(), to: iin.into() }],
        sealing_keys: vec![Dated {
            key: BankSealingKeySecret::generate().public().clone(),
            not_before_ms,
            not_after_ms,
        }],
        outcome_keys: vec![Dated { key: outcome_key.public().clone(), not_before_ms, not_after_ms }],
    };
    certificate.sign(root)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        connections.spawn(async move { serve(stream, acceptor, shared).await });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        shared.refusals.send_modify(|refusals| *refusals += 1);
        return;
    };
    shared.connections.fetch_add(1, Ordering::Relaxed);
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (answers, mut outgoing) = mpsc::unbounded_channel::<Message>();
    *shared.saying.lock().unwrap() = Some(answers.clone());
    let mut writing = JoinSet::new();
    writing.spawn(async move {
        while let Some(answer) = outgoing.recv().await {
            let frame = frame::encode(&answer.pack(&Spec::TAPSEAL).unwrap()).unwrap();
            if writer.write_all(&frame).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    });
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; 4_096];
    while let Ok(count) = reader.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        decoder.push(&buffer[..count]);
        while let Some(frame) = decoder.next_frame().unwrap() {
            let message = Message::unpack(&Spec::TAPSEAL, &frame).unwrap();
            for answer in shared.answer(message) {
                let _ = answers.send(answer);
            }
        }
    }
}

impl Shared {
    fn answer(&self, message: Message) -> Vec<Message> {
        let mut state = self.state.lock().unwrap();
        let answers = match message.mti() {
            Mti::NETWORK_REQUEST => vec![self.network(&message)],
            Mti::FINANCIAL_REQUEST => self.financial(&mut state, &message),
            Mti::INQUIRY => self.inquiry(&state, &message).into_iter().collect(),
            Mti::REVERSAL_ADVICE | Mti::REVERSAL_ADVICE_REPEAT => self.reversal(&mut state, &message),
            Mti::NETWORK_ANSWER => Vec::new(),
            Mti::RECONCILIATION_REQUEST => totals(state.on_totals, &message).into_iter().collect(),
            other => panic!("unexpected message type {other}"),
        };
        state.messages.push(message);
        self.seen.send_modify(|seen| *seen += 1);
        answers
    }

    fn network(&self, message: &Message) -> Message {
        let composite = Composite { bank_certificate: Some(self.certificate.clone()), ..Composite::default() };
        Message::new(message.mti().answer().unwrap())
            .echoing(message, &[7, 11, 41, 70])
            .with_text(39, "00")
            .with_binary(127, composite.to_bytes().unwrap())
    }

    fn financial(&self, state: &mut State, message: &Message) -> Vec<Message> {
        let behaviour = state.on_payment;
        if behaviour == OnPayment::Lose {
            return Vec::new();
        }
        let decision = match behaviour {
            OnPayment::Decline(code) => BankResult::Declined { code, pin_tries_left: None },
            _ => BankResult::Approved { approval_code: "123456".into() },
        };
        let mut outcome = outcome_of(&self.id, message, decision);
        if behaviour == OnPayment::SignAnotherAmount {
            outcome.amount = Amount::new(outcome.amount.minor() + 1, outcome.amount.currency());
        }
        let key = match (behaviour, &state.lent) {
            (OnPayment::SignWithAnotherKey, _) => &self.stranger,
            (OnPayment::SignAsAnotherBank, Some((other, _))) => {
                outcome.bank_id.clone_from(other);
                &self.outcome_key
            }
            (OnPayment::SignWithAnotherBanksKey, Some((other, key))) => {
                outcome.bank_id.clone_from(other);
                key
            }
            _ => &self.outcome_key,
        };
        let signed = jws::sign(key, jws::TYP_OUTCOME, &outcome.canonical());
        let retired = behaviour == OnPayment::Decline(DeclineCode::RetiredKey);
        let composite = Composite {
            outcome: (behaviour != OnPayment::ApproveUnsigned).then_some(signed),
            bank_certificate: retired.then(|| certificate(&self.id, self.iin, &self.root, &self.outcome_key, 2)),
            ..Composite::default()
        };
        let code = match &outcome.decision {
            BankResult::Declined { code, .. } => code.response_code(),
            BankResult::Approved { .. } | BankResult::Reversed => "00",
        };
        let mut answer = Message::new(Mti::FINANCIAL_ANSWER)
            .echoing(message, &[3, 4, 7, 11, 32, 37, 41, 42, 49])
            .with_text(39, code)
            .with_binary(55, ICC_RESPONSE)
            .with_binary(127, composite.to_bytes().unwrap());
        if behaviour == OnPayment::EchoAnotherAmount {
            answer = answer.with_number(4, message.number(4).unwrap() + 1).unwrap();
        }
        if behaviour == OnPayment::ApproveTooLate {
            state.late = Some((answer, outcome));
            return Vec::new();
        }
        if behaviour != OnPayment::ApproveUnsigned {
            state.outcomes.insert(message.text(37).unwrap().to_owned(), outcome);
        }
        match behaviour {
            OnPayment::ApproveUnheard => Vec::new(),
            OnPayment::ApproveTogether(count) => {
                state.together.push(answer);
                let all = state.together.len() >= count;
                if all { state.together.drain(..).rev().collect() } else { Vec::new() }
            }
            _ => vec![answer],
        }
    }

    fn inquiry(&self, state: &State, message: &Message) -> Option<Message> {
        if state.on_inquiry == OnFollowUp::Ignore {
            return None;
        }
        let answer = Message::new(Mti::INQUIRY_ANSWER).echoing(message, &[7, 11, 32, 37, 41, 90]);
        Some(match state.outcomes.get(message.text(37).unwrap()) {
            Some(outcome) => {
                answer.with_text(39, "00").with_binary(55, ICC_RESPONSE).with_binary(127, self.signed(outcome))
            }
            None => answer.with_text(39, "25"),
        })
    }

    fn reversal(&self, state: &mut State, message: &Message) -> Vec<Message> {
        if state.reversals_ignored > 0 {
            state.reversals_ignored -= 1;
            return Vec::new();
        }
        let mut answer = Message::new(Mti::REVERSAL_ADVICE_ANSWER)
            .echoing(message, &[3, 4, 7, 11, 32, 37, 41, 42, 49, 90])
            .with_text(39, "00");
        if let Some(outcome) = state.outcomes.get_mut(message.text(37).unwrap()) {
            outcome.decision = BankResult::Reversed;
            answer = answer.with_binary(127, self.signed(outcome));
        }
        let late = state.late.take().map(|(late, outcome)| {
            state.outcomes.insert(late.text(37).unwrap().to_owned(), outcome);
            late
        });
        std::iter::once(answer).chain(late).collect()
    }

    fn signed(&self, outcome: &Outcome) -> Vec<u8> {
        let jws = jws::sign(&self.outcome_key, jws::TYP_OUTCOME, &outcome.canonical());
        Composite { outcome: Some(jws), ..Composite::default() }.to_bytes().unwrap()
    }
}

/// The bank's own totals of a day, which are what it was told or not.
fn totals(behaviour: OnTotals, message: &Message) -> Option<Message> {
    let answer = Message::new(Mti::RECONCILIATION_ANSWER)
        .echoing(message, &[7, 11, 15, 32, 37, 41, 50, 74, 75, 76, 77, 86, 87, 88, 89, 97])
        .with_text(39, "00");
    let one_more = |answer: Message| answer.with_number(76, message.number(76).unwrap() + 1).unwrap();
    match behaviour {
        OnTotals::Agree => Some(answer.with_text(66, "1")),
        OnTotals::Differ => Some(one_more(answer.with_text(66, "2"))),
        OnTotals::DifferAndAgree => Some(one_more(answer.with_text(66, "1"))),
        OnTotals::Ignore => None,
    }
}

/// What a bank signs: everything is taken from the message, as a bank does.
fn outcome_of(bank: &BankId, message: &Message, decision: BankResult) -> Outcome {
    let composite = Composite::of(message).unwrap();
    let payload = jws::peek_payload_unverified(&composite.order.unwrap()).unwrap();
    let order = Order::from_canonical(&payload).unwrap();
    let attempt_id = AttemptId::from_bytes(composite.attempt_id.unwrap());
    let nonce = WalletNonce::from_bytes(composite.wallet_nonce.unwrap());
    Outcome {
        version: OUTCOME_VERSION,
        bank_id: bank.to_string(),
        request_id: order.request_id,
        attempt_id,
        order_hash: order.hash(),
        attempt_hash: AttemptHash::derive(&order.hash(), attempt_id, &nonce),
        merchant_id: order.merchant_id.clone(),
        amount: order.amount,
        decision,
        rrn: message.text(37).unwrap().into(),
        card_label: "visa ••0050".into(),
        decided_ms: clock::now_ms(),
    }
}
