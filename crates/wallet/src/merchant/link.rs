//! The links of open requests and of counters, sealed for the wallet's database, and shown as codes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::RestKey;
use payment::RequestId;
use protocol::merchant_api::PaymentRequestView;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Result, WalletError};

/// Both links of a request, each with its key. Wiped when dropped.
#[derive(Serialize, Deserialize)]
pub struct Links {
    /// For any phone's camera.
    pub link: String,
    /// For a wallet.
    pub deep_link: String,
}

impl Drop for Links {
    fn drop(&mut self) {
        self.link.zeroize();
        self.deep_link.zeroize();
    }
}

impl Links {
    /// Those in the answer that made the request; none in any later one.
    pub fn in_answer(view: &PaymentRequestView) -> Option<Self> {
        Some(Self { link: view.link.clone()?, deep_link: view.deep_link.clone()? })
    }

    /// Sealed for this request alone.
    pub fn seal(&self, rest: &RestKey, request_id: RequestId) -> Result<String> {
        let text = Zeroizing::new(serde_json::to_vec(self).expect("texts are always JSON"));
        seal(rest, &place_of_request(request_id), &text)
    }

    /// Opened again.
    pub fn open(rest: &RestKey, request_id: RequestId, sealed: &str) -> Result<Self> {
        let text = open(rest, &place_of_request(request_id), sealed)?;
        serde_json::from_slice(&text).map_err(|_| WalletError::Row("link"))
    }
}

fn place_of_request(request_id: RequestId) -> String {
    format!("tapseal/1 till link {request_id}")
}

/// A counter's link, sealed for this counter alone.
pub fn seal_counter(rest: &RestKey, counter_id: &str, link: &str) -> Result<String> {
    seal(rest, &place_of_counter(counter_id), link.as_bytes())
}

/// A counter's link, opened again.
pub fn open_counter(rest: &RestKey, counter_id: &str, sealed: &str) -> Result<Zeroizing<String>> {
    let text = open(rest, &place_of_counter(counter_id), sealed)?;
    let text = std::str::from_utf8(&text).map_err(|_| WalletError::Row("link"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn place_of_counter(counter_id: &str) -> String {
    format!("tapseal/1 counter link {counter_id}")
}

fn seal(rest: &RestKey, place: &str, text: &[u8]) -> Result<String> {
    Ok(STANDARD.encode(rest.seal(place.as_bytes(), text)?))
}

fn open(rest: &RestKey, place: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
    let unreadable = || WalletError::Row("link");
    let sealed = STANDARD.decode(sealed).map_err(|_| unreadable())?;
    rest.open(place.as_bytes(), &sealed).map_err(|_| unreadable())
}
