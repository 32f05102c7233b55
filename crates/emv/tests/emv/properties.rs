//! No input, however broken, makes a parser or a session panic or run on.

use emv::card_number::CardNumber;
use emv::completion::COMPLETION_EXCHANGES_MAX;
use emv::cvm::{CvmConditions, CvmCurrency};
use emv::dol::Dol;
use emv::issuer::{self, IssuerMasterKey};
use emv::oda::{self, CaKeys, Chain, PublicKey};
use emv::session::EXCHANGES_MAX;
use emv::stripe::{Swipe, Track1};
use emv::tag::Tag;
use emv::tlv::{self, Mode};
use emv::{
    CardSession, CompletionStep, DataAuthentication, Interface, IssuerAnswer, OnlineDecision, ReadPurpose, Step,
    TerminalData, Track2, cvm, records,
};
use proptest::prelude::*;

/// Answers that look like a card's often enough to get past the first step.
fn answers() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let fci = prop::sample::select(vec![
        "6F3B840E325041592E5359532E4444463031A529BF0C2661104F07A00000004210105002434287010161124F07A00000000310105004564953418701029000",
        "6F20840E315041592E5359532E4444463031A50E8801015F2D046E6C656E9F1101019000",
        "6F168407A0000000031010A50B50095649534120544553549000",
        "6F378407A0000000031010A52C9F38189F66049F02069F03069F1A0295055F2A029A039C019F3704BF0C0EDF60020B1EDF6101039F4D020B1E9000",
        "800E1C000801010010010100180304009000",
        "7716820259809410080101001001010118010200200102009000",
        "70625A0847613400000000508C159F02069F03069F1A0295055F2A029A039C019F37048D178A029F02069F03069F1A0295055F2A029A039C019F37045F24031712319000",
        "6985", "6700", "6110", "6C20", "6A83", "9000",
    ])
    .prop_map(|answer| hex::decode(answer).unwrap());
    let mutated = (fci.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut answer, at, byte)| {
        let at = at.index(answer.len());
        answer[at] = byte;
        answer
    });
    let answer = prop_oneof![3 => fci, 2 => mutated, 1 => prop::collection::vec(any::<u8>(), 0..300)];
    prop::collection::vec(answer, 1..12)
}

/// A command and its answer.
type Recorded = (Vec<u8>, Vec<u8>);

/// Commands and answers of every transcript; a card that was lost answers nothing.
fn traces() -> &'static [Vec<Recorded>] {
    static TRACES: std::sync::OnceLock<Vec<Vec<Recorded>>> = std::sync::OnceLock::new();
    TRACES.get_or_init(|| {
        let mut traces = Vec::new();
        for entry in std::fs::read_dir(crate::data_file("traces")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let document = crate::json(&format!("traces/{name}"));
            let exchange = |exchange: &serde_json::Value| {
                let answer = exchange["r"].as_str().map(|answer| hex::decode(answer).unwrap()).unwrap_or_default();
                (crate::bytes(&exchange["c"]), answer)
            };
            traces.push(document["exchanges"].as_array().unwrap().iter().map(exchange).collect());
        }
        traces
    })
}

proptest! {
    #[test]
    fn parsers_take_anything(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for mode in [Mode::Lenient, Mode::Strict] {
            let _ = tlv::read(&bytes, mode);
            let _ = tlv::flatten(&bytes, mode);
        }
        if let Ok(dol) = Dol::parse(&bytes) {
            let built = dol.build(|_| Some(vec![0x12; 9]));
            prop_assert!(dol.split(&built.bytes).is_ok());
        }
        let _ = records::parse_afl(&bytes);
        let _ = Swipe::parse(&bytes).map(|swipe| swipe.card_number().masked());
        let _ = Track1::from_chip(&bytes);
        let _ = CardNumber::from_compressed(&bytes).map(|number| number.masked());
        let _ = Track2::parse(&bytes).map(|track2| track2.masked());
        for currency in [CvmCurrency::Application, CvmCurrency::Other] {
            let _ = cvm::choose(Some(&bytes), CvmConditions { amount_minor: 5, currency });
        }
        let _ = issuer::verify_arqc(&IssuerMasterKey::new([7; 16]), "4761340000000050", None, &bytes);
    }

    #[test]
    fn certificates_take_anything(
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..260), 8),
        index in any::<u8>(),
        length in prop::sample::select(vec![112, 128, 144, 176, 248]),
    ) {
        // Signatures of the right length get past the first check.
        let fitted = |at: usize| {
            let mut value = values[at].clone();
            value.resize(length, 0x5A);
            value[0] = 0x00;
            value
        };
        let [certificate, card_certificate, signature] = [fitted(0), fitted(1), fitted(2)];
        let index = [index];
        let object = |tag: Tag| -> Option<&[u8]> {
            Some(match tag {
                Tag::CA_INDEX => &index,
                Tag::ISSUER_CERTIFICATE => &certificate,
                Tag::CARD_CERTIFICATE => &card_certificate,
                Tag::ISSUER_EXPONENT | Tag::CARD_EXPONENT => &[3],
                Tag::ISSUER_REMAINDER => &values[3],
                _ => &values[4],
            })
        };
        let keys = CaKeys::with_scheme_tests();
        for rid in [[0xA0, 0, 0, 0, 3], [0xA0, 0, 0, 0, 4], [0xA0, 0, 0, 0, 0x25]] {
            let pan_digits = "4761340000000050";
            let chain = Chain { rid, keys: &keys, pan_digits, today_yymm: [0x26, 0x11], object: &object, static_data: &values[5] };
            prop_assert!(chain.issuer_key().is_err() && chain.card_key().is_err());
        }
        let mut modulus = fitted(6);
        (modulus[0], modulus[length - 1]) = (0xC0, 0x01);
        let key = PublicKey::new(&modulus, &[3]).unwrap();
        prop_assert!(oda::verify_static(&key, &signature, &values[7]).is_err());
        prop_assert!(oda::verify_dynamic(&key, &signature, &values[7]).is_err());
        prop_assert!(oda::verify_fast(&key, &signature, &[&values[7]]).is_err());
        prop_assert!(oda::verify_combined(&key, &signature, &values[7], &[&values[5]]).is_err());
    }

    #[test]
    fn swipes_take_anything(text in "[%;+]?[B0-9E^=?/ A-Z;\\r]{0,90}") {
        if let Ok(swipe) = Swipe::parse(text.as_bytes()) {
            prop_assert!(swipe.card_number().is_complete());
            prop_assert!(swipe.track1().is_some() || swipe.track2().is_some());
        }
    }

    #[test]
    fn deep_nesting_is_bounded(depth in 1_usize..120) {
        let mut bytes = vec![];
        for _ in 0..depth {
            let mut outer = Vec::new();
            tlv::write(&mut outer, emv::tag::Tag(0x70), &bytes);
            bytes = outer;
        }
        prop_assert_eq!(tlv::flatten(&bytes, Mode::Strict).is_err(), depth > tlv::DEPTH_MAX);
    }

    #[test]
    fn tlv_reads_what_it_wrote(value in prop::collection::vec(any::<u8>(), 0..700)) {
        let mut bytes = Vec::new();
        tlv::write(&mut bytes, emv::tag::Tag(0x9F10), &value);
        prop_assert_eq!(tlv::find(&bytes, emv::tag::Tag(0x9F10)), Some(value.as_slice()));
    }

    #[test]
    fn strict_reads_a_part_of_what_lenient_reads_and_alike(bytes in prop::collection::vec(0_u8..6, 0..12)) {
        if let Ok(strict) = tlv::read(&bytes, Mode::Strict) {
            prop_assert!(tlv::read(&bytes, Mode::Lenient).is_ok_and(|lenient| lenient == strict));
        }
    }

    #[test]
    fn sessions_end(answers in answers(), contact in any::<bool>(), pay in any::<bool>()) {
        let interface = if contact { Interface::Contact } else { Interface::Contactless };
        let purpose = if pay { ReadPurpose::Pay } else { ReadPurpose::Inspect };
        let (session, _) = CardSession::start(TerminalData::purchase(1, 978, 276, [9; 4], interface), purpose);
        let mut session = session;
        let mut sent = 1;
        for answer in answers.iter().cycle() {
            match session.advance(answer) {
                Ok(Step::Transmit { session: next, c_apdu, .. }) => {
                    sent += 1;
                    prop_assert!(c_apdu.len() <= 261 && sent <= EXCHANGES_MAX);
                    session = *next;
                }
                Ok(Step::Choose { session: choosing, .. }) => {
                    let Ok((next, _)) = choosing.select(0) else { break };
                    sent += 1;
                    session = next;
                }
                Ok(Step::Done(_) | Step::Inspected(_)) | Err(_) => break,
            }
        }
    }

    /// Real cards with a byte changed, cut or doubled somewhere: deeper than made-up answers reach.
    #[test]
    fn damaged_cards_end(
        at in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..4),
        pay in any::<bool>(),
        contact in any::<bool>(),
    ) {
        let traces = traces();
        let mut exchanges = traces[at.index(traces.len())].clone();
        for (which, byte, value, damage) in damages {
            let which = which.index(exchanges.len());
            let answer = &mut exchanges[which].1;
            if answer.is_empty() {
                continue;
            }
            let byte = byte.index(answer.len());
            match damage {
                0 => answer[byte] = value,
                1 => answer.truncate(byte),
                2 => answer.insert(byte, value),
                _ => answer.extend_from_within(..byte),
            }
        }
        let interface = if contact { Interface::Contact } else { Interface::Contactless };
        let purpose = if pay { ReadPurpose::Pay } else { ReadPurpose::Inspect };
        let mut terminal = TerminalData::purchase(12_000, 36, 36, [9; 4], interface).at([14, 10, 31], [0; 3]);
        terminal = terminal.authenticating(DataAuthentication::Full, CaKeys::with_scheme_tests());
        let (mut session, mut c_apdu) = CardSession::start(terminal, purpose);
        let mut sent = 1;
        loop {
            let recorded = exchanges.iter().find(|(command, _)| {
                *command == c_apdu || (c_apdu[0] == 0x80 && command.get(..2) == Some(&c_apdu[..2]))
            });
            let answer = recorded.map_or(vec![0x6A, 0x82], |(_, answer)| answer.clone());
            match session.advance(&answer) {
                Ok(Step::Transmit { session: next, c_apdu: command, .. }) => {
                    sent += 1;
                    prop_assert!(command.len() <= 261 && sent <= EXCHANGES_MAX);
                    (session, c_apdu) = (*next, command);
                }
                Ok(Step::Choose { session: choosing, .. }) => {
                    let Ok(next) = choosing.select(0) else { break };
                    sent += 1;
                    (session, c_apdu) = next;
                }
                Ok(Step::Done(read)) => {
                    prop_assert!(read.icc_data.len() <= 255 && read.pan.is_complete());
                    break;
                }
                Ok(Step::Inspected(_)) | Err(_) => break,
            }
        }
    }

    #[test]
    fn finishing_ends(
        de55 in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            prop::collection::vec(prop::sample::select(vec![0x71, 0x72, 0x86, 0x91, 0x04, 0x06, 0x08, 0x84, 0x24]), 0..60),
            Just(hex::decode("910811223344556677887106860484240000720C860484160000860484180000").unwrap()),
        ],
        answers in answers(),
        decision in prop::sample::select(vec![
            OnlineDecision::Approved, OnlineDecision::Declined, OnlineDecision::UnableToGoOnline,
        ]),
        aip in any::<u8>().prop_map(|byte| byte & 0x04),
    ) {
        let answer = IssuerAnswer::from_icc_data(decision, &de55).unwrap_or_else(|_| IssuerAnswer::bare(decision));
        let mut sent = 0;
        let mut step = crate::completion::waiting([aip, 0], "8A02910A95059F3704").start(&answer);
        let mut answers = answers.iter().cycle();
        while let Ok(CompletionStep::Transmit { completion, c_apdu }) = step {
            sent += 1;
            prop_assert!(c_apdu.len() <= 261 && sent <= COMPLETION_EXCHANGES_MAX);
            prop_assert!(!matches!(c_apdu[1], 0x20 | 0x21));
            let approved = decision == OnlineDecision::Approved;
            prop_assert!(c_apdu[1] != 0xAE || (c_apdu[2] == 0x40) == approved);
            step = completion.advance(answers.next().unwrap());
        }
    }
}
