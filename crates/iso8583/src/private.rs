//! The private composites: what a payment by capsule carries beyond the standard's fields.
//!
//! Data element 126 is the inner capsule, bytes the acquirer cannot open. Data element 127 is a
//! [`Composite`]: one version byte, then entries of a tag, a two-byte big-endian length and a
//! value, in strictly ascending order of tags. So every composite has exactly one encoding, an
//! entry cannot be given twice, and a version this crate does not know is refused whole.
//!
//! ```text
//! 01 | 01 0123 <order JWS> | 02 0010 <attempt id> | 03 0020 <wallet nonce>
//! ```

use crate::{Error, Message, Place};

/// The data element of the inner capsule.
pub const CAPSULE_ELEMENT: u8 = 126;
/// The data element of the composite.
pub const COMPOSITE_ELEMENT: u8 = 127;
/// The longest inner capsule, in bytes.
pub const CAPSULE_BYTES_MAX: usize = 2048;
/// The longest composite, in bytes: room for the largest order in base64url (8 KiB of canonical
/// JSON), and with the largest capsule still within one message.
pub const COMPOSITE_BYTES_MAX: usize = 12 * 1024;
/// The version byte of every composite.
pub const COMPOSITE_VERSION: u8 = 1;

/// What stands before each entry: the tag and the length.
const ENTRY_HEADER_BYTES: usize = 3;
/// The longest reason code, in characters.
const REASON_CHARACTERS_MAX: usize = 64;

/// The tag of an entry. Requests use 01 to 0F, answers 11 to 1F.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Tag {
    Order = 0x01,
    AttemptId = 0x02,
    WalletNonce = 0x03,
    RequestId = 0x04,
    Refund = 0x05,
    Outcome = 0x11,
    BankCertificate = 0x12,
    PinTriesLeft = 0x13,
    Reason = 0x14,
    Payers = 0x15,
    SubscriberCertificate = 0x16,
}

impl Tag {
    const fn parse(byte: u8) -> Option<Self> {
        Some(match byte {
            0x01 => Self::Order,
            0x02 => Self::AttemptId,
            0x03 => Self::WalletNonce,
            0x04 => Self::RequestId,
            0x05 => Self::Refund,
            0x11 => Self::Outcome,
            0x12 => Self::BankCertificate,
            0x13 => Self::PinTriesLeft,
            0x14 => Self::Reason,
            0x15 => Self::Payers,
            0x16 => Self::SubscriberCertificate,
            _ => return None,
        })
    }
}

/// The value of data element 127. What a message type needs and what it may leave out is in
/// `docs/iso8583.md`; the composite itself lets everything be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composite {
    /// The order as the merchant signed it, a compact JWS.
    pub order: Option<String>,
    /// The attempt's id, the sixteen bytes of its UUID.
    pub attempt_id: Option<[u8; 16]>,
    /// The wallet's nonce, which enters the attempt hash.
    pub wallet_nonce: Option<[u8; 32]>,
    /// The request's id, the sixteen bytes of its UUID, where there is no order to read it from.
    pub request_id: Option<[u8; 16]>,
    /// The refund order as the merchant signed it, a compact JWS.
    pub refund: Option<String>,
    /// The bank's signed outcome, a compact JWS.
    pub outcome: Option<String>,
    /// The bank's certificate of its sealing keys, a compact JWS signed by the bank's root.
    pub bank_certificate: Option<String>,
    /// PIN tries left on the card, when the bank says so.
    pub pin_tries_left: Option<u8>,
    /// Why the bank refused, as a code of the shared vocabulary: finer than data element 39.
    pub reason: Option<String>,
    /// What became of payers by code, as JSON in printable ASCII.
    pub payers: Option<String>,
    /// The certificate of a subscriber's key, a compact JWS signed by its operator's root.
    pub subscriber_certificate: Option<String>,
}

impl Composite {
    /// The bytes of data element 127.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut out = vec![COMPOSITE_VERSION];
        let mut push = |tag: Tag, value: Option<&[u8]>| -> Result<(), Error> {
            let Some(value) = value else { return Ok(()) };
            let wrong = |what| Error::Composite { what, offset: out.len() };
            let length = u16::try_from(value.len()).map_err(|_| wrong("value too long"))?;
            check(tag, value).map_err(wrong)?;
            out.push(tag as u8);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(value);
            Ok(())
        };
        push(Tag::Order, self.order.as_deref().map(str::as_bytes))?;
        push(Tag::AttemptId, self.attempt_id.as_ref().map(|id| &id[..]))?;
        push(Tag::WalletNonce, self.wallet_nonce.as_ref().map(|nonce| &nonce[..]))?;
        push(Tag::RequestId, self.request_id.as_ref().map(|id| &id[..]))?;
        push(Tag::Refund, self.refund.as_deref().map(str::as_bytes))?;
        push(Tag::Outcome, self.outcome.as_deref().map(str::as_bytes))?;
        push(Tag::BankCertificate, self.bank_certificate.as_deref().map(str::as_bytes))?;
        push(Tag::PinTriesLeft, self.pin_tries_left.as_ref().map(std::slice::from_ref))?;
        push(Tag::Reason, self.reason.as_deref().map(str::as_bytes))?;
        push(Tag::Payers, self.payers.as_deref().map(str::as_bytes))?;
        push(Tag::SubscriberCertificate, self.subscriber_certificate.as_deref().map(str::as_bytes))?;
        if out.len() > COMPOSITE_BYTES_MAX {
            return Err(Error::TooLong {
                place: Place::Element(COMPOSITE_ELEMENT),
                offset: 0,
                length: out.len(),
                max: COMPOSITE_BYTES_MAX,
            });
        }
        Ok(out)
    }

    /// Reads the bytes of data element 127.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |what, offset| Error::Composite { what, offset };
        let (version, mut rest) = bytes.split_first().ok_or(wrong("empty", 0))?;
        if *version != COMPOSITE_VERSION {
            return Err(wrong("unknown version", 0));
        }
        let mut composite = Self::default();
        let mut last: Option<Tag> = None;
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            let ([tag, high, low], after) =
                rest.split_first_chunk::<ENTRY_HEADER_BYTES>().ok_or(wrong("entry cut", offset))?;
            let tag = Tag::parse(*tag).ok_or(wrong("unknown tag", offset))?;
            if last.is_some_and(|last| last >= tag) {
                return Err(wrong("tags not ascending", offset));
            }
            let (value, after) = after
                .split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))
                .ok_or(wrong("value cut", offset))?;
            check(tag, value).map_err(|what| wrong(what, offset))?;
            composite.take(tag, value);
            last = Some(tag);
            rest = after;
        }
        Ok(composite)
    }

    /// Stores a value that [`check`] has accepted for its tag.
    fn take(&mut self, tag: Tag, value: &[u8]) {
        let text = || value.iter().map(|byte| char::from(*byte)).collect::<String>();
        match tag {
            Tag::Order => self.order = Some(text()),
            Tag::AttemptId => self.attempt_id = value.try_into().ok(),
            Tag::WalletNonce => self.wallet_nonce = value.try_into().ok(),
            Tag::RequestId => self.request_id = value.try_into().ok(),
            Tag::Refund => self.refund = Some(text()),
            Tag::Outcome => self.outcome = Some(text()),
            Tag::BankCertificate => self.bank_certificate = Some(text()),
            Tag::PinTriesLeft => self.pin_tries_left = value.first().copied(),
            Tag::Reason => self.reason = Some(text()),
            Tag::Payers => self.payers = Some(text()),
            Tag::SubscriberCertificate => self.subscriber_certificate = Some(text()),
        }
    }

    /// The composite of a message that must have one.
    pub fn of(message: &Message) -> Result<Self, Error> {
        Self::parse(message.binary(COMPOSITE_ELEMENT)?)
    }
}

/// Whether a value is one its tag may have; the same rule guards both directions.
fn check(tag: Tag, value: &[u8]) -> Result<(), &'static str> {
    let ok = match tag {
        Tag::AttemptId | Tag::RequestId => value.len() == 16,
        Tag::WalletNonce => value.len() == 32,
        Tag::PinTriesLeft => value.len() == 1,
        // RFC 7515, section 3.1: three base64url parts with dots between.
        Tag::Order | Tag::Refund | Tag::Outcome | Tag::BankCertificate | Tag::SubscriberCertificate => {
            !value.is_empty() && value.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
        }
        Tag::Reason => {
            (1..=REASON_CHARACTERS_MAX).contains(&value.len())
                && value.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'_')
        }
        Tag::Payers => !value.is_empty() && value.iter().all(|c| matches!(c, b' '..=b'~')),
    };
    if ok { Ok(()) } else { Err("value not allowed for its tag") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request() -> Composite {
        Composite {
            order: Some("eyJhbGciOiJFZERTQSJ9.e30.c2ln".to_owned()),
            attempt_id: Some([7; 16]),
            wallet_nonce: Some([9; 32]),
            ..Composite::default()
        }
    }

    #[test]
    fn a_request_has_the_documented_bytes() {
        let bytes = request().to_bytes().unwrap();
        assert_eq!(&bytes[..4], &[1, 0x01, 0, 29]);
        assert_eq!(&bytes[33..36], &[0x02, 0, 16]);
        assert_eq!(&bytes[52..55], &[0x03, 0, 32]);
        assert_eq!(bytes.len(), 87);
        assert_eq!(Composite::parse(&bytes).unwrap(), request());
    }

    #[test]
    fn every_cut_is_refused_or_whole_entries() {
        let bytes = request().to_bytes().unwrap();
        for end in 0..bytes.len() {
            let whole_entries = [1, 33, 52].contains(&end);
            assert_eq!(Composite::parse(&bytes[..end]).is_ok(), whole_entries, "cut at {end}");
        }
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        for (bytes, what) in [
            (&[][..], "empty"),
            (&[2], "unknown version"),
            (&[1, 0x7f, 0, 0], "unknown tag"),
            (&[1, 0x13, 0, 1, 2, 0x13, 0, 1, 2], "tags not ascending"),
            (&[1, 0x14, 0, 1, b'a', 0x13, 0, 1, 2], "tags not ascending"),
            (&[1, 0x13, 0], "entry cut"),
            (&[1, 0x13, 0, 2, 1], "value cut"),
            (&[1, 0x13, 0, 2, 1, 1], "value not allowed for its tag"),
            (&[1, 0x14, 0, 1, b'A'], "value not allowed for its tag"),
            (&[1, 0x11, 0, 0], "value not allowed for its tag"),
            (&[1, 0x02, 0, 1, 1], "value not allowed for its tag"),
        ] {
            match Composite::parse(bytes) {
                Err(Error::Composite { what: found, .. }) => assert_eq!(found, what, "{bytes:?}"),
                other => panic!("{bytes:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn what_would_not_parse_is_not_packed() {
        let space = Composite { outcome: Some("a b".to_owned()), ..Composite::default() };
        assert!(space.to_bytes().is_err());
        let long = Composite { order: Some("a".repeat(12_289)), ..Composite::default() };
        assert!(matches!(long.to_bytes(), Err(Error::TooLong { .. })));
        let longer = Composite { order: Some("a".repeat(70_000)), ..Composite::default() };
        assert!(matches!(longer.to_bytes(), Err(Error::Composite { .. })));
    }

    proptest! {
        #[test]
        fn what_parses_packs_to_the_same_bytes(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            if let Ok(composite) = Composite::parse(&bytes) {
                prop_assert_eq!(composite.to_bytes().unwrap(), bytes);
            }
        }

        #[test]
        fn what_packs_parses_to_the_same(
            order in prop::option::of("[A-Za-z0-9_.-]{1,200}"),
            refund in prop::option::of("[A-Za-z0-9_.-]{1,200}"),
            outcome in prop::option::of("[A-Za-z0-9_.-]{1,200}"),
            attempt_id: Option<[u8; 16]>,
            wallet_nonce: Option<[u8; 32]>,
            request_id: Option<[u8; 16]>,
            pin_tries_left: Option<u8>,
            reason in prop::option::of("[a-z0-9_]{1,64}"),
            payers in prop::option::of("[ -~]{1,200}"),
        ) {
            let (bank_certificate, subscriber_certificate) = (outcome.clone(), order.clone());
            let composite = Composite {
                order, attempt_id, wallet_nonce, request_id, refund, outcome, bank_certificate, pin_tries_left, reason,
                payers, subscriber_certificate,
            };
            let bytes = composite.to_bytes().unwrap();
            prop_assert_eq!(Composite::parse(&bytes).unwrap(), composite);
        }
    }
}
