//! A card made of its answers: a directory, an application, processing options, records, a cryptogram.

use emv::tag::Tag;
use emv::{
    ApplicationChoice, CardError, CardRead, CardSession, Inspection, Interface, ReadPurpose, Step, TerminalData, tlv,
};

/// Answers of one application, in hexadecimal without status word; an empty one is refused with 6A82.
#[derive(Clone, Default)]
pub struct Scripted {
    pub aid: &'static str,
    /// Kernel identifier of the directory entry.
    pub kernel: &'static str,
    /// More objects of the directory entry.
    pub entry: String,
    /// Objects of the FCI's proprietary template.
    pub fci: String,
    /// Answer to GET PROCESSING OPTIONS, or a status word of two bytes.
    pub options: String,
    /// Records of file 1, from number 1.
    pub records: Vec<String>,
    /// Answer to GENERATE AC.
    pub cryptogram: String,
}

/// How a session ended.
pub enum Ending {
    Paid(Box<CardRead>),
    Looked(Box<Inspection>),
    Failed(CardError),
}

impl Ending {
    pub fn paid(self) -> Box<CardRead> {
        match self {
            Self::Paid(read) => read,
            Self::Looked(_) => panic!("it only looked"),
            Self::Failed(error) => panic!("{error}"),
        }
    }

    pub fn looked(self) -> Box<Inspection> {
        match self {
            Self::Looked(read) => read,
            Self::Paid(_) => panic!("it paid"),
            Self::Failed(error) => panic!("{error}"),
        }
    }

    pub fn failed(self) -> CardError {
        match self {
            Self::Failed(error) => error,
            Self::Paid(_) | Self::Looked(_) => panic!("it must fail"),
        }
    }
}

/// One object in hexadecimal.
pub fn object(tag: &str, value: &str) -> String {
    let mut out = Vec::new();
    tlv::write(&mut out, Tag(u32::from_str_radix(tag, 16).unwrap()), &hex::decode(value).unwrap());
    hex::encode_upper(out)
}

pub fn ascii(text: &str) -> String {
    hex::encode_upper(text)
}

impl Scripted {
    pub fn directory(&self) -> String {
        let kernel = if self.kernel.is_empty() { String::new() } else { object("9F2A", self.kernel) };
        let entry = object("61", &(object("4F", self.aid) + &object("87", "01") + &kernel + &self.entry));
        let discretionary = object("BF0C", &entry);
        object("6F", &(object("84", &ascii("2PAY.SYS.DDF01")) + &object("A5", &discretionary)))
    }

    pub fn answer(&self, c_apdu: &[u8]) -> Vec<u8> {
        let text = match (c_apdu[1], c_apdu.get(5..)) {
            (0xA4, Some([0x32, ..])) => self.directory(),
            (0xA4, Some(name)) if hex::encode_upper(&name[..name.len() - 1]) == self.aid => {
                object("6F", &(object("84", self.aid) + &object("A5", &self.fci)))
            }
            (0xA8, _) => self.options.clone(),
            (0xB2, _) if c_apdu[3] == 0x0C => self.records.get(usize::from(c_apdu[2]) - 1).cloned().unwrap_or_default(),
            (0xAE, _) => self.cryptogram.clone(),
            _ => String::new(),
        };
        match text.len() {
            0 => vec![0x6A, 0x82],
            4 => hex::decode(text).unwrap(),
            _ => hex::decode(text + "9000").unwrap(),
        }
    }

    pub fn pay(&self, interface: Interface) -> (Ending, Vec<String>) {
        run(terminal(interface), ReadPurpose::Pay, |c_apdu| self.answer(c_apdu))
    }

    pub fn look(&self) -> Box<Inspection> {
        run(terminal(Interface::Contactless), ReadPurpose::Inspect, |c_apdu| self.answer(c_apdu)).0.looked()
    }
}

pub fn terminal(interface: Interface) -> TerminalData {
    let mut terminal =
        TerminalData::purchase(1000, 978, 276, [0xDE, 0xAD, 0xBE, 0xEF], interface).at([26, 11, 25], [10, 20, 30]);
    terminal.choice = ApplicationChoice::Automatic;
    terminal
}

/// Runs a session; gives the commands it sent.
pub fn run(
    terminal: TerminalData,
    purpose: ReadPurpose,
    mut card: impl FnMut(&[u8]) -> Vec<u8>,
) -> (Ending, Vec<String>) {
    let (mut session, mut c_apdu) = CardSession::start(terminal, purpose);
    let mut sent = Vec::new();
    loop {
        sent.push(hex::encode_upper(&c_apdu));
        match session.advance(&card(&c_apdu)) {
            Ok(Step::Transmit { session: next, c_apdu: command, .. }) => (session, c_apdu) = (*next, command),
            Ok(Step::Choose { session: choosing, .. }) => (session, c_apdu) = choosing.select(0).unwrap(),
            Ok(Step::Done(read)) => return (Ending::Paid(read), sent),
            Ok(Step::Inspected(read)) => return (Ending::Looked(read), sent),
            Err(error) => return (Ending::Failed(error), sent),
        }
    }
}
