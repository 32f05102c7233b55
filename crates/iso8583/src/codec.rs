//! Packing and unpacking: message type, bitmaps, then each data element in order.

use crate::element::{Element, Format, Length};
use crate::message::Kind;
use crate::spec::{BinaryEncoding, DigitEncoding, Spec};
use crate::{Error, MESSAGE_BYTES_MAX, Message, Mti, Place, Unreadable};

/// Bytes of one bitmap: a bit for each of 64 data elements.
const BITMAP_BYTES: usize = 8;
/// The last data element of the primary bitmap.
const PRIMARY_LAST: u8 = 64;
/// The last data element of the secondary bitmap.
const SECONDARY_LAST: u8 = 128;
/// The bit of the primary bitmap that says that a secondary follows, with both in one number.
const SECONDARY_FOLLOWS: u128 = 1 << 127;
/// Room for message type, bitmaps and length prefixes, in bytes.
const OVERHEAD_BYTES: usize = 96;

pub(crate) fn pack(message: &Message, spec: &Spec) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(message.content_bytes() + OVERHEAD_BYTES);
    write_digits(&mut out, spec.digits, &message.mti().digits());
    write_bitmaps(&mut out, message, spec)?;
    for (number, kind, content) in message.raw_fields() {
        let place = Place::Element(number);
        let element = spec.element(number).ok_or(Error::UnknownElement { place, offset: out.len() })?;
        write_element(&mut out, spec, element, kind, content)?;
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
    let mti = reader.mti(spec.digits).map_err(unreadable)?;
    let mut message = Message::new(mti);
    match unpack_elements(&mut reader, spec, &mut message) {
        Ok(()) => Ok(message),
        Err(error) => Err(Unreadable { error, read: Some(message) }),
    }
}

fn unpack_elements(reader: &mut Reader<'_>, spec: &Spec, message: &mut Message) -> Result<(), Error> {
    reader.place = Place::PrimaryBitmap;
    let mut present = u128::from(reader.bitmap(spec.binary)?) << 64;
    if present & SECONDARY_FOLLOWS != 0 {
        reader.place = Place::SecondaryBitmap;
        present |= u128::from(reader.bitmap(spec.binary)?);
        present ^= SECONDARY_FOLLOWS;
    }
    // Packed digits are twice as many characters; no content has more than that.
    let room = match spec.digits {
        DigitEncoding::Ascii => reader.left(),
        DigitEncoding::Bcd => reader.left() * 2,
    };
    *message = Message::with_room(message.mti(), present.count_ones() as usize, room);
    while present != 0 {
        let number = u8::try_from(present.leading_zeros() + 1).unwrap_or(u8::MAX);
        present ^= SECONDARY_FOLLOWS >> (number - 1);
        let place = Place::Element(number);
        reader.place = place;
        let element = spec.element(number).ok_or(Error::UnknownElement { place, offset: reader.at })?;
        let kind = if element.format == Format::B { Kind::Binary } else { Kind::Text };
        message.push_with(number, kind, |content| reader.element(spec, element, content))?;
    }
    reader.end()
}

fn write_bitmaps(out: &mut Vec<u8>, message: &Message, spec: &Spec) -> Result<(), Error> {
    let mut present = 0u128;
    for (number, ..) in message.raw_fields() {
        if !(2..=SECONDARY_LAST).contains(&number) {
            let place = Place::Element(number);
            return Err(Error::UnknownElement { place, offset: out.len() });
        }
        present |= 1 << (SECONDARY_LAST - number);
        if number > PRIMARY_LAST {
            present |= SECONDARY_FOLLOWS;
        }
    }
    let bytes = present.to_be_bytes();
    let written = if present & SECONDARY_FOLLOWS == 0 { &bytes[..BITMAP_BYTES] } else { &bytes[..] };
    write_binary(out, spec.binary, written);
    Ok(())
}

fn write_element(out: &mut Vec<u8>, spec: &Spec, element: &Element, kind: Kind, content: &[u8]) -> Result<(), Error> {
    let place = Place::Element(element.number);
    let offset = out.len();
    let length = content.len();
    match (element.format, kind) {
        (Format::B, Kind::Binary) => {}
        (Format::B, Kind::Text) | (_, Kind::Binary) => return Err(Error::WrongKind { place }),
        (format, Kind::Text) => {
            if !allows(format, content) {
                return Err(Error::Character { place, offset: offset + first_not_allowed(format, content) });
            }
        }
    }
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
    match kind {
        Kind::Binary => write_binary(out, spec.binary, content),
        Kind::Text => write_text(out, spec.digits, element.format, content),
    }
    Ok(())
}

fn write_length(out: &mut Vec<u8>, spec: &Spec, element: &Element, length: usize) -> Result<(), Error> {
    let counted = match (element.format, spec.binary) {
        (Format::B, BinaryEncoding::Hex) => length * 2,
        _ => length,
    };
    let mut digits = [b'0'; Length::PREFIX_DIGITS_MAX];
    let width = element.length.prefix_digits();
    let mut rest = counted;
    for digit in digits[..width].iter_mut().rev() {
        // A remainder of ten is a digit.
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    if rest > 0 {
        let place = Place::Element(element.number);
        let max = 10usize.pow(u32::try_from(width).unwrap_or(u32::MAX)) - 1;
        return Err(Error::TooLong { place, offset: out.len(), length: counted, max });
    }
    write_digits(out, spec.digits, &digits[..width]);
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
            for byte in bytes {
                out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]]);
            }
        }
    }
}

const fn track_nibble(character: u8) -> u8 {
    if matches!(character, b'=' | b'D') { 0x0d } else { character & 0x0f }
}

/// Whether a format allows every character. Without a way out in the middle, the compiler looks at many at a time.
fn allows(format: Format, text: &[u8]) -> bool {
    fn every(text: &[u8], is_allowed: impl Fn(u8) -> bool) -> bool {
        text.iter().fold(true, |all, c| all & is_allowed(*c))
    }
    match format {
        Format::N => every(text, is_digit),
        Format::Xn => text.split_first().is_none_or(|(sign, digits)| is_sign(*sign) && every(digits, is_digit)),
        Format::An => every(text, is_alphanumeric),
        Format::Ans => every(text, is_printable),
        Format::Z => every(text, is_track),
        Format::B => false,
    }
}

/// Where the first character is that the format does not allow.
fn first_not_allowed(format: Format, text: &[u8]) -> usize {
    let is_allowed = |at: usize, c: u8| match format {
        Format::Xn if at == 0 => is_sign(c),
        Format::N | Format::Xn => is_digit(c),
        Format::An => is_alphanumeric(c),
        Format::Ans => is_printable(c),
        Format::Z => is_track(c),
        Format::B => false,
    };
    text.iter().enumerate().position(|(at, c)| !is_allowed(at, *c)).unwrap_or_default()
}

const fn is_digit(c: u8) -> bool {
    c.wrapping_sub(b'0') < 10
}

const fn is_sign(c: u8) -> bool {
    matches!(c, b'C' | b'D')
}

const fn is_alphanumeric(c: u8) -> bool {
    is_digit(c) || (c | 0x20).wrapping_sub(b'a') < 26 || c == b' '
}

const fn is_printable(c: u8) -> bool {
    c.wrapping_sub(b' ') < 0x5f
}

const fn is_track(c: u8) -> bool {
    is_digit(c) || c == b'=' || c == b'D'
}

/// A position in a message and the field being read there, so that every error can name both.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    place: Place,
}

impl<'a> Reader<'a> {
    const fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let left = &self.bytes[self.at..];
        let Some(taken) = left.get(..count) else {
            return Err(Error::Truncated { place: self.place, offset: self.at, needed: count, found: left.len() });
        };
        self.at += count;
        Ok(taken)
    }

    fn end(&self) -> Result<(), Error> {
        match self.left() {
            0 => Ok(()),
            extra => Err(Error::Trailing { after: self.place, offset: self.at, extra }),
        }
    }

    fn mti(&mut self, encoding: DigitEncoding) -> Result<Mti, Error> {
        let mut digits = Vec::with_capacity(4);
        self.digits(encoding, 4, &mut digits)?;
        Mti::of_digits(&digits)
    }

    /// Reads an element and appends what it holds.
    fn element(&mut self, spec: &Spec, element: &Element, content: &mut Vec<u8>) -> Result<(), Error> {
        let length = self.length(spec, element)?;
        match (spec.digits, element.format) {
            (_, Format::B) => self.binary(spec.binary, length, content),
            (DigitEncoding::Bcd, Format::N) => self.digits(spec.digits, length, content),
            (DigitEncoding::Bcd, Format::Xn) => {
                self.characters(element.format, 1.min(length), content)?;
                self.digits(spec.digits, length.saturating_sub(1), content)
            }
            (DigitEncoding::Bcd, Format::Z) => self.packed_track(length, content),
            _ => self.characters(element.format, length, content),
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
        let counted = self.counted(spec.digits, element.length.prefix_digits())?;
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

    /// The number that a length prefix of so many digits says.
    fn counted(&mut self, encoding: DigitEncoding, digits: usize) -> Result<usize, Error> {
        let wrong = Error::LengthPrefix { place: self.place, offset: self.at };
        let bytes = match encoding {
            DigitEncoding::Ascii => self.take(digits)?,
            DigitEncoding::Bcd => self.take(digits.div_ceil(2))?,
        };
        let mut counted = 0;
        match encoding {
            DigitEncoding::Ascii if !allows(Format::N, bytes) => return Err(wrong),
            DigitEncoding::Ascii => {
                for digit in bytes {
                    counted = counted * 10 + usize::from(digit & 0x0f);
                }
            }
            DigitEncoding::Bcd => {
                for (at, nibble) in nibbles(bytes).enumerate() {
                    let is_padding = at < digits % 2;
                    if nibble > 9 || (is_padding && nibble != 0) {
                        return Err(wrong);
                    }
                    counted = counted * 10 + usize::from(nibble);
                }
            }
        }
        Ok(counted)
    }

    fn bitmap(&mut self, encoding: BinaryEncoding) -> Result<u64, Error> {
        if encoding == BinaryEncoding::Raw {
            let bytes = self.take(BITMAP_BYTES)?;
            return Ok(bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)));
        }
        let mut bytes = Vec::with_capacity(BITMAP_BYTES);
        self.binary(encoding, BITMAP_BYTES, &mut bytes)?;
        Ok(bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    fn binary(&mut self, encoding: BinaryEncoding, length: usize, content: &mut Vec<u8>) -> Result<(), Error> {
        match encoding {
            BinaryEncoding::Raw => content.extend_from_slice(self.take(length)?),
            BinaryEncoding::Hex => {
                let (place, offset) = (self.place, self.at);
                for (at, pair) in self.take(length * 2)?.chunks_exact(2).enumerate() {
                    let nibble = |which: usize| {
                        hex_nibble(pair[which]).ok_or(Error::Character { place, offset: offset + at * 2 + which })
                    };
                    content.push(nibble(0)? << 4 | nibble(1)?);
                }
            }
        }
        Ok(())
    }

    fn digits(&mut self, encoding: DigitEncoding, count: usize, content: &mut Vec<u8>) -> Result<(), Error> {
        if encoding == DigitEncoding::Ascii {
            return self.characters(Format::N, count, content);
        }
        let (place, offset) = (self.place, self.at);
        let padding = count % 2;
        for (at, nibble) in nibbles(self.take(count.div_ceil(2))?).enumerate() {
            let is_padding = at < padding;
            if nibble > 9 || (is_padding && nibble != 0) {
                return Err(Error::Character { place, offset: offset + at / 2 });
            }
            if !is_padding {
                content.push(b'0' + nibble);
            }
        }
        Ok(())
    }

    /// Track data; an odd count has an `F` behind it, or, as some write it, a zero in front.
    fn packed_track(&mut self, count: usize, content: &mut Vec<u8>) -> Result<(), Error> {
        let (place, offset) = (self.place, self.at);
        let bytes = self.take(count.div_ceil(2))?;
        let is_odd = count % 2 == 1;
        let ends_padded = bytes.last().is_some_and(|byte| byte & 0x0f == 0x0f);
        let starts_padded = is_odd && !ends_padded && bytes.first().is_some_and(|byte| byte >> 4 == 0);
        let skipped = usize::from(starts_padded);
        for (at, nibble) in nibbles(bytes).enumerate().skip(skipped) {
            match nibble {
                0x0f if at == count => {}
                digit @ 0..=9 if at < count + skipped => content.push(b'0' + digit),
                0x0d if at < count + skipped => content.push(b'='),
                _ => return Err(Error::Character { place, offset: offset + at / 2 }),
            }
        }
        Ok(())
    }

    fn characters(&mut self, format: Format, count: usize, content: &mut Vec<u8>) -> Result<(), Error> {
        let (place, offset) = (self.place, self.at);
        let text = self.take(count)?;
        if !allows(format, text) {
            return Err(Error::Character { place, offset: offset + first_not_allowed(format, text) });
        }
        content.extend_from_slice(text);
        Ok(())
    }
}

const fn hex_nibble(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f])
}
