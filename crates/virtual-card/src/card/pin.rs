//! GET CHALLENGE and VERIFY (Book 3 sections 6.5.6 and 6.5.12).

use super::VirtualCard;
use super::memory::PIN_TRIES_MAX;
use super::status::{self, Answer};
use crate::profile::OfflinePin;

/// P2 of VERIFY for a PIN in clear (Book 3 table 23).
const PLAINTEXT_PIN: u8 = 0x80;

/// Eight bytes nobody can foretell.
pub(super) fn challenge() -> Answer {
    let mut challenge = vec![0; 8];
    getrandom::fill(&mut challenge).map_err(|_| status::MEMORY_FAILURE)?;
    Ok(challenge.into())
}

impl VirtualCard {
    /// A card without a PIN of its own does not know the command; one with it counts the tries.
    pub(super) fn verify(&mut self, p2: u8, block: &[u8]) -> Answer {
        match self.profile.offline_pin {
            OfflinePin::None => return Err(status::INSTRUCTION_NOT_SUPPORTED),
            OfflinePin::InCard => {}
        }
        self.open()?;
        if p2 != PLAINTEXT_PIN {
            return Err(status::WRONG_PARAMETERS);
        }
        if self.memory.pin_tries_left == 0 {
            return Err(status::PIN_BLOCKED);
        }
        let right = emv::issuer::script_pin_block(&self.profile.pin).map_err(|_| status::MEMORY_FAILURE)?;
        // A block that is none costs no try: control nibble, length and filler are checked first.
        if block.len() != 8 || block[0] >> 4 != 0x2 || block[7] != 0xFF {
            return Err(status::WRONG_DATA);
        }
        if block == right.as_slice() {
            self.memory.pin_tries_left = PIN_TRIES_MAX;
            return Ok(Vec::new().into());
        }
        self.memory.pin_tries_left -= 1;
        Err([0x63, 0xC0 | self.memory.pin_tries_left])
    }
}
