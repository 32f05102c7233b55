//! Command and response APDUs (ISO/IEC 7816-4; Book 1 section 9.4, Book 3 section 6.3).

use std::fmt;

use zeroize::Zeroizing;

use crate::error::CardError;

/// Longest data field of a short command APDU, in bytes.
pub const COMMAND_DATA_BYTES_MAX: usize = 255;

/// How many GET RESPONSE commands may follow one command.
pub const GET_RESPONSE_MAX: u8 = 16;

/// Most bytes of one answer with all its parts: what GET RESPONSE can fetch, and the first part.
const ANSWER_BYTES_MAX: usize = 256 * (GET_RESPONSE_MAX as usize + 1);

/// SW1 SW2 of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// Done.
    pub const OK: Self = Self(0x9000);
    /// Selected file invalidated: the application is blocked.
    pub const INVALIDATED: Self = Self(0x6283);
    /// Selected file in termination state.
    pub const TERMINATED: Self = Self(0x6285);
    /// Wrong length.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// Referenced data invalidated; from a contactless card, "use another interface" (Book C-3).
    pub const USE_ANOTHER_INTERFACE: Self = Self(0x6984);
    /// Conditions of use not satisfied.
    pub const CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    /// Command not allowed; from a phone, "look at my screen".
    pub const NOT_ALLOWED: Self = Self(0x6986);
    /// Function not supported; to the first SELECT it means "card blocked" (Book 1 section 12.3.2).
    pub const FUNCTION_NOT_SUPPORTED: Self = Self(0x6A81);
    /// File or application not found.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// Record not found.
    pub const RECORD_NOT_FOUND: Self = Self(0x6A83);
    /// Referenced data not found.
    pub const INSTRUCTION_NOT_SUPPORTED: Self = Self(0x6D00);

    /// The first byte.
    pub const fn sw1(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// The second byte.
    pub const fn sw2(self) -> u8 {
        self.0.to_be_bytes()[1]
    }

    /// A warning (62xx, 63xx): the command was carried out.
    pub const fn is_warning(self) -> bool {
        matches!(self.sw1(), 0x62 | 0x63)
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Splits an R-APDU into data and status word.
///
/// # Errors
/// [`CardError::Malformed`] when it is shorter than a status word.
pub fn split_response(r_apdu: &[u8]) -> Result<(&[u8], StatusWord), CardError> {
    match r_apdu {
        [data @ .., sw1, sw2] => Ok((data, StatusWord(u16::from_be_bytes([*sw1, *sw2])))),
        _ => Err(CardError::Malformed { at: "status word" }),
    }
}

/// A short command with a data field and Le = 00 (case 4).
fn case_4(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    debug_assert!(data.len() <= COMMAND_DATA_BYTES_MAX, "callers bound the data field");
    let mut c_apdu = Vec::with_capacity(6 + data.len());
    c_apdu.extend_from_slice(&header);
    c_apdu.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
    c_apdu.extend_from_slice(data);
    c_apdu.push(0x00);
    c_apdu
}

/// SELECT by name (Book 1 section 11.3). `next` asks for the next occurrence of a partial name.
pub(crate) fn select(name: &[u8], occurrence: Occurrence) -> Vec<u8> {
    let p2 = match occurrence {
        Occurrence::First => 0x00,
        Occurrence::Next => 0x02,
    };
    case_4([0x00, 0xA4, 0x04, p2], name)
}

/// Which occurrence of a partial name SELECT asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occurrence {
    /// First or only.
    First,
    /// Next.
    Next,
}

/// READ RECORD (Book 3 section 6.5.11).
pub(crate) fn read_record(sfi: u8, record: u8) -> Vec<u8> {
    vec![0x00, 0xB2, record, (sfi << 3) | 0x04, 0x00]
}

/// GET PROCESSING OPTIONS (Book 3 section 6.5.8); `data` is command template 83.
pub(crate) fn get_processing_options(data: &[u8]) -> Vec<u8> {
    case_4([0x80, 0xA8, 0x00, 0x00], data)
}

/// GENERATE AC asking for an ARQC (Book 3 section 6.5.5). There is no way to ask for a TC or an AAC here.
pub(crate) fn generate_arqc(signature: CryptogramSignature, cdol_data: &[u8]) -> Vec<u8> {
    let p1 = match signature {
        CryptogramSignature::NotAsked => 0x80,
        CryptogramSignature::Asked => 0x90,
    };
    case_4([0x80, 0xAE, p1, 0x00], cdol_data)
}

/// Whether the card is to sign its cryptogram: combined data authentication (Book 2 section 6.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CryptogramSignature {
    /// No.
    NotAsked,
    /// Yes.
    Asked,
}

impl CryptogramSignature {
    /// The other way to ask.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::NotAsked => Self::Asked,
            Self::Asked => Self::NotAsked,
        }
    }
}

/// INTERNAL AUTHENTICATE (Book 3 section 6.5.9).
pub(crate) fn internal_authenticate(ddol_data: &[u8]) -> Vec<u8> {
    case_4([0x00, 0x88, 0x00, 0x00], ddol_data)
}

/// GENERATE AC after the bank answered (Book 3 section 6.5.5). What is asked for follows the bank's decision alone.
pub(crate) fn generate_final_ac(request: FinalCryptogram, cdol_data: &[u8]) -> Vec<u8> {
    let p1 = match request {
        FinalCryptogram::Tc => 0x40,
        FinalCryptogram::Aac => 0x00,
    };
    case_4([0x80, 0xAE, p1, 0x00], cdol_data)
}

/// What the second GENERATE AC asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FinalCryptogram {
    /// The bank approved.
    Tc,
    /// It did not.
    Aac,
}

/// EXTERNAL AUTHENTICATE with tag 91, of 8 to 16 bytes (Book 3 section 6.5.4); a command without Le.
pub(crate) fn external_authenticate(issuer_authentication: &[u8]) -> Vec<u8> {
    let mut c_apdu = case_4([0x00, 0x82, 0x00, 0x00], issuer_authentication);
    c_apdu.pop();
    c_apdu
}

/// Whether a short command ends in Le: cases 2 and 4 of ISO/IEC 7816-3 section 12.1.
fn has_le(c_apdu: &[u8]) -> bool {
    match c_apdu.get(4) {
        Some(_) if c_apdu.len() == 5 => true,
        Some(&lc) => lc > 0 && c_apdu.len() == 6 + usize::from(lc),
        None => false,
    }
}

/// The command as a T=0 card must be sent it: the Le of a case 4 command goes out as a GET RESPONSE later
/// (ISO/IEC 7816-3; Book 1 section 9.3.1.1). Readers that speak T=0 by themselves take the command unchanged.
pub fn without_le_for_t0(c_apdu: &[u8]) -> &[u8] {
    match c_apdu.get(4) {
        Some(&lc) if lc > 0 && c_apdu.len() == 6 + usize::from(lc) => &c_apdu[..c_apdu.len() - 1],
        _ => c_apdu,
    }
}

/// One command on its way, with the T=0 continuations 61xx and 6Cxx hidden from the layers above
/// (Book 1 section 9.3.1.2).
pub(crate) struct Exchange {
    command: Vec<u8>,
    collected: Zeroizing<Vec<u8>>,
    get_responses: u8,
    reissued: bool,
}

/// What an R-APDU means for the command on its way.
pub(crate) enum Received {
    /// Send this as well.
    Again(Exchange, Vec<u8>),
    /// The whole answer.
    Complete(Zeroizing<Vec<u8>>, StatusWord),
}

impl Exchange {
    /// A command about to be sent.
    pub(crate) fn new(command: Vec<u8>) -> Self {
        Self {
            command, // Room for everything at once: growing would leave card data behind in freed memory.
            collected: Zeroizing::new(Vec::with_capacity(ANSWER_BYTES_MAX)),
            get_responses: 0,
            reissued: false,
        }
    }

    /// Takes an R-APDU.
    pub(crate) fn receive(mut self, r_apdu: &[u8]) -> Result<Received, CardError> {
        let (data, sw) = split_response(r_apdu)?;
        if self.collected.len() + data.len() > ANSWER_BYTES_MAX {
            return Err(CardError::Malformed { at: "length of an answer" });
        }
        match sw.sw1() {
            0x61 => {
                if self.get_responses == GET_RESPONSE_MAX {
                    return Err(CardError::TooManyExchanges);
                }
                self.get_responses += 1;
                self.reissued = false;
                self.collected.extend_from_slice(data);
                self.command = vec![0x00, 0xC0, 0x00, 0x00, sw.sw2()];
                let again = self.command.clone();
                Ok(Received::Again(self, again))
            }
            // A command without Le has no wrong Le: its 6Cxx is an ordinary refusal.
            0x6C if has_le(&self.command) => {
                if self.reissued {
                    return Err(CardError::Malformed { at: "6Cxx repeated" });
                }
                self.reissued = true;
                let again = with_le(&self.command, sw.sw2());
                self.command.clone_from(&again);
                Ok(Received::Again(self, again))
            }
            _ => {
                self.collected.extend_from_slice(data);
                Ok(Received::Complete(self.collected, sw))
            }
        }
    }
}

/// The same command with another Le.
fn with_le(command: &[u8], le: u8) -> Vec<u8> {
    let mut again = command.to_vec();
    if let Some(last) = again.last_mut() {
        *last = le;
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t0_drops_le_of_case_4_only() {
        assert_eq!(without_le_for_t0(&read_record(1, 1)), &[0x00, 0xB2, 0x01, 0x0C, 0x00]);
        assert_eq!(without_le_for_t0(&get_processing_options(&[0x83, 0x00])), &[0x80, 0xA8, 0, 0, 2, 0x83, 0]);
    }

    #[test]
    fn endless_61_ends() {
        let mut exchange = Exchange::new(read_record(1, 1));
        for _ in 0..GET_RESPONSE_MAX {
            exchange = match exchange.receive(&[0x61, 0x10]) {
                Ok(Received::Again(exchange, _)) => exchange,
                _ => panic!("61xx must ask for more"),
            };
        }
        assert!(matches!(exchange.receive(&[0x61, 0x10]), Err(CardError::TooManyExchanges)));
    }

    #[test]
    fn a_command_without_le_is_not_changed_by_6c() {
        let script = vec![0x84, 0x24, 0x00, 0x00, 0x04, 1, 2, 3, 4];
        assert!(matches!(Exchange::new(script).receive(&[0x6C, 0x10]), Ok(Received::Complete(_, StatusWord(0x6C10)))));
        assert_eq!(external_authenticate(&[7; 8])[..6], [0x00, 0x82, 0x00, 0x00, 0x08, 7]);
        assert_eq!(external_authenticate(&[7; 8]).len(), 13);
    }

    #[test]
    fn repeated_6c_is_refused() {
        let Ok(Received::Again(exchange, again)) = Exchange::new(read_record(1, 1)).receive(&[0x6C, 0x4F]) else {
            panic!("6Cxx must re-issue");
        };
        assert_eq!(again, [0x00, 0xB2, 0x01, 0x0C, 0x4F]);
        assert!(exchange.receive(&[0x6C, 0x50]).is_err());
    }
}
