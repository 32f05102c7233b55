//! EMVCo's merchant-presented QR code (EMV QR Code Specification for Payment Systems, Merchant-Presented Mode 1.1).
//!
//! A code is a text of data objects: two digits of id, two of length in characters, and the value. Ours leads to a
//! payment request: two templates under our identifier hold the link, since one value has at most 99 characters.
//!
//! ```text
//! 26  00 org.tapseal  01 r/TOKEN or c/TOKEN  02 KEY
//! 27  00 org.tapseal  03 HOST
//! ```
//!
//! What else the code says, such as amount and name, is for people and for other apps. A wallet believes the merchant's
//! signed order, and refuses a code that says something else.

use std::fmt::Write as _;

use payment::{Amount, Currency};

mod object;

pub use object::DataObject;
use object::{objects, put};

/// The longest text that is read, in bytes: what a QR code holds at its usual error correction.
pub const TEXT_BYTES_MAX: usize = 2_048;
/// Our globally unique identifier in a merchant account template (section 4.7.9: a reverse domain name).
const OUR_IDENTIFIER: &str = "org.tapseal";
/// The longest name of a merchant (table 3.5), in characters.
pub const NAME_CHARS_MAX: usize = 25;
/// The longest name of a city (table 3.5), in characters.
pub const CITY_CHARS_MAX: usize = 15;
/// The longest reference label (table 3.7), in characters.
pub const REFERENCE_CHARS_MAX: usize = 25;

/// Data objects of the root (table 3.2).
mod id {
    pub const PAYLOAD_FORMAT: u8 = 0;
    pub const INITIATION: u8 = 1;
    pub const TEMPLATE_LINK: u8 = 26;
    pub const TEMPLATE_HOST: u8 = 27;
    pub const TEMPLATES: std::ops::RangeInclusive<u8> = 26..=51;
    pub const CATEGORY: u8 = 52;
    pub const CURRENCY: u8 = 53;
    pub const AMOUNT: u8 = 54;
    pub const COUNTRY: u8 = 58;
    pub const NAME: u8 = 59;
    pub const CITY: u8 = 60;
    pub const ADDITIONAL: u8 = 62;
    pub const CRC: u8 = 63;
    pub const LANGUAGE: u8 = 64;
}

/// Data objects of a merchant account template.
mod template {
    pub const IDENTIFIER: u8 = 0;
    pub const PATH: u8 = 1;
    pub const KEY: u8 = 2;
    pub const HOST: u8 = 3;
}

/// Data objects of the additional data template (table 3.7) and of the language template (table 3.8).
mod inner {
    pub const REFERENCE: u8 = 5;
    pub const LANGUAGE: u8 = 0;
    pub const NAME: u8 = 1;
}

/// Why a text is not a merchant-presented code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MpmError {
    /// It is not made of data objects, or is too long.
    #[error("the code is malformed")]
    Malformed,
    /// The checksum is not the text's.
    #[error("the code's checksum is wrong")]
    Checksum,
    /// A data object that must be there is missing, or has not the form it must have; its id is given.
    #[error("the code's data object {0:02} is missing or malformed")]
    Object(u8),
}

/// Whether a code is shown for one payment or stands on a counter (table 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiation {
    /// For many payments.
    Static,
    /// For one.
    Dynamic,
}

/// Where our code leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLink {
    /// `r/` or `c/` and the token.
    pub path: String,
    /// The key that opens the letter, base64url.
    pub key: String,
    /// The payment server's host.
    pub host: String,
}

impl CodeLink {
    /// The link that a wallet opens, in its own scheme.
    pub fn deep_link(&self) -> String {
        format!("tapseal://{}?s={}#{}", self.path, self.host, self.key)
    }

    /// Whether the parts have no character that would make another link of them.
    fn is_well_formed(&self) -> bool {
        let made_of = |text: &str, others: &[u8]| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
        };
        made_of(&self.path, b"-_/") && made_of(&self.key, b"-_") && made_of(&self.host, b"-.:[]")
    }

    /// The parts of a link in the wallet's scheme.
    pub fn of_deep_link(link: &str) -> Option<Self> {
        let (address, key) = link.strip_prefix("tapseal://")?.split_once('#')?;
        let (path, query) = address.split_once('?')?;
        let host = query.split('&').find_map(|pair| pair.strip_prefix("s="))?;
        Some(Self { path: path.to_owned(), key: key.to_owned(), host: host.to_owned() })
    }
}

/// The merchant's name in a language of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalName {
    /// ISO 639, two letters.
    pub language: String,
    /// The name, in any letters.
    pub name: String,
}

/// A merchant-presented code, whoever's it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantCode {
    /// Whether it is for one payment.
    pub initiation: Option<Initiation>,
    /// Where it leads, if it is ours.
    pub link: Option<CodeLink>,
    /// Merchant category code, four digits (ISO 18245).
    pub category: String,
    /// The currency.
    pub currency: Currency,
    /// How much; none when the payer says it.
    pub amount: Option<Amount>,
    /// ISO 3166-1, two letters.
    pub country: String,
    /// The merchant's name in plain letters.
    pub name: String,
    /// The city in plain letters.
    pub city: String,
    /// The merchant's name in its own letters.
    pub local_name: Option<LocalName>,
    /// The merchant's own reference.
    pub reference: Option<String>,
}

impl MerchantCode {
    /// The code's text. A field that is outside its bounds is an error, and so is a link that does not fit.
    pub fn text(&self) -> Result<String, MpmError> {
        let link =
            self.link.as_ref().filter(|link| link.is_well_formed()).ok_or(MpmError::Object(id::TEMPLATE_LINK))?;
        let mut text = String::new();
        put(&mut text, id::PAYLOAD_FORMAT, "01")?;
        if let Some(initiation) = self.initiation {
            put(&mut text, id::INITIATION, initiation.code())?;
        }
        let link_parts = [(template::PATH, link.path.as_str()), (template::KEY, link.key.as_str())];
        put(&mut text, id::TEMPLATE_LINK, &our_template(&link_parts)?)?;
        put(&mut text, id::TEMPLATE_HOST, &our_template(&[(template::HOST, &link.host)])?)?;
        put(&mut text, id::CATEGORY, checked(id::CATEGORY, &self.category, is_category)?)?;
        put(&mut text, id::CURRENCY, &format!("{:03}", self.currency.numeric()))?;
        if let Some(amount) = self.amount {
            put(&mut text, id::AMOUNT, checked(id::AMOUNT, &amount.to_decimal(), is_amount)?)?;
        }
        put(&mut text, id::COUNTRY, checked(id::COUNTRY, &self.country, is_country)?)?;
        put(&mut text, id::NAME, checked(id::NAME, &self.name, |name| is_plain(name, NAME_CHARS_MAX))?)?;
        put(&mut text, id::CITY, checked(id::CITY, &self.city, |city| is_plain(city, CITY_CHARS_MAX))?)?;
        if let Some(reference) = &self.reference {
            let reference = checked(id::ADDITIONAL, reference, |text| is_plain(text, REFERENCE_CHARS_MAX))?;
            put(&mut text, id::ADDITIONAL, &one_object(inner::REFERENCE, reference)?)?;
        }
        if let Some(LocalName { language, name }) = &self.local_name {
            let mut template = one_object(inner::LANGUAGE, checked(id::LANGUAGE, language, is_language)?)?;
            put(&mut template, inner::NAME, checked(id::LANGUAGE, name, is_local_name)?)?;
            put(&mut text, id::LANGUAGE, &template)?;
        }
        let _ = write!(text, "{:02}04", id::CRC);
        let _ = write!(text, "{:04X}", checksum(&text));
        if text.len() > TEXT_BYTES_MAX { Err(MpmError::Malformed) } else { Ok(text) }
    }

    /// Reads a code of anybody's: every object, its order where the standard fixes one, its checksum, and the fields
    /// that must be there.
    pub fn read(text: &str) -> Result<Self, MpmError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(MpmError::Malformed);
        }
        let root = objects(text)?;
        check_frame(text, &root)?;
        let value = |id: u8| root.iter().find(|object| object.id == id).map(|object| object.value);
        let needed = |id: u8, fits: fn(&str) -> bool| {
            value(id).filter(|value| fits(value)).map(str::to_owned).ok_or(MpmError::Object(id))
        };
        let currency = read_currency(&needed(id::CURRENCY, |code| code.len() == 3)?)?;
        let read_amount = |text| Amount::from_decimal(text, currency).ok().filter(|amount| amount.minor() >= 0);
        let amount = value(id::AMOUNT).map(|text| read_amount(text).ok_or(MpmError::Object(id::AMOUNT))).transpose()?;
        Ok(Self {
            initiation: value(id::INITIATION).map(Initiation::of_code).transpose()?,
            link: our_link(&root)?,
            category: needed(id::CATEGORY, is_category)?,
            currency,
            amount,
            country: needed(id::COUNTRY, is_country)?,
            name: needed(id::NAME, |name| name.chars().count() <= NAME_CHARS_MAX)?,
            city: needed(id::CITY, |city| city.chars().count() <= CITY_CHARS_MAX)?,
            local_name: value(id::LANGUAGE).map(local_name).transpose()?.flatten(),
            reference: value(id::ADDITIONAL).map(|value| inside(value, inner::REFERENCE)).transpose()?.flatten(),
        })
    }
}

/// Whether a text may be a merchant-presented code: it begins as all of them do.
pub fn looks_like_a_code(text: &str) -> bool {
    text.starts_with("000201")
}

impl Initiation {
    const fn code(self) -> &'static str {
        match self {
            Self::Static => "11",
            Self::Dynamic => "12",
        }
    }

    fn of_code(code: &str) -> Result<Self, MpmError> {
        match code {
            "11" => Ok(Self::Static),
            "12" => Ok(Self::Dynamic),
            _ => Err(MpmError::Object(id::INITIATION)),
        }
    }
}

/// Section 4.1: the payload format first, the checksum last and right, and no root object twice.
fn check_frame(text: &str, root: &[DataObject<'_>]) -> Result<(), MpmError> {
    match root.first() {
        Some(DataObject { id: id::PAYLOAD_FORMAT, value: "01" }) => {}
        _ => return Err(MpmError::Object(id::PAYLOAD_FORMAT)),
    }
    let written = match root.last() {
        Some(DataObject { id: id::CRC, value }) if value.len() == 4 => *value,
        _ => return Err(MpmError::Object(id::CRC)),
    };
    let covered = text.strip_suffix(written).ok_or(MpmError::Malformed)?;
    let repeated = root.iter().enumerate().find(|(at, one)| root[..*at].iter().any(|other| other.id == one.id));
    match repeated {
        Some((_, object)) => Err(MpmError::Object(object.id)),
        None if format!("{:04X}", checksum(covered)) == written => Ok(()),
        None => Err(MpmError::Checksum),
    }
}

/// The CRC of table 3.2, object 63: ISO/IEC 13239 with polynomial 1021 and the initial value FFFF.
fn checksum(covered: &str) -> u16 {
    crc::Crc::<u16>::new(&crc::CRC_16_IBM_3740).checksum(covered.as_bytes())
}

/// The link in our templates; none in a code of others.
fn our_link(root: &[DataObject<'_>]) -> Result<Option<CodeLink>, MpmError> {
    let (mut path, mut key, mut host) = (None, None, None);
    for object in root.iter().filter(|object| id::TEMPLATES.contains(&object.id)) {
        // What others keep in their templates may have a form of their own.
        let Ok(parts) = objects(object.value) else { continue };
        if !parts.iter().any(|part| part.id == template::IDENTIFIER && part.value == OUR_IDENTIFIER) {
            continue;
        }
        for part in parts {
            let slot = match part.id {
                template::PATH => &mut path,
                template::KEY => &mut key,
                template::HOST => &mut host,
                _ => continue,
            };
            if slot.replace(part.value.to_owned()).is_some() {
                return Err(MpmError::Object(object.id));
            }
        }
    }
    match (path, key, host) {
        (None, None, None) => Ok(None),
        (Some(path), Some(key), Some(host)) => {
            let link = CodeLink { path, key, host };
            if link.is_well_formed() { Ok(Some(link)) } else { Err(MpmError::Object(id::TEMPLATE_LINK)) }
        }
        _ => Err(MpmError::Object(id::TEMPLATE_LINK)),
    }
}

fn our_template(parts: &[(u8, &str)]) -> Result<String, MpmError> {
    let mut template = one_object(template::IDENTIFIER, OUR_IDENTIFIER)?;
    for (id, value) in parts {
        put(&mut template, *id, value)?;
    }
    Ok(template)
}

fn one_object(id: u8, value: &str) -> Result<String, MpmError> {
    let mut text = String::new();
    put(&mut text, id, value)?;
    Ok(text)
}

fn local_name(template: &str) -> Result<Option<LocalName>, MpmError> {
    match (inside(template, inner::LANGUAGE)?, inside(template, inner::NAME)?) {
        (Some(language), Some(name)) => Ok(Some(LocalName { language, name })),
        _ => Err(MpmError::Object(id::LANGUAGE)),
    }
}

/// A data object of a template.
fn inside(template: &str, id: u8) -> Result<Option<String>, MpmError> {
    Ok(objects(template)?.iter().find(|object| object.id == id).map(|object| object.value.to_owned()))
}

fn read_currency(code: &str) -> Result<Currency, MpmError> {
    let wrong = MpmError::Object(id::CURRENCY);
    Currency::from_numeric(code.parse().map_err(|_| wrong)?).map_err(|_| wrong)
}

fn checked(id: u8, value: &str, fits: impl Fn(&str) -> bool) -> Result<&str, MpmError> {
    if fits(value) { Ok(value) } else { Err(MpmError::Object(id)) }
}

fn is_category(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_language(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_local_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.chars().count())
}

/// Digits with at most one point among at most 13 characters (section 4.4.4).
fn is_amount(text: &str) -> bool {
    (1..=13).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// EMVCo's common character set (Book 4, annex B): what can be printed in ASCII.
fn is_plain(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.len()) && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
