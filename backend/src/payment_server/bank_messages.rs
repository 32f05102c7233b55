//! The ISO 8583 messages the server sends: financial request, inquiry, reversal advice, network management.
//!
//! `docs/iso8583.md` has the profile. None of them carries card data: there is none here to carry.

use envelope::Capsule;
use envelope::keyset::MerchantProfile;
use iso8583::private::{CAPSULE_ELEMENT, COMPOSITE_ELEMENT, Composite};
use iso8583::{Error, Message, Mti, OriginalData};
use jiff::Timestamp;
use payment::{Amount, AttemptId, Currency, MerchantId, RequestId};

use crate::clock::signed_ms;

/// DE 32: who we are to the bank.
pub(super) const ACQUIRER: &str = "000001";
/// The same as a number, in DE 90.
const ACQUIRER_NUMBER: u64 = 1;
/// DE 41: one terminal, the payer's own device.
const TERMINAL: &str = "TAPSEAL1";
/// DE 22: entered on a wallet; how the card was read is inside the capsule.
const ENTRY_MODE: &str = "812";
/// DE 3: goods and services from a default account, and money back to it.
const PURCHASE: &str = "000000";
const REFUND: &str = "200000";
/// DE 3: a wallet is enrolled; private use.
const ENROLMENT: &str = "900000";
/// Characters of DE 42 and DE 43.
const MERCHANT_CODE_CHARS: usize = 15;
const MERCHANT_NAME_CHARS: usize = 40;

/// By what an exchange is known: trace number, retrieval reference and time of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// DE 11.
    pub(super) stan: u32,
    /// DE 37, the same for all messages about one attempt.
    pub(super) rrn: String,
    /// What DE 7 says, in ms since the Unix epoch.
    pub(super) sent_ms: u64,
}

/// What inquiry and reversal say about their original.
pub(super) struct Original<'a> {
    pub(super) reference: &'a Reference,
    pub(super) request_id: RequestId,
    pub(super) attempt_id: AttemptId,
    pub(super) merchant_id: &'a MerchantId,
    pub(super) amount: Amount,
}

/// What the financial request carries for the bank.
pub(super) struct Payment<'a> {
    pub(super) profile: &'a MerchantProfile,
    pub(super) merchant_id: &'a MerchantId,
    pub(super) amount: Amount,
    pub(super) order_jws: &'a str,
    pub(super) attempt_id: AttemptId,
    pub(super) wallet_nonce: [u8; 32],
    pub(super) inner: &'a Capsule,
}

/// What a refund carries for the bank.
pub(super) struct GiveBack<'a> {
    pub(super) profile: &'a MerchantProfile,
    pub(super) merchant_id: &'a MerchantId,
    pub(super) amount: Amount,
    pub(super) refund_jws: &'a str,
    /// The attempt that paid, and its reference.
    pub(super) attempt_id: AttemptId,
    pub(super) original: &'a Reference,
}

/// A retrieval reference: last digit of the year, day of the year, hour, then the trace number.
pub(super) fn retrieval_reference(sent_ms: u64, stan: u32) -> String {
    let prefix = format_utc("%Y%j%H", sent_ms);
    format!("{}{stan:06}", &prefix[3..])
}

/// 0200: debit the card in the capsule.
pub(super) fn financial_request(payment: &Payment<'_>, reference: &Reference) -> Result<Message, Error> {
    with_capsule(Mti::FINANCIAL_REQUEST, payment, reference)
}

/// 0100: make the payer in the capsule a code for this order. No money moves.
pub(super) fn code_request(payment: &Payment<'_>, reference: &Reference) -> Result<Message, Error> {
    with_capsule(Mti::AUTHORIZATION_REQUEST, payment, reference)
}

/// 0100 without an order: a step of enrolling a wallet with an operator. No money moves.
pub(super) fn enrolment(
    enrolment_id: AttemptId,
    wallet_nonce: [u8; 32],
    inner: &Capsule,
    reference: &Reference,
) -> Result<Message, Error> {
    let composite = Composite {
        attempt_id: Some(*enrolment_id.as_bytes()),
        wallet_nonce: Some(wallet_nonce),
        ..Composite::default()
    };
    Ok(begun(Mti::AUTHORIZATION_REQUEST, reference)
        .with_text(3, ENROLMENT)
        .with_text(12, format_utc("%H%M%S", reference.sent_ms))
        .with_text(13, format_utc("%m%d", reference.sent_ms))
        .with_binary(CAPSULE_ELEMENT, inner.to_bytes())
        .with_binary(COMPOSITE_ELEMENT, composite.to_bytes()?))
}

fn with_capsule(mti: Mti, payment: &Payment<'_>, reference: &Reference) -> Result<Message, Error> {
    let composite = Composite {
        order: Some(payment.order_jws.to_owned()),
        attempt_id: Some(*payment.attempt_id.as_bytes()),
        wallet_nonce: Some(payment.wallet_nonce),
        ..Composite::default()
    };
    let message = with_amount(begun(mti, reference), payment.amount)?;
    Ok(message
        .with_text(12, format_utc("%H%M%S", reference.sent_ms))
        .with_text(13, format_utc("%m%d", reference.sent_ms))
        .with_text(18, &payment.profile.mcc)
        .with_text(22, ENTRY_MODE)
        .with_text(25, "00")
        .with_text(42, merchant_code(payment.merchant_id))
        .with_text(43, merchant_name(payment.profile))
        .with_binary(CAPSULE_ELEMENT, payment.inner.to_bytes())
        .with_binary(COMPOSITE_ELEMENT, composite.to_bytes()?))
}

/// 0200, or 0201 when it was sent before: give back of an earlier payment. The same refund is the same message each time.
pub(super) fn refund(give_back: &GiveBack<'_>, reference: &Reference, mti: Mti) -> Result<Message, Error> {
    let composite = Composite {
        attempt_id: Some(*give_back.attempt_id.as_bytes()),
        refund: Some(give_back.refund_jws.to_owned()),
        ..Composite::default()
    };
    Ok(with_amount(begun(mti, reference), give_back.amount)?
        .with_text(3, REFUND)
        .with_text(12, format_utc("%H%M%S", reference.sent_ms))
        .with_text(13, format_utc("%m%d", reference.sent_ms))
        .with_text(18, &give_back.profile.mcc)
        .with_text(22, ENTRY_MODE)
        .with_text(25, "00")
        .with_text(42, merchant_code(give_back.merchant_id))
        .with_text(43, merchant_name(give_back.profile))
        .with_text(90, original_data(give_back.original)?)
        .with_binary(COMPOSITE_ELEMENT, composite.to_bytes()?))
}

/// 0600: what became of the original?
pub(super) fn inquiry(original: &Original<'_>, own: &Reference) -> Result<Message, Error> {
    let composite = Composite { attempt_id: Some(*original.attempt_id.as_bytes()), ..Composite::default() };
    Ok(begun(Mti::INQUIRY, own)
        .with_text(90, original_data(original.reference)?)
        .with_binary(COMPOSITE_ELEMENT, composite.to_bytes()?))
}

/// 0420, or 0421 when it was sent before: undo the original, whether the bank saw it or not.
pub(super) fn reversal_advice(original: &Original<'_>, own: &Reference, mti: Mti) -> Result<Message, Error> {
    let composite = Composite {
        attempt_id: Some(*original.attempt_id.as_bytes()),
        request_id: Some(*original.request_id.as_bytes()),
        ..Composite::default()
    };
    Ok(with_amount(begun(mti, own), original.amount)?
        .with_text(42, merchant_code(original.merchant_id))
        .with_text(90, original_data(original.reference)?)
        .with_binary(COMPOSITE_ELEMENT, composite.to_bytes()?))
}

/// 0500: our totals of a business day in one currency (DE 15 and 50), in these elements.
pub(super) fn reconciliation(
    own: &Reference,
    date_mmdd: &str,
    currency: Currency,
    totals: &[(u8, String)],
) -> Result<Message, Error> {
    let message = begun(Mti::RECONCILIATION_REQUEST, own)
        .with_text(15, date_mmdd)
        .with_number(50, u64::from(currency.numeric()))?;
    Ok(totals.iter().fold(message, |message, (number, digits)| message.with_text(*number, digits)))
}

/// 0800: sign-on, echo or sign-off (DE 70).
pub(super) fn network_request(code: &str, stan: u32, sent_ms: u64) -> Message {
    Message::new(Mti::NETWORK_REQUEST)
        .with_text(7, transmitted(sent_ms))
        .with_text(11, format!("{stan:06}"))
        .with_text(41, TERMINAL)
        .with_text(70, code)
}

/// DE 7, 11, 32, 37 and 41: what every message about an attempt begins with.
fn begun(mti: Mti, reference: &Reference) -> Message {
    Message::new(mti)
        .with_text(7, transmitted(reference.sent_ms))
        .with_text(11, format!("{:06}", reference.stan))
        .with_text(32, ACQUIRER)
        .with_text(37, &reference.rrn)
        .with_text(41, TERMINAL)
}

/// DE 3, 4 and 49.
fn with_amount(message: Message, amount: Amount) -> Result<Message, Error> {
    let minor = u64::try_from(amount.minor()).map_err(|_| Error::Content { place: iso8583::Place::Element(4) })?;
    message.with_text(3, PURCHASE).with_number(4, minor)?.with_number(49, u64::from(amount.currency().numeric()))
}

/// 0800: what became of payers by code after this event.
pub(super) fn payers_request(after: i64, stan: u32, sent_ms: u64) -> Message {
    network_request(iso8583::network::PAYERS, stan, sent_ms).with_text(48, after.to_string())
}

fn original_data(reference: &Reference) -> Result<String, Error> {
    OriginalData {
        mti: Mti::FINANCIAL_REQUEST,
        stan: reference.stan,
        transmitted: transmitted(reference.sent_ms),
        acquirer: ACQUIRER_NUMBER,
        forwarder: 0,
    }
    .to_text()
}

/// DE 7, `MMDDhhmmss` in UTC.
fn transmitted(sent_ms: u64) -> String {
    format_utc("%m%d%H%M%S", sent_ms)
}

fn format_utc(format: &str, time_ms: u64) -> String {
    let time = Timestamp::from_millisecond(signed_ms(time_ms)).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime(format).to_string()
}

/// DE 42: the merchant's id, cut or padded to fifteen characters.
pub(super) fn merchant_code(merchant: &MerchantId) -> String {
    let code: String = merchant.as_str().chars().take(MERCHANT_CODE_CHARS).collect();
    format!("{code:<MERCHANT_CODE_CHARS$}")
}

/// DE 43: name and country in printable ASCII. It is for statements only; the bank takes the payee's name from
/// the signed order.
fn merchant_name(profile: &MerchantProfile) -> String {
    const NAME_CHARS: usize = MERCHANT_NAME_CHARS - 2;
    let ascii = |character: char| if matches!(character, ' '..='~') { character } else { '?' };
    let name: String = profile.display_name.chars().map(ascii).take(NAME_CHARS).collect();
    format!("{name:<NAME_CHARS$}{}", profile.country)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22 07:08:09 UTC.
    const TIME_MS: u64 = 1_795_331_289_000;

    #[test]
    fn references_tell_year_day_hour_and_trace_number() {
        assert_eq!(retrieval_reference(TIME_MS, 42), "632607000042");
        assert_eq!(transmitted(TIME_MS), "1122070809");
    }

    #[test]
    fn merchant_fields_have_their_width_and_only_ascii() {
        let profile = MerchantProfile {
            merchant_id: "blue-door".into(),
            display_name: "Café 蓝门".into(),
            mcc: "5814".into(),
            country: "US".into(),
            methods: None,
        };
        assert_eq!(merchant_code(&"blue-door".parse().unwrap()), "blue-door      ");
        assert_eq!(merchant_code(&"a-very-long-merchant-name".parse().unwrap()), "a-very-long-mer");
        let name = merchant_name(&profile);
        assert_eq!(name.len(), 40);
        assert!(name.starts_with("Caf? ??") && name.ends_with("US"));
    }

    #[test]
    fn every_message_packs_under_the_profile() {
        let reference = Reference { stan: 7, rrn: retrieval_reference(TIME_MS, 7), sent_ms: TIME_MS };
        let merchant_id = "blue-door".parse().unwrap();
        let original = Original {
            reference: &reference,
            request_id: RequestId::from_bytes([1; 16]),
            attempt_id: AttemptId::from_bytes([2; 16]),
            merchant_id: &merchant_id,
            amount: Amount::new(1280, "USD".parse().unwrap()),
        };
        let profile = MerchantProfile {
            merchant_id: "blue-door".into(),
            display_name: "Blue Door".into(),
            mcc: "5814".into(),
            country: "US".into(),
            methods: None,
        };
        let give_back = GiveBack {
            profile: &profile,
            merchant_id: &merchant_id,
            amount: original.amount,
            refund_jws: "a.b.c",
            attempt_id: original.attempt_id,
            original: &reference,
        };
        let messages = [
            refund(&give_back, &reference, Mti::FINANCIAL_REQUEST).unwrap(),
            refund(&give_back, &reference, Mti::FINANCIAL_REPEAT).unwrap(),
            inquiry(&original, &reference).unwrap(),
            reversal_advice(&original, &reference, Mti::REVERSAL_ADVICE).unwrap(),
            reversal_advice(&original, &reference, Mti::REVERSAL_ADVICE_REPEAT).unwrap(),
            network_request(iso8583::network::ECHO, 1, TIME_MS),
            reconciliation(
                &reference,
                "1125",
                "USD".parse().unwrap(),
                &[(76, "0000000003".into()), (88, "0000000000003840".into()), (97, "C0000000000003840".into())],
            )
            .unwrap(),
        ];
        for message in messages {
            let packed = message.pack(&iso8583::Spec::TAPSEAL).unwrap();
            assert_eq!(Message::unpack(&iso8583::Spec::TAPSEAL, &packed).unwrap(), message);
        }
    }
}
