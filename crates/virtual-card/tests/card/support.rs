//! A terminal that pays with a software card, and the bank's check of what it read.

use emv::issuer::{self, IssuerError, IssuerMasterKey};
use emv::{CardError, CardRead, CardSession, Interface, ReadPurpose, Step, TerminalData, derive_unpredictable_number};
use virtual_card::{BUILT_IN, Fault, FaultKind, Misbehaviour, PresentedCard, Profile, RefusedBy, VirtualCard};

/// How a payment ended.
pub enum Ending {
    Read(Box<CardRead>),
    Refused(CardError),
    Removed,
}

pub fn profile(name: &str) -> Profile {
    Profile::built_in(name).unwrap_or_else(|error| panic!("{error}"))
}

pub fn terminal(interface: Interface) -> TerminalData {
    let number = derive_unpredictable_number(&[0x5A; 32]);
    let mut terminal = TerminalData::purchase(12_345, 978, 276, number, interface).at([26, 11, 22], [9, 30, 0]);
    "Corner Shop".clone_into(&mut terminal.merchant_name);
    terminal
}

pub fn pay(card: &mut PresentedCard, terminal: TerminalData) -> Ending {
    pay_over(terminal, |c_apdu| card.transmit(c_apdu).ok())
}

/// Pays over any way to a card; `None` is a card that does not answer any more.
pub fn pay_over(terminal: TerminalData, mut transmit: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Ending {
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Pay);
    loop {
        let Some(r_apdu) = transmit(&c_apdu) else { return Ending::Removed };
        match session.advance(&r_apdu) {
            Ok(Step::Transmit { session: next, c_apdu: command, .. }) => (session, c_apdu) = (*next, command),
            Ok(Step::Choose { session: choosing, .. }) => {
                (session, c_apdu) = choosing.select(0).unwrap_or_else(|error| panic!("{error}"));
            }
            Ok(Step::Done(read)) => return Ending::Read(read),
            Ok(Step::Inspected(_)) => panic!("a payment does not inspect"),
            Err(error) => return Ending::Refused(error),
        }
    }
}

/// The same misbehaviour ends in the same way, whatever way leads to the card: `over` pays with a card of its own.
pub fn misbehaves_everywhere_alike(profile: &Profile, interface: Interface, over: impl Fn(Misbehaviour) -> Ending) {
    for kind in FaultKind::ALL {
        for after in [0, 2, 4] {
            let fault = Some(Fault { after, kind, status: 0x6F00 });
            let misbehaviour = Misbehaviour { fault, ..Misbehaviour::default() };
            let mut card = PresentedCard::new(VirtualCard::new(profile.clone()).over(interface), misbehaviour);
            let in_process = pay(&mut card, terminal(interface));
            let there = over(misbehaviour);
            let at = format!("{} {kind:?} {after}", profile.name);
            match (&in_process, &there) {
                (Ending::Read(here), Ending::Read(there)) => assert_eq!(here.exchanges, there.exchanges, "{at}"),
                (Ending::Refused(here), Ending::Refused(there)) => assert_eq!(here, there, "{at}"),
                (Ending::Removed, Ending::Removed) => assert_eq!(kind, FaultKind::Silence, "{at}"),
                _ => panic!("{at} ends in two ways"),
            }
        }
    }
}

pub fn read(card: &mut PresentedCard, interface: Interface) -> Box<CardRead> {
    match pay(card, terminal(interface)) {
        Ending::Read(read) => read,
        Ending::Refused(error) => panic!("{error}"),
        Ending::Removed => panic!("removed"),
    }
}

pub fn presented(profile: Profile) -> PresentedCard {
    PresentedCard::new(VirtualCard::new(profile), Misbehaviour::default())
}

pub fn verify(profile: &Profile, read: &CardRead, icc_data: &[u8]) -> Result<issuer::Verified, IssuerError> {
    let key = IssuerMasterKey::new(profile.issuer_master_key_bytes());
    issuer::verify_arqc(&key, read.pan.expose_digits(), read.psn, icc_data)
}

/// Every built-in card that gives an ARQC, over each of its interfaces.
pub fn readable() -> Vec<(Profile, Interface)> {
    let profiles = BUILT_IN.iter().map(|(name, _)| profile(name));
    let reads = |profile: &Profile| profile.refusal.as_ref().is_none_or(|refusal| refusal.by == RefusedBy::Bank);
    let pairs: Vec<_> = profiles
        .filter(reads)
        .flat_map(|profile| profile.interfaces().into_iter().map(move |interface| (profile.clone(), interface)))
        .collect();
    assert!(pairs.len() > 20, "{}", pairs.len());
    pairs
}
