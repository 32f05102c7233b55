//! Puts functions that look alike beside each other: gzip finds what is alike within 32 KB, and the module's code is
//! many times that.
//!
//! `wasm-opt` sorts functions by their names, so each gets its rank for a name. Which of two functions comes first means
//! nothing to what they do.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{WebError, at, run};

/// Sections of a module (WebAssembly Core Specification 2.0, 5.5.2).
const CUSTOM: u8 = 0;
const IMPORT: u8 = 2;
const CODE: u8 = 10;
/// Subsection of the section `name` (7.4.1).
const FUNCTION_NAMES: u8 = 1;

/// Sorts the module in place, with a `wasm-opt` that was told which features the module has.
pub fn sort(mut wasm_opt: Command, module: &Path) -> Result<(), WebError> {
    let bytes = fs::read(module).map_err(at(module))?;
    let named = with_ranks(&bytes).ok_or_else(|| WebError::Module(module.to_owned()))?;
    fs::write(module, named).map_err(at(module))?;
    wasm_opt.args(["--reorder-functions-by-name", "--strip-debug", "-o"]).arg(module).arg(module);
    run(&mut wasm_opt)
}

/// The module with its functions' ranks for names; none when it is no module.
fn with_ranks(module: &[u8]) -> Option<Vec<u8>> {
    let header = module.strip_prefix(b"\0asm\x01\0\0\0")?;
    let (mut imported, mut bodies) = (0, Vec::new());
    let mut sections = Reader(header);
    while !sections.0.is_empty() {
        let kind = sections.byte()?;
        let mut section = Reader(sections.vector()?);
        match kind {
            IMPORT => imported = imported_functions(&mut section)?,
            CODE => bodies = (0..section.number()?).map(|_| section.vector()).collect::<Option<_>>()?,
            _ => {}
        }
    }
    let mut names = Vec::new();
    push_number(&mut names, bodies.len());
    for (function, rank) in ranks(&bodies).into_iter().enumerate() {
        push_number(&mut names, imported + function);
        push_vector(&mut names, format!("{rank:06}").as_bytes());
    }
    let mut section = Vec::new();
    push_vector(&mut section, b"name");
    section.push(FUNCTION_NAMES);
    push_vector(&mut section, &names);
    let mut named = module.to_vec();
    named.push(CUSTOM);
    push_vector(&mut named, &section);
    Some(named)
}

/// The place each body would have among all, sorted. From the end: beginnings are locals and reserving a frame, which
/// says less of what a function was made from.
fn ranks(bodies: &[&[u8]]) -> Vec<usize> {
    let mut sorted: Vec<usize> = (0..bodies.len()).collect();
    sorted.sort_by(|one, other| bodies[*one].iter().rev().cmp(bodies[*other].iter().rev()).then(one.cmp(other)));
    let mut ranks = vec![0; bodies.len()];
    for (rank, function) in sorted.into_iter().enumerate() {
        ranks[function] = rank;
    }
    ranks
}

/// How many of the imports are functions; their numbers come before our own (2.5.11).
fn imported_functions(section: &mut Reader<'_>) -> Option<usize> {
    let mut functions = 0;
    for _ in 0..section.number()? {
        section.vector()?;
        section.vector()?;
        match section.byte()? {
            0 => {
                section.number()?;
                functions += 1;
            }
            1 => {
                section.byte()?;
                section.limits()?;
            }
            2 => section.limits()?,
            3 => {
                section.byte()?;
                section.byte()?;
            }
            _ => return None,
        }
    }
    Some(functions)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// An unsigned number in LEB128 (5.2.2).
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).ok();
            }
        }
        None
    }

    /// So many bytes as a number before them says.
    fn vector(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (vector, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(vector)
    }

    fn limits(&mut self) -> Option<()> {
        let has_max = self.byte()? & 1 == 1;
        self.number()?;
        if has_max { self.number().map(drop) } else { Some(()) }
    }
}

fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low_bits(number));
}

fn low_bits(number: usize) -> u8 {
    (number & 0x7f).to_le_bytes()[0]
}

fn push_vector(bytes: &mut Vec<u8>, vector: &[u8]) {
    push_number(bytes, vector.len());
    bytes.extend_from_slice(vector);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One type, one imported function and memory, two functions: the first ends in 2, the second in 1.
    const MODULE: &[u8] = &[
        0, b'a', b's', b'm', 1, 0, 0, 0, // header
        1, 4, 1, 0x60, 0, 0, // types
        2, 16, 2, 1, b'a', 1, b'f', 0, 0, 1, b'a', 1, b'm', 2, 1, 1, 0x80, 1, // imports
        3, 3, 2, 0, 0, // functions
        10, 9, 2, 3, 0, 1, 2, 3, 0, 2, 1, // code
    ];

    #[test]
    fn functions_are_named_by_their_place_among_all() {
        let named = with_ranks(MODULE).unwrap();
        let (kept, added) = named.split_at(MODULE.len());
        assert_eq!(kept, MODULE);
        assert_eq!(added, b"\0\x18\x04name\x01\x11\x02\x01\x06000001\x02\x06000000");
    }

    #[test]
    fn what_is_cut_short_is_no_module() {
        for length in (0..MODULE.len()).filter(|length| ![8, 14, 32, 37].contains(length)) {
            assert!(with_ranks(&MODULE[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for number in [0, 1, 127, 128, 18_203, 2_568_057] {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number);
            assert_eq!(Reader(&bytes).number(), Some(number));
        }
        assert_eq!(Reader(&[0x80; 9]).number(), None);
    }
}
