//! BER-TLV as cards really write it (Book 3 annex B; ISO/IEC 8825-1).
//!
//! The lenient reader takes what field cards do: zero bytes between objects, a length of 80, trailing bytes
//! that are no object. The strict reader refuses them. Neither recurses: depth and count are bounded.

use crate::tag::Tag;

/// How many templates may be nested.
pub const DEPTH_MAX: usize = 6;

/// How many objects one message may hold, over all levels.
pub const OBJECTS_MAX: usize = 256;

/// One data object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Its value.
    pub value: &'a [u8],
}

/// How much the reader forgives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Padding is skipped and a broken tail is dropped.
    Lenient,
    /// Anything odd is an error.
    Strict,
}

/// Why bytes are not TLV. `offset` counts bytes from the start of the buffer given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlvError {
    /// The tag ends too early or is longer than four bytes.
    #[error("bad tag at byte {offset}")]
    Tag {
        /// Where.
        offset: usize,
    },
    /// The length ends too early, is indefinite, or is longer than four bytes.
    #[error("bad length at byte {offset}")]
    Length {
        /// Where.
        offset: usize,
    },
    /// The value is shorter than its length.
    #[error("truncated value at byte {offset}")]
    Value {
        /// Where.
        offset: usize,
    },
    /// Deeper than [`DEPTH_MAX`] or more than [`OBJECTS_MAX`].
    #[error("too many objects")]
    Bound,
}

/// Reads one level of objects.
///
/// # Errors
/// In strict mode any malformation; in lenient mode only the bound on the count.
pub fn read(bytes: &[u8], mode: Mode) -> Result<Vec<Tlv<'_>>, TlvError> {
    let mut objects = Vec::new();
    let mut offset = 0;
    while offset < bytes.len() {
        // ISO/IEC 7816-4 section 5.2.2.1 allows 00 before, between and after objects.
        if mode == Mode::Lenient && bytes[offset] == 0x00 {
            offset += 1;
            continue;
        }
        match read_one(bytes, offset, mode) {
            Ok((object, next)) => {
                if objects.len() == OBJECTS_MAX {
                    return Err(TlvError::Bound);
                }
                objects.push(object);
                offset = next;
            }
            Err(error) if mode == Mode::Strict => return Err(error),
            Err(_) => break,
        }
    }
    Ok(objects)
}

/// Reads one level of objects strictly, each with its tag and length as they stand.
pub(crate) fn read_whole(bytes: &[u8]) -> Result<Vec<(Tlv<'_>, &[u8])>, TlvError> {
    let mut objects = Vec::new();
    let mut offset = 0;
    while offset < bytes.len() {
        let (object, next) = read_one(bytes, offset, Mode::Strict)?;
        if objects.len() == OBJECTS_MAX {
            return Err(TlvError::Bound);
        }
        objects.push((object, &bytes[offset..next]));
        offset = next;
    }
    Ok(objects)
}

/// Reads the object at `offset`; gives it and where the next one starts.
fn read_one(bytes: &[u8], offset: usize, mode: Mode) -> Result<(Tlv<'_>, usize), TlvError> {
    let (tag, length_at) = read_tag(bytes, offset)?;
    if bytes[offset] == 0x00 {
        // Padding at most, never a tag (ISO/IEC 7816-4 section 5.2.2.1).
        return Err(TlvError::Tag { offset });
    }
    let (length, value_at) = read_length(bytes, length_at, mode)?;
    let end = value_at.checked_add(length).ok_or(TlvError::Length { offset: length_at })?;
    let value = bytes.get(value_at..end).ok_or(TlvError::Value { offset: value_at })?;
    Ok((Tlv { tag, value }, end))
}

/// Reads the tag at `offset`; gives it and where it ends.
pub(crate) fn read_tag(bytes: &[u8], offset: usize) -> Result<(Tag, usize), TlvError> {
    let bad = TlvError::Tag { offset };
    let first = *bytes.get(offset).ok_or(bad)?;
    let mut tag = u32::from(first);
    let mut at = offset + 1;
    if first & 0x1F == 0x1F {
        loop {
            if at - offset == 4 {
                return Err(bad);
            }
            let next = *bytes.get(at).ok_or(bad)?;
            tag = (tag << 8) | u32::from(next);
            at += 1;
            if next & 0x80 == 0 {
                break;
            }
        }
    }
    Ok((Tag(tag), at))
}

fn read_length(bytes: &[u8], offset: usize, mode: Mode) -> Result<(usize, usize), TlvError> {
    let bad = TlvError::Length { offset };
    let first = *bytes.get(offset).ok_or(bad)?;
    if first < 0x80 {
        return Ok((usize::from(first), offset + 1));
    }
    let count = usize::from(first & 0x7F);
    if count > 4 || (count == 0 && mode == Mode::Strict) {
        return Err(bad);
    }
    let field = bytes.get(offset + 1..offset + 1 + count).ok_or(bad)?;
    let length = field.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    Ok((length, offset + 1 + count))
}

/// Gives every primitive object, depth first, with templates opened.
///
/// # Errors
/// As [`read`], and the bound on depth.
pub fn flatten(bytes: &[u8], mode: Mode) -> Result<Vec<Tlv<'_>>, TlvError> {
    let mut found = Vec::new();
    walk(bytes, mode, |object| {
        if !object.tag.is_constructed() {
            found.push(object);
        }
    })?;
    Ok(found)
}

/// Gives every object with this tag at any depth, in order.
pub fn find_all(bytes: &[u8], tag: Tag) -> Vec<&[u8]> {
    let mut found = Vec::new();
    // A bound that is passed ends the walk; what was found before it stands.
    let _ = walk(bytes, Mode::Lenient, |object| {
        if object.tag == tag {
            found.push(object.value);
        }
    });
    found
}

/// Gives the first object with this tag at any depth.
pub fn find(bytes: &[u8], tag: Tag) -> Option<&[u8]> {
    find_all(bytes, tag).into_iter().next()
}

/// Visits every object, depth first.
fn walk<'a>(bytes: &'a [u8], mode: Mode, mut visit: impl FnMut(Tlv<'a>)) -> Result<(), TlvError> {
    let mut visited = 0_usize;
    let mut levels = vec![read(bytes, mode)?.into_iter()];
    while let Some(level) = levels.last_mut() {
        let Some(object) = level.next() else {
            levels.pop();
            continue;
        };
        visited += 1;
        if visited > OBJECTS_MAX {
            return Err(TlvError::Bound);
        }
        visit(object);
        if object.tag.is_constructed() {
            if levels.len() > DEPTH_MAX {
                return Err(TlvError::Bound);
            }
            levels.push(read(object.value, mode)?.into_iter());
        }
    }
    Ok(())
}

/// Appends one object in definite form with the shortest length.
pub fn write(out: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    out.extend(tag.to_bytes());
    let length = value.len();
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap_or_default());
    } else {
        let bytes = length.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        let count = bytes.len() - skip;
        out.push(0x80 | u8::try_from(count).unwrap_or_default());
        out.extend_from_slice(&bytes[skip..]);
    }
    out.extend_from_slice(value);
}
