//! Finishing an inserted card after its bank answered: issuer authentication, scripts, second GENERATE AC
//! (Book 3 sections 10.9 to 10.11; Book 4 sections 6.3.8 to 6.3.10).
//!
//! ```text
//! EXTERNAL AUTHENTICATE ─► scripts 71 ─► GENERATE AC, asking for a TC or an AAC ─► scripts 72 ─► Done
//!  (AIP says so, 91 given)                (as the bank decided)
//! ```
//!
//! The bank's decision stands whatever the card says here: an approved payment is approved, and a card that then
//! answers with an AAC is the caller's to take back. So a refusal by the card is part of the [`CompletionResult`],
//! and only an answer that is no R-APDU, or too many of them, is an error.

mod answer;

use std::collections::VecDeque;

use crate::apdu::{self, Exchange, FinalCryptogram, Received, StatusWord};
use crate::cryptogram::{self, Cryptogram, CryptogramKind, GenerateAcAnswer};
use crate::dol::Dol;
use crate::error::CardError;
use crate::session::CardData;
use crate::tag::Tag;
use crate::terminal::{TerminalData, TerminalResults};

use answer::Script;
pub use answer::{ISSUER_DATA_BYTES_MAX, IssuerAnswer, OnlineDecision, SCRIPT_COMMANDS_MAX, SCRIPTS_MAX};

/// How many commands finishing may send, GET RESPONSE included: a card is not to be held for ever.
pub const COMPLETION_EXCHANGES_MAX: u32 = 64;

/// TSI byte 1 bit 5: issuer authentication was performed (Book 3 annex C6).
const TSI_ISSUER_AUTHENTICATION: u8 = 0x10;
/// TSI byte 1 bit 3: script processing was performed.
const TSI_SCRIPTS: u8 = 0x04;
/// TVR byte 5 bit 7: issuer authentication failed (Book 3 annex C5).
const TVR_ISSUER_AUTHENTICATION_FAILED: u8 = 0x40;
/// TVR byte 5 bit 6: script processing failed before the final GENERATE AC.
const TVR_SCRIPT_FAILED_BEFORE: u8 = 0x20;
/// TVR byte 5 bit 5: script processing failed after the final GENERATE AC.
const TVR_SCRIPT_FAILED_AFTER: u8 = 0x10;

/// A card that gave its ARQC and waits, inserted, for what the bank says. It holds secrets, so it has no Debug.
pub struct Completion {
    pub(crate) terminal: TerminalData,
    pub(crate) results: TerminalResults,
    pub(crate) card: CardData,
    pub(crate) aip: [u8; 2],
}

/// Finishing, waiting for the card's next answer.
pub struct CompletionSession {
    context: Completion,
    exchange: Exchange,
    awaiting: Awaiting,
    progress: Progress,
}

/// What to do after an answer.
pub enum CompletionStep {
    /// Send this command and give its answer to [`CompletionSession::advance`].
    Transmit {
        /// The rest.
        completion: Box<CompletionSession>,
        /// The next command.
        c_apdu: Vec<u8>,
    },
    /// Finished; the card may be taken away.
    Done(CompletionResult),
}

/// Whether the card believed that its own bank answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IssuerAuthentication {
    /// The bank gave nothing to check.
    NotPerformed,
    /// The card accepted it.
    Passed,
    /// The card did not.
    Failed,
    /// It went to the card with the second GENERATE AC: the card's cryptogram says what came of it.
    WithCryptogram,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompletionResult {
    /// The card's last word: a TC or an AAC. `None` when it gave none; then [`CompletionResult::trouble`] says why.
    pub cryptogram: Option<Cryptogram>,
    /// Whether the card believed the bank.
    pub issuer_authentication: IssuerAuthentication,
    /// One for each script, as the issuer wants to be told (Book 4 annex A5): result and number of the command, then
    /// the script's identifier.
    pub script_results: Vec<[u8; 5]>,
    /// Tag 95.
    pub tvr: [u8; 5],
    /// Tag 9B.
    pub tsi: [u8; 2],
    /// Why the card gave no cryptogram.
    pub trouble: Option<CardError>,
    /// Commands sent.
    pub exchanges: u32,
}

/// Which command is being answered.
enum Awaiting {
    ExternalAuthenticate,
    ScriptCommand { script: RunningScript, timing: Timing },
    FinalCryptogram,
}

/// When a script is performed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    BeforeFinal,
    AfterFinal,
}

/// A script of which some commands were sent.
struct RunningScript {
    identifier: [u8; 4],
    rest: VecDeque<Vec<u8>>,
    /// Number of the command on its way, from 1.
    number: u8,
}

/// What is still to do and what came of the rest.
struct Progress {
    answer: IssuerAnswer,
    before_final: VecDeque<Script>,
    after_final: VecDeque<Script>,
    result: CompletionResult,
}

impl Completion {
    /// Starts with the bank's answer.
    ///
    /// # Errors
    /// [`CardError`] when the card's own data does not allow even the first command.
    pub fn start(self, answer: &IssuerAnswer) -> Result<CompletionStep, CardError> {
        let progress = Progress {
            before_final: answer.before_final.clone().into(),
            after_final: answer.after_final.clone().into(),
            answer: answer.clone(),
            result: CompletionResult {
                cryptogram: None,
                issuer_authentication: IssuerAuthentication::NotPerformed,
                script_results: Vec::new(),
                tvr: self.results.tvr,
                tsi: self.results.tsi,
                trouble: None,
                exchanges: 0,
            },
        };
        // AIP byte 1 bit 3: the card wants EXTERNAL AUTHENTICATE; otherwise 91 goes with CDOL2 (Book 3 section 10.9).
        match &answer.issuer_authentication {
            Some(data) if self.aip[0] & 0x04 != 0 => {
                transmit(self, progress, Awaiting::ExternalAuthenticate, apdu::external_authenticate(data))
            }
            _ => next_script(self, progress, Timing::BeforeFinal),
        }
    }
}

impl CompletionSession {
    /// Takes the card's answer to the last command.
    ///
    /// # Errors
    /// [`CardError::Malformed`] for what is no R-APDU and [`CardError::TooManyExchanges`]; the card is not finished
    /// then, and the bank's decision stands all the same.
    pub fn advance(self, r_apdu: &[u8]) -> Result<CompletionStep, CardError> {
        let Self { context, exchange, awaiting, mut progress } = self;
        let (data, sw) = match exchange.receive(r_apdu)? {
            Received::Again(exchange, c_apdu) => {
                progress.count_exchange()?;
                let completion = Box::new(Self { context, exchange, awaiting, progress });
                return Ok(CompletionStep::Transmit { completion, c_apdu });
            }
            Received::Complete(data, sw) => (data, sw),
        };
        match awaiting {
            Awaiting::ExternalAuthenticate => {
                progress.authenticated(sw);
                next_script(context, progress, Timing::BeforeFinal)
            }
            Awaiting::ScriptCommand { script, timing } => script_answered(context, progress, script, timing, sw),
            Awaiting::FinalCryptogram => final_answered(context, progress, &data, sw),
        }
    }
}

impl Progress {
    fn count_exchange(&mut self) -> Result<(), CardError> {
        if self.result.exchanges == COMPLETION_EXCHANGES_MAX {
            return Err(CardError::TooManyExchanges);
        }
        self.result.exchanges += 1;
        Ok(())
    }

    fn authenticated(&mut self, sw: StatusWord) {
        self.result.tsi[0] |= TSI_ISSUER_AUTHENTICATION;
        self.result.issuer_authentication = if sw == StatusWord::OK {
            IssuerAuthentication::Passed
        } else {
            self.result.tvr[4] |= TVR_ISSUER_AUTHENTICATION_FAILED;
            IssuerAuthentication::Failed
        };
    }

    /// Book 4 annex A5: the high half says not performed, failed or successful, the low half which command failed.
    fn script_over(&mut self, identifier: [u8; 4], ending: ScriptEnding, timing: Timing) {
        let code = match ending {
            ScriptEnding::NotPerformed => 0x00,
            ScriptEnding::FailedAt(number) => 0x10 | number.min(0x0F),
            ScriptEnding::Successful => 0x20,
        };
        if ending != ScriptEnding::Successful {
            self.result.tvr[4] |= match timing {
                Timing::BeforeFinal => TVR_SCRIPT_FAILED_BEFORE,
                Timing::AfterFinal => TVR_SCRIPT_FAILED_AFTER,
            };
        }
        self.result.tsi[0] |= TSI_SCRIPTS;
        let [a, b, c, d] = identifier;
        self.result.script_results.push([code, a, b, c, d]);
    }
}

/// How a script ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScriptEnding {
    NotPerformed,
    FailedAt(u8),
    Successful,
}

fn transmit(
    context: Completion,
    mut progress: Progress,
    awaiting: Awaiting,
    c_apdu: Vec<u8>,
) -> Result<CompletionStep, CardError> {
    progress.count_exchange()?;
    let exchange = Exchange::new(c_apdu.clone());
    let completion = Box::new(CompletionSession { context, exchange, awaiting, progress });
    Ok(CompletionStep::Transmit { completion, c_apdu })
}

/// Starts the next script of its kind, or goes on when there is none.
fn next_script(context: Completion, mut progress: Progress, timing: Timing) -> Result<CompletionStep, CardError> {
    loop {
        let waiting = match timing {
            Timing::BeforeFinal => &mut progress.before_final,
            Timing::AfterFinal => &mut progress.after_final,
        };
        let Some(script) = waiting.pop_front() else {
            return match timing {
                Timing::BeforeFinal => final_cryptogram(context, progress),
                Timing::AfterFinal => Ok(CompletionStep::Done(progress.result)),
            };
        };
        let identifier = script.identifier;
        let mut rest = VecDeque::from(script.commands.unwrap_or_default());
        if let Some(c_apdu) = rest.pop_front() {
            let script = RunningScript { identifier, rest, number: 1 };
            return transmit(context, progress, Awaiting::ScriptCommand { script, timing }, c_apdu);
        }
        progress.script_over(identifier, ScriptEnding::NotPerformed, timing);
    }
}

/// A script goes on after 90, 62 and 63 and ends at anything else (Book 3 section 10.10).
fn script_answered(
    context: Completion,
    mut progress: Progress,
    mut script: RunningScript,
    timing: Timing,
    sw: StatusWord,
) -> Result<CompletionStep, CardError> {
    if sw != StatusWord::OK && !sw.is_warning() {
        progress.script_over(script.identifier, ScriptEnding::FailedAt(script.number), timing);
        return next_script(context, progress, timing);
    }
    if let Some(c_apdu) = script.rest.pop_front() {
        script.number = script.number.saturating_add(1);
        transmit(context, progress, Awaiting::ScriptCommand { script, timing }, c_apdu)
    } else {
        progress.script_over(script.identifier, ScriptEnding::Successful, timing);
        next_script(context, progress, timing)
    }
}

/// The second GENERATE AC (Book 3 section 10.11). An online-only terminal that was not able to go online asks for
/// an AAC and need not look at the issuer's action codes (Book 3 section 10.7).
fn final_cryptogram(context: Completion, mut progress: Progress) -> Result<CompletionStep, CardError> {
    let cdol2 = match context.card.get(Tag::CDOL2).map(Dol::parse) {
        Some(Ok(cdol2)) => cdol2,
        Some(Err(error)) => return Ok(without_cryptogram(progress, error)),
        None => return Ok(without_cryptogram(progress, CardError::Missing { item: "8D" })),
    };
    let request = match progress.answer.decision {
        OnlineDecision::Approved => FinalCryptogram::Tc,
        OnlineDecision::Declined | OnlineDecision::UnableToGoOnline => FinalCryptogram::Aac,
    };
    let authentication = progress.answer.issuer_authentication.clone();
    if authentication.is_some()
        && cdol2.asks_for(Tag::ISSUER_AUTHENTICATION)
        && progress.result.issuer_authentication == IssuerAuthentication::NotPerformed
    {
        progress.result.issuer_authentication = IssuerAuthentication::WithCryptogram;
    }
    let mut results = context.results.clone();
    (results.tvr, results.tsi) = (progress.result.tvr, progress.result.tsi);
    let data = cdol2.build(|tag| match tag {
        Tag::AUTHORISATION_RESPONSE => Some(progress.answer.response_code.to_vec()),
        Tag::ISSUER_AUTHENTICATION => authentication.clone(),
        _ => context.terminal.value(tag, &results).or_else(|| context.card.get(tag).map(<[u8]>::to_vec)),
    });
    let c_apdu = apdu::generate_final_ac(request, &data.bytes);
    transmit(context, progress, Awaiting::FinalCryptogram, c_apdu)
}

/// The session ends without the card's last word; scripts 72 belong after it, so they are not performed.
fn without_cryptogram(mut progress: Progress, trouble: CardError) -> CompletionStep {
    progress.result.trouble = Some(trouble);
    for script in std::mem::take(&mut progress.after_final) {
        progress.script_over(script.identifier, ScriptEnding::NotPerformed, Timing::AfterFinal);
    }
    CompletionStep::Done(progress.result)
}

fn final_answered(
    context: Completion,
    mut progress: Progress,
    data: &[u8],
    sw: StatusWord,
) -> Result<CompletionStep, CardError> {
    let given = match sw {
        // No signature is asked for here, so one that hides the cryptogram is no answer: the first cryptogram was the one
        // to protect.
        StatusWord::OK => match cryptogram::parse_generate_ac(data) {
            Ok(GenerateAcAnswer::Plain(cryptogram)) => Ok(cryptogram),
            Ok(GenerateAcAnswer::Signed(signed)) => signed.clear().ok_or(CardError::Missing { item: "9F26" }),
            Err(error) => Err(error),
        },
        sw => Err(CardError::UnexpectedStatus { at: "second GENERATE AC", sw }),
    };
    match given {
        // Asked for an AAC a card may give nothing else, and a second ARQC never (Book 3 section 9.3).
        Ok(cryptogram)
            if cryptogram.kind == CryptogramKind::Arqc
                || (cryptogram.kind == CryptogramKind::Tc && progress.answer.decision != OnlineDecision::Approved) =>
        {
            Ok(without_cryptogram(progress, CardError::Malformed { at: "cryptogram type" }))
        }
        Ok(cryptogram) => {
            progress.result.cryptogram = Some(cryptogram);
            next_script(context, progress, Timing::AfterFinal)
        }
        Err(trouble) => Ok(without_cryptogram(progress, trouble)),
    }
}
