//! Packing and unpacking: message type, bitmaps, then each data element in order.

use crate::element::{Element, Format, Length};
use crate::spec::{BinaryEncoding, DigitEncoding, Spec};
use crate::{Error, MESSAGE_BYTES_MAX, Message, Mti, Place, Unreadable, Value};

/// Bytes of one bitmap: a bit for each of 64 data elements.
const BITMAP_BYTES: usize = 8;
/// The last data element of the primary bitmap.
const PRIMARY_LAST: u8 = 64;
/// The last data element of the secondary bitmap.
const SECONDARY_LAST: u8 = 128;

pub(crate) fn pack(message: &Message, spec: &Spec) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(512);
    write_digits(&mut out, spec.digits, &message.mti().digits());
    write_bitmaps(&mut out, message, spec)?;
    for (number, value) in message.fields() {
        let place = Place::Element(number);
        let element = spec.element(number).ok_or(Error::UnknownElement { place, offset: out.len() })?;
        write_element(&mut out, spec, element, value)?;
    }
    if out.len() > MESSAGE_BYTES_MAX {
        return Err(Error::MessageTooLong { length: out.len(), max: MESSAGE_BYTES_MAX });
    }
    Ok(out)
}

pub(crate) fn unpack(spec: &Spec, bytes: &[u8]) -> Result<Message, Unreadable> {
    let unreadable = |error| Unreadable { error, read: None };
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(unreadable(Error::MessageTooLong { length: bytes.len(), max: MESSAGE_BYTES_MAX }));
    }
    let mut reader = Reader { bytes, at: 0, place: Place::Mti };
    let mti = reader.digits(spec.digits, 4).and_then(|digits| Mti::parse(&digits)).map_err(unreadable)?;
    let mut message = Message::new(mti);
    match unpack_elements(&mut reader, spec, &mut message) {
        Ok(()) => Ok(message),
        Err(error) => Err(Unreadable { error, read: Some(message) }),
    }
}

fn unpack_elements(reader: &mut Reader<'_>, spec: &Spec, message: &mut Message) -> Result<(), Error> {
    reader.place = Place::PrimaryBitmap;
    let primary = reader.bitmap(spec.binary)?;
    let mut present = u128::from(primary) << 64;
    if primary >> 63 == 1 {
        reader.place = Place::SecondaryBitmap;
        present |= u128::from(reader.bitmap(spec.binary)?);
    }
    for number in 2..=SECONDARY_LAST {
        if present >> (SECONDARY_LAST - number) & 1 == 0 {
            continue;
        }
        let place = Place::Element(number);
        reader.place = place;
        let element = spec.element(number).ok_or(Error::UnknownElement { place, offset: reader.at })?;
        message.set(number, reader.element(spec, element)?);
    }
    reader.end()
}

fn write_bitmaps(out: &mut Vec<u8>, message: &Message, spec: &Spec) -> Result<(), Error> {
    let mut present = 0u128;
    for (number, _) in message.fields() {
        if !(2..=SECONDARY_LAST).contains(&number) {
            let place = Place::Element(number);
            return Err(Error::UnknownElement { place, offset: out.len() });
        }
        present |= 1 << (SECONDARY_LAST - number);
        if number > PRIMARY_LAST {
            // Bit 1 says that a secondary bitmap follows the primary.
            present |= 1 << 127;
        }
    }
    let bytes = present.to_be_bytes();
    let written = if present >> 127 == 1 { &bytes[..] } else { &bytes[..BITMAP_BYTES] };
    write_binary(out, spec.binary, written);
    Ok(())
}

fn write_element(out: &mut Vec<u8>, spec: &Spec, element: &Element, value: &Value) -> Result<(), Error> {
    let place = Place::Element(element.number);
    let offset = out.len();
    let length = match (element.format, value) {
        (Format::B, Value::Binary(bytes)) => bytes.len(),
        (Format::B, Value::Text(_)) | (_, Value::Binary(_)) => {
            return Err(Error::WrongKind { place });
        }
        (format, Value::Text(text)) => {
            if let Some(at) = first_not_allowed(format, text.as_bytes()) {
                return Err(Error::Character { place, offset: offset + at });
            }
            text.len()
        }
    };
    match element.length {
        Length::Fixed(expected) if length != expected => {
            return Err(Error::WrongLength { place, length, expected });
        }
        Length::Fixed(_) => {}
        Length::Ll(max) | Length::Lll(max) | Length::Llll(max) | Length::Lllll(max) => {
            if length > max {
                return Err(Error::TooLong { place, offset, length, max });
            }
            write_length(out, spec, element, length)?;
        }
    }
    match value {
        Value::Binary(bytes) => write_binary(out, spec.binary, bytes),
        Value::Text(text) => write_text(out, spec.digits, element.format, text.as_bytes()),
    }
    Ok(())
}

fn write_length(out: &mut Vec<u8>, spec: &Spec, element: &Element, length: usize) -> Result<(), Error> {
    let counted = match (element.format, spec.binary) {
        (Format::B, BinaryEncoding::Hex) => length * 2,
        _ => length,
    };
    let width = element.length.prefix_digits();
    let digits = format!("{counted:0width$}");
    if digits.len() > width {
        let place = Place::Element(element.number);
        let max = 10usize.pow(u32::try_from(width).unwrap_or(u32::MAX)) - 1;
        return Err(Error::TooLong { place, offset: out.len(), length: counted, max });
    }
    write_digits(out, spec.digits, digits.as_bytes());
    Ok(())
}

fn write_text(out: &mut Vec<u8>, digits: DigitEncoding, format: Format, text: &[u8]) {
    match (digits, format) {
        (DigitEncoding::Bcd, Format::N) => write_digits(out, digits, text),
        (DigitEncoding::Bcd, Format::Xn) => {
            // The sign stays a character of its own; only the amount is packed.
            let (sign, amount) = text.split_at(1.min(text.len()));
            out.extend_from_slice(sign);
            write_digits(out, digits, amount);
        }
        (DigitEncoding::Bcd, Format::Z) => {
            for pair in text.chunks(2) {
                let low = pair.get(1).map_or(0x0f, |c| track_nibble(*c));
                out.push(track_nibble(pair[0]) << 4 | low);
            }
        }
        _ => out.extend_from_slice(text),
    }
}

fn write_digits(out: &mut Vec<u8>, encoding: DigitEncoding, digits: &[u8]) {
    match encoding {
        DigitEncoding::Ascii => out.extend_from_slice(digits),
        DigitEncoding::Bcd => {
            let (odd, pairs) = digits.split_at(digits.len() % 2);
            out.extend(odd.iter().map(|digit| digit & 0x0f));
            out.extend(pairs.chunks_exact(2).map(|pair| (pair[0] & 0x0f) << 4 | pair[1] & 0x0f));
        }
    }
}

fn write_binary(out: &mut Vec<u8>, encoding: BinaryEncoding, bytes: &[u8]) {
    match encoding {
        BinaryEncoding::Raw => out.extend_from_slice(bytes),
        BinaryEncoding::Hex => {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            out.extend(
                bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).map(|nibble| DIGITS[usize::from(nibble)]),
            );
        }
    }
}

const fn track_nibble(character: u8) -> u8 {
    if character == b'=' { 0x0d } else { character & 0x0f }
}

/// Where the first character is that the format does not allow.
fn first_not_allowed(format: Format, text: &[u8]) -> Option<usize> {
    text.iter().enumerate().find_map(|(at, c)| {
        let allowed = match format {
            Format::Xn if at == 0 => matches!(c, b'C' | b'D'),
            Format::N | Format::Xn => c.is_ascii_digit(),
            Format::An => c.is_ascii_alphanumeric() || *c == b' ',
            Format::Ans => matches!(c, 0x20..=0x7e),
            Format::Z => c.is_ascii_digit() || *c == b'=',
            Format::B => false,
        };
        (!allowed).then_some(at)
    })
}

/// A position in a message and the field being read there, so that every error can name both.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    place: Place,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let left = &self.bytes[self.at..];
        let Some(taken) = left.get(..count) else {
            return Err(Error::Truncated { place: self.place, offset: self.at, needed: count, found: left.len() });
        };
        self.at += count;
        Ok(taken)
    }

    fn end(&self) -> Result<(), Error> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            extra => Err(Error::Trailing { after: self.place, offset: self.at, extra }),
        }
    }

    fn element(&mut self, spec: &Spec, element: &Element) -> Result<Value, Error> {
        let length = self.length(spec, element)?;
        if element.format == Format::B {
            return self.binary(spec.binary, length).map(Value::Binary);
        }
        let start = self.at;
        let text = match (spec.digits, element.format) {
            (DigitEncoding::Bcd, Format::N) => self.digits(spec.digits, length)?,
            (DigitEncoding::Bcd, Format::Xn) => {
                let mut text = self.ascii(1.min(length))?;
                text.push_str(&self.digits(spec.digits, length.saturating_sub(1))?);
                text
            }
            (DigitEncoding::Bcd, Format::Z) => self.packed_track(length)?,
            _ => self.ascii(length)?,
        };
        match first_not_allowed(element.format, text.as_bytes()) {
            Some(at) => Err(Error::Character { place: self.place, offset: start + at }),
            None => Ok(Value::Text(text)),
        }
    }

    /// The length of a data element in characters or bytes, from its prefix or its row.
    fn length(&mut self, spec: &Spec, element: &Element) -> Result<usize, Error> {
        let place = self.place;
        let offset = self.at;
        let max = match element.length {
            Length::Fixed(length) => return Ok(length),
            Length::Ll(max) | Length::Lll(max) | Length::Llll(max) | Length::Lllll(max) => max,
        };
        let counted = self
            .digits(spec.digits, element.length.prefix_digits())
            .map_err(|error| match error {
                Error::Character { .. } => Error::LengthPrefix { place, offset },
                other => other,
            })?
            .parse::<usize>()
            .map_err(|_| Error::LengthPrefix { place, offset })?;
        let length = match (element.format, spec.binary) {
            (Format::B, BinaryEncoding::Hex) if counted % 2 == 1 => {
                return Err(Error::LengthPrefix { place, offset });
            }
            (Format::B, BinaryEncoding::Hex) => counted / 2,
            _ => counted,
        };
        if length > max {
            return Err(Error::TooLong { place, offset, length, max });
        }
        Ok(length)
    }

    fn bitmap(&mut self, encoding: BinaryEncoding) -> Result<u64, Error> {
        let bytes = self.binary(encoding, BITMAP_BYTES)?;
        Ok(bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    fn binary(&mut self, encoding: BinaryEncoding, length: usize) -> Result<Vec<u8>, Error> {
        match encoding {
            BinaryEncoding::Raw => self.take(length).map(<[u8]>::to_vec),
            BinaryEncoding::Hex => {
                let offset = self.at;
                let place = self.place;
                let nibble = |at: usize, c: u8| {
                    let value = char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                    value.ok_or(Error::Character { place, offset: offset + at })
                };
                self.take(length * 2)?
                    .chunks_exact(2)
                    .enumerate()
                    .map(|(at, pair)| Ok(nibble(at * 2, pair[0])? << 4 | nibble(at * 2 + 1, pair[1])?))
                    .collect()
            }
        }
    }

    fn digits(&mut self, encoding: DigitEncoding, count: usize) -> Result<String, Error> {
        let offset = self.at;
        let place = self.place;
        match encoding {
            DigitEncoding::Ascii => {
                let text = self.ascii(count)?;
                match first_not_allowed(Format::N, text.as_bytes()) {
                    Some(at) => Err(Error::Character { place, offset: offset + at }),
                    None => Ok(text),
                }
            }
            DigitEncoding::Bcd => {
                let padding = count % 2;
                let mut text = String::with_capacity(count + padding);
                for (at, nibble) in nibbles(self.take(count.div_ceil(2))?).enumerate() {
                    let is_padding = at < padding;
                    if nibble > 9 || (is_padding && nibble != 0) {
                        return Err(Error::Character { place, offset: offset + at / 2 });
                    }
                    if !is_padding {
                        text.push(char::from(b'0' + nibble));
                    }
                }
                Ok(text)
            }
        }
    }

    fn packed_track(&mut self, count: usize) -> Result<String, Error> {
        let offset = self.at;
        let place = self.place;
        let mut text = String::with_capacity(count);
        for (at, nibble) in nibbles(self.take(count.div_ceil(2))?).enumerate() {
            match nibble {
                0x0f if at == count => {}
                digit @ 0..=9 if at < count => text.push(char::from(b'0' + digit)),
                0x0d if at < count => text.push('='),
                _ => {
                    return Err(Error::Character { place, offset: offset + at / 2 });
                }
            }
        }
        Ok(text)
    }

    fn ascii(&mut self, count: usize) -> Result<String, Error> {
        let offset = self.at;
        let place = self.place;
        let bytes = self.take(count)?;
        if let Some(at) = bytes.iter().position(|byte| !byte.is_ascii()) {
            return Err(Error::Character { place, offset: offset + at });
        }
        Ok(bytes.iter().map(|byte| char::from(*byte)).collect())
    }
}

fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f])
}
