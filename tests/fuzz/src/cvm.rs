//! Cardholder verification lists (Book 3 section 10.5): a method is chosen only by a rule of the list.

use emv::CardholderVerification;
use emv::cvm::{self, CvmConditions, CvmCurrency};

/// The first eight bytes are the amount, the rest is the list.
pub fn check(bytes: &[u8]) {
    let Some((amount, list)) = bytes.split_first_chunk::<8>() else { return };
    for currency in [CvmCurrency::Application, CvmCurrency::Other] {
        let conditions = CvmConditions { amount_minor: u64::from_be_bytes(*amount), currency };
        let outcome = cvm::choose(Some(list), conditions);
        let [method, condition, _] = outcome.results;
        let rules = list.get(8..).unwrap_or_default().chunks_exact(2);
        let by_rule = rules.into_iter().any(|rule| rule == [method, condition]);
        match outcome.verification {
            CardholderVerification::OnlinePin => assert!(by_rule && method & 0x3F == 0x02, "online PIN needs a rule"),
            CardholderVerification::Signature => assert!(by_rule && method & 0x3F == 0x1E, "signature needs a rule"),
            CardholderVerification::ConsumerDevice => panic!("no rule of the list stands for the device"),
            CardholderVerification::NotRequired => assert!(by_rule || method == 0x3F),
            CardholderVerification::Failed => {}
        }
    }
}
