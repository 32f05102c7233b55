//! Swiped cards: what readers really send, and what they must not get away with.

use emv::Track2;
use emv::stripe::{Authorisation, PinRule, ServiceCode, StripeError, Swipe, Track1};

use crate::{bytes, json};

const TRACK_1: &str = "%B4111111111111111^DOE/JANE^3012101000000000000?";
const TRACK_2: &str = ";4111111111111111=30121010000000000000?";

/// The LRC a reader computes: exclusive or of all characters, sentinels included.
fn with_lrc(track: &str) -> String {
    let base = if track.starts_with('%') { b' ' } else { b'0' };
    let sum = track.bytes().fold(0, |sum, byte| sum ^ (byte - base));
    format!("{track}{}", char::from(sum + base))
}

fn swipe(text: &str) -> Result<Swipe, StripeError> {
    Swipe::parse(text.as_bytes())
}

fn good(text: &str) -> Swipe {
    swipe(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn both_tracks_are_read() {
    for text in [
        format!("{TRACK_1}{TRACK_2}"),
        format!("{TRACK_1}{TRACK_2}\r\n"),
        format!("{TRACK_1}\n{TRACK_2}\n"),
        with_lrc(TRACK_1) + &with_lrc(TRACK_2),
        with_lrc(TRACK_1) + "\r" + &with_lrc(TRACK_2) + "\r",
        format!("{TRACK_1}{TRACK_2}+011234567890=?"),
    ] {
        let swipe = good(&text);
        assert_eq!(swipe.card_number().expose_digits(), "4111111111111111");
        assert_eq!(&swipe.expiry_yymm(), b"3012");
        assert_eq!(swipe.service_code().digits(), [1, 0, 1]);
        assert_eq!(swipe.track2().unwrap().expose(), "4111111111111111D30121010000000000000");
        assert_eq!(swipe.track1().unwrap().holder_name().expose(), "DOE/JANE");
        assert!(!swipe.use_chip_instead());
    }
}

#[test]
fn one_good_track_is_enough() {
    assert!(good(TRACK_2).track1().is_none());
    assert!(good(TRACK_1).track2().is_none());
    assert!(good(&format!("%E?{TRACK_2}")).track1().is_none());
    let only_first = good(&format!("{TRACK_1};E?"));
    assert!(only_first.track2().is_none());
    assert_eq!(only_first.card_number().expose_digits(), "4111111111111111");
}

#[test]
fn a_chip_is_to_be_used() {
    for (code, chip) in [("201", true), ("601", true), ("221", true), ("101", false), ("520", false), ("799", false)] {
        let swipe = good(&TRACK_2.replace("=3012101", &format!("=3012{code}")));
        assert_eq!(swipe.use_chip_instead(), chip, "{code}");
    }
}

#[test]
fn service_codes_say_what_is_allowed() {
    let code = ServiceCode::parse("620").unwrap();
    assert!(code.has_chip() && code.is_national() && code.allows_goods());
    assert_eq!((code.authorisation(), code.pin()), (Authorisation::ByIssuer, PinRule::Required));
    let code = ServiceCode::parse("146").unwrap();
    assert_eq!((code.authorisation(), code.pin()), (Authorisation::ByIssuerUnlessAgreed, PinRule::WhereThereIsAPad));
    assert!(!ServiceCode::parse("103").unwrap().allows_goods());
    assert!(!ServiceCode::parse("104").unwrap().allows_goods());
    assert_eq!(ServiceCode::parse("131").unwrap().authorisation(), Authorisation::Reserved);
    for text in ["", "10", "1010", "1A1", "1 1"] {
        assert!(ServiceCode::parse(text).is_none(), "{text}");
    }
}

#[test]
fn a_wrong_lrc_is_a_misread() {
    for track in [TRACK_1, TRACK_2] {
        let right = with_lrc(track);
        let (text, lrc) = right.split_at(track.len());
        let lrc = lrc.as_bytes()[0];
        let base = if track == TRACK_1 { b' ' } else { b'0' };
        for bit in 0..4 {
            let wrong = (lrc - base) ^ (1 << bit);
            let wrong = char::from(wrong + base);
            // A character that starts a track is one, and a line end is none.
            if matches!(wrong, '%' | ';' | '+') {
                continue;
            }
            assert_eq!(swipe(&format!("{text}{wrong}")).err(), Some(StripeError::Misread), "{wrong}");
        }
    }
    // A digit changed on the way is caught as well.
    let changed = with_lrc(TRACK_2).replace("4111", "4112");
    assert_eq!(swipe(&changed).err(), Some(StripeError::Misread));
}

#[test]
fn an_lrc_that_looks_like_a_sentinel_is_an_lrc() {
    // One more digit turns the parity of the upper bits.
    let ends_so = |before: &str| {
        (0..20_000)
            .map(|number| with_lrc(&format!("{before}{number}?")))
            .find(|full| full.ends_with(';'))
            .unwrap_or_else(|| panic!("{before}"))
    };
    good(&ends_so(";4111111111111111=3012101"));
    let first = ends_so("%B4111111111111111^DOE/JANE^3012101");
    assert!(good(&format!("{first}{TRACK_2}")).track2().is_some());
    assert!(good(&first).track1().is_some());
}

#[test]
fn what_readers_send_when_they_fail_is_told_apart() {
    for (text, error) in [
        ("", StripeError::NoTrack),
        ("hello", StripeError::NoTrack),
        (";E?", StripeError::Unreadable),
        ("%E?;E?", StripeError::Unreadable),
        (";4111111111111111=3012101", StripeError::Incomplete),
        ("%B4111111111111111^DOE/JANE^30121010000", StripeError::Incomplete),
        (";?", StripeError::Incomplete),
        (";4111111111111111?", StripeError::NotPayment),
        (";4111111111111111=3013101000?", StripeError::NotPayment),
        (";4111111111111111=301?", StripeError::NotPayment),
        (";4111111111111111==3012101?", StripeError::NotPayment),
        (";41111111111=3012101000?", StripeError::NotPayment),
        (";41111111111111111111=3012101000?", StripeError::NotPayment),
        (";411111111111A111=3012101000?", StripeError::NotPayment),
        ("%A4111111111111111^DOE/JANE^3012101000?", StripeError::NotPayment),
        ("%B4111111111111111DOE/JANE^3012101000?", StripeError::NotPayment),
        ("%B4111111111111111^DOE/JANE^^101000?", StripeError::NotPayment),
        ("%B4111111111111111^A NAME OF MORE THAN TWENTY-SIX LETTERS^3012101?", StripeError::NotPayment),
    ] {
        assert_eq!(swipe(text).err(), Some(error), "{text}");
    }
    assert_eq!(Swipe::parse(&[b';'; 300]).err(), Some(StripeError::NoTrack));
    assert_eq!(Swipe::parse(&[b'%', 0xFF, b'?']).err(), Some(StripeError::NotPayment));
}

#[test]
fn tracks_of_two_cards_are_refused() {
    let other_number = TRACK_1.replace("4111", "4112");
    let other_expiry = TRACK_1.replace("3012", "2912");
    for other in [other_number, other_expiry] {
        assert_eq!(swipe(&format!("{other}{TRACK_2}")).err(), Some(StripeError::Contradiction));
    }
}

#[test]
fn long_and_short_numbers() {
    assert_eq!(good(";6212345678901234567=3012101000?").card_number().expose_digits().len(), 19);
    assert_eq!(good(";374245001741007=301210100000000000000?").card_number().expose_digits().len(), 15);
}

#[test]
fn published_tracks() {
    let file = json("vectors/dol_cvm_tvr_track_samples.json");
    let mut checked = 0;
    for case in file["tracks"]["cases"].as_array().unwrap() {
        let (value, asserted) = (bytes(&case["value"]), &case["asserted"]);
        if asserted.get("null").is_some() {
            assert!(Track2::parse(&value).is_none());
            continue;
        }
        let (number, expiry, code) = if case["track"] == "1" {
            let track = Track1::from_chip(&value).unwrap();
            (track.card_number().expose_digits().to_owned(), track.expiry_yymm(), track.service_code())
        } else {
            let track = Track2::parse(&value).unwrap();
            let code = track.service_code().and_then(ServiceCode::parse);
            (track.card_number().expose_digits().to_owned(), track.expiry_yymm(), code)
        };
        assert_eq!(Some(number.as_str()), asserted["pan"].as_str());
        let date = asserted["expiry_ddmmyyyy"].as_str().unwrap();
        assert_eq!(String::from_utf8(expiry.unwrap().to_vec()).unwrap(), format!("{}{}", &date[8..10], &date[3..5]));
        assert_eq!(code.is_some(), asserted.get("sc1").is_some());
        if let Some(code) = code {
            assert_eq!(code.has_chip(), asserted["sc1"].as_str().unwrap().ends_with("_ICC"));
            assert_eq!(code.is_national(), asserted["sc1"].as_str().unwrap().starts_with("NATIONAL"));
            let by_issuer = code.authorisation() == Authorisation::ByIssuer;
            assert_eq!(by_issuer, asserted["sc2"] == "BY_ISSUER");
            assert_eq!(code.pin() == PinRule::Required, asserted["sc3"] == "NO_RESTRICTION_PIN_REQUIRED");
        }
        checked += 1;
    }
    assert_eq!(checked, 5);
}
