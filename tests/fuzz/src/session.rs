//! Card sessions driven to their end, and what must hold of every command they send.

use emv::completion::COMPLETION_EXCHANGES_MAX;
use emv::session::EXCHANGES_MAX;
use emv::{
    CardRead, CardSession, Completion, CompletionStep, Interface, IssuerAnswer, OnlineDecision, ReadPurpose, Step,
    TerminalData,
};

/// Longest short command: header, Lc, 255 bytes, Le (ISO/IEC 7816-4 section 5.1).
const COMMAND_BYTES_MAX: usize = 261;

/// VERIFY, which spends a PIN try, in both its forms.
const VERIFY: [u8; 2] = [0x20, 0x21];

/// GENERATE AC.
const GENERATE_AC: u8 = 0xAE;

/// Bits of P1 of GENERATE AC that say which cryptogram is wanted (Book 3 table 12).
const CRYPTOGRAM_WANTED: u8 = 0xC0;
const TC: u8 = 0x40;
const ARQC: u8 = 0x80;
const AAC: u8 = 0x00;

/// The ways a session can be started.
pub const WAYS: [(Interface, ReadPurpose); 4] = [
    (Interface::Contact, ReadPurpose::Pay),
    (Interface::Contact, ReadPurpose::Inspect),
    (Interface::Contactless, ReadPurpose::Pay),
    (Interface::Contactless, ReadPurpose::Inspect),
];

/// Answers behind their lengths. When they are used up they begin again, as an endless card would.
pub struct Answers<'b> {
    answers: Vec<&'b [u8]>,
    next: usize,
}

impl<'b> Answers<'b> {
    pub fn new(mut rest: &'b [u8]) -> Self {
        let mut answers = Vec::new();
        while let Some((&length, after)) = rest.split_first() {
            let (answer, after) = after.split_at(usize::from(length).min(after.len()));
            answers.push(answer);
            rest = after;
        }
        Self { answers, next: 0 }
    }

    pub fn next(&mut self) -> Vec<u8> {
        let answer = self.answers.get(self.next).map_or(&[0x6A, 0x82][..], |answer| answer);
        self.next = if self.next + 1 < self.answers.len() { self.next + 1 } else { 0 };
        answer.to_vec()
    }
}

/// Runs a session until it ends, whatever `answer` says to each command; gives the card if it was read to pay.
pub fn drive(
    (interface, purpose): (Interface, ReadPurpose),
    choice: usize,
    mut answer: impl FnMut(&[u8]) -> Vec<u8>,
) -> Option<Box<CardRead>> {
    let terminal = TerminalData::purchase(1280, 978, 276, [9; 4], interface).at([26, 11, 22], [9, 5, 7]);
    let (mut session, mut c_apdu) = CardSession::start(terminal, purpose);
    let mut sent = 0;
    loop {
        sent += 1;
        assert!(sent <= EXCHANGES_MAX, "a session without end");
        check_command(&c_apdu, ARQC);
        let step = match session.advance(&answer(&c_apdu)) {
            Ok(step) => step,
            Err(error) => {
                assert!(error.code().starts_with("card."));
                return None;
            }
        };
        (session, c_apdu) = match step {
            Step::Transmit { session, c_apdu, .. } => (*session, c_apdu),
            Step::Choose { session, applications } => {
                assert!(!applications.is_empty(), "there is something to choose from");
                match session.select(choice % applications.len()) {
                    Ok(next) => next,
                    Err(error) => {
                        assert!(error == emv::CardError::TooManyExchanges, "an offered application can be chosen");
                        return None;
                    }
                }
            }
            Step::Done(read) => {
                assert!(read.pan.is_complete(), "nothing is paid with half a number");
                assert!(read.exchanges == sent && purpose == ReadPurpose::Pay);
                return Some(read);
            }
            Step::Inspected(seen) => {
                assert!(seen.exchanges == sent && purpose == ReadPurpose::Inspect);
                return None;
            }
        };
    }
}

/// Finishes an inserted card with the bank's answer, whatever the card says to it.
pub fn finish(
    completion: Completion,
    decision: OnlineDecision,
    bank: &IssuerAnswer,
    mut answer: impl FnMut(&[u8]) -> Vec<u8>,
) {
    let wanted = if decision == OnlineDecision::Approved { TC } else { AAC };
    let mut sent = 0;
    let mut step = completion.start(bank);
    while let Ok(CompletionStep::Transmit { completion, c_apdu }) = step {
        sent += 1;
        assert!(sent <= COMPLETION_EXCHANGES_MAX, "finishing without end");
        check_command(&c_apdu, wanted);
        step = completion.advance(&answer(&c_apdu));
    }
    if let Ok(CompletionStep::Done(result)) = step {
        assert_eq!(result.exchanges, sent);
    }
}

/// No command is too long, spends a PIN try, or asks for a cryptogram that was not decided on.
fn check_command(c_apdu: &[u8], wanted: u8) {
    assert!((4..=COMMAND_BYTES_MAX).contains(&c_apdu.len()), "a command of {} bytes", c_apdu.len());
    let instruction = c_apdu[1];
    assert!(!VERIFY.contains(&instruction), "a session spends no PIN try");
    assert!(instruction != GENERATE_AC || c_apdu[2] & CRYPTOGRAM_WANTED == wanted, "another cryptogram is asked for");
}
