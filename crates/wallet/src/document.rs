//! Documents to print: one receipt, or the payments of a period, as PDF (ISO 32000).
//!
//! No font is shipped. Latin text uses two of the fonts that every reader of PDF has (section 9.6.2.2); everything else
//! uses the predefined Chinese and Korean ones, which a reader takes from its system (section 9.7.5.2). A receipt's
//! document has the receipt itself attached, so that whoever is handed the document can check it.

mod font;
mod list;
mod page;
mod receipt;
mod words;

pub use list::{ListPaper, list};
pub use receipt::{ReceiptPaper, receipt};
pub use words::Words;
