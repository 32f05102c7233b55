//! What a payer has at a vault: its card under several names, since a code of the second factor serves once and a step of it
//! takes half a minute. Whoever has no code left at any of them enrols the card once more.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::means::MeansKind;
use envelope::outer::Route;
use envelope::vault::{Call, Deed, FactorSecret, NewCard, ReleaseWish};
use envelope::{KeptCard, SecretBytes, place_hash};
use payment::{Amount, AttemptId, Currency};
use protocol::ErrorCode;
use protocol::vault_api::{AliasView, CALLS_PATH, ReleasedView, SealedAnswer, SealedCall, VaultAnswer};
use virtual_card::VirtualCard;

use crate::hand::{Attempt, Drawn, Letter, SealTo, capsule, card_data, random, read_card, sealed_text};
use crate::keeper::{Authenticator, PASSWORD, When};

/// The most names of one payer: with as many enrolments an address has not used up what it may fail.
const NAMES_MAX: usize = 8;
/// How long a call may take before it counts as unanswered.
const CALL_WAIT: Duration = Duration::from_secs(25);
/// The pause before a call is repeated.
const REPEAT_PAUSE: Duration = Duration::from_millis(100);

/// A payer's names, and what it asked of them.
pub struct Aliases {
    payer: usize,
    last_four: String,
    client: reqwest::Client,
    names: Vec<Name>,
    wishes: Vec<Wish>,
    faults: Vec<String>,
}

/// One name, as its owner knows it.
struct Name {
    text: String,
    authenticator: Authenticator,
}

/// A release that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// For which attempt.
    pub attempt: AttemptId,
    /// Whether the vault said that it was made.
    pub heard: Heard,
}

/// Whether an answer arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The card came.
    Released,
    /// The vault said no.
    Refused,
    /// Nobody answered.
    Nothing,
}

impl Aliases {
    /// A payer without any name yet. Each calls from an address of its own, as payers do.
    pub fn none(payer: usize, last_four: &str, to: &SealTo) -> Self {
        let (_, profile) = to.vault.as_ref().expect("a vault is listed");
        let root = reqwest::Certificate::from_pem(profile.tls_ca_pem.as_bytes()).expect("the authority is PEM");
        let place = u8::try_from(payer / 200 + 1).expect("so many payers");
        let own = IpAddr::V4(Ipv4Addr::new(127, 0, place, u8::try_from(payer % 200 + 2).expect("below 202")));
        let client = reqwest::Client::builder().tls_certs_only([root]).local_address(own).build();
        Self {
            payer,
            last_four: last_four.to_owned(),
            client: client.expect("a client with one root"),
            names: Vec::new(),
            wishes: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Every release that was asked for.
    pub fn wishes(&self) -> &[Wish] {
        &self.wishes
    }

    /// How many names there are.
    pub fn names(&self) -> usize {
        self.names.len()
    }

    /// Has the card released for a new attempt; none when the vault has no answer, or the payer no code.
    pub async fn attempt(&mut self, card: &mut VirtualCard, letter: &Letter, to: &SealTo) -> Option<Attempt> {
        let (at, code) = match self.code() {
            Some(found) => found,
            None if self.names.len() < NAMES_MAX => {
                self.enrol(card, to).await;
                self.code()?
            }
            None => return None,
        };
        let order = &letter.order;
        let drawn = Drawn::for_order(order);
        let wish = ReleaseWish {
            place: 0,
            order_hash: *order.hash().as_bytes(),
            attempt_id: *drawn.id.as_bytes(),
            wallet_nonce: *drawn.nonce.as_bytes(),
            amount_minor: u64::try_from(order.amount.minor()).expect("orders ask for positive amounts"),
            currency: three_letters(order.amount.currency()),
        };
        // Written down before it is sent.
        self.wishes.push(Wish { attempt: drawn.id, heard: Heard::Nothing });
        let name = self.names[at].text.clone();
        let answer = self.call(to, &name, &code, Deed::Release(wish)).await?;
        let wish = self.wishes.last_mut().expect("it was written down");
        let VaultAnswer::Released(ReleasedView { front, inner, .. }) = answer else {
            wish.heard = Heard::Refused;
            return None;
        };
        wish.heard = Heard::Released;
        Some(drawn.routed(order, Route::Means { kind: MeansKind::Alias, front }, capsule(&inner)))
    }

    /// A name with a code of now. That of the next step is kept for the look at the end.
    fn code(&mut self) -> Option<(usize, String)> {
        let mut names = self.names.iter_mut().enumerate();
        names.find_map(|(at, name)| Some((at, name.authenticator.unused(When::Now)?)))
    }

    /// Enrols the card under one more name, the same call again until it is answered.
    pub async fn enrol(&mut self, card: &mut VirtualCard, to: &SealTo) {
        let (_, vault) = to.vault.as_ref().expect("a vault is listed");
        let text = format!("payer-{}-{}", self.payer, self.names.len() + 1);
        let (factor, entry_id) = (FactorSecret::draw(), random::<16>());
        let currency: Currency = "USD".parse().expect("a currency");
        let kept = {
            let read = read_card(card, &Amount::new(0, currency), &place_hash(&vault.vault_id, &entry_id));
            KeptCard::of(card_data(&read)).expect("a chip's card").to_bytes()
        };
        loop {
            let mut authenticator = Authenticator::with(factor.expose());
            let code = authenticator.unused(When::Before).expect("nothing was used yet");
            let new = NewCard {
                entry_id,
                label: String::new(),
                limit_minor: 0,
                limit_currency: three_letters(currency),
                card: KeptCard::from_bytes(&kept).expect("it was one a moment ago"),
            };
            let deed = Deed::Enrol { factor: factor.again(), card: Box::new(new) };
            match self.call(to, &text, &code, deed).await {
                Some(VaultAnswer::Alias(_)) => {
                    self.names.push(Name { text, authenticator });
                    return;
                }
                // The step passed on the way.
                Some(VaultAnswer::Refused(problem)) if problem.code == ErrorCode::AliasRefused => {}
                None => {}
                Some(other) => {
                    self.faults.push(format!("enrolling {text}: {other:?}"));
                    return;
                }
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
    }

    /// Looks at every name in the end; what was found wrong.
    pub async fn look(&mut self, to: &SealTo) -> Vec<String> {
        let mut faults = std::mem::take(&mut self.faults);
        for at in 0..self.names.len() {
            let name = self.names[at].text.clone();
            let Some(code) = self.names[at].authenticator.unused(When::Next) else {
                faults.push(format!("{name} has no code for the look at the end"));
                continue;
            };
            match self.call(to, &name, &code, Deed::Show).await {
                Some(VaultAnswer::Alias(view)) if self.is_whole(&view, &name) => {}
                other => faults.push(format!("{name} was enrolled, and the vault says {other:?}")),
            }
        }
        faults
    }

    fn is_whole(&self, view: &AliasView, name: &str) -> bool {
        view.name == name && matches!(view.cards.as_slice(), [card] if card.last_four == self.last_four)
    }

    /// One call; none when it was not answered.
    async fn call(&self, to: &SealTo, name: &str, code: &str, deed: Deed) -> Option<VaultAnswer> {
        let (key, vault) = to.vault.as_ref().expect("a vault is listed");
        let secret = |text: &str| SecretBytes::copy_of(text.as_bytes());
        let call = Call { name: name.to_owned(), password: secret(PASSWORD), code: secret(code), deed };
        let (capsule, answer_key) = envelope::vault::seal(key, &vault.vault_id, &call).expect("a call that fits");
        let body = SealedCall { call: sealed_text(&capsule), bank_certificates: to.certificates.clone() };
        let posting = self.client.post(format!("{}{CALLS_PATH}", vault.url)).json(&body).timeout(CALL_WAIT);
        let answer: SealedAnswer = posting.send().await.ok()?.error_for_status().ok()?.json().await.ok()?;
        let sealed = URL_SAFE_NO_PAD.decode(answer.answer).expect("base64url");
        let opened = answer_key.open(&sealed).unwrap_or_else(|_| panic!("the vault answers under the call's key"));
        Some(serde_json::from_slice(&opened).expect("an answer"))
    }
}

fn three_letters(currency: Currency) -> [u8; 3] {
    currency.code().as_bytes().try_into().expect("three letters")
}
