//! What cards sign: static data, dynamic data, and a cryptogram (Book 2 sections 5.5, 6.5 and 6.6; Book C-3 annex C
//! for fast DDA).

use sha1::{Digest, Sha1};

use crate::oda::Fault;
use crate::oda::certificate::Recovered;
use crate::oda::rsa::PublicKey;

/// Format of signed static data, of signed dynamic data, and of Visa's dynamic data that also covers the amount.
const STATIC: u8 = 0x03;
const DYNAMIC: u8 = 0x05;
const DYNAMIC_WITH_AMOUNT: u8 = 0x95;

/// Longest ICC dynamic number, in bytes (Book 2 table 15).
const DYNAMIC_NUMBER_BYTES: std::ops::RangeInclusive<usize> = 2..=8;

/// What a card's signature over a cryptogram says (Book 2 table 19).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCryptogram {
    /// The card's own number, 2 to 8 bytes.
    pub dynamic_number: Vec<u8>,
    /// Cryptogram information data.
    pub cid: u8,
    /// The cryptogram.
    pub cryptogram: [u8; 8],
}

/// Verifies signed static application data, 93; gives the data authentication code.
///
/// # Errors
/// [`Fault::Signature`].
pub fn verify_static(issuer: &PublicKey, signed: &[u8], static_data: &[u8]) -> Result<[u8; 2], Fault> {
    let recovered = Recovered::open(issuer, signed, &[STATIC], 2).ok_or(Fault::Signature)?;
    match recovered.body() {
        [_, _, first, second, ..] if recovered.hash_matches(&[static_data]) => Ok([*first, *second]),
        _ => Err(Fault::Signature),
    }
}

/// Verifies signed dynamic application data, 9F4B; `terminal_data` is what INTERNAL AUTHENTICATE carried. Gives the
/// card's own number.
///
/// # Errors
/// [`Fault::Signature`].
pub fn verify_dynamic(card: &PublicKey, signed: &[u8], terminal_data: &[u8]) -> Result<Vec<u8>, Fault> {
    let recovered = dynamic(card, signed, &[DYNAMIC])?;
    if !recovered.hash_matches(&[terminal_data]) {
        return Err(Fault::Signature);
    }
    Ok(dynamic_number(&recovered)?.0.to_vec())
}

/// Verifies the signature of fast DDA: `terminal_data` is 9F37, and for version 01 also 9F02, 5F2A and the card's 9F69.
/// Cards of version 01 mark it with a format of its own.
///
/// # Errors
/// [`Fault::Signature`].
pub fn verify_fast(card: &PublicKey, signed: &[u8], terminal_data: &[&[u8]]) -> Result<(), Fault> {
    let recovered = dynamic(card, signed, &[DYNAMIC, DYNAMIC_WITH_AMOUNT])?;
    if recovered.hash_matches(terminal_data) { Ok(()) } else { Err(Fault::Signature) }
}

/// Verifies the signature around a cryptogram: over the unpredictable number, and over everything sent and answered
/// (`exchanged`: PDOL data, CDOL data, then the answer's objects but 9F4B).
///
/// # Errors
/// [`Fault::Signature`].
pub fn verify_combined(
    card: &PublicKey,
    signed: &[u8],
    unpredictable_number: &[u8],
    exchanged: &[&[u8]],
) -> Result<SignedCryptogram, Fault> {
    let recovered = dynamic(card, signed, &[DYNAMIC])?;
    if !recovered.hash_matches(&[unpredictable_number]) {
        return Err(Fault::Signature);
    }
    let (number, rest) = dynamic_number(&recovered)?;
    let [cid, rest @ ..] = rest else { return Err(Fault::Signature) };
    let (cryptogram, rest) = rest.split_first_chunk::<8>().ok_or(Fault::Signature)?;
    let (inner, _) = rest.split_first_chunk::<20>().ok_or(Fault::Signature)?;
    let mut hash = Sha1::new();
    for part in exchanged {
        hash.update(part);
    }
    if hash.finalize().as_slice() != inner {
        return Err(Fault::Signature);
    }
    Ok(SignedCryptogram { dynamic_number: number.to_vec(), cid: *cid, cryptogram: *cryptogram })
}

/// Opens a dynamic signature and checks that its inner length fits.
fn dynamic(card: &PublicKey, signed: &[u8], formats: &[u8]) -> Result<Recovered, Fault> {
    let recovered = Recovered::open(card, signed, formats, 2).ok_or(Fault::Signature)?;
    let fits = matches!(recovered.body(), [_, _, length, rest @ ..] if usize::from(*length) <= rest.len());
    if fits { Ok(recovered) } else { Err(Fault::Signature) }
}

/// The ICC dynamic number at the beginning of the ICC dynamic data, and the rest of that data.
fn dynamic_number(recovered: &Recovered) -> Result<(&[u8], &[u8]), Fault> {
    let [_, _, length, data @ ..] = recovered.body() else { return Err(Fault::Signature) };
    let [number_length, data @ ..] = data.get(..usize::from(*length)).ok_or(Fault::Signature)? else {
        return Err(Fault::Signature);
    };
    let number_length = usize::from(*number_length);
    if !DYNAMIC_NUMBER_BYTES.contains(&number_length) {
        return Err(Fault::Signature);
    }
    data.split_at_checked(number_length).ok_or(Fault::Signature)
}
