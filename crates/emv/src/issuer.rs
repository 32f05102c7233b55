//! The issuer's side: deriving card and session keys, checking an ARQC, answering with an ARPC
//! (Book 2 section 8 and annex A1; the schemes' cryptogram versions).
//!
//! Only a bank front and a software card use this; a wallet never holds such keys.

mod des3;
mod keys;
mod script;
mod stripe;
mod version;

use subtle::ConstantTimeEq;

use crate::application::Scheme;
use crate::tag::Tag;
use crate::tlv::{self, Mode};

pub use keys::{
    CardMasterKey, IssuerMasterKey, KeyTree, SessionKey, derive_card_key_a, derive_card_key_b,
    derive_common_session_key, derive_emv2000_session_key, derive_unionpay_session_key, derive_visa_script_session_key,
};
pub use script::{
    CommandData, SCRIPT_BYTES_MAX, Script, ScriptBinding, ScriptCommand, ScriptTiming, encipher_command_data,
    script_pin_block, scripts, visa_script_pin_block,
};
pub use stripe::{CHIP_IMAGE_SERVICE_CODE, VerificationKey, dynamic_verification_code};
pub use version::{ArpcMethod, CryptogramVersion, Padding};

/// Why a cryptogram could not be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// DE 55 is not TLV.
    #[error("the chip data is not TLV")]
    Malformed,
    /// A value the cryptogram covers is absent or has another length than the standard's.
    #[error("the chip data lacks a usable {0}")]
    Missing(Tag),
    /// The issuer application data names a cryptogram version this issuer does not know.
    #[error("the card uses an unknown cryptogram version")]
    UnknownVersion,
    /// The card number is not 12 to 19 digits, or its sequence number is above 99.
    #[error("the card number cannot be used")]
    CardNumber,
    /// The cryptogram is not an ARQC.
    #[error("the cryptogram is not a request for authorisation")]
    NotArqc,
    /// A script is longer than an answer may carry, or a value of it has a wrong length.
    #[error("the script cannot be sent")]
    Script,
    /// The cryptogram does not match the values beside it.
    #[error("the cryptogram does not match")]
    Mismatch,
}

/// A cryptogram that matched, with the values it covers. Only [`verify_arqc`] makes one.
pub struct Verified {
    /// Which rules it followed.
    pub version: CryptogramVersion,
    /// Application transaction counter: the caller checks that it only grows.
    pub atc: u16,
    /// 9F37: the caller checks that it belongs to the attempt.
    pub unpredictable_number: [u8; 4],
    /// 9F02, in minor units.
    pub amount_minor: u64,
    /// 5F2A, ISO 4217 numeric.
    pub currency_numeric: u16,
    /// 9A, packed digits.
    pub date_yymmdd: [u8; 3],
    /// 84, the application used.
    pub aid: Vec<u8>,
    arqc: [u8; 8],
    /// For the answer.
    key: SessionKey,
}

impl Verified {
    /// The cryptogram that matched.
    pub fn arqc(&self) -> [u8; 8] {
        self.arqc
    }
}

/// What the issuer tells the card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IssuerDecision {
    /// Approved.
    Approve,
    /// Declined.
    Decline,
}

/// Checks the ARQC of a DE 55 against the issuer's key. `pan_digits` and `psn` are those of the card read; an
/// absent sequence number counts as 00 (Book 2 annex A1.4).
///
/// # Errors
/// [`IssuerError`].
pub fn verify_arqc(
    issuer_key: &IssuerMasterKey,
    pan_digits: &str,
    psn: Option<u8>,
    icc_data: &[u8],
) -> Result<Verified, IssuerError> {
    let fields = IccData::parse(icc_data)?;
    if fields.array::<1>(Tag::CID)?[0] & 0xC0 != 0x80 {
        return Err(IssuerError::NotArqc);
    }
    let aid = fields.get(Tag::DF_NAME)?.to_vec();
    let version =
        CryptogramVersion::of(Scheme::of_aid(&aid), fields.get(Tag::IAD)?).ok_or(IssuerError::UnknownVersion)?;
    let atc = u16::from_be_bytes(fields.array(Tag::ATC)?);
    let unpredictable_number = fields.array(Tag::UNPREDICTABLE_NUMBER)?;
    let card_key = version.card_key(issuer_key, pan_digits, psn.unwrap_or(0))?;
    let expected =
        version.session_key(&card_key, atc, unpredictable_number).mac(&version.input(&fields)?, version.padding());
    let arqc = fields.array::<8>(Tag::CRYPTOGRAM)?;
    if !bool::from(expected.ct_eq(&arqc)) {
        return Err(IssuerError::Mismatch);
    }
    Ok(Verified {
        version,
        atc,
        unpredictable_number,
        amount_minor: digits(&fields.array::<6>(Tag::AMOUNT_AUTHORISED)?).ok_or(IssuerError::Malformed)?,
        currency_numeric: digits(&fields.array::<2>(Tag::TRANSACTION_CURRENCY)?)
            .and_then(|code| u16::try_from(code).ok())
            .ok_or(IssuerError::Malformed)?,
        date_yymmdd: fields.array(Tag::TRANSACTION_DATE)?,
        aid,
        arqc,
        key: version.arpc_key(&card_key, atc, unpredictable_number),
    })
}

/// The value of tag 91 for the card that sent a verified ARQC (Book 2 section 8.2).
pub fn arpc(verified: &Verified, decision: IssuerDecision) -> Vec<u8> {
    match verified.version.arpc_method() {
        ArpcMethod::ResponseCode => {
            let code = verified.version.response_code(decision);
            [verified.key.arpc_method_1(verified.arqc, code).as_slice(), &code].concat()
        }
        ArpcMethod::CardStatusUpdate => {
            // CSU byte 2 bit 8: the issuer approves the online transaction (Book 3 annex C9).
            let csu = match decision {
                IssuerDecision::Approve => [0x00, 0x80, 0x00, 0x00],
                IssuerDecision::Decline => [0x00; 4],
            };
            [verified.key.arpc_method_2(verified.arqc, csu, &[]).as_slice(), &csu].concat()
        }
    }
}

/// The objects of a DE 55, each once.
pub struct IccData<'a>(Vec<tlv::Tlv<'a>>);

impl<'a> IccData<'a> {
    /// Parses DE 55.
    ///
    /// # Errors
    /// [`IssuerError::Malformed`] when it is not TLV or names an object twice.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, IssuerError> {
        let objects = tlv::read(bytes, Mode::Strict).map_err(|_| IssuerError::Malformed)?;
        let twice =
            |(index, object): (usize, &tlv::Tlv<'_>)| objects[..index].iter().any(|earlier| earlier.tag == object.tag);
        if objects.iter().enumerate().any(twice) {
            return Err(IssuerError::Malformed);
        }
        Ok(Self(objects))
    }

    /// The value of a tag.
    ///
    /// # Errors
    /// [`IssuerError::Missing`].
    pub fn get(&self, tag: Tag) -> Result<&'a [u8], IssuerError> {
        self.0.iter().find(|object| object.tag == tag).map(|object| object.value).ok_or(IssuerError::Missing(tag))
    }

    /// The value of a tag of fixed length.
    ///
    /// # Errors
    /// [`IssuerError::Missing`].
    pub fn array<const N: usize>(&self, tag: Tag) -> Result<[u8; N], IssuerError> {
        self.get(tag)?.try_into().map_err(|_| IssuerError::Missing(tag))
    }
}

/// Packed digits as a number.
fn digits(packed: &[u8]) -> Option<u64> {
    packed.iter().try_fold(0_u64, |number, byte| {
        let (high, low) = (u64::from(byte >> 4), u64::from(byte & 0x0F));
        (high < 10 && low < 10).then(|| number * 100 + high * 10 + low)
    })
}
