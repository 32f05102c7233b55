//! What reading a card costs: exchanges and bytes against the least the standard allows, and our own compute.
//!
//! Every built-in virtual card is read to pay, over each of its interfaces, once, and every exchange is kept. Our own
//! compute is the time a session takes when it is given the kept answers again: neither card nor reader is in it.

mod minimum;

use std::hint::black_box;
use std::time::{Duration, Instant};

use emv::{CardSession, DataAuthentication, Interface, ReadPurpose, Step, TerminalData};
use virtual_card::{BUILT_IN, Profile, RefusedBy, VirtualCard, test_ca_keys};

/// How often each read is computed again; the median counts.
const ROUNDS: usize = 500;

/// The most our own compute of a whole read may take.
const COMPUTE_GOAL: Duration = Duration::from_millis(2);

/// A command and its answer.
pub struct Exchange {
    /// What was sent.
    pub c_apdu: Vec<u8>,
    /// What came back, status word included.
    pub r_apdu: Vec<u8>,
}

/// What a read costs on the way between reader and card.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Commands.
    pub exchanges: usize,
    /// Bytes of all commands.
    pub sent: usize,
    /// Bytes of all answers.
    pub received: usize,
}

impl Cost {
    fn of<'e>(exchanges: impl IntoIterator<Item = &'e Exchange>) -> Self {
        exchanges.into_iter().fold(Self::default(), |cost, exchange| Self {
            exchanges: cost.exchanges + 1,
            sent: cost.sent + exchange.c_apdu.len(),
            received: cost.received + exchange.r_apdu.len(),
        })
    }
}

/// A terminal that authenticates cards as the wallet's does, and trusts the virtual cards' own authority: so the RSA
/// operations a real card costs are in the compute.
fn terminal(interface: Interface) -> TerminalData {
    let mut terminal = TerminalData::purchase(12_345, 978, 276, [0x5A; 4], interface).at([26, 11, 22], [9, 30, 0]);
    "Corner Shop".clone_into(&mut terminal.merchant_name);
    terminal.authenticating(DataAuthentication::WithoutExtraExchange, test_ca_keys())
}

/// Reads to pay until the session is done; takes the first application where it is asked.
fn read(interface: Interface, mut answer: impl FnMut(&[u8]) -> Vec<u8>) {
    let (mut session, mut c_apdu) = CardSession::start(terminal(interface), ReadPurpose::Pay);
    loop {
        let step = session.advance(&answer(&c_apdu)).expect("a good card is read");
        (session, c_apdu) = match step {
            Step::Transmit { session, c_apdu, .. } => (*session, c_apdu),
            Step::Choose { session, .. } => session.select(0).expect("the first can be chosen"),
            Step::Done(read) => {
                black_box(read);
                return;
            }
            Step::Inspected(_) => unreachable!("a payment does not inspect"),
        };
    }
}

fn recorded(profile: Profile, interface: Interface) -> Vec<Exchange> {
    let mut card = VirtualCard::new(profile).over(interface);
    let mut exchanges = Vec::new();
    read(interface, |c_apdu| {
        let r_apdu = card.respond(c_apdu);
        exchanges.push(Exchange { c_apdu: c_apdu.to_vec(), r_apdu: r_apdu.clone() });
        r_apdu
    });
    exchanges
}

/// The median time of a session that is given the kept answers.
fn compute(exchanges: &[Exchange], interface: Interface) -> Duration {
    let mut times = (0..ROUNDS)
        .map(|_| {
            let answers: Vec<Vec<u8>> = exchanges.iter().map(|exchange| exchange.r_apdu.clone()).collect();
            let mut answers = answers.into_iter();
            let started = Instant::now();
            read(interface, |_| answers.next().expect("the same session asks the same"));
            started.elapsed()
        })
        .collect::<Vec<_>>();
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn main() {
    println!("reading a card to pay, up to its cryptogram; least = the least the standard allows");
    println!(
        "{:<18} {:<12} {:>9} {:>6} {:>11} {:>6} {:>13} {:>6} {:>12}",
        "card", "interface", "exchanges", "least", "bytes sent", "least", "received", "least", "our compute"
    );
    let mut slowest = Duration::ZERO;
    for profile in BUILT_IN.iter().map(|(name, _)| Profile::built_in(name).expect("a built-in profile")) {
        if profile.refusal.as_ref().is_some_and(|refusal| refusal.by == RefusedBy::Reader) {
            continue;
        }
        for interface in profile.interfaces() {
            let exchanges = recorded(profile.clone(), interface);
            let cost = Cost::of(&exchanges);
            let least = Cost::of(minimum::of(&exchanges, interface));
            let took = compute(&exchanges, interface);
            slowest = slowest.max(took);
            let name = match interface {
                Interface::Contact => "contact",
                Interface::Contactless => "contactless",
            };
            println!(
                "{:<18} {name:<12} {:>9} {:>6} {:>11} {:>6} {:>13} {:>6} {:>9.1} µs",
                profile.name,
                cost.exchanges,
                least.exchanges,
                cost.sent,
                least.sent,
                cost.received,
                least.received,
                took.as_secs_f64() * 1e6,
            );
        }
    }
    let verdict = if slowest <= COMPUTE_GOAL { "within" } else { "beyond" };
    println!("our own compute in a whole read: at most {slowest:?}, {verdict} the goal of {COMPUTE_GOAL:?}");
}
