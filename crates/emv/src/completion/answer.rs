//! What the bank answered: its decision, issuer authentication data and scripts (Book 3 sections 10.9 and 10.10).

use crate::apdu::COMMAND_DATA_BYTES_MAX;
use crate::error::CardError;
use crate::tag::Tag;
use crate::tlv::{self, Mode, Tlv};

/// Most bytes of issuer data one answer may hold: what an ISO 8583 DE 55 does.
pub const ISSUER_DATA_BYTES_MAX: usize = 255;

/// Most scripts of one answer.
pub const SCRIPTS_MAX: usize = 8;

/// Most commands of one answer, over all its scripts.
pub const SCRIPT_COMMANDS_MAX: usize = 32;

/// What the bank decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnlineDecision {
    /// It approved.
    Approved,
    /// It declined.
    Declined,
    /// It was not reached, or did not answer in time.
    UnableToGoOnline,
}

/// The bank's answer, parsed and bounded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuerAnswer {
    pub(super) decision: OnlineDecision,
    pub(super) response_code: [u8; 2],
    pub(super) issuer_authentication: Option<Vec<u8>>,
    pub(super) before_final: Vec<Script>,
    pub(super) after_final: Vec<Script>,
}

/// One issuer script (Book 3 section 10.10; annex E).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Script {
    /// 9F18, or zeros when the issuer gave none.
    pub(super) identifier: [u8; 4],
    /// The commands, in order; `None` when the template could not be parsed, so that none of it is performed.
    pub(super) commands: Option<Vec<Vec<u8>>>,
}

impl IssuerAnswer {
    /// An answer that says nothing but the decision.
    pub fn bare(decision: OnlineDecision) -> Self {
        // Book 4 annex A6: 00 and 05 as the bank would say it, Z3 for "unable to go online, declined".
        let response_code = match decision {
            OnlineDecision::Approved => *b"00",
            OnlineDecision::Declined => *b"05",
            OnlineDecision::UnableToGoOnline => *b"Z3",
        };
        Self { decision, response_code, issuer_authentication: None, before_final: Vec::new(), after_final: Vec::new() }
    }

    /// Reads the DE 55 of the bank's answer: 91, 71 and 72. Other objects are ignored; an empty one says nothing. An
    /// answer that never came has nothing to read.
    ///
    /// # Errors
    /// [`CardError::Malformed`] when it is not TLV, is past the bounds above, gives 91 twice, or gives a 91 that is
    /// not 8 to 16 bytes (Book 3 annex A1). A script that cannot be parsed is no error: it is reported as not
    /// performed.
    pub fn from_icc_data(decision: OnlineDecision, de55: &[u8]) -> Result<Self, CardError> {
        let malformed = CardError::Malformed { at: "the bank's answer" };
        let mut answer = Self::bare(decision);
        if decision == OnlineDecision::UnableToGoOnline {
            return Ok(answer);
        }
        if de55.len() > ISSUER_DATA_BYTES_MAX {
            return Err(malformed);
        }
        let mut commands = 0;
        for object in tlv::read(de55, Mode::Strict).map_err(|_| malformed.clone())? {
            let scripts = match object.tag {
                Tag::ISSUER_AUTHENTICATION => {
                    let acceptable = (8..=16).contains(&object.value.len()) && answer.issuer_authentication.is_none();
                    if !acceptable {
                        return Err(malformed);
                    }
                    answer.issuer_authentication = Some(object.value.to_vec());
                    continue;
                }
                Tag::ISSUER_SCRIPT_1 => &mut answer.before_final,
                Tag::ISSUER_SCRIPT_2 => &mut answer.after_final,
                _ => continue,
            };
            let script = Script::parse(object.value);
            commands += script.commands.as_ref().map_or(0, Vec::len);
            if scripts.len() == SCRIPTS_MAX || commands > SCRIPT_COMMANDS_MAX {
                return Err(malformed);
            }
            scripts.push(script);
        }
        Ok(answer)
    }

    /// Sets tag 8A to the bank's own two characters (DE 39), when it gave them.
    #[must_use]
    pub fn with_response_code(mut self, response_code: [u8; 2]) -> Self {
        if response_code.iter().all(u8::is_ascii_alphanumeric) {
            self.response_code = response_code;
        }
        self
    }

    /// What the bank decided.
    pub fn decision(&self) -> OnlineDecision {
        self.decision
    }
}

impl Script {
    fn parse(template: &[u8]) -> Self {
        let objects = tlv::read(template, Mode::Strict);
        let identifier = match objects.as_deref() {
            Ok([Tlv { tag: Tag::ISSUER_SCRIPT_ID, value }, ..]) => (*value).try_into().unwrap_or_default(),
            _ => [0; 4],
        };
        Self { identifier, commands: objects.ok().and_then(|objects| commands_of(&objects)) }
    }
}

/// The commands of a script: 9F18 at most once and first, then only 86.
fn commands_of(objects: &[Tlv<'_>]) -> Option<Vec<Vec<u8>>> {
    let commands = match objects {
        [first, rest @ ..] if first.tag == Tag::ISSUER_SCRIPT_ID && first.value.len() == 4 => rest,
        all => all,
    };
    let acceptable = |object: &Tlv<'_>| object.tag == Tag::ISSUER_SCRIPT_COMMAND && is_acceptable(object.value);
    let acceptable = !commands.is_empty() && commands.iter().all(acceptable);
    acceptable.then(|| commands.iter().map(|command| command.value.to_vec()).collect())
}

/// Whether a command may go to the card as it is. It must be a short command, and none that this product never
/// sends whoever asks for it: VERIFY (20, 21), which can cost a PIN try, and GENERATE AC (AE), which would make a
/// cryptogram the bank did not decide on.
fn is_acceptable(command: &[u8]) -> bool {
    match command {
        [_, ins, _, _, rest @ ..] => {
            let fits = match rest {
                [] | [_] => true,
                [lc, data @ ..] => {
                    let lc = usize::from(*lc);
                    lc > 0 && (data.len() == lc || data.len() == lc + 1)
                }
            };
            fits && rest.len() <= COMMAND_DATA_BYTES_MAX + 2 && !matches!(ins, 0x20 | 0x21 | 0xAE)
        }
        _ => false,
    }
}
