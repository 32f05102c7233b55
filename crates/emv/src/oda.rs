//! Offline data authentication: whether the card is what its issuer made (Book 2 sections 5 and 6; Book 3 section
//! 10.3).
//!
//! An online payment does not stand on it: the bank checks the card's cryptogram. It tells a counterfeit card apart
//! before the bank is asked, and it protects the cryptogram on its way through the reader, so it is done where it
//! costs no exchange and on request where it does ([`DataAuthentication`]). A failure is written into the terminal
//! verification results and the payment goes on: the bank decides.

mod ca_keys;
mod certificate;
mod rsa;
mod signature;

pub use ca_keys::{CA_KEYS_MAX, CaKey, CaKeyError, CaKeys};
pub use certificate::Chain;
pub use rsa::PublicKey;
pub use signature::{SignedCryptogram, verify_combined, verify_dynamic, verify_fast, verify_static};

/// How much of it a terminal does. It says so to the card in 9F33.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataAuthentication {
    /// Nothing, as an online-only terminal may (Book 4 section 6.3.2).
    None,
    /// What comes with exchanges that are made anyway: SDA, CDA inside GENERATE AC, and fast DDA when a card gives it.
    WithoutExtraExchange,
    /// Also DDA, which needs INTERNAL AUTHENTICATE, and fast DDA for online payments, which needs more records.
    Full,
}

impl DataAuthentication {
    /// Byte 3 of 9F33: bit 8 SDA, bit 7 DDA, bit 4 CDA (Book 4 annex A2).
    pub fn capabilities(self) -> u8 {
        match self {
            Self::None => 0x00,
            Self::WithoutExtraExchange => 0x88,
            Self::Full => 0xC8,
        }
    }
}

/// Ways to authenticate a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Static: the data was not changed.
    Sda,
    /// Dynamic: nor copied to another card.
    Dda,
    /// Combined with the cryptogram: nor changed on the way.
    Cda,
    /// Dynamic, inside GET PROCESSING OPTIONS.
    FastDda,
}

/// Why it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The card does not give what its own interchange profile calls for.
    Missing,
    /// The card names a certification authority's key the terminal does not have.
    UnknownAuthority,
    /// The issuer's certificate is not good.
    IssuerCertificate,
    /// The card's certificate is not good.
    CardCertificate,
    /// A certificate is past its last month.
    Expired,
    /// The records that should be signed cannot be (Book 3 section 10.3: a file above 10 without template 70, or 9F4A
    /// asking for more than 82).
    StaticData,
    /// The signature is not good.
    Signature,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataAuthenticity {
    /// Card and terminal have no method in common.
    NotPerformed,
    /// The card is what its issuer made.
    Passed(Method),
    /// It could not be shown.
    Failed(Method, Fault),
}

impl DataAuthenticity {
    /// A stable code for interfaces and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotPerformed => "not_performed",
            Self::Passed(_) => "passed",
            Self::Failed(..) => "failed",
        }
    }
}
