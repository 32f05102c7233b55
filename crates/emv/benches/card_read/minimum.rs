//! The least a payment must exchange with a card, from what the card itself says about its files.
//!
//! - the directory: SELECT of the PPSE (Book B section 3.3.2), or of the PSE and READ RECORD of its directory until a
//!   record is not found (Book 1 section 12.3.2). The other way, trying a list of AIDs, costs a SELECT for each;
//! - SELECT of one application (Book 1 section 12.4; Book B section 3.3.3);
//! - GET PROCESSING OPTIONS (Book 3 section 10.1);
//! - READ RECORD for every record the AFL names: a terminal must read them all (Book 3 section 10.2);
//! - GENERATE AC (Book 3 section 10.8), unless the processing options held the cryptogram (Book C-3);
//! - over T=0, the GET RESPONSE or the same command again that a card asks for by 61xx or 6Cxx (Book 1
//!   section 9.3.1.2).
//!
//! Nothing else is needed: offline data authentication by SDA, fDDA and CDA costs no exchange of its own, and
//! INTERNAL AUTHENTICATE is left out where the bank is asked in any case.

use emv::Interface;
use emv::records::{RecordAddress, parse_afl};
use emv::tag::Tag;
use emv::tlv;

use crate::Exchange;

/// The directory's short file identifier in the PSE's FCI.
const DIRECTORY_SFI: Tag = Tag(0x88);

/// Those exchanges of a read that the standard asks for.
///
/// # Panics
/// When one that it asks for is not among them: then the read was no payment.
pub fn of(exchanges: &[Exchange], interface: Interface) -> Vec<&Exchange> {
    let read = Read(exchanges);
    let mut least = Vec::new();
    match interface {
        Interface::Contactless => least.extend(read.first(|c| c.starts_with(b"\x00\xA4\x04\x00\x0E2PAY"))),
        Interface::Contact => {
            let directory = read.first(|c| c.starts_with(b"\x00\xA4\x04\x00\x0E1PAY"));
            let sfi = tlv::find(&data(&directory), DIRECTORY_SFI).expect("a PSE names its directory")[0];
            least.extend(directory);
            for record in 1..=u8::MAX {
                let answered = read.first(|c| is_read(c, sfi, record));
                let found = data(&answered).first() == Some(&0x70);
                least.extend(answered);
                if !found {
                    break;
                }
            }
        }
    }
    let options = read.last(|c| c.starts_with(&[0x80, 0xA8]));
    let opened = read.last(|c| c.starts_with(&[0x00, 0xA4, 0x04]) && !c.ends_with(b"PAY.SYS.DDF01\x00"));
    least.extend(opened);
    let answer = data(&options);
    least.extend(options);
    for address in afl(&answer) {
        least.extend(read.last(|c| is_read(c, address.sfi, address.record)));
    }
    if tlv::find(&answer, Tag::CRYPTOGRAM).is_none() {
        least.extend(read.first(|c| c.starts_with(&[0x80, 0xAE])));
    }
    least
}

/// The records that the processing options name: in tag 94, or behind the two bytes of AIP in format 1.
fn afl(options: &[u8]) -> Vec<RecordAddress> {
    let format_1 = tlv::find(options, Tag::RESPONSE_FORMAT_1).and_then(|value| value.get(2..));
    let afl = tlv::find(options, Tag::AFL).or(format_1).filter(|afl| !afl.is_empty());
    afl.map(|afl| parse_afl(afl).expect("a good card's AFL")).unwrap_or_default()
}

fn is_read(c_apdu: &[u8], sfi: u8, record: u8) -> bool {
    c_apdu.starts_with(&[0x00, 0xB2, record, (sfi << 3) | 0x04])
}

/// The data of a command's whole answer: of its last part, over T=0.
fn data(exchanges: &[&Exchange]) -> Vec<u8> {
    exchanges.iter().flat_map(|exchange| &exchange.r_apdu[..exchange.r_apdu.len() - 2]).copied().collect()
}

/// A read, to look up exchanges in.
struct Read<'e>(&'e [Exchange]);

impl<'e> Read<'e> {
    fn first(&self, is_wanted: impl Fn(&[u8]) -> bool) -> Vec<&'e Exchange> {
        self.with_continuation(self.0.iter().position(|exchange| is_wanted(&exchange.c_apdu)))
    }

    fn last(&self, is_wanted: impl Fn(&[u8]) -> bool) -> Vec<&'e Exchange> {
        let last = self.0.iter().rposition(|exchange| is_wanted(&exchange.c_apdu));
        // A command sent again for 6Cxx looks the same: the first of the two is meant.
        let asked_again = |at: &usize| at.checked_sub(1).is_some_and(|before| self.0[before].asks_for_length());
        self.with_continuation(last.map(|at| if asked_again(&at) { at - 1 } else { at }))
    }

    fn with_continuation(&self, at: Option<usize>) -> Vec<&'e Exchange> {
        let rest = &self.0[at.expect("a payment sends every command the standard asks for")..];
        let parts = 1 + rest.iter().take_while(|exchange| exchange.goes_on()).count();
        rest[..parts].iter().collect()
    }
}

impl Exchange {
    fn sw1(&self) -> u8 {
        self.r_apdu[self.r_apdu.len() - 2]
    }

    fn asks_for_length(&self) -> bool {
        self.sw1() == 0x6C
    }

    fn goes_on(&self) -> bool {
        matches!(self.sw1(), 0x61 | 0x6C)
    }
}
