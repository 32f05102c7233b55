//! The sealed payment request: from the server to a registered device, or to whoever holds the delivered link.

use zeroize::Zeroizing;

use crate::capsule::Capsule;
use crate::encoding::{Full, Reader, Writer};
use crate::error::{OpenError, SealError};
use crate::sealing_key::{
    DeviceSealingKey, DeviceSealingKeySecret, LinkKey, LinkSealingKey, SealingKey, SealingKeySecret, SealingRole,
};
use crate::secret::wiped_buffer;
use crate::suite::{REQUEST_LABEL, Sender};

/// Plaintexts are padded to a multiple of this many bytes.
pub const REQUEST_PADDING_STEP: usize = 1024;
/// Longest request, in bytes.
pub const REQUEST_LEN_MAX: usize = 60 * 1024;
/// First byte of the plaintext.
const VERSION: u8 = 1;
/// Version byte and two length bytes.
const HEADER_LEN: usize = 3;

/// Seals a request to a registered device.
pub fn seal_to_device(to: &DeviceSealingKey, aad: &[u8], plaintext: &[u8]) -> Result<Capsule, SealError> {
    seal(to, aad, plaintext)
}

/// Opens a request sealed to this device.
pub fn open_as_device(
    secret: &DeviceSealingKeySecret,
    aad: &[u8],
    capsule: &Capsule,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    open(secret, aad, capsule)
}

/// Seals a request to whoever will hold the link.
pub fn seal_to_link(to: &LinkKey, aad: &[u8], plaintext: &[u8]) -> Result<Capsule, SealError> {
    seal(to.pair().public(), aad, plaintext)
}

/// Seals a request to whoever holds a link whose key the sealer never had: a counter's printed code.
pub fn seal_to_counter(to: &LinkSealingKey, aad: &[u8], plaintext: &[u8]) -> Result<Capsule, SealError> {
    seal(to, aad, plaintext)
}

/// Opens a request with the key of the link it came by.
pub fn open_from_link(key: &LinkKey, aad: &[u8], capsule: &Capsule) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    open(key.pair(), aad, capsule)
}

fn seal<R: SealingRole>(to: &SealingKey<R>, aad: &[u8], plaintext: &[u8]) -> Result<Capsule, SealError> {
    const TOO_LONG: SealError = SealError::TooLong("the request");
    if plaintext.len() > REQUEST_LEN_MAX {
        return Err(TOO_LONG);
    }
    let padded_len = (HEADER_LEN + plaintext.len()).next_multiple_of(REQUEST_PADDING_STEP);
    let mut padded = wiped_buffer(padded_len);
    let mut writer = Writer::new(&mut padded);
    writer.put(&[VERSION]).and_then(|()| writer.put_long(plaintext, REQUEST_LEN_MAX)).map_err(|Full| TOO_LONG)?;
    let sender = Sender::to(&to.to_bytes(), REQUEST_LABEL)?;
    Capsule::seal(to, sender, aad, &padded)
}

fn open<R: SealingRole>(
    secret: &SealingKeySecret<R>,
    aad: &[u8],
    capsule: &Capsule,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let padded = capsule.receiver(secret, REQUEST_LABEL)?.open(aad, &capsule.ciphertext)?;
    read(&padded).ok_or(OpenError::Refused)
}

fn read(padded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut reader = Reader::new(padded);
    if reader.byte()? != VERSION {
        return None;
    }
    let plaintext = reader.long(REQUEST_LEN_MAX)?;
    // One request has one padded form: a sealer that pads further is not ours.
    if padded.len() != (HEADER_LEN + plaintext.len()).next_multiple_of(REQUEST_PADDING_STEP) {
        return None;
    }
    reader.only_padding()?;
    Some(Zeroizing::new(plaintext.to_vec()))
}

#[cfg(test)]
mod tests;
