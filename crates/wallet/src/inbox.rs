//! From a sealed letter to something a person may see: opened, signed by a vetted merchant, under its own name.
//!
//! **Invariant:** a [`RequestView`] is made of a [`VerifiedOrder`] only, and that exists only after the
//! merchant's signature, the keyset entry and the payee's name were checked.

use envelope::keyset::Keyset;
use envelope::{Capsule, LinkKey, jws, request};
use payment::{Amount, AttemptId, AttemptState, MatchWords, Method, Methods, Order, RequestId, RequestState};
use protocol::ErrorCode;
use protocol::ipc::pay::Doubt;
use protocol::ipc::{ItemView, RequestPhase, RequestView};
use protocol::wallet_api::{RequestLetter, SealedRequest};

use crate::clock::signed;
use crate::device::Device;
use crate::error::{Result, WalletError};
use crate::store::{AttemptRow, KeptState, RequestRow};

/// The longest link that is looked at, in bytes.
const LINK_BYTES_MAX: usize = 512;
/// Length of a link's token in base64url: 16 bytes.
const TOKEN_CHARS: usize = 22;

/// A merchant's order whose signature, keyset entry and payee name were checked.
#[derive(Clone, Debug)]
pub struct VerifiedOrder {
    order: Order,
    jws: String,
    methods: Methods,
}

impl VerifiedOrder {
    /// Checks an order: canonical, signed by a merchant key of the keyset that was valid when the order was
    /// made, and naming that merchant and its vetted name.
    pub fn verify(order_jws: &str, keyset: &Keyset) -> Result<Self> {
        let unsigned = |_| WalletError::Merchant("the order is not a signed message");
        let kid = jws::peek_kid(order_jws).map_err(unsigned)?;
        let claimed = jws::peek_payload_unverified(order_jws).map_err(unsigned)?;
        let malformed = |_| WalletError::Merchant("the order is malformed");
        let created_ms = Order::from_canonical(&claimed).map_err(malformed)?.created_ms;
        let (key, profile) = keyset
            .merchant_key(&kid, signed(created_ms))
            .ok_or(WalletError::Merchant("the signing key is not in the keyset"))?;
        let payload = jws::verify(key, jws::TYP_ORDER, order_jws)
            .map_err(|_| WalletError::Merchant("the order's signature is wrong"))?;
        let order = Order::from_canonical(&payload).map_err(malformed)?;
        if order.merchant_id.as_str() != profile.merchant_id {
            return Err(WalletError::Merchant("the order names another merchant"));
        }
        if order.payee_name != profile.display_name {
            return Err(WalletError::Merchant("the payee's name is not the merchant's"));
        }
        let named = profile.methods.as_ref().map(|names| Methods::known(names.iter().map(String::as_str)));
        let methods = order.payable_by(named.unwrap_or_else(Methods::all));
        Ok(Self { order, jws: order_jws.to_owned(), methods })
    }

    /// The order.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The ways it may be paid: those that it names, of those that its merchant takes.
    pub fn methods(&self) -> Methods {
        self.methods
    }

    /// Refuses a way that it may not be paid.
    pub fn require(&self, method: Method) -> Result<()> {
        if self.methods.contains(method) { Ok(()) } else { Err(WalletError::Code(ErrorCode::MethodNotAllowed)) }
    }

    /// The order as signed.
    pub fn jws(&self) -> &str {
        &self.jws
    }
}

/// Opens a letter sealed to this device; the merchant-signed order comes out, not yet verified.
pub fn open_for_device(sealed: &SealedRequest, device: &Device) -> Result<String> {
    let capsule = capsule(sealed)?;
    let plaintext = request::open_as_device(device.keys()?.sealing(), sealed.request_id.as_bytes(), &capsule)
        .map_err(|_| WalletError::Code(ErrorCode::LinkInvalid))?;
    order_in(&plaintext)
}

/// Opens a letter with the key of the link it came by.
pub fn open_with_link(sealed: &SealedRequest, key: &LinkKey) -> Result<String> {
    let capsule = capsule(sealed)?;
    let plaintext = request::open_from_link(key, sealed.request_id.as_bytes(), &capsule)
        .map_err(|_| WalletError::Code(ErrorCode::LinkInvalid))?;
    order_in(&plaintext)
}

fn capsule(sealed: &SealedRequest) -> Result<Capsule> {
    let json = serde_json::to_value(&sealed.sealed).expect("wire types are always JSON");
    serde_json::from_value(json).map_err(|_| WalletError::Code(ErrorCode::LinkInvalid))
}

fn order_in(plaintext: &[u8]) -> Result<String> {
    let letter: RequestLetter =
        serde_json::from_slice(plaintext).map_err(|_| WalletError::Code(ErrorCode::LinkInvalid))?;
    Ok(letter.order)
}

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// To one request.
    Request,
    /// To whatever a counter is asking for now.
    Counter,
}

/// A payment link: which letter, and the key that opens it.
pub struct Link {
    /// Where it leads.
    pub goal: Goal,
    /// Names the letter, or the counter, at the server.
    pub token: String,
    /// Opens it. It is only in the fragment, which no browser sends.
    pub key: LinkKey,
}

impl Link {
    /// Reads `https://SERVER/r/TOKEN#KEY` or `tapseal://r/TOKEN?s=HOST#KEY`, or the same with `c` for a counter. The
    /// server must be the pinned one: a link cannot send the wallet elsewhere.
    pub fn parse(link: &str, server_host: &str) -> Result<Self> {
        Self::read(link.trim(), server_host).ok_or(WalletError::Code(ErrorCode::LinkInvalid))
    }

    fn read(link: &str, server_host: &str) -> Option<Self> {
        if link.len() > LINK_BYTES_MAX {
            return None;
        }
        let (address, fragment) = link.split_once('#')?;
        let (path, host) = if let Some(rest) = address.strip_prefix("tapseal://") {
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let host = query.split('&').find_map(|pair| pair.strip_prefix("s="));
            (path, host.map(|host| host.replace("%3A", ":").replace("%3a", ":")))
        } else {
            let (host, path) = address.strip_prefix("https://")?.split_once('/')?;
            (path, Some(host.to_owned()))
        };
        if host.is_some_and(|host| host != server_host) {
            return None;
        }
        let (goal, token) = match path.split_once('/')? {
            ("r", token) => (Goal::Request, token),
            ("c", token) => (Goal::Counter, token),
            _ => return None,
        };
        let token_fits = token.len() == TOKEN_CHARS
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let key = LinkKey::from_fragment(fragment).ok()?;
        token_fits.then(|| Self { goal, token: token.to_owned(), key })
    }
}

/// What a request asks of the payer now: the server's word, the clock, and the wallet's own latest attempt.
pub fn phase(row: &RequestRow, order: &Order, attempt: Option<&AttemptRow>, now_ms: u64) -> RequestPhase {
    match row.state {
        RequestState::Paid { .. } => RequestPhase::Paid,
        RequestState::Rejected => RequestPhase::Rejected,
        RequestState::Cancelled => RequestPhase::Cancelled,
        RequestState::Expired => RequestPhase::Expired,
        RequestState::Undeliverable | RequestState::Failed { .. } | RequestState::Reversed { .. } => {
            RequestPhase::Closed
        }
        RequestState::OutcomeUnknown { .. } | RequestState::NeedsManualReview { .. } => RequestPhase::Unknown,
        RequestState::InFlight { .. }
        | RequestState::Created
        | RequestState::Delivering
        | RequestState::Delivered
        | RequestState::Seen => match attempt.map(|attempt| attempt.state) {
            Some(KeptState::Told(AttemptState::Approved)) => RequestPhase::Paid,
            Some(KeptState::Sealed | KeptState::Told(AttemptState::Received | AttemptState::Forwarded)) => {
                RequestPhase::Paying
            }
            Some(KeptState::Told(
                AttemptState::NoAnswer
                | AttemptState::Inquiring
                | AttemptState::NotFound
                | AttemptState::Reversing
                | AttemptState::NeedsManualReview,
            )) => RequestPhase::Unknown,
            Some(
                KeptState::NotSent
                | KeptState::Refused(_)
                | KeptState::Elsewhere
                | KeptState::Told(AttemptState::Declined { .. } | AttemptState::Reversed | AttemptState::Sealed),
            )
            | None => untried(row, order, now_ms),
        },
    }
}

/// The phase of a request that no attempt of ours holds.
fn untried(row: &RequestRow, order: &Order, now_ms: u64) -> RequestPhase {
    if matches!(row.state, RequestState::InFlight { .. }) {
        RequestPhase::Paying
    } else if order.is_expired(now_ms) {
        RequestPhase::Expired
    } else if row.postponed_ms.is_some() && row.postponed_until_ms.is_none_or(|until_ms| now_ms < until_ms) {
        RequestPhase::Postponed
    } else {
        RequestPhase::Open
    }
}

/// The view of a verified request.
pub fn view(
    verified: &VerifiedOrder,
    row: &RequestRow,
    attempt: Option<&AttemptRow>,
    receipt: Option<AttemptId>,
    now_ms: u64,
) -> RequestView {
    let order = verified.order();
    let words = MatchWords::of(&order.hash());
    let phase = phase(row, order, attempt, now_ms);
    RequestView {
        request_id: order.request_id,
        merchant_id: order.merchant_id.clone(),
        amount: order.amount,
        payee: order.payee_name.clone(),
        first_contact: row.first_contact,
        new_sender: row.new_sender,
        order_number: order.order_number.clone(),
        items: items(order),
        methods: verified.methods.iter().collect(),
        match_words: words.english().map(str::to_owned),
        match_words_zh: words.chinese().map(str::to_owned),
        created_ms: order.created_ms,
        expires_ms: order.expires_ms,
        now_ms,
        phase,
        postponed_until_ms: row.postponed_until_ms.filter(|_| phase == RequestPhase::Postponed),
        elsewhere: is_elsewhere(row, phase, attempt),
        doubt: (phase == RequestPhase::Unknown).then(|| doubt(row, attempt)),
        asked: None,
        deadline_ms: attempt.filter(|_| phase == RequestPhase::Unknown).and_then(|attempt| attempt.deadline_ms),
        receipt,
        refunded_minor: row.refunded_minor,
        refunded_ms: row.refunded_ms.filter(|_| row.refunded_minor > 0),
    }
}

/// Whether it is paid, or being paid, with an attempt that this wallet did not make.
fn is_elsewhere(row: &RequestRow, phase: RequestPhase, attempt: Option<&AttemptRow>) -> bool {
    let is_somebodys = matches!(phase, RequestPhase::Paying | RequestPhase::Unknown | RequestPhase::Paid);
    let made_here = attempt.filter(|attempt| attempt.state != KeptState::Elsewhere);
    let own = made_here.map(|attempt| attempt.attempt_id);
    is_somebodys && row.state.attempt_id().is_some_and(|holder| own != Some(holder))
}

/// What is being done about an unknown outcome. Of somebody else's attempt no more is known than that it is asked about.
fn doubt(row: &RequestRow, attempt: Option<&AttemptRow>) -> Doubt {
    let told = attempt.and_then(|attempt| match attempt.state {
        KeptState::Told(state) => Some(state),
        KeptState::Sealed | KeptState::NotSent | KeptState::Refused(_) | KeptState::Elsewhere => None,
    });
    match (row.state, told) {
        (RequestState::NeedsManualReview { .. }, _) | (_, Some(AttemptState::NeedsManualReview)) => Doubt::Checking,
        (_, Some(AttemptState::Reversing)) => Doubt::Undoing,
        (_, _) => Doubt::Asking,
    }
}

/// The order's lines as shown.
pub fn items(order: &Order) -> Vec<ItemView> {
    let currency = order.amount.currency();
    let line = |item: &payment::OrderItem| ItemView {
        name: item.name.clone(),
        quantity: item.quantity,
        total: Amount::new(item.total_minor, currency),
    };
    order.items.iter().map(line).collect()
}

/// Whether a letter's order is the one its envelope names: a server cannot file an order under another id.
pub fn require_same_request(verified: &VerifiedOrder, request_id: RequestId) -> Result<()> {
    if verified.order().request_id == request_id {
        Ok(())
    } else {
        Err(WalletError::Merchant("the order belongs to another request"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    fn key() -> String {
        LinkKey::generate().expose_fragment().to_string()
    }

    #[test]
    fn links_of_the_pinned_server_are_read() {
        let host = "127.0.0.1:8443";
        let key = key();
        for link in [
            format!("https://{host}/r/{TOKEN}#{key}"),
            format!("tapseal://r/{TOKEN}?s={host}#{key}"),
            format!("tapseal://r/{TOKEN}?s=127.0.0.1%3A8443#{key}"),
            format!(" tapseal://r/{TOKEN}#{key}\n"),
        ] {
            assert_eq!(Link::parse(&link, host).unwrap().token, TOKEN, "{link}");
            assert_eq!(Link::parse(&link, host).unwrap().goal, Goal::Request, "{link}");
            let counter = link.replacen("/r/", "/c/", 1);
            assert_eq!(Link::parse(&counter, host).unwrap().goal, Goal::Counter, "{counter}");
        }
    }

    #[test]
    fn other_links_are_refused() {
        let host = "127.0.0.1:8443";
        let key = key();
        for link in [
            format!("https://127.0.0.1:9999/r/{TOKEN}#{key}"),
            format!("http://{host}/r/{TOKEN}#{key}"),
            format!("tapseal://r/{TOKEN}?s=evil.example#{key}"),
            format!("https://{host}/r/{TOKEN}"),
            format!("https://{host}/r/short#{key}"),
            format!("https://{host}/x/{TOKEN}#{key}"),
            format!("tapseal://x/{TOKEN}#{key}"),
            format!("https://{host}/r/../../v1/inbox0000000#{key}"),
            format!("https://{host}/r/{TOKEN}#{}", &key[1..]),
            format!("https://{host}/r/{TOKEN}#{key}{}", "x".repeat(600)),
            String::new(),
        ] {
            assert!(Link::parse(&link, host).is_err(), "{link}");
        }
    }
}
