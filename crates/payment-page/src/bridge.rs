//! The module's face to the page's script: texts in, JSON out; an error is its code.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::fault::Fault;
use crate::visit::{SecretText, Visit};

/// A visit, as the script holds it.
#[wasm_bindgen]
pub struct Page(Visit);

/// A time as the script has it, in ms since the Unix epoch.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a script's times are whole and not negative"
)]
fn ms(now_ms: f64) -> u64 {
    now_ms as u64
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers are always JSON")
}

fn told<T: serde::Serialize>(answer: Result<T, Fault>) -> Result<String, String> {
    answer.map(|answer| json(&answer)).map_err(|fault| fault.to_string())
}

#[wasm_bindgen]
impl Page {
    /// Opens and checks a letter; see [`Visit::open`].
    ///
    /// # Errors
    /// The code of what is wrong with it.
    pub fn open(roots: &str, keys: &str, letter: &str, fragment: &str, now_ms: f64) -> Result<Self, String> {
        Visit::open(roots, keys, letter, fragment, ms(now_ms)).map(Self).map_err(|fault| fault.to_string())
    }

    /// What is shown.
    pub fn shown(&self) -> String {
        json(&self.0.shown())
    }

    /// What registers this visit's device.
    pub fn registration(&self, language: &str) -> String {
        json(&self.0.registration(language))
    }

    /// The device's id and its signature over a call, as a list of two.
    pub fn signature(&self, method: &str, path_and_query: &str, now_ms: f64, body: &str) -> String {
        json(&self.0.signature(method, path_and_query, ms(now_ms), body.as_bytes()))
    }

    /// An identity code as the server takes it.
    ///
    /// # Errors
    /// When it was mistyped.
    pub fn identity_code(typed: &str) -> Result<String, String> {
        Visit::identity_code(typed).map(|code| code.as_str().to_owned()).map_err(|fault| fault.to_string())
    }

    /// Takes over who pays by code.
    ///
    /// # Errors
    /// The code of what is wrong.
    pub fn begin_code(&mut self, identity_code: &str, password: String, bank_id: &str) -> Result<(), String> {
        let password = SecretText::new(password).bytes();
        self.0.begin_code(identity_code, password, bank_id).map_err(|fault| fault.to_string())
    }

    /// Forgets who pays by code.
    pub fn forget_code(&mut self) {
        self.0.forget_code();
    }

    /// What orders a code: the one that pays, or the one that confirms an address. An empty address is none.
    ///
    /// # Errors
    /// The code of what is wrong.
    pub fn order_code(&mut self, account: u8, terminal: u8, address: String, now_ms: f64) -> Result<String, String> {
        let named = Some(address).filter(|address| !address.is_empty());
        told(self.0.order_code(account, terminal, named, ms(now_ms)))
    }

    /// What confirms an address.
    ///
    /// # Errors
    /// The code of what is wrong.
    pub fn confirm_address(&self, code: String, now_ms: f64) -> Result<String, String> {
        told(self.0.confirm_address(SecretText::new(code).digits(), ms(now_ms)))
    }

    /// What pays with a code.
    ///
    /// # Errors
    /// The code of what is wrong.
    pub fn pay_by_code(&mut self, code: String, now_ms: f64) -> Result<String, String> {
        told(self.0.pay_by_code(SecretText::new(code).digits(), ms(now_ms)))
    }

    /// What pays with a voucher.
    ///
    /// # Errors
    /// The code of what is wrong.
    pub fn pay_by_voucher(&mut self, bank_id: &str, number: &str, code: String, now_ms: f64) -> Result<String, String> {
        told(self.0.pay_by_voucher(bank_id, number, &SecretText::new(code), ms(now_ms)))
    }

    /// What the server's answer means.
    ///
    /// # Errors
    /// When it is of another attempt.
    pub fn end(&self, answer: &str) -> Result<String, String> {
        told(self.0.end(answer))
    }
}
