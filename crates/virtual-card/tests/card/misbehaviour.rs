//! Cards that misbehave, read to pay: every read ends, and none that was spoilt gives a cryptogram nobody can check.

use virtual_card::{Fault, FaultKind, Misbehaviour, PresentedCard, VirtualCard};

use crate::support::{Ending, pay, presented, read, readable, terminal, verify};

/// Most commands a read may need, whatever the card does.
const EXCHANGES_MAX: u32 = emv::session::EXCHANGES_MAX;

#[test]
fn every_fault_at_every_exchange_ends_in_a_read_or_an_error() {
    let mut refused = 0;
    for (profile, interface) in readable() {
        let needed = read(&mut presented(profile.clone()), interface).exchanges;
        for kind in FaultKind::ALL {
            for after in 0..=needed {
                let fault = Some(Fault { after, kind, status: 0x6F00 });
                let misbehaviour = Misbehaviour { fault, ..Misbehaviour::default() };
                let mut card = PresentedCard::new(VirtualCard::new(profile.clone()), misbehaviour);
                let at = format!("{} {interface:?} {kind:?} {after}", profile.name);
                match pay(&mut card, terminal(interface)) {
                    Ending::Read(read) => {
                        // Whatever the reader forgave must not have touched what the bank checks.
                        verify(&profile, &read, &read.icc_data).unwrap_or_else(|error| panic!("{at}: {error}"));
                        let never = matches!(
                            kind,
                            FaultKind::EndlessMoreData | FaultKind::RepeatedWrongLength | FaultKind::Silence
                        );
                        assert!(!never || after >= needed, "{at} must not give a read");
                    }
                    Ending::Refused(error) => {
                        assert!(!error.code().is_empty());
                        refused += 1;
                    }
                    Ending::Removed => assert_eq!(kind, FaultKind::Silence, "{at}"),
                }
                assert!(card.answered() <= EXCHANGES_MAX, "{at}: {} exchanges", card.answered());
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_wrong_status_is_given_once_and_as_named() {
    let fault = Some(Fault { after: 1, kind: FaultKind::WrongStatus, status: 0x6A81 });
    let misbehaviour = Misbehaviour { fault, ..Misbehaviour::default() };
    let mut card = PresentedCard::new(VirtualCard::new(crate::support::profile("visa")), misbehaviour);
    let pse = [&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], emv::application::PSE, &[0x00]].concat();
    assert_eq!(card.transmit(&pse).unwrap().last_chunk(), Some(&[0x90, 0x00]));
    assert_eq!(card.transmit(&pse).unwrap(), [0x6A, 0x81]);
    assert_eq!(card.transmit(&pse).unwrap().last_chunk(), Some(&[0x90, 0x00]));
}
