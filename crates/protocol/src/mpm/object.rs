//! Data objects (section 4.2): two digits of id, two of length, and a value of so many characters.

use super::MpmError;

/// The longest value, in characters.
const VALUE_CHARS_MAX: usize = 99;
/// The highest id.
const ID_MAX: u8 = 99;

/// One data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataObject<'a> {
    /// 0 to 99.
    pub id: u8,
    /// 1 to 99 characters.
    pub value: &'a str,
}

/// The data objects that a text is made of, one after the other and nothing else.
pub fn objects(text: &str) -> Result<Vec<DataObject<'_>>, MpmError> {
    let mut rest = text;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (id, after_id) = two_digits(rest)?;
        let (length, after_length) = two_digits(after_id)?;
        let (value, after_value) = first_chars(after_length, usize::from(length))?;
        found.push(DataObject { id, value });
        rest = after_value;
    }
    Ok(found)
}

/// Appends a data object.
pub fn put(text: &mut String, id: u8, value: &str) -> Result<(), MpmError> {
    use std::fmt::Write;
    let length = value.chars().count();
    if !(1..=VALUE_CHARS_MAX).contains(&length) || id > ID_MAX {
        return Err(MpmError::Object(id));
    }
    write!(text, "{id:02}{length:02}{value}").map_err(|_| MpmError::Malformed)
}

fn two_digits(text: &str) -> Result<(u8, &str), MpmError> {
    let (digits, rest) = text.split_at_checked(2).ok_or(MpmError::Malformed)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MpmError::Malformed);
    }
    Ok((digits.parse().map_err(|_| MpmError::Malformed)?, rest))
}

/// The first characters of a text, at least one, and the rest.
fn first_chars(text: &str, count: usize) -> Result<(&str, &str), MpmError> {
    let end = match (count, text.char_indices().nth(count)) {
        (0, _) => return Err(MpmError::Malformed),
        (_, Some((end, _))) => end,
        (_, None) if text.chars().count() == count => text.len(),
        (_, None) => return Err(MpmError::Malformed),
    };
    Ok(text.split_at(end))
}
