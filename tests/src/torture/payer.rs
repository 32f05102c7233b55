//! A payer: asks, pays, errs, repeats, cancels and waits too long, as drawn from the seed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::client::Clients;
use super::plan::Draw;
use super::purse::{Proof, Purse};
use super::record::{Place, Record, is_final};
use crate::hand::{Attempt, Letter, SealTo};
use crate::system::Ask;

/// How often a payer looks after an attempt whose outcome is not known, and the pause between.
const LOOKS_MAX: usize = 12;
const LOOK_PAUSE: Duration = Duration::from_millis(120);
/// Amounts a payer is asked for, in minor units: small, so that nobody runs out of money.
const AMOUNTS: [&str; 8] = ["0.01", "0.02", "0.03", "0.05", "0.08", "0.13", "0.21", "0.34"];

/// One payer.
pub struct LoadPayer {
    /// Its number.
    pub number: usize,
    /// What it pays with.
    pub purse: Purse,
    /// What it draws.
    pub draw: Draw,
    /// How it calls.
    pub clients: Clients,
    /// What it was told.
    pub record: Arc<Record>,
}

impl LoadPayer {
    /// Pays until the run closes; what is looked at afterwards.
    pub async fn run(mut self) -> (Clients, Purse) {
        let mut to = self.clients.seal_to().await;
        let mut turn = 0_u32;
        while !self.clients.progress.is_closing() {
            turn += 1;
            let deed = self.draw.below(20);
            let amount = self.draw.one_of(&AMOUNTS);
            let expires_s = if deed == 0 { 1 } else { 600 };
            let ask = Ask { amount, order: format!("T-{}-{turn}", self.number), expires_s, ..Ask::default() };
            let Some(letter) = self.clients.ask(&ask).await else { continue };
            let place = self.record.request(self.number, &letter).await;
            self.play(deed, place, &letter, &mut to).await;
        }
        (self.clients, self.purse)
    }

    async fn play(&mut self, deed: u64, place: Place, letter: &Letter, to: &mut SealTo) {
        match deed {
            // Too late.
            0 => {
                tokio::time::sleep(Duration::from_millis(1_100)).await;
                self.pay(place, letter, to, Proof::Right).await;
            }
            // The merchant withdraws it before anybody pays.
            1 => self.cancel(place, letter).await,
            // The merchant withdraws it while the payer pays.
            2 => {
                let attempt = self.seal(place, letter, to, Proof::Right).await;
                tokio::join!(self.submit(place, &attempt, to), self.cancel(place, letter));
            }
            // A wrong PIN or code, and then the right one.
            3 | 4 => {
                self.pay(place, letter, to, Proof::Wrong).await;
                self.pay(place, letter, to, Proof::Right).await;
            }
            // The same submission from three sides.
            5 | 6 => {
                let attempt = self.seal(place, letter, to, Proof::Right).await;
                tokio::join!(
                    self.submit(place, &attempt, to),
                    self.submit(place, &attempt, to),
                    self.submit(place, &attempt, to)
                );
            }
            // Two attempts at once at the same request.
            7 => {
                let first = self.seal(place, letter, to, Proof::Right).await;
                let second = self.seal(place, letter, to, Proof::Right).await;
                tokio::join!(self.submit(place, &first, to), self.submit(place, &second, to));
            }
            // The payer sends and goes away without waiting for any answer.
            8 => {
                let attempt = self.seal(place, letter, to, Proof::Right).await;
                let body = self.body(&attempt, to);
                let path = path(letter);
                let sent = self.clients.hand.try_send("POST", &path, body);
                let _ = tokio::time::timeout(Duration::from_millis(20), sent).await;
            }
            // The merchant gives some of it back, or all.
            9 | 10 => {
                if self.pay(place, letter, to, Proof::Right).await["state"] == "approved" {
                    self.give_back(place, letter).await;
                }
            }
            _ => drop(self.pay(place, letter, to, Proof::Right).await),
        }
    }

    async fn give_back(&mut self, place: Place, letter: &Letter) {
        let paid = letter.order.amount.minor();
        let minor = if self.draw.below(2) == 0 { paid } else { (paid / 2).max(1) };
        let refund = self.clients.till.sign_refund(&letter.order.request_id.to_string(), minor);
        self.record.refund(place, &refund).await;
        if self.clients.refund(&refund).await == 201 {
            self.record.refund_taken(place, refund.order.refund_id).await;
        }
    }

    async fn cancel(&self, place: Place, letter: &Letter) {
        if self.clients.cancel(letter).await == 200 {
            self.record.cancelled(place).await;
        }
    }

    fn body(&self, attempt: &Attempt, to: &SealTo) -> Vec<u8> {
        serde_json::to_vec(&self.clients.hand.submission(attempt, to)).expect("a body is JSON")
    }

    /// Seals an attempt and writes it down.
    async fn seal(&mut self, place: Place, letter: &Letter, to: &SealTo, proof: Proof) -> Attempt {
        let attempt = self.purse.attempt(&self.clients, letter, to, &mut self.draw, proof).await;
        self.record.attempt(place, &attempt).await;
        attempt
    }

    async fn pay(&mut self, place: Place, letter: &Letter, to: &mut SealTo, proof: Proof) -> Value {
        let attempt = self.seal(place, letter, to, proof).await;
        let view = self.submit(place, &attempt, to).await;
        if view["code"] == "bank_key_retired" {
            // An operator that is away just now is the one that was there before.
            let known = to.operator.take();
            *to = self.clients.seal_to().await;
            to.operator = to.operator.take().or(known);
        }
        view
    }

    /// Submits, the same bytes again for as long as nobody answers, and looks after it for a while.
    async fn submit(&self, place: Place, attempt: &Attempt, to: &SealTo) -> Value {
        let body = self.body(attempt, to);
        let request_id = payment::RequestId::from_bytes(attempt.routing.request_id);
        let path = format!("/v1/requests/{request_id}/attempts");
        let mut view = self.clients.payer("POST", &path, &body).await.body;
        self.record.told(place, attempt.id, &view).await;
        let path = format!("{path}/{}", attempt.id);
        for _ in 0..LOOKS_MAX {
            let is_open = view["state"].as_str().is_some_and(|state| !is_final(state));
            if !is_open || self.clients.progress.is_closing() {
                break;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
            view = self.clients.payer("GET", &path, &[]).await.body;
            self.record.told(place, attempt.id, &view).await;
        }
        view
    }
}

fn path(letter: &Letter) -> String {
    format!("/v1/requests/{}/attempts", letter.order.request_id)
}
