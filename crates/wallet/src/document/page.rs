//! A document made page by page, from the top down.

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Pdf, Rect, Ref, Str, TextStr};

use super::font::{self, Face, Weight};

/// A4, in points.
const WIDTH: f32 = 595.0;
/// The same.
const HEIGHT: f32 = 842.0;
/// The margin on every side.
pub const MARGIN: f32 = 56.0;
/// Where text ends.
pub const RIGHT: f32 = WIDTH - MARGIN;
/// How wide text may be.
pub const COLUMN: f32 = WIDTH - 2.0 * MARGIN;
/// Where a page is full.
const BOTTOM: f32 = MARGIN + 24.0;
/// How much of a letter's size a thickened stroke is.
const THICKENED: f32 = 0.03;

/// A colour, as parts of red, green and blue.
pub type Colour = [f32; 3];
/// Text.
pub const INK: Colour = [0.08, 0.086, 0.102];
/// What explains.
pub const QUIET: Colour = [0.357, 0.373, 0.4];
/// Lines.
pub const LINE: Colour = [0.76, 0.74, 0.7];
/// The seal.
pub const SEAL: Colour = [0.784, 0.196, 0.122];
/// What verified.
pub const GOOD: Colour = [0.106, 0.431, 0.235];

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Its size in points.
    pub size: f32,
    /// How strong.
    pub weight: Weight,
    /// Its colour.
    pub colour: Colour,
}

impl Style {
    /// Usual text of a size.
    pub const fn plain(size: f32) -> Self {
        Self { size, weight: Weight::Regular, colour: INK }
    }

    /// Strong text.
    pub const fn strong(size: f32) -> Self {
        Self { size, weight: Weight::Bold, colour: INK }
    }

    /// What explains.
    pub const fn quiet(size: f32) -> Self {
        Self { size, weight: Weight::Regular, colour: QUIET }
    }

    /// The same in another colour.
    #[must_use]
    pub const fn in_colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// How wide a text is.
    pub fn width(self, text: &str) -> f32 {
        font::width(text, self.weight, self.size)
    }

    /// As much of a text as fits, with an ellipsis where it was cut.
    pub fn fitted(self, text: &str, width: f32) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut fitted = String::new();
        for letter in text.chars() {
            fitted.push(letter);
            if self.width(&format!("{fitted}…")) > width {
                fitted.pop();
                break;
            }
        }
        format!("{}…", fitted.trim_end())
    }

    /// A text in lines that fit, broken at spaces, or anywhere where there are none; at most so many.
    pub fn wrapped(self, text: &str, width: f32, lines_max: usize) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (word, after) = first_word(rest);
            let is_last = lines.len() == lines_max;
            let line = lines.last_mut().expect("there is always a line");
            if line.is_empty() || self.width(&format!("{line}{word}")) <= width {
                line.push_str(word);
                rest = after;
            } else if is_last {
                line.push_str(rest);
                rest = "";
            } else {
                lines.push(String::new());
                rest = rest.trim_start();
            }
        }
        lines.iter().map(|line| self.fitted(line.trim_end(), width)).collect()
    }
}

/// The text up to where a line may break, and what follows.
fn first_word(text: &str) -> (&str, &str) {
    let mut letters = text.char_indices().peekable();
    while let Some((_, letter)) = letters.next() {
        let Some((at, next)) = letters.peek().copied() else { break };
        let breaks = letter == ' ' && next != ' ' || letter >= '\u{2e80}' || next >= '\u{2e80}';
        if breaks {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// A file that goes with the document.
pub struct Attachment<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its media type, as a PDF name.
    pub media_type: &'a [u8],
}

/// A document that is being written.
pub struct Paper {
    pages: Vec<Content>,
    /// Where the next line is, from the bottom of the page.
    y: f32,
}

impl Paper {
    /// A document with one empty page.
    pub fn new() -> Self {
        Self { pages: vec![Content::new()], y: HEIGHT - MARGIN }
    }

    /// Where the next line is.
    pub const fn y(&self) -> f32 {
        self.y
    }

    /// Leaves space.
    pub fn down(&mut self, points: f32) {
        self.y -= points;
    }

    /// Goes back up, for what stands beside what was written.
    pub fn set_y(&mut self, y: f32) {
        self.y = y;
    }

    /// Begins another page when less than this is left; whether it did.
    pub fn ensure(&mut self, points: f32) -> bool {
        let is_full = self.y - points < BOTTOM;
        if is_full {
            self.pages.push(Content::new());
            self.y = HEIGHT - MARGIN;
        }
        is_full
    }

    fn content(&mut self) -> &mut Content {
        self.pages.last_mut().expect("a document has a page")
    }

    /// A text whose line stands at the current height.
    pub fn text(&mut self, x: f32, text: &str, style: Style) {
        let y = self.y;
        set(self.content(), (x, y), text, style);
    }

    /// The same, ending at `x`.
    pub fn text_before(&mut self, x: f32, text: &str, style: Style) {
        self.text(x - style.width(text), text, style);
    }

    /// A line across the column.
    pub fn rule(&mut self, dashes: &[f32]) {
        let y = self.y;
        let content = self.content();
        content.save_state().set_line_width(0.7).set_dash_pattern(dashes.iter().copied(), 0.0);
        content.set_stroke_rgb(LINE[0], LINE[1], LINE[2]);
        content.move_to(MARGIN, y).line_to(RIGHT, y).stroke().restore_state();
    }

    /// The mark: two squares, the inner one filled, and the arc of a tap.
    pub fn mark(&mut self, x: f32, side: f32, colour: Colour) {
        let (y, unit) = (self.y, side / 32.0);
        let content = self.content();
        content.save_state().transform([unit, 0.0, 0.0, -unit, x, y + side]);
        content.set_stroke_rgb(colour[0], colour[1], colour[2]).set_fill_rgb(colour[0], colour[1], colour[2]);
        content.set_line_width(3.0).rect(3.0, 7.0, 22.0, 22.0).stroke();
        content.rect(9.0, 13.0, 10.0, 10.0).fill_nonzero();
        content.move_to(21.0, 2.5).cubic_to(25.7, 2.9, 29.1, 6.3, 29.5, 11.0).stroke();
        content.restore_state();
    }

    /// A tick in a square: what verified.
    pub fn tick(&mut self, x: f32, side: f32) {
        let (y, unit) = (self.y, side / 24.0);
        let content = self.content();
        content.save_state().transform([unit, 0.0, 0.0, -unit, x, y + side - 2.0]);
        content.set_stroke_rgb(GOOD[0], GOOD[1], GOOD[2]).set_line_width(2.4);
        content.rect(1.5, 1.5, 21.0, 21.0).stroke();
        content.move_to(6.5, 12.5).line_to(10.5, 16.5).line_to(17.5, 8.0).stroke();
        content.restore_state();
    }

    /// A code of dark modules, row by row from the top, its upper edge at the current height.
    pub fn modules(&mut self, x: f32, side: f32, width: usize, is_dark: impl Fn(usize, usize) -> bool) {
        #[expect(clippy::cast_precision_loss, reason = "a QR code has at most 177 modules a side")]
        let place = |modules: usize| modules as f32 * side / width as f32;
        let y = self.y;
        let content = self.content();
        content.save_state().set_fill_rgb(0.0, 0.0, 0.0);
        for row in 0..width {
            let mut column = 0;
            while column < width {
                let length = (column..width).take_while(|column| is_dark(*column, row)).count();
                if length > 0 {
                    content.rect(x + place(column), y - place(row + 1), place(length), place(1));
                }
                column += length.max(1);
            }
        }
        content.fill_nonzero().restore_state();
    }

    /// The finished document. `footer` is what stands below each page, given its number and how many there are.
    pub fn finish(
        mut self,
        title: &str,
        language: &str,
        attachment: Option<&Attachment<'_>>,
        footer: impl Fn(usize, usize) -> String,
    ) -> Vec<u8> {
        let count = self.pages.len();
        for (index, content) in self.pages.iter_mut().enumerate() {
            set(content, (MARGIN, MARGIN - 20.0), &footer(index + 1, count), Style::quiet(8.0));
        }
        let mut last = 0;
        let mut next = move || {
            last += 1;
            Ref::new(last)
        };
        let (catalog, tree, info) = (next(), next(), next());
        let mut pdf = Pdf::new();
        let fonts: Vec<(Face, Ref)> = Face::ALL.into_iter().map(|face| (face, next())).collect();
        for (face, id) in &fonts {
            font::write(&mut pdf, *face, *id, &mut next);
        }
        let attached = attachment.map(|attachment| attach(&mut pdf, attachment, &mut next));
        {
            let mut root = pdf.catalog(catalog);
            root.pages(tree).lang(TextStr(language));
            root.viewer_preferences().pair(Name(b"DisplayDocTitle"), true);
            if let Some((name, id)) = attached {
                root.names().embedded_files().names().insert(Str(name.as_bytes()), id);
            }
        }
        pdf.document_info(info).title(TextStr(title)).producer(TextStr("Tapseal"));
        let ids: Vec<(Ref, Ref)> = self.pages.iter().map(|_| (next(), next())).collect();
        let kids = ids.iter().map(|(page, _)| *page);
        pdf.pages(tree).kids(kids).count(i32::try_from(count).unwrap_or(i32::MAX));
        for (content, (page, stream)) in self.pages.into_iter().zip(ids) {
            let mut leaf = pdf.page(page);
            leaf.parent(tree).media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).contents(stream);
            let mut resources = leaf.resources();
            let mut named = resources.fonts();
            for (face, id) in &fonts {
                named.pair(face.name(), *id);
            }
            drop(named);
            drop(resources);
            drop(leaf);
            let content = content.finish();
            pdf.stream(stream, &content);
        }
        pdf.finish()
    }
}

/// Attaches a file as it is: whoever looks for it finds its bytes.
fn attach<'a>(pdf: &mut Pdf, attachment: &Attachment<'a>, next: &mut impl FnMut() -> Ref) -> (&'a str, Ref) {
    let (file, spec) = (next(), next());
    pdf.embedded_file(file, attachment.bytes).subtype(Name(attachment.media_type));
    let mut written = pdf.file_spec(spec);
    written.path(Str(attachment.name.as_bytes())).unic_file(TextStr(attachment.name));
    written.embedded_file_with_unicode(file);
    drop(written);
    (attachment.name, spec)
}

fn set(content: &mut Content, (x, y): (f32, f32), text: &str, style: Style) {
    let Style { size, weight, colour } = style;
    content.save_state().begin_text();
    content.set_fill_rgb(colour[0], colour[1], colour[2]).set_stroke_rgb(colour[0], colour[1], colour[2]);
    content.set_line_width(size * THICKENED).set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]);
    for run in font::runs(text, weight) {
        let is_thick = weight == Weight::Bold && run.face.is_thickened();
        let mode = if is_thick { TextRenderingMode::FillStroke } else { TextRenderingMode::Fill };
        content.set_font(run.face.name(), size).set_text_rendering_mode(mode).show(Str(&run.codes));
    }
    content.end_text().restore_state();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_wide_is_cut_where_it_says_so() {
        let style = Style::plain(10.0);
        assert_eq!(style.fitted("Blue Door", 200.0), "Blue Door");
        let cut = style.fitted("A payee with a very long name", 60.0);
        assert!(cut.ends_with('…') && style.width(&cut) <= 60.0, "{cut}");
    }

    #[test]
    fn lines_break_at_spaces_and_between_chinese_letters() {
        let style = Style::plain(10.0);
        let lines = style.wrapped("Blue Door Café and Bakery", 80.0, 2);
        assert_eq!(lines, ["Blue Door Café", "and Bakery"]);
        assert_eq!(style.wrapped("蓝门咖啡与面包", 40.0, 2), ["蓝门咖啡", "与面包"]);
        let cut = style.wrapped("one two three four five six", 40.0, 2);
        assert!(cut.len() == 2 && cut[1].ends_with('…'), "{cut:?}");
    }
}
