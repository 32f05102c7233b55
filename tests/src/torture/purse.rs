//! What a payer pays with: a card, and where it has them a voucher, a code that comes on a telephone, the card under its
//! names at a vault, and a phone bill.

use envelope::SecretBytes;
use envelope::means::Means;
use envelope::means::code::{Code, CodeOrder, Ticket, TypedCode};
use envelope::means::voucher::Voucher;
use virtual_card::VirtualCard;

use super::client::Clients;
use super::plan::Draw;
use crate::code::{self, PASSWORD, Telephones};
use crate::hand::{Attempt, Hand, Letter, SealTo};
use crate::keeper::Keeper;
use crate::operator::Operator;
use crate::plastic::{self, PIN};
use crate::system::System;
use crate::voucher::{self, Bought};

mod aliases;
mod bill;

pub use aliases::{Aliases, Heard, Wish};
pub use bill::Bill;

/// The bank of a system that has one.
const BANK: &str = "first";
/// What each voucher is for.
const VOUCHER: &str = "1000.00";
const VOUCHER_MINOR: i64 = 100_000;
/// How often a payer looks for the message with its code, and the pause between.
const CODE_LOOKS_MAX: usize = 40;
const CODE_LOOK_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Whether what proves the payer's right is right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// PIN or code as they are.
    Right,
    /// Others.
    Wrong,
}

/// Everything one payer pays with.
pub struct Purse {
    card: VirtualCard,
    account: String,
    voucher: Option<Bought>,
    bound: Option<Bound>,
    aliases: Option<Aliases>,
    bill: Option<Bill>,
}

/// A payer that is known to the bank by an identity code.
struct Bound {
    identity_code: String,
    phone: String,
    telephones: Telephones,
}

impl Purse {
    /// A card and nothing else.
    pub fn with_card(payer: usize) -> Self {
        let card = plastic::card(payer);
        let account = plastic::account(&card);
        Self { card: VirtualCard::new(card), account, voucher: None, bound: None, aliases: None, bill: None }
    }

    /// Fills the purses of these payers: the merchant makes vouchers, each payer buys one, is bound at the counter, enrols
    /// its card at the vault and its wallet at the operator. Messages go to the bank's folder of codes.
    pub async fn filled(system: &System, keeper: &Keeper, operator: &Operator, hands: &[Hand]) -> Vec<Self> {
        voucher::make_of(system, &format!("{}:{VOUCHER}", hands.len())).await;
        let minor = VOUCHER_MINOR.to_string();
        let mut purses = Vec::new();
        for (payer, hand) in hands.iter().enumerate() {
            let mut purse = Self::with_card(payer);
            let account = purse.account.trim_start_matches("cardholder:").to_owned();
            let last_four = account.trim_start_matches("visa-");
            let to = hand.seal_to(system).await;
            keeper.allow(system, last_four, &minor).await;
            let mut aliases = Aliases::none(payer, last_four, &to);
            aliases.enrol(&mut purse.card, &to).await;
            purse.aliases = Some(aliases);
            purse.bill = Some(Bill::enrol(system, operator, hand, &to, payer).await);
            purse.voucher = Some(voucher::sell_to(system, &account, &minor).await);
            let phone = format!("+1202555{payer:04}");
            let identity_code = code::bind_to(system, &format!("payer-{payer}"), &account, &[&phone]).await;
            let telephones = Telephones::Folder(system.folder().join("bank/codes"));
            purse.bound = Some(Bound { identity_code, phone, telephones });
            purses.push(purse);
        }
        purses
    }

    /// The card's names at the vault.
    pub fn aliases(&mut self) -> Option<&mut Aliases> {
        self.aliases.as_mut()
    }

    /// The phone bill.
    pub fn bill(&self) -> Option<&Bill> {
        self.bill.as_ref()
    }

    /// Each account at the bank that is paid from, with what is on it before anybody pays.
    pub fn opening(&self, opening_minor: i64) -> Vec<(String, i64)> {
        match &self.voucher {
            None => vec![(self.account.clone(), opening_minor)],
            Some(voucher) => {
                vec![(self.account.clone(), opening_minor - VOUCHER_MINOR), (voucher.account(), VOUCHER_MINOR)]
            }
        }
    }

    /// Seals an attempt with what is drawn.
    pub async fn attempt(
        &mut self,
        clients: &Clients,
        letter: &Letter,
        to: &SealTo,
        draw: &mut Draw,
        proof: Proof,
    ) -> Attempt {
        let drawn = draw.below(11);
        if let (0..3, Some(voucher)) = (drawn, &self.voucher) {
            return voucher.attempt(clients, letter, to, proof);
        }
        if let (3..5, Some(bound)) = (drawn, &self.bound)
            && let Some(attempt) = bound.attempt(clients, letter, to, proof, &self.account).await
        {
            return attempt;
        }
        // A wrong password gets no card, so there would be nothing to send.
        if let (5 | 6, Proof::Right, Some(aliases)) = (drawn, proof, &mut self.aliases)
            && let Some(attempt) = aliases.attempt(&mut self.card, letter, to).await
        {
            return Attempt { account: self.account.clone(), ..attempt };
        }
        if let (7 | 8, Some(bill)) = (drawn, &self.bill)
            && let Some(attempt) = bill.attempt(letter, to, proof)
        {
            return attempt;
        }
        let pin = if proof == Proof::Right { PIN } else { "9999" };
        let attempt = clients.hand.attempt(letter, to, &mut self.card, pin);
        Attempt { account: self.account.clone(), ..attempt }
    }
}

impl Bought {
    fn account(&self) -> String {
        format!("voucher:{}", self.number)
    }

    fn attempt(&self, clients: &Clients, letter: &Letter, to: &SealTo, proof: Proof) -> Attempt {
        let digits: u64 = self.code.replace(' ', "").parse().expect("a code is digits");
        // The same digits changed by 97 have right check digits, and are wrong.
        let digits = match proof {
            Proof::Right => digits,
            Proof::Wrong if digits < 5_000_000_000 => digits + 97,
            Proof::Wrong => digits - 97,
        };
        let code = SecretBytes::copy_of(format!("{digits:010}").as_bytes());
        let means = Means::Voucher(Voucher { customer_number: self.number.clone(), code });
        let attempt = clients.hand.attempt_with(letter, to, BANK, &means);
        Attempt { account: self.account(), ..attempt }
    }
}

impl Bound {
    /// Orders a code and seals what pays with it; none when no code comes: the bank was killed meanwhile, or there were
    /// too many.
    async fn attempt(
        &self,
        clients: &Clients,
        letter: &Letter,
        to: &SealTo,
        proof: Proof,
        account: &str,
    ) -> Option<Attempt> {
        let known = self.codes().len();
        let ticket = Ticket::draw();
        let order = Code::Order(CodeOrder {
            identity_code: self.identity_code.clone(),
            password: SecretBytes::copy_of(PASSWORD.as_bytes()),
            ticket: ticket.again(),
            account: 0,
            terminal: 0,
            named: None,
        });
        let order = clients.hand.attempt_with(letter, to, BANK, &Means::Code(order));
        let body = serde_json::to_vec(&clients.hand.submission(&order, to)).expect("a body is JSON");
        let path = format!("/v1/requests/{}/codes", letter.order.request_id);
        // An answer that was lost, or late, tells nothing of the code: it comes another way.
        if clients.hand.try_send("POST", &path, body).await.is_some_and(|answer| (400..500).contains(&answer.status)) {
            return None;
        }
        for _ in 0..CODE_LOOKS_MAX {
            if let Some(code) = self.codes().get(known) {
                let typed = if proof == Proof::Right { code.as_str() } else { "000000" };
                let code = SecretBytes::copy_of(typed.as_bytes());
                let typed = TypedCode { identity_code: self.identity_code.clone(), ticket, code };
                let attempt = clients.hand.attempt_with(letter, to, BANK, &Means::Code(Code::Pay(typed)));
                return Some(Attempt { account: account.to_owned(), ..attempt });
            }
            tokio::time::sleep(CODE_LOOK_PAUSE).await;
        }
        None
    }

    fn codes(&self) -> Vec<String> {
        self.telephones.codes_to(&self.phone).into_iter().map(|(code, _)| code).collect()
    }
}
