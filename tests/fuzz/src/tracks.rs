//! Tracks, of the chip (tags 57, 9F6B, 56) and of the stripe (ISO/IEC 7813): nothing of a number shows but six
//! and four digits, and a swipe that is taken names one whole card.

use emv::stripe::{Swipe, Track1};
use emv::{CardNumber, Track2};

/// A tag's value, and what a swipe reader types.
pub fn check(bytes: &[u8]) {
    if let Some(track2) = Track2::parse(bytes) {
        check_track2(&track2);
    }
    if let Some(number) = CardNumber::from_compressed(bytes) {
        check_masked(&number, &number.masked());
    }
    if let Some(track1) = Track1::from_chip(bytes) {
        check_track1(&track1);
    }
    if let Ok(swipe) = Swipe::parse(bytes) {
        check_swipe(&swipe);
    }
}

fn check_swipe(swipe: &Swipe) {
    let number = swipe.card_number();
    assert!(number.is_complete(), "nothing is paid with half a number");
    check_masked(number, &number.masked());
    check_expiry(swipe.expiry_yymm());
    assert!(swipe.track1().is_some() || swipe.track2().is_some());
    if let Some(track2) = swipe.track2() {
        assert!(track2.card_number().same_as(number), "both tracks name one card");
        check_track2(track2);
    }
    if let Some(track1) = swipe.track1() {
        assert!(track1.card_number().same_as(number), "both tracks name one card");
        check_track1(track1);
    }
}

fn check_track1(track1: &Track1) {
    check_masked(track1.card_number(), &track1.card_number().masked());
    track1.expiry_yymm().into_iter().for_each(check_expiry);
    if let Some(code) = track1.service_code() {
        assert!(code.digits().iter().all(|digit| *digit < 10));
    }
}

fn check_track2(track2: &Track2) {
    let number = track2.card_number();
    assert!(track2.expose().starts_with(number.expose_digits()));
    let masked = track2.masked();
    assert_eq!(masked.len(), track2.expose().len());
    check_masked(&number, &masked[..number.expose_digits().len()]);
    track2.expiry_yymm().into_iter().for_each(check_expiry);
    if let Some(code) = track2.service_code() {
        assert!(code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()));
    }
}

fn check_expiry(yymm: [u8; 4]) {
    assert!(yymm.iter().all(u8::is_ascii_digit));
    assert!((b"01".as_slice()..=b"12").contains(&&yymm[2..]), "a month");
}

/// A mask shows at most the first six and the last four.
fn check_masked(number: &CardNumber, masked: &str) {
    let digits = number.expose_digits();
    assert_eq!(masked.len(), digits.len());
    let shown = masked.bytes().enumerate().filter(|(_, letter)| *letter != b'*');
    for (place, letter) in shown {
        assert!(place < 6 || place + 4 >= digits.len(), "a digit in the middle shows");
        assert_eq!(letter, digits.as_bytes()[place]);
    }
    assert!(number.same_as(number) && number.issuer_prefix().len() == 6);
}
