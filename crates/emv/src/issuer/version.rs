//! Cryptogram versions: which key, which values, which padding each scheme's cards use. The version is read from
//! the issuer application data; the AID only says whose rules its number belongs to.

use crate::application::Scheme;
use crate::issuer::keys::{
    CardMasterKey, IssuerMasterKey, KeyTree, SessionKey, derive_card_key_a, derive_card_key_b,
    derive_common_session_key, derive_emv2000_session_key, derive_unionpay_session_key, derive_visa_script_session_key,
};
use crate::issuer::{IccData, IssuerDecision, IssuerError};
use crate::tag::Tag;

/// How the last block is filled (ISO/IEC 9797-1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Padding {
    /// Zeros.
    Method1,
    /// 80, then zeros.
    Method2,
}

/// How the issuer answers (Book 2 section 8.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArpcMethod {
    /// Method 1: eight bytes, bound to a response code.
    ResponseCode,
    /// Method 2: four bytes, bound to a card status update.
    CardStatusUpdate,
}

/// A scheme's cryptogram version number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CryptogramVersion {
    /// Visa 10 (0A).
    Visa10,
    /// Visa 17 (11), contactless only; no public vector confirms it.
    Visa17,
    /// Visa 18 (12).
    Visa18,
    /// Visa 34 (22), also called CVN 22.
    Visa34,
    /// M/Chip 16 (10).
    MChip16,
    /// M/Chip 17 (11).
    MChip17,
    /// M/Chip 18 (12), with the session keys of EMV 2000; no public vector confirms it as a whole.
    MChip18,
    /// M/Chip 19 (13), as 18 with counters; no public vector confirms it as a whole.
    MChip19,
    /// M/Chip 20 (14).
    MChip20,
    /// M/Chip 21 (15).
    MChip21,
    /// Interac 133 (85).
    Interac133,
    /// UnionPay and PBOC 01 with triple DES.
    UnionPay01,
    /// Version 5 of the Common Core Definitions (Book 2 section 8, CCD parts; Book 3 annex C7). American Express,
    /// Discover and JCB publish no vectors for versions of their own, so simulated cards of theirs use this one:
    /// it follows the standard, but no scheme has verified it.
    CommonCore5,
}

/// Length of issuer application data in format A of the Common Core Definitions (Book 3 annex C7.1).
const COMMON_CORE_IAD_BYTES: usize = 32;

/// What most versions cover, in order: amounts, country, TVR, currency, date, type, unpredictable number, AIP,
/// ATC (Book 2 table 26), with the length each has.
const COMMON_INPUT: [(Tag, usize); 10] = [
    (Tag::AMOUNT_AUTHORISED, 6),
    (Tag::AMOUNT_OTHER, 6),
    (Tag::TERMINAL_COUNTRY, 2),
    (Tag::TVR, 5),
    (Tag::TRANSACTION_CURRENCY, 2),
    (Tag::TRANSACTION_DATE, 3),
    (Tag::TRANSACTION_TYPE, 1),
    (Tag::UNPREDICTABLE_NUMBER, 4),
    (Tag::AIP, 2),
    (Tag::ATC, 2),
];

impl CryptogramVersion {
    /// Finds the version in the issuer application data.
    pub fn of(scheme: Scheme, iad: &[u8]) -> Option<Self> {
        match scheme {
            Scheme::Visa => match visa_number(iad)? {
                0x0A => Some(Self::Visa10),
                0x11 => Some(Self::Visa17),
                0x12 => Some(Self::Visa18),
                0x22 => Some(Self::Visa34),
                _ => None,
            },
            Scheme::Mastercard => match iad.get(1)? {
                0x10 => Some(Self::MChip16),
                0x11 => Some(Self::MChip17),
                0x12 => Some(Self::MChip18),
                0x13 => Some(Self::MChip19),
                0x14 => Some(Self::MChip20),
                0x15 => Some(Self::MChip21),
                _ => None,
            },
            Scheme::Interac => (*iad.get(2)? == 0x85).then_some(Self::Interac133),
            // 07 DKI CVN CVR(4) algorithm: 01 is triple DES, 04 is SM4 (JR/T 0025).
            Scheme::UnionPay => {
                let is_des = iad.get(7).is_none_or(|algorithm| *algorithm == 0x01);
                (*iad.get(2)? == 0x01 && is_des).then_some(Self::UnionPay01)
            }
            // 0F CCI DKI CVR(5) counters(8) 0F issuer data(15), where CCI A5 is format A, version 5.
            Scheme::Amex | Scheme::Discover | Scheme::Jcb => {
                (iad.len() == COMMON_CORE_IAD_BYTES && iad.starts_with(&[0x0F, 0xA5])).then_some(Self::CommonCore5)
            }
            _ => None,
        }
    }

    /// The card's key.
    ///
    /// # Errors
    /// [`IssuerError::CardNumber`].
    pub fn card_key(self, issuer: &IssuerMasterKey, pan_digits: &str, psn: u8) -> Result<CardMasterKey, IssuerError> {
        match self {
            Self::Visa18 | Self::Visa34 | Self::CommonCore5 => derive_card_key_b(issuer, pan_digits, psn),
            _ => derive_card_key_a(issuer, pan_digits, psn),
        }
    }

    /// The key of one cryptogram.
    pub fn session_key(self, card: &CardMasterKey, atc: u16, unpredictable_number: [u8; 4]) -> SessionKey {
        let mut r = [0; 8];
        r[..2].copy_from_slice(&atc.to_be_bytes());
        match self {
            Self::Visa10 | Self::Visa17 => card.without_session(),
            Self::Visa18 | Self::Visa34 | Self::MChip20 | Self::MChip21 | Self::CommonCore5 => {
                derive_common_session_key(card, r)
            }
            Self::MChip16 | Self::MChip17 | Self::Interac133 => {
                r[4..].copy_from_slice(&unpredictable_number);
                derive_common_session_key(card, r)
            }
            Self::MChip18 | Self::MChip19 => derive_emv2000_session_key(card, atc, KeyTree::FourByEight, [0; 16]),
            Self::UnionPay01 => derive_unionpay_session_key(card, atc),
        }
    }

    /// The key of the answer to one cryptogram: M/Chip 16 and 17 answer under the card's key, others under the
    /// session's.
    pub fn arpc_key(self, card: &CardMasterKey, atc: u16, unpredictable_number: [u8; 4]) -> SessionKey {
        match self {
            Self::MChip16 | Self::MChip17 => card.without_session(),
            _ => self.session_key(card, atc, unpredictable_number),
        }
    }

    /// The key of the scripts sent with the answer to one cryptogram, from the card's key for scripts.
    pub fn script_session_key(self, card: &CardMasterKey, arqc: [u8; 8], atc: u16) -> SessionKey {
        match self {
            Self::Visa10 | Self::Visa17 | Self::Visa18 => derive_visa_script_session_key(card, atc),
            Self::UnionPay01 => derive_unionpay_session_key(card, atc),
            _ => derive_common_session_key(card, arqc),
        }
    }

    /// How the input is padded.
    pub fn padding(self) -> Padding {
        match self {
            Self::Visa10 | Self::Visa17 => Padding::Method1,
            _ => Padding::Method2,
        }
    }

    /// How the issuer answers.
    pub fn arpc_method(self) -> ArpcMethod {
        match self {
            Self::Visa18 | Self::Visa34 | Self::CommonCore5 => ArpcMethod::CardStatusUpdate,
            _ => ArpcMethod::ResponseCode,
        }
    }

    /// The code of ARPC method 1: M/Chip has its own (byte 2 bit 5 approves), others take DE 39's two letters.
    pub fn response_code(self, decision: IssuerDecision) -> [u8; 2] {
        match (self.is_m_chip(), decision) {
            (true, IssuerDecision::Approve) => [0x00, 0x10],
            (true, IssuerDecision::Decline) => [0x00, 0x00],
            (false, IssuerDecision::Approve) => *b"00",
            (false, IssuerDecision::Decline) => *b"05",
        }
    }

    pub(super) fn is_m_chip(self) -> bool {
        match self {
            Self::MChip16 | Self::MChip17 | Self::MChip18 | Self::MChip19 | Self::MChip20 | Self::MChip21 => true,
            Self::Visa10 | Self::Visa17 | Self::Visa18 | Self::Visa34 => false,
            Self::Interac133 | Self::UnionPay01 | Self::CommonCore5 => false,
        }
    }

    /// The bytes the cryptogram covers, from the values in DE 55.
    ///
    /// # Errors
    /// [`IssuerError::Missing`].
    pub fn input(self, fields: &IccData<'_>) -> Result<Vec<u8>, IssuerError> {
        let iad = fields.get(Tag::IAD)?;
        let part = |from: usize, to: usize| iad.get(from..to).ok_or(IssuerError::Missing(Tag::IAD));
        if self == Self::Visa17 {
            let amount = fields.array::<6>(Tag::AMOUNT_AUTHORISED)?;
            let number = fields.array::<4>(Tag::UNPREDICTABLE_NUMBER)?;
            let atc = fields.array::<2>(Tag::ATC)?;
            return Ok([&amount[..], &number, &atc, part(4, 5)?].concat());
        }
        let mut input = Vec::with_capacity(64);
        for (tag, length) in COMMON_INPUT {
            let value = fields.get(tag)?;
            if value.len() != length {
                return Err(IssuerError::Missing(tag));
            }
            input.extend_from_slice(value);
        }
        input.extend_from_slice(match self {
            // 06 DKI CVN CVR, where the CVR's first byte is its length 03.
            Self::Visa10 | Self::UnionPay01 | Self::Visa17 => part(3, 7)?,
            Self::Visa18 | Self::Visa34 | Self::Interac133 | Self::CommonCore5 => iad,
            // KDI CVN CVR(6) DAC(2) counters(8).
            Self::MChip16 | Self::MChip17 | Self::MChip18 | Self::MChip19 | Self::MChip20 | Self::MChip21 => {
                part(2, 8)?
            }
        });
        if matches!(self, Self::MChip17 | Self::MChip19 | Self::MChip21) {
            input.extend_from_slice(part(10, 18)?);
        }
        Ok(input)
    }
}

/// Visa's number: `06 DKI CVN` in formats 0, 1 and 3, `1F CVN DKI` in formats 2 and 4.
fn visa_number(iad: &[u8]) -> Option<u8> {
    match iad.first()? {
        0x1F => iad.get(1).copied(),
        _ => iad.get(2).copied(),
    }
}
