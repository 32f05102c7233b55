//! What a session hands over: the card's data objects, and the two results made of them.

use zeroize::Zeroizing;

use crate::application::{ApplicationSummary, Scheme};
use crate::card_number::CardNumber;
use crate::completion::Completion;
use crate::cryptogram::Cryptogram;
use crate::cvm::{CardholderVerification, NoOnlinePin};
use crate::de55;
use crate::dol::Dol;
use crate::error::CardError;
use crate::kernel::Kernel;
use crate::oda::DataAuthenticity;
use crate::session::payment_application::OpenApplication;
use crate::session::{Context, Step};
use crate::stripe::Track1;
use crate::tag::Tag;
use crate::terminal::Interface;
use crate::tlv;
use crate::track2::Track2;

/// Most bytes of DE 55 (ISO 8583: b..255).
pub const ICC_DATA_BYTES_MAX: usize = 255;

/// A card read to pay. It holds secrets, so it has no Debug.
pub struct CardRead {
    /// Whose card it is; [`Scheme::of_aid`] says whose application was used.
    pub scheme: Scheme,
    /// DF name of the application used.
    pub aid: Vec<u8>,
    /// Its label.
    pub label: String,
    /// Primary account number.
    pub pan: CardNumber,
    /// Track 2 equivalent data.
    pub track2: Option<Track2>,
    /// Expiry, ASCII digits YYMM.
    pub expiry_yymm: [u8; 4],
    /// PAN sequence number.
    pub psn: Option<u8>,
    /// Every application the card named.
    pub applications: Vec<ApplicationSummary>,
    /// How the card was reached.
    pub interface: Interface,
    /// DE 55: BER-TLV with exactly the values the card's cryptogram covers. No PAN in it.
    pub icc_data: Vec<u8>,
    /// The ARQC.
    pub cryptogram: Cryptogram,
    /// How the cardholder is to be verified.
    pub verification: CardholderVerification,
    /// Why the PIN is not to go to the bank; `None` when it is.
    pub no_online_pin: Option<NoOnlinePin>,
    /// Whether the phone or watch has verified its owner.
    pub cdcvm: bool,
    /// Whose rules the application followed.
    pub kernel: Kernel,
    /// Whether the card was shown to be what its issuer made.
    pub authenticity: DataAuthenticity,
    /// Tag 95, as the card was told.
    pub tvr: [u8; 5],
    /// Tag 9B: what was done with the card so far.
    pub tsi: [u8; 2],
    /// How to finish the card once its bank answered: an inserted card waits for it, a tapped one is gone.
    pub completion: Option<Box<Completion>>,
    /// Commands sent.
    pub exchanges: u32,
}

/// How an inspection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The card gave an ARQC.
    Arqc,
    /// The card gave a TC.
    ApprovedOffline,
    /// The card gave an AAC.
    DeclinedOffline,
    /// The card only offers its stripe over the air.
    MagStripeOnly,
    /// The card's data was read, but it gave no cryptogram.
    NoCryptogram,
    /// An application opened, but it refused to go on.
    Refused,
    /// The card was taken away before it was done.
    Interrupted,
}

impl Outcome {
    /// A stable code for interfaces.
    pub fn code(self) -> &'static str {
        match self {
            Self::Arqc => "arqc",
            Self::ApprovedOffline => "approved_offline",
            Self::DeclinedOffline => "declined_offline",
            Self::MagStripeOnly => "mag_stripe_only",
            Self::NoCryptogram => "no_cryptogram",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A card read to look: everything it gave, which may be little.
pub struct Inspection {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended early, when it did.
    pub trouble: Option<CardError>,
    /// Whose card it is.
    pub scheme: Scheme,
    /// The application looked at.
    pub application: ApplicationSummary,
    /// Primary account number.
    pub pan: Option<CardNumber>,
    /// Track 2 equivalent data.
    pub track2: Option<Track2>,
    /// Expiry, ASCII digits YYMM; 5F24 before Track 2.
    pub expiry_yymm: Option<[u8; 4]>,
    /// PAN sequence number.
    pub psn: Option<u8>,
    /// Every application the card named.
    pub applications: Vec<ApplicationSummary>,
    /// How the card was reached.
    pub interface: Interface,
    /// The cryptogram, when there was one.
    pub cryptogram: Option<Cryptogram>,
    /// How the cardholder would be verified.
    pub verification: CardholderVerification,
    /// Why the PIN would not go to the bank; `None` when it would.
    pub no_online_pin: Option<NoOnlinePin>,
    /// Whose rules the application followed.
    pub kernel: Kernel,
    /// Tag 95, as the card was told.
    pub tvr: [u8; 5],
    /// Tag 9B.
    pub tsi: [u8; 2],
    /// Whether the card was shown to be what its issuer made.
    pub authenticity: DataAuthenticity,
    /// Commands sent.
    pub exchanges: u32,
}

/// The card's primitive data objects. The first value of a tag stands.
#[derive(Default)]
pub(crate) struct CardData(Vec<CardObject>);

/// One object of the card.
struct CardObject {
    tag: Tag,
    value: Zeroizing<Vec<u8>>,
    origin: Origin,
}

/// Which answer an object came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// GET PROCESSING OPTIONS.
    ProcessingOptions,
    /// A record.
    Record,
}

/// What happened to a merged object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Merge {
    /// It is new, or the processing options gave this very value before.
    Taken,
    /// It is there already, which Book 3 section 10.2 forbids; the first value stands.
    Repeated,
}

/// The parts of [`CardRead`] that come from records.
pub(crate) struct CardDetails {
    pan: CardNumber,
    track2: Option<Track2>,
    expiry_yymm: [u8; 4],
    psn: Option<u8>,
}

impl CardData {
    pub(crate) fn merge(&mut self, tag: Tag, value: &[u8], origin: Origin) -> Merge {
        match self.0.iter().find(|object| object.tag == tag) {
            Some(present) if present.value.as_slice() == value && present.origin == Origin::ProcessingOptions => {
                Merge::Taken
            }
            Some(_) => Merge::Repeated,
            None => {
                self.0.push(CardObject { tag, value: Zeroizing::new(value.to_vec()), origin });
                Merge::Taken
            }
        }
    }

    /// Keeps what finishing the card may ask for, CDOL2 and its objects, and wipes the rest. Account data goes in any
    /// case: it must not outlive the sealing, however long the bank takes.
    fn for_completion(mut self) -> Self {
        let cdol2 = self.get(Tag::CDOL2).and_then(|list| Dol::parse(list).ok());
        let is_asked_for = |tag| cdol2.as_ref().is_some_and(|cdol2| cdol2.asks_for(tag));
        self.0.retain(|object| object.tag == Tag::CDOL2 || (is_asked_for(object.tag) && !is_account_data(object.tag)));
        self
    }

    /// Keeps what the terminal found out from the card's signatures, when the card did not give it itself.
    pub(crate) fn keep(&mut self, tag: Tag, value: &[u8]) {
        let _ = self.merge(tag, value, Origin::Record);
    }

    pub(crate) fn get(&self, tag: Tag) -> Option<&[u8]> {
        self.0.iter().find(|object| object.tag == tag).map(|object| object.value.as_slice())
    }

    /// 57, else the stripe data of a mag-stripe mode card (tag 56 of such cards is often garbage, so unused).
    fn track2(&self) -> Option<Track2> {
        [Tag::TRACK_2, Tag::TRACK_2_MAG_STRIPE].into_iter().find_map(|tag| self.get(tag).and_then(Track2::parse))
    }

    /// 5A, else the PAN of Track 2, else that of Track 1.
    pub(crate) fn pan(&self) -> Option<CardNumber> {
        let primary = self.get(Tag::PAN).and_then(CardNumber::from_compressed);
        primary
            .or_else(|| self.track2().map(|track2| track2.card_number()))
            .or_else(|| self.track1().map(|track1| track1.card_number().duplicate()))
    }

    /// 56, which only cards in mag-stripe mode give, and many of them blank.
    fn track1(&self) -> Option<Track1> {
        self.get(Tag::TRACK_1_MAG_STRIPE).and_then(Track1::from_chip)
    }

    /// 5F24 as packed digits, when it is a date.
    pub(crate) fn expiry_yymmdd(&self) -> Option<[u8; 3]> {
        let date: [u8; 3] = self.get(Tag::EXPIRY_DATE)?.try_into().ok()?;
        let digits = date.iter().all(|byte| byte >> 4 < 10 && byte & 0x0F < 10);
        (digits && (0x01..=0x12).contains(&date[1])).then_some(date)
    }

    /// 5F24 before Track 2: cards exist where they differ, and 5F24 is the one the standard checks.
    fn expiry_yymm(&self) -> Option<[u8; 4]> {
        let packed = self
            .expiry_yymmdd()
            .map(|[year, month, _]| [year >> 4, year & 0x0F, month >> 4, month & 0x0F].map(|digit| b'0' + digit));
        packed.or_else(|| self.track2()?.expiry_yymm()).or_else(|| self.track1()?.expiry_yymm())
    }

    /// 5F34 is packed digits: 0x12 is sequence number 12.
    fn psn(&self) -> Option<u8> {
        match self.get(Tag::PAN_SEQUENCE) {
            Some([packed]) if packed >> 4 < 10 && packed & 0x0F < 10 => Some((packed >> 4) * 10 + (packed & 0x0F)),
            _ => None,
        }
    }

    /// What a payment needs from the records: PAN and expiry, and a Track 2 that agrees with the PAN.
    pub(crate) fn card_details(&self) -> Result<CardDetails, CardError> {
        if self.get(Tag::PAN).is_some_and(|value| CardNumber::from_compressed(value).is_none()) {
            return Err(CardError::Malformed { at: "5A" });
        }
        let pan = self.pan().ok_or(CardError::Missing { item: "5A" })?;
        if !pan.is_complete() {
            return Err(CardError::Malformed { at: "5A" });
        }
        let track2 = self.get(Tag::TRACK_2).map(|value| Track2::parse(value).ok_or(CardError::Malformed { at: "57" }));
        let track2 = track2.transpose()?;
        if track2.as_ref().is_some_and(|track2| !track2.card_number().same_as(&pan)) {
            return Err(CardError::Malformed { at: "57 against 5A" });
        }
        let expiry_yymm = self.expiry_yymm().ok_or(CardError::Missing { item: "5F24" })?;
        Ok(CardDetails { pan, track2, expiry_yymm, psn: self.psn() })
    }
}

/// Whether an object says whose card it is.
fn is_account_data(tag: Tag) -> bool {
    matches!(tag, Tag::PAN | Tag::TRACK_2 | Tag::TRACK_2_MAG_STRIPE | Tag::EXPIRY_DATE)
        || matches!(tag.0, 0x56 | 0x5F20 | 0x9F0B | 0x9F1F | 0x9F20)
}

/// Ends a session that pays.
pub(crate) fn done(context: &Context, application: OpenApplication) -> Result<Step, CardError> {
    let CardDetails { pan, track2, expiry_yymm, psn } = application.card.card_details()?;
    let icc_data = icc_data(context, &application);
    let cryptogram = application.cryptogram.ok_or(CardError::Missing { item: "9F26" })?;
    let (tvr, tsi) = (application.results.tvr, application.results.tsi);
    let completion = (context.terminal.interface == Interface::Contact).then(|| {
        Box::new(Completion {
            terminal: context.terminal.clone(),
            results: application.results,
            card: application.card.for_completion(),
            aip: application.aip.unwrap_or_default(),
        })
    });
    Ok(Step::Done(Box::new(CardRead {
        scheme: application.selected.summary.scheme.of_card(Some(&pan)),
        aid: application.selected.df_name,
        label: application.selected.summary.label,
        pan,
        track2,
        expiry_yymm,
        psn,
        applications: context.seen.clone(),
        interface: context.terminal.interface,
        icc_data,
        cryptogram,
        verification: application.verification,
        no_online_pin: application.no_online_pin,
        cdcvm: application.verification == CardholderVerification::ConsumerDevice,
        kernel: application.kernel,
        authenticity: application.authenticity,
        tvr,
        tsi,
        completion,
        exchanges: context.exchanges,
    })))
}

/// Ends a session that looks.
pub(crate) fn inspected(context: Context, application: OpenApplication, outcome: Outcome) -> Step {
    Step::Inspected(inspection(context, application, outcome))
}

/// What a look has seen so far.
pub(crate) fn inspection(context: Context, application: OpenApplication, outcome: Outcome) -> Box<Inspection> {
    let card = &application.card;
    let pan = card.pan();
    Box::new(Inspection {
        outcome,
        trouble: context.trouble,
        scheme: application.selected.summary.scheme.of_card(pan.as_ref()),
        pan,
        track2: card.track2(),
        expiry_yymm: card.expiry_yymm(),
        psn: card.psn(),
        application: application.selected.summary,
        applications: context.seen,
        interface: context.terminal.interface,
        cryptogram: application.cryptogram,
        verification: application.verification,
        no_online_pin: application.no_online_pin,
        kernel: application.kernel,
        tvr: application.results.tvr,
        tsi: application.results.tsi,
        authenticity: application.authenticity,
        exchanges: context.exchanges,
    })
}

/// DE 55. A value that went to the card in the command that made the cryptogram is written as it was sent, cut
/// and padded as the card's list asked; the rest is what the terminal would have said.
fn icc_data(context: &Context, application: &OpenApplication) -> Vec<u8> {
    let scheme = application.selected.summary.scheme;
    let mut out = Vec::with_capacity(ICC_DATA_BYTES_MAX);
    for tag in de55::tags(scheme) {
        let sent = application.sent.iter().find(|(sent, _)| *sent == tag).map(|(_, value)| value.clone());
        let value = from_card(application, tag).or_else(|| {
            if de55::is_from_card(scheme, tag) {
                application.card.get(tag).map(<[u8]>::to_vec)
            } else {
                sent.or_else(|| context.terminal.value(tag, &application.results))
            }
        });
        let Some(value) = value else { continue };
        let mut object = Vec::with_capacity(4 + value.len());
        tlv::write(&mut object, tag, &value);
        // What does not fit the field is the scheme's extra, which stands at the end.
        if out.len() + object.len() <= ICC_DATA_BYTES_MAX {
            out.extend_from_slice(&object);
        }
    }
    out
}

/// The values of DE 55 that are the card's own.
fn from_card(application: &OpenApplication, tag: Tag) -> Option<Vec<u8>> {
    let cryptogram = application.cryptogram.as_ref();
    match tag {
        Tag::CRYPTOGRAM => cryptogram.map(|cryptogram| cryptogram.value.to_vec()),
        Tag::CID => cryptogram.map(|cryptogram| vec![cryptogram.cid]),
        Tag::IAD => cryptogram.map(|cryptogram| cryptogram.iad.clone()).filter(|iad| !iad.is_empty()),
        Tag::ATC => cryptogram.map(|cryptogram| cryptogram.atc.to_be_bytes().to_vec()),
        Tag::AIP => application.aip.map(|aip| aip.to_vec()),
        Tag::DF_NAME => Some(application.selected.df_name.clone()),
        _ => None,
    }
}
