//! Using the opened application: GET PROCESSING OPTIONS, records, cryptogram (Book 3 sections 10.1, 10.2, 10.8).

use crate::apdu::{self, COMMAND_DATA_BYTES_MAX, CryptogramSignature, StatusWord};
use crate::application::SelectedApplication;
use crate::cryptogram::{self, Cryptogram, CryptogramKind, GenerateAcAnswer, ProcessingOptions};
use crate::cvm::{CardholderVerification, NoOnlinePin};
use crate::dol::Dol;
use crate::error::CardError;
use crate::kernel::Kernel;
use crate::oda::{DataAuthenticity, PublicKey};
use crate::records::{self, Coverage, RecordAddress};
use crate::session::card_data::{self, CardData, Merge, Origin, Outcome};
use crate::session::offline_authentication::{self, Plan, SignedRecords};
use crate::session::selection;
use crate::session::terminal_checks;
use crate::session::{Context, Phase, ReadPurpose, Stage, Step};
use crate::tag::Tag;
use crate::terminal::{AMOUNT_MINOR_MAX, Interface, TerminalResults};
use crate::tlv::{self, Mode};

/// Records an inspection looks at when a card gives no processing options: files 1 to 3, records 1 to 4.
const PROBED_FILES: u8 = 3;
const PROBED_RECORDS: u8 = 4;

/// File of the German purse that says which card it is.
const PURSE_IDENTIFICATION_SFI: u8 = 23;

/// The opened application and all that was learnt from it.
pub(crate) struct OpenApplication {
    /// What SELECT answered.
    pub(crate) selected: SelectedApplication,
    /// Tag 82.
    pub(crate) aip: Option<[u8; 2]>,
    /// Objects from GET PROCESSING OPTIONS and records.
    pub(crate) card: CardData,
    /// The card's cryptogram, once it gave one.
    pub(crate) cryptogram: Option<Cryptogram>,
    /// What was sent in the command that made the cryptogram.
    pub(crate) sent: Vec<(Tag, Vec<u8>)>,
    /// What the terminal found.
    pub(crate) results: TerminalResults,
    /// How the cardholder is to be verified.
    pub(crate) verification: CardholderVerification,
    /// Why the PIN does not go to the bank; `None` when it does.
    pub(crate) no_online_pin: Option<NoOnlinePin>,
    /// Whose rules the application follows.
    pub(crate) kernel: Kernel,
    /// Values sent with GET PROCESSING OPTIONS, and with GENERATE AC.
    pub(crate) pdol_data: Vec<u8>,
    pub(crate) cdol_data: Vec<u8>,
    /// Records that offline data authentication covers.
    pub(crate) signed: SignedRecords,
    /// The key a signed cryptogram is to be verified with: there is one exactly when a signature is asked for.
    pub(crate) signing_key: Option<PublicKey>,
    /// What came of offline data authentication.
    pub(crate) authenticity: DataAuthenticity,
}

impl OpenApplication {
    fn new(context: &Context, selected: SelectedApplication) -> Self {
        let kernel =
            Kernel::of(context.terminal.interface, selected.summary.kernel.as_deref(), selected.summary.scheme);
        let mut results = TerminalResults::new(selected.summary.scheme, kernel);
        results.authentication = offline_authentication::keys_for(&context.terminal.ca_keys, &selected.df_name);
        Self {
            selected,
            aip: None,
            card: CardData::default(),
            cryptogram: None,
            sent: Vec::new(),
            results,
            verification: CardholderVerification::NotRequired,
            no_online_pin: Some(NoOnlinePin::NoList),
            kernel,
            pdol_data: Vec::new(),
            cdol_data: Vec::new(),
            signed: SignedRecords::default(),
            signing_key: None,
            authenticity: DataAuthenticity::NotPerformed,
        }
    }
}

/// Which command is being answered.
pub(crate) struct ApplicationStage {
    application: OpenApplication,
    awaiting: Awaiting,
}

enum Awaiting {
    /// GET PROCESSING OPTIONS with the card's PDOL.
    ProcessingOptions,
    /// GET PROCESSING OPTIONS with an empty template: an inspection's second try.
    BareProcessingOptions,
    /// READ RECORD of `records[next]`.
    Record { records: Vec<RecordAddress>, next: usize, source: RecordSource },
    /// INTERNAL AUTHENTICATE, which carried `sent`.
    DynamicSignature { key: PublicKey, sent: Vec<u8> },
    /// GENERATE AC. An inspection whose request was refused may ask once more in the other way.
    Cryptogram { other: Option<CryptogramSignature> },
}

/// Why a record is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordSource {
    /// The AFL names it.
    Afl,
    /// The card gave no AFL and an inspection looks anyway.
    Probe,
}

/// Sends GET PROCESSING OPTIONS to the application just opened.
pub(crate) fn initiate(mut context: Context, selected: SelectedApplication) -> Result<Step, CardError> {
    if context.terminal.amount_minor > AMOUNT_MINOR_MAX {
        return Err(CardError::Unsupported { reason: "an amount of more than twelve digits" });
    }
    if context.opened.is_none() {
        context.opened = Some(selected.clone());
    }
    let mut application = OpenApplication::new(&context, selected);
    let pdol = Dol::parse(&application.selected.pdol)?;
    let data = pdol.build(|tag| context.terminal.value(tag, &application.results));
    // Template 83 itself must fit the command too (Book 3 section 6.5.8.3).
    let mut template = Vec::with_capacity(data.bytes.len() + 3);
    tlv::write(&mut template, Tag::COMMAND_TEMPLATE, &data.bytes);
    if template.len() > COMMAND_DATA_BYTES_MAX {
        return Err(CardError::Malformed { at: "PDOL" });
    }
    (application.sent, application.pdol_data) = (data.sent, data.bytes);
    let stage = ApplicationStage { application, awaiting: Awaiting::ProcessingOptions };
    context.transmit(stage.boxed(), Phase::Initiating, apdu::get_processing_options(&template))
}

/// An inspection ends with the first application that tells its number. One that told less is kept for when no other
/// does.
fn looked(mut context: Context, application: OpenApplication, outcome: Outcome) -> Result<Step, CardError> {
    if application.card.pan().is_some() {
        return Ok(card_data::inspected(context, application, outcome));
    }
    let kept = context.kept.take().unwrap_or_else(|| Box::new((application, outcome)));
    if context.candidates.is_empty() {
        let (application, outcome) = *kept;
        return Ok(card_data::inspected(context, application, outcome));
    }
    context.kept = Some(kept);
    selection::next_candidate(context)
}

/// No candidate is left: an error, or what an inspection could see.
pub(crate) fn nothing_left(mut context: Context) -> Result<Step, CardError> {
    let trouble = context.trouble.clone().unwrap_or(CardError::NoApplication);
    if let Some(kept) = context.kept.take() {
        let (application, outcome) = *kept;
        return Ok(card_data::inspected(context, application, outcome));
    }
    match context.opened.take() {
        Some(selected) if context.purpose == ReadPurpose::Inspect => {
            let application = OpenApplication::new(&context, selected);
            let records = if is_purse(&application.selected.df_name) {
                vec![RecordAddress { sfi: PURSE_IDENTIFICATION_SFI, record: 1, coverage: Coverage::Unsigned }]
            } else {
                (1..=PROBED_FILES)
                    .flat_map(|sfi| (1..=PROBED_RECORDS).map(move |record| (sfi, record)))
                    .map(|(sfi, record)| RecordAddress { sfi, record, coverage: Coverage::Unsigned })
                    .collect()
            };
            read_record(context, application, records, 0, RecordSource::Probe)
        }
        _ => Err(trouble),
    }
}

impl ApplicationStage {
    /// What was learnt of the application so far.
    pub(crate) fn into_application(self) -> OpenApplication {
        self.application
    }

    fn boxed(self) -> Stage {
        Stage::Application(Box::new(self))
    }

    /// Takes a complete answer.
    pub(crate) fn answered(self, context: Context, data: &[u8], sw: StatusWord) -> Result<Step, CardError> {
        let Self { application, awaiting } = self;
        match awaiting {
            Awaiting::ProcessingOptions | Awaiting::BareProcessingOptions if sw == StatusWord::OK => {
                processing_options(context, application, data)
            }
            Awaiting::ProcessingOptions => processing_refused(context, application, sw),
            Awaiting::BareProcessingOptions => refused(context, sw),
            Awaiting::Record { records, next, source } => {
                record_answered(context, application, data, sw, records, next, source)
            }
            Awaiting::DynamicSignature { key, sent } => {
                let mut application = application;
                let answer = (sw == StatusWord::OK).then_some(data);
                offline_authentication::challenge_answered(&mut application, &key, &sent, answer);
                ask_for_cryptogram(context, application)
            }
            Awaiting::Cryptogram { other } => cryptogram_answered(context, application, data, sw, other),
        }
    }
}

/// GET PROCESSING OPTIONS was refused.
fn processing_refused(context: Context, mut application: OpenApplication, sw: StatusWord) -> Result<Step, CardError> {
    let bare_may_help = sw == StatusWord::WRONG_LENGTH && !application.selected.pdol.is_empty();
    if bare_may_help && context.purpose == ReadPurpose::Inspect {
        // Some cards refuse the data their own PDOL asks for. Without it a cryptogram would bind nothing, so
        // this is for looking only.
        application.sent.clear();
        let stage = ApplicationStage { application, awaiting: Awaiting::BareProcessingOptions };
        return context.transmit(stage.boxed(), Phase::Initiating, apdu::get_processing_options(&[0x83, 0x00]));
    }
    refused(context, sw)
}

/// Goes to the next candidate, or ends when the refusal is final.
fn refused(mut context: Context, sw: StatusWord) -> Result<Step, CardError> {
    match sw {
        StatusWord::NOT_ALLOWED => return Err(CardError::SeePhone),
        StatusWord::USE_ANOTHER_INTERFACE
            if context.purpose == ReadPurpose::Pay && context.terminal.interface == Interface::Contactless =>
        {
            return Err(CardError::InsertInstead);
        }
        // 6985 sends the terminal back to application selection (Book 3 section 10.1); 6700 is what some
        // cards say instead.
        StatusWord::CONDITIONS_NOT_SATISFIED | StatusWord::WRONG_LENGTH => {
            context.trouble = Some(CardError::Refused);
        }
        sw if context.purpose == ReadPurpose::Inspect => {
            context.trouble = Some(CardError::UnexpectedStatus { at: "GET PROCESSING OPTIONS", sw });
        }
        sw => {
            return Err(CardError::UnexpectedStatus { at: "GET PROCESSING OPTIONS", sw });
        }
    }
    selection::next_candidate(context)
}

fn processing_options(mut context: Context, mut application: OpenApplication, data: &[u8]) -> Result<Step, CardError> {
    let looking = context.purpose == ReadPurpose::Inspect;
    let options = match ProcessingOptions::parse(data) {
        Ok(options) => options,
        Err(error) if looking => {
            context.trouble = Some(error);
            return selection::next_candidate(context);
        }
        Err(error) => return Err(error),
    };
    if options.aip.is_none() && !looking {
        return Err(CardError::Missing { item: "82" });
    }
    application.aip = options.aip;
    application.cryptogram = match options.cryptogram() {
        Some(Err(_)) if looking => None,
        other => other.transpose()?,
    };
    for object in &options.objects {
        if application.card.merge(object.tag, object.value, Origin::ProcessingOptions) == Merge::Repeated && !looking {
            return Err(CardError::Malformed { at: "repeated data object" });
        }
    }
    let records = match options.afl.map(records::parse_afl) {
        Some(Err(_)) if looking => Vec::new(),
        Some(records) => records?,
        None => Vec::new(),
    };
    if records.is_empty() {
        after_records(context, application)
    } else {
        read_record(context, application, records, 0, RecordSource::Afl)
    }
}

fn read_record(
    context: Context,
    application: OpenApplication,
    records: Vec<RecordAddress>,
    next: usize,
    source: RecordSource,
) -> Result<Step, CardError> {
    let Some(address) = records.get(next).copied() else {
        return match source {
            RecordSource::Afl => after_records(context, application),
            RecordSource::Probe => looked(context, application, Outcome::Refused),
        };
    };
    let count = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    let phase = Phase::ReadingRecords { done: count(next), total: count(records.len()) };
    let stage = ApplicationStage { application, awaiting: Awaiting::Record { records, next, source } };
    context.transmit(stage.boxed(), phase, apdu::read_record(address.sfi, address.record))
}

fn record_answered(
    context: Context,
    mut application: OpenApplication,
    data: &[u8],
    sw: StatusWord,
    records: Vec<RecordAddress>,
    next: usize,
    source: RecordSource,
) -> Result<Step, CardError> {
    let looking = context.purpose == ReadPurpose::Inspect;
    let RecordAddress { sfi, coverage, .. } = records[next];
    match sw {
        StatusWord::OK => application.signed.add(coverage, sfi, data),
        _ => application.signed.lost(coverage),
    }
    match sw {
        StatusWord::OK if source == RecordSource::Probe && sfi == PURSE_IDENTIFICATION_SFI => {
            take_purse_identification(&mut application.card, data);
        }
        StatusWord::OK => take_record(&mut application.card, data, sfi, looking)?,
        // A warning comes with what was read.
        sw if looking && sw.is_warning() => take_record(&mut application.card, data, sfi, looking)?,
        // Field cards name records they do not have. What a payment needs is checked afterwards.
        StatusWord::RECORD_NOT_FOUND | StatusWord(0x6A86) => {}
        _ if looking => {}
        sw => {
            return Err(CardError::UnexpectedStatus { at: "READ RECORD", sw });
        }
    }
    read_record(context, application, records, next + 1, source)
}

/// Merges a record's objects. Records of files 1 to 10 are template 70 (Book 3 section 6.5.11.4), or 77 on some
/// cards; what other files hold is the issuer's and not read.
fn take_record(card: &mut CardData, data: &[u8], sfi: u8, looking: bool) -> Result<(), CardError> {
    if sfi > 10 {
        return Ok(());
    }
    let malformed = CardError::Malformed { at: "record" };
    let mode = if looking { Mode::Lenient } else { Mode::Strict };
    let template = tlv::read(data, mode).ok().and_then(|objects| objects.first().copied());
    let template = template.filter(|object| matches!(object.tag, Tag::RECORD_TEMPLATE | Tag::RESPONSE_FORMAT_2));
    let content = match template {
        Some(template) => template.value,
        // Some cards leave the template out: good enough to look at.
        None if looking => data,
        None => return Err(malformed),
    };
    let objects = match tlv::flatten(content, Mode::Lenient) {
        Ok(objects) => objects,
        Err(_) if looking => return Ok(()),
        Err(_) => return Err(malformed),
    };
    for object in objects {
        if card.merge(object.tag, object.value, Origin::Record) == Merge::Repeated && !looking {
            return Err(CardError::Malformed { at: "repeated data object" });
        }
    }
    Ok(())
}

/// The `GeldKarte` purse, which is no EMV application: an inspection only says which card it is.
fn is_purse(df_name: &[u8]) -> bool {
    df_name.starts_with(&[0xD2, 0x76, 0x00, 0x00, 0x25])
}

/// `EF_ID` of the purse: four bytes of bank, five bytes of card number, a check digit, expiry YYMM. Kept under the
/// EMV tags that mean the same.
fn take_purse_identification(card: &mut CardData, data: &[u8]) {
    if let Some([_, _, _, _, number @ .., _, year, month]) = data.first_chunk::<12>() {
        card.merge(Tag::PAN, number, Origin::Record);
        card.merge(Tag::EXPIRY_DATE, &[*year, *month, 0x28], Origin::Record);
    }
}

/// All records are in: ask for the cryptogram unless it came with the processing options.
fn after_records(context: Context, mut application: OpenApplication) -> Result<Step, CardError> {
    if application.cryptogram.is_some() {
        let (aip, kernel) = (application.aip, application.kernel);
        if let Some(said) = kernel.verified(aip, |tag| application.card.get(tag)) {
            application.verification = said.verification;
            application.results.cvm_results = said.results;
            application.no_online_pin = said.no_online_pin;
        }
        offline_authentication::check_fast(&context, &mut application);
        return finish(context, application);
    }
    if application.kernel.is_mag_stripe_only(application.aip, |tag| application.card.get(tag)) {
        return match context.purpose {
            ReadPurpose::Pay => Err(CardError::MagStripeOnly),
            ReadPurpose::Inspect => looked(context, application, Outcome::MagStripeOnly),
        };
    }
    match application.card.get(Tag::CDOL1).map(Dol::parse) {
        Some(Ok(_)) => {}
        _ if context.purpose == ReadPurpose::Inspect => {
            return looked(context, application, Outcome::NoCryptogram);
        }
        Some(Err(error)) => return Err(error),
        None => return Err(CardError::Missing { item: "8C" }),
    }
    check_required(&context, &application)?;
    match offline_authentication::begin(&context, &mut application) {
        Plan::Challenge { key, data } => {
            let c_apdu = apdu::internal_authenticate(&data.bytes);
            let stage =
                ApplicationStage { application, awaiting: Awaiting::DynamicSignature { key, sent: data.bytes } };
            context.transmit(stage.boxed(), Phase::GeneratingCryptogram, c_apdu)
        }
        Plan::Finished => ask_for_cryptogram(context, application),
    }
}

/// First GENERATE AC (Book 3 section 10.7: an online-only terminal asks for an ARQC).
fn ask_for_cryptogram(context: Context, mut application: OpenApplication) -> Result<Step, CardError> {
    terminal_checks::perform(&context, &mut application);
    if context.purpose == ReadPurpose::Pay && terminal_checks::is_denied(&application) {
        return Err(CardError::DeclinedOffline);
    }
    let cdol1 = Dol::parse(application.card.get(Tag::CDOL1).unwrap_or_default())?;
    terminal_checks::hash_for(&context, &mut application, &cdol1)?;
    let data = cdol1.build(|tag| {
        // A CDOL may also ask for what the card itself gave, such as 82 or 5F34.
        context.terminal.value(tag, &application.results).or_else(|| application.card.get(tag).map(<[u8]>::to_vec))
    });
    (application.sent, application.cdol_data) = (data.sent, data.bytes);
    let signature = match application.signing_key {
        Some(_) => CryptogramSignature::Asked,
        None => CryptogramSignature::NotAsked,
    };
    let signs = application.aip.unwrap_or_default()[0] & 0x01 != 0;
    let other = (context.purpose == ReadPurpose::Inspect && signs).then(|| signature.other());
    request_cryptogram(context, application, signature, other)
}

fn request_cryptogram(
    context: Context,
    application: OpenApplication,
    signature: CryptogramSignature,
    other: Option<CryptogramSignature>,
) -> Result<Step, CardError> {
    let c_apdu = apdu::generate_arqc(signature, &application.cdol_data);
    let stage = ApplicationStage { application, awaiting: Awaiting::Cryptogram { other } };
    context.transmit(stage.boxed(), Phase::GeneratingCryptogram, c_apdu)
}

/// Fails early, before the card's counter is used, when a payment could not follow anyway. An inserted card must give
/// its number, its date and both lists (Book 3 section 7.2); over the air Track 2 may stand for the first two, and
/// nobody waits for a second cryptogram.
fn check_required(context: &Context, application: &OpenApplication) -> Result<(), CardError> {
    if context.purpose == ReadPurpose::Inspect {
        return Ok(());
    }
    if context.terminal.interface == Interface::Contact {
        for (tag, item) in [(Tag::PAN, "5A"), (Tag::EXPIRY_DATE, "5F24"), (Tag::CDOL2, "8D")] {
            if application.card.get(tag).is_none() {
                return Err(CardError::Missing { item });
            }
        }
    }
    application.card.card_details().map(drop)
}

fn cryptogram_answered(
    mut context: Context,
    mut application: OpenApplication,
    data: &[u8],
    sw: StatusWord,
    other: Option<CryptogramSignature>,
) -> Result<Step, CardError> {
    // 6Axx refuses the parameters: some cards insist on signing, or on not signing.
    if let (Some(signature), 0x6A) = (other, sw.sw1()) {
        return request_cryptogram(context, application, signature, None);
    }
    let answer = match sw {
        StatusWord::OK => cryptogram::parse_generate_ac(data),
        StatusWord::NOT_ALLOWED => Err(CardError::SeePhone),
        sw => Err(CardError::UnexpectedStatus { at: "GENERATE AC", sw }),
    };
    let looking = context.purpose == ReadPurpose::Inspect;
    let (cryptogram, kind) = match answer {
        Ok(GenerateAcAnswer::Plain(cryptogram)) => {
            // A card that declines signs nothing (Book 2 section 6.6.1).
            if cryptogram.kind != CryptogramKind::Aac {
                offline_authentication::left_unsigned(&mut application);
            }
            (Ok(cryptogram), None)
        }
        Ok(GenerateAcAnswer::Signed(answer)) => {
            (offline_authentication::cryptogram_of(&mut application, &answer), Some(answer.kind()))
        }
        Err(error) => (Err(error), None),
    };
    match cryptogram {
        Ok(cryptogram) => {
            application.cryptogram = Some(cryptogram);
            finish(context, application)
        }
        Err(error) if looking => {
            context.trouble = Some(error);
            looked(context, application, kind.map_or(Outcome::NoCryptogram, outcome_of))
        }
        Err(error) => Err(error),
    }
}

fn outcome_of(kind: CryptogramKind) -> Outcome {
    match kind {
        CryptogramKind::Arqc => Outcome::Arqc,
        CryptogramKind::Tc => Outcome::ApprovedOffline,
        CryptogramKind::Aac => Outcome::DeclinedOffline,
    }
}

/// A cryptogram is there: only an ARQC can pay.
fn finish(context: Context, application: OpenApplication) -> Result<Step, CardError> {
    let kind = application.cryptogram.as_ref().map(|cryptogram| cryptogram.kind);
    match (context.purpose, kind) {
        (ReadPurpose::Pay, Some(CryptogramKind::Arqc)) => card_data::done(&context, application),
        (ReadPurpose::Pay, Some(CryptogramKind::Aac)) => Err(CardError::DeclinedOffline),
        // A card must not approve when it was asked for an ARQC (Book 3 section 9.3).
        (ReadPurpose::Pay, Some(CryptogramKind::Tc)) => Err(CardError::Malformed { at: "cryptogram type" }),
        (ReadPurpose::Pay, None) => Err(CardError::Missing { item: "9F26" }),
        (ReadPurpose::Inspect, kind) => {
            let outcome = kind.map_or(Outcome::NoCryptogram, outcome_of);
            looked(context, application, outcome)
        }
    }
}
