//! The merchant-presented code of a sale, and whether a scanned one says what the merchant's order says.

use payment::{MerchantId, Order};
use protocol::ErrorCode;
use protocol::mpm::{self, CodeLink, Initiation, LocalName, MerchantCode, NAME_CHARS_MAX, REFERENCE_CHARS_MAX};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Result, WalletError};
use crate::merchant::MerchantFacts;

/// The code of a sale.
pub fn text(facts: &MerchantFacts, order: &Order, deep_link: &str) -> Result<String> {
    let code = MerchantCode {
        initiation: Some(Initiation::Dynamic),
        link: CodeLink::of_deep_link(deep_link),
        category: facts.mcc.clone(),
        currency: order.amount.currency(),
        amount: Some(order.amount),
        country: facts.country.clone(),
        name: plain_name(&order.payee_name, &order.merchant_id),
        city: facts.city.clone(),
        local_name: local_name(&order.payee_name),
        reference: reference(&order.order_number),
    };
    code.text().map_err(|error| WalletError::Detailed(ErrorCode::OrderInvalid, error.to_string()))
}

/// The merchant-presented code in a text; none when it is something else, such as a link. One that is not ours is an
/// error.
pub fn read(text: &str) -> Result<Option<MerchantCode>> {
    let text = text.trim();
    if !mpm::looks_like_a_code(text) {
        return Ok(None);
    }
    let wrong = |why: &str| WalletError::Detailed(ErrorCode::LinkInvalid, why.to_owned());
    let code = MerchantCode::read(text).map_err(|error| wrong(&error.to_string()))?;
    if code.link.is_none() {
        return Err(wrong("this code is of another payment system"));
    }
    Ok(Some(code))
}

/// The link in a code that [`read`] took.
pub fn link(code: &MerchantCode) -> String {
    code.link.as_ref().map(CodeLink::deep_link).unwrap_or_default()
}

/// Refuses a code that says another amount, currency, payee or reference than the verified order: somebody put it
/// together.
pub fn require_agreement(code: &MerchantCode, order: &Order) -> Result<()> {
    let amount_agrees = match code.amount {
        Some(amount) => amount == order.amount,
        None => code.initiation == Some(Initiation::Static),
    };
    let rules = [
        ("amount", amount_agrees),
        ("currency", code.currency == order.amount.currency()),
        ("payee", code.name == plain_name(&order.payee_name, &order.merchant_id)),
        ("payee", code.local_name.as_ref().is_none_or(|local| local.name == first_chars(&order.payee_name))),
        ("order number", code.reference.is_none() || code.reference == reference(&order.order_number)),
    ];
    match rules.into_iter().find(|(_, holds)| !holds) {
        Some((what, _)) => {
            Err(WalletError::Detailed(ErrorCode::CodeMismatch, format!("another {what} stands in the order")))
        }
        None => Ok(()),
    }
}

/// The payee's name in plain letters: without accents, and the merchant's id where nothing plain is left.
fn plain_name(payee: &str, merchant_id: &MerchantId) -> String {
    let plain: String = payee.nfd().filter(|letter| *letter == ' ' || letter.is_ascii_graphic()).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let name: String = words.join(" ").chars().take(NAME_CHARS_MAX).collect();
    if name.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        name.trim_end().to_owned()
    } else {
        merchant_id.as_str().chars().take(NAME_CHARS_MAX).collect()
    }
}

/// The payee's name in its own letters, where they are not plain.
fn local_name(payee: &str) -> Option<LocalName> {
    let is_han = |letter: char| ('\u{3400}'..='\u{9fff}').contains(&letter);
    let language = if payee.chars().any(is_han) { "zh" } else { "en" };
    (!payee.is_ascii()).then(|| LocalName { language: language.to_owned(), name: first_chars(payee) })
}

fn first_chars(payee: &str) -> String {
    payee.chars().take(NAME_CHARS_MAX).collect()
}

/// The order number as a reference label, if it fits one.
fn reference(order_number: &str) -> Option<String> {
    let plain = order_number.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (plain && (1..=REFERENCE_CHARS_MAX).contains(&order_number.len())).then(|| order_number.to_owned())
}

#[cfg(test)]
mod tests {
    use payment::order::OrderDraft;
    use payment::{Amount, RequestId};

    use super::*;

    const DEEP_LINK: &str =
        "tapseal://r/AAECAwQFBgcICQoLDA0ODw?s=pay.example#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn order(payee: &str) -> Order {
        let currency = "USD".parse().unwrap();
        Order::new(OrderDraft {
            request_id: RequestId::from_parts(1, &[7; 10]),
            merchant_id: "blue-door".parse().unwrap(),
            order_number: "A-1042".to_owned(),
            amount: Amount::new(1280, currency),
            created_ms: 1,
            expires_ms: 60_001,
            payee_name: payee.to_owned(),
            items: Vec::new(),
            methods: None,
        })
        .unwrap()
    }

    fn code(order: &Order) -> MerchantCode {
        let facts = MerchantFacts {
            merchant_id: order.merchant_id.clone(),
            display_name: order.payee_name.clone(),
            country: "US".to_owned(),
            mcc: "5814".to_owned(),
            city: "N/A".to_owned(),
            currency: order.amount.currency(),
            server: "https://pay.example".to_owned(),
            tls_ca_pem: String::new(),
            kid: String::new(),
            scopes: Vec::new(),
        };
        read(&text(&facts, order, DEEP_LINK).unwrap()).unwrap().unwrap()
    }

    #[test]
    fn a_sales_own_code_agrees_with_it_whatever_the_letters_of_its_name() {
        for (payee, plain) in [
            ("Blue Door Café", "Blue Door Cafe"),
            ("蓝门咖啡", "blue-door"),
            ("The Very Long Name Of A Shop On The Corner", "The Very Long Name Of A S"),
            ("The Very Long Name Of A  Café", "The Very Long Name Of A C"),
        ] {
            let order = order(payee);
            let code = code(&order);
            assert_eq!(code.name, plain);
            assert_eq!(link(&code), DEEP_LINK);
            require_agreement(&code, &order).unwrap();
        }
    }

    #[test]
    fn a_code_that_says_something_else_is_refused() {
        let order = order("Blue Door Café");
        let mut codes: Vec<MerchantCode> = vec![code(&order); 6];
        codes[0].amount = Some(Amount::new(128, order.amount.currency()));
        codes[1].amount = None;
        codes[2].currency = "EUR".parse().unwrap();
        codes[3].name = "Blue Floor Cafe".to_owned();
        codes[4].local_name.as_mut().unwrap().name = "Red Door Café".to_owned();
        codes[5].reference = Some("A-1043".to_owned());
        for code in codes {
            let refused = require_agreement(&code, &order).unwrap_err();
            assert_eq!(refused.code(), ErrorCode::CodeMismatch, "{code:?}");
        }
    }

    #[test]
    fn a_code_of_another_payment_system_is_refused_and_a_link_is_no_code() {
        let pix = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913\
Fulano de Tal6008BRASILIA62070503***63041D3D";
        assert_eq!(read(pix).unwrap_err().code(), ErrorCode::LinkInvalid);
        assert!(read(DEEP_LINK).unwrap().is_none());
    }
}
