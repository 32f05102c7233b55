//! The banks this server is connected to: one line each, and which of them answers for a card.
//!
//! **Invariant:** an attempt is sent, asked about and undone over the line of one bank, the one stored with it.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use envelope::outer::Route;
use protocol::ErrorCode;
use rustls::ClientConfig;

use super::bank_link::{BankLink, Worker};
use super::{App, Error};
use crate::keys::BankId;

/// Where a bank's front listens, as `--bank` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankAddress {
    /// Which bank.
    pub id: BankId,
    /// Its front's host and port.
    pub address: String,
}

impl FromStr for BankAddress {
    type Err = String;

    /// Reads `id=host:port`, or `host:port` for the first bank.
    fn from_str(text: &str) -> Result<Self, String> {
        let (id, address) = match text.split_once('=') {
            Some((id, address)) => (id.parse()?, address),
            None => (BankId::first(), text),
        };
        let port = address.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
        if port.is_none_or(|port| port.parse::<u16>().is_err()) {
            return Err(format!("{address:?} is not host:port"));
        }
        Ok(Self { id, address: address.to_owned() })
    }
}

/// One line for each connected bank.
pub(super) struct Banks(BTreeMap<BankId, BankLink>);

impl Banks {
    /// The lines to these banks, and the tasks that hold them. An answer is waited for at most `deadline`.
    pub(super) fn new(
        banks: &[BankAddress],
        tls: &Arc<ClientConfig>,
        deadline: Duration,
    ) -> Result<(Self, Vec<Worker>), Error> {
        let mut links = BTreeMap::new();
        let mut workers = Vec::new();
        for bank in banks {
            let (link, worker) = BankLink::new(bank, Arc::clone(tls), deadline)?;
            if links.insert(bank.id.clone(), link).is_some() {
                return Err(Error::BankTwice(bank.id.clone()));
            }
            workers.push(worker);
        }
        Ok((Self(links), workers))
    }

    /// The line to this bank; none when the server was started without it.
    pub(super) fn of(&self, bank: &BankId) -> Option<&BankLink> {
        self.0.get(bank)
    }

    /// Every bank and its line, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&BankId, &BankLink)> {
        self.0.iter()
    }
}

impl App {
    /// The one front that decides and can be reached, so that nothing is stored or sent while it is away: the bank that
    /// answers for cards with this issuer prefix, or the one that is named.
    pub(super) fn front_for(&self, route: &Route) -> Result<BankId, ErrorCode> {
        let bank = match route {
            Route::Card { issuer_iin } => self.keys.bank_for(issuer_iin)?,
            Route::Means { front, .. } => front.parse().map_err(|_| ErrorCode::BankUnreachable)?,
        };
        let is_up = self.banks.of(&bank).is_some_and(BankLink::is_up);
        if is_up { Ok(bank) } else { Err(ErrorCode::BankUnreachable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_bank_or_is_the_first_ones() {
        let read = |text: &str| text.parse::<BankAddress>().map(|bank| (bank.id.to_string(), bank.address));
        assert_eq!(read("127.0.0.1:8583"), Ok(("first".into(), "127.0.0.1:8583".into())));
        assert_eq!(read("second=[::1]:8584"), Ok(("second".into(), "[::1]:8584".into())));
        for bad in ["", "8583", ":8583", "host:", "host:99999", "=host:1", "Second=host:1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
