//! After the issuer answered: EXTERNAL AUTHENTICATE, scripts, the second GENERATE AC (Book 3 sections 6.5.4, 10.9 to
//! 10.11).

use emv::issuer::ArpcMethod;
use emv::tag::Tag;

use super::memory::{CardState, PIN_TRIES_MAX};
use super::payment::{Approval, KeyUse, Online, Progress, cryptogram_answer};
use super::results::{Authentication, Kind, mark_first, mark_second};
use super::status::{self, Answer, Status};
use super::{Open, VirtualCard};

/// AIP byte 1 bit 3: issuer authentication is by EXTERNAL AUTHENTICATE (Book 3 annex C1).
const AIP_EXTERNAL_AUTHENTICATION: u8 = 0x04;

/// Card status update byte 2 bit 8: the issuer approves (Book 3 annex C9).
const CSU_APPROVES: u8 = 0x80;

/// Bytes of a MAC in a script command.
const MAC_BYTES: usize = 8;

impl VirtualCard {
    /// EXTERNAL AUTHENTICATE, once for each payment.
    pub(super) fn external_authenticate(&mut self, p1: u8, p2: u8, data: &[u8]) -> Answer {
        let open = self.open()?;
        let Progress::Online(mut online) = open.progress.clone() else { return Err(status::CONDITIONS_NOT_SATISFIED) };
        let wanted = open.behaviour.interchange_profile()[0] & AIP_EXTERNAL_AUTHENTICATION != 0;
        if !wanted || online.authentication != Authentication::NotPerformed {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        }
        if (p1, p2) != (0x00, 0x00) {
            return Err(status::WRONG_PARAMETERS);
        }
        self.check_issuer(&open, &mut online, data)?;
        let authentication = online.authentication;
        self.set_progress(Progress::Online(online));
        match authentication {
            Authentication::Passed => Ok(Vec::new().into()),
            Authentication::Failed | Authentication::NotPerformed => Err(status::AUTHENTICATION_FAILED),
        }
    }

    /// Checks tag 91 (Book 2 section 8.2) and notes what came of it.
    fn check_issuer(&self, open: &Open, online: &mut Online, data: &[u8]) -> Result<(), Status> {
        let version = open.version()?;
        let card = self.card_key(version, KeyUse::Cryptogram)?;
        let key = version.arpc_key(&card, online.atc, online.unpredictable_number);
        let (right, refused) = match version.arpc_method() {
            ArpcMethod::ResponseCode => {
                let (arpc, code) = data.split_first_chunk::<8>().ok_or(status::WRONG_LENGTH)?;
                let code = <[u8; 2]>::try_from(code).map_err(|_| status::WRONG_LENGTH)?;
                (key.arpc_method_1(online.arqc, code) == *arpc, false)
            }
            ArpcMethod::CardStatusUpdate => {
                let (arpc, rest) = data.split_first_chunk::<4>().ok_or(status::WRONG_LENGTH)?;
                let (csu, proprietary) = rest.split_first_chunk::<4>().ok_or(status::WRONG_LENGTH)?;
                if proprietary.len() > 8 {
                    return Err(status::WRONG_LENGTH);
                }
                (key.arpc_method_2(online.arqc, *csu, proprietary) == *arpc, csu[1] & CSU_APPROVES == 0)
            }
        };
        online.authentication = if right { Authentication::Passed } else { Authentication::Failed };
        online.approval = if right && refused { Approval::Refused } else { Approval::NotRefused };
        Ok(())
    }

    /// The second GENERATE AC: a TC when it is asked for and nothing speaks against it, else an AAC.
    pub(super) fn second_cryptogram(&mut self, open: &Open, asked: Kind, mut online: Online, data: &[u8]) -> Answer {
        if asked == Kind::Arqc {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        }
        let sent = open.behaviour.cdol2().split(data).map_err(|_| status::WRONG_LENGTH)?;
        let answer = sent.iter().find(|(tag, _)| *tag == Tag::ISSUER_AUTHENTICATION).map(|(_, value)| value.as_slice());
        // Zeros stand for "the issuer sent none" (Book 3 section 5.4).
        if let Some(answer) = answer.filter(|answer| answer.iter().any(|byte| *byte != 0)) {
            self.check_issuer(open, &mut online, trimmed(answer, open.version()?.arpc_method()))?;
        }
        let refused = online.authentication == Authentication::Failed
            || online.approval == Approval::Refused
            || self.memory.is_blocked(open.index)
            || self.memory.card == CardState::Blocked;
        let kind = if asked == Kind::Tc && !refused { Kind::Tc } else { Kind::Aac };
        self.set_progress(Progress::Spent);
        let covered = second_covers(sent, &online.sent);
        let made = self.make(open, kind, &covered, online.atc, |iad, version| {
            mark_first(iad, version, Kind::Arqc);
            mark_second(iad, version, kind, online.authentication);
        })?;
        if online.authentication == Authentication::Passed {
            self.memory.last_online_atc = online.atc;
        }
        self.set_progress(Progress::Finished(online));
        Ok(cryptogram_answer(open, &made))
    }

    /// A script command, which must carry a right MAC: APPLICATION BLOCK and UNBLOCK, CARD BLOCK, PIN UNBLOCK, PUT DATA
    /// (Book 3 section 6.5).
    pub(super) fn script_command(&mut self, c_apdu: &[u8]) -> Answer {
        let open = self.open()?;
        let (Progress::Online(mut online) | Progress::Finished(mut online)) = open.progress.clone() else {
            return Err(status::CONDITIONS_NOT_SATISFIED);
        };
        let (header, rest) = c_apdu.split_first_chunk::<5>().ok_or(status::WRONG_LENGTH)?;
        let body = rest.get(..usize::from(header[4])).ok_or(status::WRONG_LENGTH)?;
        let Some((data, mac)) = body.split_last_chunk::<MAC_BYTES>() else {
            return Err(status::SECURE_MESSAGING_MISSING);
        };
        let version = open.version()?;
        let card = self.card_key(version, KeyUse::Script)?;
        let expected = version.script_mac(&card, (online.atc, online.arqc), online.script_commands, *header, data);
        if expected != *mac {
            return Err(status::SECURE_MESSAGING_WRONG);
        }
        online.script_commands = online.script_commands.saturating_add(1);
        self.set_progress(match open.progress {
            Progress::Online(_) => Progress::Online(online),
            _ => Progress::Finished(online),
        });
        let [_, ins, p1, p2, _] = *header;
        match (ins, data) {
            (0x1E, []) => self.memory.block(open.index),
            (0x18, []) => self.memory.unblock(open.index),
            (0x16, []) => self.memory.card = CardState::Blocked,
            (0x24, []) if p2 == 0x00 => self.memory.pin_tries_left = PIN_TRIES_MAX,
            (0xDA, value) => {
                let tag = Tag(u32::from(u16::from_be_bytes([p1, p2])));
                self.memory.put(tag, value).ok_or(status::DATA_NOT_FOUND)?;
            }
            _ => return Err(status::WRONG_DATA),
        }
        Ok(Vec::new().into())
    }
}

/// What the second cryptogram covers: what came with it, and what came with the first and not again.
fn second_covers(second: Vec<(Tag, Vec<u8>)>, first: &[(Tag, Vec<u8>)]) -> Vec<(Tag, Vec<u8>)> {
    let earlier: Vec<_> =
        first.iter().filter(|(tag, _)| second.iter().all(|(again, _)| again != tag)).cloned().collect();
    [second, earlier].concat()
}

/// CDOL2 asks for a fixed length, so what the issuer sent may have been filled up with zeros.
fn trimmed(answer: &[u8], method: ArpcMethod) -> &[u8] {
    let length = match method {
        ArpcMethod::ResponseCode => 10,
        ArpcMethod::CardStatusUpdate => 8,
    };
    answer.get(..length).unwrap_or(answer)
}
