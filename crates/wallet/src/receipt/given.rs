//! What a person gives to be checked: a receipt's text, a document with a receipt inside, a short proof, or a picture
//! of one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payment::PurchaseProof;
use protocol::ipc::history::{GivenReceipt, ReceiptFault};

use super::{PROOF_PREFIX, RECEIPT_BYTES_MAX};
use crate::error::{Result, WalletError};
use crate::scan;

/// What a document begins with (ISO 32000-2, section 7.5.2).
const PDF_BEGINS: &[u8] = b"%PDF-";
/// What a receipt's JSON has at its beginning, wherever a document holds it.
const RECEIPT_BEGINS: &[u8] = br#"{"version":"#;
/// What ends a document's stream (section 7.3.8).
const STREAM_ENDS: &[u8] = b"endstream";

/// What was found to check; nothing of it is believed yet.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// A receipt's JSON.
    Receipt(String),
    /// A bank's signed outcome.
    Proof(String),
    /// What proves a purchase on a phone bill.
    Purchase(Box<PurchaseProof>),
}

impl Claim {
    /// Looks for a receipt in what was given.
    pub fn find(given: GivenReceipt) -> Result<Self> {
        match given {
            GivenReceipt::Text { text } => Self::in_text(&text),
            GivenReceipt::File { data } => {
                // Four letters for every three bytes.
                if data.len() / 4 * 3 > scan::PICTURE_BYTES_MAX {
                    return Err(too_large());
                }
                let bytes = STANDARD.decode(data.trim()).map_err(|_| nothing("it is not base64"))?;
                Self::in_file(&bytes)
            }
        }
    }

    fn in_text(text: &str) -> Result<Self> {
        if text.len() > RECEIPT_BYTES_MAX {
            return Err(too_large());
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        match text.strip_prefix(PROOF_PREFIX) {
            Some(outcome) => Ok(Self::Proof(outcome.trim().to_owned())),
            None => Ok(match serde_json::from_str(text) {
                Ok(proof) => Self::Purchase(proof),
                Err(_) => Self::Receipt(text.to_owned()),
            }),
        }
    }

    fn in_file(bytes: &[u8]) -> Result<Self> {
        if bytes.starts_with(PDF_BEGINS) {
            return inside(bytes).map(Self::Receipt).ok_or_else(|| nothing("the document holds no receipt"));
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self::in_text(text);
        }
        let is_proof = |text: &str| text.starts_with(PROOF_PREFIX);
        let texts = scan::texts_of(bytes, is_proof).map_err(|_| nothing("it is no picture and no text"))?;
        match texts.into_iter().find(|text| is_proof(text)) {
            Some(text) => Self::in_text(&text),
            None => Err(nothing("the picture shows no short proof")),
        }
    }
}

/// The receipt that a document of ours has attached: it stands there as it is, between its own beginning and the end
/// of its stream.
fn inside(document: &[u8]) -> Option<String> {
    let begins = position(document, RECEIPT_BEGINS)?;
    let attached = &document[begins..];
    let attached = &attached[..position(attached, STREAM_ENDS)?];
    std::str::from_utf8(attached).ok().map(|text| text.trim().to_owned())
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn nothing(what: &'static str) -> WalletError {
    WalletError::Receipt(ReceiptFault::NotAReceipt, what)
}

fn too_large() -> WalletError {
    WalletError::Receipt(ReceiptFault::TooLarge, "it is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> Result<Claim> {
        Claim::find(GivenReceipt::File { data: STANDARD.encode(bytes) })
    }

    fn fault(found: Result<Claim>) -> ReceiptFault {
        match found {
            Err(WalletError::Receipt(fault, _)) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_receipt_is_found_in_text_file_and_document() {
        let json = r#"{"version":1,"order":"x"}"#;
        let text = GivenReceipt::Text { text: format!("\u{feff}  {json}\n") };
        assert_eq!(Claim::find(text).unwrap(), Claim::Receipt(json.into()));
        assert_eq!(file(json.as_bytes()).unwrap(), Claim::Receipt(json.into()));
        let document = format!("%PDF-1.7\n<< /Length 24 >>\nstream\n{json}\nendstream\nendobj\n");
        assert_eq!(file(document.as_bytes()).unwrap(), Claim::Receipt(json.into()));
        let proof = GivenReceipt::Text { text: "tapseal:proof:1:a.b.c".into() };
        assert_eq!(Claim::find(proof).unwrap(), Claim::Proof("a.b.c".into()));
    }

    #[test]
    fn a_proof_is_found_in_a_picture() {
        let code = qrcode::QrCode::new("tapseal:proof:1:a.b.c").unwrap();
        let side = u32::try_from(code.width()).unwrap();
        let colours = code.to_colors();
        let picture = image::GrayImage::from_fn((side + 8) * 4, (side + 8) * 4, |x, y| {
            let (Some(x), Some(y)) = ((x / 4).checked_sub(4), (y / 4).checked_sub(4)) else {
                return image::Luma([255]);
            };
            let is_dark = x < side && y < side && colours[(y * side + x) as usize] == qrcode::Color::Dark;
            image::Luma([if is_dark { 0 } else { 255 }])
        });
        let mut png = Vec::new();
        picture.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
        assert_eq!(file(&png).unwrap(), Claim::Proof("a.b.c".into()));
    }

    #[test]
    fn what_holds_no_receipt_says_so() {
        assert_eq!(fault(file(b"%PDF-1.7\nnothing\nendstream")), ReceiptFault::NotAReceipt);
        assert_eq!(fault(file(&[0xff, 0xd8, 0xff, 0xe0, 0, 1])), ReceiptFault::NotAReceipt);
        assert_eq!(fault(Claim::find(GivenReceipt::File { data: "%".into() })), ReceiptFault::NotAReceipt);
        let long = GivenReceipt::Text { text: "x".repeat(RECEIPT_BYTES_MAX + 1) };
        assert_eq!(fault(Claim::find(long)), ReceiptFault::TooLarge);
    }
}
