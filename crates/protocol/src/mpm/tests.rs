//! The published example, codes of others, our own there and back, and everything that must be refused.

use super::*;

/// The example of the specification's annex, with its checksum.
const BEST_TRANSPORT: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802\
CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A6008667\
0902ME91320016A0112233449988770708123456786304A13A";
/// A fixed key and token, so that failures read alike.
const TOKEN: &str = "AAECAwQFBgcICQoLDA0ODw";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn ours() -> MerchantCode {
    let currency = "USD".parse().unwrap();
    MerchantCode {
        initiation: Some(Initiation::Dynamic),
        link: Some(CodeLink { path: format!("r/{TOKEN}"), key: KEY.to_owned(), host: "pay.example:8443".to_owned() }),
        category: "5814".to_owned(),
        currency,
        amount: Some(Amount::new(1280, currency)),
        country: "US".to_owned(),
        name: "Blue Door Cafe".to_owned(),
        city: "N/A".to_owned(),
        local_name: Some(LocalName { language: "en".to_owned(), name: "Blue Door Café".to_owned() }),
        reference: Some("261126-K7-003".to_owned()),
    }
}

/// The text with its checksum made right again.
fn resealed(covered: &str) -> String {
    format!("{covered}6304{:04X}", checksum(&format!("{covered}6304")))
}

#[test]
fn the_specifications_example_is_read() {
    let code = MerchantCode::read(BEST_TRANSPORT).unwrap();
    assert_eq!((code.name.as_str(), code.city.as_str(), code.country.as_str()), ("BEST TRANSPORT", "BEIJING", "CN"));
    assert_eq!(code.amount.map(|amount| amount.to_string()).as_deref(), Some("CNY 23.72"));
    assert_eq!(code.local_name, Some(LocalName { language: "ZH".to_owned(), name: "最佳运输".to_owned() }));
    assert_eq!((code.initiation, code.category.as_str()), (Some(Initiation::Dynamic), "4111"));
    assert_eq!(code.link, None, "it is not ours");
}

#[test]
fn ours_reads_back_as_it_was_and_leads_to_its_link() {
    let text = ours().text().unwrap();
    let read = MerchantCode::read(&text).unwrap();
    assert_eq!(read, ours());
    let link = read.link.unwrap();
    assert_eq!(link.deep_link(), format!("tapseal://r/{TOKEN}?s=pay.example:8443#{KEY}"));
    assert_eq!(CodeLink::of_deep_link(&link.deep_link()), Some(link));
    assert!(looks_like_a_code(&text));
}

#[test]
fn a_host_of_any_usual_length_fits() {
    for length in [4, 40, 78] {
        let mut code = ours();
        code.link.as_mut().unwrap().host = "h".repeat(length);
        assert_eq!(MerchantCode::read(&code.text().unwrap()).unwrap(), code, "{length}");
    }
    let mut code = ours();
    code.link.as_mut().unwrap().host = "h".repeat(90);
    assert!(code.text().is_err());
}

#[test]
fn a_changed_character_is_noticed() {
    let text = ours().text().unwrap();
    for (at, character) in text.char_indices() {
        let other = if character == '7' { "8" } else { "7" };
        let changed = [&text[..at], other, &text[at + character.len_utf8()..]].concat();
        assert!(MerchantCode::read(&changed).is_err(), "character {at}");
    }
    for end in 0..text.len() {
        assert!(text.get(..end).is_none_or(|cut| MerchantCode::read(cut).is_err()), "cut to {end}");
    }
}

#[test]
fn what_is_no_code_is_refused() {
    let covered = ours().text().unwrap();
    let covered = covered[..covered.len() - 8].to_owned();
    assert!(MerchantCode::read(&resealed(&covered)).is_ok());
    let cases = [
        (String::new(), MpmError::Object(0)),
        ("hello".to_owned(), MpmError::Malformed),
        (format!("{covered}6304ABCD"), MpmError::Checksum),
        (resealed(&covered.replacen("000201", "000202", 1)), MpmError::Object(0)),
        (resealed(&covered.replacen("010212", "010213", 1)), MpmError::Object(1)),
        (resealed(&covered.replacen("5303840", "5303999", 1)), MpmError::Object(53)),
        (resealed(&covered.replacen("540512.80", "540512,80", 1)), MpmError::Object(54)),
        (resealed(&covered.replacen("540512.80", "540512.801", 1)), MpmError::Malformed),
        (resealed(&covered.replacen("5802US", "5802us", 1)), MpmError::Object(58)),
        (resealed(&format!("{covered}5802US")), MpmError::Object(58)),
        (resealed(&covered.replacen("52045814", "5200", 1)), MpmError::Malformed),
        (resealed(&"0".repeat(TEXT_BYTES_MAX)), MpmError::Malformed),
    ];
    for (text, reason) in cases {
        assert_eq!(MerchantCode::read(&text), Err(reason), "{text}");
    }
}

#[test]
fn half_a_link_is_no_link() {
    let code = ours();
    let text = code.text().unwrap();
    let host = format!("0011{OUR_IDENTIFIER}0316pay.example:8443");
    let object = format!("27{:02}{host}", host.len());
    assert!(text.contains(&object));
    let covered = text.replacen(&object, "", 1);
    assert_eq!(MerchantCode::read(&resealed(&covered[..covered.len() - 8])), Err(MpmError::Object(26)));
}

#[test]
fn a_field_outside_its_bounds_is_not_written() {
    let mut long_name = ours();
    long_name.name = "x".repeat(26);
    let mut foreign_letters = ours();
    foreign_letters.name = "Café".to_owned();
    let mut empty_city = ours();
    empty_city.city = String::new();
    let mut no_link = ours();
    no_link.link = None;
    for (code, id) in [(long_name, 59), (foreign_letters, 59), (empty_city, 60), (no_link, 26)] {
        assert_eq!(code.text(), Err(MpmError::Object(id)));
    }
}
