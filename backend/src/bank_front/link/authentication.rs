//! Message authentication on the plain port: DE 64 or 128, under the key that an acquirer shares with the bank.
//!
//! The MAC is over the bytes of the message as sent, without those of the MAC itself (ANSI X9.19: the last data
//! element). From its first key on, an acquirer's messages need one, and its answers have one. Network management (0800)
//! needs none, so that an acquirer that lost its key can be sent another; a MAC that is there must be right even so.

use iso8583::{BinaryEncoding, Error, Message, Mti, Spec};

use crate::bank_front::BankFront;
use crate::bank_front::hsm::MAC_LEN;

/// The MAC of a message with data elements to 64, and of one with more.
const MAC_ELEMENTS: [u8; 2] = [64, 128];
/// The last data element of the primary bitmap.
const PRIMARY_LAST: u8 = 64;

/// What is wrong with a message's authentication, in words for DE 44.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no MAC, and there must be one.
    Missing,
    /// It is wrong, or there is no key that it could be right under.
    Wrong,
}

impl Fault {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "MAC MISSING",
            Self::Wrong => "MAC WRONG",
        }
    }
}

/// Checks a message by the bytes it came in.
pub(super) fn check(front: &BankFront, spec: &Spec, bytes: &[u8], message: &Message) -> Result<(), Fault> {
    let acquirer = message.text(32).unwrap_or_default();
    let Some(number) = MAC_ELEMENTS.into_iter().rev().find(|number| message.has(*number)) else {
        let is_management = message.mti().original() == Mti::NETWORK_REQUEST;
        return if is_management || !shares_key(front, acquirer) { Ok(()) } else { Err(Fault::Missing) };
    };
    let mac = message.binary(number).ok().and_then(|mac| <[u8; MAC_LEN]>::try_from(mac).ok()).ok_or(Fault::Wrong)?;
    let covered = bytes.len().checked_sub(mac_width(spec)).and_then(|end| bytes.get(..end)).ok_or(Fault::Wrong)?;
    if front.hsm.check_mac(acquirer, covered, &mac) { Ok(()) } else { Err(Fault::Wrong) }
}

/// The bytes of an answer, with a MAC when its acquirer shares a key.
pub(super) fn pack(front: &BankFront, spec: &Spec, answer: &Message) -> Result<Vec<u8>, Error> {
    let acquirer = answer.text(32).unwrap_or_default();
    if !shares_key(front, acquirer) {
        return answer.pack(spec);
    }
    let number = if answer.fields().any(|(number, _)| number > PRIMARY_LAST) { 128 } else { 64 };
    let blank = answer.clone().with_binary(number, [0; MAC_LEN]).pack(spec)?;
    let covered = &blank[..blank.len() - mac_width(spec)];
    match front.hsm.mac(acquirer, covered) {
        Ok(mac) => answer.clone().with_binary(number, mac).pack(spec),
        // The key went while the answer was made; without one there is no MAC.
        Err(_) => answer.pack(spec),
    }
}

fn shares_key(front: &BankFront, acquirer: &str) -> bool {
    front.hsm.mac(acquirer, &[]).is_ok()
}

/// Bytes of a MAC on the wire.
const fn mac_width(spec: &Spec) -> usize {
    match spec.binary {
        BinaryEncoding::Raw => MAC_LEN,
        BinaryEncoding::Hex => MAC_LEN * 2,
    }
}
