//! psec and pyemv agree with this module on random cases: PIN values, PIN blocks, values of stripes, MACs, key blocks,
//! cryptograms and the answers to them.
//!
//! The seed is printed; `TAPSEAL_TEST_SEED` repeats a run.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use emv::issuer::{
    self, ArpcMethod, CardMasterKey, CryptogramVersion, IccData, IssuerDecision, IssuerMasterKey, VerificationKey,
    dynamic_verification_code,
};
use emv::tag::Tag;
use emv::tlv;
use envelope::pin_block::{self as format_4, PinKey};
use envelope::{Pan, Pin};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::pin_block::{self, PinFormat};
use super::pin_key::PinKeys;
use super::zone::{SharedKey, StoredZone, ZoneKeyKind};

/// Names the Python that has psec and pyemv; `cargo xtask test` sets it.
const PYTHON_EXPECTED: &str = "TAPSEAL_TEST_PYTHON";
/// The seed of a run to repeat, a number.
const SEED: &str = "TAPSEAL_TEST_SEED";
/// Cases of each function.
const CASES: usize = 40;

/// Random values that a seed repeats.
struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    fn new() -> Self {
        let given = std::env::var(SEED).ok().map(|seed| seed.parse().unwrap());
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let seed = given.unwrap_or(u64::from_be_bytes(random));
        eprintln!("{SEED}={seed}");
        Self { seed, thrown: 0 }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        self.thrown += 1;
        let hash = Sha256::digest([self.seed.to_be_bytes(), self.thrown.to_be_bytes()].concat());
        std::array::from_fn(|at| hash[at])
    }

    fn below(&mut self, bound: u64) -> u64 {
        u64::from_be_bytes(self.bytes()) % bound
    }

    fn digits(&mut self, least: u64, most: u64) -> String {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap())).collect()
    }

    /// Packed digits.
    fn packed<const N: usize>(&mut self) -> [u8; N] {
        let count = 2 * u64::try_from(N).unwrap();
        hex::decode(self.digits(count, count)).unwrap().try_into().unwrap()
    }
}

/// What another implementation says of these cases.
fn recomputed(script: &str, cases: &[Value]) -> Option<Vec<Value>> {
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with psec and pyemv is expected here");
        return None;
    };
    let mut program = Command::new(python)
        .args(["-W", "ignore"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(Value::from(cases).to_string().as_bytes()).unwrap();
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "the recomputation failed");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A case for the other implementation, and what this module made of it.
type Case = (Value, String);

fn pin_values(dice: &mut Dice) -> [Case; 2] {
    let (pvv, offset) = (dice.bytes::<16>(), dice.bytes::<16>());
    let pvv_index = u8::try_from(dice.below(10)).unwrap();
    let keys = PinKeys { pvv: pvv.into(), pvv_index, offset: offset.into() };
    let pan = dice.digits(13, 19);
    let (short, long) = (dice.digits(4, 4), dice.digits(5, 12));
    let value = |pin: &str| {
        let value = keys.value(&Pan::parse(&pan).unwrap(), &Pin::from_ascii(pin.as_bytes()).unwrap());
        value.as_text()
    };
    let (pvv, offset) = (hex::encode(pvv), hex::encode(offset));
    [
        (
            json!({"fn": "visa_pvv", "key": pvv, "index": pvv_index.to_string(), "pin": short, "pan": pan}),
            value(&short),
        ),
        (json!({"fn": "ibm3624_offset", "key": offset, "pin": long, "pan": pan}), value(&long)),
    ]
}

fn pin_blocks(dice: &mut Dice) -> [Case; 3] {
    let (key, aes_key) = (dice.bytes::<16>(), dice.bytes::<16>());
    let (pan, digits) = (dice.digits(13, 19), dice.digits(4, 12));
    let (number, pin) = (Pan::parse(&pan).unwrap(), Pin::from_ascii(digits.as_bytes()).unwrap());
    let short = |format| hex::encode(pin_block::encipher(&key, format, &pin, &number).unwrap());
    let long = format_4::encipher(&PinKey::from_bytes(&aes_key).unwrap(), &pin, &number).unwrap().to_bytes();
    [
        ("pin_block_0", hex::encode(key), short(PinFormat::Iso0)),
        ("pin_block_3", hex::encode(key), short(PinFormat::Iso3)),
        ("pin_block_4", hex::encode(aes_key), hex::encode(long)),
    ]
    .map(|(function, key, block)| (json!({"fn": function, "key": key, "block": block, "pan": pan}), digits.clone()))
}

fn card_values(dice: &mut Dice) -> [Case; 2] {
    let key = dice.bytes::<16>();
    let (pan, expiry, service_code) = (dice.digits(13, 19), dice.digits(4, 4), dice.digits(3, 3));
    let value = VerificationKey::new(key).value(&pan, &expiry, &service_code).unwrap();
    let key = hex::encode(key);
    let cvv = json!({"fn": "cvv", "key": key, "pan": pan, "expiry": expiry, "service_code": service_code});
    let (track, atc, number) = (dice.bytes::<19>(), dice.bytes::<2>(), dice.bytes::<4>());
    let card_key = dice.bytes::<16>();
    let code = dynamic_verification_code(&CardMasterKey::new(card_key), &track, u16::from_be_bytes(atc), number);
    let cvc3 = json!({
        "fn": "cvc3", "key": hex::encode(card_key), "track": hex::encode(track), "atc": hex::encode(atc),
        "number": hex::encode(number),
    });
    [(cvv, String::from_utf8(value.to_vec()).unwrap()), (cvc3, format!("{code:05}"))]
}

fn zone_keys(dice: &mut Dice) -> Vec<Case> {
    let protection = dice.bytes::<32>();
    let mut stored = StoredZone::new("42").unwrap();
    stored.share(&SharedKey::MasterAes(&protection)).unwrap();
    let zone = stored.load().unwrap();
    let block = |kind, header: &str| {
        let (key, sent) = zone.generate(kind).unwrap();
        let block = String::from_utf8(sent.cryptogram).unwrap();
        let made = format!("{header} {}", hex::encode(*key));
        (json!({"fn": "key_block", "key": hex::encode(protection), "block": block}), made)
    };
    let mut cases =
        vec![block(ZoneKeyKind::Pin, "DP0TB"), block(ZoneKeyKind::PinAes, "DP0AB"), block(ZoneKeyKind::Mac, "DM3TC")];
    let (key, sent) = zone.generate(ZoneKeyKind::Mac).unwrap();
    drop(sent);
    zone.change(ZoneKeyKind::Mac, key.clone());
    let length = usize::try_from(1 + dice.below(200)).unwrap();
    let data: Vec<u8> = (0..length).map(|_| dice.bytes::<1>()[0]).collect();
    let made = hex::encode(zone.mac(&data).unwrap());
    cases.push((json!({"fn": "retail_mac", "key": hex::encode(*key), "data": hex::encode(data)}), made));
    cases
}

#[test]
fn pins_blocks_values_and_macs_are_what_psec_and_pyemv_make() {
    let mut dice = Dice::new();
    let mut cases = Vec::new();
    for _ in 0..CASES {
        cases.extend(pin_values(&mut dice));
        cases.extend(pin_blocks(&mut dice));
        cases.extend(card_values(&mut dice));
        cases.extend(zone_keys(&mut dice));
    }
    let (cases, made): (Vec<Value>, Vec<String>) = cases.into_iter().unzip();
    let Some(theirs) = recomputed("tests/hsm/recompute.py", &cases) else { return };
    assert_eq!(theirs.len(), made.len());
    for ((case, made), theirs) in cases.iter().zip(&made).zip(&theirs) {
        let theirs = theirs.as_str().unwrap();
        // A dynamic code is a number of sixteen bits, of which a stripe carries the last digits.
        let agree = if case["fn"] == "cvc3" {
            theirs.parse::<u16>().unwrap() == made.parse::<u16>().unwrap()
        } else {
            theirs == made
        };
        assert!(agree, "{case}: theirs {theirs}, ours {made}");
    }
    eprintln!("psec and pyemv agree on {} cases", cases.len());
}

/// Versions with the AID that says whose they are, and issuer application data with random parts in dashes' place.
const VERSIONS: [(CryptogramVersion, &str, &str); 10] = [
    (CryptogramVersion::Visa10, "A0000000031010", "06010A03------"),
    (CryptogramVersion::Visa18, "A0000000031010", "06011203------"),
    (CryptogramVersion::Visa34, "A0000000031010", "1F2201----------"),
    (CryptogramVersion::MChip16, "A0000000041010", "0110--------------------------------"),
    (CryptogramVersion::MChip17, "A0000000041010", "0111--------------------------------"),
    (CryptogramVersion::MChip20, "A0000000041010", "0114--------------------------------"),
    (CryptogramVersion::MChip21, "A0000000041010", "0115--------------------------------"),
    (CryptogramVersion::Interac133, "A0000002771010", "0F0185------------------------------"),
    (CryptogramVersion::UnionPay01, "A000000333010102", "07010103------01----------------------"),
    (
        CryptogramVersion::CommonCore5,
        "A0000000651010",
        "0FA501--------------------------0F------------------------------",
    ),
];

/// One payment: the case, and the cryptogram, the answers and a script's MAC that this side makes of it.
fn payment(dice: &mut Dice, (version, aid, iad): (CryptogramVersion, &str, &str)) -> (Value, Value) {
    let (ac_key, script_key) = (dice.bytes::<16>(), dice.bytes::<16>());
    let (pan, psn) = (dice.digits(13, 19), u8::try_from(dice.below(100)).unwrap());
    let iad: String =
        iad.chars().map(|c| if c == '-' { format!("{:X}", dice.below(16)) } else { c.to_string() }).collect();
    let values = [
        (Tag::AMOUNT_AUTHORISED, dice.packed::<6>().to_vec()),
        (Tag::AMOUNT_OTHER, dice.packed::<6>().to_vec()),
        (Tag::TERMINAL_COUNTRY, dice.packed::<2>().to_vec()),
        (Tag::TVR, dice.bytes::<5>().to_vec()),
        (Tag::TRANSACTION_CURRENCY, dice.packed::<2>().to_vec()),
        (Tag::TRANSACTION_DATE, dice.packed::<3>().to_vec()),
        (Tag::TRANSACTION_TYPE, dice.packed::<1>().to_vec()),
        (Tag::UNPREDICTABLE_NUMBER, dice.bytes::<4>().to_vec()),
        (Tag::AIP, dice.bytes::<2>().to_vec()),
        (Tag::ATC, dice.bytes::<2>().to_vec()),
        (Tag::IAD, hex::decode(iad).unwrap()),
    ];
    let mut de55 = Vec::new();
    for (tag, value) in &values {
        tlv::write(&mut de55, *tag, value);
    }
    let fields = IccData::parse(&de55).unwrap();
    let atc = u16::from_be_bytes(fields.array(Tag::ATC).unwrap());
    let number = fields.array(Tag::UNPREDICTABLE_NUMBER).unwrap();
    let card = version.card_key(&IssuerMasterKey::new(ac_key), &pan, psn).unwrap();
    let cryptogram = version.session_key(&card, atc, number).mac(&version.input(&fields).unwrap(), version.padding());
    for (tag, value) in
        [(Tag::CRYPTOGRAM, &cryptogram[..]), (Tag::CID, &[0x80]), (Tag::DF_NAME, &hex::decode(aid).unwrap())]
    {
        tlv::write(&mut de55, tag, value);
    }
    let verified = issuer::verify_arqc(&IssuerMasterKey::new(ac_key), &pan, Some(psn), &de55).unwrap();
    assert_eq!(verified.version, version);
    let split = match version.arpc_method() {
        ArpcMethod::ResponseCode => 8,
        ArpcMethod::CardStatusUpdate => 4,
    };
    let answers = [IssuerDecision::Approve, IssuerDecision::Decline].map(|decision| issuer::arpc(&verified, decision));
    let (header, data) = ([0x84, 0x24, 0x00, 0x00, 0x08 + 4], dice.bytes::<4>());
    let script_card = version.card_key(&IssuerMasterKey::new(script_key), &pan, psn).unwrap();
    let script_mac = version.script_mac(&script_card, (atc, cryptogram), 0, header, &data);
    let tags: serde_json::Map<_, _> =
        values.iter().map(|(tag, value)| (tag.to_string(), hex::encode(value).into())).collect();
    let case = json!({
        "version": format!("{version:?}"), "ac_key": hex::encode(ac_key), "script_key": hex::encode(script_key),
        "pan": pan, "psn": format!("{psn:02}"), "tags": tags,
        "answers": answers.each_ref().map(|answer| hex::encode(&answer[split..])),
        "command_header": hex::encode(header), "command_data": hex::encode(data),
    });
    let made = json!({
        "cryptogram": hex::encode(cryptogram),
        "arpcs": answers.each_ref().map(|answer| hex::encode(&answer[..split])),
        "script_mac": hex::encode(script_mac),
    });
    (case, made)
}

#[test]
fn cryptograms_answers_and_script_macs_are_what_pyemv_makes() {
    let mut dice = Dice::new();
    let payments = (0..CASES).flat_map(|_| VERSIONS.map(|version| payment(&mut dice, version)));
    let (cases, made): (Vec<Value>, Vec<Value>) = payments.unzip();
    // The script that recomputes the software card's payments; versions pyemv lacks are derived there from its parts.
    let script = "../crates/virtual-card/tests/card/recompute.py";
    let Some(theirs) = recomputed(script, &cases) else { return };
    assert_eq!(theirs.len(), made.len());
    for ((case, made), theirs) in cases.iter().zip(&made).zip(&theirs) {
        assert_eq!(made, theirs, "{case}");
    }
    eprintln!("pyemv agrees on {} payments of {} versions", cases.len(), VERSIONS.len());
}
