//! Data element 55 as a bank reads it: whatever it holds, a cryptogram is right only if the issuer's key made it over
//! these very values, and then the issuer can answer.

use emv::Scheme;
use emv::issuer::{
    self, CryptogramVersion, IccData, IssuerDecision, IssuerError, IssuerMasterKey, Script, ScriptCommand, ScriptTiming,
};
use emv::tag::Tag;
use emv::tlv::{self, Mode};

const PAN: &str = "4761340000000050";
const PSN: u8 = 1;
/// Bytes of tag 91: ARPC and response code, or MAC and card status update.
const ANSWER_LENGTHS: [usize; 2] = [8, 10];

fn key() -> IssuerMasterKey {
    IssuerMasterKey::new(*b"\x23\x15\x20\x8C\x91\x10\xAD\x40\x9E\x15\x20\x43\x13\xF7\x31\x8A")
}

/// The bytes are a DE 55.
pub fn check(bytes: &[u8]) {
    let Ok(fields) = IccData::parse(bytes) else {
        assert!(issuer::verify_arqc(&key(), PAN, Some(PSN), bytes).is_err());
        return;
    };
    // Nobody has made a cryptogram under this key, so none is right.
    assert!(issuer::verify_arqc(&key(), PAN, Some(PSN), bytes).is_err());
    let Some(cryptogram) = right_cryptogram(&fields) else { return };
    let objects = tlv::read(bytes, Mode::Strict).expect("it was parsed");
    let signed = with(&objects, Tag::CRYPTOGRAM, &cryptogram);
    match issuer::verify_arqc(&key(), PAN, Some(PSN), &signed) {
        Ok(verified) => {
            assert_eq!(verified.arqc(), cryptogram);
            assert_eq!(Ok(verified.atc.to_be_bytes()), fields.array(Tag::ATC));
            assert_eq!(Ok(verified.aid.as_slice()), fields.get(Tag::DF_NAME));
            answer(&verified);
        }
        // Amount and currency that are no digits, no request at all, or what Visa 17 does not cover is not there.
        Err(error) => {
            let expected = matches!(error, IssuerError::Malformed | IssuerError::NotArqc | IssuerError::Missing(_));
            assert!(expected, "{error}");
        }
    }
    for covered in [Tag::ATC, Tag::AMOUNT_AUTHORISED, Tag::UNPREDICTABLE_NUMBER, Tag::CRYPTOGRAM] {
        let value = if covered == Tag::CRYPTOGRAM { Ok(&cryptogram[..]) } else { fields.get(covered) };
        let mut changed = value.expect("a cryptogram covers it").to_vec();
        *changed.last_mut().expect("it is not empty") ^= 0x01;
        let changed = with(&objects, covered, &changed);
        let changed = if covered == Tag::CRYPTOGRAM {
            changed
        } else {
            with(&tlv::read(&changed, Mode::Strict).expect("it was written here"), Tag::CRYPTOGRAM, &cryptogram)
        };
        assert!(issuer::verify_arqc(&key(), PAN, Some(PSN), &changed).is_err(), "{covered} is covered");
    }
}

/// The cryptogram that these values would have under the key, if the bank knows the card's version.
fn right_cryptogram(fields: &IccData<'_>) -> Option<[u8; 8]> {
    let scheme = Scheme::of_aid(fields.get(Tag::DF_NAME).ok()?);
    let version = CryptogramVersion::of(scheme, fields.get(Tag::IAD).ok()?)?;
    let number = fields.array(Tag::UNPREDICTABLE_NUMBER).ok()?;
    let atc = u16::from_be_bytes(fields.array(Tag::ATC).ok()?);
    let card = version.card_key(&key(), PAN, PSN).expect("the card number is one");
    let input = version.input(fields).ok()?;
    fields.array::<8>(Tag::CRYPTOGRAM).ok()?;
    fields.array::<1>(Tag::CID).ok()?;
    Some(version.session_key(&card, atc, number).mac(&input, version.padding()))
}

fn answer(verified: &issuer::Verified) {
    for decision in [IssuerDecision::Approve, IssuerDecision::Decline] {
        assert!(ANSWER_LENGTHS.contains(&issuer::arpc(verified, decision).len()));
    }
    let script = Script {
        timing: ScriptTiming::AfterFinal,
        identifier: [0; 4],
        commands: vec![ScriptCommand::ApplicationBlock],
    };
    let scripts = issuer::scripts(verified, &key(), (PAN, Some(PSN)), &[script]).expect("one command fits");
    assert!(scripts.len() <= issuer::SCRIPT_BYTES_MAX);
}

/// The objects with one value in the place of another.
fn with(objects: &[tlv::Tlv<'_>], tag: Tag, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for object in objects {
        tlv::write(&mut bytes, object.tag, if object.tag == tag { value } else { object.value });
    }
    bytes
}
