//! Finishing an inserted card (Book 3 sections 10.9 to 10.11): whatever the bank and the card say, it ends, asks
//! for the cryptogram the bank decided on, and spends no PIN try.

use emv::{IssuerAnswer, OnlineDecision, ReadPurpose};

use crate::session::{self, Answers, finish};

/// The first byte is the bank's decision, the second the length of its DE 55, which follows; then come the card's
/// answers, each behind its length.
pub fn check(bytes: &[u8]) {
    let [how, length, rest @ ..] = bytes else { return };
    let decision = match how % 3 {
        0 => OnlineDecision::Approved,
        1 => OnlineDecision::Declined,
        _ => OnlineDecision::UnableToGoOnline,
    };
    let (de55, answers) = rest.split_at(usize::from(*length).min(rest.len()));
    let answer = IssuerAnswer::from_icc_data(decision, de55).unwrap_or_else(|_| IssuerAnswer::bare(decision));
    let read = session::drive((emv::Interface::Contact, ReadPurpose::Pay), 0, |c_apdu| plain_card(c_apdu, *how));
    let completion = read.and_then(|read| read.completion).expect("the plain card is read and waits to be finished");
    let mut answers = Answers::new(answers);
    finish(*completion, decision, &answer, |_| answers.next());
}

/// A card that gives an ARQC. Bit 8 of `how` says whether it wants EXTERNAL AUTHENTICATE (AIP byte 1 bit 3).
fn plain_card(c_apdu: &[u8], how: u8) -> Vec<u8> {
    let answer: &[u8] = match c_apdu {
        [_, 0xA4, _, _, _, b'1', ..] => &[0x6A, 0x82],
        [_, 0xA4, ..] => b"\x6F\x10\x84\x07\xA0\x00\x00\x00\x03\x10\x10\xA5\x05\x50\x03VIS\x90\x00",
        [_, 0xA8, ..] if how & 0x80 != 0 => b"\x80\x06\x04\x00\x08\x01\x01\x00\x90\x00",
        [_, 0xA8, ..] => b"\x80\x06\x00\x00\x08\x01\x01\x00\x90\x00",
        [_, 0xB2, ..] => {
            b"\x70\x2D\x5A\x08\x47\x61\x34\x00\x00\x00\x00\x50\x5F\x24\x03\x30\x12\x31\x5F\x34\x01\x00\x8C\x0C\
              \x9F\x02\x06\x9F\x37\x04\x95\x05\x9A\x03\x9C\x01\x8D\x09\x8A\x02\x91\x0A\x95\x05\x9F\x37\x04\x90\x00"
        }
        _ => b"\x80\x12\x80\x00\x01\x11\x22\x33\x44\x55\x66\x77\x88\x06\x01\x0A\x03\xA0\xA0\x00\x90\x00",
    };
    answer.to_vec()
}
