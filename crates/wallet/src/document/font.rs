//! The fonts of a document, and how wide their letters are.

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Name, Pdf, Rect, Ref, Str};
use unicode_normalization::UnicodeNormalization;

/// Widths of Helvetica from space to tilde, in thousandths of its size: Adobe's metrics of the standard fonts.
const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];
/// The same of its bold face.
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
];
/// What a letter without a width of its own takes.
const USUAL: u16 = 556;
/// What a letter of the other scripts takes: a full square.
const SQUARE: u16 = 1_000;
/// Signs beyond Latin 1 that `WinAnsiEncoding` has (annex D.2), and their codes.
const WIN_ANSI: [(char, u8); 10] = [
    ('€', 0x80),
    ('…', 0x85),
    ('‘', 0x91),
    ('’', 0x92),
    ('“', 0x93),
    ('”', 0x94),
    ('•', 0x95),
    ('–', 0x96),
    ('—', 0x97),
    ('™', 0x99),
];

/// How strong a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Usual.
    Regular,
    /// Strong.
    Bold,
}

/// A font of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Helvetica.
    Latin,
    /// Its bold face.
    LatinBold,
    /// Song, for Chinese, and for kana, Greek and Cyrillic, which its collection has too.
    Chinese,
    /// Myeongjo, for Hangul.
    Korean,
}

impl Face {
    /// Every face.
    pub const ALL: [Self; 4] = [Self::Latin, Self::LatinBold, Self::Chinese, Self::Korean];

    /// Its name in a page's resources.
    pub const fn name(self) -> Name<'static> {
        Name(match self {
            Self::Latin => b"F1",
            Self::LatinBold => b"F2",
            Self::Chinese => b"F3",
            Self::Korean => b"F4",
        })
    }

    /// The face a letter is set in.
    fn of(letter: char, weight: Weight) -> Self {
        match letter {
            letter if win_ansi(letter).is_some() && weight == Weight::Bold => Self::LatinBold,
            letter if win_ansi(letter).is_some() => Self::Latin,
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}' => Self::Korean,
            _ => Self::Chinese,
        }
    }

    /// Whether its strokes are thickened to look strong: it has no bold face.
    pub const fn is_thickened(self) -> bool {
        matches!(self, Self::Chinese | Self::Korean)
    }

    /// A text as this face's codes.
    fn codes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Latin | Self::LatinBold => text.chars().filter_map(win_ansi).collect(),
            Self::Chinese | Self::Korean => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

/// A piece of a text in one face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The face.
    pub face: Face,
    /// The face's codes.
    pub codes: Vec<u8>,
}

/// A text, piece by piece.
pub fn runs(text: &str, weight: Weight) -> Vec<Run> {
    let mut pieces: Vec<(Face, String)> = Vec::new();
    // Letters that are drawn, and each as one: what directs, joins or marks a text is not set on its own.
    for letter in text.nfc().filter(|letter| !letter.is_control()) {
        let face = Face::of(letter, weight);
        match pieces.last_mut() {
            Some((last, piece)) if *last == face => piece.push(letter),
            _ => pieces.push((face, String::from(letter))),
        }
    }
    pieces.into_iter().map(|(face, piece)| Run { face, codes: face.codes(&piece) }).collect()
}

/// How wide a text is at a size, in points.
pub fn width(text: &str, weight: Weight, size: f32) -> f32 {
    let thousandths: u32 = text.nfc().map(|letter| u32::from(letter_width(letter, weight))).sum();
    #[expect(clippy::cast_precision_loss, reason = "a line of text is far below 2^24 thousandths")]
    let width = thousandths as f32;
    width * size / 1_000.0
}

fn letter_width(letter: char, weight: Weight) -> u16 {
    let table = if weight == Weight::Bold { &BOLD } else { &REGULAR };
    let plain = |letter: char| (letter as usize).checked_sub(0x20).and_then(|index| table.get(index)).copied();
    if win_ansi(letter).is_none() {
        return SQUARE;
    }
    // An accent adds no width to its letter.
    plain(letter).or_else(|| plain(letter.nfd().next()?)).unwrap_or(match letter {
        '…' | '—' => SQUARE,
        '•' => 350,
        _ => USUAL,
    })
}

fn win_ansi(letter: char) -> Option<u8> {
    match letter {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(letter).ok(),
        _ => WIN_ANSI.iter().find(|(known, _)| *known == letter).map(|(_, code)| *code),
    }
}

/// Writes a face's font.
pub fn write(pdf: &mut Pdf, face: Face, id: Ref, next: &mut impl FnMut() -> Ref) {
    match face {
        Face::Latin => latin(pdf, id, b"Helvetica"),
        Face::LatinBold => latin(pdf, id, b"Helvetica-Bold"),
        Face::Chinese => predefined(pdf, id, next, (b"STSong-Light", b"UniGB-UTF16-H", b"GB1", 5)),
        Face::Korean => predefined(pdf, id, next, (b"HYSMyeongJo-Medium", b"UniKS-UTF16-H", b"Korea1", 2)),
    }
}

fn latin(pdf: &mut Pdf, id: Ref, name: &[u8]) {
    pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
}

/// A font of one of Adobe's character collections, by its code map's name: nothing of it is in the file.
fn predefined(
    pdf: &mut Pdf,
    id: Ref,
    next: &mut impl FnMut() -> Ref,
    (name, encoding, ordering, supplement): (&[u8], &[u8], &[u8], i32),
) {
    let (descendant, descriptor, unicode) = (next(), next(), next());
    pdf.type0_font(id)
        .base_font(Name(name))
        .encoding_predefined(Name(encoding))
        .descendant_font(descendant)
        .to_unicode(unicode);
    pdf.cid_font(descendant)
        .subtype(CidFontType::Type0)
        .base_font(Name(name))
        .system_info(SystemInfo { registry: Str(b"Adobe"), ordering: Str(ordering), supplement })
        .font_descriptor(descriptor)
        .default_width(1_000.0);
    pdf.font_descriptor(descriptor)
        .name(Name(name))
        .flags(FontFlags::SYMBOLIC | FontFlags::SERIF)
        .bbox(Rect::new(-25.0, -254.0, 1_000.0, 880.0))
        .italic_angle(0.0)
        .ascent(880.0)
        .descent(-120.0)
        .cap_height(880.0)
        .stem_v(93.0);
    // The codes are UTF-16 already: who copies text gets it, whether or not a reader has the collection's maps.
    pdf.cmap(unicode, TO_UNICODE);
}

/// Every code stands for itself (section 9.10.3).
const TO_UNICODE: &[u8] = b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n\
/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n1 beginbfrange\n<0000> <FFFF> <0000>\n\
endbfrange\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_set_in_the_faces_that_have_its_letters() {
        let faces = |text: &str| runs(text, Weight::Regular).into_iter().map(|run| run.face).collect::<Vec<_>>();
        assert_eq!(faces("Blue Door Café"), [Face::Latin]);
        assert_eq!(faces("蓝门咖啡 Café"), [Face::Chinese, Face::Latin]);
        assert_eq!(faces("가게"), [Face::Korean]);
        assert_eq!(runs("é…", Weight::Bold), [Run { face: Face::LatinBold, codes: vec![0xe9, 0x85] }]);
        assert_eq!(runs("门", Weight::Regular), [Run { face: Face::Chinese, codes: vec![0x95, 0xe8] }]);
        assert!(runs("\u{7}\n", Weight::Regular).is_empty());
    }

    #[test]
    fn widths_are_those_of_the_letters() {
        assert_eq!(letter_width('1', Weight::Regular), 556);
        assert_eq!(letter_width('é', Weight::Regular), letter_width('e', Weight::Regular));
        assert_eq!(letter_width('门', Weight::Bold), 1_000);
        assert!((width("12.80", Weight::Regular, 10.0) - 25.02).abs() < 0.001);
    }
}
