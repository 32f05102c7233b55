//! Status words this card gives, and what a command answers with.

/// SW1 and SW2.
pub(super) type Status = [u8; 2];

pub(super) const OK: Status = [0x90, 0x00];
pub(super) const INVALIDATED: Status = [0x62, 0x83];
pub(super) const AUTHENTICATION_FAILED: Status = [0x63, 0x00];
pub(super) const MEMORY_FAILURE: Status = [0x65, 0x81];
pub(super) const WRONG_LENGTH: Status = [0x67, 0x00];
pub(super) const PIN_BLOCKED: Status = [0x69, 0x83];
pub(super) const CONDITIONS_NOT_SATISFIED: Status = [0x69, 0x85];
pub(super) const NOT_ALLOWED: Status = [0x69, 0x86];
pub(super) const SECURE_MESSAGING_MISSING: Status = [0x69, 0x87];
pub(super) const SECURE_MESSAGING_WRONG: Status = [0x69, 0x88];
pub(super) const WRONG_DATA: Status = [0x6A, 0x80];
pub(super) const FUNCTION_NOT_SUPPORTED: Status = [0x6A, 0x81];
pub(super) const NOT_FOUND: Status = [0x6A, 0x82];
pub(super) const RECORD_NOT_FOUND: Status = [0x6A, 0x83];
pub(super) const WRONG_PARAMETERS: Status = [0x6A, 0x86];
pub(super) const DATA_NOT_FOUND: Status = [0x6A, 0x88];
pub(super) const INSTRUCTION_NOT_SUPPORTED: Status = [0x6D, 0x00];
pub(super) const CLASS_NOT_SUPPORTED: Status = [0x6E, 0x00];

/// A data field with its status word, or a refusal.
pub(super) type Answer = Result<Reply, Status>;

/// A data field and its status word: 9000, or a warning such as 6283.
pub(super) struct Reply {
    pub(super) data: Vec<u8>,
    pub(super) status: Status,
}

impl From<Vec<u8>> for Reply {
    fn from(data: Vec<u8>) -> Self {
        Self { data, status: OK }
    }
}

impl Reply {
    /// The R-APDU.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [self.data.as_slice(), &self.status].concat()
    }
}
