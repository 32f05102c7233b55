//! An account with a centre, as its address says:
//! `smpp://system_id:password@host:port?from=Tapseal&window=10&per_second=20&alphabet=gsm7&system_type=&enquire_s=30`.

use std::str::FromStr;
use std::time::Duration;

use rusmpp::types::COctetString;
use rusmpp::values::{Npi, Ton};
use url::Url;

use super::super::{GatewayError, decoded};

/// The port of SMPP where the address names none.
const PORT: u16 = 2775;
/// The most messages that may be without an answer.
const WINDOW: usize = 10;
/// How often a silent centre is asked whether it lives, in seconds.
const ENQUIRE_S: u64 = 30;
/// Who text messages come from.
const FROM: &str = "Tapseal";

/// The alphabet of a text that a centre takes without being told one (data coding 0). Chinese always goes as UCS-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// The alphabet of GSM 03.38, an octet a letter: what the standard says.
    Gsm7,
    /// ISO 8859-1 (data coding 3), for centres that translate by themselves.
    Latin1,
}

/// Who a text message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) address: COctetString<1, 21>,
    pub(super) ton: Ton,
    pub(super) npi: Npi,
}

impl Source {
    fn of(text: &str) -> Result<Self, GatewayError> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let (ton, npi) = match (is_number, text.starts_with('+')) {
            (true, true) => (Ton::International, Npi::Isdn),
            (true, false) => (Ton::Unknown, Npi::Unknown),
            // At most eleven letters (3GPP TS 23.040, section 9.1.2.5).
            (false, _) if text.is_ascii() && (1..=11).contains(&text.len()) => (Ton::Alphanumeric, Npi::Unknown),
            (false, _) => return Err(GatewayError::new("a sender is a number or at most eleven letters")),
        };
        let address = if is_number { digits } else { text };
        Ok(Self { address: octets(address)?, ton, npi })
    }
}

/// An account with a centre. It holds a password, so it is neither shown nor copied.
pub(super) struct Account {
    /// Host and port: the centre's name in the books.
    pub(super) name: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) system_id: COctetString<1, 16>,
    pub(super) password: COctetString<1, 9>,
    pub(super) system_type: COctetString<1, 13>,
    pub(super) from: Source,
    pub(super) alphabet: Alphabet,
    pub(super) window: usize,
    /// The shortest time between two messages.
    pub(super) pace: Duration,
    pub(super) enquire: Duration,
}

impl Account {
    pub(super) fn of(url: &Url) -> Result<Self, GatewayError> {
        let host = url.host_str().ok_or_else(|| GatewayError::new("a centre's address names no host"))?.to_owned();
        let port = url.port().unwrap_or(PORT);
        let mut account = Self {
            name: format!("{host}:{port}"),
            host,
            port,
            system_id: octets(&decoded(url.username())?)?,
            password: octets(&decoded(url.password().unwrap_or_default())?)?,
            system_type: octets("")?,
            from: Source::of(FROM)?,
            alphabet: Alphabet::Gsm7,
            window: WINDOW,
            pace: Duration::ZERO,
            enquire: Duration::from_secs(ENQUIRE_S),
        };
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "from" => account.from = Source::of(&value)?,
                "system_type" => account.system_type = octets(&value)?,
                "window" => account.window = number(&value, 1, 1_000)?,
                "per_second" => account.pace = Duration::from_secs(1) / number(&value, 1, 10_000)?,
                "enquire_s" => account.enquire = Duration::from_secs(number(&value, 1, 3_600)?),
                "alphabet" if value == "gsm7" => account.alphabet = Alphabet::Gsm7,
                "alphabet" if value == "latin1" => account.alphabet = Alphabet::Latin1,
                _ => return Err(GatewayError::new(format!("a centre's address says {name}, which means nothing"))),
            }
        }
        Ok(account)
    }
}

fn octets<const MIN: usize, const MAX: usize>(text: &str) -> Result<COctetString<MIN, MAX>, GatewayError> {
    COctetString::from_str(text).map_err(|_| GatewayError::new("a part of a centre's address is too long"))
}

fn number<T: FromStr + PartialOrd>(text: &str, least: T, most: T) -> Result<T, GatewayError> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| GatewayError::new("a number in a centre's address is out of bounds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Option<Account> {
        Account::of(&Url::parse(url).unwrap()).ok()
    }

    #[test]
    fn an_address_holds_the_whole_account() {
        let account = of("smpp://tap:s%40cret@smsc.example.org?from=%2B12025550100&window=5&per_second=20").unwrap();
        assert_eq!((account.name.as_str(), account.window), ("smsc.example.org:2775", 5));
        assert_eq!((account.pace, account.from.ton), (Duration::from_millis(50), Ton::International));
        assert_eq!(account.from.address.as_str(), "12025550100");
        assert_eq!(account.password.as_str(), "s@cret");
        assert_eq!(of("smpp://tap:x@h:1").unwrap().from.ton, Ton::Alphanumeric);
    }

    #[test]
    fn what_a_centre_would_refuse_is_refused_at_once() {
        let long = "smpp://tap:longer-than-8@h";
        for wrong in [
            long,
            "smpp://t:p@h?window=0",
            "smpp://t:p@h?per_second=x",
            "smpp://t:p@h?from=Twelve+letters",
            "smpp://t:p@h?b=1",
        ] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
    }
}
