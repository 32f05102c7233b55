//! Whatever a reader sends, the card answers with an R-APDU and keeps its counter from going back.

use proptest::collection::vec;
use proptest::prelude::*;
use virtual_card::{BUILT_IN, VirtualCard};

use crate::support::profile;

/// Instructions the card knows, and some it does not.
const INSTRUCTIONS: [u8; 17] =
    [0xA4, 0xB2, 0xA8, 0xAE, 0xCA, 0x82, 0x84, 0x88, 0x20, 0x2A, 0x16, 0x18, 0x1E, 0x24, 0xDA, 0xC0, 0x00];

/// A command that opens something, one with a known instruction, or any bytes.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let select = (0..BUILT_IN.len(), 0..3_usize).prop_map(|(card, what)| {
        let name = match what {
            0 => emv::application::PSE.to_vec(),
            1 => emv::application::PPSE.to_vec(),
            _ => hex::decode(&profile(BUILT_IN[card].0).applications[0].aid).unwrap(),
        };
        [&[0x00, 0xA4, 0x04, 0x00, u8::try_from(name.len()).unwrap()][..], &name, &[0x00]].concat()
    });
    let options = Just(hex::decode("80A8000002830000").unwrap());
    let with_data = (any::<u8>(), prop::sample::select(&INSTRUCTIONS[..]), any::<[u8; 2]>(), vec(any::<u8>(), 0..80))
        .prop_map(|(class, instruction, [p1, p2], data)| {
            let class = [0x00, 0x80, 0x84, 0x04][usize::from(class % 4)];
            [&[class, instruction, p1, p2, u8::try_from(data.len()).unwrap()][..], &data].concat()
        });
    prop_oneof![2 => select, 1 => options, 4 => with_data, 1 => vec(any::<u8>(), 0..12)]
}

proptest! {
    #[test]
    fn any_commands_in_any_order_are_answered(card in 0..BUILT_IN.len(), commands in vec(command(), 1..40)) {
        let mut card = VirtualCard::new(profile(BUILT_IN[card].0));
        let mut last = 0;
        for c_apdu in commands {
            let r_apdu = card.respond(&c_apdu);
            prop_assert!((2..=258).contains(&r_apdu.len()), "{} bytes", r_apdu.len());
            let counter = card.respond(&[0x80, 0xCA, 0x9F, 0x36, 0x00]);
            if let [0x9F, 0x36, 0x02, high, low, 0x90, 0x00] = *counter {
                let counter = u16::from_be_bytes([high, low]);
                prop_assert!(counter >= last);
                last = counter;
            }
        }
    }
}
