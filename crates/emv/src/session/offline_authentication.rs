//! Offline data authentication within a session: what is to be done, with which data, and what the terminal reports
//! (Book 3 section 10.3).

use zeroize::Zeroizing;

use crate::cryptogram::{Cryptogram, SignedAnswer};
use crate::dol::{Dol, DolData};
use crate::error::CardError;
use crate::oda::{self, CaKeys, Chain, DataAuthenticity, Fault, Method, PublicKey};
use crate::records::Coverage;
use crate::session::Context;
use crate::session::payment_application::OpenApplication;
use crate::tag::Tag;
use crate::terminal::AuthenticationKeys;
use crate::tlv::{self, Mode};

/// 9F37 alone, for cards that give no DDOL (Book 2 section 6.5.1).
const DEFAULT_DDOL: &[u8] = &[0x9F, 0x37, 0x04];

/// The records that offline data authentication covers, in order.
pub(crate) struct SignedRecords {
    bytes: Zeroizing<Vec<u8>>,
    fault: Option<Fault>,
}

impl Default for SignedRecords {
    fn default() -> Self {
        // Room for what cards usually sign.
        Self { bytes: Zeroizing::new(Vec::with_capacity(2048)), fault: None }
    }
}

impl SignedRecords {
    /// Adds a record: of files 1 to 10 without template and length, of others as it is, which then has to be a
    /// template 70 too (Book 3 section 10.3).
    pub(crate) fn add(&mut self, coverage: Coverage, sfi: u8, record: &[u8]) {
        if coverage == Coverage::Unsigned {
            return;
        }
        match tlv::read(record, Mode::Lenient).ok().and_then(|objects| objects.first().copied()) {
            Some(template) if sfi <= 10 => self.append(template.value),
            Some(template) if template.tag == Tag::RECORD_TEMPLATE => self.append(record),
            _ => self.fault = Some(Fault::StaticData),
        }
    }

    /// Moves to a larger buffer by hand, so that the smaller one is wiped.
    fn append(&mut self, content: &[u8]) {
        let needed = self.bytes.len() + content.len();
        if needed > self.bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * needed));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(content);
    }

    /// A signed record could not be read.
    pub(crate) fn lost(&mut self, coverage: Coverage) {
        if coverage == Coverage::Signed {
            self.fault = Some(Fault::StaticData);
        }
    }

    /// All of it, followed by what 9F4A names, which may only be 82 (Book 3 section 10.3).
    fn with_listed(&self, tags: Option<&[u8]>, aip: [u8; 2]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.bytes.len() + aip.len()));
        bytes.extend_from_slice(&self.bytes);
        match tags {
            None | Some([]) => {}
            Some([0x82]) => bytes.extend_from_slice(&aip),
            Some(_) => return Err(Fault::StaticData),
        }
        Ok(bytes)
    }
}

/// What to do next.
pub(crate) enum Plan {
    /// Nothing more; the result stands in the application.
    Finished,
    /// INTERNAL AUTHENTICATE with this data, whose answer is to be verified with the key.
    Challenge { key: PublicKey, data: DolData },
}

/// Does what can be done with the records alone, and says what else is needed.
pub(crate) fn begin(context: &Context, application: &mut OpenApplication) -> Plan {
    let Some(method) = method_of(context, application) else {
        application.authenticity = DataAuthenticity::NotPerformed;
        application.results.tvr[0] |= 0x80;
        return Plan::Finished;
    };
    application.results.tsi[0] |= 0x80;
    if method == Method::Sda {
        application.results.tvr[0] |= 0x02;
    }
    let begun = match method {
        Method::Sda => static_data(context, application).map(|code| {
            application.card.keep(Tag::DATA_AUTHENTICATION_CODE, &code);
            Plan::Finished
        }),
        Method::Dda => challenge(context, application),
        Method::Cda => card_key(context, application).and_then(|key| {
            // Both lists must carry the number the signature is made over (Book 2 section 6.6).
            let lists = [Tag::CDOL1, Tag::CDOL2].into_iter().filter_map(|tag| application.card.get(tag));
            if !lists.map(Dol::parse).all(|list| list.is_ok_and(|list| list.asks_for(Tag::UNPREDICTABLE_NUMBER))) {
                return Err(Fault::Missing);
            }
            application.signing_key = Some(key);
            Ok(Plan::Finished)
        }),
        Method::FastDda => Ok(Plan::Finished),
    };
    match begun {
        Ok(plan) => {
            if method == Method::Sda {
                application.authenticity = DataAuthenticity::Passed(method);
            }
            plan
        }
        Err(fault) => {
            failed(application, method, fault);
            Plan::Finished
        }
    }
}

/// Verifies the answer to INTERNAL AUTHENTICATE: template 80 is the signature, 77 holds it as 9F4B.
pub(crate) fn challenge_answered(
    application: &mut OpenApplication,
    key: &PublicKey,
    sent: &[u8],
    answer: Option<&[u8]>,
) {
    let signed = answer.and_then(|data| {
        let objects = tlv::read(data, Mode::Lenient).ok()?;
        let template = objects.first()?;
        match template.tag {
            Tag::RESPONSE_FORMAT_1 => Some(template.value),
            Tag::RESPONSE_FORMAT_2 => tlv::find(template.value, Tag::SDAD),
            _ => None,
        }
    });
    match signed.ok_or(Fault::Signature).and_then(|signed| oda::verify_dynamic(key, signed, sent)) {
        Ok(number) => {
            application.card.keep(Tag::DYNAMIC_NUMBER, &number);
            application.authenticity = DataAuthenticity::Passed(Method::Dda);
        }
        Err(fault) => failed(application, Method::Dda, fault),
    }
}

/// Takes the cryptogram out of a signed answer. Without a signature that holds there is only what the card gave in
/// clear beside it.
pub(crate) fn cryptogram_of(
    application: &mut OpenApplication,
    answer: &SignedAnswer<'_>,
) -> Result<Cryptogram, CardError> {
    let number = application.sent.iter().find(|(tag, _)| *tag == Tag::UNPREDICTABLE_NUMBER).map(|(_, value)| value);
    let verified = match (&application.signing_key, number) {
        (Some(key), Some(number)) => {
            let mut exchanged = vec![application.pdol_data.as_slice(), application.cdol_data.as_slice()];
            exchanged.extend(&answer.covered);
            oda::verify_combined(key, answer.signature, number, &exchanged)
        }
        _ => Err(Fault::Missing),
    };
    let signed = verified.ok().and_then(|signed| answer.cryptogram(signed.cid, signed.cryptogram));
    if let Some(cryptogram) = signed {
        application.authenticity = DataAuthenticity::Passed(Method::Cda);
        return Ok(cryptogram);
    }
    if application.signing_key.is_some() {
        failed(application, Method::Cda, Fault::Signature);
    }
    answer.clear().ok_or(CardError::Forged)
}

/// A signature was asked for and the card gave its cryptogram without one.
pub(crate) fn left_unsigned(application: &mut OpenApplication) {
    if application.signing_key.is_some() {
        failed(application, Method::Cda, Fault::Signature);
    }
}

/// Fast DDA: the card put its signature beside its cryptogram, so it costs nothing to check (Book C-3 annex C). There
/// is no TVR for it: the card has already made its cryptogram.
pub(crate) fn check_fast(context: &Context, application: &mut OpenApplication) {
    let asked = context.terminal.capabilities_for(&application.results)[2] & 0xC8 != 0;
    let (Some(signed), true) = (application.card.get(Tag::SDAD).map(<[u8]>::to_vec), asked) else { return };
    let related = application.card.get(Tag::CARD_AUTHENTICATION).map(<[u8]>::to_vec).unwrap_or_default();
    let value = |tag| {
        let sent = application.sent.iter().find(|(sent, _)| *sent == tag).map(|(_, value)| value.clone());
        sent.or_else(|| context.terminal.value(tag, &application.results)).unwrap_or_default()
    };
    let number = value(Tag::UNPREDICTABLE_NUMBER);
    let (amount, currency) = (value(Tag::AMOUNT_AUTHORISED), value(Tag::TRANSACTION_CURRENCY));
    // Version 00 covers the number alone, version 01 amount, currency and the card's own data too.
    let covered: &[&[u8]] = match related.first() {
        None | Some(0x00) => &[&number],
        Some(_) => &[&number, &amount, &currency, &related],
    };
    let verified = card_key(context, application).and_then(|key| oda::verify_fast(&key, &signed, covered));
    application.results.tsi[0] |= 0x80;
    application.authenticity = match verified {
        Ok(()) => DataAuthenticity::Passed(Method::FastDda),
        Err(fault) => DataAuthenticity::Failed(Method::FastDda, fault),
    };
}

/// The best method both sides know (Book 3 section 10.3): combined, then dynamic, then static.
fn method_of(context: &Context, application: &OpenApplication) -> Option<Method> {
    let card = application.aip.unwrap_or_default()[0];
    let terminal = context.terminal.capabilities_for(&application.results)[2];
    if card & 0x01 != 0 && terminal & 0x08 != 0 {
        Some(Method::Cda)
    } else if card & 0x20 != 0 && terminal & 0x40 != 0 {
        Some(Method::Dda)
    } else if card & 0x40 != 0 && terminal & 0x80 != 0 {
        Some(Method::Sda)
    } else {
        None
    }
}

/// Whether the terminal can authenticate cards of an application at all.
pub(crate) fn keys_for(keys: &CaKeys, aid: &[u8]) -> AuthenticationKeys {
    if keys.serve(aid) { AuthenticationKeys::Known } else { AuthenticationKeys::Unknown }
}

/// Writes a failure into byte 1 of the TVR (Book 3 annex C5).
fn failed(application: &mut OpenApplication, method: Method, fault: Fault) {
    application.authenticity = DataAuthenticity::Failed(method, fault);
    application.signing_key = None;
    application.results.tvr[0] |= match method {
        Method::Sda => 0x40,
        Method::Dda => 0x08,
        Method::Cda => 0x04,
        Method::FastDda => 0x00,
    };
    if fault == Fault::Missing {
        application.results.tvr[0] |= 0x20;
    }
}

fn static_data(context: &Context, application: &OpenApplication) -> Result<[u8; 2], Fault> {
    let signed = application.card.get(Tag::SIGNED_STATIC_DATA).ok_or(Fault::Missing)?;
    with_chain(context, application, |chain| {
        let issuer = chain.issuer_key()?;
        oda::verify_static(&issuer, signed, chain.static_data)
    })
}

#[allow(clippy::redundant_closure_for_method_calls, reason = "a method path fixes the chain's lifetime too early")]
fn card_key(context: &Context, application: &OpenApplication) -> Result<PublicKey, Fault> {
    with_chain(context, application, |chain| chain.card_key())
}

fn challenge(context: &Context, application: &OpenApplication) -> Result<Plan, Fault> {
    let ddol = application.card.get(Tag::DDOL).unwrap_or(DEFAULT_DDOL);
    let ddol = Dol::parse(ddol).map_err(|_| Fault::Missing)?;
    if !ddol.asks_for(Tag::UNPREDICTABLE_NUMBER) {
        return Err(Fault::Missing);
    }
    let key = card_key(context, application)?;
    let data = ddol.build(|tag| context.terminal.value(tag, &application.results));
    Ok(Plan::Challenge { key, data })
}

fn with_chain<T>(
    context: &Context,
    application: &OpenApplication,
    follow: impl FnOnce(&Chain<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let aip = application.aip.unwrap_or_default();
    let static_data = application.signed.with_listed(application.card.get(Tag::STATIC_DATA_TAGS), aip)?;
    let rid = application.selected.df_name.first_chunk::<5>().ok_or(Fault::UnknownAuthority)?;
    let pan = application.card.pan().ok_or(Fault::Missing)?;
    let [year, month, _] = context.terminal.today();
    let object = |tag| application.card.get(tag);
    follow(&Chain {
        rid: *rid,
        keys: &context.terminal.ca_keys,
        pan_digits: pan.expose_digits(),
        today_yymm: [year, month],
        object: &object,
        static_data: &static_data,
    })
}
