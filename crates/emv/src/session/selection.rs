//! Finding and opening an application (Book 1 section 12; Book B section 3.3).

use crate::apdu::{self, Occurrence, StatusWord};
use crate::application::{
    self, ApplicationSummary, CANDIDATES_MAX, DIRECTORY_RECORDS_MAX, KNOWN_AIDS, LAST_RESORT_AIDS, Scheme,
    SelectedApplication,
};
use crate::error::CardError;
use crate::session::payment_application;
use crate::session::{Context, Phase, ReadPurpose, Stage, Step};
use crate::tag::Tag;
use crate::terminal::{ApplicationChoice, Interface};
use crate::tlv;

/// How many further occurrences of one partial name are asked for.
const OCCURRENCES_MAX: u8 = 4;

/// Which SELECT or READ RECORD is being answered.
pub(crate) enum SelectionStage {
    /// SELECT PPSE.
    ContactlessDirectory,
    /// SELECT PSE.
    ContactDirectory,
    /// READ RECORD of the contact directory.
    DirectoryRecord { sfi: u8, record: u8, entries: Vec<ApplicationSummary> },
    /// SELECT of a known AID, for a card without a directory.
    KnownAid { list: &'static [&'static [u8]], index: usize, occurrences: u8 },
    /// Final SELECT of a candidate.
    Candidate(ApplicationSummary),
}

impl SelectionStage {
    /// Takes a complete answer.
    pub(crate) fn answered(self, context: Context, data: &[u8], sw: StatusWord) -> Result<Step, CardError> {
        match self {
            Self::ContactlessDirectory => contactless_directory(context, data, sw),
            Self::ContactDirectory => contact_directory(context, data, sw),
            Self::DirectoryRecord { sfi, record, entries } => directory_record(context, data, sw, sfi, record, entries),
            Self::KnownAid { list, index, occurrences } => known_aid(context, data, sw, list, index, occurrences),
            Self::Candidate(candidate) => candidate_selected(context, data, sw, &candidate),
        }
    }
}

/// Any refusal means "no directory" here, 6700 and 6985 included; only the PSE's 6A81 means a blocked card.
fn contactless_directory(context: Context, data: &[u8], sw: StatusWord) -> Result<Step, CardError> {
    let entries = if sw == StatusWord::OK { application::directory_entries(data) } else { Vec::new() };
    with_directory(context, entries)
}

fn contact_directory(context: Context, data: &[u8], sw: StatusWord) -> Result<Step, CardError> {
    if sw == StatusWord::FUNCTION_NOT_SUPPORTED {
        return Err(CardError::Blocked);
    }
    // The directory's SFI is 1 to 10 (Book 1 section 12.2.3).
    let sfi = tlv::find(data, Tag::SFI).and_then(|value| value.first().copied()).filter(|sfi| (1..=10).contains(sfi));
    match sfi {
        Some(sfi) if sw == StatusWord::OK => read_directory(context, sfi, 1, Vec::new()),
        _ => with_directory(context, Vec::new()),
    }
}

fn read_directory(context: Context, sfi: u8, record: u8, entries: Vec<ApplicationSummary>) -> Result<Step, CardError> {
    let stage = Stage::Selection(SelectionStage::DirectoryRecord { sfi, record, entries });
    context.transmit(stage, Phase::SelectingDirectory, apdu::read_record(sfi, record))
}

fn directory_record(
    context: Context,
    data: &[u8],
    sw: StatusWord,
    sfi: u8,
    record: u8,
    mut entries: Vec<ApplicationSummary>,
) -> Result<Step, CardError> {
    // 6A83 is the regular end; any other refusal ends the directory as well (Book 1 section 12.3.2).
    if sw == StatusWord::OK {
        entries.extend(application::directory_entries(data));
        entries.truncate(CANDIDATES_MAX);
        if record < DIRECTORY_RECORDS_MAX {
            return read_directory(context, sfi, record + 1, entries);
        }
    }
    with_directory(context, entries)
}

/// Takes the directory's entries as candidates, or goes through the known AIDs when none can be used.
fn with_directory(mut context: Context, mut entries: Vec<ApplicationSummary>) -> Result<Step, CardError> {
    application::sort_candidates(&mut entries);
    let (usable, unknown): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| is_payable(&entry.aid));
    context.seen.clone_from(&usable);
    context.candidates = usable;
    if context.purpose == ReadPurpose::Inspect {
        context.seen.extend(unknown.iter().cloned());
        context.candidates.extend(unknown);
    }
    if context.candidates.is_empty() { try_known_aid(context, KNOWN_AIDS, 0) } else { next_candidate(context) }
}

/// Whether the application is one to pay with. D276000025 is the German purse under girocard's name.
fn is_payable(aid: &[u8]) -> bool {
    Scheme::of_aid(aid) != Scheme::Other && !aid.starts_with(&[0xD2, 0x76])
}

/// Whether the cardholder is to be asked in this session.
fn asks(context: &Context) -> bool {
    context.purpose == ReadPurpose::Pay && context.terminal.choice == ApplicationChoice::AskCardholder
}

/// Sends SELECT for the known AID at `index`, or ends the list.
fn try_known_aid(context: Context, list: &'static [&'static [u8]], index: usize) -> Result<Step, CardError> {
    if let Some(aid) = list.get(index) {
        let stage = Stage::Selection(SelectionStage::KnownAid { list, index, occurrences: 0 });
        return context.transmit(stage, Phase::SelectingDirectory, apdu::select(aid, Occurrence::First));
    }
    if !context.candidates.is_empty() {
        return next_candidate(context);
    }
    if std::ptr::eq(list, KNOWN_AIDS) {
        return try_known_aid(context, LAST_RESORT_AIDS, 0);
    }
    Err(context.trouble.unwrap_or(CardError::NoApplication))
}

fn known_aid(
    mut context: Context,
    data: &[u8],
    sw: StatusWord,
    list: &'static [&'static [u8]],
    index: usize,
    occurrences: u8,
) -> Result<Step, CardError> {
    let name = list[index];
    let first_of_session = index == 0 && occurrences == 0 && std::ptr::eq(list, KNOWN_AIDS);
    if sw == StatusWord::FUNCTION_NOT_SUPPORTED && first_of_session {
        return Err(CardError::Blocked);
    }
    if is_blocked(sw) {
        context.trouble = Some(CardError::Blocked);
    }
    if !is_selected(&context, data, sw) {
        return try_known_aid(context, list, index + 1);
    }
    let Ok(selected) = SelectedApplication::parse(data, name, None) else {
        return try_known_aid(context, list, index + 1);
    };
    if !context.seen.iter().any(|seen| seen.aid == selected.summary.aid) {
        context.seen.push(selected.summary.clone());
    }
    if !asks(&context) {
        // The application is open already, and without a directory there is no priority to compare.
        return payment_application::initiate(context, selected);
    }
    let is_partial = selected.df_name.len() > name.len() && selected.df_name.starts_with(name);
    if context.candidates.len() < CANDIDATES_MAX
        && !context.candidates.iter().any(|candidate| candidate.aid == selected.summary.aid)
    {
        context.candidates.push(selected.summary);
    }
    if is_partial && occurrences < OCCURRENCES_MAX {
        let stage = Stage::Selection(SelectionStage::KnownAid { list, index, occurrences: occurrences + 1 });
        return context.transmit(stage, Phase::SelectingDirectory, apdu::select(name, Occurrence::Next));
    }
    try_known_aid(context, list, index + 1)
}

/// 6283 and 6285: the application is there but must not be used (Book 1 section 12.3.3).
fn is_blocked(sw: StatusWord) -> bool {
    matches!(sw, StatusWord::INVALIDATED | StatusWord::TERMINATED)
}

/// Whether the application is open. To look at a blocked application is allowed, to pay with it is not.
fn is_selected(context: &Context, data: &[u8], sw: StatusWord) -> bool {
    sw == StatusWord::OK || (context.purpose == ReadPurpose::Inspect && sw.is_warning() && !data.is_empty())
}

/// Opens the best candidate left, asks when there are several, or ends the session.
pub(crate) fn next_candidate(mut context: Context) -> Result<Step, CardError> {
    let asks = asks(&context);
    let confirmation = |context: &Context| context.candidates.first().is_some_and(|first| first.needs_confirmation);
    if asks && (context.candidates.len() > 1 || confirmation(&context)) {
        return Ok(context.ask());
    }
    if !asks && context.purpose == ReadPurpose::Pay && confirmation(&context) {
        // Bit 8 of the priority forbids use without the cardholder's confirmation (Book 1 table 48): another
        // application goes first, and when there is none the cardholder is asked after all.
        match context.candidates.iter().position(|candidate| !candidate.needs_confirmation) {
            Some(free) => context.candidates.swap(0, free),
            None => return Ok(context.ask()),
        }
    }
    if context.candidates.is_empty() {
        return payment_application::nothing_left(context);
    }
    let candidate = context.candidates.remove(0);
    select_candidate(context, candidate)
}

/// Sends the final SELECT.
pub(crate) fn select_candidate(context: Context, candidate: ApplicationSummary) -> Result<Step, CardError> {
    let c_apdu = apdu::select(&candidate.aid, Occurrence::First);
    let stage = Stage::Selection(SelectionStage::Candidate(candidate));
    context.transmit(stage, Phase::SelectingApplication, c_apdu)
}

fn candidate_selected(
    mut context: Context,
    data: &[u8],
    sw: StatusWord,
    candidate: &ApplicationSummary,
) -> Result<Step, CardError> {
    let contact_payment = context.purpose == ReadPurpose::Pay && context.terminal.interface == Interface::Contact;
    if is_selected(&context, data, sw) {
        match SelectedApplication::parse(data, &candidate.aid, Some(candidate)) {
            // An inserted card must open exactly what it was asked for (Book 1 section 12.4); over the air cards exist
            // that name themselves otherwise.
            Ok(selected) if !contact_payment || selected.named_itself(&candidate.aid) => {
                return payment_application::initiate(context, selected);
            }
            _ => context.trouble = Some(CardError::Malformed { at: "FCI" }),
        }
        return next_candidate(context);
    }
    if contact_payment && sw == StatusWord::FUNCTION_NOT_SUPPORTED {
        return Err(CardError::Blocked);
    }
    context.trouble = Some(match sw {
        sw if is_blocked(sw) || sw == StatusWord::FUNCTION_NOT_SUPPORTED => CardError::Blocked,
        StatusWord::NOT_ALLOWED => CardError::SeePhone,
        // Keep why an application that did open was refused: it tells more than "not found" of the next one.
        _ => context.trouble.take().unwrap_or(CardError::NoApplication),
    });
    next_candidate(context)
}
