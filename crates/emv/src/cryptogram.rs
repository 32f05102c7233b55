//! The card's answers to GET PROCESSING OPTIONS and GENERATE AC (Book 3 sections 6.5.5, 6.5.8; Book C-3 for the
//! cryptogram inside GET PROCESSING OPTIONS).

use crate::error::CardError;
use crate::tag::Tag;
use crate::tlv::{self, Mode, Tlv};

/// Longest issuer application data, in bytes.
const IAD_BYTES_MAX: usize = 32;

/// What the card decided (bits 8 and 7 of the CID, Book 3 table 14).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CryptogramKind {
    /// Ask the bank.
    Arqc,
    /// Approved by the card.
    Tc,
    /// Declined by the card.
    Aac,
}

/// Where the cryptogram came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CryptogramSource {
    /// In the GET PROCESSING OPTIONS answer, as qVSDC and qPBOC do.
    ProcessingOptions,
    /// GENERATE AC.
    GenerateAc,
}

/// An application cryptogram and what it needs to be checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cryptogram {
    /// What the card decided.
    pub kind: CryptogramKind,
    /// 9F27.
    pub cid: u8,
    /// 9F36.
    pub atc: u16,
    /// 9F26.
    pub value: [u8; 8],
    /// 9F10.
    pub iad: Vec<u8>,
    /// Which command gave it.
    pub source: CryptogramSource,
}

/// What GET PROCESSING OPTIONS answered.
pub(crate) struct ProcessingOptions<'a> {
    /// 82; `None` only from cards outside the standard.
    pub(crate) aip: Option<[u8; 2]>,
    /// 94; absent when everything is in the answer itself.
    pub(crate) afl: Option<&'a [u8]>,
    /// The primitive objects of a format 2 answer.
    pub(crate) objects: Vec<Tlv<'a>>,
}

impl<'a> ProcessingOptions<'a> {
    /// Parses format 1 (AIP then AFL) and format 2 (template 77).
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, CardError> {
        let malformed = CardError::Malformed { at: "processing options" };
        let outer = tlv::read(data, Mode::Lenient).map_err(|_| malformed.clone())?;
        let template = outer.first().ok_or_else(|| malformed.clone())?;
        match template.tag {
            Tag::RESPONSE_FORMAT_1 => {
                let (aip, afl) = template.value.split_at_checked(2).ok_or(malformed)?;
                let afl = Some(afl).filter(|afl| !afl.is_empty());
                Ok(Self { aip: Some([aip[0], aip[1]]), afl, objects: Vec::new() })
            }
            Tag::RESPONSE_FORMAT_2 => {
                let objects = tlv::flatten(template.value, Mode::Lenient).map_err(|_| malformed)?;
                let aip = first(&objects, Tag::AIP).and_then(|value| value.try_into().ok());
                let afl = first(&objects, Tag::AFL).filter(|afl| !afl.is_empty());
                Ok(Self { aip, afl, objects })
            }
            _ => Err(malformed),
        }
    }

    /// The cryptogram inside the answer, when there is one.
    pub(crate) fn cryptogram(&self) -> Option<Result<Cryptogram, CardError>> {
        first(&self.objects, Tag::CRYPTOGRAM)?;
        Some(from_objects(&self.objects, CryptogramSource::ProcessingOptions))
    }
}

/// What GENERATE AC answered.
pub(crate) enum GenerateAcAnswer<'a> {
    /// A cryptogram in clear.
    Plain(Cryptogram),
    /// A signature with the cryptogram inside it (Book 2 section 6.6.1).
    Signed(SignedAnswer<'a>),
}

/// An answer whose cryptogram is to be taken out of its signature.
pub(crate) struct SignedAnswer<'a> {
    /// 9F4B.
    pub(crate) signature: &'a [u8],
    /// All other objects as they stand, tags and lengths included: what the signature covers.
    pub(crate) covered: Vec<&'a [u8]>,
    /// Kind, CID, ATC and IAD; the value only when the card gave it in clear as well.
    cid: u8,
    kind: CryptogramKind,
    atc: u16,
    iad: Vec<u8>,
    clear: Option<[u8; 8]>,
}

impl SignedAnswer<'_> {
    /// What the card says it decided, signed or not.
    pub(crate) fn kind(&self) -> CryptogramKind {
        self.kind
    }

    /// The cryptogram whose value and CID came out of the signature; `None` when the CIDs differ.
    pub(crate) fn cryptogram(&self, cid: u8, value: [u8; 8]) -> Option<Cryptogram> {
        (cid == self.cid).then(|| self.with(value))
    }

    /// The cryptogram the card gave beside the signature.
    pub(crate) fn clear(&self) -> Option<Cryptogram> {
        self.clear.map(|value| self.with(value))
    }

    fn with(&self, value: [u8; 8]) -> Cryptogram {
        let (cid, atc) = (self.cid, self.atc);
        Cryptogram { kind: self.kind, cid, atc, value, iad: self.iad.clone(), source: CryptogramSource::GenerateAc }
    }
}

/// Parses the GENERATE AC answer: format 1 (CID, ATC, AC, IAD) or format 2.
pub(crate) fn parse_generate_ac(data: &[u8]) -> Result<GenerateAcAnswer<'_>, CardError> {
    let malformed = CardError::Malformed { at: "GENERATE AC answer" };
    let outer = tlv::read(data, Mode::Lenient).map_err(|_| malformed.clone())?;
    let template = outer.first().ok_or_else(|| malformed.clone())?;
    match template.tag {
        Tag::RESPONSE_FORMAT_1 => {
            let [cid, atc_high, atc_low, rest @ ..] = template.value else {
                return Err(malformed);
            };
            let (value, iad) = rest.split_first_chunk::<8>().ok_or_else(|| malformed.clone())?;
            if iad.len() > IAD_BYTES_MAX {
                return Err(malformed);
            }
            Ok(GenerateAcAnswer::Plain(Cryptogram {
                kind: kind_of(*cid).ok_or(malformed)?,
                cid: *cid,
                atc: u16::from_be_bytes([*atc_high, *atc_low]),
                value: *value,
                iad: iad.to_vec(),
                source: CryptogramSource::GenerateAc,
            }))
        }
        Tag::RESPONSE_FORMAT_2 => {
            let objects = tlv::flatten(template.value, Mode::Lenient).map_err(|_| malformed.clone())?;
            match first(&objects, Tag::SDAD) {
                Some(signature) => signed_answer(template.value, &objects, signature).map(GenerateAcAnswer::Signed),
                None => from_objects(&objects, CryptogramSource::GenerateAc).map(GenerateAcAnswer::Plain),
            }
        }
        _ => Err(malformed),
    }
}

fn signed_answer<'a>(
    template: &'a [u8],
    objects: &[Tlv<'a>],
    signature: &'a [u8],
) -> Result<SignedAnswer<'a>, CardError> {
    let malformed = CardError::Malformed { at: "GENERATE AC answer" };
    let whole = tlv::read_whole(template).map_err(|_| malformed.clone())?;
    let covered = whole.iter().filter(|(object, _)| object.tag != Tag::SDAD).map(|(_, bytes)| *bytes).collect();
    let cid = match first(objects, Tag::CID) {
        Some([cid]) => *cid,
        _ => return Err(CardError::Missing { item: "9F27" }),
    };
    let atc = first(objects, Tag::ATC).ok_or(CardError::Missing { item: "9F36" })?;
    let iad = first(objects, Tag::IAD).unwrap_or_default();
    if iad.len() > IAD_BYTES_MAX {
        return Err(malformed);
    }
    let clear = first(objects, Tag::CRYPTOGRAM).map(<[u8; 8]>::try_from).transpose().map_err(|_| malformed.clone())?;
    Ok(SignedAnswer {
        signature,
        covered,
        cid,
        kind: kind_of(cid).ok_or_else(|| malformed.clone())?,
        atc: u16::from_be_bytes(atc.try_into().map_err(|_| malformed)?),
        iad: iad.to_vec(),
        clear,
    })
}

/// Builds a cryptogram from tags 9F26, 9F27, 9F36 and 9F10.
fn from_objects(objects: &[Tlv<'_>], source: CryptogramSource) -> Result<Cryptogram, CardError> {
    let malformed = CardError::Malformed { at: "cryptogram" };
    let value = first(objects, Tag::CRYPTOGRAM).ok_or(CardError::Missing { item: "9F26" })?;
    let atc = first(objects, Tag::ATC).ok_or(CardError::Missing { item: "9F36" })?;
    let iad = first(objects, Tag::IAD).unwrap_or_default();
    if iad.len() > IAD_BYTES_MAX {
        return Err(malformed);
    }
    let cid = match first(objects, Tag::CID) {
        Some([cid]) => *cid,
        Some(_) => return Err(malformed),
        None => cid_from_visa_cvr(iad).ok_or(CardError::Missing { item: "9F27" })?,
    };
    Ok(Cryptogram {
        kind: kind_of(cid).ok_or_else(|| malformed.clone())?,
        cid,
        atc: u16::from_be_bytes(atc.try_into().map_err(|_| malformed.clone())?),
        value: value.try_into().map_err(|_| malformed)?,
        iad: iad.to_vec(),
        source,
    })
}

/// qVSDC cards may leave out 9F27: the decision is in the CVR of the IAD, byte 2, bits 6 and 5, with the
/// coding AAC 00, TC 01, ARQC 10 (Visa Contactless Payment Specification, CVR).
fn cid_from_visa_cvr(iad: &[u8]) -> Option<u8> {
    let decision = iad.get(4)? >> 4 & 0x03;
    match decision {
        0b00 => Some(0x00),
        0b01 => Some(0x40),
        0b10 => Some(0x80),
        _ => None,
    }
}

fn kind_of(cid: u8) -> Option<CryptogramKind> {
    match cid & 0xC0 {
        0x00 => Some(CryptogramKind::Aac),
        0x40 => Some(CryptogramKind::Tc),
        0x80 => Some(CryptogramKind::Arqc),
        _ => None,
    }
}

fn first<'a>(objects: &[Tlv<'a>], tag: Tag) -> Option<&'a [u8]> {
    objects.iter().find(|object| object.tag == tag).map(|object| object.value)
}
