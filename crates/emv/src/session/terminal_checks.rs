//! What the terminal finds out before it asks for a cryptogram: restrictions, verification, risk, and whether the
//! issuer's rules on the card still allow it (Book 3 sections 10.4 to 10.7).

use sha1::{Digest, Sha1};

use crate::cvm::{
    self, CardholderVerification, CvmConditions, CvmCurrency, CvmService, CvmTerminal, NoOnlinePin, Performed,
};
use crate::dol::Dol;
use crate::error::CardError;
use crate::restrictions;
use crate::risk;
use crate::session::Context;
use crate::session::payment_application::OpenApplication;
use crate::tag::Tag;

/// The floor limit of a terminal that sends everything to the bank, in minor units.
const FLOOR_LIMIT_MINOR: u64 = 0;

/// Fills TVR, TSI and CVM results.
pub(crate) fn perform(context: &Context, application: &mut OpenApplication) {
    restrict(context, application);
    verify_cardholder(context, application);
    manage_risk(context, application);
    // TSI byte 1 bit 6: GENERATE AC makes the card do its own risk management.
    application.results.tsi[0] |= 0x20;
}

/// The hash 98 for a card whose list asks for it: over the values its TDOL names (Book 3 annex A1, tags
/// 97 and 98). Without a TDOL it
/// is made over nothing, and TVR byte 5 bit 8 says that the default list was used.
pub(crate) fn hash_for(context: &Context, application: &mut OpenApplication, cdol1: &Dol) -> Result<(), CardError> {
    if !cdol1.asks_for(Tag::TC_HASH) {
        return Ok(());
    }
    if application.card.get(Tag::TDOL).is_none() {
        application.results.tvr[4] |= 0x80;
    }
    let tdol = Dol::parse(application.card.get(Tag::TDOL).unwrap_or_default())?;
    let data = tdol.build(|tag| {
        context.terminal.value(tag, &application.results).or_else(|| application.card.get(tag).map(<[u8]>::to_vec))
    });
    application.results.tc_hash = Some(Sha1::digest(&data.bytes).into());
    Ok(())
}

/// Whether the issuer's denial code and the terminal's findings share a bit: then the terminal would have to ask for a
/// decline (section 10.7), and the card's counter is better left alone.
pub(crate) fn is_denied(application: &OpenApplication) -> bool {
    let denial = application.card.get(Tag::ACTION_DENIAL).filter(|code| code.len() == 5).unwrap_or_default();
    denial.iter().zip(application.results.tvr).any(|(denied, found)| denied & found != 0)
}

fn restrict(context: &Context, application: &mut OpenApplication) {
    let terminal = &context.terminal;
    // A terminal knows several versions of an application and names the card's own when that is one of them.
    let known = application.results.scheme.terminal_versions();
    let own = application.card.get(Tag::APPLICATION_VERSION).and_then(|version| <[u8; 2]>::try_from(version).ok());
    if let Some(own) = own.filter(|own| known.contains(own)) {
        application.results.version = own;
    }
    let country = terminal.value(Tag::TERMINAL_COUNTRY, &application.results);
    application.results.tvr[1] |= restrictions::check(
        |tag| application.card.get(tag),
        restrictions::Terminal {
            version: application.results.version,
            terminal_type: terminal.terminal_type,
            transactions: terminal.additional_capabilities[0],
            country: country.and_then(|country| country.try_into().ok()).unwrap_or_default(),
            transaction_type: terminal.transaction_type,
            today: terminal.today(),
        },
    );
}

fn verify_cardholder(context: &Context, application: &mut OpenApplication) {
    let aip = application.aip;
    if let Some(said) = application.kernel.verified(aip, |tag| application.card.get(tag)) {
        application.verification = said.verification;
        application.results.cvm_results = said.results;
        application.no_online_pin = said.no_online_pin;
        if said.verification == CardholderVerification::OnlinePin {
            application.results.tvr[2] |= 0x04;
        }
        application.results.tsi[0] |= 0x40;
        return;
    }
    // AIP byte 1 bit 5: cardholder verification is supported.
    let supported = aip.unwrap_or_default()[0] & 0x10 != 0;
    let payment = context.terminal.value(Tag::TRANSACTION_CURRENCY, &application.results);
    let currency = match application.card.get(Tag::APPLICATION_CURRENCY) {
        Some(code) if payment.as_deref() == Some(code) => CvmCurrency::Application,
        _ => CvmCurrency::Other,
    };
    let outcome = cvm::evaluate(
        application.card.get(Tag::CVM_LIST).filter(|_| supported),
        CvmConditions { amount_minor: context.terminal.amount_minor, currency },
        CvmTerminal { capabilities: context.terminal.capabilities[1], service: CvmService::Purchase },
    );
    application.verification = outcome.verification;
    application.results.cvm_results = outcome.results;
    application.results.tvr[2] |= outcome.tvr_3;
    application.no_online_pin = match outcome.no_online_pin {
        Some(NoOnlinePin::NoList) if !supported => Some(NoOnlinePin::CardDoesNotSupport),
        reason => reason,
    };
    if outcome.performed == Performed::Yes {
        application.results.tsi[0] |= 0x40;
    }
}

fn manage_risk(context: &Context, application: &mut OpenApplication) {
    let findings = risk::manage(context.terminal.amount_minor, 0, FLOOR_LIMIT_MINOR, None);
    application.results.tvr[1] |= findings.tvr_2;
    application.results.tvr[3] |= findings.tvr_4;
    application.results.tsi[0] |= 0x08;
}
